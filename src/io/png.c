/* Decoding PNG through libpng's simplified interface, which keeps its long jumps to itself. */
#include "io/png.h"

#include <png.h>

#include "base/alloc.h"
#include "io/file.h"

enum { MAX_SIDE = 1 << 16 };

/* The format for CHANNELS; for 0 that of the file, palettes resolved. */
static png_uint_32 format_of(int channels, png_uint_32 own) {
  switch (channels) {
  case 1: return PNG_FORMAT_GRAY;
  case 2: return PNG_FORMAT_GA;
  case 3: return PNG_FORMAT_RGB;
  case 4: return PNG_FORMAT_RGBA;
  default: return own & (PNG_FORMAT_FLAG_ALPHA | PNG_FORMAT_FLAG_COLOR);
  }
}

tn_error *tn_png_decode(const void *data, size_t size, int channels, tn_tensor **out) {
  if (channels < 0 || channels > 4)
    return tn_errorf(TN_INVALID_ARGUMENT, "channels must be 0 to 4, but is %d", channels);
  png_image image = {.version = PNG_IMAGE_VERSION};
  if (!png_image_begin_read_from_memory(&image, data, size))
    return tn_errorf(TN_INVALID_ARGUMENT, "not a PNG image: %s", image.message);
  if (image.width > MAX_SIDE || image.height > MAX_SIDE) {
    tn_error *error = tn_errorf(TN_INVALID_ARGUMENT, "a PNG image of %u x %u is too large", image.width, image.height);
    png_image_free(&image);
    return error;
  }
  image.format = format_of(channels, image.format);
  tn_tensor *pixels = NULL;
  int64_t dims[3] = {image.height, image.width, (int64_t)PNG_IMAGE_SAMPLE_CHANNELS(image.format)};
  tn_error *error = tn_tensor_new(TN_UINT8, 3, dims, &pixels);
  /* Where alpha is dropped, what is transparent becomes black. */
  const png_color black = {0, 0, 0};
  if (!error && !png_image_finish_read(&image, &black, pixels->data, 0, NULL))
    error = tn_errorf(TN_INVALID_ARGUMENT, "a broken PNG image: %s", image.message);
  png_image_free(&image);
  if (error) {
    tn_tensor_free(pixels);
    return error;
  }
  *out = pixels;
  return NULL;
}

tn_error *tn_png_read(const char *path, int channels, tn_tensor **out) {
  char *bytes;
  size_t size;
  TN_TRY(tn_file_read(path, &bytes, &size));
  tn_error *error = tn_error_context(tn_png_decode(bytes, size, channels, out), "'%s'", path);
  tn_free(bytes);
  return error;
}
