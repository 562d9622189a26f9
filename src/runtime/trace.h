/* What a traced step did: when each node ran, where, and what memory its outputs took. */
#ifndef TN_RUNTIME_TRACE_H
#define TN_RUNTIME_TRACE_H

#include <stdint.h>
#include <tenon/session.h>

#include "graph/graph.h"

typedef struct tn_trace tn_trace;
tn_error *tn_trace_new(tn_trace **out) TN_MUST_USE;
/* The name of the device that all was on, borrowed; else this process's CPU. */
void tn_trace_set_device(tn_trace *trace, const char *device);
void tn_trace_free(tn_trace *trace);
/* One run of NODE, with its start and end on tn_wall_ns's clock and its N outputs. Thread-safe; drops the record when
 * memory is out. */
void tn_trace_add(tn_trace *trace, const tn_node *node, const int64_t span_ns[2], int n,
                  const tn_tensor *const *outputs);
/* Fills METADATA. */
tn_error *tn_trace_write(tn_trace *trace, tn_run_metadata *metadata) TN_MUST_USE;

#endif
