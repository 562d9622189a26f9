/* Values of inputs as shapes: known in parts where a shape is put together from others (Shape, Pack, ConcatV2, ...). */
#include <string.h>

#include "graph/graph_internal.h"

/* How far back a shape is followed. */
#define MAX_DEPTH 64

static bool op_is(const tn_node *node, const char *op) { return strcmp(node->op->name, op) == 0; }

static bool is_index(const tn_tensor *t) { return t->dtype == TN_INT32 || t->dtype == TN_INT64; }

static int64_t int_at(const tn_tensor *t, int64_t i) {
  return t->dtype == TN_INT32 ? ((const int32_t *)t->data)[i] : ((const int64_t *)t->data)[i];
}

tn_error *tn_shape_scalar_value(tn_shape_ctx *c, int input, bool *known, int64_t *out) {
  const tn_tensor *t = c->value(c, input);
  *known = false;
  if (!t) return NULL;
  if (!is_index(t) || tn_shape_elements(&t->shape) != 1 || t->shape.rank > 1) {
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "input %d must be an integer scalar, but is %s of shape %s",
                          input, tn_dtype_name(t->dtype), TN_SHAPE_STR(&t->shape));
  }
  *known = true;
  *out = int_at(t, 0);
  return NULL;
}

tn_error *tn_shape_vector_value(tn_shape_ctx *c, int input, int *n, int64_t values[TN_MAX_RANK]) {
  const tn_tensor *t = c->value(c, input);
  *n = -1;
  if (!t) return NULL;
  int64_t size = tn_shape_elements(&t->shape);
  if (!is_index(t) || t->shape.rank > 1 || size > TN_MAX_RANK) {
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT,
                          "input %d must be an integer vector of %d elements at most, but is %s of shape %s", input,
                          TN_MAX_RANK, tn_dtype_name(t->dtype), TN_SHAPE_STR(&t->shape));
  }
  for (int64_t i = 0; i < size; i++) values[i] = int_at(t, i);
  *n = (int)size;
  return NULL;
}

/* A shape that is being put together. */
typedef struct partial {
  const tn_node *node; /* whose input is asked for, for messages */
  int depth;
} partial;

static tn_error *shape_of_output(partial *p, tn_output output, tn_shape *out);

/* The elements of T as dimensions. */
static tn_error *shape_of_tensor(const partial *p, const tn_tensor *t, tn_shape *out) {
  int64_t n = tn_shape_elements(&t->shape);
  if (!is_index(t) || t->shape.rank > 1) {
    return tn_node_errorf(p->node, TN_INVALID_ARGUMENT, "a shape must be an integer vector, but is %s of shape %s",
                          tn_dtype_name(t->dtype), TN_SHAPE_STR(&t->shape));
  }
  if (t->shape.rank == 0) {
    if (int_at(t, 0) != -1) {
      return tn_node_errorf(p->node, TN_INVALID_ARGUMENT, "a shape that is a scalar must be -1, but is %lld",
                            (long long)int_at(t, 0));
    }
    *out = tn_shape_unknown();
    return NULL;
  }
  if (n > TN_MAX_RANK) {
    return tn_node_errorf(p->node, TN_INVALID_ARGUMENT, "a shape of rank %lld is asked for, but %d is the most",
                          (long long)n, TN_MAX_RANK);
  }
  tn_shape shape = tn_shape_unknown_of_rank((int)n);
  for (int64_t i = 0; i < n; i++) {
    shape.dims[i] = int_at(t, i);
    if (shape.dims[i] < -1) {
      return tn_node_errorf(p->node, TN_INVALID_ARGUMENT, "a shape has the negative size %lld",
                            (long long)shape.dims[i]);
    }
  }
  *out = shape;
  return NULL;
}

