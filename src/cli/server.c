/* `tenon server`: one task of a cluster, until it is ended. */
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/cli.h"
#include "monitor/monitor.h"

/* What TF_CONFIG says: {"cluster": {"ps": ["host:port"]}, "task": {"type": "ps", "index": 0}}. */
typedef struct config {
  json_t *root;
  char cluster[65536];
  const char *job;
  int64_t task;
} config;

static bool add(config *c, const char *text) {
  size_t used = strlen(c->cluster), size = strlen(text);
  if (used + size >= sizeof c->cluster) return false;
  memcpy(c->cluster + used, text, size + 1);
  return true;
}

static tn_error *read_cluster(config *c, json_t *cluster) {
  const char *job = NULL;
  json_t *addresses = NULL;
  json_object_foreach(cluster, job, addresses) {
    bool good = json_is_array(addresses) && (!c->cluster[0] || add(c, ";")) && add(c, job) && add(c, "=");
    size_t i = 0;
    json_t *address = NULL;
    json_array_foreach(addresses, i, address) {
      const char *text = json_string_value(address);
      good = good && text && (i == 0 || add(c, ",")) && add(c, text);
    }
    if (!good) return tn_errorf(TN_INVALID_ARGUMENT, "TF_CONFIG: job '%s' is not a list of addresses", job);
  }
  return NULL;
}

static tn_error *read_config(const char *text, config *c) {
  json_error_t where;
  c->root = json_loads(text, 0, &where);
  if (!c->root) return tn_errorf(TN_INVALID_ARGUMENT, "TF_CONFIG: line %d: %s", where.line, where.text);
  TN_TRY(read_cluster(c, json_object_get(c->root, "cluster")));
  const json_t *task = json_object_get(c->root, "task");
  const char *job = json_string_value(json_object_get(task, "type"));
  if (job) c->job = job;
  json_t *index = json_object_get(task, "index");
  if (json_is_integer(index)) c->task = json_integer_value(index);
  if (json_is_string(index)) c->task = atoll(json_string_value(index));
  return NULL;
}

enum { GRACE_SECONDS = 25 }; /* Kubernetes kills after 30 */

static tn_server *running;

static void *wait_for_signal(void *argument) {
  const sigset_t *signals = argument;
  int number = 0;
  sigwait(signals, &number);
  /* Who uses this task is leaving too, and saves first; a second signal ends it at once. */
  const char *grace = getenv("TENON_GRACE");
  double until = cli_seconds() + (grace ? atof(grace) : GRACE_SECONDS);
  while (number == SIGTERM && !tn_server_idle(running) && cli_seconds() < until) {
    if (sigtimedwait(signals, NULL, &(struct timespec){.tv_nsec = 50000000}) > 0) break;
  }
  tn_server_stop(running);
  return NULL;
}

static void tell_traffic(void *unused) {
  tn_server_bytes b = tn_server_traffic(running);
  (void)unused;
  tn_monitor_set("bytes_sent_total", "transport=\"network\"", (double)b.network_out);
  tn_monitor_set("bytes_sent_total", "transport=\"local\"", (double)b.local_out);
  tn_monitor_set("bytes_sent_total", "transport=\"shared\"", (double)b.shared_out);
  tn_monitor_set("bytes_received_total", "transport=\"network\"", (double)b.network_in);
  tn_monitor_set("bytes_received_total", "transport=\"local\"", (double)b.local_in);
  tn_monitor_set("bytes_received_total", "transport=\"shared\"", (double)b.shared_in);
}

static tn_error *serve(const tn_server_options *options) {
  static sigset_t signals; /* outlives this function in the thread that waits */
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, NULL);
  TN_TRY(tn_server_new(options, &running));
  tn_monitor_ready(true);
  tn_error *error = tn_monitor_from_environment((tn_monitor_options){.collect = tell_traffic});
  if (error) {
    tn_server_free(running);
    return error;
  }
  printf("serving %s task %d at %s\n", options->job, options->task, tn_server_target(running));
  fflush(stdout);
  pthread_t thread;
  if (pthread_create(&thread, NULL, wait_for_signal, &signals) != 0) {
    tn_monitor_stop();
    tn_server_free(running);
    return tn_errorf(TN_RESOURCE_EXHAUSTED, "the system grants no more threads");
  }
  tn_server_join(running, -1);
  pthread_join(thread, NULL);
  tn_monitor_stop();
  tn_server_free(running);
  return NULL;
}

