/* StringSplitV2: words as Python's str.split gives them, as a sparse tensor. */
#include <string.h>

#include "ops/string/string_array.h"

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* Finds the next word of S from *AT on, which is SIZE_MAX behind the last one. LEFT: how many splits are allowed still
 * (negative: any number); what is left then is the last word, also where it is empty. */
static bool next_word(tn_string s, tn_string sep, size_t *at, int64_t *left, tn_string *word) {
  if (*at == SIZE_MAX) return false;
  size_t begin = *at, end = s.size, next = SIZE_MAX;
  if (*left != 0 && sep.size == 0) {
    while (begin < s.size && is_space(s.data[begin])) begin++;
    if (begin == s.size) return false;
    for (end = begin; end < s.size && !is_space(s.data[end]);) end++;
    for (next = end; next < s.size && is_space(s.data[next]);) next++;
  } else if (*left != 0 && s.size - begin >= sep.size) {
    const char *found = memmem(s.data + begin, s.size - begin, sep.data, sep.size);
    if (found) {
      end = (size_t)(found - s.data);
      next = end + sep.size;
    }
  }
  *word = (tn_string){s.data + begin, end - begin};
  *at = next;
  if (*left > 0) --*left;
  return true;
}

/* Visits all words; with INDICES it stores them, else it only counts. */
static tn_error *visit(tn_run *r, int64_t *indices, int64_t *count, int64_t *widest) {
  tn_string sep = *tn_strings_of(r->inputs[1]), word;
  int64_t limit = tn_node_get_int(r->node, "maxsplit");
  *count = *widest = 0;
  for (int64_t row = 0; row < tn_elements(r->inputs[0]); row++) {
    int64_t column = 0, left = limit;
    size_t at = 0;
    tn_string s = tn_strings_of(r->inputs[0])[row];
    if (!s.size) s.data = (char *)"";
    for (; next_word(s, sep, &at, &left, &word); column++, ++*count) {
      if (!indices) continue;
      indices[2 * *count] = row;
      indices[2 * *count + 1] = column;
      TN_TRY(tn_string_set(&tn_strings_of(r->outputs[1])[*count], word.data, word.size));
    }
    if (column > *widest) *widest = column;
  }
  return NULL;
}

static tn_error *run(tn_run *r) {
  int64_t count, widest;
  TN_TRY(visit(r, NULL, &count, &widest));
  tn_shape indices = tn_shape_of(2, (int64_t[]){count, 2}), values = tn_shape_of(1, &count);
  TN_TRY(tn_run_allocate(r, 0, &indices));
  TN_TRY(tn_run_allocate(r, 1, &values));
  TN_DATA(int64_t, r->outputs[2])[0] = tn_elements(r->inputs[0]);
  TN_DATA(int64_t, r->outputs[2])[1] = widest;
  return count > 0 ? visit(r, TN_DATA(int64_t, r->outputs[0]), &count, &widest) : NULL;
}

static tn_error *prepare(tn_prepare *p) {
  if (p->inputs[0].shape.rank != 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "input must be a vector, got shape: %s",
                             TN_SHAPE_STR(&p->inputs[0].shape));
  if (p->inputs[1].shape.rank != 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "sep must be a scalar, got shape: %s",
                             TN_SHAPE_STR(&p->inputs[1].shape));
  tn_prepare_dynamic(p, 0);
  tn_prepare_dynamic(p, 1);
  tn_shape two = tn_shape_of(1, &(int64_t){2});
  return tn_prepare_output(p, 2, &two);
}

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape vector, scalar;
  TN_TRY(tn_shape_with_rank(c, 0, 1, &vector));
  TN_TRY(tn_shape_with_rank(c, 1, 0, &scalar));
  c->out[0] = tn_shape_of(2, (int64_t[]){-1, 2});
  c->out[1] = tn_shape_unknown_of_rank(1);
  c->out[2] = tn_shape_of(1, &(int64_t){2});
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(StringSplitV2, .inputs = "input: string, sep: string", .outputs = "indices: int64, values: string, shape: int64",
      .attrs = "maxsplit: int = -1",
      .doc = "The words between separators (or spaces) in each string, as a sparse tensor.",
      .flags = TN_OP_GRADIENT_UNREGISTERED | TN_OP_DYNAMIC_SHAPE, .shape = shape, .kernels = kernels);