/* The constant integer of OUTPUT; *KNOWN false if it is not constant or no such thing. */
static tn_error *scalar_of(tn_output output, bool *known, int64_t *out) {
  tn_tensor *t = NULL;
  *known = false;
  TN_TRY(tn_eval_const(output, &t));
  if (t && is_index(t) && tn_shape_elements(&t->shape) == 1) {
    *known = true;
    *out = int_at(t, 0);
  }
  tn_tensor_free(t);
  return NULL;
}

static tn_error *shape_of_pack(const tn_node *node, tn_shape *out) {
  *out = tn_shape_unknown();
  if (node->n_inputs > TN_MAX_RANK) return NULL;
  tn_shape shape = tn_shape_unknown_of_rank(node->n_inputs);
  for (int i = 0; i < node->n_inputs; i++) {
    bool known;
    int64_t size;
    TN_TRY(scalar_of(node->inputs[i], &known, &size));
    if (known && size >= 0) shape.dims[i] = size;
  }
  *out = shape;
  return NULL;
}

static tn_error *shape_of_concat(partial *p, const tn_node *node, tn_shape *out) {
  int axis = op_is(node, "Concat") ? 0 : node->n_inputs - 1;
  tn_shape shape = tn_shape_scalar();
  *out = tn_shape_unknown();
  for (int i = 0; i < node->n_inputs; i++) {
    if (i == axis) continue;
    tn_shape part;
    TN_TRY(shape_of_output(p, node->inputs[i], &part));
    if (part.rank < 0 || shape.rank + part.rank > TN_MAX_RANK) return NULL;
    for (int j = 0; j < part.rank; j++) shape.dims[shape.rank++] = part.dims[j];
  }
  *out = shape;
  return NULL;
}

/* shape[begin:end:stride] with Python's rules for what is outside. */
static tn_shape slice_shape(const tn_shape *shape, int64_t begin, int64_t end, int64_t stride) {
  int64_t rank = shape->rank;
  int64_t low = stride > 0 ? 0 : -1, high = stride > 0 ? rank : rank - 1;
  if (begin < 0) begin += rank;
  if (end < 0) end += rank;
  begin = begin < low ? low : begin > high ? high : begin;
  end = end < low ? low : end > high ? high : end;
  tn_shape out = tn_shape_scalar();
  for (int64_t i = begin; stride > 0 ? i < end : i > end; i += stride) out.dims[out.rank++] = shape->dims[i];
  return out;
}

/* Bound number I (1: begin, 2: end, 3: stride) of a slice of a vector; a masked one is *OUT as it came. */
static tn_error *slice_bound(const tn_node *node, int i, const char *mask, bool *known, int64_t *out) {
  int64_t bits = mask ? tn_node_get_int(node, mask) : 0;
  const tn_output *bound = &node->inputs[i];
  const tn_shape *shape = &bound->node->output_shapes[bound->index];
  *known = (bits == 0 || bits == 1) && shape->rank == 1 && shape->dims[0] == 1;
  if (!*known || bits == 1) return NULL;
  return scalar_of(*bound, known, out);
}

static tn_error *shape_of_slice(partial *p, const tn_node *node, tn_shape *out) {
  bool known = tn_node_get_int(node, "ellipsis_mask") == 0 && tn_node_get_int(node, "new_axis_mask") == 0 &&
               tn_node_get_int(node, "shrink_axis_mask") == 0;
  int64_t stride = 1;
  if (known) TN_TRY(slice_bound(node, 3, NULL, &known, &stride));
  if (stride == 0 || stride > TN_MAX_RANK || stride < -TN_MAX_RANK) known = false;
  int64_t begin = stride > 0 ? 0 : INT32_MAX, end = stride > 0 ? INT32_MAX : -INT32_MAX;
  if (known) TN_TRY(slice_bound(node, 1, "begin_mask", &known, &begin));
  if (known) TN_TRY(slice_bound(node, 2, "end_mask", &known, &end));
  tn_shape shape = tn_shape_unknown();
  if (known) TN_TRY(shape_of_output(p, node->inputs[0], &shape));
  *out = shape.rank < 0 ? shape : slice_shape(&shape, begin, end, stride);
  return NULL;
}

