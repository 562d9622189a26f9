/* Events about jobs. They are told, not guaranteed: one that is refused is only logged. */
#include <stdio.h>
#include <string.h>

#include "base/thread.h"
#include "kube/operator_internal.h"

enum { MOST_MESSAGE = 1024 };

static void sent(void *argument, tn_error *error, json_t *reply) {
  (void)argument, (void)reply;
  if (error) tn_kube_log("warning", NULL, "an event was not recorded: %s", tn_error_message(error));
  tn_error_free(error);
}

void tn_event_send(tn_operator *o, const json_t *job, const json_t *event) {
  char path[768], now[32], message[MOST_MESSAGE];
  const char *ns = tn_json_text(job, "metadata.namespace"), *name = tn_json_text(job, "metadata.name");
  const char *uid = tn_json_text(job, "metadata.uid"), *version = tn_json_text(job, "metadata.resourceVersion");
  const tn_job_kind *kind = tn_job_kind_of(job);
  snprintf(message, sizeof message, "%s", tn_json_text(event, "message"));
  tn_time_text(tn_wall_ns() / 1000000000, now);
  json_t *generated = tn_json_textf("%.200s.", name),
         *about = json_pack("{ss,ss,ss,ss,ss*,ss*}", "apiVersion", kind->api_version, "kind", kind->kind, "name", name,
                            "namespace", ns, "uid", uid, "resourceVersion", version);
  json_t *body =
      json_pack("{ss,ss,s{so,ss},so,ss,ss,ss,s{ss},ss,ss,si}", "apiVersion", "v1", "kind", "Event", "metadata",
                "generateName", generated, "namespace", ns, "involvedObject", about, "type",
                tn_json_text(event, "type"), "reason", tn_json_text(event, "reason"), "message", message, "source",
                "component", "tenon-operator", "firstTimestamp", now, "lastTimestamp", now, "count", 1);
  snprintf(path, sizeof path, "/api/v1/namespaces/%s/events", ns);
  tn_error *error =
      body ? tn_api_send(o->api, &(tn_api_request){.method = "POST", .path = path, .body = body}, sent, o) : NULL;
  if (error) sent(NULL, error, NULL);
  json_decref(body);
}
