/* Tile: a tensor repeated along its dimensions. */
#include "ops/array/array.h"

static tn_error *tile_shape(tn_shape_ctx *c) {
  tn_shape multiples, input, vector;
  TN_TRY(tn_shape_with_rank(c, 1, 1, &vector));
  TN_TRY(tn_shape_from_value(c, 1, &multiples));
  int rank = multiples.rank >= 0 ? multiples.rank : c->in[0].rank;
  if (rank < 0) return NULL;
  TN_TRY(tn_shape_with_rank(c, 0, rank, &input));
  if (vector.dims[0] >= 0 && vector.dims[0] != rank)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "multiples has %lld elements, expected %d",
                          (long long)vector.dims[0], rank);
  tn_shape out = tn_shape_unknown_of_rank(rank);
  for (int i = 0; i < rank; i++) {
    int64_t times = multiples.rank >= 0 ? multiples.dims[i] : -1, dim = input.dims[i];
    if (times == 0 || dim == 0)
      out.dims[i] = 0;
    else if (times > 0 && dim > 0 && __builtin_mul_overflow(times, dim, &out.dims[i]))
      return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "dimension %d of %lld times %lld overflows", i,
                            (long long)dim, (long long)times);
  }
  c->out[0] = out;
  return NULL;
}

static tn_error *tile_prepare(tn_prepare *p) {
  const tn_shape *in = &p->inputs[0].shape;
  int n;
  int64_t multiples[TN_MAX_RANK], dims[2 * TN_MAX_RANK], from[2 * TN_MAX_RANK], to[2 * TN_MAX_RANK],
      strides[TN_MAX_RANK];
  TN_TRY(tn_prepare_ints(p, 1, TN_MAX_RANK, &n, multiples));
  if (p->inputs[1].shape.rank != 1 || n != in->rank)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "Expected multiples argument to be a vector of length %d but got shape %s", in->rank,
                             TN_SHAPE_STR(&p->inputs[1].shape));
  tn_shape out = *in;
  tn_copy_strides(n, in->dims, strides);
  for (int i = 0; i < n; i++) {
    if (multiples[i] < 0)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Expected multiples[%d] >= 0, but got %lld", i,
                               (long long)multiples[i]);
    if (__builtin_mul_overflow(in->dims[i], multiples[i], &out.dims[i]))
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "dimension %d of %lld times %lld overflows", i,
                               (long long)in->dims[i], (long long)multiples[i]);
    dims[2 * i] = multiples[i];
    dims[2 * i + 1] = in->dims[i];
    from[2 * i] = 0;
    from[2 * i + 1] = strides[i];
  }
  if (tn_shape_equal(in, &out)) return tn_prepare_alias(p, 0, 0, &out);
  TN_TRY(tn_prepare_output(p, 0, &out));
  tn_copy_strides(2 * n, dims, to);
  tn_copy *copy;
  TN_TRY(tn_prepare_state(p, sizeof *copy, &copy));
  tn_copy_init(copy, p->inputs[0].dtype, 2 * n, dims, to, from);
  return NULL;
}

static tn_error *tile_run(tn_run *r) {
  return r->state ? tn_copy_run(r->state, r->outputs[0]->data, r->inputs[0]->data) : NULL;
}

/* One repeated dimension after the other is set apart and summed: for ranks whose double would be too many dimensions.
 */
static tn_output sum_one_by_one(tn_gradient_ctx *c, tn_output dy, int rank) {
  tn_scope *s = c->scope;
  tn_output shape = tn_grad_shape(c, tn_grad_x(c, 0), TN_INT32),
            multiples = tn_build_cast(s, tn_grad_x(c, 1), TN_INT32);
  tn_output axis = tn_build_scalar(s, TN_INT32, 0);
  for (int i = 0; i < rank; i++) {
    int64_t at = i, one = 1, zero = 0, next = i + 1, rest = -1;
    tn_output place = tn_build_ints(s, TN_INT32, 1, &at), single = tn_build_ints(s, TN_INT32, 1, &one);
    tn_output parts[4] = {tn_build(s, "Slice", TN_IN(shape, tn_build_ints(s, TN_INT32, 1, &zero), place), NULL),
                          tn_build(s, "Slice", TN_IN(multiples, place, single), NULL),
                          tn_build(s, "Slice", TN_IN(shape, place, single), NULL),
                          tn_build(s, "Slice",
                                   TN_IN(tn_build1(s, "Shape", dy), tn_build_ints(s, TN_INT32, 1, &next),
                                         tn_build_ints(s, TN_INT32, 1, &rest)),
                                   NULL)};
    tn_output apart = tn_build(s, "ConcatV2", TN_IN(parts[0], parts[1], parts[2], parts[3], axis), NULL);
    dy = tn_build_sum(s, tn_build2(s, "Reshape", dy, apart), tn_build_ints(s, TN_INT32, 1, &at), false);
  }
  return dy;
}

/* dy seen as [m0, d0, m1, d1, ...], summed over the repetitions. */
static tn_error *tile_gradient(tn_gradient_ctx *c) {
  tn_output dy = tn_grad_dense(c, 0), multiples = tn_grad_x(c, 1), x = tn_grad_x(c, 0);
  tn_scope *s = c->scope;
  if (s->error) return NULL;
  int rank = tn_output_shape(x).rank;
  if (rank < 0) { /* twice the rank may be too many dimensions */
    tn_grad_set(c, 0, tn_build2(s, "TileGrad", dy, tn_build_cast(s, multiples, TN_INT32)));
    return NULL;
  }
  if (2 * rank > TN_MAX_RANK) {
    tn_grad_set(c, 0, sum_one_by_one(c, dy, rank));
    return NULL;
  }
  tn_output pairs = tn_build(s, "Pack", TN_IN(multiples, tn_grad_shape(c, x, tn_output_dtype(multiples))),
                             TN_ATTRS(TN_A_INT("axis", 1)));
  tn_output split = tn_build2(s, "Reshape", pairs, tn_build_ints(s, TN_INT32, 1, &(int64_t){-1}));
  tn_output axes = tn_build(
      s, "Range", TN_IN(tn_build_scalar(s, TN_INT32, 0), tn_build1(s, "Size", split), tn_build_scalar(s, TN_INT32, 2)),
      NULL);
  tn_output sum = tn_build_sum(s, tn_build2(s, "Reshape", dy, split), axes, false);
  if (s->error) return NULL;
  tn_shape shape = tn_output_shape(x);
  TN_TRY(tn_output_set_shape(sum, &shape));
  tn_grad_set(c, 0, sum);
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference",
                                         .types = TN_BASIC_STRING | TN_BIT(TN_VARIANT),
                                         .type_attr = "T",
                                         .prepare = tile_prepare,
                                         .run = tile_run},
                                        {0}};

TN_OP(Tile, .inputs = "input: T, multiples: Tmultiples", .outputs = "output: T",
      .attrs = "T: type; Tmultiples: indextype = DT_INT32",
      .doc = "The input repeated MULTIPLES[i] times along dimension i.", .value_inputs = 1 << 1, .shape = tile_shape,
      .gradient = tile_gradient, .kernels = kernels);
