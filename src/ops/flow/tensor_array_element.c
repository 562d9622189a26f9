/* Tensor arrays: writing and reading one element. Nothing is copied: the array shares the tensor's buffer. */
#include "base/thread.h"
#include "ops/flow/tensor_array.h"

static tn_error *prepare_write(tn_prepare *p) {
  TN_TRY(tn_array_check_rank(p, 1, 0, "index"));
  return tn_array_prepare_flow(p);
}

static tn_error *run_write(tn_run *r) {
  tn_tensor_array *a = NULL;
  TN_TRY(tn_array_of(r, &a));
  tn_lock(&a->mutex);
  tn_error *error = tn_array_write(r, a, *TN_DATA(const int32_t, r->inputs[1]), r->inputs[2]);
  tn_unlock(&a->mutex);
  tn_object_unref(&a->object);
  return error;
}

static tn_error *prepare_read(tn_prepare *p) {
  TN_TRY(tn_array_check_rank(p, 1, 0, "index"));
  tn_prepare_dynamic(p, 0);
  return NULL;
}

static tn_error *run_read(tn_run *r) {
  tn_tensor_array *a = NULL;
  tn_tensor value = {0};
  TN_TRY(tn_array_of(r, &a));
  tn_lock(&a->mutex);
  tn_error *error = tn_array_check_type(r, a);
  if (!error) error = tn_array_read(r, a, *TN_DATA(const int32_t, r->inputs[1]), &value);
  tn_unlock(&a->mutex);
  tn_object_unref(&a->object);
  if (error) return error;
  tn_run_set(r, 0, &value);
  tn_tensor_clear(&value);
  return NULL;
}

static const tn_kernel_def write_kernels[] = {{.name = "reference", .prepare = prepare_write, .run = run_write}, {0}};
static const tn_kernel_def read_kernels[] = {{.name = "reference", .prepare = prepare_read, .run = run_read}, {0}};

static tn_error *shape_write(tn_shape_ctx *c) {
  tn_shape unused;
  TN_TRY(tn_shape_with_rank(c, 1, 0, &unused));
  TN_TRY(tn_shape_with_rank(c, 3, 0, &unused));
  if (c->in_handles && c->in_handles[0].dtype != TN_INVALID) {
    TN_TRY(tn_shape_merge(c, &c->in_handles[0].shape, &c->in[2], &unused));
  }
  c->out[0] = tn_shape_scalar();
  return NULL;
}

static tn_error *shape_read(tn_shape_ctx *c) {
  tn_shape unused;
  TN_TRY(tn_shape_with_rank(c, 1, 0, &unused));
  TN_TRY(tn_shape_with_rank(c, 2, 0, &unused));
  if (c->in_handles && c->in_handles[0].dtype != TN_INVALID) c->out[0] = c->in_handles[0].shape;
  return NULL;
}

TN_OP(TensorArrayWriteV3, .inputs = "handle: resource, index: int32, value: T, flow_in: float",
      .outputs = "flow_out: float", .attrs = "T: type", .doc = "Puts a tensor into an array.",
      .flags = TN_OP_STATEFUL | TN_OP_DYNAMIC_SHAPE, .shape = shape_write, .gradient = tn_grad_array_write,
      .kernels = write_kernels);

TN_OP(TensorArrayWriteV2, .inputs = "handle: string, index: int32, value: T, flow_in: float",
      .outputs = "flow_out: float", .attrs = "T: type", .doc = "The old TensorArrayWriteV3.",
      .flags = TN_OP_DYNAMIC_SHAPE, .shape = shape_write, .gradient = tn_grad_array_write, .kernels = write_kernels);

TN_OP(TensorArrayWrite, .inputs = "handle: Ref(string), index: int32, value: T, flow_in: float",
      .outputs = "flow_out: float", .attrs = "T: type", .doc = "The oldest TensorArrayWriteV3.",
      .flags = TN_OP_DYNAMIC_SHAPE, .shape = tn_shape_unknown_out, .gradient = tn_grad_array_write,
      .kernels = write_kernels);

TN_OP(TensorArrayReadV3, .inputs = "handle: resource, index: int32, flow_in: float", .outputs = "value: dtype",
      .attrs = "dtype: type", .doc = "Takes a tensor out of an array.", .flags = TN_OP_STATEFUL | TN_OP_DYNAMIC_SHAPE,
      .shape = shape_read, .gradient = tn_grad_array_read, .kernels = read_kernels);

TN_OP(TensorArrayReadV2, .inputs = "handle: string, index: int32, flow_in: float", .outputs = "value: dtype",
      .attrs = "dtype: type", .doc = "The old TensorArrayReadV3.", .flags = TN_OP_DYNAMIC_SHAPE, .shape = shape_read,
      .gradient = tn_grad_array_read, .kernels = read_kernels);

TN_OP(TensorArrayRead, .inputs = "handle: Ref(string), index: int32, flow_in: float", .outputs = "value: dtype",
      .attrs = "dtype: type", .doc = "The oldest TensorArrayReadV3.", .flags = TN_OP_DYNAMIC_SHAPE,
      .shape = tn_shape_unknown_out, .gradient = tn_grad_array_read, .kernels = read_kernels);
