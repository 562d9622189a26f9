/* Collective training: what goes between the members of a ring. */
#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "cluster/collective_impl.h"
#include "kernel/combine.h"
#include "runtime/threads.h"

#define PUSH  TN_COLLECTIVE_SERVICE "Push"
#define WATCH TN_COLLECTIVE_SERVICE "Watch"
#define BREAK TN_COLLECTIVE_SERVICE "Break"

enum { MOST_SYNCED = 1 << 20, MOST_PIECES = 1 << 20 };

/* --- calling --- */

typedef struct calling {
  tn_collective *c;
  int64_t generation;
} calling;

static void drop(calling *k) {
  tn_object_unref(tn_collective_object(k->c));
  tn_free(k);
}

static tn_error *call(tn_collective *c, const tn_request *request, int64_t generation, tn_call **out) {
  calling *k = tn_malloc(sizeof *k);
  if (!k) return tn_out_of_memory();
  *k = (calling){tn_collective_ref(c), generation};
  tn_request copy = *request;
  copy.argument = k;
  tn_error *error = tn_transport_call(c->transport, &copy, out);
  if (error) drop(k);
  return error;
}

static void pushed(void *argument, tn_error *error, tn_message *reply) {
  calling *k = argument;
  tn_lock(&k->c->mutex);
  k->c->pushing--;
  if (error) tn_collective_break_locked(k->c, k->generation);
  pthread_cond_broadcast(&k->c->changed);
  tn_unlock(&k->c->mutex);
  tn_error_free(error);
  tn_message_unref(reply);
  drop(k);
}

static tn_error *push(tn_collective *c, const head *h, tn_buffer *owner, const void *data, size_t size) {
  tn_message *message = NULL;
  TN_TRY(tn_message_new(&message));
  tn_error *error = tn_message_add_copy(message, h, sizeof *h);
  if (!error && size) error = tn_message_add_buffer(message, owner, data, size);
  tn_request request = {.address = c->after, .method = PUSH, .message = message, .done = pushed};
  if (!error) error = call(c, &request, c->generation, NULL);
  if (!error) c->pushing++;
  tn_message_unref(message);
  return error;
}

void tn_collective_push(tn_collective *c, const head *h, tn_buffer *owner, const void *data, size_t size) {
  if (c->stopped || c->broken) return;
  tn_error *error = push(c, h, owner, data, size);
  if (error) tn_collective_break_locked(c, c->generation);
  tn_error_free(error);
}

static void watched(void *argument, tn_error *error, tn_message *reply) {
  calling *k = argument;
  /* A byte: the neighbour has left, and nothing is wrong. */
  if (error || tn_message_size(reply) != 1) tn_collective_break(k->c, k->generation);
  tn_error_free(error);
  tn_message_unref(reply);
  drop(k);
}

static void ignored(void *argument, tn_error *error, tn_message *reply) {
  tn_error_free(error);
  tn_message_unref(reply);
  drop(argument);
}

/* A call that says nothing but GENERATION. */
static tn_error *tell(tn_collective *c, tn_request request, int64_t generation, tn_call **out) {
  head h = {.generation = generation};
  tn_message *message = NULL;
  TN_TRY(tn_message_new(&message));
  tn_error *error = tn_message_add_copy(message, &h, sizeof h);
  request.message = message;
  if (!error) error = call(c, &request, generation, out);
  tn_message_unref(message);
  return error;
}

void tn_collective_watch(tn_collective *c) {
  tn_request request = {.address = c->before, .method = WATCH, .done = watched};
  tn_error *error = c->stopped ? NULL : tell(c, request, c->generation, &c->watch);
  if (error) tn_collective_break_locked(c, c->generation);
  tn_error_free(error);
}

void tn_collective_break_at(tn_collective *c, int64_t index, int64_t generation) {
  const tn_spec_task *task = tn_spec_find(c->spec, c->task->job, (int)index);
  if (!task) return;
  tn_lock(&c->mutex);
  tn_request request = {.address = task->address, .method = BREAK, .done = ignored};
  if (!c->stopped) tn_error_free(tell(c, request, generation, NULL));
  tn_unlock(&c->mutex);
}

/* --- adding up --- */

typedef struct job {
  tn_collective *c;
  slot *slot;
  int bucket;
  size_t piece, size;
  int64_t generation;
  tn_buffer *target;
  size_t offset; /* of the piece in TARGET */
} job;

