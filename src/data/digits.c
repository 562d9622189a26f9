/* The digits that the library carries: digits.bin holds, zlib-packed, for each digit 64 levels of 0 to 16 and the
 * label. */
#include <string.h>
#include <tenon/data.h>

#include "base/alloc.h"
#include "io/idx.h"
#include "tensor/tensor.h"

enum { COUNT = 1797, TEST = 300, SMALL = 8, SIDE = 28, SCALE = 3, MARGIN = 2, RECORD = SMALL * SMALL + 1 };

/* The file's bytes, made a part of the library by the build. */
extern const unsigned char tn_digits_packed[];
extern const size_t tn_digits_packed_size;

/* Each level becomes a square of 3 x 3 pixels in the middle of 28 x 28. */
static void enlarge(const unsigned char *small, uint8_t *image) {
  memset(image, 0, SIDE * SIDE);
  for (int y = 0; y < SMALL * SCALE; y++)
    for (int x = 0; x < SMALL * SCALE; x++)
      image[(y + MARGIN) * SIDE + x + MARGIN] = (uint8_t)(small[y / SCALE * SMALL + x / SCALE] * 255 / 16);
}

static tn_error *take(const unsigned char *records, int64_t n, tn_examples *out) {
  tn_examples e = {.n_classes = 10};
  tn_error *error = tn_tensor_new(TN_UINT8, 4, (int64_t[]){n, SIDE, SIDE, 1}, &e.images);
  if (!error) error = tn_tensor_new(TN_INT64, 1, &n, &e.labels);
  if (error) {
    tn_examples_clear(&e);
    return error;
  }
  for (int64_t i = 0; i < n; i++) {
    enlarge(records + i * RECORD, (uint8_t *)e.images->data + i * SIDE * SIDE);
    ((int64_t *)e.labels->data)[i] = records[i * RECORD + RECORD - 1];
  }
  *out = e;
  return NULL;
}

tn_error *tn_digits_load(tn_examples *train, tn_examples *test) {
  char *bytes;
  size_t size;
  TN_TRY(tn_gunzip(tn_digits_packed, tn_digits_packed_size, COUNT * RECORD, &bytes, &size));
  tn_examples first = {0};
  tn_error *error = size == COUNT * RECORD ? NULL : tn_errorf(TN_INTERNAL, "the digits in the library are broken");
  if (!error) error = take((unsigned char *)bytes, COUNT - TEST, &first);
  if (!error) error = take((unsigned char *)bytes + (COUNT - TEST) * RECORD, TEST, test);
  tn_free(bytes);
  if (error) {
    tn_examples_clear(&first);
    return error;
  }
  *train = first;
  return NULL;
}
