/* Requests to WebHDFS: which name nodes there are, who asks, redirects to data nodes, and what refusals mean. */
#include "io/remote/hdfs.h"

#include <pwd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/file.h"
#include "io/remote/document.h"

enum { MOST_NAME_NODES = 8 };

const char *tn_hdfs_path(const char *url) {
  const char *path = strstr(url, "://");
  path = path ? strchr(path + 3, '/') : NULL;
  return path ? path : "/";
}

/* The host of URL without its port and user; *PORT is where the port's digits are, or empty. */
static void split_host(const char *url, const char **host, size_t *size, const char **port) {
  const char *begin = strstr(url, "://") + 3, *end = begin + strcspn(begin, "/");
  const char *user = memchr(begin, '@', (size_t)(end - begin));
  *host = user ? user + 1 : begin;
  const char *bracket = memchr(*host, ']', (size_t)(end - *host)), *colon;
  colon = memchr(bracket ? bracket : *host, ':', (size_t)(end - (bracket ? bracket : *host)));
  *size = (size_t)((colon ? colon : end) - *host);
  *port = colon ? colon + 1 : end;
}

/* Adds "http://host:port" for name node NUMBER of URL; nothing if there is none.
 * TENON_HDFS_HTTP names a port, or hosts with ports and maybe schemes, with commas between them. */
static void add_server(tn_str *to, const char *url, int number) {
  const char *host, *port, *set = getenv("TENON_HDFS_HTTP");
  size_t size;
  split_host(url, &host, &size, &port);
  bool web = strncmp(url, "hdfs", 4) != 0, secure = url[0] == 's';
  if (!web && set && *set && strspn(set, "0123456789") != strlen(set)) {
    for (; number && set; number--) set = strchr(set, ',') ? strchr(set, ',') + 1 : NULL;
    size_t n = set ? strcspn(set, ",") : 0;
    if (n) tn_str_addf(to, "%s%.*s", memmem(set, n, "://", 3) ? "" : "http://", (int)n, set);
    return;
  }
  if (number || !size) return;
  const char *usual = secure ? "9871" : "9870";
  if (!web && set && *set) usual = set;
  size_t digits = web ? strspn(port, "0123456789") : 0;
  tn_str_addf(to, "%s://%.*s:%.*s", secure ? "https" : "http", (int)size, host, digits ? (int)digits : 5,
              digits ? port : usual);
}

/* The first line of a file whose path the environment holds; it is read each time, since tokens are renewed. */
static bool add_token_of_file(tn_str *to) {
  const char *path = getenv("TENON_HDFS_TOKEN_FILE");
  char *text;
  size_t size;
  if (!path || !*path) return false;
  tn_error *error = tn_file_read(path, &text, &size);
  if (error) {
    tn_error_free(error);
    return false;
  }
  text[strcspn(text, "\r\n")] = 0;
  tn_http_escape(to, text, "");
  tn_free(text);
  return true;
}

/* Who asks: a delegation token, or a name where Hadoop believes names. */
static void add_identity(tn_str *to, const char *url) {
  const char *token = getenv("TENON_HDFS_TOKEN"), *name = getenv("HADOOP_USER_NAME"), *host, *port;
  size_t size, before = to->size;
  tn_str_add(to, "&delegation=");
  if (add_token_of_file(to)) return;
  if (token && *token) {
    tn_http_escape(to, token, "");
    return;
  }
  to->size = before;
  tn_str_add(to, "&user.name=");
  split_host(url, &host, &size, &port);
  const char *begin = strstr(url, "://") + 3;
  char user[64], room[1024];
  if (host > begin) {
    snprintf(user, sizeof user, "%.*s", (int)(host - 1 - begin), begin);
    name = user;
  }
  struct passwd own, *found = NULL;
  if (!name || !*name) getpwuid_r(geteuid(), &own, room, sizeof room, &found);
  if (found) name = found->pw_name;
  tn_http_escape(to, name && *name ? name : "nobody", "");
}

/* --- refusals --- */

