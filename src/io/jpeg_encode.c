/* Encoding JPEG through libjpeg. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "io/jpeg.h"
#include "io/jpeg_error.h"

static const char xmp_name[] = "http://ns.adobe.com/xap/1.0/"; /* with its zero byte */

typedef struct writer {
  struct jpeg_compress_struct jpeg;
  tn_jpeg_errors errors;
  tn_str marker;
  unsigned char *bytes; /* malloc'ed by the library */
  unsigned long size;
} writer;

static void set_up(struct jpeg_compress_struct *jpeg, const int64_t shape[3], const tn_jpeg_writing *how) {
  jpeg->image_height = (JDIMENSION)shape[0];
  jpeg->image_width = (JDIMENSION)shape[1];
  jpeg->input_components = (int)shape[2];
  jpeg->in_color_space = shape[2] == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(jpeg);
  jpeg->optimize_coding = how->small;
  jpeg->density_unit = (UINT8)how->density_unit;
  jpeg->X_density = (UINT16)how->x_density;
  jpeg->Y_density = (UINT16)how->y_density;
  jpeg_set_quality(jpeg, how->quality, TRUE);
  if (how->progressive) jpeg_simple_progression(jpeg);
  for (int i = 0; i < jpeg->num_components && how->full_colour; i++)
    jpeg->comp_info[i].h_samp_factor = jpeg->comp_info[i].v_samp_factor = 1;
}

static tn_error *encode(writer *w, const unsigned char *pixels, const int64_t shape[3], const tn_jpeg_writing *how) {
  if (setjmp(w->errors.escape)) return tn_errorf(TN_INTERNAL, "JPEG encoding failed: %s", w->errors.message);
  jpeg_create_compress(&w->jpeg);
  jpeg_mem_dest(&w->jpeg, &w->bytes, &w->size);
  set_up(&w->jpeg, shape, how);
  jpeg_start_compress(&w->jpeg, TRUE);
  if (how->xmp.size) {
    tn_str_add_bytes(&w->marker, xmp_name, sizeof xmp_name);
    tn_str_add_bytes(&w->marker, how->xmp.data, how->xmp.size);
    if (w->marker.failed) return tn_out_of_memory();
    jpeg_write_marker(&w->jpeg, JPEG_APP0 + 1, (const JOCTET *)w->marker.data, (unsigned)w->marker.size);
  }
  while (w->jpeg.next_scanline < w->jpeg.image_height) {
    JSAMPROW row = (JSAMPROW)(pixels + (int64_t)w->jpeg.next_scanline * shape[1] * shape[2]);
    jpeg_write_scanlines(&w->jpeg, &row, 1);
  }
  jpeg_finish_compress(&w->jpeg);
  return NULL;
}

tn_error *tn_jpeg_encode(const unsigned char *pixels, const int64_t shape[3], const tn_jpeg_writing *how, tn_str *out) {
  if (shape[0] <= 0 || shape[1] <= 0 || shape[0] > JPEG_MAX_DIMENSION || shape[1] > JPEG_MAX_DIMENSION)
    return tn_errorf(TN_INTERNAL, "JPEG encoding failed: an image of %lld x %lld pixels", (long long)shape[0],
                     (long long)shape[1]);
  writer *w = tn_calloc(1, sizeof *w);
  if (!w) return tn_out_of_memory();
  w->jpeg.err = tn_jpeg_errors_init(&w->errors);
  tn_error *error = encode(w, pixels, shape, how);
  if (!error) tn_str_add_bytes(out, w->bytes, w->size);
  jpeg_destroy_compress(&w->jpeg);
  tn_str_clear(&w->marker);
  free(w->bytes);
  tn_free(w);
  return error;
}
