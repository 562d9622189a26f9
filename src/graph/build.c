/* Building nodes from C: the generic builder, constants, and the words that gradient functions use most. */
#include "graph/build.h"

#include <string.h>

#include "graph/graph_internal.h"

static void keep_error(tn_scope *s, tn_error *error) {
  if (s->error) {
    tn_error_free(error);
  } else {
    s->error = error;
  }
}

/* "prefix/Op", or the op's name alone. */
static tn_error *scoped_name(const tn_scope *s, const char *op, char **out) {
  tn_str text = {0};
  if (s->prefix && s->prefix[0]) tn_str_addf(&text, "%s/", s->prefix);
  tn_str_add(&text, op[0] == '_' ? op + 1 : op); /* an internal op's name is no name for a node */
  return tn_str_take(&text, out, NULL);
}

tn_output tn_build(tn_scope *s, const char *op, const tn_output *inputs, const tn_named_attr *attrs) {
  if (s->error) return TN_NONE;
  char *name;
  tn_error *error = scoped_name(s, op, &name);
  if (error) {
    keep_error(s, error);
    return TN_NONE;
  }
  tn_node_builder *b = tn_node_begin(s->graph, op, name);
  tn_free(name);
  for (; b && inputs->index != -2; inputs++) tn_node_input(b, *inputs);
  for (; b && attrs && attrs->name; attrs++) tn_builder_attr(b, attrs->name, &attrs->value);
  if (b && s->device) tn_node_device(b, s->device);
  tn_node *node = NULL;
  error = tn_node_finish(b, &node);
  if (error) {
    keep_error(s, error);
    return TN_NONE;
  }
  return (tn_output){node, node->n_outputs > 0 ? 0 : -1};
}

/* --- constants --- */

tn_output tn_build_const(tn_scope *s, tn_tensor *value) {
  return tn_build(s, "Const", TN_NO_INPUTS, TN_ATTRS(TN_A_TYPE("dtype", value->dtype), TN_A_TENSOR("value", value)));
}

/* Writes VALUE as element I of T; false for a dtype that has no numbers. */
static bool set_number(tn_tensor *t, int64_t i, double value) {
  switch (t->dtype) {
  case TN_FLOAT: ((float *)t->data)[i] = (float)value; return true;
  case TN_DOUBLE: ((double *)t->data)[i] = value; return true;
  case TN_HALF: ((uint16_t *)t->data)[i] = tn_float_to_half((float)value); return true;
  case TN_BFLOAT16: ((uint16_t *)t->data)[i] = tn_float_to_bfloat16((float)value); return true;
  case TN_COMPLEX64: ((float *)t->data)[2 * i] = (float)value; return true;
  case TN_COMPLEX128: ((double *)t->data)[2 * i] = value; return true;
  case TN_INT8:
  case TN_QINT8: ((int8_t *)t->data)[i] = (int8_t)value; return true;
  case TN_UINT8:
  case TN_QUINT8: ((uint8_t *)t->data)[i] = (uint8_t)value; return true;
  case TN_INT16:
  case TN_QINT16: ((int16_t *)t->data)[i] = (int16_t)value; return true;
  case TN_UINT16:
  case TN_QUINT16: ((uint16_t *)t->data)[i] = (uint16_t)value; return true;
  case TN_INT32:
  case TN_QINT32: ((int32_t *)t->data)[i] = (int32_t)value; return true;
  case TN_UINT32: ((uint32_t *)t->data)[i] = (uint32_t)value; return true;
  case TN_INT64: ((int64_t *)t->data)[i] = (int64_t)value; return true;
  case TN_UINT64: ((uint64_t *)t->data)[i] = (uint64_t)value; return true;
  case TN_BOOL: ((bool *)t->data)[i] = value != 0; return true;
  default: return false;
  }
}

tn_output tn_build_scalar(tn_scope *s, tn_dtype dtype, double value) {
  if (s->error) return TN_NONE;
  dtype = tn_dtype_base(dtype);
  tn_tensor *tensor = NULL;
  tn_error *error = tn_tensor_new(dtype, 0, NULL, &tensor);
  if (!error && !set_number(tensor, 0, value)) {
    error = tn_errorf(TN_INVALID_ARGUMENT, "there is no number of type %s", tn_dtype_name(dtype));
  }
  tn_output output = TN_NONE;
  if (error) {
    keep_error(s, error);
  } else {
    output = tn_build_const(s, tensor);
  }
  tn_tensor_free(tensor);
  return output;
}

