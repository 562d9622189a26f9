/* Splitting a step's graph over devices: one GraphDef a part, and pairs of _Send and _Recv where an edge crosses. */
#ifndef TN_COMPILE_PARTITION_H
#define TN_COMPILE_PARTITION_H

#include "compile/subgraph.h"

/* What the transfers call a part. */
typedef struct tn_part_device {
  const char *name; /* "/job:ps/replica:0/task:0/device:CPU:0" */
  uint64_t incarnation;
} tn_part_device;

typedef struct tn_partition_request {
  const tn_step_signature *signature; /* all of one graph; what is fed, and what is fetched, once at most */
  int n_parts;
  const tn_part_device *devices; /* per part */
  /* The part that NODE belongs to. */
  int (*part_of)(void *argument, const tn_node *node);
  void *argument;
} tn_partition_request;

/* A tensor that whoever runs the step gives or takes: number INDEX of the signature's feeds or fetches (of the latter
 * only those that are tensors), under KEY in the part's rendezvous. */
typedef struct tn_part_value {
  size_t index;
  char *key;
} tn_part_value;

typedef struct tn_part {
  char *def; /* a GraphDef, all of whose nodes are to be run; SIZE 0: the part is empty */
  size_t size;
  size_t n_feeds, n_fetches;
  tn_part_value *feeds, *fetches;
  int n_sends, n_recvs; /* transfers to and from other parts */
  bool control_flow;
} tn_part;

typedef struct tn_partition {
  int n;
  tn_part *parts;
} tn_partition;

/* UNIMPLEMENTED: an edge crosses inside a loop. INVALID_ARGUMENT: a reference would have to cross. */
tn_error *tn_partition_new(const tn_partition_request *request, tn_partition **out) TN_MUST_USE;
void tn_partition_free(tn_partition *partition);

#endif
