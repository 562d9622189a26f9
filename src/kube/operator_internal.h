/* What the parts of the operator share. */
#ifndef TN_KUBE_OPERATOR_INTERNAL_H
#define TN_KUBE_OPERATOR_INTERNAL_H

#include <signal.h>

#include "base/map.h"
#include "kube/informer.h"
#include "kube/lease.h"
#include "kube/metrics.h"
#include "kube/operator.h"
#include "kube/queue.h"
#include "kube/reconcile.h"

enum {
  TN_WATCH_JOBS,
  TN_WATCH_TFJOBS,
  TN_WATCH_PODS,
  TN_WATCH_SERVICES,
  TN_WATCH_CLAIMS,
  TN_WATCH_NODES,
  TN_WATCH_GROUPS,
  TN_N_WATCHES
};

/* An action that waits for its turn. */
typedef struct tn_pending {
  struct tn_work *work;
  int action;
} tn_pending;

/* A job that is being worked on; key "T/namespace/name", T telling the kind. */
typedef struct tn_work {
  char key[512];
  tn_operator *operator;
  int waiting;  /* for this many answers */
  bool dirty;   /* something changed meanwhile */
  bool trouble; /* one of the answers was an error that another try may mend */
  int failures; /* in a row */
  int64_t began;
  json_t *before;   /* the status that the present pass began with; a reference, or NULL */
  json_t *progress; /* what the job's leader last told of its progress; NULL: nothing yet */
  int64_t ask_at;   /* when to ask it again */
  int unanswered;   /* times in a row */
  int complaints;   /* that were recorded as Events in the present pass */
  tn_outcome outcome;
} tn_work;

struct tn_operator {
  tn_operator_options o;
  tn_api *api;
  tn_informer *watches[TN_N_WATCHES]; /* NULL: of no use here */
  char paths[TN_N_WATCHES][384];
  bool missing[TN_N_WATCHES];   /* the cluster does not know the kind: looked for again now and then */
  tn_work_queue *queue, *polls; /* jobs that wait for a pass; jobs whose leader is to be asked how far it is */
  tn_map *works;                /* key to tn_work */
  tn_lease *lease;
  tn_metrics *metrics;
  char admitting[512]; /* the job whose admission is being written: until it is, the room that is left is not known */
  tn_pending *pending; /* a ring of CAPACITY, which is a power of two */
  size_t first_pending, n_pending, pending_capacity;
  volatile sig_atomic_t stopping;
  int64_t started_ns;
};

/* The collection that OBJECT belongs to, in its namespace; with /NAME for the object itself. */
void tn_object_path(const json_t *object, const char *ns, const char *name, char path[768]);
/* Which watch OBJECT belongs to. */
int tn_watch_of(const json_t *object);
/* The job's key. */
void tn_job_key(const tn_job_kind *kind, const char *ns, const char *name, char key[512]);
/* The job of a key, as it was last seen; NULL if it is gone. */
json_t *tn_job_of_key(const tn_operator *o, const char *key);

/* Does what WORK's outcome says, and then tn_work_done. */
void tn_work_act(tn_work *work);
/* Sends what waits, as far as requests may be on their way at once. */
void tn_work_pump(tn_operator *o);
/* All answers have come: plans the next pass. */
void tn_work_done(tn_work *work);
/* Has the job looked at AT_NS or later; now, if that has passed. */
void tn_work_wanted(tn_operator *o, const char *key, int64_t at_ns);
/* After a pass: sees to it that the leader of a job that runs is asked how far it is. */
void tn_progress_want(tn_work *work);
/* Asks those whose time has come; returns when to call it again. */
int64_t tn_progress_step(tn_operator *o, int64_t now_ns);
/* Records EVENT about JOB. */
void tn_event_send(tn_operator *o, const json_t *job, const json_t *event);

/* One line of JSON on stderr: level, what, the job. */
void tn_kube_log(const char *level, const char *key, const char *format, ...) TN_PRINTF(3, 4);

#endif
