/* Images for networks: bringing them to the size of what a network was trained on. */
#include <math.h>

#include "base/alloc.h"
#include "data/dataset.h"
#include "tensor/tensor.h"

/* The part of [a, b) that lies in [i, i + 1). */
static double overlap(double a, double b, int64_t i) {
  double low = fmax(a, (double)i), high = fmin(b, (double)i + 1);
  return high > low ? high - low : 0;
}

/* The mean of the pixels of SOURCE [h, w] that target pixel (Y, X) of [height, width] covers. */
static double mean_over(const tn_tensor *source, const tn_shape *target, int64_t y, int64_t x) {
  int64_t h = source->shape.dims[0], w = source->shape.dims[1];
  double step_y = (double)h / (double)target->dims[1], step_x = (double)w / (double)target->dims[2];
  double top = (double)y * step_y, left = (double)x * step_x, total = 0, area = 0;
  for (int64_t i = (int64_t)top; i < h && (double)i < top + step_y; i++) {
    for (int64_t j = (int64_t)left; j < w && (double)j < left + step_x; j++) {
      double part = overlap(top, top + step_y, i) * overlap(left, left + step_x, j);
      total += part * ((const uint8_t *)source->data)[i * w + j];
      area += part;
    }
  }
  return area > 0 ? total / area : 0;
}

tn_error *tn_image_fit(const tn_tensor *image, int64_t height, int64_t width, bool invert, tn_tensor **out) {
  const tn_shape *shape = &image->shape;
  if (image->dtype != TN_UINT8 || shape->rank != 3 || shape->dims[2] != 1 || shape->dims[0] < 1 || shape->dims[1] < 1)
    return tn_errorf(TN_INVALID_ARGUMENT, "a gray image is uint8 [height, width, 1], not %s %s",
                     tn_dtype_name(image->dtype), TN_SHAPE_STR(shape));
  tn_shape target = {4, {1, height, width, 1}};
  tn_tensor *made;
  TN_TRY(tn_tensor_new(TN_FLOAT, 4, target.dims, &made));
  for (int64_t y = 0; y < height; y++) {
    for (int64_t x = 0; x < width; x++) {
      double value = mean_over(image, &target, y, x) / 255;
      ((float *)made->data)[y * width + x] = (float)(invert ? 1 - value : value);
    }
  }
  *out = made;
  return NULL;
}
