/* The largest live tensors of a step that ran out of memory. */
#include "runtime/live.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

void tn_rank(tn_ranking *r, const tn_ranked *one) {
  for (int i = 0; i < r->n; i++) {
    if (r->top[i].id == one->id) return;
  }
  if (r->n == TN_LARGEST && r->top[TN_LARGEST - 1].bytes >= one->bytes) return;
  int at = r->n < TN_LARGEST ? r->n++ : TN_LARGEST - 1;
  for (; at > 0 && r->top[at - 1].bytes < one->bytes; at--) r->top[at] = r->top[at - 1];
  r->top[at] = *one;
}

tn_error *tn_name_ranked(tn_error *error, const tn_ranking *r) {
  if (!r->n || strstr(tn_error_message(error), "largest live")) return error;
  tn_str text = {0};
  for (int i = 0; i < r->n; i++) {
    const tn_ranked *one = &r->top[i];
    tn_str_addf(&text, "%s%s:%d %s%s %zu bytes", i ? ", " : "", one->node->name, one->output, tn_dtype_name(one->dtype),
                TN_SHAPE_STR(&one->shape), one->bytes);
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

static void rank_value(void *argument, const tn_item *consumer, int input, const tn_tensor *value) {
  tn_output from = consumer->island ? consumer->island->inputs[input] : consumer->node->inputs[input];
  tn_ranked one = {
      value->buffer ? value->buffer->size : 0, value->buffer, value->dtype, value->shape, from.node, from.index};
  tn_rank(argument, &one);
}

tn_error *tn_name_largest(tn_error *error, const tn_flow *flow) {
  tn_ranking ranking = {0};
  tn_flow_visit(flow, rank_value, &ranking);
  return tn_name_ranked(error, &ranking);
}
