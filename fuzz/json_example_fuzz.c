/* Fuzz target: tf.Examples from JSON.
 * Covers: src/ops/parsing/decode_json_example.c */
#include "base/wire.h"
#include "ops/parsing/json_example.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is accepted is a message that can be read again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  tn_str out = {0};
  tn_error *error = tn_example_from_json((tn_string){(char *)data, size}, &out);
  if (!error) {
    tn_wire_in in = tn_wire_bytes(out.data ? out.data : "", out.size);
    tn_wire_field field;
    bool more = true;
    while (!error && more) error = tn_wire_next(&in, &field, &more);
    if (error) abort();
  }
  tn_error_free(error);
  tn_str_clear(&out);
  return 0;
}
