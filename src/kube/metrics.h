/* What the operator counts, as Prometheus reads it, and the server of that and of the health probes. */
#ifndef TN_KUBE_METRICS_H
#define TN_KUBE_METRICS_H

#include <stdbool.h>
#include <stdint.h>
#include <tenon/error.h>

typedef enum tn_counter {
  TN_JOBS_CREATED,
  TN_JOBS_SUCCESSFUL,
  TN_JOBS_FAILED,
  TN_JOBS_RESTARTED,
  TN_JOBS_DELETED,
  TN_PODS_CREATED,
  TN_PODS_DELETED,
  TN_SERVICES_CREATED,
  TN_SERVICES_DELETED,
  TN_API_ERRORS,
  TN_N_COUNTERS
} tn_counter;

typedef struct tn_metrics tn_metrics;
tn_error *tn_metrics_new(tn_metrics **out) TN_MUST_USE;
void tn_metrics_free(tn_metrics *metrics);
/* One more. NS and KIND ("TFJob") may be NULL for counters that know of none. Thread-safe, as all here. */
void tn_metrics_count(tn_metrics *metrics, tn_counter counter, const char *ns, const char *kind);
/* How long a pass took, from its beginning to its last answer. */
void tn_metrics_pass(tn_metrics *metrics, double seconds);
void tn_metrics_queue(tn_metrics *metrics, int size);
void tn_metrics_state(tn_metrics *metrics, bool ready, bool leads);

/* The text of /metrics; free with tn_free. */
tn_error *tn_metrics_text(tn_metrics *metrics, char **out) TN_MUST_USE;
/* Serves /metrics, /healthz and /readyz on ADDRESS (NULL: loopback) and PORT until the metrics are freed; UNAVAILABLE
 * if the address is in use. */
tn_error *tn_metrics_serve(tn_metrics *metrics, const char *address, int port) TN_MUST_USE;

#endif
