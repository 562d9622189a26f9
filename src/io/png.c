/* PNG through libpng, whose long jumps end here. */
#include "io/png.h"

#include <png.h>
#include <setjmp.h>
#include <string.h>

#include "base/alloc.h"
#include "io/file.h"

enum { MAX_SIDE = 1 << 27 };
static const int64_t max_pixels = 1 << 29;

typedef struct codec {
  jmp_buf escape;
  char message[96];
  png_structp png;
  png_infop info;
  const unsigned char *data; /* what is left to read */
  size_t left;
  tn_str *text; /* what is written */
  int bits;     /* of a sample in memory: 8 or 16 */
  int64_t height, width, channels;
  bool widen; /* samples come as 8 bits and are wanted as 16 */
  tn_tensor *pixels;
} codec;

static void leave(png_structp png, png_const_charp message) {
  codec *c = png_get_error_ptr(png);
  snprintf(c->message, sizeof c->message, "%s", message);
  longjmp(c->escape, 1);
}

static void ignore(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

static void read_bytes(png_structp png, png_bytep to, size_t size) {
  codec *c = png_get_io_ptr(png);
  if (size > c->left) png_error(png, "the data end too early");
  memcpy(to, c->data, size);
  c->data += size;
  c->left -= size;
}

static void write_bytes(png_structp png, png_bytep from, size_t size) {
  codec *c = png_get_io_ptr(png);
  tn_str_add_bytes(c->text, from, size);
}

static void write_flush(png_structp png) { (void)png; }

/* The samples as the file has them, told in channels. */
static int own_channels(codec *c, int colour, bool transparent) {
  if (colour == PNG_COLOR_TYPE_PALETTE) return transparent ? 4 : 3;
  return png_get_channels(c->png, c->info);
}

static void ask_for_alpha(codec *c, int colour, bool transparent, int depth) {
  bool has = colour & PNG_COLOR_MASK_ALPHA;
  if (c->channels % 2 == 1) {
    if (has || transparent) png_set_strip_alpha(c->png);
  } else if (!has) {
    if (transparent)
      png_set_tRNS_to_alpha(c->png);
    else
      png_set_add_alpha(c->png, (1u << depth) - 1, PNG_FILLER_AFTER);
  }
}

/* Asks libpng for what is wanted, in the order that TensorFlow does; it returns the number of passes. */
static int ask(codec *c) {
  png_uint_32 width, height;
  int depth, colour;
  png_get_IHDR(c->png, c->info, &width, &height, &depth, &colour, NULL, NULL, NULL);
  bool transparent = png_get_valid(c->png, c->info, PNG_INFO_tRNS);
  c->height = height;
  c->width = width;
  if (!c->channels) c->channels = own_channels(c, colour, transparent);
  ask_for_alpha(c, colour, transparent, depth);
  if (depth > 8 && c->bits == 8) png_set_strip_16(c->png);
  c->widen = depth <= 8 && c->bits == 16;
  png_set_packing(c->png);
  int passes = png_set_interlace_handling(c->png);
  if (c->bits == 16 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) png_set_swap(c->png);
  if (colour == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(c->png);
  bool gray = !(colour & PNG_COLOR_MASK_COLOR);
  if (gray && depth < 8) png_set_expand_gray_1_2_4_to_8(c->png);
  if (c->channels < 3 && !gray)
    png_set_rgb_to_gray(c->png, 1, 0.299, 0.587);
  else if (c->channels >= 3 && gray)
    png_set_gray_to_rgb(c->png);
  png_read_update_info(c->png, c->info);
  return passes;
}

/* Rows of 8-bit samples at the front of rows of 16 bits, from the last sample on: each byte stands twice. */
static void widen(uint16_t *row, int64_t n) {
  const unsigned char *from = (const unsigned char *)row;
  for (int64_t i = n - 1; i >= 0; i--) row[i] = (uint16_t)(from[i] * 257);
}

static tn_error *decode(codec *c) {
  if (setjmp(c->escape)) return tn_errorf(TN_INVALID_ARGUMENT, "Invalid PNG data: %s", c->message);
  c->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, c, leave, ignore);
  c->info = c->png ? png_create_info_struct(c->png) : NULL;
  if (!c->info) return tn_out_of_memory();
  png_set_read_fn(c->png, c, read_bytes);
  png_read_info(c->png, c->info);
  const int passes = ask(c);
  if (c->height >= MAX_SIDE || c->width >= MAX_SIDE || c->height * c->width >= max_pixels)
    return tn_errorf(TN_INVALID_ARGUMENT, "a PNG image of %lld x %lld is too large", (long long)c->height,
                     (long long)c->width);
  const int64_t dims[3] = {c->height, c->width, c->channels};
  TN_TRY(tn_tensor_new(c->bits == 8 ? TN_UINT8 : TN_UINT16, 3, dims, &c->pixels));
  const size_t row = (size_t)(c->width * c->channels * c->bits / 8);
  if (png_get_rowbytes(c->png, c->info) > row)
    return tn_errorf(TN_INVALID_ARGUMENT, "Invalid PNG data: rows of %zu bytes", png_get_rowbytes(c->png, c->info));
  unsigned char *pixels = c->pixels->data;
  for (int pass = 0; pass < passes; pass++)
    for (int64_t y = 0; y < c->height; y++) png_read_row(c->png, pixels + (size_t)y * row, NULL);
  png_read_end(c->png, NULL);
  for (int64_t y = 0; y < c->height && c->widen; y++)
    widen((uint16_t *)(void *)(pixels + (size_t)y * row), c->width * c->channels);
  return NULL;
}

tn_error *tn_png_decode(const void *data, size_t size, int channels, tn_dtype dtype, tn_tensor **out) {
  if (channels < 0 || channels > 4)
    return tn_errorf(TN_INVALID_ARGUMENT, "channels must be 0 to 4, but is %d", channels);
  codec *c = tn_calloc(1, sizeof *c);
  if (!c) return tn_out_of_memory();
  c->data = data;
  c->left = size;
  c->channels = channels;
  c->bits = dtype == TN_UINT8 ? 8 : 16;
  tn_error *error = decode(c);
  png_destroy_read_struct(&c->png, &c->info, NULL);
  if (error)
    tn_tensor_free(c->pixels);
  else
    *out = c->pixels;
  tn_free(c);
  return error;
}

tn_error *tn_png_read(const char *path, int channels, tn_tensor **out) {
  char *bytes;
  size_t size;
  TN_TRY(tn_file_read(path, &bytes, &size));
  tn_error *error = tn_error_context(tn_png_decode(bytes, size, channels, TN_UINT8, out), "'%s'", path);
  tn_free(bytes);
  return error;
}

static tn_error *encode(codec *c, const unsigned char *pixels, int compression) {
  static const int colours[4] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                                 PNG_COLOR_TYPE_RGB_ALPHA};
  if (setjmp(c->escape)) return tn_errorf(TN_INTERNAL, "PNG encoding failed: %s", c->message);
  c->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, c, leave, ignore);
  c->info = c->png ? png_create_info_struct(c->png) : NULL;
  if (!c->info) return tn_out_of_memory();
  png_set_write_fn(c->png, c, write_bytes, write_flush);
  png_set_compression_level(c->png, compression);
  png_set_compression_mem_level(c->png, 9);
  png_set_IHDR(c->png, c->info, (png_uint_32)c->width, (png_uint_32)c->height, c->bits, colours[c->channels - 1],
               PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(c->png, c->info);
  if (c->bits == 16 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) png_set_swap(c->png);
  for (int64_t y = 0; y < c->height; y++) png_write_row(c->png, pixels + y * c->width * c->channels * c->bits / 8);
  png_write_end(c->png, NULL);
  return NULL;
}

tn_error *tn_png_encode(const void *pixels, tn_dtype dtype, const int64_t shape[3], int compression, tn_str *out) {
  if (shape[0] <= 0 || shape[1] <= 0 || shape[2] < 1 || shape[2] > 4 || shape[0] > INT32_MAX || shape[1] > INT32_MAX)
    return tn_errorf(TN_INTERNAL, "PNG encoding failed: an image of %lld x %lld pixels, %lld channels",
                     (long long)shape[0], (long long)shape[1], (long long)shape[2]);
  codec *c = tn_calloc(1, sizeof *c);
  if (!c) return tn_out_of_memory();
  c->text = out;
  c->bits = dtype == TN_UINT8 ? 8 : 16;
  c->height = shape[0];
  c->width = shape[1];
  c->channels = shape[2];
  tn_error *error = encode(c, pixels, compression);
  png_destroy_write_struct(&c->png, &c->info);
  tn_free(c);
  return error;
}
