/* Collective training: everybody gets the variables of one member. */
#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "cluster/collective_impl.h"

static size_t bytes_of(const tn_tensor *t) { return (size_t)tn_elements(t) * tn_dtype_size(t->dtype); }

/* With the lock held: sends tensor I of the root, whose bytes OWNER holds. */
static void send(tn_collective *c, int i, tn_buffer *owner, size_t size) {
  for (size_t p = 0; p * PIECE < size; p++) {
    size_t left = size - p * PIECE;
    head h = {c->generation, (int64_t)size, i, (int64_t)p, PHASE_SYNC};
    tn_collective_push(c, &h, owner, (const char *)owner->data + p * PIECE, left < PIECE ? left : PIECE);
  }
}

static tn_error *give(tn_collective *c, int n, const tn_tensor *const *inputs, tn_tensor *const *outputs) {
  for (int i = 0; i < n; i++) {
    size_t size = bytes_of(inputs[i]);
    tn_buffer *copy = NULL;
    TN_TRY(tn_buffer_new(inputs[i]->dtype, size, &copy));
    if (size) memcpy(copy->data, inputs[i]->data, size);
    if (size) memcpy(outputs[i]->data, inputs[i]->data, size);
    tn_lock(&c->mutex);
    if (c->size > 1) send(c, i, copy, size);
    tn_unlock(&c->mutex);
    tn_buffer_unref(copy);
  }
  return NULL;
}

/* With the lock held: tensor I is here. */
static bool complete(const tn_collective *c, int i) {
  if ((size_t)i >= c->n_synced || !c->synced[i].n_pieces) return false;
  for (size_t p = 0; p < c->synced[i].n_pieces; p++) {
    if (!c->synced[i].pieces[p]) return false;
  }
  return true;
}

/* With the lock held. */
static tn_error *copy(const tn_collective *c, int i, tn_tensor *out) {
  size_t at = 0, size = bytes_of(out);
  for (size_t p = 0; p < c->synced[i].n_pieces; p++) {
    tn_message *message = c->synced[i].pieces[p];
    size_t n = tn_message_size(message) - sizeof(head);
    tn_wire_in in;
    TN_TRY(tn_message_read(message, &in, NULL));
    if (n > size - at) return tn_errorf(TN_INVALID_ARGUMENT, "variable %d is larger at the root than here", i);
    memcpy((char *)out->data + at, (const char *)in.at + sizeof(head), n);
    at += n;
  }
  return at == size ? NULL : tn_errorf(TN_INVALID_ARGUMENT, "variable %d is smaller at the root than here", i);
}

static tn_error *receive(tn_collective *c, const tn_step *step, int i, tn_tensor *out) {
  tn_error *error = NULL;
  if (bytes_of(out) == 0) return NULL;
  tn_lock(&c->mutex);
  while (!complete(c, i) && !c->broken && !error) error = tn_step_wait(step, &c->changed, &c->mutex);
  if (!error && !complete(c, i)) error = tn_errorf(TN_ABORTED, "the ring broke while the variables were sent");
  if (!error) error = copy(c, i, out);
  tn_unlock(&c->mutex);
  return error;
}

tn_error *tn_collective_sync(tn_collective *c, const tn_step *step, int n, const tn_tensor *const *inputs,
                             tn_tensor *const *outputs) {
  tn_lock(&c->mutex);
  bool root = c->generation && c->rank == c->root, begun = c->generation != 0;
  tn_unlock(&c->mutex);
  if (!begun) return tn_errorf(TN_FAILED_PRECONDITION, "no ring has begun");
  if (root) return give(c, n, inputs, outputs);
  for (int i = 0; i < n; i++) TN_TRY(receive(c, step, i, outputs[i]));
  return NULL;
}
