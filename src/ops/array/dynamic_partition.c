/* DynamicPartition: rows dealt out by number. */
#include "ops/array/array.h"

static tn_error *partition_shape(tn_shape_ctx *c) {
  const tn_shape *data = &c->in[0], *partitions = &c->in[1];
  if (partitions->rank < 0 || data->rank < 0) return NULL;
  tn_shape checked;
  TN_TRY(tn_shape_at_least_rank(c, 0, partitions->rank, &checked));
  tn_shape prefix = tn_shape_part(data, 0, partitions->rank);
  TN_TRY(tn_shape_merge(c, &prefix, partitions, &prefix));
  tn_shape out = tn_shape_unknown_of_rank(1);
  for (int i = partitions->rank; i < data->rank && out.rank < TN_MAX_RANK; i++) out.dims[out.rank++] = data->dims[i];
  for (int i = 0; i < c->n_outputs; i++) c->out[i] = out;
  return NULL;
}

static tn_error *partition_prepare(tn_prepare *p) {
  const tn_shape *data = &p->inputs[0].shape, *partitions = &p->inputs[1].shape;
  bool prefix = partitions->rank <= data->rank;
  for (int i = 0; prefix && i < partitions->rank; i++) prefix = data->dims[i] == partitions->dims[i];
  if (!prefix)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "data.shape must start with partitions.shape, got data.shape = %s, partitions.shape = %s",
                             TN_SHAPE_STR(data), TN_SHAPE_STR(partitions));
  if (data->rank - partitions->rank + 1 > TN_MAX_RANK)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "the result would have rank %d, at most %d is supported",
                             data->rank + 1, TN_MAX_RANK);
  for (int i = 0; i < p->n_outputs; i++) tn_prepare_dynamic(p, i);
  p->scratch = (size_t)p->n_outputs * sizeof(int64_t);
  return NULL;
}

static tn_error *partition_run(tn_run *r) {
  const tn_tensor *data = r->inputs[0], *partitions = r->inputs[1];
  int64_t n = tn_elements(partitions), *count = r->scratch;
  for (int i = 0; i < r->n_outputs; i++) count[i] = 0;
  for (int64_t i = 0; i < n; i++) {
    int32_t to = TN_DATA(int32_t, partitions)[i];
    if (to < 0 || to >= r->n_outputs)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "partitions%s = %d is not in [0, %d)",
                           TN_PLACE_STR(&partitions->shape, i), to, r->n_outputs);
    count[to]++;
  }
  tn_shape row = tn_shape_part(&data->shape, partitions->shape.rank, data->shape.rank);
  int64_t size = tn_shape_elements(&row);
  for (int i = 0; i < r->n_outputs; i++) {
    tn_shape out = tn_shape_of(1, &count[i]);
    for (int d = 0; d < row.rank; d++) out.dims[out.rank++] = row.dims[d];
    TN_TRY(tn_run_allocate(r, i, &out));
    count[i] = 0;
  }
  for (int64_t i = 0; i < n; i++) {
    int32_t to = TN_DATA(int32_t, partitions)[i];
    TN_TRY(tn_copy_elements(data->dtype, tn_at(r->outputs[to], count[to]++ * size), tn_at(data, i * size), size));
  }
  return NULL;
}

/* The rows' numbers are dealt out the same way: they say where each row of the gradients goes back to. */
static tn_error *partition_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  int n = c->node->n_outputs;
  tn_output partitions = tn_grad_x(c, 1), zero = tn_build_scalar(s, TN_INT32, 0);
  tn_output numbers =
      tn_build(s, "Range", TN_IN(zero, tn_build1(s, "Size", partitions), tn_build_scalar(s, TN_INT32, 1)), NULL);
  numbers = tn_grad_reshape_to(c, numbers, partitions);
  tn_output places =
      tn_build(s, "DynamicPartition", TN_IN(numbers, partitions), TN_ATTRS(TN_A_INT("num_partitions", n)));
  tn_output *inputs = tn_malloc((2 * (size_t)n + 1) * sizeof *inputs);
  if (!inputs) return tn_out_of_memory();
  for (int i = 0; i < n; i++) {
    inputs[i] = tn_nth(places, i);
    inputs[n + i] = tn_grad_dense(c, i);
  }
  inputs[2 * n] = TN_END;
  tn_output rows = tn_build(s, "ParallelDynamicStitch", inputs, NULL);
  tn_free(inputs);
  tn_grad_set(c, 0, tn_grad_reshape_to(c, rows, tn_grad_x(c, 0)));
  return NULL;
}

static const tn_kernel_def kernels[] = {
    {.name = "reference", .types = TN_BASIC_STRING | TN_OBJECTS, .prepare = partition_prepare, .run = partition_run},
    {0}};

TN_OP(DynamicPartition, .inputs = "data: T, partitions: int32", .outputs = "outputs: num_partitions * T",
      .attrs = "num_partitions: int >= 1; T: type",
      .doc = "The rows of DATA, each in the output whose number PARTITIONS gives.", .flags = TN_OP_DYNAMIC_SHAPE,
      .shape = partition_shape, .gradient = partition_gradient, .kernels = kernels);
