/* The insides of a task's part in collective training, for its files. */
#ifndef TN_CLUSTER_COLLECTIVE_IMPL_H
#define TN_CLUSTER_COLLECTIVE_IMPL_H

#include <pthread.h>

#include "cluster/collective.h"

enum {
  PIECE = 1 << 20, /* bytes; what goes along the ring at once */
  N_SLOTS = 2      /* a neighbour may be one step ahead */
};

typedef enum phase { PHASE_REDUCE, PHASE_SHARE, PHASE_SYNC } phase;

/* What goes before the bytes of a piece. */
typedef struct head {
  int64_t generation, step, bucket, piece, phase;
} head;

typedef struct piece {
  tn_message *sum; /* of the ranks before; NULL: it has not come */
  bool started, final;
} piece;

typedef struct bucket {
  tn_dtype type;
  size_t bytes, n_pieces;
} bucket;

/* A bucket in one step. */
typedef struct bucket_step {
  int n_own;         /* shards whose gradients are here */
  tn_buffer **own;   /* of each shard of this rank */
  tn_buffer *result; /* the mean, as far as it has come */
  piece *pieces;
} bucket_step;

typedef struct slot {
  int64_t step;   /* -1: free */
  size_t n_final; /* pieces */
  bool *asked;    /* shards of this rank that were handed out */
  bucket_step *buckets;
} slot;

/* A tensor that the root sends. */
typedef struct synced {
  size_t n_pieces;
  tn_message **pieces;
} synced;

/* A message of a ring that has not begun here yet. */
typedef struct early {
  struct early *next;
  tn_message *message;
} early;

typedef struct watcher {
  struct watcher *next;
  tn_incoming *incoming;
  int64_t generation;
} watcher;

struct tn_collective {
  tn_object object;
  const tn_spec *spec;
  const tn_spec_task *task;
  tn_transport *transport;
  pthread_mutex_t mutex; /* guards what follows */
  pthread_cond_t changed;
  int64_t generation; /* 0: there was no ring yet */
  bool broken, left, stopped;
  int rank, size, root, shards, first, end; /* this rank's shards are [first, end) */
  const char *before, *after;               /* the neighbours' addresses */
  int n_buckets;
  bucket *buckets;
  size_t n_pieces; /* of all buckets */
  slot slots[N_SLOTS];
  size_t n_synced;
  synced *synced;
  size_t adding, pushing; /* pieces that are being added up, and on their way */
  tn_call *watch;
  early *early;
  watcher *watchers;
};

/* --- with the lock held --- */
slot *tn_collective_slot(tn_collective *c, int64_t step);             /* NULL: no such step now */
void tn_collective_start(tn_collective *c, slot *s, int b, size_t p); /* adds up a piece where all is there */
void tn_collective_push(tn_collective *c, const head *h, tn_buffer *owner, const void *data, size_t size);
void tn_collective_watch(tn_collective *c);
/* Takes a message of the present ring up. */
tn_error *tn_collective_accept(tn_collective *c, tn_message *message) TN_MUST_USE;
/* Answers who watches rings up to GENERATION; LEAVES: nothing is wrong. */
void tn_collective_answer(tn_collective *c, int64_t generation, bool leaves);
void tn_collective_break_locked(tn_collective *c, int64_t generation);
tn_collective *tn_collective_ref(tn_collective *c);

#endif
