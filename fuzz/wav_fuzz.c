/* Fuzzes the WAV reader. What decodes is encoded again.
 * Covers: src/io/wav.c */
#include <stdint.h>

#include "base/alloc.h"
#include "io/wav.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  tn_set_memory_limit(4 << 20);
  tn_tensor *sound;
  int32_t rate;
  tn_error *error = tn_wav_decode(data, size, &sound, &rate);
  if (!error) {
    tn_str text = {0};
    tn_error_free(tn_wav_encode(sound->data, sound->shape.dims[0], sound->shape.dims[1], rate, &text));
    tn_str_clear(&text);
    tn_tensor_free(sound);
  }
  tn_error_free(error);
  return 0;
}
