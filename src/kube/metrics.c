/* Counters under a lock, their text, and libmicrohttpd in front of it. */
#include "kube/metrics.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/map.h"
#include "base/str.h"
#include "base/thread.h"

static const struct {
  const char *name, *help;
} counters[TN_N_COUNTERS] = {
    [TN_JOBS_CREATED] = {"jobs_created_total", "Jobs that were accepted"},
    [TN_JOBS_SUCCESSFUL] = {"jobs_successful_total", "Jobs that succeeded"},
    [TN_JOBS_FAILED] = {"jobs_failed_total", "Jobs that failed"},
    [TN_JOBS_RESTARTED] = {"jobs_restarted_total", "Times that replicas of a job began to be started again"},
    [TN_JOBS_DELETED] = {"jobs_deleted_total", "Jobs that are gone"},
    [TN_PODS_CREATED] = {"pods_created_total", "Pods that the operator created"},
    [TN_PODS_DELETED] = {"pods_deleted_total", "Pods that the operator deleted"},
    [TN_SERVICES_CREATED] = {"services_created_total", "Services that the operator created"},
    [TN_SERVICES_DELETED] = {"services_deleted_total", "Services that the operator deleted"},
    [TN_API_ERRORS] = {"api_errors_total", "Requests that the apiserver refused or did not answer"},
};
static const double bounds[] = {0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
enum { N_BOUNDS = sizeof bounds / sizeof *bounds };

struct tn_metrics {
  pthread_mutex_t mutex;
  tn_map *counts[TN_N_COUNTERS]; /* labels to uint64_t */
  uint64_t passes[N_BOUNDS + 1];
  double seconds;
  int queue;
  bool ready, leads;
  struct MHD_Daemon *server;
};

tn_error *tn_metrics_new(tn_metrics **out) {
  tn_metrics *metrics = tn_calloc(1, sizeof *metrics);
  if (!metrics) return tn_out_of_memory();
  pthread_mutex_init(&metrics->mutex, NULL);
  for (int i = 0; i < TN_N_COUNTERS; i++) {
    tn_error *error = tn_map_new(&metrics->counts[i]);
    if (error) {
      tn_metrics_free(metrics);
      return error;
    }
  }
  *out = metrics;
  return NULL;
}

void tn_metrics_free(tn_metrics *metrics) {
  if (!metrics) return;
  if (metrics->server) MHD_stop_daemon(metrics->server);
  for (int i = 0; i < TN_N_COUNTERS; i++) {
    size_t cursor = 0, size;
    const void *key;
    void *value;
    while (metrics->counts[i] && tn_map_next(metrics->counts[i], &cursor, &key, &size, &value)) tn_free(value);
    tn_map_free(metrics->counts[i]);
  }
  pthread_mutex_destroy(&metrics->mutex);
  tn_free(metrics);
}

void tn_metrics_count(tn_metrics *metrics, tn_counter counter, const char *ns, const char *kind) {
  char labels[320] = "";
  if (ns && kind) snprintf(labels, sizeof labels, "{job_namespace=\"%.200s\",framework=\"%.40s\"}", ns, kind);
  tn_lock(&metrics->mutex);
  uint64_t *n = tn_map_find(metrics->counts[counter], labels);
  if (!n && (n = tn_calloc(1, sizeof *n))) {
    tn_error *error = tn_map_put(metrics->counts[counter], labels, n);
    if (error) tn_free(n), n = NULL;
    tn_error_free(error);
  }
  if (n) ++*n;
  tn_unlock(&metrics->mutex);
}

void tn_metrics_pass(tn_metrics *metrics, double seconds) {
  int i = 0;
  while (i < N_BOUNDS && seconds > bounds[i]) i++;
  tn_lock(&metrics->mutex);
  metrics->passes[i]++;
  metrics->seconds += seconds;
  tn_unlock(&metrics->mutex);
}

void tn_metrics_queue(tn_metrics *metrics, int size) {
  tn_lock(&metrics->mutex);
  metrics->queue = size;
  tn_unlock(&metrics->mutex);
}

void tn_metrics_state(tn_metrics *metrics, bool ready, bool leads) {
  tn_lock(&metrics->mutex);
  metrics->ready = ready;
  metrics->leads = leads;
  tn_unlock(&metrics->mutex);
}

static void add_gauge(tn_str *s, const char *name, const char *help, double value) {
  tn_str_addf(s, "# HELP %s %s.\n# TYPE %s gauge\n%s %.10g\n", name, help, name, name, value);
}

static double resident(void) {
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file) return 0;
  if (fscanf(file, "%*s %ld", &pages) != 1) pages = 0;
  fclose(file);
  return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static void add_counters(tn_str *s, const tn_metrics *metrics) {
  for (int i = 0; i < TN_N_COUNTERS; i++) {
    const char *name = counters[i].name;
    tn_str_addf(s, "# HELP tenon_operator_%s %s.\n# TYPE tenon_operator_%s counter\n", name, counters[i].help, name);
    size_t cursor = 0, size;
    const void *key;
    void *value;
    while (tn_map_next(metrics->counts[i], &cursor, &key, &size, &value))
      tn_str_addf(s, "tenon_operator_%s%.*s %llu\n", name, (int)size, (const char *)key,
                  (unsigned long long)*(uint64_t *)value);
  }
}

static void add_passes(tn_str *s, const tn_metrics *metrics) {
  const char *name = "tenon_operator_reconcile_seconds";
  uint64_t n = 0;
  tn_str_addf(s, "# HELP %s How long passes took, to the last answer.\n# TYPE %s histogram\n", name, name);
  for (int i = 0; i <= N_BOUNDS; i++) {
    n += metrics->passes[i];
    if (i < N_BOUNDS)
      tn_str_addf(s, "%s_bucket{le=\"%g\"} %llu\n", name, bounds[i], (unsigned long long)n);
    else
      tn_str_addf(s, "%s_bucket{le=\"+Inf\"} %llu\n", name, (unsigned long long)n);
  }
  tn_str_addf(s, "%s_sum %.9g\n%s_count %llu\n", name, metrics->seconds, name, (unsigned long long)n);
}

tn_error *tn_metrics_text(tn_metrics *metrics, char **out) {
  tn_str s = {0};
  tn_lock(&metrics->mutex);
  add_counters(&s, metrics);
  add_passes(&s, metrics);
  add_gauge(&s, "tenon_operator_queue_length", "Jobs that wait for a pass", metrics->queue);
  add_gauge(&s, "tenon_operator_leader", "1 if this process leads", metrics->leads);
  tn_unlock(&metrics->mutex);
  add_gauge(&s, "process_resident_memory_bytes", "Resident memory in bytes", resident());
  return tn_str_take(&s, out, NULL);
}

static enum MHD_Result reply(struct MHD_Connection *connection, unsigned status, const char *text) {
  struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_MUST_COPY);
  if (!response) return MHD_NO;
  MHD_add_response_header(response, "Content-Type", "text/plain; version=0.0.4");
  enum MHD_Result result = MHD_queue_response(connection, status, response);
  MHD_destroy_response(response);
  return result;
}

