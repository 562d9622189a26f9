/* Collective training: what one task of a ring of workers does. A step's gradients lie in buckets, each cut into
 * pieces. A piece goes along the ring from rank 0 on: each adds the gradients of its own shards, which are a contiguous
 * block, so that all are added in the order of shards; the last divides, and the mean goes around once more.
 * Thread-safe. */
#ifndef TN_CLUSTER_COLLECTIVE_H
#define TN_CLUSTER_COLLECTIVE_H

#include "cluster/rpc.h"
#include "cluster/spec.h"
#include "kernel/step.h"
#include "ops/state/shards.h"

#define TN_COLLECTIVE_TYPE "Collective"
/* Where the worker keeps it: not in the default container, which a reset empties. */
#define TN_COLLECTIVE_CONTAINER "tenon"
#define TN_COLLECTIVE_NAME      "collective"
#define TN_SHARD_REJOIN         3 /* a kind of place: the ring is broken, or there is none yet */

typedef struct tn_collective tn_collective;

/* What the buckets of a step look like, and how many shards it has. */
typedef struct tn_collective_layout {
  int shards, n;
  const tn_dtype *types;   /* of each bucket */
  const int64_t *elements; /* of each bucket */
} tn_collective_layout;

/* A ring: its generation grows, MEMBERS are the indices of their tasks, by rank. */
typedef struct tn_collective_ring {
  int64_t generation;
  int size;
  const int64_t *members;
  int root; /* the rank whose variables are everybody's */
} tn_collective_ring;

/* SPEC, TASK (this one) and TRANSPORT outlive it. *OUT is an object of TN_COLLECTIVE_TYPE. */
tn_error *tn_collective_new(const tn_spec *spec, const tn_spec_task *task, tn_transport *transport,
                            tn_collective **out) TN_MUST_USE;
tn_object *tn_collective_object(tn_collective *collective);
/* That of the task on which R runs. FAILED_PRECONDITION: it is not a task of a cluster. *OUT is a new reference. */
tn_error *tn_collective_of(const tn_run *r, tn_collective **out) TN_MUST_USE;

/* Takes part in RING from now on; what is left of the one before is dropped. */
tn_error *tn_collective_begin(tn_collective *c, const tn_collective_ring *ring,
                              const tn_collective_layout *layout) TN_MUST_USE;
/* The ring of GENERATION is no more: its members hear of it. */
void tn_collective_break(tn_collective *c, int64_t generation);
/* The same at another task. Nobody waits for it. */
void tn_collective_break_at(tn_collective *c, int64_t task, int64_t generation);
/* What to do next when the variables are at STEP: compute a shard, update, stop (at LAST) or join again. Waits. */
tn_error *tn_collective_next(tn_collective *c, const tn_step *step, const int64_t at_and_last[2],
                             tn_shard_place *out) TN_MUST_USE;
/* The gradients of BUCKET for AT, N tensors one after the other. Does not wait; what comes late is dropped. */
tn_error *tn_collective_put(tn_collective *c, const tn_shard_place *at, int bucket, int n,
                            const tn_tensor *const *values) TN_MUST_USE;
/* The mean of BUCKET, once tn_collective_next has said that STEP can be made; ABORTED: it is gone. The bytes are valid
 * until tn_collective_done; *SIZE of them. */
tn_error *tn_collective_take(tn_collective *c, int64_t step, int bucket, const void **out, size_t *size) TN_MUST_USE;
/* STEP was made. */
void tn_collective_done(tn_collective *c, int64_t step);
/* OUTPUTS (which have their shapes) become the root's INPUTS everywhere. Waits. ABORTED: the ring broke. */
tn_error *tn_collective_sync(tn_collective *c, const tn_step *step, int n, const tn_tensor *const *inputs,
                             tn_tensor *const *outputs) TN_MUST_USE;
/* Waits until the others have what they need of this task, and tells them that it leaves. */
tn_error *tn_collective_leave(tn_collective *c, const tn_step *step) TN_MUST_USE;

/* Answers a call of another member, of a method that begins with TN_COLLECTIVE_SERVICE. On a transport thread. */
#define TN_COLLECTIVE_SERVICE "/tenon.CollectiveService/"
void tn_collective_handle(tn_collective *c, tn_incoming *incoming);
/* Ends its calls; nobody may call it any more but tn_collective_handle. */
void tn_collective_stop(tn_collective *c);

#endif
