/* Adding two vectors, the first program of every introduction: two constants, a session, and a run that asks for the
 * sum.
 *
 * Prints:
 * [3 5]
 */
#include <stdio.h>
#include <tenon/tenon.h>

static tn_error *constant(tn_graph *graph, const char *name, const float values[2], tn_output *out) {
  tn_tensor *value;
  TN_TRY(tn_tensor_copy_of(TN_FLOAT, 1, (const int64_t[]){2}, values, &value));
  tn_node_builder *node = tn_node_begin(graph, "Const", name);
  tn_node_attr_type(node, "dtype", TN_FLOAT);
  tn_node_attr_tensor(node, "value", value);
  tn_error *error = tn_node_finish(node, &out->node);
  out->index = 0;
  tn_tensor_free(value);
  return error;
}

static tn_error *add(tn_graph *graph, tn_output a, tn_output b, tn_output *out) {
  tn_node_builder *node = tn_node_begin(graph, "Add", "output");
  tn_node_input(node, a);
  tn_node_input(node, b);
  out->index = 0;
  return tn_node_finish(node, &out->node);
}

/* Nothing is computed until the session runs. */
static tn_error *run(tn_graph *graph) {
  tn_output a, b, sum;
  tn_session *session;
  tn_tensor *result;
  TN_TRY(constant(graph, "a", (const float[]){1, 2}, &a));
  TN_TRY(constant(graph, "b", (const float[]){2, 3}, &b));
  TN_TRY(add(graph, a, b, &sum));
  TN_TRY(tn_session_new(graph, NULL, &session));
  tn_error *error = tn_session_run(session, NULL, 0, NULL, NULL, 1, &sum, 0, NULL, &result, NULL);
  if (!error) {
    const float *v = tn_tensor_data(result);
    printf("[%g %g]\n", (double)v[0], (double)v[1]);
    tn_tensor_free(result);
  }
  tn_session_free(session);
  return error;
}

int main(void) {
  tn_graph *graph = NULL;
  tn_error *error = tn_graph_new(&graph);
  if (!error) error = run(graph);
  if (error) fprintf(stderr, "%s\n", tn_error_message(error));
  int status = error ? 1 : 0;
  tn_error_free(error);
  tn_graph_free(graph);
  return status;
}
