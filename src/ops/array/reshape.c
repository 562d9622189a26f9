/* Reshape: the same elements under another shape. */
#include "ops/array/array.h"

/* What a partly known shape says about the number of elements. */
typedef struct known {
  int unknown;      /* dimensions that are not known */
  int place;        /* the last of them */
  int64_t elements; /* the product of those that are, saturating */
} known;

static known known_of(const tn_shape *shape) {
  known k = {0, -1, 1};
  tn_shape sizes = tn_shape_scalar();
  for (int i = 0; i < shape->rank; i++) {
    if (shape->dims[i] < 0) {
      k.unknown++;
      k.place = i;
    } else {
      sizes.dims[sizes.rank++] = shape->dims[i];
    }
  }
  k.elements = tn_shape_elements(&sizes);
  return k;
}

static tn_error *sizes_differ(const tn_shape_ctx *c, const tn_shape *out) {
  return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "cannot reshape a tensor of shape %s to shape %s",
                        TN_SHAPE_STR(&c->in[0]), TN_SHAPE_STR(out));
}

static tn_error *reshape_shape(tn_shape_ctx *c) {
  tn_shape out;
  TN_TRY(tn_shape_from_value(c, 1, &out));
  if (out.rank >= 0 && c->in[0].rank >= 0) {
    known have = known_of(&c->in[0]), want = known_of(&out);
    if (have.unknown == 0 && want.unknown == 0) {
      if (have.elements != want.elements) return sizes_differ(c, &out);
    } else if (have.unknown == 0 && want.unknown == 1 && want.elements > 0) {
      if (have.elements % want.elements != 0) return sizes_differ(c, &out);
      out.dims[want.place] = have.elements / want.elements;
    } else if (have.unknown == 1 && want.unknown == 0 && have.elements > 0 && want.elements % have.elements != 0) {
      return sizes_differ(c, &out);
    }
  }
  c->out[0] = out;
  return NULL;
}

/* The shape that input 1 asks for, its -1 filled in. */
static tn_error *target_shape(tn_prepare *p, tn_shape *out) {
  if (p->inputs[1].shape.rank != 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "sizes input must be 1-D, not %s",
                             TN_SHAPE_STR(&p->inputs[1].shape));
  int rank, wild = -1;
  tn_shape shape;
  TN_TRY(tn_prepare_ints(p, 1, TN_MAX_RANK, &rank, shape.dims));
  shape.rank = rank;
  for (int i = 0; i < rank; i++) {
    if (shape.dims[i] >= 0) continue;
    if (shape.dims[i] < -1)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Size %d must be non-negative, not %lld", i,
                               (long long)shape.dims[i]);
    if (wild >= 0)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Only one input size may be -1, not both %d and %d", wild, i);
    wild = i;
  }
  int64_t have = tn_elements(&p->inputs[0]), known = known_of(&shape).elements;
  if (wild >= 0) {
    if (known == 0 && have != 0)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                               "cannot infer the missing size: the input has %lld elements and the other sizes hold 0",
                               (long long)have);
    shape.dims[wild] = known > 0 ? have / known : 0;
    if (known > 0 && have % known != 0)
      return tn_prepare_errorf(
          p, TN_INVALID_ARGUMENT,
          "Input to reshape is a tensor with %lld values, but the requested shape requires a multiple of %lld",
          (long long)have, (long long)known);
  } else if (known != have) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "Input to reshape is a tensor with %lld values, but the requested shape %s has %lld",
                             (long long)have, TN_SHAPE_STR(&shape), (long long)known);
  }
  *out = shape;
  return NULL;
}

static tn_error *reshape_prepare(tn_prepare *p) {
  tn_shape shape;
  TN_TRY(target_shape(p, &shape));
  return tn_prepare_alias(p, 0, 0, &shape);
}

static tn_error *reshape_run(tn_run *r) {
  (void)r;
  return NULL;
}

/* With one unknown dimension a -1 says it all; no shape need be computed. */
static tn_error *reshape_gradient(tn_gradient_ctx *c) {
  tn_output dy = tn_grad_dense(c, 0), x = tn_grad_x(c, 0);
  if (c->scope->error) return NULL;
  tn_shape shape = tn_output_shape(x);
  known k = shape.rank >= 0 ? known_of(&shape) : (known){2, -1, 0};
  tn_output sizes = k.unknown == 1 && k.elements > 0 ? tn_build_ints(c->scope, TN_INT32, shape.rank, shape.dims)
                                                     : tn_grad_shape(c, x, TN_INT32);
  tn_grad_set(c, 0, tn_build2(c->scope, "Reshape", dy, sizes));
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = reshape_prepare, .run = reshape_run}, {0}};

TN_OP(Reshape, .inputs = "tensor: T, shape: Tshape", .outputs = "output: T",
      .attrs = "T: type; Tshape: indextype = DT_INT32", .doc = "The elements under another shape; one size may be -1.",
      .value_inputs = 1 << 1, .shape = reshape_shape, .gradient = reshape_gradient, .kernels = kernels);
