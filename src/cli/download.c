/* Getting data sets from their public sources. What comes is checked before it gets its name. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "cli/cli.h"
#include "io/file.h"

typedef struct source {
  const char *name, *sha256;
} source;

/* The four files of MNIST, and mirrors that hold them. */
static const source mnist[] = {
    {"train-images-idx3-ubyte.gz", "0b367032e93c5d0cea0925647cfdb18614af8ee15f83e6f2fc2ad904a6835971"},
    {"train-labels-idx1-ubyte.gz", "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"},
    {"t10k-images-idx3-ubyte.gz", "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"},
    {"t10k-labels-idx1-ubyte.gz", "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"},
    {NULL, NULL}};
static const char *const mirrors[] = {"https://storage.googleapis.com/cvdf-datasets/mnist",
                                      "https://ossci-datasets.s3.amazonaws.com/mnist", NULL};

const char *const cli_data_names[] = {"mnist", NULL};

typedef struct bytes {
  char *data;
  size_t size;
} bytes;

static size_t receive(char *data, size_t size, size_t n, void *argument) {
  enum { MOST = 64 << 20 };
  bytes *b = argument;
  if (b->size + size * n > MOST) return 0;
  char *more = realloc(b->data, b->size + size * n + 1);
  if (!more) return 0;
  b->data = more;
  memcpy(b->data + b->size, data, size * n);
  b->size += size * n;
  return size * n;
}

/* Reads URL; an UNAVAILABLE error says why not. */
static tn_error *read_url(const char *url, bytes *out) {
  CURL *curl = curl_easy_init();
  if (!curl) return tn_errorf(TN_UNAVAILABLE, "the HTTP client can't be set up");
  bytes got = {0};
  curl_easy_setopt(curl, CURLOPT_URL, url);
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 10L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1000L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, 20L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &got);
  CURLcode code = curl_easy_perform(curl);
  curl_easy_cleanup(curl);
  if (code != CURLE_OK) {
    free(got.data);
    return tn_errorf(TN_UNAVAILABLE, "%s: %s", url, curl_easy_strerror(code));
  }
  *out = got;
  return NULL;
}

/* Gets one file from the first mirror that has it right. */
static tn_error *get_file(const source *file, const char *folder) {
  tn_error *error = NULL;
  for (const char *const *mirror = mirrors; *mirror; mirror++) {
    char url[256], sum[65];
    snprintf(url, sizeof url, "%s/%s", *mirror, file->name);
    bytes got = {0};
    tn_error_free(error);
    error = read_url(url, &got);
    if (error) continue;
    tn_sha256(got.data, got.size, sum);
    if (strcmp(sum, file->sha256)) {
      error = tn_errorf(TN_DATA_LOSS, "%s: the checksum is %s, expected %s", url, sum, file->sha256);
    } else {
      char path[1024];
      snprintf(path, sizeof path, "%s/%s", folder, file->name);
      error = tn_file_replace(path, got.data, got.size);
      if (!error) printf("  %s, %zu bytes, checksum right\n", file->name, got.size);
    }
    free(got.data);
    if (!error) return NULL;
  }
  return error;
}

tn_error *cli_download(const char *name) {
  char *folder;
  TN_TRY(tn_data_cache(name, &folder));
  tn_error *error = tn_make_folders(folder);
  printf("getting %s into %s\n", name, folder);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  for (const source *file = mnist; !error && file->name; file++) error = get_file(file, folder);
  curl_global_cleanup();
  free(folder);
  return tn_error_context(error, "getting '%s'", name);
}
