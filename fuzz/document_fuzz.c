/* Fuzzes the readers of what HDFS and S3 answer; the first byte chooses between JSON and XML.
 * Covers: src/io/remote/document.c */
#include <stdint.h>
#include <string.h>

#include "io/remote/document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static tn_error *look(void *argument, const char *path, const char *text) {
  size_t *sum = argument;
  *sum += strlen(path) + (text ? strlen(text) : 0);
  return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (!size) return 0;
  size_t sum = 0;
  const char *text = (const char *)data + 1;
  tn_error_free(data[0] == 'J' ? tn_json_walk(text, size - 1, look, &sum) : tn_xml_walk(text, size - 1, look, &sum));
  return 0;
}
