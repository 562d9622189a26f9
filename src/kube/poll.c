/* Asks the leaders of jobs that run how far they are. What they answer reaches the status through a pass, as everything
 * does; how often they are asked bounds how often it is written. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "kube/objects.h"
#include "kube/operator_internal.h"
#include "kube/status.h"

enum { MOST_AT_ONCE = 32, TIMEOUT_S = 3, MOST_UNANSWERED = 4 };
/* All jobs together are asked, and their statuses written, no more often. */
static const int64_t each_ns = 50000000;

/* What a question is about: the job may go while it is asked. */
typedef struct question {
  tn_operator *operator;
  char key[512];
} question;

/* The leader's pod of a job that runs; NULL: there is none to ask. */
static json_t *leader_of(tn_operator *o, const char *key, int64_t *port) {
  json_t *object = tn_job_of_key(o, key), *status = tn_json_at(object, "status"), *pod = NULL;
  bool runs = object && tn_condition_is(status, TN_RUNNING) && !tn_status_finished(status);
  tn_job job = {0};
  tn_error *error = runs ? tn_job_read(object, &job) : NULL;
  if (runs && !error && job.monitoring.port) {
    char name[256];
    tn_replica_name(&job, tn_job_leader(&job), 0, name);
    pod = tn_informer_get(o->watches[TN_WATCH_PODS], job.ns, name);
    *port = job.monitoring.port;
  }
  const char *phase = tn_json_text(pod, "status.phase");
  bool there = phase && !strcmp(phase, "Running") && tn_json_text(pod, "status.podIP");
  tn_error_free(error);
  tn_job_clear(&job);
  return there ? pod : NULL;
}

static void ask_at(tn_operator *o, const char *key, int64_t at) {
  tn_error *error = tn_work_queue_add(o->polls, key, at);
  if (error) tn_kube_log("error", key, "%s", tn_error_message(error));
  tn_error_free(error);
}

void tn_progress_want(tn_work *work) {
  tn_operator *o = work->operator;
  int64_t port;
  if (o->o.progress_s <= 0 || work->ask_at || !leader_of(o, work->key, &port)) return;
  work->ask_at = tn_now_ns();
  ask_at(o, work->key, work->ask_at);
}

/* When a job that was asked just now is asked again. */
static int64_t next_time(const tn_operator *o, int unanswered) {
  int64_t every = (int64_t)(o->o.progress_s * 1e9), all = tn_work_queue_size(o->polls) * each_ns;
  if (every < all) every = all;
  if (unanswered > MOST_UNANSWERED) unanswered = MOST_UNANSWERED;
  return tn_now_ns() + (every << unanswered);
}

static void answered(void *argument, tn_error *error, json_t *reply) {
  question q = *(question *)argument;
  tn_free(argument);
  tn_work *work = tn_map_find(q.operator->works, q.key);
  if (work && !error && json_is_object(reply)) {
    work->unanswered = 0;
    if (!json_equal(work->progress, reply)) {
      json_decref(work->progress);
      work->progress = json_incref(reply);
      tn_work_wanted(q.operator, q.key, tn_now_ns());
    }
  } else if (work) {
    /* A program that does not tell of its steps is no fault. */
    work->unanswered++;
  }
  tn_error_free(error);
  if (!work) return;
  work->ask_at = next_time(q.operator, work->unanswered);
  ask_at(q.operator, q.key, work->ask_at);
}

static void ask(tn_operator *o, tn_work *work) {
  int64_t port = 0;
  json_t *pod = leader_of(o, work->key, &port);
  question *q = pod ? tn_malloc(sizeof *q) : NULL;
  work->ask_at = 0; /* who does not run is asked no more until a pass finds it running */
  if (!q) return;
  *q = (question){.operator= o };
  snprintf(q->key, sizeof q->key, "%s", work->key);
  char base[128];
  const char *address = tn_json_text(pod, "status.podIP");
  snprintf(base, sizeof base, strchr(address, ':') ? "http://[%.64s]:%d" : "http://%.64s:%d", address, (int)port);
  tn_api_request request = {.method = "GET", .path = "/progress", .timeout_s = TIMEOUT_S, .elsewhere = base};
  tn_error *error = tn_api_send(o->api, &request, answered, q);
  if (!error) {
    work->ask_at = INT64_MAX;
    return;
  }
  tn_kube_log("warning", work->key, "the task can't be asked for its progress: %s", tn_error_message(error));
  tn_error_free(error);
  tn_free(q);
}

int64_t tn_progress_step(tn_operator *o, int64_t now_ns) {
  char key[512];
  for (int n = 0; n < MOST_AT_ONCE && tn_work_queue_take(o->polls, now_ns, key); n++) {
    tn_work *work = tn_map_find(o->works, key);
    if (work) ask(o, work);
  }
  return tn_work_queue_next(o->polls);
}
