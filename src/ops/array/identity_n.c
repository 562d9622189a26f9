/* IdentityN: hands a list of tensors on together. */
#include "ops/array/array.h"

/* Aliases are kept for the first outputs only; the rest is copied. */
static tn_error *identity_n_prepare(tn_prepare *p) {
  for (int i = 0; i < p->n_outputs; i++) {
    if (i < TN_KERNEL_MAX_OUTPUTS)
      TN_TRY(tn_prepare_alias(p, i, i, &p->inputs[i].shape));
    else
      TN_TRY(tn_prepare_output(p, i, &p->inputs[i].shape));
  }
  return NULL;
}

static tn_error *identity_n_run(tn_run *r) {
  for (int i = TN_KERNEL_MAX_OUTPUTS; i < r->n_outputs; i++)
    TN_TRY(tn_copy_dense(r->inputs[i]->dtype, r->outputs[i]->data, r->inputs[i]->data, tn_elements(r->inputs[i])));
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = identity_n_prepare, .run = identity_n_run},
                                        {0}};

TN_OP(IdentityN, .inputs = "input: T", .outputs = "output: T", .attrs = "T: list(type) >= 1",
      .doc = "The inputs, handed on together.", .shape = tn_shape_same_as_input, .gradient = tn_grad_pass,
      .kernels = kernels);
