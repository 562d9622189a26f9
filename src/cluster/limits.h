/* What a task does for clients of other processes, and how much. */
#ifndef TN_CLUSTER_LIMITS_H
#define TN_CLUSTER_LIMITS_H

#include <tenon/server.h>

#include "graph/graph.h"

typedef struct tn_limits {
  size_t message; /* bytes of a message that comes */
  size_t graph;   /* bytes of a session's graph */
  size_t memory;  /* bytes that a session's steps may hold; SIZE_MAX: what the process may */
  uint32_t allow; /* flags of ops: TN_OP_CHECKPOINT, TN_OP_FILES, TN_OP_CODE */
} tn_limits;

/* What OPTIONS say, then the environment (TENON_MESSAGE_LIMIT, TENON_GRAPH_LIMIT, TENON_SESSION_MEMORY, TENON_ALLOW).
 * INVALID_ARGUMENT names what is no size, or no word. */
tn_error *tn_limits_read(const tn_server_options *options, tn_limits *out) TN_MUST_USE;
/* Counts SIZE more bytes of a session's graph in *USED. RESOURCE_EXHAUSTED. */
tn_error *tn_limits_add_graph(const tn_limits *limits, size_t size, size_t *used) TN_MUST_USE;
/* PERMISSION_DENIED, naming the node and what would allow it, if GRAPH or its functions have an op that clients of
 * other processes may not run. */
tn_error *tn_limits_check_ops(const tn_limits *limits, const tn_graph *graph) TN_MUST_USE;

#endif
