/* A perceptron of three layers by hand, which learns the exclusive or: ops, gradients and updates as single nodes.
 *
 * Prints:
 * 0 xor 0 = 0
 * 0 xor 1 = 1
 * 1 xor 0 = 1
 * 1 xor 1 = 0
 */
#include <stdio.h>
#include <tenon/tenon.h>

enum { N_WEIGHTS = 6, STEPS = 2000 };

/* Everything that is built; the first error sticks in NET, and nodes after it are none. */
typedef struct perceptron {
  tn_graph *graph;
  tn_net *net;
  tn_output x, y, loss, answer;
  tn_output weights[N_WEIGHTS];
  tn_node *train, *initialize;
} perceptron;

/* A node of two inputs (B may be none). */
static tn_output op(perceptron *p, const char *type, tn_output a, tn_output b) {
  if (tn_net_error(p->net)) return (tn_output){NULL, 0};
  tn_node_builder *node = tn_node_begin(p->graph, type, NULL);
  tn_node *made = NULL;
  tn_node_input(node, a);
  if (b.node) tn_node_input(node, b);
  tn_error *error = tn_node_finish(node, &made);
  if (error) tn_net_fail(p->net, error);
  return (tn_output){made, 0};
}

static tn_output constant(perceptron *p, tn_dtype dtype, int rank, const int64_t *dims, const void *data) {
  tn_tensor *value = NULL;
  tn_node *made = NULL;
  tn_error *error = tn_tensor_copy_of(dtype, rank, dims, data, &value);
  if (!error) {
    tn_node_builder *node = tn_node_begin(p->graph, "Const", NULL);
    tn_node_attr_type(node, "dtype", dtype);
    tn_node_attr_tensor(node, "value", value);
    error = tn_node_finish(node, &made);
  }
  tn_tensor_free(value);
  if (error) tn_net_fail(p->net, error);
  return (tn_output){made, 0};
}

/* x kernel + bias; layer I has weights 2 I and 2 I + 1. */
static tn_output layer(perceptron *p, int i, tn_output x, int64_t in, int64_t out) {
  char name[32];
  tn_initializer zeros = {.kind = TN_INIT_ZEROS};
  snprintf(name, sizeof name, "layer%d/kernel", i + 1);
  p->weights[2 * i] = tn_net_variable_new(p->net, name, TN_FLOAT, &(tn_shape){2, {in, out}}, NULL, true);
  snprintf(name, sizeof name, "layer%d/bias", i + 1);
  p->weights[2 * i + 1] = tn_net_variable_new(p->net, name, TN_FLOAT, &(tn_shape){1, {out}}, &zeros, true);
  return op(p, "BiasAdd", op(p, "MatMul", x, p->weights[2 * i]), p->weights[2 * i + 1]);
}

/* The four cases and what comes out, through layers of 8, 8 and 1. */
static void forward(perceptron *p) {
  const tn_output none = {NULL, 0};
  const int64_t inputs[] = {4, 2}, outputs[] = {4, 1};
  p->x = constant(p, TN_FLOAT, 2, inputs, (const float[]){0, 0, 0, 1, 1, 0, 1, 1});
  p->y = constant(p, TN_FLOAT, 2, outputs, (const float[]){0, 1, 1, 0});
  tn_output h = op(p, "Tanh", layer(p, 0, p->x, 2, 8), none);
  h = op(p, "Tanh", layer(p, 1, h, 8, 8), none);
  tn_output logits = layer(p, 2, h, 8, 1);
  p->answer = op(p, "Round", op(p, "Sigmoid", logits, none), none);
  p->loss = tn_net_loss(p->net, "sigmoid_cross_entropy", logits, p->y);
}

/* weight -= rate * gradient for each weight, and one node that runs after all of that. */
static void backward(perceptron *p) {
  tn_output gradients[N_WEIGHTS];
  if (tn_net_error(p->net)) return;
  tn_error *error = tn_graph_gradients(p->graph, 1, &p->loss, N_WEIGHTS, p->weights, NULL, gradients);
  if (error) {
    tn_net_fail(p->net, error);
    return;
  }
  tn_output rate = constant(p, TN_FLOAT, 0, NULL, (const float[]){0.3f});
  tn_node_builder *all = tn_node_begin(p->graph, "NoOp", "train");
  for (int i = 0; i < N_WEIGHTS; i++) {
    tn_node *update = NULL;
    tn_node_builder *node = tn_node_begin(p->graph, "ApplyGradientDescent", NULL);
    tn_node_input(node, tn_net_variable_at(p->net, (size_t)i)->ref);
    tn_node_input(node, rate);
    tn_node_input(node, gradients[i]);
    /* No weight changes before all gradients are there. */
    for (int k = 0; k < N_WEIGHTS; k++) tn_node_control(node, gradients[k].node);
    error = tn_node_finish(node, &update);
    if (error) tn_net_fail(p->net, error);
    if (update) tn_node_control(all, update);
  }
  error = tn_node_finish(all, &p->train);
  if (error) tn_net_fail(p->net, error);
}

static tn_error *run(const perceptron *p, tn_session *session) {
  tn_tensor *answer;
  TN_TRY(tn_session_run(session, NULL, 0, NULL, NULL, 0, NULL, 1, &p->initialize, NULL, NULL));
  for (int i = 0; i < STEPS; i++) {
    TN_TRY(tn_session_run(session, NULL, 0, NULL, NULL, 0, NULL, 1, &p->train, NULL, NULL));
  }
  TN_TRY(tn_session_run(session, NULL, 0, NULL, NULL, 1, &p->answer, 0, NULL, &answer, NULL));
  for (int i = 0; i < 4; i++)
    printf("%d xor %d = %g\n", i / 2, i % 2, (double)((const float *)tn_tensor_data(answer))[i]);
  tn_tensor_free(answer);
  return NULL;
}

int main(void) {
  perceptron p = {0};
  tn_session *session = NULL;
  tn_error *error = tn_graph_new(&p.graph);
  if (!error) tn_graph_set_seed(p.graph, 1);
  if (!error) error = tn_net_new(p.graph, &p.net);
  if (!error) {
    forward(&p);
    backward(&p);
    p.initialize = tn_net_initializer(p.net);
    error = tn_error_copy(tn_net_error(p.net));
  }
  if (!error) error = tn_session_new(p.graph, NULL, &session);
  if (!error) error = run(&p, session);
  if (error) fprintf(stderr, "%s\n", tn_error_message(error));
  int status = error ? 1 : 0;
  tn_error_free(error);
  if (session) tn_session_free(session);
  tn_net_free(p.net);
  tn_graph_free(p.graph);
  return status;
}
