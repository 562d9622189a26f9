/* Leader election. Times of other machines are not trusted: a lease is over when it has not changed for its whole
 * length by our own clock. */
#include "kube/lease.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/thread.h"

#define SECOND_NS 1000000000LL

struct tn_lease {
  tn_api *api;
  char collection[256], path[320], ns[128], name[128], identity[192];
  bool waits, held, lost;
  json_t *seen;       /* the object as it last came */
  int64_t changed_at; /* when we saw it change */
  int64_t renewed_at, asked_at, again_at;
};

static void micro_time(char text[48]) {
  struct timespec now;
  struct tm parts;
  clock_gettime(CLOCK_REALTIME, &now);
  gmtime_r(&now.tv_sec, &parts);
  size_t n = strftime(text, 32, "%Y-%m-%dT%H:%M:%S", &parts);
  snprintf(text + n, 48 - n, ".%06ldZ", now.tv_nsec / 1000);
}

/* The Lease that makes us the holder, or with "" nobody; built on what was seen. */
static json_t *wanted(const tn_lease *lease, const char *holder) {
  char now[48];
  micro_time(now);
  const char *before = tn_json_text(lease->seen, "spec.holderIdentity"),
             *since = tn_json_text(lease->seen, "spec.acquireTime");
  bool same = before && !strcmp(before, lease->identity) && since;
  int64_t changes = tn_json_int(lease->seen, "spec.leaseTransitions", 0) + (lease->seen && !same);
  json_t *metadata = json_pack("{ss,ss}", "name", lease->name, "namespace", lease->ns);
  const char *version = tn_json_text(lease->seen, "metadata.resourceVersion");
  if (version) tn_json_put(metadata, "resourceVersion", json_string(version));
  return json_pack("{ss,ss,so,s{ss,si,ss,ss,sI}}", "apiVersion", "coordination.k8s.io/v1", "kind", "Lease", "metadata",
                   metadata, "spec", "holderIdentity", holder, "leaseDurationSeconds", *holder ? TN_LEASE_S : 1,
                   "acquireTime", same ? since : now, "renewTime", now, "leaseTransitions", (json_int_t)changes);
}

static void took(void *argument, tn_error *error, json_t *reply) {
  tn_lease *lease = argument;
  lease->waits = false;
  if (!error) {
    lease->held = true;
    lease->renewed_at = lease->asked_at;
    json_decref(lease->seen);
    lease->seen = json_incref(reply);
  }
  if (tn_error_code(error) == TN_ABORTED || tn_error_code(error) == TN_ALREADY_EXISTS) {
    json_decref(lease->seen); /* somebody else was quicker: look again */
    lease->seen = NULL;
  }
  lease->again_at = tn_now_ns() + TN_LEASE_RENEW_S * SECOND_NS / (error ? 4 : 1);
  tn_error_free(error);
}

static void take(tn_lease *lease) {
  json_t *body = wanted(lease, lease->identity);
  tn_api_request request = {.method = lease->seen ? "PUT" : "POST",
                            .path = lease->seen ? lease->path : lease->collection,
                            .body = body,
                            .timeout_s = 5};
  lease->asked_at = tn_now_ns();
  tn_error *error = tn_api_send(lease->api, &request, took, lease);
  lease->waits = !error;
  tn_error_free(error);
  json_decref(body);
}

static void looked(void *argument, tn_error *error, json_t *reply) {
  tn_lease *lease = argument;
  int64_t now = tn_now_ns();
  tn_code code = tn_error_code(error);
  lease->waits = false;
  lease->again_at = now + SECOND_NS;
  tn_error_free(error);
  if (code == TN_NOT_FOUND) {
    json_decref(lease->seen);
    lease->seen = NULL;
    take(lease);
    return;
  }
  if (code) return;
  const char *version = tn_json_text(reply, "metadata.resourceVersion"),
             *old = tn_json_text(lease->seen, "metadata.resourceVersion");
  if (!old || !version || strcmp(old, version)) lease->changed_at = now;
  json_decref(lease->seen);
  lease->seen = json_incref(reply);
  const char *holder = tn_json_text(reply, "spec.holderIdentity");
  int64_t length = tn_json_int(reply, "spec.leaseDurationSeconds", TN_LEASE_S) * SECOND_NS;
  bool free = !holder || !*holder || !strcmp(holder, lease->identity);
  if (free || now - lease->changed_at > length) take(lease);
}

int64_t tn_lease_step(tn_lease *lease, int64_t now_ns) {
  if (lease->held && now_ns - lease->renewed_at > TN_LEASE_GIVE_UP_S * SECOND_NS) {
    lease->held = false;
    lease->lost = true;
  }
  int64_t limit = lease->held ? lease->renewed_at + TN_LEASE_GIVE_UP_S * SECOND_NS + 1 : INT64_MAX;
  if (lease->waits) return limit;
  if (lease->again_at > now_ns) return lease->again_at < limit ? lease->again_at : limit;
  if (lease->held && lease->seen) {
    take(lease);
    return limit;
  }
  tn_api_request request = {.method = "GET", .path = lease->path, .timeout_s = 5};
  tn_error *error = tn_api_send(lease->api, &request, looked, lease);
  lease->waits = !error;
  lease->again_at = now_ns + SECOND_NS;
  tn_error_free(error);
  return lease->waits ? limit : lease->again_at;
}

bool tn_lease_held(const tn_lease *lease) { return lease->held; }
bool tn_lease_lost(const tn_lease *lease) { return lease->lost; }

void tn_lease_release(tn_lease *lease) {
  if (!lease->held || lease->waits || !lease->seen) return;
  json_t *body = wanted(lease, "");
  tn_error_free(tn_api_ask(
      lease->api, &(tn_api_request){.method = "PUT", .path = lease->path, .body = body, .timeout_s = 3}, NULL));
  json_decref(body);
  lease->held = false;
}

tn_error *tn_lease_new(tn_api *api, const char *ns, const char *name, const char *identity, tn_lease **out) {
  tn_lease *lease = tn_calloc(1, sizeof *lease);
  if (!lease) return tn_out_of_memory();
  lease->api = api;
  snprintf(lease->ns, sizeof lease->ns, "%s", ns);
  snprintf(lease->name, sizeof lease->name, "%s", name);
  snprintf(lease->identity, sizeof lease->identity, "%s", identity);
  snprintf(lease->collection, sizeof lease->collection, "/apis/coordination.k8s.io/v1/namespaces/%s/leases", lease->ns);
  snprintf(lease->path, sizeof lease->path, "%.190s/%.120s", lease->collection, lease->name);
  *out = lease;
  return NULL;
}

void tn_lease_free(tn_lease *lease) {
  if (!lease) return;
  json_decref(lease->seen);
  tn_free(lease);
}
