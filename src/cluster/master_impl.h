/* The insides of a master, for its files. */
#ifndef TN_CLUSTER_MASTER_IMPL_H
#define TN_CLUSTER_MASTER_IMPL_H

#include <pthread.h>

#include "base/map.h"
#include "cluster/ask.h"
#include "cluster/master.h"
#include "compile/partition.h"
#include "compile/place.h"
#include "kernel/step.h"

struct tn_master {
  tn_master_options options;
  pthread_mutex_t mutex; /* guards what follows */
  tn_map *sessions;      /* handle -> session */
};

/* A task as a session uses it. Nobody asks it for anything before a step needs it. */
typedef struct tn_master_task {
  const tn_spec_task *task;
  bool own;
  bool reached;         /* it has answered, and knows the session */
  uint64_t incarnation; /* of its first device */
  const char *device;   /* its first device's name */
  int64_t *finished;    /* steps that it has not been told to be over */
  size_t n_finished, finished_capacity;
} tn_master_task;

/* The part of a step that a task runs. */
typedef struct tn_master_part {
  tn_master_task *task;
  char *graph; /* the handle that the task gave it */
  size_t n_feeds, n_fetches;
  tn_part_value *feeds, *fetches; /* numbers in the plan's signature */
} tn_master_part;

/* A set of feeds, fetches and targets, split and registered. */
typedef struct tn_master_plan {
  tn_step_signature signature;
  size_t n_parts;
  tn_master_part *parts;
} tn_master_plan;

/* What a client asks for by names; they are texts. */
typedef struct tn_master_names {
  tn_repeated feeds, fetches, targets;
} tn_master_names;

/* A partial run: its step, and which of its values have come and gone. */
typedef struct tn_master_partial {
  tn_master_plan *plan;
  int64_t step;
  bool *fed, *fetched;
  size_t left; /* feeds and fetches that are still to come */
} tn_master_partial;

typedef struct tn_master_session {
  atomic_int refs;
  tn_master *master;
  char *handle;
  tn_arena *arena; /* tasks, devices, names */
  size_t n_tasks;
  tn_master_task *tasks;
  tn_device_spec *specs;   /* of the tasks' devices */
  int preferred;           /* the own task */
  bool soft, isolate, own; /* OWN: of a client in this process */
  size_t graph_bytes;      /* that came; guarded by the mutex */
  int64_t timeout_ms;
  tn_repeated filters; /* texts */
  atomic_bool closed;
  tn_cancellation cancellation; /* set when it is closed */
  uint64_t first_step;
  atomic_uint_fast64_t n_steps;
  pthread_mutex_t mutex; /* guards what follows */
  tn_graph *graph;
  int64_t version;
  int n_placed;
  int *places;
  tn_map *plans;     /* by names */
  tn_map *callables; /* number -> plan */
  tn_map *partials;  /* handle -> partial */
  int64_t n_callables, n_partials;
} tn_master_session;

/* With the lock held: waits until TASK answers, as TensorFlow does, and tells it of the session. */
tn_error *tn_master_reach(tn_master_session *session, tn_master_task *task, const tn_master_call *call) TN_MUST_USE;

void tn_master_session_unref(tn_master_session *session); /* NULL is allowed */
/* *OUT is a new reference. ABORTED: there is none. */
tn_error *tn_master_find_session(tn_master *master, const char *handle, tn_master_session **out) TN_MUST_USE;

/* The plan for NAMES, made if need be; it lives as long as the session. */
tn_error *tn_master_plan_of(tn_master_session *session, const tn_master_names *names, const tn_master_call *call,
                            tn_master_plan **out) TN_MUST_USE;
/* The place of the feed (or fetch) called NAME in PLAN. NOT_FOUND. */
tn_error *tn_master_place_of(const tn_master_session *session, const tn_master_plan *plan, bool feed, const char *name,
                             size_t *out) TN_MUST_USE;
void tn_master_plan_free(tn_master_plan *plan);

/* One run of PLAN, or a part of a partial run. FEEDS: one for each of the plan's, dtype TN_INVALID where it does not
 * come now; VALUES: the same for fetches, which are filled where WANTED says so. */
typedef struct tn_master_step {
  tn_master_plan *plan;
  int64_t id;
  const tn_tensor *feeds;
  const bool *wanted;
  tn_tensor *values;
  tn_step_options options;
  bool partial, last;
  tn_str *stats; /* StepStats of all tasks; NULL: none are wanted */
} tn_master_step;
tn_error *tn_master_step_run(tn_master_session *session, tn_master_step *step, const tn_master_call *call) TN_MUST_USE;
/* Tells TASK that step ID is over, and does not wait. */
void tn_master_clean_up(const tn_master_session *session, const tn_master_task *task, int64_t id);
/* The end of a call whose answer does not matter. */
void tn_master_forget(void *argument, tn_error *error, tn_message *reply);
int64_t tn_master_new_step(tn_master_session *session);

/* Asks TASK; errors name it. TIMEOUT_NS 0: none. */
typedef struct tn_master_ask {
  const tn_spec_task *task;
  const char *method;
  const tn_layout *layout; /* of REQUEST */
  const void *request;
  int64_t timeout_ns;
} tn_master_ask;
tn_error *tn_master_ask_task(tn_master *master, const tn_master_ask *ask, const tn_cancellation *cancellation,
                             tn_message **reply) TN_MUST_USE;

#endif
