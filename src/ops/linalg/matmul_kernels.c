/* The kernels that MatMul and the batch products share. */
#include "ops/linalg/matmul.h"

size_t tn_matmul_reference_scratch(const tn_prepare *p) {
  return tn_wide_scratch(p->inputs[0].dtype, tn_elements(&p->inputs[0])) +
         tn_wide_scratch(p->inputs[1].dtype, tn_elements(&p->inputs[1])) +
         tn_wide_scratch(p->outputs[0].dtype, tn_elements(&p->outputs[0]));
}

tn_error *tn_matmul_reference(tn_run *r) {
  const tn_batch_product *b = r->state;
  char *scratch = r->scratch;
  const tn_wide wide = tn_wide_of(r->outputs[0]->dtype);
  const size_t size = tn_wide_size(wide);
  const char *x = tn_wide_in(r->inputs[0], &scratch), *y = tn_wide_in(r->inputs[1], &scratch);
  char *out = tn_wide_out(r->outputs[0], &scratch);
  for (int64_t i = 0; i < b->count; i++) {
    int64_t at, bt;
    tn_batch_product_offsets(b, i, &at, &bt);
    tn_product_reference(wide, &b->one, x + (size_t)at * size, y + (size_t)bt * size,
                         out + (size_t)(i * b->one.m * b->one.n) * size);
    TN_TRY(tn_run_check(r));
  }
  tn_wide_finish(r->outputs[0], out);
  return NULL;
}