/* Where nothing is known of the elements, their number may be. */
static tn_shape unknown_elements(const tn_shape *vector) {
  if (vector->rank != 1 || vector->dims[0] < 0 || vector->dims[0] > TN_MAX_RANK) return tn_shape_unknown();
  return tn_shape_unknown_of_rank((int)vector->dims[0]);
}

static tn_error *shape_of_parts(partial *p, tn_output output, tn_shape *out) {
  const tn_node *node = output.node;
  if (op_is(node, "Shape") || op_is(node, "ShapeN")) {
    tn_output x = node->inputs[op_is(node, "ShapeN") ? output.index : 0];
    *out = x.node->output_shapes[x.index];
    return NULL;
  }
  if (op_is(node, "VariableShape")) {
    const tn_node *from = node->inputs[0].node;
    *out = from->handles ? from->handles[node->inputs[0].index].shape : tn_shape_unknown();
    return NULL;
  }
  if (op_is(node, "Cast")) return shape_of_output(p, node->inputs[0], out);
  if (op_is(node, "Pack")) return shape_of_pack(node, out);
  if (op_is(node, "Concat") || op_is(node, "ConcatV2")) return shape_of_concat(p, node, out);
  if (op_is(node, "StridedSlice")) return shape_of_slice(p, node, out);
  *out = unknown_elements(&node->output_shapes[output.index]);
  return NULL;
}

/* A vector's elements as a shape, without its value. */
static tn_error *shape_without_value(partial *p, tn_output output, tn_shape *out) {
  const tn_shape *vector = &output.node->output_shapes[output.index];
  if (vector->rank == 0) {
    return tn_node_errorf(p->node, TN_INVALID_ARGUMENT, "a shape is a scalar whose value is not known: it must be -1");
  }
  if (vector->rank > 1) {
    return tn_node_errorf(p->node, TN_INVALID_ARGUMENT, "a shape must be a vector, but has shape %s",
                          TN_SHAPE_STR(vector));
  }
  if (p->depth >= MAX_DEPTH) {
    *out = unknown_elements(vector);
    return NULL;
  }
  p->depth++;
  tn_error *error = shape_of_parts(p, output, out);
  p->depth--;
  return error;
}

static tn_error *shape_of_output(partial *p, tn_output output, tn_shape *out) {
  tn_tensor *value = NULL;
  TN_TRY(tn_eval_const(output, &value));
  if (!value) return shape_without_value(p, output, out);
  /* A cast of something that is no shape: nothing is known. */
  tn_error *error = NULL;
  if (is_index(value)) {
    error = shape_of_tensor(p, value, out);
  } else {
    *out = unknown_elements(&value->shape);
  }
  tn_tensor_free(value);
  return error;
}

tn_error *tn_shape_from_value(tn_shape_ctx *c, int input, tn_shape *out) {
  partial p = {.node = c->node};
  const tn_tensor *value = c->value(c, input);
  if (value) return shape_of_tensor(&p, value, out);
  if (!c->node->inputs || !c->node->inputs[input].node) {
    *out = unknown_elements(&c->in[input]);
    return NULL;
  }
  tn_shape shape;
  TN_TRY(shape_without_value(&p, c->node->inputs[input], &shape));
  *out = shape;
  return NULL;
}

tn_error *tn_output_as_shape(tn_output output, tn_shape *out) {
  if (!output.node || output.index < 0 || output.index >= output.node->n_outputs) {
    return tn_errorf(TN_INVALID_ARGUMENT, "there is no such output");
  }
  partial p = {.node = output.node};
  return shape_of_output(&p, output, out);
}

tn_error *tn_output_constant(tn_output output, tn_tensor **out) {
  if (!output.node || output.index < 0 || output.index >= output.node->n_outputs) {
    return tn_errorf(TN_INVALID_ARGUMENT, "there is no such output");
  }
  return tn_eval_const(output, out);
}
