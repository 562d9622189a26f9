/* Fuzzes the JPEG reader; the first byte chooses the options. What decodes is encoded again.
 * Covers: src/io/jpeg.c src/io/jpeg_error.c src/io/jpeg_encode.c */
#include <stdint.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "io/jpeg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void encode(const tn_tensor *image, int options) {
  tn_jpeg_writing how = {.quality = options & 127 ? 80 : 5,
                         .progressive = options & 1,
                         .small = options & 2,
                         .full_colour = options & 4,
                         .xmp = {.data = (char *)"words", .size = options & 8 ? 5 : 0}};
  tn_str text = {0};
  tn_error_free(tn_jpeg_encode(image->data, image->shape.dims, &how, &text));
  tn_str_clear(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  tn_set_memory_limit(1 << 20);
  if (!size) return 0;
  static const int channels[4] = {0, 1, 3, 0};
  int options = data[0];
  tn_jpeg_window window = {options & 7, options & 15, 5, 6};
  tn_jpeg_reading how = {.channels = channels[options & 3],
                         .ratio = 1 << (options >> 2 & 3),
                         .smooth = options & 16,
                         .recover = options & 32,
                         .acceptable = options & 64 ? 0.5f : 1,
                         .accurate = options & 16,
                         .window = options & 128 ? &window : NULL};
  tn_tensor *image;
  tn_error *error = tn_jpeg_decode(data + 1, size - 1, &how, &image);
  if (!error) {
    encode(image, options);
    tn_tensor_free(image);
  }
  tn_error_free(error);
  int64_t shape[3];
  tn_error_free(tn_jpeg_shape(data + 1, size - 1, shape));
  return 0;
}
