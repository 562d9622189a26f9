/* libcurl, loaded when the first address is opened: programs without remote files don't carry it. */
#ifndef TN_IO_REMOTE_CURL_H
#define TN_IO_REMOTE_CURL_H

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <tenon/error.h>
#undef curl_easy_setopt
#undef curl_easy_getinfo

typedef struct tn_curl_library {
  CURLcode (*global_init)(long flags);
  CURL *(*easy_init)(void);
  void (*easy_reset)(CURL *curl);
  void (*easy_cleanup)(CURL *curl);
  CURLcode (*easy_setopt)(CURL *curl, CURLoption option, ...);
  CURLcode (*easy_perform)(CURL *curl);
  CURLcode (*easy_getinfo)(CURL *curl, CURLINFO info, ...);
  const char *(*easy_strerror)(CURLcode code);
  struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
  void (*slist_free_all)(struct curl_slist *list);
  curl_version_info_data *(*version_info)(CURLversion age);
} tn_curl_library;

/* UNIMPLEMENTED, which says what to install, where there is none or only one that is too old. */
tn_error *tn_curl(const tn_curl_library **out) TN_MUST_USE;

#endif
