/* Collective training: rings that begin and end, and the gradients of steps. */
#include "cluster/collective.h"

#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "cluster/collective_impl.h"

/* --- what a ring leaves behind --- */

static void clear_slot(tn_collective *c, slot *s) {
  for (int b = 0; s->buckets && b < c->n_buckets; b++) {
    bucket_step *step = &s->buckets[b];
    for (int i = 0; step->own && i < c->end - c->first; i++) tn_buffer_unref(step->own[i]);
    for (size_t p = 0; step->pieces && p < c->buckets[b].n_pieces; p++) tn_message_unref(step->pieces[p].sum);
    tn_buffer_unref(step->result);
    tn_free(step->own);
    tn_free(step->pieces);
  }
  tn_free(s->buckets);
  tn_free(s->asked);
  *s = (slot){.step = -1};
}

static void clear(tn_collective *c) {
  for (int i = 0; i < N_SLOTS; i++) clear_slot(c, &c->slots[i]);
  for (size_t i = 0; i < c->n_synced; i++) {
    for (size_t p = 0; p < c->synced[i].n_pieces; p++) tn_message_unref(c->synced[i].pieces[p]);
    tn_free(c->synced[i].pieces);
  }
  tn_free(c->synced);
  c->synced = NULL;
  c->n_synced = 0;
  tn_free(c->buckets);
  c->buckets = NULL;
  c->n_buckets = 0;
  c->n_pieces = 0;
}

static void destroy(tn_object *object) {
  tn_collective *c = (tn_collective *)object;
  clear(c);
  while (c->early) {
    early *next = c->early->next;
    tn_message_unref(c->early->message);
    tn_free(c->early);
    c->early = next;
  }
  tn_call_unref(c->watch);
  pthread_cond_destroy(&c->changed);
  pthread_mutex_destroy(&c->mutex);
  tn_free(c);
}

tn_collective *tn_collective_ref(tn_collective *c) {
  tn_object_ref(&c->object);
  return c;
}

tn_object *tn_collective_object(tn_collective *c) { return &c->object; }

tn_error *tn_collective_new(const tn_spec *spec, const tn_spec_task *task, tn_transport *transport,
                            tn_collective **out) {
  tn_collective *c = tn_calloc(1, sizeof *c);
  if (!c) return tn_out_of_memory();
  atomic_init(&c->object.refs, 1);
  c->object.type = TN_COLLECTIVE_TYPE;
  c->object.destroy = destroy;
  c->spec = spec;
  c->task = task;
  c->transport = transport;
  c->broken = true;
  for (int i = 0; i < N_SLOTS; i++) c->slots[i].step = -1;
  pthread_mutex_init(&c->mutex, NULL);
  pthread_cond_init(&c->changed, NULL);
  *out = c;
  return NULL;
}

tn_error *tn_collective_of(const tn_run *r, tn_collective **out) {
  tn_object *object = NULL;
  tn_error *error = tn_resources_get(tn_run_resources(r), TN_COLLECTIVE_CONTAINER, TN_COLLECTIVE_NAME,
                                     TN_COLLECTIVE_TYPE, NULL, NULL, &object);
  if (error) {
    tn_error_free(error);
    return tn_run_errorf(r, TN_FAILED_PRECONDITION, "collective operations need a session on a task of a cluster");
  }
  *out = (tn_collective *)object;
  return NULL;
}

/* --- rings --- */

void tn_collective_break_locked(tn_collective *c, int64_t generation) {
  if (generation != c->generation || c->broken) return;
  c->broken = true;
  tn_call_cancel(c->watch);
  tn_collective_answer(c, generation, false);
  pthread_cond_broadcast(&c->changed);
}

void tn_collective_break(tn_collective *c, int64_t generation) {
  tn_lock(&c->mutex);
  tn_collective_break_locked(c, generation);
  tn_unlock(&c->mutex);
}

static tn_error *lay_out(tn_collective *c, const tn_collective_layout *layout) {
  c->buckets = tn_calloc((size_t)layout->n + 1, sizeof *c->buckets);
  if (!c->buckets) return tn_out_of_memory();
  c->n_buckets = layout->n;
  for (int i = 0; i < layout->n; i++) {
    bucket *b = &c->buckets[i];
    b->type = layout->types[i];
    b->bytes = (size_t)layout->elements[i] * tn_dtype_size(b->type);
    b->n_pieces = (b->bytes + PIECE - 1) / PIECE;
    c->n_pieces += b->n_pieces;
  }
  return NULL;
}

