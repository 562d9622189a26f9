/* The insides of a worker, for its files. */
#ifndef TN_CLUSTER_WORKER_IMPL_H
#define TN_CLUSTER_WORKER_IMPL_H

#include <pthread.h>

#include "base/account.h"
#include "cluster/masters.h"
#include "cluster/methods.h"
#include "cluster/pull.h"
#include "cluster/worker.h"
#include "runtime/fragment.h"

/* How many steps that have ended are remembered, for those who ask late. */
#define REMEMBERED 256

/* What a master registered. */
typedef struct tn_worker_graph {
  atomic_int refs;
  tn_fragment *fragment;
  tn_pulls *pulls;
  tn_account *account; /* of its session */
} tn_worker_graph;

typedef struct tn_worker_session {
  tn_session_state *state;
  char *master; /* the task that made it; NULL: it did not say */
  uint64_t master_incarnation;
  tn_spec spec;                   /* the cluster as the master knows it; empty: as this task does */
  const tn_spec_task *task;       /* this one in it */
  struct tn_worker_session *next; /* of those that are to be freed */
  struct tn_map *graphs;          /* handle -> graph */
  size_t graph_bytes;             /* of all that were registered */
  tn_account *account;            /* of its memory; NULL: not counted */
} tn_worker_session;

/* A step that takes part here. */
typedef struct tn_worker_step {
  atomic_int refs;
  tn_rendezvous *rendezvous;
  tn_pulling *pulling; /* the rendezvous's own */
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  bool started, done; /* of a partial run, which goes on between calls */
  tn_error *error;
  tn_worker_graph *graph;
} tn_worker_step;

struct tn_worker {
  tn_worker_options options;
  char device_name[TN_DEVICE_TEXT];
  tn_device_attributes device;
  tn_session_state *state;
  tn_collective *collective;
  tn_str cluster;          /* options.spec as a ClusterDef */
  pthread_mutex_t mutex;   /* guards what follows */
  struct tn_map *sessions; /* handle -> session; "": of masters that made none */
  tn_masters *masters;
  struct tn_map *steps; /* id -> step */
  bool stopped;
  int64_t ended[REMEMBERED];
  size_t n_ended;
  uint64_t n_graphs;
  /* Iterators may outlive the session that made them, and call its graph's functions. */
  size_t n_kept;
  tn_worker_graph **kept;
};

tn_worker_graph *tn_worker_graph_ref(tn_worker_graph *graph);
void tn_worker_graph_unref(tn_worker_graph *graph); /* NULL is allowed */
/* *OUT is a new reference. ABORTED: there is none. */
tn_error *tn_worker_find_graph(tn_worker *worker, const tn_run_graph *request, tn_worker_graph **out) TN_MUST_USE;
/* The step ID, made when it is first heard of: who receives may come before the master's call. *OUT is a new
 * reference. CANCELLED: it has ended. */
tn_error *tn_worker_get_step(tn_worker *worker, int64_t id, tn_worker_step **out) TN_MUST_USE;
void tn_worker_step_unref(tn_worker_step *step); /* NULL is allowed */

#endif
