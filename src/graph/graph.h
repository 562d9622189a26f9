/* Graphs and nodes from the inside. Nodes never move and are never removed; all memory belongs to the graph's arena. */
#ifndef TN_GRAPH_GRAPH_H
#define TN_GRAPH_GRAPH_H

#include "graph/op.h"

struct tn_node {
  tn_graph *graph;
  int id;
  const char *name;
  const char *device; /* as requested, canonical; "" for none */
  const tn_op_def *op;
  const tn_op_schema *schema;
  int n_attrs;
  tn_named_attr
      *attrs; /* every attribute of the schema, defaults filled in, in its order; then those that begin with '_' */
  int n_inputs;
  tn_output *inputs;
  tn_dtype *input_types; /* as the op declares them: a reference type only where the op takes one */
  int n_controls;
  tn_node **controls;
  int n_outputs;
  tn_dtype *output_types;
  tn_shape *output_shapes;
  struct tn_handle_info *handles; /* per output: what a resource handle refers to; NULL where no output is one */
};

/* What is known about the variable behind a resource output: its dtype and shape. DTYPE TN_INVALID: nothing. */
typedef struct tn_handle_info {
  tn_dtype dtype;
  tn_shape shape;
} tn_handle_info;

tn_graph *tn_graph_ref(tn_graph *graph);
/* Grows with every change; sessions compare it to see new nodes. */
uint64_t tn_graph_version(const tn_graph *graph);
/* Taken by whoever looks at edges, shapes or names while another thread may add; may be nested. */
void tn_graph_lock(const tn_graph *graph);
void tn_graph_unlock(const tn_graph *graph);

/* --- attributes of a node: by name. The node was checked against its schema, so these can't fail for names in it. ---
 */
const tn_attr *tn_node_attr(const tn_node *node, const char *name); /* NULL if absent (names with '_') */
int64_t tn_node_get_int(const tn_node *node, const char *name);
float tn_node_get_float(const tn_node *node, const char *name);
bool tn_node_get_bool(const tn_node *node, const char *name);
tn_dtype tn_node_get_type(const tn_node *node, const char *name);
const tn_shape *tn_node_get_shape(const tn_node *node, const char *name);
tn_tensor *tn_node_get_tensor(const tn_node *node, const char *name);
tn_string tn_node_get_string(const tn_node *node, const char *name);
bool tn_node_string_is(const tn_node *node, const char *name, const char *text);
/* list(int): the number of elements, *VALUES the array. */
size_t tn_node_get_ints(const tn_node *node, const char *name, const int64_t **values);
/* The span of flattened inputs [*FIRST, *FIRST + count) of input argument ARGUMENT (position in the op's definition).
 */
int tn_node_argument(const tn_node *node, int argument, int *first);
/* Whether flattened input INPUT belongs to an argument among the op's value_inputs. */
static inline bool tn_node_needs_value(const tn_node *node, int input) {
  for (int argument = 0; node->op->value_inputs >> argument; argument++) {
    int first, count = tn_node_argument(node, argument, &first);
    if (input >= first && input < first + count) return node->op->value_inputs >> argument & 1;
  }
  return false;
}

/* An INVALID_ARGUMENT (or other) error that begins "Op 'name': ". */
tn_error *tn_node_errorf(const tn_node *node, tn_code code, const char *format, ...) TN_PRINTF(3, 4) TN_MUST_USE
    __attribute__((returns_nonnull));

#endif