static tn_error *neighbour(const tn_collective *c, int64_t index, const char **out) {
  const tn_spec_task *task = tn_spec_find(c->spec, c->task->job, (int)index);
  if (!task) return tn_errorf(TN_INVALID_ARGUMENT, "the cluster has no %s %lld", c->task->job, (long long)index);
  *out = task->address;
  return NULL;
}

static tn_error *place(tn_collective *c, const tn_collective_ring *ring) {
  int rank = 0;
  while (rank < ring->size && ring->members[rank] != c->task->index) rank++;
  if (rank == ring->size) return tn_errorf(TN_ABORTED, "this task is not one of the ring");
  TN_TRY(neighbour(c, ring->members[(rank + ring->size - 1) % ring->size], &c->before));
  TN_TRY(neighbour(c, ring->members[(rank + 1) % ring->size], &c->after));
  c->rank = rank;
  c->size = ring->size;
  c->root = ring->root;
  return NULL;
}

/* What came before this ring began here. */
static tn_error *take_early(tn_collective *c) {
  early *all = c->early;
  tn_error *error = NULL;
  c->early = NULL;
  while (all) {
    early *next = all->next;
    if (!error) error = tn_collective_accept(c, all->message);
    tn_message_unref(all->message);
    tn_free(all);
    all = next;
  }
  return error;
}

tn_error *tn_collective_begin(tn_collective *c, const tn_collective_ring *ring, const tn_collective_layout *layout) {
  tn_lock(&c->mutex);
  tn_collective_break_locked(c, c->generation);
  /* Pieces that are being added up belong to the old ring. */
  while (c->adding) pthread_cond_wait(&c->changed, &c->mutex);
  clear(c);
  c->shards = layout->shards;
  tn_error *error = place(c, ring);
  if (!error) error = lay_out(c, layout);
  if (!error) {
    c->first = (int)(((int64_t)c->rank * c->shards + c->size - 1) / c->size);
    c->end = (int)(((int64_t)(c->rank + 1) * c->shards + c->size - 1) / c->size);
    c->generation = ring->generation;
    c->broken = c->left = false;
    tn_call_unref(c->watch);
    c->watch = NULL;
    tn_collective_answer(c, c->generation - 1, false);
    if (c->size > 1) tn_collective_watch(c);
    error = take_early(c);
  }
  tn_unlock(&c->mutex);
  return error;
}

/* --- steps --- */

static tn_error *fill(tn_collective *c, slot *s, int64_t step) {
  size_t own = (size_t)(c->end - c->first) + 1;
  s->step = step;
  s->asked = tn_calloc(own, sizeof *s->asked);
  s->buckets = tn_calloc((size_t)c->n_buckets + 1, sizeof *s->buckets);
  if (!s->asked || !s->buckets) return tn_out_of_memory();
  for (int b = 0; b < c->n_buckets; b++) {
    bucket_step *made = &s->buckets[b];
    made->own = tn_calloc(own, sizeof(tn_buffer *));
    made->pieces = tn_calloc(c->buckets[b].n_pieces + 1, sizeof *made->pieces);
    if (!made->own || !made->pieces) return tn_out_of_memory();
    TN_TRY(tn_buffer_new(c->buckets[b].type, c->buckets[b].bytes, &made->result));
  }
  return NULL;
}

slot *tn_collective_slot(tn_collective *c, int64_t step) {
  if (step < 0) return NULL;
  slot *s = &c->slots[step % N_SLOTS];
  if (s->step == step) return s;
  if (s->step != -1) return NULL;
  tn_error *error = fill(c, s, step);
  if (!error) return s;
  tn_error_free(error);
  clear_slot(c, s);
  return NULL;
}

tn_error *tn_collective_next(tn_collective *c, const tn_step *step, const int64_t at_and_last[2], tn_shard_place *out) {
  int64_t at = at_and_last[0];
  tn_error *error = NULL;
  bool found = false;
  tn_lock(&c->mutex);
  while (!found && !error) {
    *out = (tn_shard_place){.epoch = c->generation, .step = at, .kind = TN_SHARD_STOP};
    found = true;
    if (at >= at_and_last[1]) break;
    slot *s = c->generation ? tn_collective_slot(c, at) : NULL;
    out->kind = TN_SHARD_UPDATE;
    if (s && s->n_final == c->n_pieces) break;
    out->kind = TN_SHARD_REJOIN;
    if (!s || c->broken) break;
    out->kind = TN_SHARD_COMPUTE;
    int i = 0;
    while (i < c->end - c->first && s->asked[i]) i++;
    out->shard = c->first + i;
    if (i < c->end - c->first) {
      s->asked[i] = true;
      break;
    }
    found = false;
    error = tn_step_wait(step, &c->changed, &c->mutex);
  }
  tn_unlock(&c->mutex);
  return error;
}

