/* `tenon jobs`, `tenon status`, `tenon delete`, `tenon suspend`, `tenon resume` and `tenon scale`: jobs on Kubernetes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/kube.h"
#include "kube/job.h"

/* "12s", "5m", "3h", "4d". */
static const char *age(const json_t *object, const char *path, char text[32]) {
  int64_t then = tn_time_parse(tn_json_text(object, path)), s = (int64_t)time(NULL) - then;
  if (!then) return "-";
  if (s < 0) s = 0;
  if (s < 120)
    snprintf(text, 32, "%llds", (long long)s);
  else if (s < 7200)
    snprintf(text, 32, "%lldm", (long long)s / 60);
  else if (s < 172800)
    snprintf(text, 32, "%lldh", (long long)s / 3600);
  else
    snprintf(text, 32, "%lldd", (long long)s / 86400);
  return text;
}

/* "ps 1/1, worker 3/4": how many of each role are running. */
static void print_roles(const tn_job *job, char text[256]) {
  size_t n = 0;
  text[0] = 0;
  for (int role = 0; role < TN_N_ROLES && n < 200; role++) {
    if (!job->roles[role].count) continue;
    const json_t *counts = json_object_get(tn_json_at(job->object, "status.replicaStatuses"), job->kind->roles[role]);
    n += (size_t)snprintf(text + n, 256 - n, "%s%s %lld/%d", n ? ", " : "", tn_role_name((tn_role)role),
                          (long long)tn_json_int(counts, "active", 0), job->roles[role].count);
  }
}

/* "1200/2000 60%", "-" where nothing is known. */
static const char *progress(const json_t *object, char text[64]) {
  const json_t *p = tn_json_at(object, "status.progress");
  const char *steps = tn_json_text(p, "steps"), *percent = tn_json_text(p, "percent");
  snprintf(text, 64, "%.40s%s%.8s", steps ? steps : "-", percent ? " " : "", percent ? percent : "");
  return text;
}

static void print_job(const cli_kube *k, json_t *object, bool all) {
  tn_job job;
  tn_error *error = tn_job_read(object, &job);
  char when[32], roles[256] = "-", how_far[64];
  if (!error) print_roles(&job, roles);
  tn_error_free(error);
  const char *loss = tn_json_text(object, "status.progress.loss");
  if (all) printf("%-16s ", job.ns ? job.ns : k->ns);
  printf("%-28s %-9s %-11s %-32s %-18s %-10s %8lld %6s\n", job.name, job.kind->kind, cli_job_state(object), roles,
         progress(object, how_far), loss ? loss : "-", (long long)tn_json_int(object, "status.restarts", 0),
         age(object, "metadata.creationTimestamp", when));
  tn_job_clear(&job);
}

/* Lists one kind; a cluster that does not know it has none of it. *N counts. */
static tn_error *list_kind(cli_kube *k, const tn_job_kind *kind, bool all, int *n) {
  char path[512];
  if (all)
    snprintf(path, sizeof path, "/apis/%s/%s", kind->api_version, kind->plural);
  else
    snprintf(path, sizeof path, "/apis/%s/namespaces/%s/%s", kind->api_version, k->ns, kind->plural);
  json_t *list = NULL, *object;
  size_t i;
  tn_error *error = tn_api_do(k->api, "GET", path, NULL, &list);
  if (tn_error_code(error) == TN_NOT_FOUND) {
    tn_error_free(error);
    return NULL;
  }
  if (error) return error;
  json_array_foreach(json_object_get(list, "items"), i, object) {
    json_object_set_new(object, "kind", json_string(kind->kind));
    json_object_set_new(object, "apiVersion", json_string(kind->api_version));
    if (!(*n)++)
      printf("%s%-28s %-9s %-11s %-32s %-18s %-10s %8s %6s\n", all ? "NAMESPACE        " : "", "NAME", "KIND", "STATE",
             "RUNNING", "STEP", "LOSS", "RESTARTS", "AGE");
    print_job(k, object, all);
  }
  json_decref(list);
  return NULL;
}

static tn_error *list_jobs(cli_kube *k, bool all) {
  int n = 0;
  TN_TRY(list_kind(k, &tn_tenon_job, all, &n));
  TN_TRY(list_kind(k, &tn_tf_job, all, &n));
  if (!n && all) fprintf(stderr, "There are no jobs.\n");
  if (!n && !all) fprintf(stderr, "There are no jobs in namespace %s; --all-namespaces looks everywhere.\n", k->ns);
  return NULL;
}

