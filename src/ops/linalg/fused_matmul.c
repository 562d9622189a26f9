/* Products of float matrices and what comes after them, in one go: the internal ops that the pass fuse_products makes.
 */
#include "kernel/gemm.h"
#include "kernel/resource.h"
#include "ops/linalg/matrix.h"

/* A product with its end. The plain kernel makes the sums first, then does the rest in a loop of its own. */
typedef struct fused {
  tn_product one;
  tn_gemm g;
  bool relu, gated;
} fused;

/* The product of A and B, inputs FIRST and FIRST + 1. */
static tn_error *prepare_product(tn_prepare *p, int first, bool plain, tn_shape *shape, fused **out) {
  const tn_shape *a = &p->inputs[first].shape, *b = &p->inputs[first + 1].shape;
  const bool ta = tn_node_get_bool(p->node, "transpose_a"), tb = tn_node_get_bool(p->node, "transpose_b");
  if (a->rank != 2 || b->rank != 2 || a->dims[!ta] != b->dims[tb] || tn_shape_elements(a) * tn_shape_elements(b) == 0)
    return tn_prepare_errorf(p, TN_INTERNAL, "no product of %s and %s", TN_SHAPE_STR(a), TN_SHAPE_STR(b));
  fused *f;
  TN_TRY(tn_prepare_state(p, sizeof *f, &f));
  f->one = (tn_product){.m = a->dims[ta], .n = b->dims[!tb], .k = a->dims[!ta]};
  *shape = tn_shape_of(2, (const int64_t[]){f->one.m, f->one.n});
  f->one.a_row = ta ? 1 : f->one.k;
  f->one.a_col = ta ? f->one.m : 1;
  f->one.b_row = tb ? 1 : f->one.n;
  f->one.b_col = tb ? f->one.k : 1;
  f->g = (tn_gemm){.m = f->one.m,
                   .n = f->one.n,
                   .k = f->one.k,
                   .a_row = f->one.a_row,
                   .a_col = f->one.a_col,
                   .b_row = f->one.b_row,
                   .b_col = f->one.b_col};
  tn_gemm_plan(&f->g);
  p->scratch = tn_gemm_scratch(&f->g);
  if (plain)
    p->scratch = tn_wide_scratch(TN_FLOAT, tn_shape_elements(a)) + tn_wide_scratch(TN_FLOAT, tn_shape_elements(b)) +
                 tn_wide_scratch(TN_FLOAT, tn_shape_elements(shape));
  *out = f;
  return NULL;
}

/* The product of inputs FIRST and FIRST + 1 as doubles, in scratch. */
static const double *plain_product(const tn_run *r, int first) {
  const fused *f = r->state;
  char *scratch = r->scratch;
  const void *a = tn_wide_in(r->inputs[first], &scratch), *b = tn_wide_in(r->inputs[first + 1], &scratch);
  tn_product_reference(TN_WIDE_REAL, &f->one, a, b, scratch);
  return (const double *)scratch;
}

/* --- C = A B + bias, relu(A B + bias), or A B where a gate is open --- */

static tn_error *prepare_ended_with(tn_prepare *p, bool plain) {
  tn_shape shape;
  fused *f;
  TN_TRY(prepare_product(p, 0, plain, &shape, &f));
  f->relu = tn_node_get_bool(p->node, "relu");
  f->gated = tn_node_get_bool(p->node, "gated");
  const tn_shape *with = &p->inputs[2].shape;
  if (f->gated ? !tn_shape_equal(with, &shape) : with->rank != 1 || with->dims[0] != f->one.n)
    return tn_prepare_errorf(p, TN_INTERNAL, "%s does not fit %s", TN_SHAPE_STR(with), TN_SHAPE_STR(&shape));
  if (f->gated) tn_prepare_in_place(p, 0, 2);
  return tn_prepare_output(p, 0, &shape);
}

static tn_error *prepare_ended(tn_prepare *p) { return prepare_ended_with(p, false); }
static tn_error *prepare_ended_plain(tn_prepare *p) { return prepare_ended_with(p, true); }

static tn_error *run_ended(tn_run *r) {
  const fused *f = r->state;
  const float *with = r->inputs[2]->data;
  const tn_gemm_end end = {.bias = f->gated ? NULL : with, .relu = f->relu, .gate = f->gated ? with : NULL};
  tn_gemm_run(&f->g, r->inputs[0]->data, r->inputs[1]->data, r->outputs[0]->data, &end, r->scratch);
  return NULL;
}