static tn_error *read_size(const char *option, const char *text, size_t *out) {
  if (!text) return NULL;
  *out = tn_parse_size(text);
  return *out ? NULL
              : tn_errorf(TN_INVALID_ARGUMENT, "--%s is '%.40s'; expected a size such as 512M or 2G", option, text);
}

static int run_server(const cli_command *command, int argc, char **argv) {
  static config c;
  const char *cluster = NULL, *job = NULL;
  int64_t task = -1, threads = 0;
  const char *message = NULL, *graph = NULL, *memory = NULL, *allow = NULL;
  bool open = false;
  const cli_option options[] = {
      {"cluster", CLI_TEXT, &cluster, "JOBS", "all tasks: \"ps=HOST:PORT,HOST:PORT;worker=HOST:PORT\""},
      {"job", CLI_TEXT, &job, "NAME", "the job of this task"},
      {"task", CLI_INT, &task, "N", "its number in the job"},
      {"threads", CLI_INT, &threads, "N", "threads inside an op; all that the control group grants by default"},
      {"open", CLI_FLAG, &open, NULL, "listen where other machines reach it, not at loopback addresses only"},
      {"allow", CLI_TEXT, &allow, "WHAT", "what clients may have it do: none, checkpoints (the default), files, code"},
      {"message-limit", CLI_TEXT, &message, "SIZE", "of one message that comes: 2G by default, such as 64M"},
      {"graph-limit", CLI_TEXT, &graph, "SIZE", "of a session's graph: 2G by default"},
      {"session-memory", CLI_TEXT, &memory, "SIZE", "that a session's steps may hold here; no limit by default"},
      {NULL, CLI_FLAG, NULL, NULL, NULL}};
  int n = 0, code = cli_parse(command, options, argc, argv, &n);
  if (code >= 0) return code;
  if (n > 0) return cli_usage(command, "'%s' is one argument too many", argv[0]);
  const char *text = getenv("TF_CONFIG");
  c.task = -1;
  if (text && (!cluster || !job || task < 0)) {
    tn_error *error = read_config(text, &c);
    if (error) return cli_fail(error);
  }
  if (!cluster) cluster = c.cluster;
  if (!job) job = c.job;
  if (task < 0) task = c.task < 0 ? 0 : c.task;
  if (!cluster[0] || !job) {
    json_decref(c.root);
    return cli_usage(command, "--cluster and --job are needed, or a TF_CONFIG that has them");
  }
  tn_session_options session = {.intra_op_threads = (int)threads};
  tn_server_options server = {
      .cluster = cluster, .job = job, .task = (int)task, .open = open, .session = &session, .allow = allow};
  tn_error *error = read_size("message-limit", message, &server.message_limit);
  if (!error) error = read_size("graph-limit", graph, &server.graph_limit);
  if (!error) error = read_size("session-memory", memory, &server.session_memory);
  if (!error) error = serve(&server);
  json_decref(c.root);
  return error ? cli_fail(error) : CLI_OK;
}

const cli_command cli_server = {
    .name = "server",
    .arguments = "--cluster JOBS --job NAME --task N [options]",
    .summary = "Serve as one task of a cluster, until it is ended.",
    .details =
        "What is not given is taken from TF_CONFIG. A task holds variables and runs parts of graphs for sessions\n"
        "that connect to any task of the cluster (tf.Session(\"grpc://HOST:PORT\")). SIGTERM ends it,\n"
        "once the sessions that use it have ended, or after TENON_GRACE seconds (25).",
    .run = run_server};
