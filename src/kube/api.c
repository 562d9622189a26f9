/* The Kubernetes API over libcurl's multi interface. */
#include "kube/api.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/str.h"
#include "io/file.h"

enum {
  MOST_CONNECTIONS = 48,
  MOST_REPLY = 256 << 20,
  MOST_LINE = 16 << 20,
  CONNECT_S = 5,
  TIMEOUT_S = 60,
  SILENT_S = 400
};

struct tn_api_call {
  tn_api *api;
  CURL *curl;
  struct curl_slist *headers;
  char *body;
  tn_str received;
  bool streams, text, aside;
  tn_api_line *line;
  tn_api_done *done;
  void *argument;
  char reason[CURL_ERROR_SIZE];
  tn_api_call *next, **link; /* in the list of calls */
};

/* A credential's file as it was last read. */
typedef struct file_copy {
  struct timespec changed;
  char *data;
  size_t size;
} file_copy;

struct tn_api {
  const tn_kube_config *config;
  file_copy ca, certificate, key;
  CURLM *multi;
  tn_api_call *calls;
  int in_flight;
};

static void unlink_call(tn_api_call *call) {
  *call->link = call->next;
  if (call->next) call->next->link = call->link;
  if (!call->streams && !call->aside) call->api->in_flight--;
}

static void free_call(tn_api_call *call) {
  curl_multi_remove_handle(call->api->multi, call->curl);
  curl_easy_cleanup(call->curl);
  curl_slist_free_all(call->headers);
  tn_free(call->body);
  tn_str_clear(&call->received);
  tn_free(call);
}

static void give_line(tn_api_call *call, const char *text, size_t size) {
  json_t *line = NULL;
  if (call->text) {
    line = json_stringn(text, size);
    if (!line) line = json_string("(a line that is not UTF-8)");
  } else if (size) {
    tn_error_free(
        tn_json_parse("watch", text, size, &line)); /* a line that is cut off ends the watch, which is resumed */
  }
  if (line) call->line(call->argument, line);
  json_decref(line);
}

static size_t receive(char *data, size_t size, size_t n, void *argument) {
  tn_api_call *call = argument;
  size_t bytes = size * n;
  long status = 0;
  curl_easy_getinfo(call->curl, CURLINFO_RESPONSE_CODE, &status);
  if (call->received.size + bytes > (call->streams ? (size_t)MOST_LINE : (size_t)MOST_REPLY)) return 0;
  if (!call->streams || status != 200) {
    tn_str_add_bytes(&call->received, data, bytes);
    return call->received.failed ? 0 : bytes;
  }
  for (const char *at = data, *end = data + bytes; at < end;) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    tn_str_add_bytes(&call->received, at, (size_t)((stop ? stop : end) - at));
    if (call->received.failed) return 0;
    if (stop) {
      give_line(call, call->received.data ? call->received.data : "", call->received.size);
      tn_str_clear(&call->received);
    }
    at = stop ? stop + 1 : end;
  }
  return bytes;
}

/* Reads a credential's file again if it is another than before: certificates are replaced while we run. */
static tn_error *refresh(const tn_credential *from, file_copy *copy) {
  struct stat now;
  if (!from->path || from->data) return NULL;
  if (!stat(from->path, &now) && copy->data && !memcmp(&now.st_mtim, &copy->changed, sizeof copy->changed)) return NULL;
  char *data;
  size_t size;
  TN_TRY(tn_file_read(from->path, &data, &size));
  tn_free(copy->data);
  *copy = (file_copy){now.st_mtim, data, size};
  return NULL;
}

/* Bytes and not a path: connections that were made with other bytes are not used again. */
static tn_error *set_blob(CURL *curl, CURLoption option, const tn_credential *from, file_copy *copy) {
  TN_TRY(refresh(from, copy));
  struct curl_blob bytes = {from->data ? from->data : copy->data, from->data ? from->size : copy->size, CURL_BLOB_COPY};
  if (bytes.data) curl_easy_setopt(curl, option, &bytes);
  return NULL;
}

/* The header that says who we are. A token's file is read each time: tokens are replaced while we run. */
static tn_error *add_token(tn_api_call *call, const tn_credential *token) {
  char *text = NULL;
  size_t size = token->size;
  if (token->path) TN_TRY(tn_file_read(token->path, &text, &size));
  if (!text && !token->data) return NULL;
  tn_str header = {0};
  const char *value = text ? text : token->data;
  while (size && (value[size - 1] == '\n' || value[size - 1] == ' ')) size--;
  tn_str_addf(&header, "Authorization: Bearer %.*s", (int)size, value);
  if (header.data) call->headers = curl_slist_append(call->headers, header.data);
  tn_str_clear(&header);
  tn_free(text);
  return NULL;
}

