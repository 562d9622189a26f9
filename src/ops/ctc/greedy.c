/* CTCGreedyDecoder: the likeliest class at each step. */
#include "ops/ctc/ctc.h"

static tn_error *prepare(tn_prepare *p) {
  TN_TRY(tn_ctc_prepare(p, 1));
  for (int i = 0; i < 3; i++) tn_prepare_dynamic(p, i);
  tn_shape out = tn_shape_of(2, (int64_t[]){p->inputs[0].shape.dims[1], 1});
  return tn_prepare_output(p, 3, &out);
}

static void decode(const tn_run *r, int64_t b, int64_t blank, tn_ctc_paths *out) {
  const tn_tensor *x = r->inputs[0];
  int64_t classes = x->shape.dims[2], last = -1;
  bool merge = tn_node_get_bool(r->node, "merge_repeated");
  double sum = 0;
  out->starts[b] = out->n;
  for (int64_t t = 0; t < TN_DATA(int32_t, r->inputs[1])[b]; t++) {
    int64_t first = (t * x->shape.dims[1] + b) * classes, best = 0;
    for (int64_t c = 1; c < classes; c++)
      if (tn_ctc_at(x, first + c) > tn_ctc_at(x, first + best)) best = c;
    if (x->dtype == TN_FLOAT)
      sum = (double)((float)sum - (float)tn_ctc_at(x, first + best));
    else
      sum -= tn_ctc_at(x, first + best);
    if (best != blank && !(merge && best == last)) out->labels[out->n++] = best;
    last = best;
  }
  out->starts[b + 1] = out->n;
  if (x->dtype == TN_FLOAT)
    TN_DATA(float, r->outputs[3])[b] = (float)sum;
  else
    TN_DATA(double, r->outputs[3])[b] = sum;
}

static tn_error *run(tn_run *r) {
  const tn_shape *x = &r->inputs[0]->shape;
  int64_t blank = tn_node_get_int(r->node, "blank_index");
  TN_TRY(tn_ctc_check_lengths(r, 1, TN_FAILED_PRECONDITION));
  if (blank < 0) blank += x->dims[2];
  if (blank < 0 || blank >= x->dims[2])
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "blank_index is expected in the range [-(num_classes), num_classes), but is %lld",
                         (long long)tn_node_get_int(r->node, "blank_index"));
  tn_ctc_paths paths;
  tn_error *error = tn_ctc_paths_new(x->dims[1], x->dims[0] * x->dims[1], &paths);
  for (int64_t b = 0; b < x->dims[1] && !error; b++) decode(r, b, blank, &paths);
  if (!error) error = tn_ctc_paths_put(r, &paths, 0, 1);
  tn_ctc_paths_free(&paths);
  return error;
}

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape x, lengths;
  int64_t n;
  TN_TRY(tn_shape_with_rank(c, 0, 3, &x));
  TN_TRY(tn_shape_with_rank(c, 1, 1, &lengths));
  TN_TRY(tn_dim_merge(c, x.dims[1], lengths.dims[0], &n));
  c->out[0] = tn_shape_of(2, (int64_t[]){-1, 2});
  c->out[1] = tn_shape_unknown_of_rank(1);
  c->out[2] = tn_shape_of(1, &(int64_t){2});
  c->out[3] = tn_shape_of(2, (int64_t[]){n, 1});
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(CTCGreedyDecoder, .inputs = "inputs: T, sequence_length: int32",
      .outputs = "decoded_indices: int64, decoded_values: int64, decoded_shape: int64, log_probability: T",
      .attrs = "merge_repeated: bool = false; blank_index: int = -1; T: {float, double} = DT_FLOAT",
      .doc = "The likeliest class at each step, without blanks, and the negative sum of those logits.",
      .flags = TN_OP_NO_GRADIENT | TN_OP_DYNAMIC_SHAPE, .shape = shape, .kernels = kernels);
