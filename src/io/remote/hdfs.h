/* HDFS through WebHDFS: addresses, requests, and what the files of the file system share. */
#ifndef TN_IO_REMOTE_HDFS_H
#define TN_IO_REMOTE_HDFS_H

#include "io/fs.h"
#include "io/remote/http.h"

typedef struct tn_hdfs_call {
  const char *url;         /* as the user wrote it */
  const char *method, *op; /* "PUT", "CREATE" */
  const char *parameters;  /* "&overwrite=true", escaped; NULL: none */
  bool sends;              /* BODY goes to the data node that the name node tells */
  bool once;               /* see tn_http_request */
  const void *body;
  size_t size;
  char *into; /* as in tn_http_request */
  size_t room;
} tn_hdfs_call;

/* One try. Errors name the address, the operation, the server and what it says. UNAVAILABLE and DEADLINE_EXCEEDED are
 * worth another one. AVOID may be NULL. */
tn_error *tn_hdfs_try(const tn_hdfs_call *call, tn_avoid *avoid, tn_http_reply *reply) TN_MUST_USE;
/* As many as it takes. REPLY may be NULL. */
tn_error *tn_hdfs_ask(const tn_hdfs_call *call, tn_http_reply *reply) TN_MUST_USE;
/* The path in the file system, of an address; it lives as long as URL. */
const char *tn_hdfs_path(const char *url);
tn_error *tn_hdfs_stat(const char *url, tn_file_info *out) TN_MUST_USE;
tn_error *tn_hdfs_rename(const char *from, const char *to) TN_MUST_USE;
tn_error *tn_hdfs_remove(const char *url, bool tree) TN_MUST_USE;

/* hdfs_write.c */
tn_error *tn_hdfs_create(const char *url, tn_write_mode mode, tn_file_writer **out) TN_MUST_USE;
tn_error *tn_hdfs_write(tn_file_writer *writer, const void *data, size_t size) TN_MUST_USE;
tn_error *tn_hdfs_flush(tn_file_writer *writer) TN_MUST_USE;
tn_error *tn_hdfs_commit(tn_file_writer *writer) TN_MUST_USE;
void tn_hdfs_abandon(tn_file_writer *writer);

#endif
