/* _ShardQueue: who computes which shard of the current step. Workers claim shards; what a worker has claimed and not
 * done is given away once it claims again, as it does after a restart, or when it takes far longer than others did. */
#include <pthread.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "graph/shape.h"
#include "kernel/handle.h"
#include "kernel/step.h"
#include "ops/state/shards.h"

#define TYPE "ShardQueue"

typedef struct shard {
  bool taken, done;
  int64_t owner, since_ns;
} shard;

typedef struct queue {
  tn_object object;
  int n;
  double patience;       /* seconds that a shard may take before somebody else computes it too */
  pthread_mutex_t mutex; /* guards what follows */
  pthread_cond_t changed;
  bool begun, closed;
  int64_t epoch, step, last; /* there is no step LAST */
  int64_t slowest_ns;        /* what a shard of this epoch took at most */
  shard *shards;
} queue;

static void destroy(tn_object *object) {
  queue *q = (queue *)object;
  tn_free(q->shards);
  pthread_cond_destroy(&q->changed);
  pthread_mutex_destroy(&q->mutex);
  tn_free(q);
}

static tn_error *create(void *argument, const char *name, tn_object **out) {
  (void)name;
  queue *q = tn_calloc(1, sizeof *q);
  if (!q) return tn_out_of_memory();
  atomic_init(&q->object.refs, 1);
  q->object.type = TYPE;
  q->object.destroy = destroy;
  pthread_mutex_init(&q->mutex, NULL);
  pthread_cond_init(&q->changed, NULL);
  q->n = (int)tn_node_get_int(argument, "shards");
  q->patience = (double)tn_node_get_float(argument, "patience");
  q->shards = tn_calloc((size_t)q->n, sizeof *q->shards);
  if (!q->shards) {
    tn_object_unref(&q->object);
    return tn_out_of_memory();
  }
  *out = &q->object;
  return NULL;
}

static tn_error *prepare_handle(tn_prepare *p) {
  tn_object *object;
  tn_handle_request request = {TYPE, create, (void *)p->node};
  return tn_handle_prepare(p, &request, &object);
}

static tn_error *prepare_place(tn_prepare *p) {
  tn_shape four = tn_shape_of(1, &(int64_t){4});
  return tn_prepare_output(p, 0, &four);
}

static tn_error *queue_of(const tn_run *r, queue **out) {
  tn_object *object = NULL;
  TN_TRY(tn_run_object(r, 0, TYPE, &object));
  *out = (queue *)object;
  return NULL;
}

/* With the lock held. */
static void begin_step(queue *q, int64_t step) {
  q->step = step;
  for (int i = 0; i < q->n; i++) q->shards[i] = (shard){0};
  pthread_cond_broadcast(&q->changed);
}

static tn_error *run_reset(tn_run *r) {
  queue *q = NULL;
  TN_TRY(queue_of(r, &q));
  tn_lock(&q->mutex);
  q->epoch = *TN_DATA(const int64_t, r->inputs[1]);
  q->last = *TN_DATA(const int64_t, r->inputs[3]);
  q->begun = true;
  q->closed = false;
  q->slowest_ns = 0;
  begin_step(q, *TN_DATA(const int64_t, r->inputs[2]));
  tn_unlock(&q->mutex);
  return NULL;
}

static tn_error *run_close(tn_run *r) {
  queue *q = NULL;
  TN_TRY(queue_of(r, &q));
  tn_lock(&q->mutex);
  q->begun = q->closed = true;
  pthread_cond_broadcast(&q->changed);
  tn_unlock(&q->mutex);
  return NULL;
}

/* --- claiming --- */

/* The first shard that nobody computes; else one that somebody has been computing for too long; else -1. *DONE: all
 * are. */
static int choose(const queue *q, bool *done) {
  int64_t now = tn_now_ns(), limit = (int64_t)(q->patience * 1e9);
  if (limit < 4 * q->slowest_ns) limit = 4 * q->slowest_ns;
  int late = -1;
  *done = true;
  for (int i = 0; i < q->n; i++) {
    const shard *s = &q->shards[i];
    if (!s->taken) {
      *done = false;
      return i;
    }
    if (s->done) continue;
    *done = false;
    if (late < 0 && now - s->since_ns > limit) late = i;
  }
  return late;
}

/* With the lock held: whether there is something for WORKER. */
static bool claim(queue *q, int64_t worker, bool updates, tn_shard_place *out) {
  if (!q->begun) return false;
  *out = (tn_shard_place){.epoch = q->epoch, .step = q->step, .kind = TN_SHARD_STOP};
  if (q->closed || q->step >= q->last) return true;
  bool done = false;
  int i = choose(q, &done);
  out->kind = done ? TN_SHARD_UPDATE : TN_SHARD_COMPUTE;
  if (done) return updates;
  if (i < 0) return false;
  out->shard = i;
  q->shards[i] = (shard){.taken = true, .owner = worker, .since_ns = tn_now_ns()};
  return true;
}

