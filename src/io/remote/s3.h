/* S3: addresses, requests, and what the files of the file system share. */
#ifndef TN_IO_REMOTE_S3_H
#define TN_IO_REMOTE_S3_H

#include "io/fs.h"
#include "io/remote/http.h"

enum { TN_S3_HEADERS = 6, TN_S3_LEAST_PART = 5 << 20 /* of all parts but the last, says S3 */ };

/* A request for "s3://bucket/key". */
typedef struct tn_s3_call {
  const char *url;                    /* as the user wrote it */
  const char *method, *what;          /* "PUT"; the operation's name for errors */
  const char *query;                  /* escaped, its parameters in order, each with "="; NULL: none */
  bool of_bucket;                     /* not the key but the bucket is asked */
  const char *headers[TN_S3_HEADERS]; /* as many as are not NULL */
  bool once;                          /* see tn_http_request */
  const void *body;
  size_t size;
  char *into; /* as in tn_http_request */
  size_t room;
} tn_s3_call;

/* One try. Errors name the address, the operation, the server and what it says. UNAVAILABLE and DEADLINE_EXCEEDED are
 * worth another one. An answer of success that holds an <Error> is an error. */
tn_error *tn_s3_try(const tn_s3_call *call, tn_http_reply *reply) TN_MUST_USE;
/* As many as it takes. REPLY may be NULL. */
tn_error *tn_s3_ask(const tn_s3_call *call, tn_http_reply *reply) TN_MUST_USE;
/* The key of an address, behind the bucket and its "/". */
const char *tn_s3_key(const char *url);
/* Adds "x-amz-copy-source: " and the source's name. */
void tn_s3_add_source(tn_str *to, const char *url);
/* What HEAD says of an object. */
tn_error *tn_s3_head(const char *url, tn_http_reply *reply, uint64_t *size) TN_MUST_USE;
/* Makes an object of SIZE bytes another one's copy. */
tn_error *tn_s3_copy(const char *from, uint64_t size, const char *to) TN_MUST_USE;
/* Adds "HEADER: " and the CRC32C of DATA as S3 writes it. */
void tn_s3_add_crc(tn_str *to, const char *header, const void *data, size_t size);

/* s3_write.c */
tn_error *tn_s3_put(const char *url, const void *data, size_t size) TN_MUST_USE;
tn_error *tn_s3_create(const char *url, tn_write_mode mode, tn_file_writer **out) TN_MUST_USE;
tn_error *tn_s3_write(tn_file_writer *writer, const void *data, size_t size) TN_MUST_USE;
tn_error *tn_s3_flush(tn_file_writer *writer) TN_MUST_USE;
tn_error *tn_s3_commit(tn_file_writer *writer) TN_MUST_USE;
void tn_s3_abandon(tn_file_writer *writer);

#endif
