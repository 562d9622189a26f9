/* Fuzzes the GraphDef reader: what it takes is written and read again, and an error leaves the graph as it was.
 * Covers: src/graph/graph_def_in.c src/graph/graph_def_read.c src/graph/graph_def_node.c src/graph/proto_read.c
 * src/graph/tensor_proto.c */
#include <stdint.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "graph/graph.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The graph that the bytes are, written; or an abort where that can't be read again. */
static void write_and_read(const tn_graph *graph) {
  char *def = NULL;
  size_t size = 0;
  tn_graph *again = NULL;
  tn_error *error = tn_graph_to_def(graph, &def, &size);
  if (!error) error = tn_graph_new(&again);
  if (!error) error = tn_graph_import(again, def, size, NULL);
  /* Memory may be out the second time. */
  if (error && tn_error_code(error) != TN_RESOURCE_EXHAUSTED) abort();
  if (!error && tn_graph_n_nodes(again) != tn_graph_n_nodes(graph)) abort();
  tn_error_free(error);
  if (again) tn_graph_free(again);
  free(def);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  tn_set_memory_limit(64 << 20);
  tn_graph *graph;
  tn_error *error = tn_graph_new(&graph);
  if (error) abort();
  /* The first byte chooses whether names get a prefix. */
  tn_import_options options = {.prefix = size > 0 && data[0] & 1 ? "p" : NULL};
  if (size > 0) error = tn_graph_import(graph, (const char *)data + 1, size - 1, &options);
  if (error && tn_graph_n_nodes(graph) > 0) abort();
  if (!error) write_and_read(graph);
  tn_error_free(error);
  tn_graph_free(graph);
  return 0;
}