static tn_error *run_claim(tn_run *r) {
  queue *q = NULL;
  TN_TRY(queue_of(r, &q));
  int64_t worker = *TN_DATA(const int64_t, r->inputs[1]);
  bool updates = *TN_DATA(const bool, r->inputs[2]);
  tn_error *error = NULL;
  tn_lock(&q->mutex);
  for (int i = 0; i < q->n; i++) {
    shard *s = &q->shards[i];
    if (s->taken && !s->done && s->owner == worker) s->taken = false;
  }
  while (!claim(q, worker, updates, r->outputs[0]->data) && !error) {
    error = tn_step_wait(r->step, &q->changed, &q->mutex);
  }
  tn_unlock(&q->mutex);
  return error;
}

static tn_error *run_done(tn_run *r) {
  queue *q = NULL;
  tn_shard_place at;
  TN_TRY(queue_of(r, &q));
  TN_TRY(tn_shard_place_of(r, 1, &at));
  tn_lock(&q->mutex);
  if (at.kind == TN_SHARD_COMPUTE && at.epoch == q->epoch && at.step == q->step && at.shard >= 0 && at.shard < q->n) {
    shard *s = &q->shards[at.shard];
    int64_t took = s->taken && !s->done ? tn_now_ns() - s->since_ns : 0;
    if (took > q->slowest_ns) q->slowest_ns = took;
    s->taken = s->done = true;
    pthread_cond_broadcast(&q->changed);
  }
  tn_unlock(&q->mutex);
  return NULL;
}

static tn_error *run_next(tn_run *r) {
  queue *q = NULL;
  tn_shard_place at;
  TN_TRY(queue_of(r, &q));
  TN_TRY(tn_shard_place_of(r, 1, &at));
  tn_lock(&q->mutex);
  bool good = at.epoch == q->epoch && at.step == q->step;
  if (good) begin_step(q, at.step + 1);
  tn_unlock(&q->mutex);
  return good ? NULL : tn_run_errorf(r, TN_ABORTED, "another chief has begun anew since step %lld", (long long)at.step);
}

static const tn_kernel_def handles[] = {
    {.name = "reference", .prepare = prepare_handle, .run = tn_handle_run, .destroy = tn_handle_destroy}, {0}};
static const tn_kernel_def resets[] = {{.name = "reference", .prepare = tn_prepare_nothing, .run = run_reset}, {0}};
static const tn_kernel_def closes[] = {{.name = "reference", .prepare = tn_prepare_nothing, .run = run_close}, {0}};
static const tn_kernel_def claims[] = {{.name = "reference", .prepare = prepare_place, .run = run_claim}, {0}};
static const tn_kernel_def dones[] = {{.name = "reference", .prepare = tn_prepare_nothing, .run = run_done}, {0}};
static const tn_kernel_def nexts[] = {{.name = "reference", .prepare = tn_prepare_nothing, .run = run_next}, {0}};

static tn_error *shape_place(tn_shape_ctx *c) {
  c->out[0] = tn_shape_of(1, &(int64_t){4});
  return NULL;
}

#define FLAGS TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED

TN_OP(_ShardQueue, .inputs = "", .outputs = "handle: resource",
      .attrs = "shards: int >= 1; patience: float = 2.0; container: string = ''; shared_name: string = ''",
      .doc = "Who computes which shard of a step.", .flags = FLAGS, .shape = tn_shape_scalar_out, .kernels = handles);
TN_OP(_ShardQueueReset, .inputs = "handle: resource, epoch: int64, step: int64, last: int64", .outputs = "",
      .attrs = "", .doc = "Begins with STEP; there is no step LAST.", .flags = FLAGS, .shape = tn_shape_no_outputs,
      .kernels = resets);
TN_OP(_ShardQueueClose, .inputs = "handle: resource", .outputs = "", .attrs = "",
      .doc = "There is nothing more to claim.", .flags = FLAGS, .shape = tn_shape_no_outputs, .kernels = closes);
TN_OP(_ShardClaim, .inputs = "handle: resource, worker: int64, updates: bool", .outputs = "place: int64", .attrs = "",
      .doc = "Waits for a shard, for the update (if WORKER makes those), or for the end.",
      .flags = FLAGS | TN_OP_BLOCKING, .shape = shape_place, .kernels = claims);
TN_OP(_ShardDone, .inputs = "handle: resource, place: int64", .outputs = "", .attrs = "",
      .doc = "All gradients of a shard are put.", .flags = FLAGS, .shape = tn_shape_no_outputs, .kernels = dones);
TN_OP(_ShardNext, .inputs = "handle: resource, place: int64", .outputs = "", .attrs = "",
      .doc = "The step of PLACE was made: the next one begins.", .flags = FLAGS, .shape = tn_shape_no_outputs,
      .kernels = nexts);