static int run_jobs(const cli_command *command, int argc, char **argv) {
  cli_kube k = {0};
  bool all = false;
  const cli_option options[] = {
      {"all-namespaces", CLI_FLAG, &all, NULL, "in all namespaces"}, CLI_KUBE_OPTIONS(&k), {.name = NULL}};
  int n, code = cli_parse(command, options, argc, argv, &n);
  if (code >= 0) return code;
  if (n) return cli_usage(command, "there is no argument '%s'", argv[0]);
  tn_error *error = cli_kube_open(&k);
  if (error) return cli_fail(error);
  error = list_jobs(&k, all);
  cli_kube_close(&k);
  return error ? cli_fail(error) : CLI_OK;
}

static void print_pod(const json_t *pod, const char *container) {
  const json_t *status = tn_json_find(pod, "status.containerStatuses", "name", container);
  const char *waiting = tn_json_text(status, "state.waiting.reason"),
             *ended = tn_json_text(status, "state.terminated.reason");
  const char *phase = tn_json_text(pod, "status.phase"), *node = tn_json_text(pod, "spec.nodeName");
  int64_t exit_code = tn_json_int(status, "state.terminated.exitCode", 0);
  char when[32];
  printf("  %-32s %-10s %-24s %-16s %6s", tn_json_text(pod, "metadata.name"), phase ? phase : "Pending",
         waiting ? waiting
         : ended ? ended
                 : "",
         node ? node : "(no node)", age(pod, "metadata.creationTimestamp", when));
  if (exit_code) printf("  exit code %lld", (long long)exit_code);
  putchar('\n');
}

static tn_error *print_pods(cli_kube *k, const tn_job *job) {
  char path[768];
  json_t *list = NULL, *pod;
  size_t i;
  snprintf(path, sizeof path, "/api/v1/namespaces/%s/pods?labelSelector=%sjob-name%%3D%s", job->ns,
           job->kind->label_prefix, job->name);
  TN_TRY(tn_api_do(k->api, "GET", path, NULL, &list));
  printf("pods:\n");
  json_array_foreach(json_object_get(list, "items"), i, pod) print_pod(pod, job->kind->container);
  json_decref(list);
  return NULL;
}

static tn_error *print_events(cli_kube *k, const tn_job *job) {
  char path[768], when[32];
  json_t *list = NULL, *event;
  size_t i;
  snprintf(path, sizeof path, "/api/v1/namespaces/%s/events?fieldSelector=involvedObject.uid%%3D%s", job->ns, job->uid);
  TN_TRY(tn_api_do(k->api, "GET", path, NULL, &list));
  json_t *items = json_object_get(list, "items");
  size_t n = json_array_size(items);
  if (n) printf("events:\n");
  json_array_foreach(items, i, event) if (i + 10 >= n)
      printf("  %6s ago  %-8s %-24s %s\n", age(event, "lastTimestamp", when), tn_json_text(event, "type"),
             tn_json_text(event, "reason"), tn_json_text(event, "message"));
  json_decref(list);
  return NULL;
}

static void print_progress(const json_t *object) {
  const json_t *p = tn_json_at(object, "status.progress");
  char text[64];
  if (!p) return;
  const char *loss = tn_json_text(p, "loss"), *rate = tn_json_text(p, "stepsPerSecond"),
             *end = tn_json_text(p, "estimatedEnd");
  printf("step: %s", progress(object, text));
  if (loss) printf("; loss: %s", loss);
  if (rate) printf("; %s steps/s", rate);
  if (end) printf("; ends about %s", end);
  putchar('\n');
}

static tn_error *print_status(cli_kube *k, json_t *object, bool json) {
  tn_job job;
  size_t i;
  json_t *condition;
  char when[32], roles[256] = "-";
  if (json) {
    char *text = json_dumps(json_object_get(object, "status"), JSON_COMPACT | JSON_ENCODE_ANY);
    puts(text ? text : "null");
    free(text);
    return NULL;
  }
  tn_error *error = tn_job_read(object, &job);
  if (!error) print_roles(&job, roles);
  tn_error_free(error);
  printf("%s %s in namespace %s: %s\nrunning: %s; %lld restarts, %lld disruptions\n", job.kind->kind, job.name, job.ns,
         cli_job_state(object), roles, (long long)tn_json_int(object, "status.restarts", 0),
         (long long)tn_json_int(object, "status.disruptions", 0));
  print_progress(object);
  printf("conditions:\n");
  json_array_foreach(tn_json_at(object, "status.conditions"), i, condition)
      printf("  %6s ago  %-11s %-6s %s\n", age(condition, "lastTransitionTime", when), tn_json_text(condition, "type"),
             tn_json_text(condition, "status"), tn_json_text(condition, "message"));
  error = print_pods(k, &job);
  if (!error) error = print_events(k, &job);
  tn_job_clear(&job);
  return error;
}

