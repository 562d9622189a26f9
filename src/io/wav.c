/* WAV: chunks of a name, a size and so many bytes; one holds the format, one the samples. */
#include "io/wav.h"

#include <math.h>
#include <string.h>

enum { PCM = 1, FORMAT_SIZE = 16, HEADER_SIZE = 44 };

static uint32_t word32(const unsigned char *p) {
  return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}
static uint32_t word16(const unsigned char *p) { return p[0] | (uint32_t)p[1] << 8; }

static tn_error *broken(const char *what) { return tn_errorf(TN_INVALID_ARGUMENT, "Invalid WAV data: %s", what); }

typedef struct format {
  bool known;
  uint32_t channels, rate;
} format;

static tn_error *read_format(const unsigned char *p, size_t size, format *f) {
  if (size < FORMAT_SIZE) return broken("the format is too short");
  const uint32_t kind = word16(p), bits = word16(p + 14), frame = word16(p + 12);
  f->channels = word16(p + 2);
  f->rate = word32(p + 4);
  if (kind != PCM) return broken("it is not plain PCM");
  if (bits != 16) return tn_errorf(TN_INVALID_ARGUMENT, "Can only read 16-bit WAV files, but received %u", bits);
  if (f->channels < 1) return broken("it has no channels");
  if (frame != f->channels * 2 || word32(p + 8) != f->rate * frame) return broken("its sizes contradict each other");
  f->known = true;
  return NULL;
}

static tn_error *read_samples(const unsigned char *p, size_t size, const format *f, tn_tensor **out) {
  const int64_t n = (int64_t)(size / (2 * f->channels));
  tn_tensor *samples;
  TN_TRY(tn_tensor_new(TN_FLOAT, 2, (int64_t[2]){n, f->channels}, &samples));
  float *to = samples->data;
  for (int64_t i = 0; i < n * f->channels; i++) to[i] = (float)(int16_t)word16(p + 2 * i) / 32768.0f;
  *out = samples;
  return NULL;
}

tn_error *tn_wav_decode(const void *data, size_t size, tn_tensor **out, int32_t *rate) {
  const unsigned char *p = data, *end = p + size;
  format f = {0};
  if (size < 12 || memcmp(p, "RIFF", 4) != 0 || memcmp(p + 8, "WAVE", 4) != 0)
    return broken("it does not begin with RIFF and WAVE");
  for (p += 12; end - p >= 8;) {
    const uint32_t length = word32(p + 4);
    const bool samples = memcmp(p, "data", 4) == 0, describes = memcmp(p, "fmt ", 4) == 0;
    p += 8;
    if (length > (size_t)(end - p)) return broken("a chunk is longer than the data");
    if (describes) TN_TRY(read_format(p, length, &f));
    if (samples) {
      if (!f.known) return broken("samples come before their format");
      TN_TRY(read_samples(p, length, &f, out));
      *rate = (int32_t)f.rate;
      return NULL;
    }
    p += length + (length % 2 && (size_t)(end - p) > length);
  }
  return broken("no samples are in it");
}

static void put(tn_str *out, uint32_t value, int bytes) {
  for (int i = 0; i < bytes; i++) tn_str_add_bytes(out, &(unsigned char){(unsigned char)(value >> 8 * i)}, 1);
}

tn_error *tn_wav_encode(const float *samples, int64_t n, int64_t channels, int32_t rate, tn_str *out) {
  const int64_t bytes = n * channels * 2;
  if (channels < 1 || channels > UINT16_MAX || rate <= 0 || bytes > INT32_MAX - HEADER_SIZE ||
      (int64_t)rate * channels * 2 > UINT32_MAX)
    return tn_errorf(TN_INVALID_ARGUMENT, "%lld samples of %lld channels at %d a second are no WAV file", (long long)n,
                     (long long)channels, rate);
  tn_str_add_bytes(out, "RIFF", 4);
  put(out, (uint32_t)(bytes + HEADER_SIZE - 8), 4);
  tn_str_add_bytes(out, "WAVEfmt ", 8);
  put(out, FORMAT_SIZE, 4);
  put(out, PCM, 2);
  put(out, (uint32_t)channels, 2);
  put(out, (uint32_t)rate, 4);
  put(out, (uint32_t)((int64_t)rate * channels * 2), 4);
  put(out, (uint32_t)channels * 2, 2);
  put(out, 16, 2);
  tn_str_add_bytes(out, "data", 4);
  put(out, (uint32_t)bytes, 4);
  for (int64_t i = 0; i < n * channels; i++) {
    const float x = roundf(samples[i] * 32768.0f);
    put(out, (uint16_t)(int16_t)(x >= 32767.0f ? 32767.0f : x > -32768.0f ? x : -32768.0f), 2);
  }
  return out->failed ? tn_errorf(TN_RESOURCE_EXHAUSTED, "no memory for %lld bytes of sound", (long long)bytes) : NULL;
}
