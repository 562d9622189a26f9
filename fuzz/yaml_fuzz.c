/* Fuzzes the YAML reader, and the passes of the operator over what it reads: the first document is a job, the others
 * are its pods. Covers: src/kube/yaml.c src/kube/job.c src/kube/short_form.c src/kube/reconcile.c src/kube/pod_state.c
 */
#include <stdint.h>

#include "kube/reconcile.h"
#include "kube/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_PODS = 64, NOW = 1796040000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  json_t *documents = NULL, *pods[MOST_PODS];
  tn_error *error = tn_yaml_parse("fuzz", (const char *)data, size, &documents);
  if (error) {
    tn_error_free(error);
    return 0;
  }
  tn_observed observed = {.job = json_array_get(documents, 0), .pods = pods, .now = NOW};
  for (size_t i = 1; i < json_array_size(documents) && observed.n_pods < MOST_PODS; i++)
    pods[observed.n_pods++] = json_array_get(documents, i);
  tn_outcome outcome = {0};
  if (observed.job) tn_error_free(tn_reconcile(&observed, &outcome));
  for (size_t i = 0; i < outcome.n_actions && i < MOST_PODS; i++) {
    json_t *object = NULL;
    tn_error_free(tn_action_object(observed.job, &outcome.actions[i], &object));
    json_decref(object);
  }
  tn_outcome_clear(&outcome);
  json_decref(documents);
  return 0;
}
