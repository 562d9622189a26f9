/* Places of shards, and means in the order of shards. */
#include "ops/state/shards.h"

#include <string.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "kernel/combine.h"
#include "ops/state/accumulator.h"

tn_error *tn_shard_place_of(const tn_run *r, int i, tn_shard_place *out) {
  const tn_tensor *t = r->inputs[i];
  if (tn_elements(t) != 4) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "a place is four numbers, but its shape is %s",
                         TN_SHAPE_STR(&t->shape));
  }
  memcpy(out, t->data, sizeof *out);
  return NULL;
}

tn_error *tn_shard_divide(tn_dtype dtype, void *data, int64_t n, int64_t count) {
  if (dtype != TN_FLOAT) return tn_accumulator_divide(dtype, data, n, count);
  float by = (float)count, *x = data;
  for (int64_t i = 0; i < n; i++) x[i] /= by;
  return NULL;
}

typedef struct mean {
  int n;
  const tn_tensor *values;
  tn_tensor *out;
  tn_combine_fn add;
  atomic_bool failed;
} mean;

/* A block stays in the cache while all shards are added to it. */
enum { BLOCK = 8192 };

static void mean_block(void *argument, int64_t block) {
  mean *m = argument;
  size_t size = tn_dtype_size(m->out->dtype), offset = (size_t)block * BLOCK * size;
  int64_t n = tn_elements(m->out) - block * BLOCK;
  if (n > BLOCK) n = BLOCK;
  char *to = (char *)m->out->data + offset;
  memcpy(to, (const char *)m->values[0].data + offset, (size_t)n * size);
  for (int i = 1; i < m->n; i++) m->add(to, (const char *)m->values[i].data + offset, n);
  tn_error *error = tn_shard_divide(m->out->dtype, to, n, m->n);
  if (error) atomic_store(&m->failed, true);
  tn_error_free(error);
}

tn_error *tn_shard_mean(int n, const tn_tensor *values, tn_tensor *out) {
  mean m = {.n = n, .values = values, .out = out, .add = tn_combine_of(TN_COMBINE_ADD, values[0].dtype)};
  if (!m.add) return tn_errorf(TN_UNIMPLEMENTED, "%s gradients can't be added", tn_dtype_name(values[0].dtype));
  TN_TRY(tn_tensor_init(out, values[0].dtype, &values[0].shape));
  tn_parallel((tn_elements(out) + BLOCK - 1) / BLOCK, mean_block, &m);
  if (!atomic_load(&m.failed)) return NULL;
  tn_tensor_clear(out);
  return tn_out_of_memory();
}
