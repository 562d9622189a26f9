/* Fuzzes the reader of saved_model.pb: whatever it takes can be looked at whole.
 * Covers: src/train/saved_model_read.c */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "train/saved_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* How long the texts are. */
static size_t look_at_tensors(size_t n, const tn_signature_tensor *tensors) {
  size_t sum = 0;
  for (size_t i = 0; i < n; i++) {
    if (i > 0 && strcmp(tensors[i - 1].key, tensors[i].key) > 0) abort();
    if (tensors[i].shape.rank > TN_MAX_RANK) abort();
    sum += strlen(tensors[i].key) + strlen(tensors[i].name);
  }
  return sum;
}

static size_t look_at(const tn_meta_graph *graph) {
  size_t sum =
      strlen(graph->tags) + strlen(graph->filename_tensor) + strlen(graph->restore_op) + strlen(graph->init_op);
  const tn_signature *signatures = graph->signatures.items;
  for (size_t i = 0; i < graph->signatures.n; i++) {
    sum += strlen(signatures[i].key) + strlen(signatures[i].method);
    sum += look_at_tensors(signatures[i].n_inputs, signatures[i].inputs);
    sum += look_at_tensors(signatures[i].n_outputs, signatures[i].outputs);
  }
  const tn_model_asset *assets = graph->assets.items;
  for (size_t i = 0; i < graph->assets.n; i++) sum += strlen(assets[i].tensor) + strlen(assets[i].filename);
  return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  tn_set_memory_limit(64 << 20);
  tn_arena *arena;
  tn_model_list graphs = {0};
  tn_error *error = tn_arena_new(&arena);
  if (error) abort();
  error = tn_saved_model_read((const char *)data, size, arena, &graphs);
  size_t texts = 0;
  for (size_t i = 0; !error && i < graphs.n; i++) texts += look_at((tn_meta_graph *)graphs.items + i);
  if (texts > 2 * size) abort();
  if (error && tn_error_code(error) != TN_INVALID_ARGUMENT && tn_error_code(error) != TN_RESOURCE_EXHAUSTED) abort();
  tn_error_free(error);
  tn_arena_free(arena);
  return 0;
}
