/* Where data sets are looked for. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/data.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "io/file.h"

tn_error *tn_data_cache(const char *name, char **out) {
  const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
  tn_str path = {0};
  if (cache && *cache) {
    tn_str_addf(&path, "%s/tenon/%s", cache, name);
  } else if (home && *home) {
    tn_str_addf(&path, "%s/.cache/tenon/%s", home, name);
  } else {
    return tn_errorf(TN_FAILED_PRECONDITION, "there is no cache: neither XDG_CACHE_HOME nor HOME is set");
  }
  return tn_str_take(&path, out, NULL);
}

/* The folder of the running program. */
static bool program_folder(char out[PATH_MAX]) {
  ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);
  if (n <= 0) return false;
  out[n] = 0;
  *strrchr(out, '/') = 0;
  return true;
}

/* Takes CANDIDATE as *OUT if it exists, else notes it in TRIED; clears it. */
static void try_folder(tn_str *candidate, tn_str *tried, char **out) {
  if (!*out && !candidate->failed && tn_file_exists(candidate->data)) {
    *out = candidate->data;
    *candidate = (tn_str){0};
    return;
  }
  if (!candidate->failed) tn_str_addf(tried, "%s%s", tried->size ? ", " : "", candidate->data);
  tn_str_clear(candidate);
}

tn_error *tn_data_find(const char *name, char **out) {
  tn_str path = {0}, tried = {0};
  char *found = NULL, folder[PATH_MAX];
  const char *set = getenv("TENON_DATA");
  if (set && *set) {
    tn_str_addf(&path, "%s/%s", set, name);
    try_folder(&path, &tried, &found);
  }
  /* The program is in build/ or a folder inside it, or the project is the current folder. */
  static const char *const ways[] = {"../..", "../../.."};
  for (size_t i = 0; !found && i < sizeof ways / sizeof *ways && program_folder(folder); i++) {
    tn_str_addf(&path, "%s/%s/shared/data/%s", folder, ways[i], name);
    try_folder(&path, &tried, &found);
  }
  if (!found) {
    tn_str_addf(&path, "../shared/data/%s", name);
    try_folder(&path, &tried, &found);
  }
  char *cache;
  tn_error *error = found ? NULL : tn_data_cache(name, &cache);
  if (!found && !error) {
    tn_str_add(&path, cache);
    tn_free(cache);
    try_folder(&path, &tried, &found);
  }
  tn_error_free(error);
  error = found
              ? NULL
              : tn_errorf(TN_NOT_FOUND, "the data set '%s' is in none of %s; set TENON_DATA, or run: tenon data get %s",
                          name, tried.data ? tried.data : "(no folder)", name);
  tn_str_clear(&tried);
  if (!error) *out = found;
  return error;
}
