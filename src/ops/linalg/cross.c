/* Cross: the cross product of vectors of three. */
#include "graph/build.h"
#include "graph/shape.h"
#include "kernel/kernel.h"

static tn_error *cross_shape(tn_shape_ctx *c) {
  tn_shape a, b;
  int64_t three;
  TN_TRY(tn_shape_at_least_rank(c, 0, 1, &a));
  TN_TRY(tn_shape_at_least_rank(c, 1, 1, &b));
  TN_TRY(tn_shape_merge(c, &a, &b, &a));
  if (a.rank > 0) TN_TRY(tn_dim_merge(c, a.dims[a.rank - 1], 3, &three));
  c->out[0] = a;
  return NULL;
}

/* d(a x b) . g = da . (b x g) + db . (g x a). */
static tn_error *cross_gradient(tn_gradient_ctx *c) {
  tn_output a = tn_grad_x(c, 0), b = tn_grad_x(c, 1), g = tn_grad_dense(c, 0);
  tn_grad_set(c, 0, tn_build2(c->scope, "Cross", b, g));
  tn_grad_set(c, 1, tn_build2(c->scope, "Cross", g, a));
  return NULL;
}

typedef void (*cross_fn)(const void *a, const void *b, void *product, int64_t n);

/* N elements of TYPE, computed in WIDE. */
#define DEFINE_CROSS(NAME, TYPE, WIDE, LOAD, STORE)                                                                    \
  static void NAME(const void *a, const void *b, void *product, int64_t n) {                                           \
    const TYPE *u = a, *v = b;                                                                                         \
    TYPE *y = product;                                                                                                 \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      int64_t row = i / 3 * 3, p = row + (i + 1) % 3, q = row + (i + 2) % 3;                                           \
      y[i] = (TYPE)STORE((WIDE)LOAD(u[p]) * (WIDE)LOAD(v[q]) - (WIDE)LOAD(u[q]) * (WIDE)LOAD(v[p]));                   \
    }                                                                                                                  \
  }

DEFINE_CROSS(cross_float, float, float, , )
DEFINE_CROSS(cross_double, double, double, , )
DEFINE_CROSS(cross_half, uint16_t, float, tn_half_to_float, tn_float_to_half)
DEFINE_CROSS(cross_bfloat16, uint16_t, float, tn_bfloat16_to_float, tn_float_to_bfloat16)
/* Integers wrap, so one function serves signed and unsigned; as unsigned numbers they may. */
DEFINE_CROSS(cross_8, uint8_t, uint32_t, , )
DEFINE_CROSS(cross_16, uint16_t, uint32_t, , )
DEFINE_CROSS(cross_32, uint32_t, uint32_t, , )
DEFINE_CROSS(cross_64, uint64_t, uint64_t, , )

static const cross_fn by_type[TN_N_DTYPES] = {
    [TN_FLOAT] = cross_float, [TN_DOUBLE] = cross_double, [TN_HALF] = cross_half, [TN_BFLOAT16] = cross_bfloat16,
    [TN_INT8] = cross_8,      [TN_UINT8] = cross_8,       [TN_INT16] = cross_16,  [TN_UINT16] = cross_16,
    [TN_INT32] = cross_32,    [TN_UINT32] = cross_32,     [TN_INT64] = cross_64,  [TN_UINT64] = cross_64};

static tn_error *cross_prepare(tn_prepare *p) {
  const tn_shape *a = &p->inputs[0].shape, *b = &p->inputs[1].shape;
  if (!tn_shape_equal(a, b))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "both inputs must have one shape; a is %s and b is %s",
                             TN_SHAPE_STR(a), TN_SHAPE_STR(b));
  if (a->rank < 1 || a->dims[a->rank - 1] != 3)
    return tn_prepare_errorf(p, TN_FAILED_PRECONDITION, "the last dimension must be 3; a is %s", TN_SHAPE_STR(a));
  cross_fn *cross;
  TN_TRY(tn_prepare_state(p, sizeof *cross, &cross));
  *cross = by_type[p->inputs[0].dtype];
  return tn_prepare_output(p, 0, a);
}

static tn_error *cross_run(tn_run *r) {
  const cross_fn *cross = r->state;
  (*cross)(r->inputs[0]->data, r->inputs[1]->data, r->outputs[0]->data, tn_elements(r->inputs[0]));
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = cross_prepare, .run = cross_run}, {0}};

TN_OP(Cross, .inputs = "a: T, b: T", .outputs = "product: T", .attrs = "T: realnumbertype",
      .doc = "The cross product of vectors of three, which lie along the last dimension.", .shape = cross_shape,
      .gradient = cross_gradient, .kernels = kernels);
