/* oneDNN behind a small wrapper: primitives made for one thread, with scratch memory from outside. Only this wrapper
 * knows the library. A primitive may run in many threads at once; inside tn_parallel it must be one of these. */
#ifndef TN_KERNEL_DNN_H
#define TN_KERNEL_DNN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tenon/error.h>

/* A primitive over float32. */
typedef struct tn_dnn tn_dnn;
void tn_dnn_free(tn_dnn *d);

typedef enum tn_dnn_kind { TN_DNN_FORWARD, TN_DNN_BACK_INPUT, TN_DNN_BACK_FILTER } tn_dnn_kind;

/* A convolution of IMAGES images with the channels last; a plain filter is [window..., channels of a group, output
 * channels]. */
typedef struct tn_dnn_conv {
  tn_dnn_kind kind;
  int64_t images, groups, in_channels, out_channels;
  int spatial; /* 2 or 3; arrays hold that many */
  int64_t in[3], out[3], kernel[3], stride[3], dilation[3], before[3], after[3];
  int runs; /* so many at a time allocate nothing */
} tn_dnn_conv;
/* UNIMPLEMENTED where the library has no fast implementation. */
tn_error *tn_dnn_conv_new(const tn_dnn_conv *conv, tn_dnn **out) TN_MUST_USE;
/* Runs it: the image (or its gradient), the packed filter (or its gradient) and the result (or its gradient). */
tn_error *tn_dnn_conv_run(tn_dnn *d, const void *image, const void *filter, const void *result,
                          void *scratch) TN_MUST_USE;

/* Bytes of scratch that a run needs, aligned to 64. */
size_t tn_dnn_scratch(const tn_dnn *d);
/* True if both have the same layout of the packed filter. */
bool tn_dnn_same_filter(const tn_dnn *a, const tn_dnn *b);
/* Bytes of the filter in the primitive's own layout, rounded up to 64. */
size_t tn_dnn_filter_bytes(const tn_dnn *d);
/* Bytes of scratch that packing and unpacking need. */
size_t tn_dnn_pack_scratch(const tn_dnn *d);
/* The plain filter to the primitive's layout, and back. */
tn_error *tn_dnn_pack(tn_dnn *d, const void *plain, void *packed, void *scratch) TN_MUST_USE;
tn_error *tn_dnn_unpack(tn_dnn *d, const void *packed, void *plain, void *scratch) TN_MUST_USE;

#endif
