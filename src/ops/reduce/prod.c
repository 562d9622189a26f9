/* Prod. */
#include "ops/reduce/reducers.h"

#define MULTIPLY(a, b) ((a) * (b))
TN_REDUCER(prod_float, float, float, 1, TN_AS_IS, MULTIPLY, TN_AS_IS);
TN_REDUCER(prod_double, double, double, 1, TN_AS_IS, MULTIPLY, TN_AS_IS);
TN_REDUCER(prod_half, uint16_t, float, 1, tn_half_to_float, MULTIPLY, tn_float_to_half);
TN_REDUCER(prod_bfloat16, uint16_t, float, 1, tn_bfloat16_to_float, MULTIPLY, tn_float_to_bfloat16);
TN_REDUCER(prod_8, uint8_t, uint8_t, 1, TN_AS_IS, (uint8_t)MULTIPLY, TN_AS_IS);
#define MULTIPLY16(a, b) ((uint16_t)((uint32_t)(a) * (b)))
TN_REDUCER(prod_16, uint16_t, uint16_t, 1, TN_AS_IS, MULTIPLY16, TN_AS_IS);
TN_REDUCER(prod_32, uint32_t, uint32_t, 1, TN_AS_IS, MULTIPLY, TN_AS_IS);
TN_REDUCER(prod_64, uint64_t, uint64_t, 1, TN_AS_IS, MULTIPLY, TN_AS_IS);
TN_REDUCER(prod_complex64, tn_complex64, tn_complex64, 1, TN_AS_IS, MULTIPLY, TN_AS_IS);
TN_REDUCER(prod_complex128, tn_complex128, tn_complex128, 1, TN_AS_IS, MULTIPLY, TN_AS_IS);

static tn_reducer_table products = {[TN_FLOAT] = &prod_float,
                                    [TN_DOUBLE] = &prod_double,
                                    [TN_HALF] = &prod_half,
                                    [TN_BFLOAT16] = &prod_bfloat16,
                                    [TN_INT8] = &prod_8,
                                    [TN_UINT8] = &prod_8,
                                    [TN_INT16] = &prod_16,
                                    [TN_UINT16] = &prod_16,
                                    [TN_INT32] = &prod_32,
                                    [TN_UINT32] = &prod_32,
                                    [TN_INT64] = &prod_64,
                                    [TN_UINT64] = &prod_64,
                                    [TN_COMPLEX64] = &prod_complex64,
                                    [TN_COMPLEX128] = &prod_complex128};

static tn_error *prod_prepare(tn_prepare *p) { return tn_reduce_prepare(p, products); }

/* The product of all the others, without dividing (zeros!): exclusive products from the left and from the right, on the
 * input transposed to [reduced, others]. */
static tn_error *prod_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output x = tn_grad_x(c, 0), shape = tn_build_shape_of(s, x);
  tn_output gradient = tn_build_spread(c, tn_grad_dense(c, 0));
  tn_output zero = tn_build_scalar(s, TN_INT32, 0), one = tn_build_scalar(s, TN_INT32, 1);
  tn_output first = tn_build_ints(s, TN_INT32, 1, (int64_t[]){0});
  tn_output rank = tn_build1(s, "Rank", x);
  tn_output axes = tn_build2(s, "Reshape", tn_grad_x(c, 1), tn_build_ints(s, TN_INT32, 1, (int64_t[]){-1}));
  axes = tn_build2(s, "FloorMod", tn_build2(s, "AddV2", tn_build_cast(s, axes, TN_INT32), rank), rank);
  tn_output others = tn_build2(s, "ListDiff", tn_build(s, "Range", TN_IN(zero, rank, one), NULL), axes);
  tn_output order = tn_build(s, "ConcatV2", TN_IN(axes, others, zero), TN_ATTRS(TN_A_INT("N", 2)));
  tn_output n_reduced = tn_build2(s, "Prod", tn_build(s, "GatherV2", TN_IN(shape, axes, zero), NULL), first);
  tn_output n_others = tn_build2(s, "Prod", tn_build(s, "GatherV2", TN_IN(shape, others, zero), NULL), first);
  tn_output turned = tn_build2(s, "Transpose", x, order), turned_shape = tn_build_shape_of(s, turned);
  tn_output flat = tn_build2(s, "Reshape", turned, tn_build(s, "Pack", TN_IN(n_reduced, n_others), NULL));
  tn_output left = tn_build(s, "Cumprod", TN_IN(flat, zero), TN_ATTRS(TN_A_BOOL("exclusive", true)));
  tn_output right =
      tn_build(s, "Cumprod", TN_IN(flat, zero), TN_ATTRS(TN_A_BOOL("exclusive", true), TN_A_BOOL("reverse", true)));
  if (tn_dtype_is_complex(tn_output_dtype(x))) {
    left = tn_build1(s, "Conj", left);
    right = tn_build1(s, "Conj", right);
  }
  tn_output y = tn_build2(s, "Reshape", tn_build2(s, "Mul", left, right), turned_shape);
  tn_output back = tn_build2(s, "Transpose", y, tn_build1(s, "InvertPermutation", order));
  tn_grad_set(c, 0, tn_build2(s, "Reshape", tn_build2(s, "Mul", gradient, back), shape));
  return NULL;
}

static const tn_kernel_def kernels[] = {
    {.name = "reference", .types = TN_NUMBERS, .prepare = prod_prepare, .run = tn_reduce_run}, {0}};

TN_OP(Prod, .inputs = "input: T, reduction_indices: Tidx", .outputs = "output: T",
      .attrs = "keep_dims: bool = false; T: numbertype; Tidx: indextype = DT_INT32",
      .doc = "The product of the elements over the given axes.", .value_inputs = 1 << 1, .shape = tn_shape_reduction,
      .gradient = prod_gradient, .kernels = kernels);
