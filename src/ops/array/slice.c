/* Slice: a box cut out of a tensor. */
#include "ops/array/array.h"

/* One dimension of a slice of constant place: -1 as a size runs to the end. */
static tn_error *slice_dim(tn_shape_ctx *c, int i, const int64_t place[2], int64_t *out) {
  int64_t begin = place[0], size = place[1], dim = c->in[0].rank >= 0 ? c->in[0].dims[i] : -1;
  if (size < -1)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "size[%d] is %lld, expected -1 or more", i, (long long)size);
  if (begin >= 0 && dim >= 0 && (begin > dim || (size >= 0 && size > dim - begin)))
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "begin %lld and size %lld are outside dimension %d of %lld",
                          (long long)begin, (long long)size, i, (long long)dim);
  *out = size >= 0 ? size : begin >= 0 && dim >= 0 ? dim - begin : -1;
  return NULL;
}

/* The number of elements of BEGIN and SIZE, which is the rank: checked against each other and the input. */
static tn_error *slice_rank(tn_shape_ctx *c, int *out) {
  tn_shape begin, size, merged, input;
  TN_TRY(tn_shape_with_rank(c, 1, 1, &begin));
  TN_TRY(tn_shape_with_rank(c, 2, 1, &size));
  TN_TRY(tn_shape_merge(c, &begin, &size, &merged));
  int64_t rank = merged.dims[0];
  if (rank > TN_MAX_RANK)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "a slice of rank %lld, at most %d is supported",
                          (long long)rank, TN_MAX_RANK);
  if (rank >= 0) TN_TRY(tn_shape_with_rank(c, 0, (int)rank, &input));
  *out = rank >= 0 ? (int)rank : c->in[0].rank;
  return NULL;
}

static tn_error *slice_shape(tn_shape_ctx *c) {
  int rank = -1;
  TN_TRY(slice_rank(c, &rank));
  const tn_tensor *sizes = c->value(c, 2), *begins = c->value(c, 1);
  tn_shape out = rank >= 0 ? tn_shape_unknown_of_rank(rank) : tn_shape_unknown();
  if (sizes) {
    tn_shape begin;
    TN_TRY(tn_shape_from_value(c, 1, &begin));
    for (int i = 0; i < rank; i++) {
      int64_t from = begins ? tn_int_at(begins, i) : begin.rank == rank ? begin.dims[i] : -1;
      if (begins && from < 0)
        return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "begin[%d] is %lld, expected 0 or more", i,
                              (long long)from);
      TN_TRY(slice_dim(c, i, (int64_t[2]){from, tn_int_at(sizes, i)}, &out.dims[i]));
    }
  } else {
    tn_shape known;
    TN_TRY(tn_shape_from_value(c, 2, &known));
    if (known.rank >= 0 && known.rank == rank) out = known;
  }
  c->out[0] = out;
  return NULL;
}

typedef struct slice_state {
  tn_copy copy;
  int64_t offset;
} slice_state;

/* Reads BEGIN and SIZE, checks them against the input and makes the output's shape. */
static tn_error *slice_place(tn_prepare *p, int64_t begin[TN_MAX_RANK], tn_shape *out) {
  const tn_shape *in = &p->inputs[0].shape;
  int n_begin, n_size;
  int64_t size[TN_MAX_RANK];
  TN_TRY(tn_prepare_ints(p, 1, TN_MAX_RANK, &n_begin, begin));
  TN_TRY(tn_prepare_ints(p, 2, TN_MAX_RANK, &n_size, size));
  if (p->inputs[1].shape.rank != 1 || p->inputs[2].shape.rank != 1 || n_begin != in->rank || n_size != in->rank)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "Expected begin and size to be 1-D tensors of size %d, but got shapes %s and %s instead",
                             in->rank, TN_SHAPE_STR(&p->inputs[1].shape), TN_SHAPE_STR(&p->inputs[2].shape));
  tn_shape shape = *in;
  for (int i = 0; i < in->rank; i++) {
    if (begin[i] < 0 || begin[i] > in->dims[i])
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Expected begin[%d] in [0, %lld], but got %lld", i,
                               (long long)in->dims[i], (long long)begin[i]);
    shape.dims[i] = size[i] == -1 ? in->dims[i] - begin[i] : size[i];
    if (shape.dims[i] < 0 || shape.dims[i] > in->dims[i] - begin[i])
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Expected size[%d] in [0, %lld], but got %lld", i,
                               (long long)(in->dims[i] - begin[i]), (long long)size[i]);
  }
  *out = shape;
  return NULL;
}

static tn_error *slice_prepare(tn_prepare *p) {
  int64_t begin[TN_MAX_RANK], from[TN_MAX_RANK], to[TN_MAX_RANK];
  tn_shape shape;
  const tn_shape *in = &p->inputs[0].shape;
  TN_TRY(slice_place(p, begin, &shape));
  if (tn_shape_equal(in, &shape)) return tn_prepare_alias(p, 0, 0, &shape);
  slice_state *s;
  TN_TRY(tn_prepare_state(p, sizeof *s, &s));
  tn_copy_strides(in->rank, in->dims, from);
  tn_copy_strides(shape.rank, shape.dims, to);
  tn_copy_init(&s->copy, p->inputs[0].dtype, in->rank, shape.dims, to, from);
  for (int i = 0; i < in->rank; i++) s->offset += begin[i] * from[i];
  return tn_prepare_output(p, 0, &shape);
}

static tn_error *slice_run(tn_run *r) {
  const slice_state *s = r->state;
  if (!s || s->copy.total == 0) return NULL; /* all of the input, or nothing */
  return tn_copy_run(&s->copy, r->outputs[0]->data, tn_at(r->inputs[0], s->offset));
}

/* What was cut off comes back as zeros: paddings [begin, shape - size - begin]. */
static tn_error *slice_gradient(tn_gradient_ctx *c) {
  tn_output dy = tn_grad_dense(c, 0), x = tn_grad_x(c, 0), begin = tn_grad_x(c, 1);
  tn_scope *s = c->scope;
  if (s->error) return NULL;
  tn_dtype dtype = tn_output_dtype(begin);
  tn_shape shape = tn_output_shape(x);
  tn_output rank = shape.rank >= 0 ? tn_build_scalar(s, TN_INT32, shape.rank) : tn_build1(s, "Rank", x);
  tn_output column = tn_build2(s, "Pack", rank, tn_build_scalar(s, TN_INT32, 1));
  tn_output sizes = tn_grad_shape(c, tn_grad_y(c, 0), dtype);
  tn_output after = tn_build2(s, "Sub", tn_build2(s, "Sub", tn_grad_shape(c, x, dtype), sizes), begin);
  tn_output paddings = tn_build(s, "ConcatV2",
                                TN_IN(tn_build2(s, "Reshape", begin, column), tn_build2(s, "Reshape", after, column),
                                      tn_build_scalar(s, TN_INT32, 1)),
                                NULL);
  tn_grad_set(c, 0, tn_build2(s, "Pad", dy, paddings));
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference",
                                         .types = TN_BASIC_STRING | TN_FLOAT8S | TN_QUANTIZED3 | TN_OBJECTS,
                                         .type_attr = "T",
                                         .prepare = slice_prepare,
                                         .run = slice_run},
                                        {0}};

TN_OP(Slice, .inputs = "input: T, begin: Index, size: Index", .outputs = "output: T",
      .attrs = "T: type; Index: indextype",
      .doc = "The box of the input that starts at BEGIN and has SIZE (-1: up to the end).",
      .value_inputs = 1 << 1 | 1 << 2, .shape = slice_shape, .gradient = slice_gradient, .kernels = kernels);
