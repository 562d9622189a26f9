/* Placing: which device each node of a graph runs on, by TensorFlow's rules. */
#ifndef TN_COMPILE_PLACE_H
#define TN_COMPILE_PLACE_H

#include "graph/device.h"
#include "graph/graph.h"

#define TN_DEVICE_TYPES 32 /* the most types of device in one set */

/* The devices that there are. Their names are complete: job, replica, task, type and index are set. */
typedef struct tn_device_set {
  int n;
  const tn_device_spec *devices;
  int preferred; /* the device that is taken before others where several would do; -1: the first by name */
  /* Whether NODE has a kernel for devices of TYPE. NULL: every op has one for CPUs, none for anything else. */
  bool (*supports)(const tn_node *node, const char *type);
} tn_device_set;

typedef struct tn_place_request {
  const tn_graph *graph; /* locked by the caller if another thread may add to it */
  int n_nodes;           /* how many of its nodes are placed: those with the lowest ids */
  const tn_device_set *devices;
  bool soft;       /* a device type or number that does not fit is given up; jobs and tasks never are */
  const int *kept; /* NULL, or per node the device that it has already and keeps, -1 for none */
  /* NULL, or told of each node's device as soon as it has one, as log_device_placement shows it. */
  void (*log)(void *argument, const tn_node *node, const tn_device_spec *device);
  void *log_argument;
} tn_place_request;

/* Fills PLACES, N_NODES numbers, with the device of each node, an index into the set. In this order:
 * - nodes that share a variable, a queue or another resource, and those that a "_class" attribute ties together
 *   ("loc:@name"), form a group, whose partial device names merge;
 * - a group goes to the preferred device among those that match its name and support all of its ops, else to the first
 * by type (GPUs before CPUs) and name;
 * - Shape, Size and Rank go where their input is, and so does an Identity between nodes that ask for the same device; a
 * node without inputs goes where all that use it are. INVALID_ARGUMENT, worded as TensorFlow's placer does: a device
 * that does not exist, or names that don't merge. */
tn_error *tn_place(const tn_place_request *request, int *places) TN_MUST_USE;

#endif
