/* Loading libcurl. */
#include "io/remote/curl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>

enum { OLDEST = 0x075800 }; /* 7.88.0 signs all headers of a request to S3 */

static tn_curl_library library;
static const char *missing; /* what is wrong; NULL: nothing */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static const struct {
  const char *name;
  size_t offset;
} symbols[] = {{"curl_global_init", offsetof(tn_curl_library, global_init)},
               {"curl_easy_init", offsetof(tn_curl_library, easy_init)},
               {"curl_easy_reset", offsetof(tn_curl_library, easy_reset)},
               {"curl_easy_cleanup", offsetof(tn_curl_library, easy_cleanup)},
               {"curl_easy_setopt", offsetof(tn_curl_library, easy_setopt)},
               {"curl_easy_perform", offsetof(tn_curl_library, easy_perform)},
               {"curl_easy_getinfo", offsetof(tn_curl_library, easy_getinfo)},
               {"curl_easy_strerror", offsetof(tn_curl_library, easy_strerror)},
               {"curl_slist_append", offsetof(tn_curl_library, slist_append)},
               {"curl_slist_free_all", offsetof(tn_curl_library, slist_free_all)},
               {"curl_version_info", offsetof(tn_curl_library, version_info)}};

/* What libcurl calls is its own, though a library that was loaded before (TensorFlow's is one) may have functions of
 * the same names for all to see. The sanitizers refuse that. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(RTLD_DEEPBIND)
#define OWN_NAMES 0
#elif defined(__clang__)
#define OWN_NAMES (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ? 0 : RTLD_DEEPBIND)
#else
#define OWN_NAMES RTLD_DEEPBIND
#endif

static void load(void) {
  static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.so"};
  void *handle = NULL;
  for (size_t i = 0; i < sizeof names / sizeof *names && !handle; i++) {
    handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL | OWN_NAMES);
  }
  missing = "is not installed";
  if (!handle) return;
  for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
    void *symbol = dlsym(handle, symbols[i].name);
    if (!symbol) return;
    *(void **)((char *)&library + symbols[i].offset) = symbol;
  }
  missing = "is older than 7.88";
  if (library.version_info(CURLVERSION_NOW)->version_num < OLDEST) return;
  library.global_init(CURL_GLOBAL_DEFAULT);
  missing = NULL;
}

tn_error *tn_curl(const tn_curl_library **out) {
  pthread_once(&once, load);
  if (missing) {
    return tn_errorf(TN_UNIMPLEMENTED,
                     "files at hdfs:// and s3:// are reached through libcurl, which %s: install version 7.88 or newer "
                     "(Debian and Ubuntu: apt-get install libcurl4)",
                     missing);
  }
  *out = &library;
  return NULL;
}