static enum MHD_Result answer(void *argument, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *data, size_t *size, void **state) {
  tn_metrics *metrics = argument;
  (void)version, (void)data, (void)size, (void)state;
  if (strcmp(method, "GET") && strcmp(method, "HEAD")) return reply(connection, 405, "only GET is served\n");
  if (!strcmp(url, "/healthz")) return reply(connection, 200, "ok\n");
  if (!strcmp(url, "/readyz")) {
    tn_lock(&metrics->mutex);
    bool ready = metrics->ready;
    tn_unlock(&metrics->mutex);
    return reply(connection, ready ? 200 : 503, ready ? "ok\n" : "the first lists have not come yet\n");
  }
  if (strcmp(url, "/metrics")) return reply(connection, 404, "there are /metrics, /healthz and /readyz\n");
  char *text;
  tn_error *error = tn_metrics_text(metrics, &text);
  if (error) {
    tn_error_free(error);
    return reply(connection, 500, "out of memory\n");
  }
  enum MHD_Result result = reply(connection, 200, text);
  tn_free(text);
  return result;
}

tn_error *tn_metrics_serve(tn_metrics *metrics, const char *address, int port) {
  struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  if (inet_pton(AF_INET, address ? address : "127.0.0.1", &where.sin_addr) != 1)
    return tn_errorf(TN_INVALID_ARGUMENT, "'%s' is no IPv4 address", address);
  metrics->server =
      MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, answer, metrics, MHD_OPTION_SOCK_ADDR, &where,
                       MHD_OPTION_CONNECTION_TIMEOUT, 10u, MHD_OPTION_CONNECTION_LIMIT, 32u, MHD_OPTION_END);
  if (metrics->server) return NULL;
  return tn_errorf(TN_UNAVAILABLE, "can't listen on %s:%d: is the port in use?", address ? address : "127.0.0.1", port);
}