typedef struct refusal {
  tn_str name, message;
} refusal;

static tn_error *read_refusal(void *argument, const char *path, const char *text) {
  refusal *r = argument;
  if (!text) return NULL;
  if (!strcmp(path, "RemoteException/exception")) tn_str_add(&r->name, text);
  if (!strcmp(path, "RemoteException/message")) tn_str_addf(&r->message, "%.*s", (int)strcspn(text, "\n"), text);
  return NULL;
}

static const struct {
  const char *name;
  tn_code code;
} exceptions[] = {{"FileNotFoundException", TN_NOT_FOUND},
                  {"AccessControlException", TN_PERMISSION_DENIED},
                  {"SecurityException", TN_UNAUTHENTICATED},
                  {"InvalidToken", TN_UNAUTHENTICATED},
                  {"FileAlreadyExistsException", TN_ALREADY_EXISTS},
                  {"PathIsNotEmptyDirectoryException", TN_FAILED_PRECONDITION},
                  {"ParentNotDirectoryException", TN_FAILED_PRECONDITION},
                  {"DSQuotaExceededException", TN_RESOURCE_EXHAUSTED},
                  {"NSQuotaExceededException", TN_RESOURCE_EXHAUSTED},
                  {"IllegalArgumentException", TN_INVALID_ARGUMENT},
                  {"UnsupportedOperationException", TN_UNIMPLEMENTED},
                  /* what passes: another name node, a file that its last writer has not let go yet, a cluster that
                   * starts, too few data nodes for the moment */
                  {"StandbyException", TN_UNAVAILABLE},
                  {"RetriableException", TN_UNAVAILABLE},
                  {"SafeModeException", TN_UNAVAILABLE},
                  {"AlreadyBeingCreatedException", TN_UNAVAILABLE},
                  {"RecoveryInProgressException", TN_UNAVAILABLE},
                  {"LeaseExpiredException", TN_UNAVAILABLE},
                  {"IOException", TN_UNAVAILABLE}};

static tn_code code_of(long status, const char *name) {
  for (size_t i = 0; name && i < sizeof exceptions / sizeof *exceptions; i++)
    if (!strcmp(exceptions[i].name, name)) return exceptions[i].code;
  return status == 401                                     ? TN_UNAUTHENTICATED
         : status == 403                                   ? TN_PERMISSION_DENIED
         : status == 404                                   ? TN_NOT_FOUND
         : status == 408 || status == 429 || status >= 500 ? TN_UNAVAILABLE
                                                           : TN_UNKNOWN;
}

/* NULL for a success; *REPLY stays. */
static tn_error *judge(const tn_http_reply *reply) {
  if (reply->status >= 200 && reply->status < 300) return NULL;
  refusal r = {0};
  const char *text = reply->text.data ? reply->text.data : "";
  tn_error_free(tn_json_walk(text, reply->text.size, read_refusal, &r));
  tn_error *error = r.name.data
                        ? tn_errorf(code_of(reply->status, r.name.data), "HTTP status %ld, %s: %s", reply->status,
                                    r.name.data, r.message.data ? r.message.data : "")
                        : tn_errorf(code_of(reply->status, NULL), "HTTP status %ld: %.300s", reply->status, text);
  tn_str_clear(&r.name);
  tn_str_clear(&r.message);
  return error;
}

/* --- requests --- */

/* The second half of what sends data: to the data node that the first answer names. */
static tn_error *send_body(const tn_hdfs_call *call, tn_http_reply *reply) {
  if (reply->status != 307 && reply->status != 302 && reply->status != 303) {
    TN_TRY(judge(reply));
    return tn_errorf(TN_FAILED_PRECONDITION, "the name node did not say where to send the data (HTTP status %ld)",
                     reply->status);
  }
  char *to = tn_strdup(tn_http_header(reply, "Location"));
  if (!to) return tn_out_of_memory();
  /* Without waiting for "100 Continue": a data node does not say it. */
  static const char *const headers[] = {"Content-Type: application/octet-stream", "Expect:", NULL};
  tn_http_request request = {
      .method = call->method, .url = to, .headers = headers, .body = call->body, .body_size = call->size, .once = true};
  tn_http_clear(reply);
  tn_error *error = tn_http(&request, reply);
  if (!error) error = judge(reply);
  tn_free(to);
  return error;
}

