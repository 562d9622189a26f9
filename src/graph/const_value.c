/* Constant values at graph time: what the graph alone tells, and the hook to the kernels for the rest. */
#include <string.h>

#include "graph/graph_internal.h"

tn_error *(*tn_eval_const_hook)(tn_output output, tn_tensor **out);

static bool op_is(const tn_node *node, const char *op) { return strcmp(node->op->name, op) == 0; }

/* N integers of DTYPE as a tensor of RANK 0 or 1. */
static tn_error *ints_tensor(tn_dtype dtype, int rank, int n, const int64_t *values, tn_tensor **out) {
  tn_tensor *tensor;
  int64_t size = n;
  for (int i = 0; dtype == TN_INT32 && i < n; i++) {
    /* The op itself will complain when it runs. */
    if (values[i] > INT32_MAX) return NULL;
  }
  TN_TRY(tn_tensor_new(dtype, rank, &size, &tensor));
  for (int i = 0; i < n; i++) {
    if (dtype == TN_INT32) {
      ((int32_t *)tensor->data)[i] = (int32_t)values[i];
    } else {
      ((int64_t *)tensor->data)[i] = values[i];
    }
  }
  *out = tensor;
  return NULL;
}

static tn_error *shape_op(tn_output output, tn_tensor **out) {
  const tn_node *node = output.node;
  tn_output x = node->inputs[op_is(node, "ShapeN") ? output.index : 0];
  const tn_shape *shape = &x.node->output_shapes[x.index];
  tn_dtype dtype = node->output_types[output.index];
  if (dtype != TN_INT32 && dtype != TN_INT64) return NULL;
  if (op_is(node, "Rank")) {
    int64_t rank = shape->rank;
    return rank < 0 ? NULL : ints_tensor(dtype, 0, 1, &rank, out);
  }
  if (!tn_shape_known(shape)) return NULL;
  if (op_is(node, "Size")) {
    int64_t size = tn_shape_elements(shape);
    return ints_tensor(dtype, 0, 1, &size, out);
  }
  return ints_tensor(dtype, 1, shape->rank, shape->dims, out);
}

/* shape(x)[i] is known as soon as that dimension is. */
static tn_error *one_dimension(tn_output output, tn_tensor **out) {
  const tn_node *node = output.node, *from = node->inputs[0].node;
  if (!op_is(from, "Shape") && !op_is(from, "ShapeN")) return NULL;
  if (tn_node_get_int(node, "shrink_axis_mask") != 1 || tn_node_get_int(node, "begin_mask") != 0 ||
      tn_node_get_int(node, "ellipsis_mask") != 0 || tn_node_get_int(node, "new_axis_mask") != 0) {
    return NULL;
  }
  tn_output x = from->inputs[op_is(from, "ShapeN") ? node->inputs[0].index : 0];
  const tn_shape *shape = &x.node->output_shapes[x.index];
  tn_tensor *begin = NULL;
  TN_TRY(tn_graph_constant(node->inputs[1], &begin));
  if (!begin) return NULL;
  tn_error *error = NULL;
  if (tn_shape_elements(&begin->shape) == 1 && shape->rank >= 0) {
    int64_t i = begin->dtype == TN_INT32 ? *(const int32_t *)begin->data : 0;
    if (begin->dtype == TN_INT64) i = *(const int64_t *)begin->data;
    if (begin->dtype == TN_INT16) i = *(const int16_t *)begin->data;
    if (i < 0) i += shape->rank;
    if (i >= 0 && i < shape->rank && shape->dims[i] >= 0) {
      error = ints_tensor(node->output_types[0], 0, 1, &shape->dims[i], out);
    }
  }
  tn_tensor_free(begin);
  return error;
}

tn_error *tn_graph_constant(tn_output output, tn_tensor **out) {
  const tn_node *node = output.node;
  tn_tensor *value = NULL;
  if (op_is(node, "Const")) {
    value = tn_tensor_ref(tn_node_get_tensor(node, "value"));
  } else if (op_is(node, "Shape") || op_is(node, "ShapeN") || op_is(node, "Size") || op_is(node, "Rank")) {
    TN_TRY(shape_op(output, &value));
  } else if (op_is(node, "StridedSlice")) {
    TN_TRY(one_dimension(output, &value));
  }
  *out = value;
  return NULL;
}

tn_error *tn_eval_const(tn_output output, tn_tensor **out) {
  tn_tensor *value;
  TN_TRY(tn_graph_constant(output, &value));
  if (!value && tn_eval_const_hook) TN_TRY(tn_eval_const_hook(output, &value));
  *out = value;
  return NULL;
}
