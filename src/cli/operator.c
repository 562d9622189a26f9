/* `tenon operator`: runs jobs on Kubernetes. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "kube/operator.h"

static tn_operator *running;

static void stop(int signal) {
  (void)signal;
  tn_operator_stop(running);
}

static tn_error *serve(const tn_operator_options *options) {
  tn_operator *o;
  TN_TRY(tn_operator_new(options, &o));
  running = o;
  struct sigaction action = {.sa_handler = stop};
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  signal(SIGPIPE, SIG_IGN);
  tn_error *error = tn_operator_run(o);
  signal(SIGTERM, SIG_IGN);
  signal(SIGINT, SIG_IGN);
  tn_operator_free(o);
  return error;
}

static int run(const cli_command *command, int argc, char **argv) {
  const char *kubeconfig = NULL, *context = NULL, *ns = NULL, *address = NULL, *identity = NULL;
  bool elect = false;
  static const char *const gangs[] = {"none", "builtin", "scheduler-plugins", "volcano", NULL};
  const char *gang = NULL;
  int64_t port = 0;
  double progress = 10;
  const cli_option options[] = {
      {"kubeconfig", CLI_TEXT, &kubeconfig, "FILE", "how to reach the cluster; in a pod its service account is used"},
      {"context", CLI_TEXT, &context, "NAME", "which of the kubeconfig's contexts"},
      {"namespace", CLI_TEXT, &ns, "NS", "work in this namespace only"},
      {"gang", CLI_TEXT, &gang, "WHO", "who starts gangs: builtin, scheduler-plugins, volcano or none"},
      {"progress", CLI_FLOAT, &progress, "S", "ask the leader of a job every S seconds how far it is; 0: never"},
      {"leader-elect", CLI_FLAG, &elect, NULL, "of several operators let only one work, by a Lease"},
      {"identity", CLI_TEXT, &identity, "NAME", "this process in the election; its host name and number if not given"},
      {"address", CLI_TEXT, &address, "IP", "where to serve metrics and health probes; loopback if not given"},
      {"port", CLI_INT, &port, "N", "the port of those; none if not given"},
      {.name = NULL}};
  int n, code = cli_parse(command, options, argc, argv, &n);
  if (code >= 0) return code;
  if (n) return cli_usage(command, "there is no argument '%s'", argv[0]);
  int who = ns ? TN_GANG_NONE : TN_GANG_BUILTIN; /* nodes lie in no namespace */
  for (int i = 0; gang && gangs[i]; i++)
    if (!strcmp(gangs[i], gang)) who = i, gang = NULL;
  if (gang) return cli_usage(command, "--gang takes none, builtin, scheduler-plugins or volcano, not '%s'", gang);
  char own[128], host[64] = "operator";
  gethostname(host, sizeof host - 1);
  snprintf(own, sizeof own, "%s_%d", host, (int)getpid());
  tn_kube_config config;
  tn_error *error = tn_kube_config_load(kubeconfig, context, &config);
  if (error) return cli_fail(error);
  const char *here = getenv("POD_NAMESPACE");
  error = serve(&(tn_operator_options){.config = &config,
                                       .ns = ns,
                                       .identity = !elect     ? NULL
                                                   : identity ? identity
                                                              : own,
                                       .lease_ns = here ? here : config.ns,
                                       .gang = (tn_gang)who,
                                       .progress_s = progress,
                                       .port = (int)port,
                                       .address = address});
  tn_kube_config_clear(&config);
  return error ? cli_fail(error) : CLI_OK;
}

const cli_command cli_operator = {
    .name = "operator",
    .arguments = "[options]",
    .summary = "Run TenonJobs and TFJobs on Kubernetes.",
    .details = "It works until it gets SIGTERM, or until it loses an election that it had won (exit code 1).",
    .run = run,
};
