/* JPEG images, with the options that TensorFlow's ops have. */
#ifndef TN_IO_JPEG_H
#define TN_IO_JPEG_H

#include "base/str.h"
#include "tensor/tensor.h"

/* A rectangle of pixels. */
typedef struct tn_jpeg_window {
  int64_t y, x, height, width;
} tn_jpeg_window;

typedef struct tn_jpeg_reading {
  int channels;                 /* 0: as the file has it (CMYK becomes RGB), 1: gray, 3: RGB */
  int ratio;                    /* 1, 2, 4 or 8: sides are divided by it while decoding */
  bool smooth;                  /* colour of halved resolution is interpolated, not repeated */
  bool recover;                 /* what is missing at the end is made up */
  float acceptable;             /* else: the share of lines that must be there; the rest is black */
  bool accurate;                /* the slower, more exact integer transform */
  const tn_jpeg_window *window; /* only these pixels; NULL: all */
} tn_jpeg_reading;

/* Decodes SIZE bytes into uint8 [height, width, channels]. INVALID_ARGUMENT: not a JPEG, broken, or the window is not
 * inside. */
tn_error *tn_jpeg_decode(const void *data, size_t size, const tn_jpeg_reading *how, tn_tensor **out) TN_MUST_USE;
/* Height, width and channels, from the header alone. */
tn_error *tn_jpeg_shape(const void *data, size_t size, int64_t shape[3]) TN_MUST_USE;

typedef struct tn_jpeg_writing {
  int quality;                            /* 0 to 100 */
  bool progressive, small, full_colour;   /* SMALL: best Huffman codes; FULL_COLOUR: colour is not halved */
  int density_unit, x_density, y_density; /* unit 1: inch, 2: centimetre */
  tn_string xmp;                          /* metadata, or empty */
} tn_jpeg_writing;

/* Appends PIXELS [height, width, channels], 1 or 3 channels, as JPEG to OUT. INTERNAL where the format cannot hold
 * them. */
tn_error *tn_jpeg_encode(const unsigned char *pixels, const int64_t shape[3], const tn_jpeg_writing *how,
                         tn_str *out) TN_MUST_USE;

#endif
