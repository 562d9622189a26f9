/* The short form of a TenonJob: an image, a command and numbers in place of pod templates. */
#ifndef TN_KUBE_SHORT_FORM_H
#define TN_KUBE_SHORT_FORM_H

#include "kube/json.h"

/* What `spec.replicas` would be for a TenonJob that has image, command, args, env, resources, workers, ps, chief and
 * evaluator instead. INVALID_ARGUMENT if it has no image. *OUT is a new reference. */
tn_error *tn_short_form(const json_t *job, json_t **out) TN_MUST_USE;

#endif
