/* Moving blocks between space and batch: one strided copy for each place inside a block. */
#include "ops/array/space_to_batch.h"

/* The number of places in a block; INVALID_ARGUMENT where it is not positive or overflows. */
static tn_error *volume(const tn_node *node, const tn_space_blocks *b, int64_t *out) {
  int64_t product = 1;
  for (int i = 0; i < b->n; i++) {
    if (b->block[i] < 1)
      return tn_node_errorf(node, TN_INVALID_ARGUMENT,
                            "All values in block_shape must be positive, got block_shape[%d] = %lld", i,
                            (long long)b->block[i]);
    if (__builtin_mul_overflow(product, b->block[i], &product))
      return tn_node_errorf(node, TN_INVALID_ARGUMENT, "Product of block sizes must be less than 2^63");
  }
  *out = product;
  return NULL;
}

/* Reads the pads; without PADS they are not known (false). */
static tn_error *read_pads(const tn_node *node, const tn_tensor *pads, tn_space_blocks *b) {
  for (int i = 0; i < b->n; i++) {
    b->before[i] = pads ? tn_int_at(pads, 2 * i) : 0;
    b->after[i] = pads ? tn_int_at(pads, 2 * i + 1) : 0;
    if (b->before[i] < 0 || b->after[i] < 0)
      return tn_node_errorf(node, TN_INVALID_ARGUMENT,
                            "paddings and crops must be non-negative, got %lld and %lld for block dimension %d",
                            (long long)b->before[i], (long long)b->after[i], i);
  }
  return NULL;
}

static tn_error *too_large(const tn_node *node, const tn_shape *in) {
  return tn_node_errorf(node, TN_INVALID_ARGUMENT, "the sizes overflow for input shape %s", TN_SHAPE_STR(in));
}

tn_error *tn_space_to_batch_shape(const tn_node *node, const tn_shape *space, const tn_tensor *pads,
                                  tn_space_blocks *b) {
  int64_t blocks = 1;
  TN_TRY(volume(node, b, &blocks));
  TN_TRY(read_pads(node, pads, b));
  b->space = b->batches = *space;
  if (space->dims[0] >= 0 && __builtin_mul_overflow(space->dims[0], blocks, &b->batches.dims[0]))
    return too_large(node, space);
  for (int i = 0; i < b->n; i++) {
    int64_t padded;
    b->batches.dims[i + 1] = -1;
    if (space->dims[i + 1] < 0 || !pads) continue;
    if (__builtin_add_overflow(space->dims[i + 1], b->before[i], &padded) ||
        __builtin_add_overflow(padded, b->after[i], &padded))
      return too_large(node, space);
    if (padded % b->block[i] != 0)
      return tn_node_errorf(node, TN_INVALID_ARGUMENT, "padded_shape[%d]=%lld is not divisible by block_shape[%d]=%lld",
                            i, (long long)padded, i, (long long)b->block[i]);
    b->batches.dims[i + 1] = padded / b->block[i];
  }
  return NULL;
}

tn_error *tn_batch_to_space_shape(const tn_node *node, const tn_shape *batches, const tn_tensor *crops,
                                  tn_space_blocks *b) {
  int64_t blocks = 1;
  TN_TRY(volume(node, b, &blocks));
  TN_TRY(read_pads(node, crops, b));
  b->space = b->batches = *batches;
  if (batches->dims[0] >= 0 && batches->dims[0] % blocks != 0)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT,
                          "Input batch dimension (%lld) is not divisible by product of block sizes (%lld)",
                          (long long)batches->dims[0], (long long)blocks);
  if (batches->dims[0] >= 0) b->space.dims[0] = batches->dims[0] / blocks;
  for (int i = 0; i < b->n; i++) {
    int64_t whole;
    b->space.dims[i + 1] = -1;
    if (batches->dims[i + 1] < 0 || !crops) continue;
    if (__builtin_mul_overflow(batches->dims[i + 1], b->block[i], &whole)) return too_large(node, batches);
    if (b->before[i] > whole || b->after[i] > whole - b->before[i])
      return tn_node_errorf(node, TN_INVALID_ARGUMENT,
                            "cropped_shape[%d] must be non-negative: %lld less %lld and %lld", i, (long long)whole,
                            (long long)b->before[i], (long long)b->after[i]);
    b->space.dims[i + 1] = whole - b->before[i] - b->after[i];
  }
  return NULL;
}

