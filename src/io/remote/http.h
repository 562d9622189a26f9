/* Requests over HTTP, and trying them again. */
#ifndef TN_IO_REMOTE_HTTP_H
#define TN_IO_REMOTE_HTTP_H

#include <stdbool.h>
#include <stdint.h>
#include <tenon/error.h>

#include "base/str.h"

typedef struct tn_http_request {
  const char *method, *url;
  const char *const *headers; /* NULL at the end, or NULL */
  const void *body;           /* NULL: none */
  size_t body_size;
  char *into; /* where the body of a success goes, as far as ROOM reaches; NULL: into the reply's TEXT */
  size_t room;
  const char *signature, *user; /* for S3: what libcurl takes for CURLOPT_AWS_SIGV4 and CURLOPT_USERPWD */
  bool follows;                 /* redirects */
  bool unverified;              /* any certificate will do */
  bool once; /* over a connection of its own: on one that broke while it was idle libcurl sends a request again */
} tn_http_request;

typedef struct tn_http_reply {
  long status;
  size_t got;   /* bytes that are in INTO, also after a failure */
  tn_str text;  /* the body; at most 64 MiB */
  tn_str heads; /* the last answer's header lines, a NUL behind each */
  tn_str from;  /* the host that answered, with its port */
} tn_http_reply;

/* Sends a request and waits for its answer, whatever its status is. UNAVAILABLE or DEADLINE_EXCEEDED where there was
 * none or it broke off (REPLY then tells how far it came); these are worth another try. */
tn_error *tn_http(const tn_http_request *request, tn_http_reply *reply) TN_MUST_USE;
void tn_http_clear(tn_http_reply *reply);
/* The value of a header; "" if there is none. It lives as long as REPLY. */
const char *tn_http_header(const tn_http_reply *reply, const char *name);
/* Adds TEXT with all but letters, digits, "-._~" and what KEEP holds as %XX. */
void tn_http_escape(tn_str *to, const char *text, const char *keep);

/* --- again --- */

/* A server that failed, to be left out of the next choice; empty at first. */
typedef struct tn_avoid {
  char servers[400];
} tn_avoid;

/* How long to go on trying: TENON_STORAGE_RETRY_SECONDS after the first failure, 120 where it is not set. */
typedef struct tn_retry {
  int tries;
  int64_t until; /* 0: nothing has failed yet */
  int64_t wait;  /* nanoseconds */
} tn_retry;

/* After a failure that is worth it: waits, frees *ERROR, which becomes NULL, and returns true if it is to be tried
 * again; otherwise *ERROR says how often it was tried. */
bool tn_retry_after(tn_retry *retry, tn_error **error) TN_MUST_USE;
/* An integer of the environment in [LOW, HIGH]; OTHERWISE where it is not set or none. */
long tn_setting(const char *name, long low, long high, long otherwise);

#endif
