/* BatchDataset, and UnbatchDataset, which takes batches apart. */
#include "data/batch.h"
#include "data/rows.h"

static tn_error *make(tn_run *r, tn_source *s) {
  tn_batch_source *b = (tn_batch_source *)s;
  TN_TRY(tn_run_int(r, 1, &b->size));
  if (r->node->schema->n_inputs > 2) TN_TRY(tn_run_bool(r, 2, &b->drop));
  return tn_batch_check(r, b->size);
}

const tn_source_kind tn_batch_kind = {"BatchDataset",
                                      sizeof(tn_batch_source),
                                      sizeof(tn_cursor),
                                      1,
                                      make,
                                      NULL,
                                      tn_batch_size,
                                      NULL,
                                      tn_batch_next,
                                      NULL};

TN_SOURCE_KERNELS(batch, tn_batch_kind);

TN_OP(BatchDataset, .inputs = "input_dataset: variant, batch_size: int64", .outputs = "handle: variant",
      .attrs = TN_SOURCE_ATTRS "; metadata: string = ''", .doc = "Elements of batch_size elements of the input each.",
      .flags = TN_SOURCE_FLAGS, .shape = tn_shape_scalar_out, .kernels = batch_kernels);

TN_OP(BatchDatasetV2, .inputs = "input_dataset: variant, batch_size: int64, drop_remainder: bool",
      .outputs = "handle: variant", .attrs = "parallel_copy: bool = false; " TN_SOURCE_ATTRS "; metadata: string = ''",
      .doc = "Elements of batch_size elements of the input each; the last one may be smaller or left out.",
      .flags = TN_SOURCE_FLAGS, .shape = tn_shape_scalar_out, .kernels = batch_kernels);

/* --- unbatch --- */

typedef struct unbatching {
  tn_cursor base;
  tn_tensor *batch;
  int64_t at, rows;
} unbatching;

static int64_t unknown(const tn_source *s) {
  const tn_source *input = s->inputs[0];
  int64_t n = tn_source_size(input), rows = input->n > 0 && input->shapes[0].rank > 0 ? input->shapes[0].dims[0] : -1;
  if (n == TN_SIZE_INFINITE || n == 0) return n;
  return n > 0 && rows >= 0 ? n * rows : TN_SIZE_UNKNOWN;
}

static tn_error *open(tn_cursor *c, tn_step *step) {
  unbatching *u = (unbatching *)c;
  TN_TRY(tn_element_new(c->source->n, &u->batch));
  return tn_cursor_open(c->source->inputs[0], step, &c->input);
}

static tn_error *check_batch(const tn_cursor *c, unbatching *u) {
  for (int i = 0; i < c->source->n; i++) {
    const tn_shape *shape = &u->batch[i].shape;
    if (shape->rank < 1) {
      return tn_cursor_errorf(c, TN_INVALID_ARGUMENT, "component %d is a scalar: it has no rows", i);
    }
    if (i > 0 && shape->dims[0] != u->rows) {
      return tn_cursor_errorf(c, TN_INVALID_ARGUMENT,
                              "Input element must have the same batch size in each component. Component 0 had size "
                              "%lld but component %d had size %lld.",
                              (long long)u->rows, i, (long long)shape->dims[0]);
    }
    u->rows = shape->dims[0];
  }
  return NULL;
}

static tn_error *next(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  unbatching *u = (unbatching *)c;
  while (u->at >= u->rows) {
    tn_element_clear(c->source->n, u->batch);
    u->at = u->rows = 0;
    TN_TRY(tn_cursor_next(c->input, step, u->batch, end));
    if (*end) return NULL;
    tn_error *error = check_batch(c, u);
    if (error) {
      u->rows = 0;
      return error;
    }
  }
  for (int i = 0; i < c->source->n; i++) TN_TRY(tn_row_of(&u->batch[i], u->at, &out[i]));
  u->at++;
  return NULL;
}

static void close(tn_cursor *c) { tn_element_free(c->source->n, ((unbatching *)c)->batch); }

static const tn_source_kind unbatch_kind = {
    "UnbatchDataset", sizeof(tn_source), sizeof(unbatching), 1, NULL, NULL, unknown, open, next, close};

TN_SOURCE_KERNELS(unbatch, unbatch_kind);

TN_OP(UnbatchDataset, .inputs = "input_dataset: variant", .outputs = "handle: variant",
      .attrs = TN_SOURCE_ATTRS "; metadata: string = ''", .doc = "The rows of the input's elements.",
      .flags = TN_SOURCE_FLAGS, .shape = tn_shape_scalar_out, .kernels = unbatch_kernels);

TN_OP(ExperimentalUnbatchDataset, .inputs = "input_dataset: variant", .outputs = "handle: variant",
      .attrs = TN_SOURCE_ATTRS, .doc = "The rows of the input's elements.", .flags = TN_SOURCE_FLAGS,
      .shape = tn_shape_scalar_out, .kernels = unbatch_kernels);
