/* ParseTensor and SerializeTensor: TensorProto messages. */
#include "graph/proto.h"
#include "ops/string/string_array.h"

static tn_error *parse_prepare(tn_prepare *p) {
  if (p->inputs[0].shape.rank != 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Expected `serialized` to be a scalar, got shape: %s",
                             TN_SHAPE_STR(&p->inputs[0].shape));
  tn_prepare_dynamic(p, 0);
  return NULL;
}

static tn_error *parse_run(tn_run *r) {
  tn_string s = *tn_strings_of(r->inputs[0]);
  tn_tensor *parsed;
  tn_error *error = tn_proto_get_tensor(s.size ? s.data : "", s.size, &parsed);
  if (error) return tn_error_context(error, "ParseTensor '%s'", r->node->name);
  tn_dtype want = tn_node_get_type(r->node, "out_type");
  if (parsed->dtype == want) {
    tn_run_set(r, 0, parsed);
  } else {
    error = tn_run_errorf(r, TN_INVALID_ARGUMENT, "Type mismatch between parsed tensor (%s) and dtype (%s)",
                          tn_dtype_name(parsed->dtype), tn_dtype_name(want));
  }
  tn_tensor_free(parsed);
  return error;
}

static tn_error *serialize_prepare(tn_prepare *p) {
  tn_shape scalar = tn_shape_scalar();
  return tn_prepare_output(p, 0, &scalar);
}

static tn_error *serialize_run(tn_run *r) {
  tn_str out = {0};
  tn_error *error = tn_proto_tensor(&out, r->inputs[0]);
  if (!error) error = tn_string_take(tn_strings_of(r->outputs[0]), &out);
  tn_str_clear(&out);
  return error;
}

static const tn_kernel_def parse_kernels[] = {{.name = "reference", .prepare = parse_prepare, .run = parse_run}, {0}};
static const tn_kernel_def serialize_kernels[] = {
    {.name = "reference", .prepare = serialize_prepare, .run = serialize_run}, {0}};

TN_OP(ParseTensor, .inputs = "serialized: string", .outputs = "output: out_type", .attrs = "out_type: type",
      .doc = "The tensor in a serialised TensorProto.", .flags = TN_OP_NO_GRADIENT | TN_OP_DYNAMIC_SHAPE,
      .shape = tn_shape_unknown_out, .kernels = parse_kernels);

TN_OP(SerializeTensor, .inputs = "tensor: T", .outputs = "serialized: string", .attrs = "T: type",
      .doc = "A tensor as a serialised TensorProto.", .flags = TN_OP_NO_GRADIENT, .shape = tn_shape_scalar_out,
      .kernels = serialize_kernels);
