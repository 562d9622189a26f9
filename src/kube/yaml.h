/* YAML into JSON values, as Kubernetes' tools read it. */
#ifndef TN_KUBE_YAML_H
#define TN_KUBE_YAML_H

#include "kube/json.h"

/* Reads all documents of TEXT: *OUT is an array of those that are not empty. INVALID_ARGUMENT names WHAT, the line and
 * the fault; also for more than 100 levels, for aliases that would make more than 100,000 values, and for a key that
 * comes twice. */
tn_error *tn_yaml_parse(const char *what, const char *text, size_t size, json_t **out) TN_MUST_USE;
/* The same for a file. */
tn_error *tn_yaml_read(const char *path, json_t **out) TN_MUST_USE;

#endif
