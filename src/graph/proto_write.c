/* Writing TensorFlow's messages. */
#include <string.h>

#include "graph/graph_internal.h"
#include "graph/proto.h"

/* The message's size is known at its end only: it is then inserted before the message. */
size_t tn_proto_begin(tn_str *out, uint32_t number) {
  tn_wire_put_key(out, number, TN_WIRE_BYTES);
  return out->size;
}

void tn_proto_end(tn_str *out, size_t mark) {
  if (out->failed) return;
  size_t size = out->size - mark;
  tn_wire_put_varint(out, size);
  if (out->failed) return;
  char prefix[16];
  size_t n = out->size - mark - size;
  memcpy(prefix, out->data + mark + size, n);
  memmove(out->data + mark + n, out->data + mark, size);
  memcpy(out->data + mark, prefix, n);
}

void tn_proto_put_string(tn_str *out, uint32_t number, const char *text) {
  tn_wire_put_bytes(out, number, text, strlen(text));
}

void tn_proto_put_shape(tn_str *out, uint32_t number, const tn_shape *shape) {
  size_t mark = tn_proto_begin(out, number);
  if (shape->rank < 0) tn_wire_put_int(out, 3, 1);
  for (int i = 0; i < shape->rank; i++) {
    size_t dim = tn_proto_begin(out, 2);
    if (shape->dims[i] != 0) tn_wire_put_int(out, 1, shape->dims[i]);
    tn_proto_end(out, dim);
  }
  tn_proto_end(out, mark);
}

tn_error *tn_proto_tensor(tn_str *out, const tn_tensor *tensor) {
  if (!tn_dtype_is_plain(tensor->dtype) && tensor->dtype != TN_STRING) {
    return tn_errorf(TN_INVALID_ARGUMENT, "a %s tensor can't be written as a message", tn_dtype_name(tensor->dtype));
  }
  tn_wire_put_int(out, 1, tensor->dtype);
  tn_proto_put_shape(out, 2, &tensor->shape);
  if (tensor->dtype != TN_STRING) {
    if (tn_tensor_bytes(tensor) > 0) tn_wire_put_bytes(out, 4, tensor->data, tn_tensor_bytes(tensor));
    return NULL;
  }
  const tn_string *strings = tensor->data;
  for (int64_t i = 0, n = tn_shape_elements(&tensor->shape); i < n; i++) {
    tn_wire_put_bytes(out, 8, strings[i].data, strings[i].size);
  }
  return NULL;
}

tn_error *tn_proto_put_tensor(tn_str *out, uint32_t number, const tn_tensor *tensor) {
  size_t mark = tn_proto_begin(out, number);
  TN_TRY(tn_proto_tensor(out, tensor));
  tn_proto_end(out, mark);
  return NULL;
}

/* --- attributes: AttrValue and its list have the same field numbers --- */

static void put_func(tn_str *out, uint32_t number, const tn_string *name) {
  size_t mark = tn_proto_begin(out, number);
  tn_wire_put_bytes(out, 1, name->data, name->size);
  tn_proto_end(out, mark);
}

