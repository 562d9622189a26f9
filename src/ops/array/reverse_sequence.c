/* ReverseSequence: each batch entry's first elements read backwards. */
#include "ops/array/array.h"

static tn_error *sequence_shape(tn_shape_ctx *c) {
  tn_shape lengths, input = c->in[0];
  TN_TRY(tn_shape_with_rank(c, 1, 1, &lengths));
  int64_t seq = tn_node_get_int(c->node, "seq_dim"), batch = tn_node_get_int(c->node, "batch_dim");
  if (input.rank < 0) return NULL;
  if (batch < 0 || batch >= input.rank)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "batch_dim must be < input rank: %lld vs. %d", (long long)batch,
                          input.rank);
  if (seq < 0 || seq >= input.rank)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "seq_dim must be < input rank: %lld vs. %d", (long long)seq,
                          input.rank);
  TN_TRY(tn_dim_merge(c, input.dims[batch], lengths.rank == 1 ? lengths.dims[0] : -1, &input.dims[batch]));
  c->out[0] = input;
  return NULL;
}

typedef struct sequence_state {
  int seq, batch;
} sequence_state;

static tn_error *sequence_prepare(tn_prepare *p) {
  const tn_shape *in = &p->inputs[0].shape, *lengths = &p->inputs[1].shape;
  int64_t seq = tn_node_get_int(p->node, "seq_dim"), batch = tn_node_get_int(p->node, "batch_dim");
  if (lengths->rank != 1)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "seq_lens input must be 1-dim, not %d", lengths->rank);
  if (seq == batch) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "batch_dim == seq_dim == %lld", (long long)seq);
  if (seq < 0 || seq >= in->rank || batch < 0 || batch >= in->rank)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "seq_dim %lld and batch_dim %lld must be < input rank %d",
                             (long long)seq, (long long)batch, in->rank);
  if (lengths->dims[0] != in->dims[batch])
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Length of seq_lens != input.dims(%lld), (%lld vs. %lld)",
                             (long long)batch, (long long)lengths->dims[0], (long long)in->dims[batch]);
  sequence_state *s;
  TN_TRY(tn_prepare_state(p, sizeof *s, &s));
  s->seq = (int)seq;
  s->batch = (int)batch;
  return tn_prepare_output(p, 0, in);
}

/* Entry B of the batch: BACK elements of the sequence backwards, or the rest as it is. */
static tn_error *move_entry(tn_run *r, int64_t b, int64_t length, bool back) {
  const sequence_state *s = r->state;
  const tn_shape *in = &r->inputs[0]->shape;
  int64_t dims[TN_MAX_RANK], to[TN_MAX_RANK], from[TN_MAX_RANK];
  tn_copy_strides(in->rank, in->dims, to);
  for (int i = 0; i < in->rank; i++) {
    dims[i] = i == s->batch ? 1 : in->dims[i];
    from[i] = to[i];
  }
  int64_t start = b * to[s->batch], first = start + (back ? length - 1 : length) * to[s->seq];
  int64_t target = back ? start : first;
  dims[s->seq] = back ? length : in->dims[s->seq] - length;
  if (back) from[s->seq] = -to[s->seq];
  tn_copy copy;
  tn_copy_init(&copy, r->inputs[0]->dtype, in->rank, dims, to, from);
  return copy.total == 0 ? NULL : tn_copy_run(&copy, tn_at(r->outputs[0], target), tn_at(r->inputs[0], first));
}

static tn_error *sequence_run(tn_run *r) {
  const sequence_state *s = r->state;
  int64_t most = r->inputs[0]->shape.dims[s->seq];
  for (int64_t b = 0; b < tn_elements(r->inputs[1]); b++) {
    int64_t length = tn_int_at(r->inputs[1], b);
    if (length < 0) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "seq_lens(%lld) < 0", (long long)b);
    if (length > most)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "seq_lens(%lld) > input.dims(%d)", (long long)b, s->seq);
    TN_TRY(move_entry(r, b, length, true));
    TN_TRY(move_entry(r, b, length, false));
  }
  return NULL;
}

static tn_error *sequence_gradient(tn_gradient_ctx *c) {
  tn_grad_set(c, 0,
              tn_build(c->scope, "ReverseSequence", TN_IN(tn_grad_dense(c, 0), tn_grad_x(c, 1)),
                       TN_ATTRS(TN_A_SAME(c->node, "seq_dim"), TN_A_SAME(c->node, "batch_dim"))));
  return NULL;
}

static const tn_kernel_def kernels[] = {
    {.name = "reference", .types = TN_BASIC_STRING, .type_attr = "T", .prepare = sequence_prepare, .run = sequence_run},
    {0}};

TN_OP(ReverseSequence, .inputs = "input: T, seq_lengths: Tlen", .outputs = "output: T",
      .attrs = "seq_dim: int; batch_dim: int = 0; T: type; Tlen: indextype = DT_INT64",
      .doc = "The input with the first SEQ_LENGTHS[b] elements of each batch entry b read backwards along SEQ_DIM.",
      .shape = sequence_shape, .gradient = sequence_gradient, .kernels = kernels);
