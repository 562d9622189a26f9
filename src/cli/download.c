/* Getting data sets from their public sources. What comes is checked before it gets its name. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/sha256.h"
#include "cli/cli.h"
#include "io/file.h"
#include "io/idx.h"

/* A file, and the checksum of what is in it: mirrors have compressed it in different ways. */
typedef struct source {
  const char *name, *sha256;
} source;

static const source mnist[] = {
    {"train-images-idx3-ubyte.gz", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"},
    {"train-labels-idx1-ubyte.gz", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"},
    {"t10k-images-idx3-ubyte.gz", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
    {"t10k-labels-idx1-ubyte.gz", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"},
    {NULL, NULL}};
static const char *const mirrors[] = {"https://storage.googleapis.com/cvdf-datasets/mnist",
                                      "https://ossci-datasets.s3.amazonaws.com/mnist", NULL};

const char *const cli_data_names[] = {"mnist", NULL};

enum { MOST = 64 << 20 }; /* bytes of a file, packed or not */

typedef struct bytes {
  char *data;
  size_t size;
} bytes;

static size_t receive(char *data, size_t size, size_t n, void *argument) {
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
  char reason[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
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
    return tn_errorf(TN_UNAVAILABLE, "%s: %s", url, *reason ? reason : curl_easy_strerror(code));
  }
  *out = got;
  return NULL;
}

/* Whether the unpacked bytes are those that are expected. */
static tn_error *check(const bytes *got, const source *file, const char *url) {
  char *unpacked, sum[65];
  size_t size;
  TN_TRY(tn_error_context(tn_gunzip(got->data, got->size, MOST, &unpacked, &size), "%s", url));
  tn_sha256(unpacked, size, sum);
  tn_free(unpacked);
  if (!strcmp(sum, file->sha256)) return NULL;
  return tn_errorf(TN_DATA_LOSS, "%s: the checksum of its contents is %s, expected %s", url, sum, file->sha256);
}

/* Gets one file from the first mirror that has it right; TENON_MIRROR names another one to use. */
static tn_error *get_file(const source *file, const char *folder) {
  const char *const own[] = {getenv("TENON_MIRROR"), NULL};
  tn_error *error = NULL;
  for (const char *const *mirror = own[0] ? own : mirrors; *mirror; mirror++) {
    char url[1024], path[1024];
    snprintf(url, sizeof url, "%s/%s", *mirror, file->name);
    snprintf(path, sizeof path, "%s/%s", folder, file->name);
    bytes got = {0};
    tn_error_free(error);
    error = read_url(url, &got);
    if (!error) error = check(&got, file, url);
    if (!error) error = tn_file_replace(path, got.data, got.size);
    if (!error) printf("  %s, %zu bytes, checksum right\n", file->name, got.size);
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
