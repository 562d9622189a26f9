/* Ops that hand out a resource of the session, found by container and name: what they have in common. */
#ifndef TN_KERNEL_HANDLE_H
#define TN_KERNEL_HANDLE_H

#include "kernel/prepared.h"

/* PREPARE: the object of TYPE that the node names by `container` and `shared_name` (its own name where that is empty);
 * CREATE(ARGUMENT) makes it. *OUT is borrowed. */
typedef struct tn_handle_request {
  const char *type;
  tn_error *(*create)(void *argument, const char *name, tn_object **out);
  void *argument;
} tn_handle_request;
tn_error *tn_handle_prepare(tn_prepare *p, const tn_handle_request *request, tn_object **out) TN_MUST_USE;
/* RUN and DESTROY of such ops: output 0 refers to the object. */
tn_error *tn_handle_run(tn_run *r);
void tn_handle_destroy(void *state);

/* What a reference to an object called NAME of CONTAINER reads as: a vector of two strings. */
tn_error *tn_handle_strings(const char *container, const char *name, tn_tensor *out) TN_MUST_USE;

#endif
