/* Which tasks a cluster has, and where. */
#ifndef TN_CLUSTER_SPEC_H
#define TN_CLUSTER_SPEC_H

#include "base/alloc.h"
#include "base/str.h"
#include "graph/device.h"

/* One task: "/job:NAME/replica:0/task:INDEX" at ADDRESS. */
typedef struct tn_spec_task {
  const char *job, *address, *name;
  int index;
} tn_spec_task;

typedef struct tn_spec {
  tn_arena *arena;
  size_t n;
  tn_spec_task *tasks; /* by job as given, and index */
} tn_spec;

/* From a serialised ClusterDef. INVALID_ARGUMENT: malformed, a bad name, a task or an address twice. */
tn_error *tn_spec_read(const char *def, size_t size, tn_spec *out) TN_MUST_USE;
/* From text: "ps=host:1,host:2;worker=host:3". */
tn_error *tn_spec_parse(const char *text, tn_spec *out) TN_MUST_USE;
void tn_spec_clear(tn_spec *spec);
/* Appends SPEC as a serialised ClusterDef, from which tn_spec_read makes it again. */
void tn_spec_write(const tn_spec *spec, tn_str *out);
/* NULL if there is none. */
const tn_spec_task *tn_spec_find(const tn_spec *spec, const char *job, int index);
/* The task of DEVICE, whose name has SIZE bytes; NULL. */
const tn_spec_task *tn_spec_of_device(const tn_spec *spec, const char *device, size_t size);

#endif
