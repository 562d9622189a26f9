/* The Kubernetes API over HTTP: requests and watches that run side by side in one thread, which drives them with
 * tn_api_poll. */
#ifndef TN_KUBE_API_H
#define TN_KUBE_API_H

#include "kube/config.h"
#include "kube/json.h"

typedef struct tn_api tn_api;
typedef struct tn_api_call tn_api_call;

typedef struct tn_api_request {
  const char *method;       /* "GET", "POST", "PUT", "PATCH", "DELETE" */
  const char *path;         /* "/api/v1/...", with its query */
  const char *content_type; /* of BODY; NULL: JSON */
  const json_t *body;       /* NULL: none */
  int timeout_s;            /* 0: 60 */
  const char *elsewhere; /* "http://HOST:PORT": another server than the apiserver, which gets no credentials and whose
                          * answers nobody waits for at the end (tn_api_in_flight); NULL */
} tn_api_request;

/* Called once, from tn_api_poll. ERROR is the callee's; REPLY is borrowed and NULL with an error. Codes: NOT_FOUND
 * (404), ALREADY_EXISTS and ABORTED (409: there is one; it was changed in between), PERMISSION_DENIED (403),
 * UNAUTHENTICATED (401), INVALID_ARGUMENT (400, 422), OUT_OF_RANGE (410: too old), RESOURCE_EXHAUSTED (429),
 * UNAVAILABLE (no answer, 5xx). */
typedef void tn_api_done(void *argument, tn_error *error, json_t *reply);
/* A line of a watch, or of a log (then a JSON string). */
typedef void tn_api_line(void *argument, json_t *line);

/* CONFIG is borrowed and outlives the API. */
tn_error *tn_api_new(const tn_kube_config *config, tn_api **out) TN_MUST_USE;
/* Ends what is on its way without calling anybody. */
void tn_api_free(tn_api *api);

/* Begins a request. */
tn_error *tn_api_send(tn_api *api, const tn_api_request *request, tn_api_done *done, void *argument) TN_MUST_USE;
/* A GET whose answer comes line by line, until the server or tn_api_stop ends it. */
typedef struct tn_api_watch {
  const char *path;
  bool text; /* the lines are no JSON */
  tn_api_line *line;
  tn_api_done *done;
  void *argument;
} tn_api_watch;
/* Begins one. *OUT (may be NULL) is valid until its DONE is called. */
tn_error *tn_api_stream(tn_api *api, const tn_api_watch *watch, tn_api_call **out) TN_MUST_USE;
/* Ends it; nobody is called any more. */
void tn_api_stop(tn_api *api, tn_api_call *call);
/* Moves everything on; waits for at most TIMEOUT_MS if there is nothing to do. */
tn_error *tn_api_poll(tn_api *api, int timeout_ms) TN_MUST_USE;
/* Makes a tn_api_poll that waits return. From any thread, and from signal handlers' side threads. */
void tn_api_wake(tn_api *api);
/* Requests on their way, without streams. */
int tn_api_in_flight(const tn_api *api);

/* One request from beginning to end; *OUT (may be NULL) is a new reference. Only where nothing else is on its way. */
tn_error *tn_api_do(tn_api *api, const char *method, const char *path, const json_t *body, json_t **out) TN_MUST_USE;
/* The same with all that a request has. */
tn_error *tn_api_ask(tn_api *api, const tn_api_request *request, json_t **out) TN_MUST_USE;

#define TN_MERGE_PATCH "application/merge-patch+json"
#define TN_JSON_PATCH  "application/json-patch+json"
#define TN_APPLY_PATCH "application/apply-patch+yaml"

#endif
