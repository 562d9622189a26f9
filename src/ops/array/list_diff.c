/* ListDiff: what is in one list and not in another. */
#include "ops/array/hash.h"

static tn_error *list_diff_shape(tn_shape_ctx *c) {
  tn_shape vector;
  TN_TRY(tn_shape_with_rank(c, 0, 1, &vector));
  TN_TRY(tn_shape_with_rank(c, 1, 1, &vector));
  c->out[0] = c->out[1] = tn_shape_unknown_of_rank(1);
  return NULL;
}

static tn_error *list_diff_prepare(tn_prepare *p) {
  for (int i = 0; i < 2; i++)
    if (p->inputs[i].shape.rank != 1)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "%s should be a 1D vector, got shape %s", i ? "y" : "x",
                               TN_SHAPE_STR(&p->inputs[i].shape));
  p->scratch = tn_slots_size(tn_elements(&p->inputs[1])) + ((size_t)tn_elements(&p->inputs[0]) + 1) * sizeof(int64_t);
  tn_prepare_dynamic(p, 0);
  tn_prepare_dynamic(p, 1);
  return NULL;
}

static tn_error *list_diff_run(tn_run *r) {
  tn_items x = {r->inputs[0], 1, tn_elements(r->inputs[0]), 1}, y = {r->inputs[1], 1, tn_elements(r->inputs[1]), 1};
  tn_slots slots;
  tn_slots_init(&slots, y.n, r->scratch);
  int64_t *kept = (int64_t *)((char *)r->scratch + tn_slots_size(y.n)), count = 0;
  for (int64_t i = 0; i < y.n; i++) (void)tn_slots_find(&slots, &y, &y, i, true);
  for (int64_t i = 0; i < x.n; i++)
    if (tn_slots_find(&slots, &y, &x, i, false) < 0) kept[count++] = i;
  tn_shape shape = tn_shape_of(1, &count);
  TN_TRY(tn_run_allocate(r, 0, &shape));
  TN_TRY(tn_run_allocate(r, 1, &shape));
  for (int64_t i = 0; i < count; i++) {
    TN_TRY(tn_copy_elements(x.t->dtype, tn_at(r->outputs[0], i), tn_at(x.t, kept[i]), 1));
    tn_int_put(r->outputs[1], i, kept[i]);
  }
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference",
                                         .types = TN_REALS | TN_BIT(TN_STRING),
                                         .type_attr = "T",
                                         .prepare = list_diff_prepare,
                                         .run = list_diff_run},
                                        {0}};

TN_OP(ListDiff, .inputs = "x: T, y: T", .outputs = "out: T, idx: out_idx",
      .attrs = "T: type; out_idx: indextype = DT_INT32",
      .doc = "The elements of X that are not in Y, and where they stand in X.",
      .flags = TN_OP_DYNAMIC_SHAPE | TN_OP_GRADIENT_UNREGISTERED, .shape = list_diff_shape, .kernels = kernels);
