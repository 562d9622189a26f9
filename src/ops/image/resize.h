/* What the resizing ops share: geometry, checks, shapes. */
#ifndef TN_OPS_IMAGE_RESIZE_H
#define TN_OPS_IMAGE_RESIZE_H

#include "ops/image/image.h"

/* The large sides are those of the images that are resized, the small ones those of the result: SCALE is how far one
 * pixel of the result goes in them. Gradients go the other way with the same geometry. */
typedef struct tn_resize {
  int64_t batch, channels;
  int64_t in_height, in_width, out_height, out_width;
  float height_scale, width_scale;
  bool align_corners, half_pixel_centers;
} tn_resize;

/* PREPARE of a resizing op: checks the images (input 0) and their new size (value of input 1), and sets output 0. */
tn_error *tn_resize_prepare(tn_prepare *p, tn_resize *z) TN_MUST_USE;
/* PREPARE of the gradients that get the original images as input 1. */
tn_error *tn_resize_prepare_grad(tn_prepare *p, tn_resize *z) TN_MUST_USE;
/* Where a pixel of the result lies among those of the image. */
static inline float tn_resize_at(const tn_resize *z, int64_t i, float scale) {
  return z->half_pixel_centers ? ((float)i + 0.5f) * scale - 0.5f : (float)i * scale;
}
static inline int64_t tn_resize_bound(int64_t i, int64_t limit) { return i < 0 ? 0 : i < limit ? i : limit - 1; }
float tn_resize_scale(int64_t in, int64_t out, bool align_corners);

/* Shape functions: images, size; gradient, original images. */
tn_error *tn_resize_shape(tn_shape_ctx *c) TN_MUST_USE;
tn_error *tn_resize_grad_shape(tn_shape_ctx *c) TN_MUST_USE;
/* [batch, size[0], size[1], channels] where SIZE is the value of input SIZE_INPUT. */
tn_error *tn_resize_sized(tn_shape_ctx *c, int64_t batch, int size_input, int64_t channels) TN_MUST_USE;

/* GRADIENT by an op that takes the gradient and the original images; nothing flows into other dtypes than TYPES. */
tn_error *tn_resize_gradient(tn_gradient_ctx *c, const char *op, tn_dtype_mask types) TN_MUST_USE;

/* Along one side, the results that a pixel of the image takes part in: [FIRST[i], LAST[i]], from the N_INDEX rows of
 * INDEX that each of the N results uses. */
void tn_resize_ranges(const int32_t *index, int64_t n, int n_index, int64_t pixels, int32_t *first, int32_t *last);

#define TN_RESIZE_TYPES                                                                                                \
  TN_BIT(TN_INT8) | TN_BIT(TN_UINT8) | TN_BIT(TN_INT16) | TN_BIT(TN_UINT16) | TN_BIT(TN_INT32) | TN_BIT(TN_INT64) |    \
      TN_FLOATS

#endif
