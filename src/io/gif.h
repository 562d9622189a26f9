/* GIF images. */
#ifndef TN_IO_GIF_H
#define TN_IO_GIF_H

#include "tensor/tensor.h"

/* Decodes SIZE bytes into uint8 [frames, height, width, 3], each frame drawn over the one before; with ANIMATION off
 * only the first. The picture is as large as the largest frame. What is broken after a whole frame is left out.
 * INVALID_ARGUMENT: not a GIF, or no frame is whole. */
tn_error *tn_gif_decode(const void *data, size_t size, bool animation, tn_tensor **out) TN_MUST_USE;

#endif