static tn_error *set_security(tn_api_call *call) {
  const tn_kube_config *config = call->api->config;
  CURL *curl = call->curl;
  tn_api *api = call->api;
  TN_TRY(set_blob(curl, CURLOPT_CAINFO_BLOB, &config->ca, &api->ca));
  TN_TRY(set_blob(curl, CURLOPT_SSLCERT_BLOB, &config->certificate, &api->certificate));
  TN_TRY(set_blob(curl, CURLOPT_SSLKEY_BLOB, &config->key, &api->key));
  if (!config->insecure) return NULL;
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
  return NULL;
}

static tn_error *set_options(tn_api_call *call, const tn_api_request *request) {
  CURL *curl = call->curl;
  tn_str url = {0};
  tn_str_addf(&url, "%s%s", call->aside ? request->elsewhere : call->api->config->server, request->path);
  if (url.data) curl_easy_setopt(curl, CURLOPT_URL, url.data);
  tn_str_clear(&url);
  if (!call->aside) TN_TRY(set_security(call));
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_PRIVATE, call);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, call->reason);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, call);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
  /* Many requests over one connection would be HTTP/2's part, but curl 7.88 forgets some of them there until their time
   * is over (seen here: a first list that took a minute). */
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, call->streams ? NULL : "");
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "tenon/" TN_VERSION);
  if (call->streams) {
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)SILENT_S);
  } else {
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)(request->timeout_s ? request->timeout_s : TIMEOUT_S));
  }
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
  if (request->body) {
    char type[96];
    snprintf(type, sizeof type, "Content-Type: %s", request->content_type ? request->content_type : "application/json");
    call->headers = curl_slist_append(call->headers, type);
    call->body = json_dumps(request->body, JSON_COMPACT | JSON_ENCODE_ANY);
    if (!call->body) return tn_out_of_memory();
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(call->body));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call->body);
  }
  call->headers = curl_slist_append(call->headers, "Accept: application/json");
  if (!call->aside) TN_TRY(add_token(call, &call->api->config->token));
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, call->headers);
  return NULL;
}

static tn_error *start(tn_api_call *call, const tn_api_request *request) {
  call->curl = curl_easy_init();
  if (!call->curl) return tn_out_of_memory();
  TN_TRY(set_options(call, request));
  if (curl_multi_add_handle(call->api->multi, call->curl)) return tn_out_of_memory();
  tn_api *api = call->api;
  call->next = api->calls;
  call->link = &api->calls;
  if (call->next) call->next->link = &call->next;
  api->calls = call;
  if (!call->streams && !call->aside) api->in_flight++;
  return NULL;
}

/* Begins CALL, which is filled in but for what curl needs. */
static tn_error *begin(tn_api_call call, const tn_api_request *request, tn_api_call **out) {
  tn_api_call *made = tn_malloc(sizeof *made);
  if (!made) return tn_out_of_memory();
  *made = call;
  tn_error *error = start(made, request);
  if (error) {
    free_call(made);
    return error;
  }
  if (out) *out = made;
  return NULL;
}

tn_error *tn_api_send(tn_api *api, const tn_api_request *request, tn_api_done *done, void *argument) {
  tn_api_call call = {.api = api, .done = done, .argument = argument, .aside = request->elsewhere != NULL};
  return begin(call, request, NULL);
}

tn_error *tn_api_stream(tn_api *api, const tn_api_watch *watch, tn_api_call **out) {
  tn_api_request request = {.method = "GET", .path = watch->path};
  tn_api_call call = {.api = api,
                      .streams = true,
                      .text = watch->text,
                      .line = watch->line,
                      .done = watch->done,
                      .argument = watch->argument};
  return begin(call, &request, out);
}

void tn_api_stop(tn_api *api, tn_api_call *call) {
  (void)api;
  unlink_call(call);
  free_call(call);
}

static tn_code code_of(long status, const char *reason) {
  if (status == 409) return reason && !strcmp(reason, "AlreadyExists") ? TN_ALREADY_EXISTS : TN_ABORTED;
  return status == 400 || status == 422 ? TN_INVALID_ARGUMENT
         : status == 401                ? TN_UNAUTHENTICATED
         : status == 403                ? TN_PERMISSION_DENIED
         : status == 404                ? TN_NOT_FOUND
         : status == 410                ? TN_OUT_OF_RANGE
         : status == 429                ? TN_RESOURCE_EXHAUSTED
         : status >= 500                ? TN_UNAVAILABLE
                                        : TN_UNKNOWN;
}