static uint32_t float_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static tn_error *put_list(tn_str *out, const tn_attr *attr) {
  size_t list = tn_proto_begin(out, 1);
  static const uint32_t packed[] = {
      [TN_ATTR_INT] = 3, [TN_ATTR_FLOAT] = 4, [TN_ATTR_BOOL] = 5, [TN_ATTR_TYPE] = 6, [TN_ATTR_FUNC] = 0};
  uint32_t number = attr->n > 0 ? packed[attr->kind] : 0;
  size_t mark = number ? tn_proto_begin(out, number) : 0;
  for (size_t i = 0; i < attr->n; i++) {
    switch (attr->kind) {
    case TN_ATTR_INT: tn_wire_put_varint(out, (uint64_t)attr->ints[i]); break;
    case TN_ATTR_FLOAT: tn_put_u32(out, float_bits(attr->floats[i])); break;
    case TN_ATTR_BOOL: tn_wire_put_varint(out, attr->bools[i]); break;
    case TN_ATTR_TYPE: tn_wire_put_varint(out, (uint64_t)attr->types[i]); break;
    case TN_ATTR_STRING: tn_wire_put_bytes(out, 2, attr->strings[i].data, attr->strings[i].size); break;
    case TN_ATTR_SHAPE: tn_proto_put_shape(out, 7, &attr->shapes[i]); break;
    case TN_ATTR_TENSOR: TN_TRY(tn_proto_put_tensor(out, 8, attr->tensors[i])); break;
    case TN_ATTR_FUNC: put_func(out, 9, &attr->strings[i]); break;
    case TN_ATTR_NONE: break;
    }
  }
  if (number) tn_proto_end(out, mark);
  tn_proto_end(out, list);
  return NULL;
}

static tn_error *put_value(tn_str *out, const tn_attr *attr) {
  switch (attr->kind) {
  case TN_ATTR_INT: tn_wire_put_int(out, 3, attr->i); break;
  case TN_ATTR_FLOAT: tn_wire_put_fixed32(out, 4, float_bits(attr->f)); break;
  case TN_ATTR_BOOL: tn_wire_put_int(out, 5, attr->b); break;
  case TN_ATTR_TYPE: tn_wire_put_int(out, 6, attr->type); break;
  case TN_ATTR_STRING: tn_wire_put_bytes(out, 2, attr->string.data, attr->string.size); break;
  case TN_ATTR_SHAPE: tn_proto_put_shape(out, 7, &attr->shape); break;
  case TN_ATTR_TENSOR: return tn_proto_put_tensor(out, 8, attr->tensor);
  case TN_ATTR_FUNC: put_func(out, 10, &attr->string); break;
  case TN_ATTR_NONE: break;
  }
  return NULL;
}

tn_error *tn_proto_put_attr(tn_str *out, uint32_t number, const tn_attr *attr) {
  size_t mark = tn_proto_begin(out, number);
  if (attr->is_list) {
    TN_TRY(put_list(out, attr));
  } else {
    TN_TRY(put_value(out, attr));
  }
  tn_proto_end(out, mark);
  return NULL;
}

/* --- nodes --- */

static void plain_input(void *state, const tn_output *input, tn_str *text) {
  (void)state;
  if (input->index < 0) tn_str_add(text, "^");
  tn_str_add(text, input->node->name);
  if (input->index > 0) tn_str_addf(text, ":%d", input->index);
}

static void put_input(tn_str *out, const tn_output *input, tn_input_text_fn text, void *state) {
  size_t mark = tn_proto_begin(out, 3);
  text(state, input, out);
  tn_proto_end(out, mark);
}

tn_error *tn_proto_node(tn_str *out, const tn_node *node) { return tn_proto_node_with(out, node, plain_input, NULL); }

tn_error *tn_proto_node_with(tn_str *out, const tn_node *node, tn_input_text_fn text, void *state) {
  tn_proto_put_string(out, 1, node->name);
  tn_proto_put_string(out, 2, node->op->name);
  for (int i = 0; i < node->n_inputs; i++) put_input(out, &node->inputs[i], text, state);
  for (int i = 0; i < node->n_controls; i++) {
    tn_output control = {node->controls[i], -1};
    put_input(out, &control, text, state);
  }
  if (node->device[0]) tn_proto_put_string(out, 4, node->device);
  for (int i = 0; i < node->n_attrs; i++) {
    size_t mark = tn_proto_begin(out, 5);
    tn_proto_put_string(out, 1, node->attrs[i].name);
    TN_TRY(tn_error_context(tn_proto_put_attr(out, 2, &node->attrs[i].value), "%s '%s': attribute '%s'", node->op->name,
                            node->name, node->attrs[i].name));
    tn_proto_end(out, mark);
  }
  return NULL;
}
