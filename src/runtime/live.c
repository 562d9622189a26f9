/* The largest live tensors of a step that ran out of memory. */
#include "runtime/live.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

#define LARGEST 5

typedef struct ranking {
  int n;
  struct {
    size_t bytes;
    const void *buffer;
    tn_dtype dtype;
    tn_shape shape;
    const tn_node *node;
    int output;
  } top[LARGEST];
} ranking;

static void rank(void *argument, const tn_item *consumer, int input, const tn_tensor *value) {
  ranking *r = argument;
  size_t bytes = value->buffer ? value->buffer->size : 0;
  for (int i = 0; i < r->n; i++) {
    if (r->top[i].buffer == value->buffer) return;
  }
  int at = r->n < LARGEST ? r->n++ : LARGEST - 1;
  if (at == LARGEST - 1 && r->n == LARGEST && r->top[at].buffer && r->top[at].bytes >= bytes) return;
  while (at > 0 && r->top[at - 1].bytes < bytes) {
    r->top[at] = r->top[at - 1];
    at--;
  }
  tn_output from = consumer->node->inputs[input];
  r->top[at].bytes = bytes;
  r->top[at].buffer = value->buffer;
  r->top[at].dtype = value->dtype;
  r->top[at].shape = value->shape;
  r->top[at].node = from.node;
  r->top[at].output = from.index;
}

tn_error *tn_name_largest(tn_error *error, const tn_flow *flow) {
  ranking r = {0};
  tn_flow_visit(flow, rank, &r);
  if (!r.n || strstr(tn_error_message(error), "largest live")) return error;
  tn_str text = {0};
  for (int i = 0; i < r.n; i++) {
    tn_str_addf(&text, "%s%s:%d %s%s %zu bytes", i ? ", " : "", r.top[i].node->name, r.top[i].output,
                tn_dtype_name(r.top[i].dtype), TN_SHAPE_STR(&r.top[i].shape), r.top[i].bytes);
  }
  char *list = NULL;
  tn_error *failed = tn_str_take(&text, &list, NULL);
  if (failed) {
    tn_error_free(failed);
    return error;
  }
  error = tn_error_context(error, "%zu bytes in use of %zu; the largest live tensors are %s", tn_memory_used(),
                           tn_memory_limit(), list);
  tn_free(list);
  return error;
}
