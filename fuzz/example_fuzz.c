/* Fuzz target: features found and decoded in serialised tf.Examples.
 * Covers: src/ops/parsing/example.c */
#include <stdlib.h>
#include <string.h>

#include "ops/parsing/example.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const tn_shape any = {.rank = 1, .dims = {-1}};

/* Decodes what was found; strings are kept in a tensor, so that they are freed. */
static void decode(const tn_feature *f) {
  tn_tensor *values;
  tn_error *error = tn_tensor_new(f->dtype, 1, &f->count, &values);
  if (!error) error = tn_feature_decode(f, values->data);
  if (error) abort();
  tn_tensor_free(values);
}

static void open_all(const tn_feature_table *t, tn_string message, uint32_t number) {
  tn_feature found[4];
  if (!tn_features_find(t, number, message, found)) return;
  for (int i = 0; i < t->n; i++) {
    if (!found[i].data) continue;
    tn_wire_in list = tn_wire_bytes(found[i].data, found[i].size);
    tn_feature step;
    bool more = true;
    while (number == 2 && more && tn_feature_list_next(&list, &step, &more))
      if (more && step.dtype != TN_INVALID) decode(&step);
    if (tn_feature_open(&found[i]) && found[i].dtype != TN_INVALID) decode(&found[i]);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const keys[] = {"f", "i", "s", ""};
  tn_feature_table table;
  tn_error *error = tn_feature_table_new(NULL, 4, &table);
  for (int i = 0; i < 4 && !error; i++) {
    table.specs[i] =
        (tn_feature_spec){.key = {(char *)keys[i], strlen(keys[i])}, .kind = TN_FEATURE_DENSE, .shape = &any};
    error = tn_feature_spec_check(NULL, i, &table.specs[i]);
  }
  if (!error) error = tn_feature_table_index(&table);
  if (error) abort();
  for (uint32_t number = 1; number < 3; number++) open_all(&table, (tn_string){(char *)data, size}, number);
  tn_feature_table_free(&table);
  return 0;
}