/* What the commands that take one job have in common. */
typedef tn_error *change(cli_kube *k, json_t *job, const char *argument);

static int run_on_job(const cli_command *command, int argc, char **argv, int arguments, change *what) {
  cli_kube k = {0};
  bool json = false;
  const cli_option options[] = {
      {"json", CLI_FLAG, &json, NULL, "print JSON (status)"}, CLI_KUBE_OPTIONS(&k), {.name = NULL}};
  int n, code = cli_parse(command, options, argc, argv, &n);
  if (code >= 0) return code;
  if (n != arguments)
    return cli_usage(command, "it takes %s", arguments == 1 ? "the name of a job" : "the name of a job and a number");
  tn_error *error = cli_kube_open(&k);
  if (error) return cli_fail(error);
  json_t *job = NULL;
  error = cli_kube_job(&k, argv[0], &job);
  if (!error) error = what ? what(&k, job, arguments > 1 ? argv[1] : NULL) : print_status(&k, job, json);
  json_decref(job);
  cli_kube_close(&k);
  return error ? cli_fail(error) : CLI_OK;
}

static int run_status(const cli_command *command, int argc, char **argv) {
  return run_on_job(command, argc, argv, 1, NULL);
}

static tn_error *suspend(cli_kube *k, json_t *job, const char *argument) {
  (void)argument;
  return cli_kube_patch(k, job, json_pack("{s{s{sb}}}", "spec", "runPolicy", "suspend", 1));
}

static tn_error *resume(cli_kube *k, json_t *job, const char *argument) {
  (void)argument;
  return cli_kube_patch(k, job, json_pack("{s{s{sb}}}", "spec", "runPolicy", "suspend", 0));
}

static tn_error *delete_job(cli_kube *k, json_t *job, const char *argument) {
  const tn_job_kind *kind = tn_job_kind_of(job);
  char path[512];
  (void)argument;
  snprintf(path, sizeof path, "/apis/%s/namespaces/%s/%s/%s", kind->api_version, k->ns, kind->plural,
           tn_json_text(job, "metadata.name"));
  return tn_api_do(k->api, "DELETE", path, NULL, NULL);
}

static tn_error *scale(cli_kube *k, json_t *job, const char *argument) {
  char *end;
  long long n = strtoll(argument, &end, 10);
  if (*end || end == argument || n < 0) return tn_errorf(TN_INVALID_ARGUMENT, "'%s' is no number of workers", argument);
  json_t *count = json_integer(n), *patch;
  if (tn_job_kind_of(job) == &tn_tf_job)
    patch = json_pack("{s{s{s{so}}}}", "spec", "tfReplicaSpecs", "Worker", "replicas", count);
  else if (tn_json_at(job, "spec.replicas"))
    patch = json_pack("{s{s{s{so}}}}", "spec", "replicas", "worker", "replicas", count);
  else
    patch = json_pack("{s{so}}", "spec", "workers", count);
  return cli_kube_patch(k, job, patch);
}

static int run_suspend(const cli_command *command, int argc, char **argv) {
  return run_on_job(command, argc, argv, 1, suspend);
}
static int run_resume(const cli_command *command, int argc, char **argv) {
  return run_on_job(command, argc, argv, 1, resume);
}
static int run_delete(const cli_command *command, int argc, char **argv) {
  return run_on_job(command, argc, argv, 1, delete_job);
}
static int run_scale(const cli_command *command, int argc, char **argv) {
  return run_on_job(command, argc, argv, 2, scale);
}

const cli_command cli_jobs = {
    .name = "jobs", .arguments = "[options]", .summary = "List the jobs on Kubernetes.", .run = run_jobs};
const cli_command cli_status = {.name = "status",
                                .arguments = "JOB [options]",
                                .summary = "Tell how a job is doing: conditions, pods, events.",
                                .run = run_status};
const cli_command cli_suspend = {.name = "suspend",
                                 .arguments = "JOB [options]",
                                 .summary = "Pause a job: its pods go, its checkpoints stay.",
                                 .run = run_suspend};
const cli_command cli_resume = {
    .name = "resume", .arguments = "JOB [options]", .summary = "Let a suspended job go on.", .run = run_resume};
const cli_command cli_delete = {.name = "delete",
                                .arguments = "JOB [options]",
                                .summary = "Delete a job and what belongs to it.",
                                .run = run_delete};
const cli_command cli_scale = {.name = "scale",
                               .arguments = "JOB N [options]",
                               .summary = "Give a job another number of workers.",
                               .run = run_scale};
