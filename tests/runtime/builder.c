/* Building and running small graphs in tests. */
#include "runtime/builder.h"

#include <stdlib.h>
#include <string.h>

void ok(tn_error *error) {
  if (!error) return;
  print_error("%s: %s\n%s", tn_code_name(tn_error_code(error)), tn_error_message(error), tn_error_trace(error));
  tn_error_free(error);
  fail();
}

void fails(tn_error *error, tn_code code, const char *text) {
  assert_non_null(error);
  if (tn_error_code(error) != code || !strstr(tn_error_message(error), text)) {
    print_error("expected %s with \"%s\", got %s: %s\n", tn_code_name(code), text, tn_code_name(tn_error_code(error)),
                tn_error_message(error));
    tn_error_free(error);
    fail();
  }
  tn_error_free(error);
}

tn_graph *new_graph(void) {
  tn_graph *graph = NULL;
  ok(tn_graph_new(&graph));
  return graph;
}

tn_session *new_session(tn_graph *graph, const char *disabled_passes, bool dynamic) {
  tn_session_options options = {.disabled_passes = disabled_passes, .dynamic_only = dynamic};
  tn_session *session = NULL;
  ok(tn_session_new(graph, &options, &session));
  return session;
}

tn_tensor *vector(int n, const float *values) {
  tn_tensor *t = NULL;
  ok(tn_tensor_copy_of(TN_FLOAT, 1, (int64_t[]){n}, values, &t));
  return t;
}

tn_tensor *matrix(int rows, int columns, const float *values) {
  tn_tensor *t = NULL;
  ok(tn_tensor_copy_of(TN_FLOAT, 2, (int64_t[]){rows, columns}, values, &t));
  return t;
}

tn_tensor *filled(int rows, int columns, float value) {
  tn_tensor *t = NULL;
  ok(tn_tensor_new(TN_FLOAT, 2, (int64_t[]){rows, columns}, &t));
  for (int i = 0; i < rows * columns; i++) ((float *)tn_tensor_data(t))[i] = value;
  return t;
}

tn_tensor *scalar(float value) {
  tn_tensor *t = NULL;
  ok(tn_tensor_copy_of(TN_FLOAT, 0, NULL, &value, &t));
  return t;
}

float at(const tn_tensor *tensor, int i) {
  assert_int_equal(tn_tensor_dtype(tensor), TN_FLOAT);
  assert_true(i < tn_tensor_elements(tensor));
  return ((const float *)tn_tensor_data(tensor))[i];
}

static tn_output finish(tn_node_builder *builder) {
  tn_node *node = NULL;
  ok(tn_node_finish(builder, &node));
  return (tn_output){node, 0};
}

tn_output placeholder(tn_graph *graph, const char *name) {
  tn_node_builder *b = tn_node_begin(graph, "Placeholder", name);
  tn_node_attr_type(b, "dtype", TN_FLOAT);
  return finish(b);
}

tn_output constant(tn_graph *graph, const char *name, tn_tensor *value) {
  tn_node_builder *b = tn_node_begin(graph, "Const", name);
  tn_node_attr_type(b, "dtype", tn_tensor_dtype(value));
  tn_node_attr_tensor(b, "value", value);
  tn_output made = finish(b);
  tn_tensor_free(value);
  return made;
}

tn_output variable(tn_graph *graph, const char *name, int rows, int columns) {
  tn_node_builder *b = tn_node_begin(graph, "VariableV2", name);
  tn_shape shape = tn_shape_of(2, (int64_t[]){rows, columns});
  tn_node_attr_type(b, "dtype", TN_FLOAT);
  tn_node_attr_shape(b, "shape", &shape);
  return finish(b);
}

tn_output op1(tn_graph *graph, const char *op, const char *name, tn_output x) {
  tn_node_builder *b = tn_node_begin(graph, op, name);
  tn_node_input(b, x);
  return finish(b);
}

tn_output op2_after(tn_graph *graph, const char *op, const char *name, const tn_output in[2], tn_node *after) {
  tn_node_builder *b = tn_node_begin(graph, op, name);
  tn_node_input(b, in[0]);
  tn_node_input(b, in[1]);
  if (after) tn_node_control(b, after);
  return finish(b);
}

tn_output op2(tn_graph *graph, const char *op, const char *name, tn_output x, tn_output y) {
  return op2_after(graph, op, name, (tn_output[]){x, y}, NULL);
}

static tn_output enter(tn_graph *graph, tn_output x, bool is_constant) {
  tn_node_builder *b = tn_node_begin(graph, "Enter", NULL);
  tn_node_input(b, x);
  tn_node_attr_string(b, "frame_name", "loop", 4);
  tn_node_attr_bool(b, "is_constant", is_constant);
  return finish(b);
}

/* The Merge of a loop variable whose back edge comes later. */
static tn_output merge(tn_graph *graph, tn_output x) {
  tn_node_builder *b = tn_node_begin(graph, "Merge", NULL);
  tn_node_input(b, x);
  tn_node_input(b, x);
  return finish(b);
}

tn_output loop(tn_graph *graph, tn_output x, float times) {
  tn_output one = enter(graph, constant(graph, NULL, scalar(1)), true);
  tn_output limit = enter(graph, constant(graph, NULL, scalar(times < 0 ? 1e30f : times)), true);
  tn_output i = merge(graph, enter(graph, constant(graph, NULL, scalar(0)), false));
  tn_output value = merge(graph, enter(graph, x, false));
  tn_output go = op1(graph, "LoopCond", NULL, op2(graph, "Less", NULL, i, limit));
  tn_output i_switch = op2(graph, "Switch", NULL, i, go), value_switch = op2(graph, "Switch", NULL, value, go);
  /* For ever: the counter stands still. */
  tn_output step = times < 0 ? op2(graph, "Sub", NULL, one, one) : one;
  tn_output i_next = op2(graph, "AddV2", NULL, tn_nth(i_switch, 1), step);
  tn_output value_next = op2(graph, "Mul", NULL, tn_nth(value_switch, 1), one);
  ok(tn_graph_set_back_edge(graph, i.node, 1, op1(graph, "NextIteration", NULL, i_next)));
  ok(tn_graph_set_back_edge(graph, value.node, 1, op1(graph, "NextIteration", NULL, value_next)));
  op1(graph, "Exit", NULL, i_switch);
  return op1(graph, "Exit", NULL, value_switch);
}

tn_error *try_run(tn_session *session, tn_output feed, tn_tensor *value, tn_output fetch, tn_tensor **out) {
  return tn_session_run(session, NULL, feed.node ? 1 : 0, &feed, &value, 1, &fetch, 0, NULL, out, NULL);
}

tn_tensor *run(tn_session *session, tn_output feed, tn_tensor *value, tn_output fetch) {
  tn_tensor *out = NULL;
  ok(try_run(session, feed, value, fetch, &out));
  assert_non_null(out);
  return out;
}

void run_target(tn_session *session, tn_node *target) {
  ok(tn_session_run(session, NULL, 0, NULL, NULL, 0, NULL, 1, &target, NULL, NULL));
}
