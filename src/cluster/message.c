/* Messages in parts, each held by a reference-counted buffer. */
#include <string.h>

#include "base/alloc.h"
#include "cluster/transport.h"

enum { FEW = 4 }; /* parts that a message holds without asking for more memory */

struct tn_message {
  atomic_int refs;
  size_t n, capacity, size;
  tn_message_part *parts; /* FEW, or more on the heap */
  tn_message_part few[FEW];
};

tn_error *tn_message_new(tn_message **out) {
  tn_message *m = tn_calloc(1, sizeof *m);
  if (!m) return tn_out_of_memory();
  m->refs = 1;
  m->parts = m->few;
  m->capacity = FEW;
  *out = m;
  return NULL;
}

tn_message *tn_message_ref(tn_message *m) {
  if (m) atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
  return m;
}

static void drop_parts(tn_message *m) {
  for (size_t i = 0; i < m->n; i++) tn_buffer_unref(m->parts[i].owner);
  m->n = m->size = 0;
}

void tn_message_unref(tn_message *m) {
  if (!m || atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1) return;
  drop_parts(m);
  if (m->parts != m->few) tn_free(m->parts);
  tn_free(m);
}

/* Appends a part whose reference on OWNER is taken over, also on failure. */
static tn_error *add_part(tn_message *m, tn_buffer *owner, const void *data, size_t size) {
  if (m->n == m->capacity) {
    tn_message_part *more = tn_malloc(2 * m->capacity * sizeof *more);
    if (!more) {
      tn_buffer_unref(owner);
      return tn_out_of_memory();
    }
    memcpy(more, m->parts, m->n * sizeof *more);
    if (m->parts != m->few) tn_free(m->parts);
    m->parts = more;
    m->capacity *= 2;
  }
  m->parts[m->n++] = (tn_message_part){data, size, owner};
  m->size += size;
  return NULL;
}

static void free_text(void *data, void *argument) {
  (void)argument;
  tn_free(data);
}

tn_error *tn_message_add_str(tn_message *m, tn_str *text) {
  char *data;
  size_t size;
  TN_TRY(tn_str_take(text, &data, &size));
  tn_buffer *owner = size ? tn_malloc(sizeof *owner) : NULL;
  if (!owner) {
    tn_free(data);
    return size ? tn_out_of_memory() : NULL;
  }
  *owner = (tn_buffer){.refs = 1, .dtype = TN_UINT8, .size = size, .data = data, .release = free_text};
  return add_part(m, owner, data, size);
}

tn_error *tn_message_add_copy(tn_message *m, const void *data, size_t size) {
  if (!size) return NULL;
  tn_buffer *owner;
  TN_TRY(tn_buffer_new(TN_UINT8, size, &owner));
  memcpy(owner->data, data, size);
  return add_part(m, owner, owner->data, size);
}

tn_error *tn_message_add_buffer(tn_message *m, tn_buffer *owner, const void *data, size_t size) {
  return size ? add_part(m, tn_buffer_ref(owner), data, size) : NULL;
}

size_t tn_message_size(const tn_message *m) { return m ? m->size : 0; }

size_t tn_message_parts(const tn_message *m, const tn_message_part **parts) {
  *parts = m ? m->parts : NULL;
  return m ? m->n : 0;
}

tn_error *tn_message_of_size(tn_pool *pool, size_t size, char **data, tn_message **out) {
  tn_message *m;
  TN_TRY(tn_message_new(&m));
  *data = NULL;
  if (size) {
    tn_buffer *owner;
    tn_error *error = tn_pool_buffer(pool, size, &owner);
    if (!error) error = add_part(m, owner, owner->data, size);
    if (error) {
      tn_message_unref(m);
      return error;
    }
    *data = owner->data;
  }
  *out = m;
  return NULL;
}

/* Puts all parts behind each other in one. */
static tn_error *join(tn_message *m) {
  tn_buffer *whole;
  TN_TRY(tn_buffer_new(TN_UINT8, m->size, &whole));
  char *at = whole->data;
  for (size_t i = 0; i < m->n; i++) {
    memcpy(at, m->parts[i].data, m->parts[i].size);
    at += m->parts[i].size;
  }
  size_t size = m->size;
  drop_parts(m);
  return add_part(m, whole, whole->data, size);
}

tn_error *tn_message_read(tn_message *m, tn_wire_in *in, tn_buffer **owner) {
  if (m && m->n > 1) TN_TRY(join(m));
  bool empty = !m || !m->n;
  *in = empty ? tn_wire_bytes("", 0) : tn_wire_bytes(m->parts[0].data, m->parts[0].size);
  if (owner) *owner = empty ? NULL : m->parts[0].owner;
  return NULL;
}
