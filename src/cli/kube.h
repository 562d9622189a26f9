/* What the commands share that talk to Kubernetes. */
#ifndef TN_CLI_KUBE_H
#define TN_CLI_KUBE_H

#include "cli/cli.h"
#include "kube/api.h"

/* The cluster that a command works on, and the options that name it: put CLI_KUBE_OPTIONS(k) into the command's. */
typedef struct cli_kube {
  const char *kubeconfig, *context, *ns; /* as given */
  tn_kube_config config;
  tn_api *api;
} cli_kube;

#define CLI_KUBE_OPTIONS(k)                                                                                            \
  {"kubeconfig", CLI_TEXT, &(k)->kubeconfig, "FILE", "how to reach the cluster"},                                      \
      {"context", CLI_TEXT, &(k)->context, "NAME", "which of the kubeconfig's contexts"}, {                            \
    "namespace", CLI_TEXT, &(k)->ns, "NS", "the context's namespace if not given"                                      \
  }

/* Reads the configuration; K->ns is set after this. */
tn_error *cli_kube_open(cli_kube *k) TN_MUST_USE;
void cli_kube_close(cli_kube *k);
/* The job called NAME, of either kind. NOT_FOUND says which there are. *OUT is a new reference. */
tn_error *cli_kube_job(cli_kube *k, const char *name, json_t **out) TN_MUST_USE;
/* Changes a job by a merge patch. */
tn_error *cli_kube_patch(cli_kube *k, const json_t *job, json_t *patch) TN_MUST_USE;
/* In which state a job is: the last of its conditions that holds, "Pending" if none does. */
const char *cli_job_state(const json_t *job);

#endif
