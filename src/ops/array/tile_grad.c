/* TileGrad: the sum over the repetitions that Tile made, as older graphs have it. */
#include "kernel/combine.h"
#include "ops/array/array.h"

typedef struct tile_grad_state {
  tn_combine_fn add;
} tile_grad_state;

static tn_error *tile_grad_prepare(tn_prepare *p) {
  const tn_shape *in = &p->inputs[0].shape;
  int n = 0;
  int64_t multiples[TN_MAX_RANK];
  TN_TRY(tn_prepare_ints(p, 1, TN_MAX_RANK, &n, multiples));
  if (p->inputs[1].shape.rank != 1 || n != in->rank)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "Expected multiples argument to be a vector of length %d but got shape %s", in->rank,
                             TN_SHAPE_STR(&p->inputs[1].shape));
  tn_shape out = *in;
  for (int i = 0; i < n; i++) {
    if (multiples[i] <= 0 || in->dims[i] % multiples[i] != 0)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                               "Expected input_dim[%d] to be divisible by multiples[%d], but %lld %% %lld != 0", i, i,
                               (long long)in->dims[i], (long long)multiples[i]);
    out.dims[i] /= multiples[i];
  }
  tile_grad_state *s;
  TN_TRY(tn_prepare_state(p, sizeof *s, &s));
  s->add = tn_combine_of(TN_COMBINE_ADD, p->inputs[0].dtype);
  return tn_prepare_output(p, 0, &out);
}

/* Every row of the input goes to the row of the output that it repeats. */
static tn_error *tile_grad_run(tn_run *r) {
  const tile_grad_state *s = r->state;
  const tn_shape *in = &r->inputs[0]->shape, *out = &r->outputs[0]->shape;
  TN_TRY(tn_copy_zero(r->outputs[0]->dtype, r->outputs[0]->data, tn_elements(r->outputs[0])));
  int64_t n = tn_elements(r->inputs[0]), strides[TN_MAX_RANK];
  int64_t width = out->rank > 0 ? out->dims[out->rank - 1] : 1;
  tn_copy_strides(out->rank, out->dims, strides);
  for (int64_t i = 0; i < n; i += width) {
    int64_t rest = i, to = 0;
    for (int d = in->rank - 1; d >= 0; d--) {
      to += rest % in->dims[d] % out->dims[d] * strides[d];
      rest /= in->dims[d];
    }
    s->add(tn_at(r->outputs[0], to), tn_at(r->inputs[0], i), width);
  }
  return NULL;
}

static const tn_kernel_def kernels[] = {
    {.name = "reference", .types = TN_NUMBERS, .type_attr = "T", .prepare = tile_grad_prepare, .run = tile_grad_run},
    {0}};

TN_OP(TileGrad, .inputs = "input: T, multiples: int32", .outputs = "output: T", .attrs = "T: type",
      .doc = "The sum over the repetitions that Tile with MULTIPLES made.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .value_inputs = 1 << 1, .shape = tn_shape_unknown_out, .kernels = kernels);
