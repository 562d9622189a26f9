/* Assertions: an error with the values at hand. */
#include "base/alloc.h"
#include "graph/shape.h"
#include "ops/flow/summary.h"

static tn_error *prepare(tn_prepare *p) {
  if (p->inputs[0].shape.rank == 0) return NULL;
  return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "the condition should be a scalar: %s",
                           TN_SHAPE_STR(&p->inputs[0].shape));
}

static tn_error *run(tn_run *r) {
  if (TN_DATA(const bool, r->inputs[0])[0]) return NULL;
  int64_t summarize = tn_node_get_int(r->node, "summarize");
  tn_str values = {0};
  for (int i = 1; i < r->n_inputs; i++) {
    tn_str_add(&values, i > 1 ? " [" : "[");
    tn_summary_add(&values, r->inputs[i], summarize);
    tn_str_add(&values, "]");
  }
  char *text;
  TN_TRY(tn_str_take(&values, &text, NULL));
  tn_error *error = tn_run_errorf(r, TN_INVALID_ARGUMENT, "assertion failed: %s", text);
  tn_free(text);
  return error;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

static tn_error *shape_assert(tn_shape_ctx *c) {
  tn_shape scalar;
  return tn_shape_with_rank(c, 0, 0, &scalar);
}

TN_OP(Assert, .inputs = "condition: bool, data: T", .outputs = "", .attrs = "T: list(type) >= 1; summarize: int = 3",
      .doc = "Fails with the data unless the condition holds.", .flags = TN_OP_STATEFUL | TN_OP_NO_GRADIENT,
      .shape = shape_assert, .kernels = kernels);
