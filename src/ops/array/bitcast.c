/* Bitcast: the same bytes as another dtype. */
#include "ops/array/array.h"

/* The dimension that comes or goes, where the element sizes differ: DIMS of IN unknown stay so. */
static tn_error *bitcast(const tn_node *node, const tn_shape *in, tn_shape *out) {
  int64_t from = (int64_t)tn_dtype_size(tn_node_get_type(node, "T")),
          to = (int64_t)tn_dtype_size(tn_node_get_type(node, "type"));
  tn_shape shape = *in;
  if (from < to) {
    int64_t last = in->rank > 0 ? in->dims[in->rank - 1] : 0;
    if (in->rank == 0 || (last >= 0 && last != to / from))
      return tn_node_errorf(node, TN_INVALID_ARGUMENT,
                            "Cannot bitcast %s from %s to %s: the last dimension must be %lld", TN_SHAPE_STR(in),
                            tn_dtype_name(tn_node_get_type(node, "T")), tn_dtype_name(tn_node_get_type(node, "type")),
                            (long long)(to / from));
    shape.rank--;
  } else if (from > to) {
    if (in->rank == TN_MAX_RANK)
      return tn_node_errorf(node, TN_INVALID_ARGUMENT, "the result would have rank %d, at most %d is supported",
                            in->rank + 1, TN_MAX_RANK);
    shape.dims[shape.rank++] = from / to;
  }
  *out = shape;
  return NULL;
}

static tn_error *bitcast_shape(tn_shape_ctx *c) {
  return c->in[0].rank < 0 ? NULL : bitcast(c->node, &c->in[0], &c->out[0]);
}

static tn_error *bitcast_prepare(tn_prepare *p) {
  tn_shape shape;
  TN_TRY(bitcast(p->node, &p->inputs[0].shape, &shape));
  return tn_prepare_alias(p, 0, 0, &shape);
}

static tn_error *bitcast_run(tn_run *r) {
  (void)r;
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = bitcast_prepare, .run = bitcast_run}, {0}};

TN_OP(Bitcast, .inputs = "input: T", .outputs = "output: type", .attrs = "T: numbertype; type: numbertype",
      .doc = "The bytes of the input as elements of another type.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = bitcast_shape, .kernels = kernels);
