/* StringSplit: the words of strings, as a sparse tensor. */
#include <string.h>

#include "ops/string/string_array.h"

static tn_error *split_shape(tn_shape_ctx *c) {
  tn_shape vector, scalar;
  TN_TRY(tn_shape_with_rank(c, 0, 1, &vector));
  TN_TRY(tn_shape_with_rank(c, 1, 0, &scalar));
  c->out[0] = tn_shape_of(2, (int64_t[2]){-1, 2});
  c->out[1] = tn_shape_unknown_of_rank(1);
  c->out[2] = tn_shape_of(1, &(int64_t){2});
  return NULL;
}

static tn_error *split_prepare(tn_prepare *p) {
  if (p->inputs[0].shape.rank != 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input must be a vector, got shape: %s",
                             TN_SHAPE_STR(&p->inputs[0].shape));
  if (p->inputs[1].shape.rank != 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "delimiter must be a scalar, got shape: %s",
                             TN_SHAPE_STR(&p->inputs[1].shape));
  tn_prepare_dynamic(p, 0);
  tn_prepare_dynamic(p, 1);
  tn_shape two = tn_shape_of(1, &(int64_t){2});
  return tn_prepare_output(p, 2, &two);
}

/* Finds the next word of S at or behind *AT: false at the end. Each byte of DELIMITER ends a word; an empty one makes a
 * word of each byte. */
static bool next_word(tn_string s, tn_string delimiter, size_t *at, tn_string *word) {
  if (s.size == 0 || *at > s.size || (delimiter.size == 0 && *at == s.size)) return false;
  size_t end = *at;
  if (delimiter.size == 0)
    end++;
  else
    while (end < s.size && !memchr(delimiter.data, s.data[end], delimiter.size)) end++;
  *word = (tn_string){s.data + *at, end - *at};
  *at = delimiter.size == 0 ? end : end + 1;
  return true;
}

/* Visits all words: with INDICES set it stores them, else it only counts. */
static tn_error *visit(tn_run *r, int64_t *indices, int64_t *count, int64_t *widest) {
  bool skip_empty = tn_node_get_bool(r->node, "skip_empty");
  tn_string delimiter = *tn_strings_of(r->inputs[1]), word;
  *count = *widest = 0;
  for (int64_t row = 0; row < tn_elements(r->inputs[0]); row++) {
    int64_t column = 0;
    size_t at = 0;
    while (next_word(tn_strings_of(r->inputs[0])[row], delimiter, &at, &word)) {
      if (skip_empty && word.size == 0) continue;
      if (indices) {
        indices[2 * *count] = row;
        indices[2 * *count + 1] = column;
        TN_TRY(tn_string_set(&tn_strings_of(r->outputs[1])[*count], word.data, word.size));
      }
      column++;
      ++*count;
    }
    if (column > *widest) *widest = column;
  }
  return NULL;
}

static tn_error *split_run(tn_run *r) {
  int64_t count, widest;
  TN_TRY(visit(r, NULL, &count, &widest));
  tn_shape indices = tn_shape_of(2, (int64_t[2]){count, 2}), values = tn_shape_of(1, &count);
  TN_TRY(tn_run_allocate(r, 0, &indices));
  TN_TRY(tn_run_allocate(r, 1, &values));
  TN_DATA(int64_t, r->outputs[2])[0] = tn_elements(r->inputs[0]);
  TN_DATA(int64_t, r->outputs[2])[1] = widest;
  return count > 0 ? visit(r, TN_DATA(int64_t, r->outputs[0]), &count, &widest) : NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = split_prepare, .run = split_run}, {0}};

TN_OP(StringSplit, .inputs = "input: string, delimiter: string",
      .outputs = "indices: int64, values: string, shape: int64", .attrs = "skip_empty: bool = true",
      .doc = "The words between the bytes of DELIMITER in each string, as a sparse tensor.",
      .flags = TN_OP_DYNAMIC_SHAPE | TN_OP_NO_GRADIENT, .shape = split_shape, .kernels = kernels);
