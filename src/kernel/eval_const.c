/* Values of constant subgraphs for shape functions, computed by the reference kernels. */
#include "kernel/eval_const.h"
#include "graph/shape.h"
#include "kernel/prepared.h"

#include "base/alloc.h"

#define MAX_NODES    400
#define MAX_DEPTH    100
#define MAX_ELEMENTS 65536

static tn_error *eval(tn_output output, int depth, int *budget, tn_tensor **out);

/* True if NODE's outputs depend on nothing but its inputs' values. */
static bool pure(const tn_node *node) {
  const uint32_t never = TN_OP_STATEFUL | TN_OP_CONTROL_FLOW | TN_OP_BLOCKING | TN_OP_CALLS | TN_OP_DEFAULT;
  if ((node->op->flags & never) || !node->op->kernels) return false;
  if (node->n_inputs == 0) return false; /* placeholders and their like; constants were looked at before */
  for (int i = 0; i < node->n_outputs; i++) {
    if (tn_dtype_is_ref(node->output_types[i]) || node->output_types[i] == TN_RESOURCE) return false;
    const tn_shape *shape = &node->output_shapes[i];
    if (tn_shape_known(shape) && tn_shape_elements(shape) > MAX_ELEMENTS) return false;
  }
  return true;
}

/* Runs NODE on VALUES, which are all there. */
static tn_error *compute(const tn_node *node, tn_tensor *const *values, int index, tn_tensor **out) {
  size_t n = (size_t)node->n_inputs, m = (size_t)node->n_outputs;
  tn_tensor *inputs = tn_calloc(n + m + 1, sizeof *inputs), *outputs = inputs + n;
  const tn_tensor **pointers = tn_calloc(n + 1, sizeof *pointers);
  tn_kernel *kernel = NULL;
  tn_error *error = inputs && pointers ? NULL : tn_out_of_memory();
  if (!error) {
    for (size_t i = 0; i < n; i++) {
      inputs[i] = *values[i];
      pointers[i] = values[i];
    }
    tn_kernel_request request = {
        .node = node, .n_inputs = node->n_inputs, .inputs = inputs, .threads = 1, .reference = true};
    error = tn_kernel_new(&request, &kernel);
  }
  if (!error) error = tn_kernel_run(kernel, pointers, NULL, NULL, outputs);
  if (!error && outputs[index].dtype != TN_INVALID) error = tn_tensor_box(&outputs[index], out);
  for (size_t i = 0; inputs && i < m; i++) tn_tensor_clear(&outputs[i]);
  tn_kernel_unref(kernel);
  tn_free(inputs);
  tn_free(pointers);
  return error;
}

/* *OUT stays NULL if the value is not constant. */
static tn_error *eval_node(tn_output output, int depth, int *budget, tn_tensor **out) {
  const tn_node *node = output.node;
  size_t n = (size_t)node->n_inputs;
  tn_tensor **values = tn_calloc(n + 1, sizeof *values);
  if (!values) return tn_out_of_memory();
  tn_error *error = NULL;
  bool all = true;
  for (size_t i = 0; i < n && all && !error; i++) {
    error = node->inputs[i].node ? eval(node->inputs[i], depth + 1, budget, &values[i]) : NULL;
    all = values[i] != NULL;
  }
  if (all && !error) error = compute(node, values, output.index, out);
  for (size_t i = 0; i < n; i++) tn_tensor_free(values[i]);
  tn_free(values);
  return error;
}

static tn_error *eval(tn_output output, int depth, int *budget, tn_tensor **out) {
  tn_tensor *value = NULL;
  TN_TRY(tn_graph_constant(output, &value));
  if (value || depth > MAX_DEPTH || --*budget < 0 || !pure(output.node)) {
    *out = value;
    return NULL;
  }
  return eval_node(output, depth, budget, out);
}

static tn_error *eval_const(tn_output output, tn_tensor **out) {
  int budget = MAX_NODES;
  tn_tensor *value = NULL;
  TN_TRY(eval(output, 0, &budget, &value));
  *out = value;
  return NULL;
}

void tn_install_eval_const(void) { tn_eval_const_hook = eval_const; }
