/* WAV sound: 16-bit samples. */
#ifndef TN_IO_WAV_H
#define TN_IO_WAV_H

#include "base/str.h"
#include "tensor/tensor.h"

/* Decodes SIZE bytes of 16-bit PCM into floats [samples, channels] from -1 to 1. INVALID_ARGUMENT: not such a WAV, or
 * broken. */
tn_error *tn_wav_decode(const void *data, size_t size, tn_tensor **out, int32_t *rate) TN_MUST_USE;
/* Appends SAMPLES [samples, channels] to OUT; what is beyond -1 and 1 is cut. */
tn_error *tn_wav_encode(const float *samples, int64_t n, int64_t channels, int32_t rate, tn_str *out) TN_MUST_USE;

#endif