/* Without the lock: what the job reads does not change before it is done. */
static tn_error *add(job *j, const bucket *type, const bucket_step *step, int n_own) {
  tn_combine_fn combine = tn_combine_of(TN_COMBINE_ADD, type->type);
  if (!combine) return tn_errorf(TN_UNIMPLEMENTED, "%s gradients can't be added", tn_dtype_name(type->type));
  size_t from = j->piece * PIECE;
  int64_t n = (int64_t)(j->size / tn_dtype_size(type->type));
  bool last = j->c->rank == j->c->size - 1;
  if (last) {
    j->target = tn_buffer_ref(step->result);
    j->offset = from;
  } else {
    TN_TRY(tn_buffer_new(type->type, j->size, &j->target));
  }
  char *to = (char *)j->target->data + j->offset;
  int i = 0;
  if (step->pieces[j->piece].sum) {
    tn_wire_in in;
    TN_TRY(tn_message_read(step->pieces[j->piece].sum, &in, NULL));
    memcpy(to, in.at + sizeof(head), j->size);
  } else {
    memcpy(to, (const char *)step->own[i++]->data + from, j->size);
  }
  for (; i < n_own; i++) combine(to, (const char *)step->own[i]->data + from, n);
  return last ? tn_shard_divide(type->type, to, n, j->c->shards) : NULL;
}

static void finish_piece(tn_collective *c, slot *s, int b, size_t p) {
  s->buckets[b].pieces[p].final = true;
  if (++s->n_final == c->n_pieces) pthread_cond_broadcast(&c->changed);
}

static void add_piece(void *argument) {
  job *j = argument;
  tn_collective *c = j->c;
  tn_error *error = add(j, &c->buckets[j->bucket], &j->slot->buckets[j->bucket], c->end - c->first);
  tn_lock(&c->mutex);
  c->adding--;
  bool last = c->rank == c->size - 1;
  if (error) tn_collective_break_locked(c, j->generation);
  if (!error && last) finish_piece(c, j->slot, j->bucket, j->piece);
  if (!error && c->size > 1) {
    head h = {j->generation, j->slot->step, j->bucket, (int64_t)j->piece, last ? PHASE_SHARE : PHASE_REDUCE};
    tn_collective_push(c, &h, j->target, (const char *)j->target->data + j->offset, j->size);
  }
  pthread_cond_broadcast(&c->changed);
  tn_unlock(&c->mutex);
  tn_error_free(error);
  tn_buffer_unref(j->target);
  tn_object_unref(tn_collective_object(c));
  tn_free(j);
}

static size_t piece_size(const bucket *b, size_t p) {
  size_t left = b->bytes - p * PIECE;
  return left < PIECE ? left : PIECE;
}

void tn_collective_start(tn_collective *c, slot *s, int b, size_t p) {
  piece *it = &s->buckets[b].pieces[p];
  if (it->started || c->broken || s->buckets[b].n_own < c->end - c->first || (c->rank > 0 && !it->sum)) return;
  job *j = tn_malloc(sizeof *j);
  tn_error *error = j ? NULL : tn_out_of_memory();
  if (j) {
    *j = (job){.c = tn_collective_ref(c), .slot = s, .bucket = b, .piece = p, .generation = c->generation};
    j->size = piece_size(&c->buckets[b], p);
    error = tn_background(add_piece, j);
  }
  if (error) {
    if (j) tn_object_unref(tn_collective_object(c));
    tn_free(j);
    tn_error_free(error);
    tn_collective_break_locked(c, c->generation);
    return;
  }
  it->started = true;
  c->adding++;
}

/* --- what comes --- */

static tn_error *accept_piece(tn_collective *c, const head *h, tn_message *message, const char *data, size_t size) {
  bool known = h->bucket >= 0 && h->bucket < c->n_buckets && h->piece >= 0 &&
               (uint64_t)h->piece < c->buckets[h->bucket].n_pieces;
  if (!known || size != piece_size(&c->buckets[h->bucket], (size_t)h->piece)) {
    return tn_errorf(TN_INVALID_ARGUMENT, "%zu bytes came for piece %lld of bucket %lld: do the programs differ?", size,
                     (long long)h->piece, (long long)h->bucket);
  }
  slot *s = tn_collective_slot(c, h->step);
  if (!s) return tn_errorf(TN_ABORTED, "gradients of step %lld are not wanted now", (long long)h->step);
  bucket_step *step = &s->buckets[h->bucket];
  piece *it = &step->pieces[h->piece];
  if (h->phase == PHASE_REDUCE) {
    if (c->rank == 0 || it->sum) return NULL;
    it->sum = tn_message_ref(message);
    tn_collective_start(c, s, (int)h->bucket, (size_t)h->piece);
    return NULL;
  }
  if (it->final) return NULL;
  char *to = (char *)step->result->data + (size_t)h->piece * PIECE;
  memcpy(to, data, size);
  finish_piece(c, s, (int)h->bucket, (size_t)h->piece);
  if (c->rank + 2 < c->size) tn_collective_push(c, h, step->result, to, size);
  return NULL;
}

