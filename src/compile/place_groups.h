/* Nodes that must be on one device: groups with the device names that bind them. For the placer. */
#ifndef TN_COMPILE_PLACE_GROUPS_H
#define TN_COMPILE_PLACE_GROUPS_H

#include "base/map.h"
#include "compile/place.h"

/* One set of the union-find forest; only that of a root counts. */
typedef struct tn_place_group {
  int parent, rank;
  uint32_t types;           /* device types that all its ops support, by their number among the set's types */
  tn_device_spec requested; /* at least as specific as the other two */
  tn_device_spec assigned;  /* of nodes that are placed */
  tn_device_spec resource;  /* asked for by a node that makes a variable or another resource */
} tn_place_group;

typedef struct tn_placer {
  const tn_place_request *request;
  int *places;
  tn_place_group *groups; /* by node id */
  int *order;             /* the devices, the most wanted one first */
  int n_types;
  const char *types[TN_DEVICE_TYPES];
  tn_map *named; /* name of a colocation group: its first node */
} tn_placer;

/* Makes the groups of all nodes: what each asks for, resources and references, "_class". */
tn_error *tn_place_make_groups(tn_placer *placer) TN_MUST_USE;
/* The root of the group of node ID. */
int tn_place_root(tn_placer *placer, int id);
/* Binds the group of node ID to DEVICE, where it is. */
void tn_place_bind(tn_placer *placer, int id, int device);
/* Whether DEVICE is of a type that GROUP's ops support. */
bool tn_place_supports(const tn_placer *placer, const tn_place_group *group, const tn_device_spec *device);
/* What is in the group of node ID, for error messages. */
struct tn_str;
void tn_place_describe_group(tn_placer *placer, int id, struct tn_str *out);

#endif
