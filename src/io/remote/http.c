/* Requests over HTTP by libcurl. */
#include "io/remote/http.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "io/remote/curl.h"

enum { MOST_TEXT = 64 << 20, MOST_IDLE = 16, MOST_REDIRECTS = 5 };

/* Handles that keep their connections. A child of a fork begins anew: two processes on one connection mix it up. */
static struct {
  pthread_mutex_t lock;
  pid_t owner;
  int n;
  CURL *idle[MOST_IDLE];
} handles = {.lock = PTHREAD_MUTEX_INITIALIZER};

static CURL *take_handle(const tn_curl_library *c) {
  tn_lock(&handles.lock);
  if (handles.owner != getpid()) handles.n = 0;
  handles.owner = getpid();
  CURL *curl = handles.n ? handles.idle[--handles.n] : NULL;
  tn_unlock(&handles.lock);
  return curl ? curl : c->easy_init();
}

static void give_handle(const tn_curl_library *c, CURL *curl) {
  c->easy_reset(curl);
  tn_lock(&handles.lock);
  bool kept = handles.owner == getpid() && handles.n < MOST_IDLE;
  if (kept) handles.idle[handles.n++] = curl;
  tn_unlock(&handles.lock);
  if (!kept) c->easy_cleanup(curl);
}

long tn_setting(const char *name, long low, long high, long otherwise) {
  const char *text = getenv(name);
  char *end = NULL;
  long value = text && *text ? strtol(text, &end, 10) : otherwise;
  return (end && *end) || value < low || value > high ? otherwise : value;
}

/* --- answers --- */

typedef struct exchange {
  const tn_curl_library *c;
  CURL *curl;
  const tn_http_request *request;
  tn_http_reply *reply;
} exchange;

static size_t take_body(char *data, size_t size, size_t n, void *argument) {
  exchange *e = argument;
  tn_http_reply *reply = e->reply;
  size_t bytes = size * n;
  long status = 0;
  e->c->easy_getinfo(e->curl, CURLINFO_RESPONSE_CODE, &status);
  if (e->request->into && status >= 200 && status < 300) {
    if (bytes > e->request->room - reply->got) return 0;
    memcpy(e->request->into + reply->got, data, bytes);
    reply->got += bytes;
    return bytes;
  }
  if (reply->text.size + bytes > MOST_TEXT) return 0;
  tn_str_add_bytes(&reply->text, data, bytes);
  return reply->text.failed ? 0 : bytes;
}

static size_t take_header(char *data, size_t size, size_t n, void *argument) {
  exchange *e = argument;
  size_t bytes = size * n;
  if (bytes > 5 && !memcmp(data, "HTTP/", 5)) tn_str_clear(&e->reply->heads); /* another answer begins */
  if (e->reply->heads.size < 1 << 20) tn_str_add_bytes(&e->reply->heads, data, bytes);
  return bytes;
}

/* The lines of HEADS become strings, so that values can be handed out. */
static void split_headers(tn_str *heads) {
  for (size_t i = 0; i < heads->size; i++)
    if (heads->data[i] == '\r' || heads->data[i] == '\n') heads->data[i] = 0;
}

const char *tn_http_header(const tn_http_reply *reply, const char *name) {
  const char *line = reply->heads.data, *end = line ? line + reply->heads.size : line;
  size_t length = strlen(name);
  while (line < end) {
    if (!strncasecmp(line, name, length) && line[length] == ':')
      return line + length + 1 + strspn(line + length + 1, " ");
    line += strlen(line) + 1;
  }
  return "";
}

void tn_http_clear(tn_http_reply *reply) {
  tn_str_clear(&reply->text);
  tn_str_clear(&reply->heads);
  tn_str_clear(&reply->from);
  *reply = (tn_http_reply){0};
}

void tn_http_escape(tn_str *to, const char *text, const char *keep) {
  for (const char *c = text; *c; c++) {
    if (isalnum((unsigned char)*c) || strchr("-._~", *c) || strchr(keep, *c))
      tn_str_add_bytes(to, c, 1);
    else
      tn_str_addf(to, "%%%02X", (unsigned char)*c);
  }
}

/* --- requests --- */

static void set_body(const exchange *e) {
  const tn_http_request *r = e->request;
  const tn_curl_library *c = e->c;
  if (!strcmp(r->method, "HEAD")) {
    c->easy_setopt(e->curl, CURLOPT_NOBODY, 1L);
  } else if (strcmp(r->method, "GET") != 0) {
    c->easy_setopt(e->curl, CURLOPT_CUSTOMREQUEST, r->method);
    if (!strcmp(r->method, "DELETE")) return;
    c->easy_setopt(e->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_size);
    c->easy_setopt(e->curl, CURLOPT_POSTFIELDS, r->body ? r->body : "");
  }
}