/* The tensors one after the other. */
static tn_error *flatten(size_t bytes, int n, const tn_tensor *const *values, tn_buffer **out) {
  size_t at = 0;
  for (int i = 0; i < n; i++) at += (size_t)tn_elements(values[i]) * tn_dtype_size(values[i]->dtype);
  if (at != bytes) return tn_errorf(TN_INVALID_ARGUMENT, "%zu bytes of gradients came for a bucket of %zu", at, bytes);
  TN_TRY(tn_buffer_new(n ? values[0]->dtype : TN_FLOAT, bytes, out));
  at = 0;
  for (int i = 0; i < n; i++) {
    size_t size = (size_t)tn_elements(values[i]) * tn_dtype_size(values[i]->dtype);
    if (size) memcpy((char *)(*out)->data + at, values[i]->data, size);
    at += size;
  }
  return NULL;
}

static tn_error *put(tn_collective *c, const tn_shard_place *at, int b, tn_buffer **made) {
  slot *s = at->kind == TN_SHARD_COMPUTE && at->epoch == c->generation ? tn_collective_slot(c, at->step) : NULL;
  if (!s || at->shard < c->first || at->shard >= c->end) return NULL;
  bucket_step *step = &s->buckets[b];
  if (step->own[at->shard - c->first]) return NULL;
  step->own[at->shard - c->first] = *made;
  *made = NULL;
  step->n_own++;
  for (size_t p = 0; p < c->buckets[b].n_pieces; p++) tn_collective_start(c, s, b, p);
  return NULL;
}

tn_error *tn_collective_put(tn_collective *c, const tn_shard_place *at, int b, int n, const tn_tensor *const *values) {
  tn_buffer *made = NULL;
  tn_lock(&c->mutex);
  bool known = b >= 0 && b < c->n_buckets;
  size_t bytes = known ? c->buckets[b].bytes : 0;
  tn_unlock(&c->mutex);
  if (!known) return tn_errorf(TN_FAILED_PRECONDITION, "there is no bucket %d: no ring has begun", b);
  TN_TRY(flatten(bytes, n, values, &made));
  tn_lock(&c->mutex);
  tn_error *error = b < c->n_buckets && c->buckets[b].bytes == bytes ? put(c, at, b, &made) : NULL;
  tn_unlock(&c->mutex);
  tn_buffer_unref(made);
  return error;
}

tn_error *tn_collective_take(tn_collective *c, int64_t step, int b, const void **out, size_t *size) {
  tn_lock(&c->mutex);
  slot *s = step >= 0 && c->slots[step % N_SLOTS].step == step ? &c->slots[step % N_SLOTS] : NULL;
  bool good = s && b >= 0 && b < c->n_buckets && s->n_final == c->n_pieces;
  if (good) {
    *out = s->buckets[b].result->data;
    *size = c->buckets[b].bytes;
  }
  tn_unlock(&c->mutex);
  return good ? NULL : tn_errorf(TN_ABORTED, "the gradients of step %lld are not here", (long long)step);
}

void tn_collective_done(tn_collective *c, int64_t step) {
  tn_lock(&c->mutex);
  for (int i = 0; i < N_SLOTS; i++) {
    if (c->slots[i].step >= 0 && c->slots[i].step <= step) clear_slot(c, &c->slots[i]);
  }
  tn_unlock(&c->mutex);
}

tn_error *tn_collective_leave(tn_collective *c, const tn_step *step) {
  tn_error *error = NULL;
  tn_lock(&c->mutex);
  while ((c->adding || c->pushing) && !error) error = tn_step_wait(step, &c->changed, &c->mutex);
  c->left = true;
  tn_collective_answer(c, c->generation, true);
  tn_unlock(&c->mutex);
  return error;
}

void tn_collective_stop(tn_collective *c) {
  tn_lock(&c->mutex);
  c->stopped = true;
  tn_collective_break_locked(c, c->generation);
  tn_collective_answer(c, INT64_MAX, c->left);
  tn_unlock(&c->mutex);
}
