/* What the tests of graphs share. */
#ifndef TESTS_GRAPH_CHECK_H
#define TESTS_GRAPH_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph/build.h"

/* Fails the test with the error's message. */
static inline void ok(tn_error *error) {
  if (error) fail_msg("%s: %s", tn_code_name(tn_error_code(error)), tn_error_message(error));
}

/* The error must be CODE, and its message must hold PART. */
static inline void expect(tn_error *error, tn_code code, const char *part) {
  if (tn_error_code(error) != code || !strstr(tn_error_message(error), part)) {
    fail_msg("got %s: %s; expected %s with '%s'", tn_code_name(tn_error_code(error)), tn_error_message(error),
             tn_code_name(code), part);
  }
  tn_error_free(error);
}

static inline tn_graph *new_graph(void) {
  tn_graph *graph = NULL;
  ok(tn_graph_new(&graph));
  return graph;
}

/* A placeholder of DTYPE, whose shape is DIMS (RANK -1: unknown). */
static inline tn_output placeholder(tn_graph *graph, const char *name, tn_dtype dtype, int rank, const int64_t *dims) {
  tn_node *node = NULL;
  tn_node_builder *b = tn_node_begin(graph, "Placeholder", name);
  tn_node_attr_type(b, "dtype", dtype);
  tn_shape shape = rank < 0 ? tn_shape_unknown() : tn_shape_of(rank, dims);
  tn_node_attr_shape(b, "shape", &shape);
  ok(tn_node_finish(b, &node));
  return (tn_output){node, 0};
}

/* A node of OP over the N inputs, which must be right. */
static inline tn_node *op(tn_graph *graph, const char *type, const char *name, int n, const tn_output *inputs) {
  tn_node *node = NULL;
  tn_node_builder *b = tn_node_begin(graph, type, name);
  for (int i = 0; i < n; i++) tn_node_input(b, inputs[i]);
  ok(tn_node_finish(b, &node));
  return node;
}

static inline tn_output out(tn_node *node, int i) { return (tn_output){node, i}; }
#define OP(graph, type, name, ...)                                                                                     \
  op((graph), (type), (name), (int)(sizeof((tn_output[]){__VA_ARGS__}) / sizeof(tn_output)), (tn_output[]){__VA_ARGS__})

#endif