/* What to do about a refusal that is worded tersely; "" if its own words say it. */
static const char *advice(const char *message, tn_code code) {
  static const struct {
    tn_code code;
    const char *words, *advice;
  } known[] = {{TN_UNAUTHENTICATED, "",
                ": the certificate or token is expired or another cluster's; get a new kubeconfig, or a token by "
                "`kubectl create "
                "token`"},
               {TN_PERMISSION_DENIED, "cannot", ": somebody who administers the cluster has to grant that"},
               {TN_NOT_FOUND, "could not find the requested resource",
                ": the cluster does not know this type; `tenon install` brings it"},
               {TN_INVALID_ARGUMENT, "unknown field",
                ": it is misspelled, or the type in the cluster is older than this command; `tenon install "
                "--crds-only` brings it "
                "up to date"},
               {TN_UNAVAILABLE, "certificate",
                ": does the kubeconfig name this cluster's certificate authority, and is this machine's clock right?"}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (known[i].code == code && strstr(message, known[i].words)) return known[i].advice;
  return "";
}

/* What came back, as a value or an error. */
static tn_error *result(tn_api_call *call, CURLcode code, json_t **out) {
  long status = 0;
  curl_easy_getinfo(call->curl, CURLINFO_RESPONSE_CODE, &status);
  if (code != CURLE_OK) {
    tn_code kind = code == CURLE_OPERATION_TIMEDOUT ? TN_DEADLINE_EXCEEDED : TN_UNAVAILABLE;
    const char *why = *call->reason ? call->reason : curl_easy_strerror(code);
    return tn_errorf(kind, "%s: %s%s", call->aside ? "the task" : call->api->config->server, why, advice(why, kind));
  }
  if (call->streams && status == 200) {
    if (call->text && call->received.size) give_line(call, call->received.data, call->received.size);
    return NULL;
  }
  json_t *reply = NULL;
  tn_error *error =
      tn_json_parse("the answer", call->received.data ? call->received.data : "", call->received.size, &reply);
  if (status >= 200 && status < 300) {
    if (!error) *out = reply;
    return error;
  }
  tn_error_free(error);
  const char *message = tn_json_text(reply, "message");
  if (!message && status == 404) message = "the server could not find the requested resource"; /* a text says so */
  tn_code kind = code_of(status, tn_json_text(reply, "reason"));
  error = tn_errorf(kind, "%s%s", message ? message : "the apiserver refused without saying why",
                    message ? advice(message, kind) : "");
  if (!message) error = tn_error_context(error, "HTTP status %ld", status);
  json_decref(reply);
  return error;
}

static void finish(tn_api_call *call, CURLcode code) {
  json_t *reply = NULL;
  tn_error *error = result(call, code, &reply);
  unlink_call(call);
  call->done(call->argument, error, reply);
  json_decref(reply);
  free_call(call);
}

tn_error *tn_api_poll(tn_api *api, int timeout_ms) {
  int running, left;
  CURLMcode code = curl_multi_perform(api->multi, &running);
  bool any = false;
  for (CURLMsg *m; (m = curl_multi_info_read(api->multi, &left));) {
    if (m->msg != CURLMSG_DONE) continue;
    tn_api_call *call = NULL;
    curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&call);
    CURLcode outcome = m->data.result;
    finish(call, outcome);
    any = true;
  }
  if (!code && !any) code = curl_multi_poll(api->multi, NULL, 0, timeout_ms, NULL);
  return code ? tn_errorf(TN_INTERNAL, "the HTTP client: %s", curl_multi_strerror(code)) : NULL;
}

void tn_api_wake(tn_api *api) { curl_multi_wakeup(api->multi); }

int tn_api_in_flight(const tn_api *api) { return api->in_flight; }

tn_error *tn_api_new(const tn_kube_config *config, tn_api **out) {
  tn_api *api = tn_calloc(1, sizeof *api);
  if (!api) return tn_out_of_memory();
  curl_global_init(CURL_GLOBAL_DEFAULT);
  api->config = config;
  api->multi = curl_multi_init();
  if (!api->multi) {
    tn_free(api);
    return tn_out_of_memory();
  }
  curl_multi_setopt(api->multi, CURLMOPT_MAXCONNECTS, (long)MOST_CONNECTIONS);
  *out = api;
  return NULL;
}

void tn_api_free(tn_api *api) {
  if (!api) return;
  while (api->calls) tn_api_stop(api, api->calls);
  curl_multi_cleanup(api->multi);
  tn_free(api->ca.data);
  tn_free(api->certificate.data);
  tn_free(api->key.data);
  tn_free(api);
}

typedef struct answer {
  bool done;
  tn_error *error;
  json_t *reply;
} answer;

static void keep(void *argument, tn_error *error, json_t *reply) {
  *(answer *)argument = (answer){true, error, json_incref(reply)};
}

tn_error *tn_api_ask(tn_api *api, const tn_api_request *request, json_t **out) {
  answer a = {0};
  TN_TRY(tn_api_send(api, request, keep, &a));
  while (!a.done) TN_TRY(tn_api_poll(api, 1000));
  if (a.error || !out)
    json_decref(a.reply);
  else
    *out = a.reply;
  return a.error;
}

tn_error *tn_api_do(tn_api *api, const char *method, const char *path, const json_t *body, json_t **out) {
  return tn_api_ask(api, &(tn_api_request){.method = method, .path = path, .body = body}, out);
}
