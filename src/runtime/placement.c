/* Placing a session's graph as it grows. */
#include "runtime/placement.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"

#define MAX_DEVICES 1024

struct tn_placement {
  tn_device_set set;
  tn_device_spec *specs;
  char (*names)[TN_DEVICE_TEXT];
  bool soft, log;
  pthread_mutex_t mutex; /* guards what follows */
  int n_placed;
  int *places; /* NULL where there is one device */
};

tn_error *tn_placement_new(int cpus, bool soft, bool log, tn_placement **out) {
  if (cpus < 0 || cpus > MAX_DEVICES) {
    return tn_errorf(TN_INVALID_ARGUMENT, "a session can't have %d CPU devices; at most %d", cpus, MAX_DEVICES);
  }
  size_t n = cpus ? (size_t)cpus : 1;
  tn_placement *placement = tn_calloc(1, sizeof *placement);
  if (!placement) return tn_out_of_memory();
  pthread_mutex_init(&placement->mutex, NULL);
  placement->specs = tn_malloc(n * sizeof *placement->specs);
  placement->names = tn_malloc(n * sizeof *placement->names);
  if (!placement->specs || !placement->names) {
    tn_placement_free(placement);
    return tn_out_of_memory();
  }
  for (size_t i = 0; i < n; i++) {
    placement->specs[i] = (tn_device_spec){.job = "localhost", .type = "CPU", .replica = 0, .task = 0, .index = (int)i};
    tn_device_text(&placement->specs[i], placement->names[i]);
  }
  placement->set = (tn_device_set){.n = (int)n, .devices = placement->specs, .preferred = -1};
  placement->soft = soft;
  placement->log = log;
  *out = placement;
  return NULL;
}

tn_error *tn_placement_like(const tn_placement *placement, tn_placement **out) {
  return tn_placement_new(placement->set.n, placement->soft, placement->log, out);
}

void tn_placement_free(tn_placement *placement) {
  if (!placement) return;
  pthread_mutex_destroy(&placement->mutex);
  tn_free(placement->specs);
  tn_free(placement->names);
  tn_free(placement->places);
  tn_free(placement);
}

int tn_placement_n(const tn_placement *placement) { return placement->set.n; }
const char *tn_placement_name(const tn_placement *placement, int device) { return placement->names[device]; }

int tn_placement_of(tn_placement *placement, const tn_node *node) {
  tn_lock(&placement->mutex);
  int place = placement->places && node->id < placement->n_placed ? placement->places[node->id] : 0;
  tn_unlock(&placement->mutex);
  return place;
}

/* The usual case: there is one device, and nothing from node FROM to node N asks for another. */
static bool is_trivial(const tn_placement *placement, const tn_graph *graph, int from, int n) {
  if (placement->set.n > 1 || placement->log) return false;
  for (int i = from; i < n; i++) {
    const tn_node *node = tn_graph_node(graph, (size_t)i);
    if (!node->device[0]) continue;
    tn_device_spec wanted;
    tn_error *error = tn_device_parse(node->device, &wanted);
    tn_error_free(error);
    if (error || !tn_device_matches(&wanted, &placement->specs[0])) return false;
  }
  return true;
}

static void show(void *argument, const tn_node *node, const tn_device_spec *device) {
  (void)argument;
  char text[TN_DEVICE_TEXT];
  printf("%s: (%s): %s\n", node->name, node->op->name, tn_device_text(device, text));
}

/* With both locks held: places the first N nodes into PLACES; of those that had a place, what has a state keeps it. */
static tn_error *place_all(const tn_placement *placement, const tn_graph *graph, int n, int *places) {
  int *kept = tn_malloc(((size_t)n + 1) * sizeof *kept);
  if (!kept) return tn_out_of_memory();
  for (int i = 0; i < n; i++) {
    bool stays = i < placement->n_placed && (tn_graph_node(graph, (size_t)i)->op->flags & TN_OP_STATEFUL);
    kept[i] = !stays ? -1 : placement->places ? placement->places[i] : 0;
  }
  tn_place_request request = {.graph = graph,
                              .n_nodes = n,
                              .devices = &placement->set,
                              .soft = placement->soft,
                              .kept = kept,
                              .log = placement->log ? show : NULL};
  tn_error *error = tn_place(&request, places);
  if (placement->log) fflush(stdout);
  tn_free(kept);
  return error;
}

/* With both locks held. */
static tn_error *update(tn_placement *placement, const tn_graph *graph) {
  int n = (int)tn_graph_n_nodes(graph);
  if (n == placement->n_placed) return NULL;
  if (!is_trivial(placement, graph, placement->n_placed, n)) {
    int *places = tn_malloc(((size_t)n + 1) * sizeof *places);
    if (!places) return tn_out_of_memory();
    tn_error *error = place_all(placement, graph, n, places);
    if (error || placement->set.n == 1) {
      tn_free(places);
      if (error) return error;
    } else {
      tn_free(placement->places);
      placement->places = places;
    }
  }
  placement->n_placed = n;
  return NULL;
}

tn_error *tn_placement_update(tn_placement *placement, const tn_graph *graph) {
  tn_graph_lock(graph);
  tn_lock(&placement->mutex);
  tn_error *error = update(placement, graph);
  tn_unlock(&placement->mutex);
  tn_graph_unlock(graph);
  return error;
}