/* The copy for one place inside the blocks (OFFSET per dimension). It may be empty. */
typedef struct place_copy {
  int64_t dims[TN_MAX_RANK], in_space[TN_MAX_RANK], in_batches[TN_MAX_RANK];
  int64_t space_at, batches_at;
} place_copy;

static void describe(const tn_space_blocks *b, const int64_t *offset, place_copy *c) {
  int rank = b->space.rank;
  tn_copy_strides(rank, b->space.dims, c->in_space);
  tn_copy_strides(rank, b->batches.dims, c->in_batches);
  int64_t number = 0;
  c->space_at = c->batches_at = 0;
  for (int i = 0; i < rank; i++) c->dims[i] = b->space.dims[i];
  for (int i = 0; i < b->n; i++) {
    int64_t size = b->space.dims[i + 1], cells = b->batches.dims[i + 1], k = b->block[i];
    int64_t shift = offset[i] - b->before[i]; /* cell j of the batch is place j * k + shift of the space */
    int64_t begin = shift >= 0 ? 0 : (-shift + k - 1) / k, end = size - shift > 0 ? (size - shift + k - 1) / k : 0;
    if (end > cells) end = cells;
    c->dims[i + 1] = end > begin ? end - begin : 0;
    c->space_at += (begin * k + shift) * c->in_space[i + 1];
    c->batches_at += begin * c->in_batches[i + 1];
    c->in_space[i + 1] *= k;
    number = number * k + offset[i];
  }
  c->batches_at += number * b->space.dims[0] * c->in_batches[0];
}

/* Moves what belongs to every place of the blocks in turn. */
static tn_error *move_all(const tn_space_blocks *b, const tn_tensor *space, const tn_tensor *batches, bool to_batch) {
  int64_t offset[TN_MAX_RANK] = {0};
  for (int d = b->n - 1; d >= 0;) {
    place_copy c;
    describe(b, offset, &c);
    tn_copy copy;
    tn_copy_init(&copy, space->dtype, b->space.rank, c.dims, to_batch ? c.in_batches : c.in_space,
                 to_batch ? c.in_space : c.in_batches);
    if (copy.total > 0) {
      void *in_space = tn_at(space, c.space_at), *in_batches = tn_at(batches, c.batches_at);
      TN_TRY(tn_copy_run(&copy, to_batch ? in_batches : in_space, to_batch ? in_space : in_batches));
    }
    for (d = b->n - 1; d >= 0 && ++offset[d] == b->block[d]; d--) offset[d] = 0;
  }
  return NULL;
}

tn_error *tn_space_to_batch_copy(const tn_space_blocks *b, const tn_tensor *space, tn_tensor *batches) {
  bool padded = false;
  for (int i = 0; i < b->n; i++) padded = padded || b->before[i] > 0 || b->after[i] > 0;
  if (padded) TN_TRY(tn_copy_zero(batches->dtype, batches->data, tn_elements(batches)));
  if (b->n == 0) return tn_copy_dense(space->dtype, batches->data, space->data, tn_elements(space));
  return move_all(b, space, batches, true);
}

tn_error *tn_batch_to_space_copy(const tn_space_blocks *b, const tn_tensor *batches, tn_tensor *space) {
  if (b->n == 0) return tn_copy_dense(space->dtype, space->data, batches->data, tn_elements(space));
  return move_all(b, space, batches, false);
}

tn_error *tn_space_to_batch_run(tn_run *r) { return tn_space_to_batch_copy(r->state, r->inputs[0], r->outputs[0]); }
tn_error *tn_batch_to_space_run(tn_run *r) { return tn_batch_to_space_copy(r->state, r->inputs[0], r->outputs[0]); }