tn_output tn_build_ints(tn_scope *s, tn_dtype dtype, int n, const int64_t *v) {
  if (s->error) return TN_NONE;
  tn_tensor *tensor = NULL;
  int64_t size = n;
  tn_error *error = tn_tensor_new(dtype, 1, &size, &tensor);
  if (error) {
    keep_error(s, error);
    return TN_NONE;
  }
  for (int i = 0; i < n; i++) {
    if (dtype == TN_INT32) {
      ((int32_t *)tensor->data)[i] = (int32_t)v[i];
    } else {
      ((int64_t *)tensor->data)[i] = v[i];
    }
  }
  tn_output output = tn_build_const(s, tensor);
  tn_tensor_free(tensor);
  return output;
}

/* --- common ops --- */

tn_output tn_build_cast(tn_scope *s, tn_output x, tn_dtype dtype) {
  if (s->error || tn_dtype_base(tn_output_dtype(x)) == dtype) return x;
  return tn_build(s, "Cast", TN_IN(x), TN_ATTRS(TN_A_TYPE("DstT", dtype)));
}

static bool fits_int32(const tn_shape *shape) {
  for (int i = 0; i < shape->rank; i++) {
    if (shape->dims[i] > INT32_MAX) return false;
  }
  return true;
}

tn_output tn_build_shape_of(tn_scope *s, tn_output x) {
  if (s->error) return TN_NONE;
  tn_shape shape = tn_output_shape(x);
  if (tn_shape_known(&shape) && fits_int32(&shape)) return tn_build_ints(s, TN_INT32, shape.rank, shape.dims);
  return tn_build(s, "Shape", TN_IN(x), NULL);
}

tn_output tn_build_sum(tn_scope *s, tn_output x, tn_output axes, bool keep_dims) {
  return tn_build(s, "Sum", TN_IN(x, axes), TN_ATTRS(TN_A_BOOL("keep_dims", keep_dims)));
}

/* --- the inverse of broadcasting --- */

/* The axes of the broadcast of X and OTHER along which X was stretched, from static shapes: *LEADING of them are axes
 * that X lacks. -1 if the shapes don't tell. Summing an axis of size 1 changes nothing, so an unknown size of OTHER is
 * no hurdle where X has 1. */
static int stretched_axes(const tn_shape *x, const tn_shape *other, int64_t axes[TN_MAX_RANK], int *leading) {
  if (x->rank < 0 || other->rank < 0) return -1;
  int rank = x->rank > other->rank ? x->rank : other->rank, n = 0;
  *leading = rank - x->rank;
  for (int i = 0; i < rank; i++) {
    int64_t a = i < rank - x->rank ? 1 : x->dims[i - (rank - x->rank)];
    int64_t b = i < rank - other->rank ? 1 : other->dims[i - (rank - other->rank)];
    if (a < 0 && b != 1) return -1;
    if (i < *leading || (a == 1 && b != 1)) axes[n++] = i;
  }
  return n;
}

tn_output tn_build_unbroadcast(tn_scope *s, tn_output gradient, tn_output x, tn_output other) {
  if (s->error || (x.node == other.node && x.index == other.index)) return gradient;
  tn_shape from = tn_output_shape(x), with = tn_output_shape(other);
  int64_t axes[TN_MAX_RANK];
  int leading, n = stretched_axes(&from, &with, axes, &leading);
  if (n == 0) return gradient;
  if (n > 0 && (n == leading || leading == 0)) {
    return tn_build_sum(s, gradient, tn_build_ints(s, TN_INT32, n, axes), leading == 0);
  }
  if (n > 0) {
    tn_output sum = tn_build_sum(s, gradient, tn_build_ints(s, TN_INT32, n, axes), false);
    return tn_build2(s, "Reshape", sum, tn_build_shape_of(s, x));
  }
  /* Both shapes as nodes: a constant one and a computed one go together as well. */
  tn_output shape = tn_build_shape_of(s, x);
  tn_output reduced = tn_build2(s, "BroadcastGradientArgs", shape, tn_build_shape_of(s, other));
  return tn_build2(s, "Reshape", tn_build_sum(s, gradient, reduced, false), shape);
}
