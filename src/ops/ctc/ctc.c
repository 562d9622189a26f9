/* Shapes and decoded paths of the ctc ops. */
#include "ops/ctc/ctc.h"

tn_error *tn_ctc_prepare(const tn_prepare *p, int sequence) {
  const tn_shape *x = &p->inputs[0].shape, *lengths = &p->inputs[sequence].shape;
  if (x->rank != 3) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "inputs is not a 3-Tensor: %s", TN_SHAPE_STR(x));
  if (lengths->rank != 1 || lengths->dims[0] != x->dims[1])
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "sequence_length must be a vector as long as the batch (%lld), not %s",
                             (long long)x->dims[1], TN_SHAPE_STR(lengths));
  if (x->dims[0] == 0) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Expected max_time > 0, got 0");
  if (x->dims[2] == 0) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "num_classes must be positive");
  return NULL;
}

tn_error *tn_ctc_check_lengths(const tn_run *r, int sequence, tn_code code) {
  for (int64_t b = 0; b < tn_elements(r->inputs[sequence]); b++) {
    int32_t n = TN_DATA(int32_t, r->inputs[sequence])[b];
    if (n < 0 || n > r->inputs[0]->shape.dims[0])
      return tn_run_errorf(r, code, "sequence_length(%lld) = %d is not in [0, %lld]", (long long)b, n,
                           (long long)r->inputs[0]->shape.dims[0]);
  }
  return NULL;
}

tn_error *tn_ctc_paths_new(int64_t batch, int64_t most, tn_ctc_paths *out) {
  *out = (tn_ctc_paths){.batch = batch};
  out->starts = tn_calloc((size_t)batch + 1, sizeof *out->starts);
  out->labels = tn_malloc(((size_t)most + 1) * sizeof *out->labels);
  return out->starts && out->labels ? NULL : tn_out_of_memory();
}

void tn_ctc_paths_free(tn_ctc_paths *p) {
  tn_free(p->starts);
  tn_free(p->labels);
}

tn_error *tn_ctc_paths_put(tn_run *r, const tn_ctc_paths *p, int output, int step) {
  tn_shape indices = tn_shape_of(2, (int64_t[]){p->n, 2}), values = tn_shape_of(1, &p->n),
           two = tn_shape_of(1, &(int64_t){2});
  TN_TRY(tn_run_allocate(r, output, &indices));
  TN_TRY(tn_run_allocate(r, output + step, &values));
  TN_TRY(tn_run_allocate(r, output + 2 * step, &two));
  int64_t *at = TN_DATA(int64_t, r->outputs[output]), widest = 0;
  for (int64_t b = 0; b < p->batch; b++) {
    int64_t n = p->starts[b + 1] - p->starts[b];
    widest = n > widest ? n : widest;
    for (int64_t i = 0; i < n; i++) {
      *at++ = b;
      *at++ = i;
    }
  }
  if (p->n) memcpy(r->outputs[output + step]->data, p->labels, (size_t)p->n * sizeof *p->labels);
  TN_DATA(int64_t, r->outputs[output + 2 * step])[0] = p->batch;
  TN_DATA(int64_t, r->outputs[output + 2 * step])[1] = widest;
  return NULL;
}