/* Adds a path without the "/" at its end. */
static void add_path(tn_str *to, const char *path) {
  size_t size = strlen(path);
  while (size > 1 && path[size - 1] == '/') size--;
  char *plain = tn_strndup(path, size);
  if (plain)
    tn_http_escape(to, plain, "/");
  else
    to->failed = true;
  tn_free(plain);
}

static tn_error *try_server(const tn_hdfs_call *call, const char *server, tn_avoid *avoid, tn_http_reply *reply) {
  tn_str url = {0};
  tn_str_addf(&url, "%s/webhdfs/v1", server);
  add_path(&url, tn_hdfs_path(call->url));
  tn_str_addf(&url, "?op=%s%s", call->op, call->parameters ? call->parameters : "");
  add_identity(&url, call->url);
  if (avoid && *avoid->servers) {
    tn_str_add(&url, "&excludedatanodes=");
    tn_http_escape(&url, avoid->servers, "");
  }
  if (url.failed) {
    tn_str_clear(&url);
    return tn_out_of_memory();
  }
  tn_http_request request = {.method = call->method,
                             .url = url.data,
                             .into = call->into,
                             .room = call->room,
                             .follows = !call->sends,
                             .once = call->once};
  tn_error *error = tn_http(&request, reply);
  if (!error) error = call->sends ? send_body(call, reply) : judge(reply);
  tn_str_clear(&url);
  return error;
}

/* Which server to leave out next time, if it was a data node that failed. */
static void note_failure(tn_avoid *avoid, const char *name_node, const tn_http_reply *reply) {
  const char *from = reply->from.data;
  if (!avoid || !from || !strcmp(from, strstr(name_node, "://") + 3)) return;
  size_t host = strcspn(from, ":");
  snprintf(avoid->servers, sizeof avoid->servers, "%.*s", (int)host, from);
}

tn_error *tn_hdfs_try(const tn_hdfs_call *call, tn_avoid *avoid, tn_http_reply *reply) {
  static atomic_int active; /* the name node that answered last */
  int first = atomic_load(&active);
  tn_error *error = NULL;
  bool any = false;
  *reply = (tn_http_reply){0};
  for (int i = 0; i < MOST_NAME_NODES && (!any || error); i++) {
    int number = (first + i) % MOST_NAME_NODES;
    tn_str server = {0};
    add_server(&server, call->url, number);
    if (!server.size) continue;
    if (error && tn_error_code(error) != TN_UNAVAILABLE && tn_error_code(error) != TN_DEADLINE_EXCEEDED) {
      tn_str_clear(&server);
      break;
    }
    tn_error_free(error);
    tn_http_clear(reply);
    any = true;
    error = try_server(call, server.data, avoid, reply);
    if (!error) atomic_store(&active, number);
    if (error) {
      note_failure(avoid, server.data, reply);
      error = tn_error_context(error, "%s: %s at %s", call->url, call->op,
                               reply->from.data ? reply->from.data : server.data);
    }
    tn_str_clear(&server);
  }
  if (any) return error;
  return tn_errorf(TN_INVALID_ARGUMENT,
                   "%s names no host: write hdfs://NAMENODE/path, or set TENON_HDFS_HTTP=NAMENODE:9870", call->url);
}

tn_error *tn_hdfs_ask(const tn_hdfs_call *call, tn_http_reply *reply) {
  tn_retry retry = {0};
  tn_avoid avoid = {0};
  tn_http_reply own;
  tn_error *error;
  do {
    error = tn_hdfs_try(call, &avoid, &own);
    if (error || !reply) tn_http_clear(&own);
  } while (error && tn_retry_after(&retry, &error));
  if (!error && reply) *reply = own;
  return error;
}