static void set_limits(const exchange *e) {
  const tn_curl_library *c = e->c;
  const char *authorities = getenv("AWS_CA_BUNDLE");
  if (authorities && *authorities) c->easy_setopt(e->curl, CURLOPT_CAINFO, authorities);
  if (e->request->unverified) {
    c->easy_setopt(e->curl, CURLOPT_SSL_VERIFYPEER, 0L);
    c->easy_setopt(e->curl, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  c->easy_setopt(e->curl, CURLOPT_CONNECTTIMEOUT, tn_setting("TENON_STORAGE_CONNECT_TIMEOUT", 1, 3600, 10));
  c->easy_setopt(e->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  c->easy_setopt(e->curl, CURLOPT_LOW_SPEED_TIME, tn_setting("TENON_STORAGE_TIMEOUT", 1, 86400, 60));
}

static void set_options(exchange *e, char *reason) {
  const tn_http_request *r = e->request;
  const tn_curl_library *c = e->c;
  CURL *curl = e->curl;
  c->easy_setopt(curl, CURLOPT_URL, r->url);
  c->easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
  c->easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  c->easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  c->easy_setopt(curl, CURLOPT_FOLLOWLOCATION, (long)r->follows);
  c->easy_setopt(curl, CURLOPT_MAXREDIRS, (long)MOST_REDIRECTS);
  c->easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  c->easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
  c->easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  c->easy_setopt(curl, CURLOPT_USERAGENT, "tenon/" TN_VERSION);
  c->easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
  c->easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
  c->easy_setopt(curl, CURLOPT_WRITEDATA, e);
  c->easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
  c->easy_setopt(curl, CURLOPT_HEADERDATA, e);
  c->easy_setopt(curl, CURLOPT_FRESH_CONNECT, (long)r->once);
  if (r->signature) {
    c->easy_setopt(curl, CURLOPT_AWS_SIGV4, r->signature);
    c->easy_setopt(curl, CURLOPT_USERPWD, r->user);
  }
  set_body(e);
  set_limits(e);
}

/* What CODE means: whether another try may help is in the error's code. */
static tn_error *failure(const exchange *e, CURLcode code, const char *reason) {
  const char *why = *reason ? reason : e->c->easy_strerror(code);
  switch (code) {
  case CURLE_OUT_OF_MEMORY: return tn_out_of_memory();
  case CURLE_OPERATION_TIMEDOUT: return tn_errorf(TN_DEADLINE_EXCEEDED, "%s", why);
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_CACERT_BADFILE:
    return tn_errorf(TN_FAILED_PRECONDITION, "%s (AWS_CA_BUNDLE names a file of certificate authorities to trust)",
                     why);
  case CURLE_URL_MALFORMAT:
  case CURLE_UNSUPPORTED_PROTOCOL: return tn_errorf(TN_INVALID_ARGUMENT, "%s", why);
  case CURLE_WRITE_ERROR: return tn_errorf(TN_RESOURCE_EXHAUSTED, "the answer is too large");
  case CURLE_TOO_MANY_REDIRECTS: return tn_errorf(TN_FAILED_PRECONDITION, "%s", why);
  default: return tn_errorf(TN_UNAVAILABLE, "%s", why);
  }
}

/* The host and port of a URL, for messages and to tell servers apart. */
static void add_host(tn_str *to, const char *url) {
  const char *host = url ? strstr(url, "://") : NULL;
  if (!host) return;
  host += 3;
  tn_str_add_bytes(to, host, strcspn(host, "/?"));
}

tn_error *tn_http(const tn_http_request *request, tn_http_reply *reply) {
  const tn_curl_library *c;
  TN_TRY(tn_curl(&c));
  *reply = (tn_http_reply){0};
  CURL *curl = take_handle(c);
  if (!curl) return tn_out_of_memory();
  exchange e = {c, curl, request, reply};
  char reason[CURL_ERROR_SIZE] = "";
  struct curl_slist *headers = NULL;
  bool room = true;
  for (const char *const *h = request->headers; h && *h && room; h++) {
    struct curl_slist *longer = c->slist_append(headers, *h);
    room = longer != NULL;
    if (room) headers = longer;
  }
  set_options(&e, reason);
  c->easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  CURLcode code = room ? c->easy_perform(curl) : CURLE_OUT_OF_MEMORY;
  char *from = NULL;
  c->easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply->status);
  c->easy_getinfo(curl, CURLINFO_EFFECTIVE_URL, &from);
  add_host(&reply->from, from);
  split_headers(&reply->heads);
  bool whole = code == CURLE_OK || (code == CURLE_WRITE_ERROR && request->into && reply->got == request->room);
  tn_error *error = whole ? NULL : failure(&e, code, reason);
  c->slist_free_all(headers);
  give_handle(c, curl);
  return error;
}

/* --- again --- */

bool tn_retry_after(tn_retry *retry, tn_error **error) {
  enum { SECOND = 1000000000, FIRST = SECOND / 10 };
  const int64_t longest = 8 * (int64_t)SECOND;
  tn_code code = tn_error_code(*error);
  if (code != TN_UNAVAILABLE && code != TN_DEADLINE_EXCEEDED) return false;
  int64_t now = tn_now_ns();
  retry->tries++;
  if (!retry->until) {
    retry->until = now + SECOND * (int64_t)tn_setting("TENON_STORAGE_RETRY_SECONDS", 0, 86400, 120);
    retry->wait = FIRST;
  }
  if (now >= retry->until) {
    if (retry->tries > 1) *error = tn_error_context(*error, "tried %d times", retry->tries);
    return false;
  }
  /* Between half and all of WAIT: clients that failed together don't come back together. */
  int64_t wait = retry->wait / 2 + now % (retry->wait / 2 + 1);
  if (wait > retry->until - now) wait = retry->until - now;
  struct timespec pause = {wait / SECOND, wait % SECOND};
  nanosleep(&pause, NULL);
  retry->wait = retry->wait * 2 < longest ? retry->wait * 2 : longest;
  tn_error_free(*error);
  *error = NULL;
  return true;
}
