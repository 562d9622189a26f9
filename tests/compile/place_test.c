/* The placer on sets of devices that a session of its own does not have: several jobs and tasks, GPUs, nodes that have
 * a place already. tests/oracle/test_placement.py compares with TensorFlow where there are CPUs alone. */
#include <string.h>

#include "compile/place.h"
#include "runtime/builder.h"

#define DEVICE(JOB, TASK, TYPE, INDEX)                                                                                 \
  { .job = JOB, .replica = 0, .task = TASK, .type = TYPE, .index = INDEX }

enum { PS0, PS1, WORKER, WORKER_GPU, N_DEVICES };
static const tn_device_spec devices[N_DEVICES] = {DEVICE("ps", 0, "CPU", 0), DEVICE("ps", 1, "CPU", 0),
                                                  DEVICE("worker", 0, "CPU", 0), DEVICE("worker", 0, "GPU", 0)};

static bool supports(const tn_node *node, const char *type) {
  return strcmp(type, "CPU") == 0 || strcmp(node->op->name, "Neg") == 0;
}

static tn_output placed_op(tn_graph *g, const char *op, const char *name, const char *device, tn_output x) {
  tn_node_builder *b = tn_node_begin(g, op, name);
  if (x.node) tn_node_input(b, x);
  if (device) tn_node_device(b, device);
  if (strcmp(op, "VarHandleOp") == 0 || strcmp(op, "ReadVariableOp") == 0) tn_node_attr_type(b, "dtype", TN_FLOAT);
  if (strcmp(op, "VarHandleOp") == 0) {
    tn_shape scalar = tn_shape_scalar();
    tn_node_attr_shape(b, "shape", &scalar);
  }
  tn_node *made = NULL;
  ok(tn_node_finish(b, &made));
  return (tn_output){made, 0};
}

static const tn_output nothing = {NULL, 0};

/* PLACES of all nodes of G, or the error. */
static tn_error *place(const tn_graph *g, int preferred, bool soft, const int *kept, int *places) {
  tn_device_set set = {.n = N_DEVICES, .devices = devices, .preferred = preferred, .supports = supports};
  tn_place_request request = {
      .graph = g, .n_nodes = (int)tn_graph_n_nodes(g), .devices = &set, .soft = soft, .kept = kept};
  return tn_place(&request, places);
}

static void jobs_and_types(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  int places[8] = {0};
  tn_output v = placed_op(g, "VarHandleOp", "v", "/job:ps/task:1", nothing);
  tn_output read = placed_op(g, "ReadVariableOp", "read", "/job:worker", v);
  tn_output on_gpu = placed_op(g, "Neg", "neg", "/job:worker", read);
  tn_output exp = placed_op(g, "Exp", "exp", "/job:worker", on_gpu);
  tn_output free_op = placed_op(g, "Exp", "free", NULL, exp);
  ok(place(g, -1, false, NULL, places));
  assert_int_equal(places[v.node->id], PS1);
  assert_int_equal(places[read.node->id], PS1); /* where its variable is, whatever it asks for */
  assert_int_equal(places[on_gpu.node->id], WORKER_GPU);
  assert_int_equal(places[exp.node->id], WORKER);
  assert_int_equal(places[free_op.node->id], PS0);
  ok(place(g, WORKER, false, NULL, places));
  assert_int_equal(places[free_op.node->id], WORKER);
  tn_graph_free(g);
}

static void soft_and_hard(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  int places[4] = {0};
  tn_output x = placeholder(g, "x");
  tn_output exp = placed_op(g, "Exp", "exp", "/job:worker/device:GPU:0", x);
  fails(
      place(g, -1, false, NULL, places), TN_INVALID_ARGUMENT,
      "Could not satisfy explicit device specification '/job:worker/device:GPU:0' because no supported kernel for GPU");
  ok(place(g, -1, true, NULL, places));
  assert_int_equal(places[exp.node->id], WORKER);
  tn_output lost = placed_op(g, "Exp", "lost", "/job:nowhere", x);
  (void)lost;
  fails(place(g, -1, true, NULL, places), TN_INVALID_ARGUMENT,
        "lost: {{node lost}} was explicitly assigned to /job:nowhere but available devices are [ "
        "/job:ps/replica:0/task:0/device:CPU:0, /job:ps/replica:0/task:1/device:CPU:0, "
        "/job:worker/replica:0/task:0/device:CPU:0, /job:worker/replica:0/task:0/device:GPU:0 ]");
  tn_graph_free(g);
}

static void what_is_kept(void **state) {
  (void)state;
  tn_graph *g = new_graph();
  int places[4] = {0}, kept[4] = {-1, -1, -1, -1};
  tn_output v = placed_op(g, "VarHandleOp", "v", NULL, nothing);
  tn_output read = placed_op(g, "ReadVariableOp", "read", NULL, v);
  kept[v.node->id] = PS1;
  ok(place(g, -1, false, kept, places));
  assert_int_equal(places[v.node->id], PS1);
  assert_int_equal(places[read.node->id], PS1);
  tn_device_set none = {.n = 0, .devices = devices, .preferred = -1};
  tn_place_request request = {.graph = g, .n_nodes = 2, .devices = &none};
  fails(tn_place(&request, places), TN_FAILED_PRECONDITION, "No devices are registered");
  tn_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(jobs_and_types), cmocka_unit_test(soft_and_hard),
                                     cmocka_unit_test(what_is_kept)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