static tn_error *run_ended_plain(tn_run *r) {
  const fused *f = r->state;
  const double *sums = plain_product(r, 0);
  const float *with = r->inputs[2]->data;
  float *out = r->outputs[0]->data;
  for (int64_t i = 0; i < f->one.m * f->one.n; i++) {
    const float sum = f->gated ? (float)sums[i] * (float)(with[i] > 0) : (float)sums[i] + with[i % f->one.n];
    out[i] = f->relu && sum <= 0 ? 0 : sum;
  }
  return NULL;
}

static const tn_kernel_def ended[] = {
    {.name = "gemm", .types = TN_BIT(TN_FLOAT), .prepare = prepare_ended, .run = run_ended},
    {.name = "reference", .types = TN_BIT(TN_FLOAT), .prepare = prepare_ended_plain, .run = run_ended_plain},
    {0}};

static tn_error *unknown_matrix(tn_shape_ctx *c) {
  c->out[0] = tn_shape_of(2, (const int64_t[]){-1, -1});
  return NULL;
}

TN_OP(_FusedMatMul, .inputs = "a: T, b: T, with: T", .outputs = "product: T",
      .attrs = "T: type; transpose_a: bool = false; transpose_b: bool = false; relu: bool = false; gated: bool = false",
      .doc =
          "The product of two matrices, plus a bias for each column and rectified if that is wanted; or, gated, times "
          "1 where the third matrix is positive, else times 0.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = unknown_matrix, .kernels = ended);

/* --- variable -= rate * A B --- */

static tn_error *prepare_update_with(tn_prepare *p, bool plain) {
  tn_shape shape;
  fused *f;
  TN_TRY(prepare_product(p, 1, plain, &shape, &f));
  if (f->one.k > TN_GEMM_BLOCK || p->inputs[3].shape.rank != 0)
    return tn_prepare_errorf(p, TN_INTERNAL, "k is %lld, the rate %s", (long long)f->one.k,
                             TN_SHAPE_STR(&p->inputs[3].shape));
  return NULL;
}

static tn_error *prepare_update(tn_prepare *p) { return prepare_update_with(p, false); }
static tn_error *prepare_update_plain(tn_prepare *p) { return prepare_update_with(p, true); }

static void update_plain(const tn_run *r, const fused *f, float *value) {
  const double *sums = plain_product(r, 1);
  const float rate = *TN_DATA(const float, r->inputs[3]);
  for (int64_t i = 0; i < f->one.m * f->one.n; i++) value[i] -= (float)sums[i] * rate;
}

static void update(const tn_run *r, const fused *f, float *value) {
  const tn_gemm_end end = {.rate = r->inputs[3]->data};
  tn_gemm_run(&f->g, r->inputs[1]->data, r->inputs[2]->data, value, &end, r->scratch);
}

/* With the variable held: UPDATE does the work. */
static tn_error *run_update_with(tn_run *r, void (*how)(const tn_run *, const fused *, float *)) {
  const fused *f = r->state;
  tn_variable *v;
  tn_tensor value = {0};
  TN_TRY(tn_run_variable(r, 0, &v));
  TN_TRY(tn_error_context(tn_variable_begin(v, &value), "%s '%s'", r->node->op->name, r->node->name));
  const tn_shape product = tn_shape_of(2, (const int64_t[]){f->one.m, f->one.n});
  tn_error *error = NULL;
  if (value.dtype == TN_FLOAT && tn_shape_equal(&value.shape, &product))
    how(r, f, value.data);
  else
    error = tn_run_errorf(r, TN_INVALID_ARGUMENT, "variable %s is %s%s, but its gradient is float%s", v->name,
                          tn_dtype_name(value.dtype), TN_SHAPE_STR(&value.shape), TN_SHAPE_STR(&product));
  tn_variable_end(v);
  return error;
}

static tn_error *run_update(tn_run *r) { return run_update_with(r, update); }
static tn_error *run_update_plain(tn_run *r) { return run_update_with(r, update_plain); }

static const tn_kernel_def updates[] = {
    {.name = "gemm", .types = TN_BIT(TN_FLOAT), .type_attr = "T", .prepare = prepare_update, .run = run_update},
    {.name = "reference",
     .types = TN_BIT(TN_FLOAT),
     .type_attr = "T",
     .prepare = prepare_update_plain,
     .run = run_update_plain},
    {0}};

TN_OP(_ProductUpdate, .inputs = "operands: operands", .outputs = "",
      .attrs = "T: type; operands: list(type) >= 1; transpose_a: bool = false; transpose_b: bool = false",
      .doc = "Gradient descent whose gradient is a product: inputs are the variable, both matrices and the rate.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_shape_no_outputs, .kernels = updates);
