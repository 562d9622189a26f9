/* Fuzzes the reader of the `checkpoint` state file: what it takes is written and read again, with the same newest name.
 * Covers: src/train/state_file.c */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "train/saver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/tenon-fuzz-XXXXXX", path[sizeof folder + sizeof "/checkpoint"];

static void remove_files(void) {
  unlink(path);
  rmdir(folder);
}

/* Writes LIST and reads it: an empty list names nothing, any other keeps its newest. */
static void write_and_read(const tn_checkpoint_list *list) {
  tn_checkpoint_list again = {0};
  char *newest = NULL;
  tn_error *error = tn_state_file_write(folder, list);
  if (!error) error = tn_state_file_read(folder, &again);
  if (error && tn_error_code(error) != TN_RESOURCE_EXHAUSTED) abort();
  if (!error && (again.n > 0) != (list->n > 0)) abort();
  if (!error && list->n && strcmp(again.names[again.n - 1], list->names[list->n - 1]) != 0) abort();
  tn_error_free(error);
  error = tn_latest_checkpoint(folder, &newest);
  if (!error != (list->n > 0) && tn_error_code(error) != TN_RESOURCE_EXHAUSTED) abort();
  if (!error) tn_free(newest);
  tn_error_free(error);
  tn_checkpoint_list_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static int ready;
  if (!ready && !mkdtemp(folder)) abort();
  if (!ready++) {
    snprintf(path, sizeof path, "%s/checkpoint", folder);
    atexit(remove_files);
    tn_set_memory_limit(64 << 20);
  }
  FILE *file = fopen(path, "wb");
  if (!file || fwrite(data, 1, size, file) != size || fclose(file)) abort();
  tn_checkpoint_list list = {0};
  tn_error *error = tn_state_file_read(folder, &list);
  if (!error) write_and_read(&list);
  tn_error_free(error);
  tn_checkpoint_list_clear(&list);
  return 0;
}