/* H.step is the size of the whole tensor. */
static tn_error *accept_synced(tn_collective *c, const head *h, tn_message *message, const char *data, size_t size) {
  size_t n = h->step < 0 ? 0 : ((size_t)h->step + PIECE - 1) / PIECE;
  if (h->bucket < 0 || h->bucket >= MOST_SYNCED || h->piece < 0 || (uint64_t)h->piece >= n || n > MOST_PIECES) {
    return tn_errorf(TN_INVALID_ARGUMENT, "there is no piece %lld of tensor %lld", (long long)h->piece,
                     (long long)h->bucket);
  }
  if ((size_t)h->bucket >= c->n_synced) {
    synced *grown = tn_realloc(c->synced, ((size_t)h->bucket + 1) * sizeof *grown);
    if (!grown) return tn_out_of_memory();
    c->synced = grown;
    while (c->n_synced <= (size_t)h->bucket) c->synced[c->n_synced++] = (synced){0};
  }
  synced *to = &c->synced[h->bucket];
  if (!to->pieces) to->pieces = tn_calloc(n, sizeof(tn_message *));
  if (!to->pieces) return tn_out_of_memory();
  if (!to->n_pieces) to->n_pieces = n;
  if (to->n_pieces != n || to->pieces[h->piece]) return NULL;
  to->pieces[h->piece] = tn_message_ref(message);
  pthread_cond_broadcast(&c->changed);
  if ((c->rank + 1) % c->size == c->root) return NULL;
  tn_wire_in in;
  tn_buffer *owner = NULL;
  TN_TRY(tn_message_read(message, &in, &owner));
  tn_collective_push(c, h, owner, data, size);
  return NULL;
}

static tn_error *read_head(tn_message *message, head *h, const char **data, size_t *size) {
  tn_wire_in in;
  TN_TRY(tn_message_read(message, &in, NULL));
  *size = tn_message_size(message);
  if (*size < sizeof *h) return tn_errorf(TN_INVALID_ARGUMENT, "%zu bytes are too few for a piece", *size);
  memcpy(h, in.at, sizeof *h);
  *data = (const char *)in.at + sizeof *h;
  *size -= sizeof *h;
  return NULL;
}

tn_error *tn_collective_accept(tn_collective *c, tn_message *message) {
  head h;
  const char *data = NULL;
  size_t size = 0;
  TN_TRY(read_head(message, &h, &data, &size));
  if (h.generation != c->generation || c->broken) return tn_errorf(TN_ABORTED, "that ring is no more");
  if (h.phase == PHASE_SYNC) return accept_synced(c, &h, message, data, size);
  return accept_piece(c, &h, message, data, size);
}

static tn_error *take(tn_collective *c, const head *h, tn_message *message) {
  if (h->generation <= c->generation) return tn_collective_accept(c, message);
  /* The sender has heard of a ring before this task has. */
  early *e = tn_malloc(sizeof *e);
  if (!e) return tn_out_of_memory();
  early **end = &c->early;
  while (*end) end = &(*end)->next;
  *e = (early){NULL, tn_message_ref(message)};
  *end = e;
  return NULL;
}

static void answer(tn_incoming *incoming, bool leaves) {
  tn_message *reply = NULL;
  tn_error *error = leaves ? tn_message_new(&reply) : NULL;
  if (!error && leaves) error = tn_message_add_copy(reply, "", 1);
  tn_incoming_finish(incoming, error, reply);
}

void tn_collective_answer(tn_collective *c, int64_t generation, bool leaves) {
  for (watcher **link = &c->watchers; *link;) {
    watcher *w = *link;
    if (w->generation > generation) {
      link = &w->next;
      continue;
    }
    *link = w->next;
    answer(w->incoming, leaves);
    tn_free(w);
  }
}

static void keep_watcher(tn_collective *c, int64_t generation, tn_incoming *incoming) {
  bool over = c->stopped || generation < c->generation || (generation == c->generation && (c->broken || c->left));
  watcher *w = over ? NULL : tn_malloc(sizeof *w);
  if (!w) {
    answer(incoming, c->left && generation == c->generation);
    return;
  }
  *w = (watcher){c->watchers, incoming, generation};
  c->watchers = w;
}

void tn_collective_handle(tn_collective *c, tn_incoming *incoming) {
  const char *method = tn_incoming_method(incoming), *data = NULL;
  head h;
  size_t size = 0;
  tn_error *error = read_head(tn_incoming_message(incoming), &h, &data, &size);
  if (error) {
    tn_incoming_finish(incoming, error, NULL);
    return;
  }
  tn_lock(&c->mutex);
  if (strcmp(method, WATCH) == 0) {
    keep_watcher(c, h.generation, incoming);
    tn_unlock(&c->mutex);
    return;
  }
  if (strcmp(method, PUSH) == 0) {
    error = take(c, &h, tn_incoming_message(incoming));
  } else if (strcmp(method, BREAK) == 0) {
    tn_collective_break_locked(c, h.generation);
  } else {
    error = tn_errorf(TN_UNIMPLEMENTED, "there is no method '%.200s'", method);
  }
  tn_unlock(&c->mutex);
  tn_incoming_finish(incoming, error, NULL);
}
