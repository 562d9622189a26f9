/* Feeds files to a fuzz target without a fuzzer: each argument is a file, or a folder whose files are taken in order.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int n_run;

static int replay_file(const char *path) {
  FILE *file = fopen(path, "rb");
  long size = -1;
  if (file && !fseek(file, 0, SEEK_END)) size = ftell(file);
  uint8_t *data = size < 0 ? NULL : malloc((size_t)size + 1);
  int failed = !data || fseek(file, 0, SEEK_SET) || fread(data, 1, (size_t)size, file) != (size_t)size;
  if (!failed) {
    LLVMFuzzerTestOneInput(data, (size_t)size);
    printf("ok %d - %s\n", ++n_run, path);
  } else {
    printf("not ok %d - %s: cannot be read\n", ++n_run, path);
  }
  free(data);
  if (file) fclose(file);
  return failed;
}

static int visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static int replay(const char *path) {
  struct dirent **entries = NULL;
  int n = scandir(path, &entries, visible, alphasort), failed = 0;
  if (n < 0) return replay_file(path);
  for (int i = 0; i < n; i++) {
    char name[4096];
    snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name);
    failed += replay_file(name);
    free(entries[i]);
  }
  free(entries);
  return failed;
}

int main(int argc, char **argv) {
  int failed = 0;
  for (int i = 1; i < argc; i++) failed += replay(argv[i]);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
