/* TensorFlow's small messages (tensors, shapes, attribute values, nodes) to and from bytes, written by hand: nothing is
 * copied twice, and no depth of nesting reaches the stack. */
#ifndef TN_GRAPH_PROTO_H
#define TN_GRAPH_PROTO_H

#include "base/alloc.h"
#include "base/wire.h"
#include "graph/attr.h"
#include "graph/graph.h"

/* --- writing: a message inside OUT, between begin and end --- */
size_t tn_proto_begin(tn_str *out, uint32_t number);
void tn_proto_end(tn_str *out, size_t mark);
void tn_proto_put_string(tn_str *out, uint32_t number, const char *text);
/* TensorShapeProto, TensorProto, AttrValue and NodeDef as field NUMBER. */
void tn_proto_put_shape(tn_str *out, uint32_t number, const tn_shape *shape);
tn_error *tn_proto_put_tensor(tn_str *out, uint32_t number, const tn_tensor *tensor) TN_MUST_USE;
tn_error *tn_proto_put_attr(tn_str *out, uint32_t number, const tn_attr *attr) TN_MUST_USE;
/* The fields of a TensorProto or a NodeDef, without a frame around them. */
tn_error *tn_proto_tensor(tn_str *out, const tn_tensor *tensor) TN_MUST_USE;
tn_error *tn_proto_node(tn_str *out, const tn_node *node) TN_MUST_USE;
/* The same where inputs (index -1: control inputs, with their '^') are called as TEXT has it. */
typedef void (*tn_input_text_fn)(void *state, const tn_output *input, tn_str *text);
tn_error *tn_proto_node_with(tn_str *out, const tn_node *node, tn_input_text_fn text, void *state) TN_MUST_USE;

/* Where TensorProto keeps the values of a dtype: the field, and the wire type of one value. */
typedef struct tn_proto_home {
  uint32_t number;
  tn_wire_type type;
} tn_proto_home;
tn_proto_home tn_proto_home_of(tn_dtype dtype);
/* A TensorProto as field NUMBER that holds nothing but the list of TENSOR's values, as old checkpoints want it. */
void tn_proto_put_values(tn_str *out, uint32_t number, const tn_tensor *tensor);

/* --- reading: INVALID_ARGUMENT for what does not parse --- */
tn_error *tn_proto_get_shape(const char *data, size_t size, tn_shape *out) TN_MUST_USE;
/* A new tensor. Where there are fewer values than elements the last one fills the rest, as TensorFlow has it. */
tn_error *tn_proto_get_tensor(const char *data, size_t size, tn_tensor **out) TN_MUST_USE;
/* OUT is to be cleared. Of functions the name is kept. */
tn_error *tn_proto_get_attr(const char *data, size_t size, tn_attr *out) TN_MUST_USE;
/* As tn_wire_next, but with INVALID_ARGUMENT. */
tn_error *tn_proto_next(tn_wire_in *in, tn_wire_field *field, bool *more) TN_MUST_USE;
/* Calls ON with each field of a message. */
typedef tn_error *(*tn_proto_field_fn)(void *state, const tn_wire_field *field);
tn_error *tn_proto_each(const char *data, size_t size, tn_proto_field_fn on, void *state) TN_MUST_USE;
/* The same for the message that BYTES, a field, holds. */
tn_error *tn_proto_each_in(const tn_wire_field *bytes, tn_proto_field_fn on, void *state) TN_MUST_USE;
/* FIELD as text in ARENA: names hold no NUL. */
tn_error *tn_proto_get_text(tn_arena *arena, const tn_wire_field *field, const char **out) TN_MUST_USE;
/* INVALID_ARGUMENT unless FIELD has TYPE. */
tn_error *tn_proto_check(const tn_wire_field *field, tn_wire_type type) TN_MUST_USE;

#endif
