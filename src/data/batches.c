/* Batches: rows in the order of an epoch, converted to what networks take while they are copied. */
#include <string.h>

#include "base/alloc.h"
#include "data/dataset.h"
#include "tensor/tensor.h"

/* One side of the examples. */
typedef struct side {
  tn_tensor *source;
  bool convert; /* uint8 to float32 */
  float scale;
  int64_t row;  /* elements */
  size_t width; /* bytes of an element of the source */
  size_t size;  /* of BUFFER */
  void *buffer; /* one batch, made when it is needed first */
} side;

struct tn_batches {
  int64_t n, size;
  uint32_t *order; /* NULL: as they are */
  side features, labels;
};

static side side_of(tn_tensor *source, float scale) {
  int64_t n = source->shape.dims[0];
  side s = {.source = source, .scale = scale, .convert = source->dtype == TN_UINT8};
  s.row = n > 0 ? tn_tensor_elements(source) / n : 0;
  s.width = tn_dtype_size(source->dtype);
  return s;
}

tn_error *tn_batches_new(const tn_dataset *dataset, int64_t size, tn_batches **out) {
  if (size < 1) return tn_errorf(TN_INVALID_ARGUMENT, "a batch needs at least one example, not %lld", (long long)size);
  int64_t n = tn_dataset_size(dataset);
  if (n < 1) return tn_errorf(TN_INVALID_ARGUMENT, "the dataset has no examples");
  if (!tn_dtype_is_plain(dataset->features->dtype) || !tn_dtype_is_plain(dataset->labels->dtype))
    return tn_errorf(TN_INVALID_ARGUMENT, "features of type %s and labels of type %s can't be put into batches",
                     tn_dtype_name(dataset->features->dtype), tn_dtype_name(dataset->labels->dtype));
  tn_batches *made = tn_calloc(1, sizeof *made);
  if (!made) return tn_out_of_memory();
  made->n = n;
  made->size = size < n ? size : n;
  made->features = side_of(dataset->features, dataset->scale);
  made->labels = side_of(dataset->labels, 1);
  made->labels.convert = false;
  *out = made;
  return NULL;
}

void tn_batches_free(tn_batches *batches) {
  if (!batches) return;
  tn_free_aligned(batches->features.buffer, batches->features.size);
  tn_free_aligned(batches->labels.buffer, batches->labels.size);
  tn_free(batches->order);
  tn_free(batches);
}

int64_t tn_batches_count(const tn_batches *batches) { return (batches->n + batches->size - 1) / batches->size; }

/* SplitMix64: each state gives one well-mixed number. */
static uint64_t next_random(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

tn_error *tn_batches_shuffle(tn_batches *batches, uint64_t seed, int64_t epoch) {
  if (batches->n > UINT32_MAX)
    return tn_errorf(TN_INVALID_ARGUMENT, "a dataset of over 2^32 examples can't be shuffled");
  if (!batches->order) batches->order = tn_malloc((size_t)batches->n * sizeof *batches->order);
  if (!batches->order) return tn_out_of_memory();
  uint64_t state = seed;
  state = next_random(&state) ^ (uint64_t)epoch;
  for (int64_t i = 0; i < batches->n; i++) batches->order[i] = (uint32_t)i;
  for (int64_t i = batches->n - 1; i > 0; i--) {
    /* The high word of a 64 x 32 bit product is uniform enough: the bias is below 2^-32. */
    uint64_t j = (next_random(&state) >> 32) * (uint64_t)(i + 1) >> 32;
    uint32_t kept = batches->order[i];
    batches->order[i] = batches->order[j];
    batches->order[j] = kept;
  }
  return NULL;
}

static void convert_row(const uint8_t *source, float *target, int64_t n, float scale) {
  for (int64_t i = 0; i < n; i++) target[i] = (float)source[i] * scale;
}

/* Rows [begin, end) of the order into the side's buffer. */
static void collect(const side *s, const uint32_t *order, int64_t begin, int64_t end) {
  size_t bytes = (size_t)s->row * s->width;
  for (int64_t i = begin; i < end; i++) {
    int64_t from = order ? order[i] : i;
    const char *source = (const char *)s->source->data + (size_t)from * bytes;
    if (s->convert) {
      convert_row((const uint8_t *)source, (float *)s->buffer + (i - begin) * s->row, s->row, s->scale);
    } else {
      memcpy((char *)s->buffer + (size_t)(i - begin) * bytes, source, bytes);
    }
  }
}

static tn_error *get_side(const tn_batches *b, side *s, int64_t begin, int64_t end, tn_tensor **out) {
  if (!b->order && !s->convert) return tn_tensor_rows(s->source, begin, end, out);
  tn_dtype dtype = s->convert ? TN_FLOAT : s->source->dtype;
  size_t row = (size_t)s->row * tn_dtype_size(dtype);
  if (!s->buffer && row > 0) {
    s->size = (size_t)b->size * row;
    TN_TRY(tn_alloc_aligned(s->size, &s->buffer));
  }
  collect(s, b->order, begin, end);
  tn_shape shape = s->source->shape;
  shape.dims[0] = end - begin;
  return tn_tensor_borrow(dtype, shape.rank, shape.dims, s->buffer, (size_t)(end - begin) * row, NULL, NULL, out);
}

tn_error *tn_batches_get(tn_batches *batches, int64_t i, tn_tensor **features, tn_tensor **labels) {
  int64_t begin = i * batches->size, end = begin + batches->size < batches->n ? begin + batches->size : batches->n;
  tn_tensor *x, *y;
  TN_TRY(get_side(batches, &batches->features, begin, end, &x));
  tn_error *error = get_side(batches, &batches->labels, begin, end, &y);
  if (error) {
    tn_tensor_free(x);
    return error;
  }
  *features = x;
  *labels = y;
  return NULL;
}
