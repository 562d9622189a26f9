/* `tenon logs`: what the tasks of a job print, each line behind its task's name. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/kube.h"
#include "kube/job.h"

typedef struct task {
  char name[96]; /* "worker-1" */
  int *open;     /* counts the tasks whose logs are still coming */
  tn_error *error;
} task;

/* What is asked for. */
typedef struct wish {
  const char *only; /* this task; NULL: all */
  bool follow;
  int64_t tail; /* lines; 0: all */
} wish;

static void print_line(void *argument, json_t *line) {
  const task *t = argument;
  printf("%-12s | %s\n", t->name, json_string_value(line));
  fflush(stdout);
}

static void ended(void *argument, tn_error *error, json_t *reply) {
  task *t = argument;
  (void)reply;
  t->error = error;
  --*t->open;
}

static tn_error *open_log(cli_kube *k, const tn_job *job, const json_t *pod, const wish *w, task *t) {
  char path[768], tail[48] = "";
  const char *name = tn_json_text(pod, "metadata.name");
  size_t prefix = strlen(job->name);
  if (w->tail > 0) snprintf(tail, sizeof tail, "&tailLines=%lld", (long long)w->tail);
  snprintf(t->name, sizeof t->name, "%s", strlen(name) > prefix ? name + prefix + 1 : name);
  snprintf(path, sizeof path, "/api/v1/namespaces/%s/pods/%s/log?container=%s%s%s", job->ns, name, job->kind->container,
           w->follow ? "&follow=true" : "", tail);
  tn_api_watch watch = {.path = path, .text = true, .line = print_line, .done = ended, .argument = t};
  ++*t->open;
  return tn_api_stream(k->api, &watch, NULL);
}

static tn_error *follow_logs(cli_kube *k, const tn_job *job, const wish *w) {
  const char *only = w->only;
  char path[768];
  json_t *list = NULL, *pod;
  size_t i, n = 0;
  int open = 0;
  snprintf(path, sizeof path, "/api/v1/namespaces/%s/pods?labelSelector=%sjob-name%%3D%s", job->ns,
           job->kind->label_prefix, job->name);
  TN_TRY(tn_api_do(k->api, "GET", path, NULL, &list));
  json_t *items = json_object_get(list, "items");
  task *tasks = tn_calloc(json_array_size(items) + 1, sizeof *tasks);
  tn_error *error = tasks ? NULL : tn_out_of_memory();
  json_array_foreach(items, i, pod) {
    const char *name = tn_json_text(pod, "metadata.name");
    if (error || (only && strcmp(name + strlen(job->name) + 1, only))) continue;
    tasks[n].open = &open;
    error = open_log(k, job, pod, w, &tasks[n++]);
  }
  if (!error && !n)
    error = tn_errorf(TN_NOT_FOUND,
                      only ? "job %s has no task '%s'; tasks are called like worker-0" : "job %s has no pods now%s",
                      job->name, only ? only : "");
  while (!error && open) error = tn_api_poll(k->api, 1000);
  for (i = 0; i < n; i++) {
    if (tasks[i].error) fprintf(stderr, "tenon: %s: %s\n", tasks[i].name, tn_error_message(tasks[i].error));
    tn_error_free(tasks[i].error);
  }
  tn_free(tasks);
  json_decref(list);
  return error;
}

static int run(const cli_command *command, int argc, char **argv) {
  cli_kube k = {0};
  wish w = {.tail = 5000};
  const cli_option options[] = {{"follow", CLI_FLAG, &w.follow, NULL, "go on as more comes (-f)"},
                                {"tail", CLI_INT, &w.tail, "N", "only the last N lines of each task; 0: all"},
                                {"task", CLI_TEXT, &w.only, "TASK", "only of this one: worker-1"},
                                CLI_KUBE_OPTIONS(&k),
                                {.name = NULL}};
  int n, code = cli_parse(command, options, argc, argv, &n);
  if (code >= 0) return code;
  if (n != 1) return cli_usage(command, "it takes the name of a job");
  tn_error *error = cli_kube_open(&k);
  if (error) return cli_fail(error);
  json_t *object = NULL;
  tn_job job = {0};
  error = cli_kube_job(&k, argv[0], &object);
  if (!error) error = tn_job_read(object, &job);
  if (!error) error = follow_logs(&k, &job, &w);
  tn_job_clear(&job);
  json_decref(object);
  cli_kube_close(&k);
  return error ? cli_fail(error) : CLI_OK;
}

const cli_command cli_logs = {
    .name = "logs",
    .arguments = "JOB [-f] [--task TASK]",
    .summary = "Print what the tasks of a job print.",
    .run = run,
};
