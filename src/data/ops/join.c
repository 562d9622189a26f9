/* Datasets of several datasets: ZipDataset, ConcatenateDataset. */
#include "base/alloc.h"
#include "data/source.h"

typedef struct joined {
  tn_cursor base;
  int n;
  tn_cursor **inputs;
} joined;

static void close_all(tn_cursor *c) {
  joined *j = (joined *)c;
  for (int i = 0; i < j->n; i++) tn_cursor_close(j->inputs[i]);
  tn_free(j->inputs);
}

/* --- zip --- */

static int64_t zip_size(const tn_source *s) {
  int64_t least = TN_SIZE_INFINITE;
  for (int i = 0; i < s->n_inputs; i++) {
    int64_t n = tn_source_size(s->inputs[i]);
    if (n == TN_SIZE_UNKNOWN) return n;
    if (n >= 0 && (least < 0 || n < least)) least = n;
  }
  return least;
}

static tn_error *zip_open(tn_cursor *c, tn_step *step) {
  joined *j = (joined *)c;
  j->inputs = tn_calloc((size_t)c->source->n_inputs + 1, sizeof(tn_cursor *));
  if (!j->inputs) return tn_out_of_memory();
  int components = 0;
  for (int i = 0; i < c->source->n_inputs; i++) components += c->source->inputs[i]->n;
  if (components != c->source->n) {
    return tn_cursor_errorf(c, TN_INVALID_ARGUMENT, "the inputs have %d components; output_types has %d", components,
                            c->source->n);
  }
  for (; j->n < c->source->n_inputs; j->n++) TN_TRY(tn_cursor_open(c->source->inputs[j->n], step, &j->inputs[j->n]));
  return NULL;
}

static tn_error *zip_next(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  joined *j = (joined *)c;
  for (int i = 0; i < j->n && !*end; i++) {
    TN_TRY(tn_cursor_next(j->inputs[i], step, out, end));
    out += c->source->inputs[i]->n;
  }
  return NULL;
}

static const tn_source_kind zip_kind = {"ZipDataset", sizeof(tn_source), sizeof(joined), 1,        NULL,
                                        NULL,         zip_size,          zip_open,       zip_next, close_all};

/* --- concatenate --- */

static int64_t concatenate_size(const tn_source *s) {
  int64_t a = tn_source_size(s->inputs[0]), b = tn_source_size(s->inputs[1]);
  if (a == TN_SIZE_INFINITE || b == TN_SIZE_INFINITE) return TN_SIZE_INFINITE;
  return a < 0 || b < 0 ? TN_SIZE_UNKNOWN : a > INT64_MAX - b ? INT64_MAX : a + b;
}

static tn_error *concatenate_next(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  joined *j = (joined *)c;
  TN_TRY(tn_cursor_next(c->input, step, out, end));
  if (!*end || j->n) return NULL;
  j->n = 1;
  tn_cursor_close(c->input);
  c->input = NULL;
  TN_TRY(tn_cursor_open(c->source->inputs[1], step, &c->input));
  return tn_cursor_next(c->input, step, out, end);
}

/* N of the cursor is 1 once the second input is read. */
static tn_error *check_types(tn_run *r, tn_source *s) {
  for (int k = 0; k < 2; k++) {
    const tn_source *input = s->inputs[k];
    bool same = input->n == s->n;
    for (int i = 0; same && i < s->n; i++) same = input->types[i] == s->types[i];
    if (!same) {
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "input dataset %d has other types of components than the result", k);
    }
  }
  return NULL;
}

static const tn_source_kind concatenate_kind = {"ConcatenateDataset", sizeof(tn_source),
                                                sizeof(joined),       2,
                                                check_types,          NULL,
                                                concatenate_size,     NULL,
                                                concatenate_next,     NULL};

TN_SOURCE_KERNELS(zip, zip_kind);
TN_SOURCE_KERNELS(concatenate, concatenate_kind);

TN_OP(ZipDataset, .inputs = "input_datasets: N * variant", .outputs = "handle: variant",
      .attrs = TN_SOURCE_ATTRS "; N: int >= 1; metadata: string = ''",
      .doc = "Elements put together from one element of each input.", .flags = TN_SOURCE_FLAGS,
      .shape = tn_shape_scalar_out, .kernels = zip_kernels);

TN_OP(ConcatenateDataset, .inputs = "input_dataset: variant, another_dataset: variant", .outputs = "handle: variant",
      .attrs = TN_SOURCE_ATTRS "; metadata: string = ''", .doc = "One dataset after the other.",
      .flags = TN_SOURCE_FLAGS, .shape = tn_shape_scalar_out, .kernels = concatenate_kernels);
