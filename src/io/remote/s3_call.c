/* Requests to S3: where a bucket is, who asks, and what refusals mean. What can be set is what AWS's tools and
 * TensorFlow take from the environment. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/sha256.h"
#include "io/remote/document.h"
#include "io/remote/s3.h"

enum { MOST_TURNS = 5 };

/* The first of the variables that is set; "" if none is. */
static const char *setting(const char *first, const char *second, const char *third) {
  const char *const names[] = {first, second, third};
  for (int i = 0; i < 3; i++) {
    const char *value = names[i] ? getenv(names[i]) : NULL;
    if (value && *value) return value;
  }
  return "";
}

const char *tn_s3_key(const char *url) {
  const char *key = strchr(url + 5, '/');
  return key ? key + 1 : url + strlen(url);
}

/* The address of the request. Buckets are part of the host's name at AWS, and of the path elsewhere. */
static tn_error *make_url(const tn_s3_call *call, const char *region, char **out) {
  const char *endpoint = setting("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "S3_ENDPOINT"), *bucket = call->url + 5;
  int size = (int)strcspn(bucket, "/");
  if (!size) return tn_errorf(TN_INVALID_ARGUMENT, "%s names no bucket: write s3://BUCKET/key", call->url);
  const char *scheme = !strcmp(setting("S3_USE_HTTPS", NULL, NULL), "0") ? "http" : "https";
  tn_str url = {0};
  if (*endpoint) {
    size_t n = strlen(endpoint);
    while (n && endpoint[n - 1] == '/') n--;
    if (!strstr(endpoint, "://")) tn_str_addf(&url, "%s://", scheme);
    tn_str_addf(&url, "%.*s/%.*s", (int)n, endpoint, size, bucket);
  } else if (memchr(bucket, '.', (size_t)size)) { /* no certificate fits such a host */
    tn_str_addf(&url, "%s://s3.%s.amazonaws.com/%.*s", scheme, region, size, bucket);
  } else {
    tn_str_addf(&url, "%s://%.*s.s3.%s.amazonaws.com", scheme, size, bucket, region);
  }
  tn_str_add(&url, "/");
  if (!call->of_bucket) tn_http_escape(&url, tn_s3_key(call->url), "/");
  if (call->query) tn_str_addf(&url, "?%s", call->query);
  return tn_str_take(&url, out, NULL);
}

void tn_s3_add_source(tn_str *to, const char *url) {
  tn_str_add(to, "x-amz-copy-source: /");
  tn_http_escape(to, url + 5, "/");
}

/* --- refusals --- */

typedef struct refusal {
  char code[64];
  tn_str message;
} refusal;

static tn_error *read_refusal(void *argument, const char *path, const char *text) {
  refusal *r = argument;
  if (!strcmp(path, "Error/Code")) snprintf(r->code, sizeof r->code, "%s", text);
  if (!strcmp(path, "Error/Message")) tn_str_add(&r->message, text);
  return NULL;
}

static const struct {
  const char *name;
  tn_code code;
  const char *advice;
} refusals[] = {{"NoSuchKey", TN_NOT_FOUND, ""},
                {"NoSuchBucket", TN_NOT_FOUND, ""},
                {"NoSuchUpload", TN_NOT_FOUND, ""},
                {"AccessDenied", TN_PERMISSION_DENIED, ""},
                {"InvalidAccessKeyId", TN_UNAUTHENTICATED, " (AWS_ACCESS_KEY_ID)"},
                {"SignatureDoesNotMatch", TN_UNAUTHENTICATED, " (AWS_SECRET_ACCESS_KEY, AWS_REGION)"},
                {"ExpiredToken", TN_UNAUTHENTICATED, " (AWS_SESSION_TOKEN has to be a new one)"},
                {"InvalidToken", TN_UNAUTHENTICATED, " (AWS_SESSION_TOKEN)"},
                {"RequestTimeTooSkewed", TN_FAILED_PRECONDITION, " (is this machine's clock right?)"},
                {"PreconditionFailed", TN_ABORTED, ": it changed while it was read or written"},
                {"EntityTooSmall", TN_INVALID_ARGUMENT, " (TENON_STORAGE_PART_BYTES)"},
                {"QuotaExceeded", TN_RESOURCE_EXHAUSTED, ""},
                /* what passes: a transfer that was damaged, a connection that was slow, too much at once */
                {"BadDigest", TN_UNAVAILABLE, ""},
                {"XAmzContentSHA256Mismatch", TN_UNAVAILABLE, ""},
                {"IncompleteBody", TN_UNAVAILABLE, ""},
                {"RequestTimeout", TN_UNAVAILABLE, ""},
                {"SlowDown", TN_UNAVAILABLE, ""},
                {"InternalError", TN_UNAVAILABLE, ""},
                {"ServiceUnavailable", TN_UNAVAILABLE, ""},
                {"OperationAborted", TN_UNAVAILABLE, ""},
                {"ConditionalRequestConflict", TN_UNAVAILABLE, ""}};

static tn_code code_of(long status) {
  return status == 401                                                      ? TN_UNAUTHENTICATED
         : status == 403                                                    ? TN_PERMISSION_DENIED
         : status == 404                                                    ? TN_NOT_FOUND
         : status == 412                                                    ? TN_ABORTED
         : status == 416                                                    ? TN_OUT_OF_RANGE
         : status == 507                                                    ? TN_RESOURCE_EXHAUSTED
         : status == 408 || status == 409 || status == 429 || status >= 500 ? TN_UNAVAILABLE
                                                                            : TN_UNKNOWN;
}

/* NULL for a success. Copies and completions say 200 before they know how it ends, so the text decides. */
static tn_error *judge(const tn_http_reply *reply) {
  bool success = reply->status >= 200 && reply->status < 300;
  refusal r = {0};
  const char *text = reply->text.data ? reply->text.data : "";
  if (success && !memmem(text, reply->text.size, "<Error>", 7)) return NULL;
  tn_error_free(tn_xml_walk(text, reply->text.size, read_refusal, &r));
  tn_error *error = NULL;
  const char *message = r.message.data ? r.message.data : "";
  for (size_t i = 0; i < sizeof refusals / sizeof *refusals && !error; i++)
    if (!strcmp(refusals[i].name, r.code))
      error =
          tn_errorf(refusals[i].code, "HTTP status %ld, %s: %s%s", reply->status, r.code, message, refusals[i].advice);
  if (!error && *r.code)
    error = tn_errorf(success ? TN_UNAVAILABLE : code_of(reply->status), "HTTP status %ld, %s: %s", reply->status,
                      r.code, message);
  if (!error && !success) error = tn_errorf(code_of(reply->status), "HTTP status %ld: %.300s", reply->status, text);
  tn_str_clear(&r.message);
  return error;
}

/* --- requests --- */

/* The headers of a request, and the texts that they point to. */
typedef struct head {
  const char *lines[TN_S3_HEADERS + 4];
  char hash[96], signature[128];
  tn_str token, user;
} head;

static tn_error *make_head(const tn_s3_call *call, const char *region, head *out) {
  const char *id = setting("AWS_ACCESS_KEY_ID", NULL, NULL), *secret = setting("AWS_SECRET_ACCESS_KEY", NULL, NULL);
  const char *token = setting("AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", NULL);
  size_t n = 0;
  char sum[65];
  *out = (head){0};
  for (int i = 0; i < TN_S3_HEADERS && call->headers[i]; i++) out->lines[n++] = call->headers[i];
  if (call->body || !strcmp(call->method, "PUT")) out->lines[n++] = "Content-Type: application/octet-stream";
  if (!*id) return NULL; /* a public bucket needs no name */
  tn_sha256(call->body ? call->body : "", call->size, sum);
  snprintf(out->hash, sizeof out->hash, "x-amz-content-sha256: %s", sum);
  out->lines[n++] = out->hash;
  if (*token) {
    tn_str_addf(&out->token, "x-amz-security-token: %s", token);
    out->lines[n++] = out->token.data;
  }
  snprintf(out->signature, sizeof out->signature, "aws:amz:%s:s3", region);
  tn_str_addf(&out->user, "%s:%s", id, secret);
  return out->token.failed || out->user.failed ? tn_out_of_memory() : NULL;
}

static tn_error *send(const tn_s3_call *call, const char *url, const char *region, tn_http_reply *reply) {
  head h;
  tn_error *error = make_head(call, region, &h);
  tn_http_request request = {.method = call->method,
                             .url = url,
                             .headers = h.lines,
                             .body = call->body,
                             .body_size = call->size,
                             .into = call->into,
                             .room = call->room,
                             .signature = *h.signature ? h.signature : NULL,
                             .user = h.user.data,
                             .once = call->once,
                             .unverified = !strcmp(setting("S3_VERIFY_SSL", NULL, NULL), "0")};
  if (!error) error = tn_http(&request, reply);
  tn_str_clear(&h.token);
  tn_str_clear(&h.user);
  return error;
}

/* Where the answer sends us, if it does: to another address, or to where the bucket's region is. */
static tn_error *turn(const tn_http_reply *reply, char region[48], char **url, bool *again) {
  const char *to = tn_http_header(reply, "Location"), *other = tn_http_header(reply, "x-amz-bucket-region");
  bool moved = reply->status == 301 || reply->status == 302 || reply->status == 307 || reply->status == 308;
  *again = false;
  if (*other && strcmp(other, region) != 0 && (moved || reply->status == 400)) {
    snprintf(region, 48, "%s", other);
    *again = true;
  }
  if (!moved || !strstr(to, "://")) return NULL;
  tn_free(*url);
  *url = tn_strdup(to);
  *again = true;
  return *url ? NULL : tn_out_of_memory();
}

tn_error *tn_s3_try(const tn_s3_call *call, tn_http_reply *reply) {
  char region[48], *url = NULL;
  const char *set = setting("AWS_REGION", "AWS_DEFAULT_REGION", "S3_REGION");
  snprintf(region, sizeof region, "%s", *set ? set : "us-east-1");
  *reply = (tn_http_reply){0};
  tn_error *error = NULL;
  bool again = true, moved = false;
  for (int i = 0; i < MOST_TURNS && again && !error; i++) {
    tn_http_clear(reply);
    if (!moved) {
      tn_free(url);
      url = NULL;
      error = make_url(call, region, &url);
    }
    char *before = url;
    if (!error) error = send(call, url, region, reply);
    if (!error) error = turn(reply, region, &url, &again);
    moved = moved || url != before;
  }
  if (!error) error = judge(reply);
  if (error && reply->from.data)
    error = tn_error_context(error, "%s: %s at %s", call->url, call->what, reply->from.data);
  tn_free(url);
  return error;
}

tn_error *tn_s3_ask(const tn_s3_call *call, tn_http_reply *reply) {
  tn_retry retry = {0};
  tn_http_reply own;
  tn_error *error;
  do {
    error = tn_s3_try(call, &own);
    if (error || !reply) tn_http_clear(&own);
  } while (error && tn_retry_after(&retry, &error));
  if (!error && reply) *reply = own;
  return error;
}
