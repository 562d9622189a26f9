/* Variables keep their values between runs of a session, and must be given a first value by a run of their own.
 *
 * Prints:
 * before: FAILED_PRECONDITION
 * 10
 * 11
 * 12
 */
#include <stdio.h>
#include <tenon/tenon.h>

/* A constant and a variable that begins with it, and the node that adds the constant one to it. */
typedef struct counter {
  tn_net *net;
  tn_output value, ref, more;
  tn_node *initialize;
} counter;

static tn_error *build(tn_graph *graph, counter *c) {
  tn_initializer ten = {.kind = TN_INIT_CONSTANT, .a = 10};
  TN_TRY(tn_net_new(graph, &c->net));
  c->value = tn_net_variable_new(c->net, "counter", TN_FLOAT, &(tn_shape){.rank = 0}, &ten, true);
  c->initialize = tn_net_initializer(c->net);
  TN_TRY(tn_error_copy(tn_net_error(c->net)));
  c->ref = tn_net_find_variable(c->net, "counter")->ref;
  float one = 1;
  tn_tensor *value;
  tn_node *constant;
  TN_TRY(tn_tensor_copy_of(TN_FLOAT, 0, NULL, &one, &value));
  tn_node_builder *node = tn_node_begin(graph, "Const", "one");
  tn_node_attr_type(node, "dtype", TN_FLOAT);
  tn_node_attr_tensor(node, "value", value);
  tn_error *error = tn_node_finish(node, &constant);
  tn_tensor_free(value);
  if (error) return error;
  node = tn_node_begin(graph, "AssignAdd", "count");
  tn_node_input(node, c->ref);
  tn_node_input(node, (tn_output){constant, 0});
  c->more.index = 0;
  return tn_node_finish(node, &c->more.node);
}

static tn_error *print(tn_session *session, tn_output what) {
  tn_tensor *value;
  TN_TRY(tn_session_run(session, NULL, 0, NULL, NULL, 1, &what, 0, NULL, &value, NULL));
  printf("%g\n", (double)*(const float *)tn_tensor_data(value));
  tn_tensor_free(value);
  return NULL;
}

static tn_error *run(tn_session *session, const counter *c) {
  tn_error *error = print(session, c->value);
  printf("before: %s\n", tn_code_name(tn_error_code(error)));
  tn_error_free(error);
  TN_TRY(tn_session_run(session, NULL, 0, NULL, NULL, 0, NULL, 1, &c->initialize, NULL, NULL));
  TN_TRY(print(session, c->value));
  TN_TRY(print(session, c->more));
  return print(session, c->more);
}

int main(void) {
  tn_graph *graph = NULL;
  tn_session *session = NULL;
  counter c = {0};
  tn_error *error = tn_graph_new(&graph);
  if (!error) error = build(graph, &c);
  if (!error) error = tn_session_new(graph, NULL, &session);
  if (!error) error = run(session, &c);
  if (error) fprintf(stderr, "%s\n", tn_error_message(error));
  int status = error ? 1 : 0;
  tn_error_free(error);
  if (session) tn_session_free(session);
  tn_net_free(c.net);
  tn_graph_free(graph);
  return status;
}
