/* The operator: watches jobs, pods and Services, and makes of them what the jobs ask for. */
#ifndef TN_KUBE_OPERATOR_H
#define TN_KUBE_OPERATOR_H

#include "kube/config.h"
#include "kube/job.h"

typedef struct tn_operator_options {
  const tn_kube_config *config;
  const char *ns;       /* only this namespace; NULL: all */
  const char *identity; /* this process among those that want to lead; NULL: no election */
  const char *lease_ns; /* the namespace of the Lease */
  tn_gang gang;         /* how jobs start that ask to start as one */
  double progress_s;    /* how often the leader of a job that runs is asked how far it is; 0: never */
  int port;             /* of /metrics, /healthz and /readyz; 0: none */
  const char *address;  /* to listen on; NULL: loopback */
} tn_operator_options;

typedef struct tn_operator tn_operator;

tn_error *tn_operator_new(const tn_operator_options *options, tn_operator **out) TN_MUST_USE;
/* Works until tn_operator_stop, or until the leadership is lost (ABORTED). */
tn_error *tn_operator_run(tn_operator *o) TN_MUST_USE;
/* Makes tn_operator_run return when what it is writing is written. Async-signal-safe. */
void tn_operator_stop(tn_operator *o);
void tn_operator_free(tn_operator *o);

#endif
