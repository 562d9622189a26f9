/* Jobs that start as one or not at all. */
#ifndef TN_KUBE_GANG_H
#define TN_KUBE_GANG_H

#include "kube/job.h"

/* Puts what a gang scheduler looks for into POD; false when memory is out. */
bool tn_gang_mark(const tn_job *job, json_t *pod);
/* The path of the collection of PodGroups, without a namespace; NULL where GANG has none. */
const char *tn_gang_group_version(tn_gang gang);

/* What the pods of POD's spec ask for: {cpu: thousandths, memory: bytes, others: numbers}; a new reference. */
json_t *tn_requests(const json_t *spec);
/* The number that a quantity stands for, times SCALE: "1500m", "2", "1Gi", "5e3". False if it is none. */
bool tn_quantity(const char *text, double scale, double *out);

/* The capacity of a cluster as it fills up. */
typedef struct tn_room tn_room;
tn_error *tn_room_new(tn_room **out) TN_MUST_USE;
void tn_room_free(tn_room *room);
/* Adds a node, as the apiserver tells of it; one that takes no pods (not ready, unschedulable) is left out. */
tn_error *tn_room_add_node(tn_room *room, const json_t *node) TN_MUST_USE;
/* Takes REQUESTS from the node called NAME; unknown nodes are none of ours. */
void tn_room_take(tn_room *room, const char *name, const json_t *requests);
/* Finds a node for a pod with SPEC (its nodeSelector and tolerations count) and takes REQUESTS there; false if no node
 * has room. */
bool tn_room_place(tn_room *room, const json_t *spec, const json_t *requests);

#endif
