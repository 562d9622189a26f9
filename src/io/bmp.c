/* Decoding BMP: a header and plain rows, the lowest first unless the height is negative. */
#include "io/bmp.h"

enum { HEADER = 32 };

static int32_t word32(const unsigned char *p) {
  return (int32_t)(p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
}

typedef struct bmp {
  int64_t offset, width, height, channels, row; /* row: bytes from one row to the next */
  bool top_down;
} bmp;

static tn_error *read_header(const unsigned char *p, size_t size, bmp *b) {
  if (size < HEADER)
    return tn_errorf(TN_INVALID_ARGUMENT, "Incomplete bmp content: at least %d bytes are needed, got %zu", HEADER,
                     size);
  int64_t height = word32(p + 22);
  *b = (bmp){.offset = word32(p + 10),
             .width = word32(p + 18),
             .height = height < 0 ? -height : height,
             .channels = (int16_t)(p[28] | p[29] << 8) / 8,
             .top_down = height < 0};
  if (b->channels != 1 && b->channels != 3 && b->channels != 4)
    return tn_errorf(TN_INVALID_ARGUMENT, "Number of channels inherent in the BMP image must be 1, 3 or 4, was %lld",
                     (long long)b->channels);
  if (b->width <= 0) return tn_errorf(TN_INVALID_ARGUMENT, "the BMP's width is %lld", (long long)b->width);
  if (b->height == 0) return tn_errorf(TN_INVALID_ARGUMENT, "the BMP's height is 0");
  if (b->offset < 0) return tn_errorf(TN_INVALID_ARGUMENT, "the BMP's header size is %lld", (long long)b->offset);
  if (b->width * b->height >= INT32_MAX / 8)
    return tn_errorf(TN_INVALID_ARGUMENT, "a BMP image of %lld x %lld is too large", (long long)b->height,
                     (long long)b->width);
  b->row = (b->channels * b->width + 3) / 4 * 4;
  int64_t need = b->offset + b->row * b->height;
  if ((int64_t)size != need)
    return tn_errorf(TN_INVALID_ARGUMENT, "the BMP's header and rows take %lld bytes, but there are %zu",
                     (long long)need, size);
  return NULL;
}

/* Blue comes first in the file. A single channel stands for all three; alpha that is missing is opaque. */
static void decode_row(const unsigned char *from, int64_t n, int64_t have, int64_t want, unsigned char *to) {
  for (int64_t i = 0; i < n; i++, from += have, to += want) {
    const int last = have == 1 ? 0 : 2;
    to[0] = from[last];
    if (want == 1) continue;
    to[1] = from[last / 2];
    to[2] = from[0];
    if (want == 4) to[3] = have == 4 ? from[3] : 255;
  }
}

tn_error *tn_bmp_decode(const void *data, size_t size, int channels, tn_tensor **out) {
  if (channels != 0 && channels != 1 && channels != 3 && channels != 4)
    return tn_errorf(TN_INVALID_ARGUMENT, "channels must be 0, 1, 3 or 4 for BMP, but got %d", channels);
  bmp b;
  tn_tensor *pixels;
  TN_TRY(read_header(data, size, &b));
  int64_t want = channels ? channels : b.channels;
  const int64_t dims[3] = {b.height, b.width, want};
  TN_TRY(tn_tensor_new(TN_UINT8, 3, dims, &pixels));
  const unsigned char *rows = (const unsigned char *)data + b.offset;
  for (int64_t y = 0; y < b.height; y++)
    decode_row(rows + (b.top_down ? y : b.height - 1 - y) * b.row, b.width, b.channels, want,
               (unsigned char *)pixels->data + y * b.width * want);
  *out = pixels;
  return NULL;
}
