/* Graphs: append-only dataflow graphs of typed nodes, checked as they are built, in TensorFlow's terms and formats. */
#ifndef TENON_GRAPH_H
#define TENON_GRAPH_H

#include <tenon/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A graph under construction. One thread may add to it at a time; sessions may run it meanwhile. */
typedef struct tn_graph tn_graph;
/* A node of a graph; belongs to the graph. */
typedef struct tn_node tn_node;
/* A node being described; see tn_node_begin. */
typedef struct tn_node_builder tn_node_builder;

/* Output INDEX of NODE; index -1 stands for the node as an operation (a control edge, a target). NODE NULL: none. */
typedef struct tn_output {
  tn_node *node;
  int index;
} tn_output;

/* An empty graph; free with tn_graph_free once no session uses it. */
TN_API tn_error *tn_graph_new(tn_graph **out) TN_MUST_USE;
/* Frees the graph and its nodes; sessions hold a reference of their own. */
TN_API void tn_graph_free(tn_graph *graph);

/* --- building. Every call below may be made with a builder that already failed; the first error comes from
 * tn_node_finish. --- */

/* Starts a node of type OP. NAME NULL or "": the op's name, made unique. The builder is freed by tn_node_finish. */
TN_API tn_node_builder *tn_node_begin(tn_graph *graph, const char *op, const char *name);
/* Adds the next input. For arguments that are lists ("N * T", "list(type)") call it once per element, in order. */
TN_API void tn_node_input(tn_node_builder *builder, tn_output input);
/* Adds a control input: NODE runs first. */
TN_API void tn_node_control(tn_node_builder *builder, tn_node *node);
/* Device constraint, "/device:GPU:0" say; default: that of the scope. */
TN_API void tn_node_device(tn_node_builder *builder, const char *device);
/* Attributes. Type attributes that the inputs determine, list lengths and attributes with defaults may be left out. */
TN_API void tn_node_attr_int(tn_node_builder *builder, const char *name, int64_t value);
/* A float attribute. */
TN_API void tn_node_attr_float(tn_node_builder *builder, const char *name, float value);
/* A bool attribute. */
TN_API void tn_node_attr_bool(tn_node_builder *builder, const char *name, bool value);
/* A string attribute of SIZE bytes, copied. */
TN_API void tn_node_attr_string(tn_node_builder *builder, const char *name, const char *value, size_t size);
/* A type attribute. */
TN_API void tn_node_attr_type(tn_node_builder *builder, const char *name, tn_dtype value);
/* A shape attribute. */
TN_API void tn_node_attr_shape(tn_node_builder *builder, const char *name, const tn_shape *value);
/* A tensor attribute; the node keeps a reference. */
TN_API void tn_node_attr_tensor(tn_node_builder *builder, const char *name, tn_tensor *value);
/* A function attribute: the name of a function in the graph's library. */
TN_API void tn_node_attr_func(tn_node_builder *builder, const char *name, const char *function);
/* list(func): names of functions. */
TN_API void tn_node_attr_funcs(tn_node_builder *builder, const char *name, const tn_string *values, size_t n);
/* list(int) and its kin; arrays are copied. */
TN_API void tn_node_attr_ints(tn_node_builder *builder, const char *name, const int64_t *values, size_t n);
/* list(float). */
TN_API void tn_node_attr_floats(tn_node_builder *builder, const char *name, const float *values, size_t n);
/* list(bool). */
TN_API void tn_node_attr_bools(tn_node_builder *builder, const char *name, const bool *values, size_t n);
/* list(string). */
TN_API void tn_node_attr_strings(tn_node_builder *builder, const char *name, const tn_string *values, size_t n);
/* list(type). */
TN_API void tn_node_attr_types(tn_node_builder *builder, const char *name, const tn_dtype *values, size_t n);
/* list(shape). */
TN_API void tn_node_attr_shapes(tn_node_builder *builder, const char *name, const tn_shape *values, size_t n);
/* Checks and adds the node, frees BUILDER. Errors: NOT_FOUND (no such op), INVALID_ARGUMENT (wrong inputs, attributes,
 * shapes, a name in use); the message names the node and the op. On an error the graph is as before. */
TN_API tn_error *tn_node_finish(tn_node_builder *builder, tn_node **out) TN_MUST_USE;

/* Sets input INPUT of NODE, which must be a Merge fed by a NextIteration that was not there yet (the back edge of a
 * loop). INVALID_ARGUMENT for anything else. */
TN_API tn_error *tn_graph_set_back_edge(tn_graph *graph, tn_node *node, int input, tn_output value) TN_MUST_USE;
/* Adds a control edge between nodes that exist. INVALID_ARGUMENT if it would close a cycle. */
TN_API tn_error *tn_graph_add_control(tn_graph *graph, tn_node *before, tn_node *after) TN_MUST_USE;

/* --- scopes and seeds: state of the graph that later nodes take up --- */

/* Later names get "NAME/" before them; a name in use becomes NAME_1 and so on, as TensorFlow's name_scope does. */
TN_API tn_error *tn_graph_push_name_scope(tn_graph *graph, const char *name) TN_MUST_USE;
/* Leaves the innermost name scope. */
TN_API void tn_graph_pop_name_scope(tn_graph *graph);
/* The whole name of the innermost name scope, without a '/' at its end; "" for none. Valid until it is left. */
TN_API const char *tn_graph_name_scope(const tn_graph *graph);
/* How often names that equal NAME but for case were asked for: 0 if NAME is free. */
TN_API size_t tn_graph_name_uses(const tn_graph *graph, const char *name);
/* Later nodes get DEVICE merged under what they name themselves. INVALID_ARGUMENT: not a device string. */
TN_API tn_error *tn_graph_push_device(tn_graph *graph, const char *device) TN_MUST_USE;
/* Leaves the innermost device scope. */
TN_API void tn_graph_pop_device(tn_graph *graph);
/* Later nodes run after the N given ones. */
TN_API tn_error *tn_graph_push_control(tn_graph *graph, size_t n, tn_node *const *nodes) TN_MUST_USE;
/* Leaves the innermost control scope. */
TN_API void tn_graph_pop_control(tn_graph *graph);
/* The graph-level seed of random ops; TensorFlow's rule joins it with an op's own (see tn_graph_get_seed). */
TN_API void tn_graph_set_seed(tn_graph *graph, int64_t seed);
/* TensorFlow's rule (tf.random.get_seed in graph mode): OP_SEED NULL means none given. Writes the attributes seed and
 * seed2. */
TN_API void tn_graph_get_seed(tn_graph *graph, const int64_t *op_seed, int64_t *seed, int64_t *seed2);
/* The unique name that a node asking for NAME would get now, taken at once, as Graph.unique_name. Free with free(). */
TN_API tn_error *tn_graph_unique_name(tn_graph *graph, const char *name, char **out) TN_MUST_USE;

/* --- looking --- */

/* The number of nodes; ids run from 0 in the order of addition. */
TN_API size_t tn_graph_n_nodes(const tn_graph *graph);
/* The node with id I. */
TN_API tn_node *tn_graph_node(const tn_graph *graph, size_t i);
/* The node called NAME, NULL if none. */
TN_API tn_node *tn_graph_find(const tn_graph *graph, const char *name);
/* "name:1", "name" (output 0) or "^name" (the operation). NOT_FOUND names what does not exist. */
TN_API tn_error *tn_graph_find_output(const tn_graph *graph, const char *name, tn_output *out) TN_MUST_USE;
/* The node's name, op type, requested device ("" for none) and id. */
TN_API const char *tn_node_name(const tn_node *node);
/* The op type. */
TN_API const char *tn_node_op(const tn_node *node);
/* The device that was asked for; "" for none. */
TN_API const char *tn_node_device_of(const tn_node *node);
/* The id, an index for tn_graph_node. */
TN_API int tn_node_id(const tn_node *node);
/* The number of data inputs. */
TN_API int tn_node_n_inputs(const tn_node *node);
/* Data input I. */
TN_API tn_output tn_node_input_at(const tn_node *node, int i);
/* The number of control inputs. */
TN_API int tn_node_n_controls(const tn_node *node);
/* Control input I. */
TN_API tn_node *tn_node_control_at(const tn_node *node, int i);
/* The number of outputs. */
TN_API int tn_node_n_outputs(const tn_node *node);
/* The dtype of OUTPUT (a reference type for variables of the old kind). */
TN_API tn_dtype tn_output_dtype(tn_output output);
/* The inferred static shape of OUTPUT. */
TN_API tn_shape tn_output_shape(tn_output output);
/* The value of OUTPUT where it depends on constants and static shapes alone and is small: a new reference to the tensor
 * that a program must not change; *OUT is NULL where it is not known. */
TN_API tn_error *tn_output_constant(tn_output output, tn_tensor **out) TN_MUST_USE;
/* The sizes that OUTPUT, a vector of integers, stands for, as far as they are known. INVALID_ARGUMENT: not a vector. */
TN_API tn_error *tn_output_as_shape(tn_output output, tn_shape *out) TN_MUST_USE;
/* Replaces the device that NODE asks for. INVALID_ARGUMENT: not a device string. */
TN_API tn_error *tn_node_set_device(tn_node *node, const char *device) TN_MUST_USE;
/* Attribute NAME of NODE as a serialised AttrValue. NOT_FOUND. Free *OUT with free(). */
TN_API tn_error *tn_node_attr_to_def(const tn_node *node, const char *name, char **out, size_t *size) TN_MUST_USE;
/* Adds or replaces an attribute of NODE whose name begins with '_' by a serialised AttrValue. INVALID_ARGUMENT. */
TN_API tn_error *tn_node_set_attr_def(tn_node *node, const char *name, const char *value, size_t size) TN_MUST_USE;
/* Refines the static shape of OUTPUT, as Tensor.set_shape. INVALID_ARGUMENT if the two don't agree. */
TN_API tn_error *tn_output_set_shape(tn_output output, const tn_shape *shape) TN_MUST_USE;
/* The node as a serialised NodeDef. Free *OUT with free(). */
TN_API tn_error *tn_node_to_def(const tn_node *node, char **out, size_t *size) TN_MUST_USE;

/* --- GraphDef --- */

/* The graph as a serialised GraphDef. Free *OUT with free(). */
TN_API tn_error *tn_graph_to_def(const tn_graph *graph, char **out, size_t *size) TN_MUST_USE;

/* Options of tn_graph_import; zero-initialise. */
typedef struct tn_import_options {
  const char *prefix; /* put before every name, with "/"; NULL or "": none */
  size_t n_inputs;    /* replaced inputs: INPUT_NAMES[i] ("x:0", "^x") becomes INPUTS[i] */
  const char *const *input_names;
  const tn_output *inputs;
  bool extends;        /* inputs that it doesn't define may be nodes that the graph has already */
  bool internal_names; /* names may begin with '_', as those of the nodes that a runtime adds do */
  bool wrong_shapes;   /* a node whose shape function fails is taken, its outputs of unknown shape: for graphs of which
                          parts are imported again before they run */
} tn_import_options;

/* Adds the nodes of a GraphDef. Errors name the node: unknown op, missing input, cycle, wrong dtype, bad attribute,
 * malformed bytes (all INVALID_ARGUMENT; unknown op: NOT_FOUND). On an error the graph is as before. */
TN_API tn_error *tn_graph_import(tn_graph *graph, const char *def, size_t size,
                                 const tn_import_options *options) TN_MUST_USE;

/* --- functions: graphs from some inputs to some outputs that nodes call by name --- */

/* A function to be made from BODY. The nodes of the inputs (Placeholders) are its arguments, all others are in it. */
typedef struct tn_function_spec {
  const char *name;
  const tn_graph *body;
  size_t n_inputs, n_outputs, n_controls;
  const tn_output *inputs;
  const tn_output *outputs;
  const char *const *output_names; /* NULL: made from the nodes' names */
  tn_node *const *controls;        /* what runs in every call, needed or not; none: all nodes that are stateful */
  bool only_needed;                /* leaves out every node that neither the outputs nor the controls need */
} tn_function_spec;

/* The function as a serialised FunctionDef. INVALID_ARGUMENT: an input or output is not of BODY. Free *OUT with free().
 */
TN_API tn_error *tn_function_to_def(const tn_function_spec *spec, char **out, size_t *size) TN_MUST_USE;
/* Adds a serialised FunctionDef to GRAPH's library; adding the same twice does nothing. INVALID_ARGUMENT: malformed,
 * or another function has its name. */
TN_API tn_error *tn_graph_add_function(tn_graph *graph, const char *def, size_t size) TN_MUST_USE;
/* Adds all functions of FROM's library. */
TN_API tn_error *tn_graph_copy_functions(tn_graph *graph, const tn_graph *from) TN_MUST_USE;
/* The number of functions of GRAPH's library. */
TN_API size_t tn_graph_n_functions(const tn_graph *graph);
/* The name of function I; NULL: there are fewer. */
TN_API const char *tn_graph_function_name(const tn_graph *graph, size_t i);
/* The FunctionDef of the function called NAME. NOT_FOUND. Free *OUT with free(). */
TN_API tn_error *tn_graph_function_def(const tn_graph *graph, const char *name, char **out, size_t *size) TN_MUST_USE;

/* --- gradients --- */

/* Adds nodes that compute d(sum of YS)/dXS. GRAD_YS (NULL, or NULL nodes inside: ones) are the gradients of the YS.
 * OUT[i].node is NULL where xs[i] does not matter. IndexedSlices come out densified. Errors: INVALID_ARGUMENT (dtypes),
 * NOT_FOUND (an op on the way has no gradient; named). */
TN_API tn_error *tn_graph_gradients(tn_graph *graph, size_t n_ys, const tn_output *ys, size_t n_xs, const tn_output *xs,
                                    const tn_output *grad_ys, tn_output *out) TN_MUST_USE;

/* A gradient that may be sparse: INDICES.node NULL means that VALUES is the whole dense gradient. */
typedef struct tn_gradient_value {
  tn_output values;
  tn_output indices;
  tn_output dense_shape;
} tn_gradient_value;

/* As tn_graph_gradients, but leaves gradients through gathers as IndexedSlices. STOP lists outputs beyond which nothing
 * flows. */
TN_API tn_error *tn_graph_gradients_sparse(tn_graph *graph, size_t n_ys, const tn_output *ys, size_t n_xs,
                                           const tn_output *xs, const tn_output *grad_ys, size_t n_stop,
                                           const tn_output *stop, tn_gradient_value *out) TN_MUST_USE;

/* A user's gradient: from NODE and the gradients of its outputs (node NULL: none) it fills GRAD_INPUTS. */
typedef tn_error *(*tn_user_gradient_fn)(tn_graph *graph, tn_node *node, const tn_output *grad_outputs,
                                         tn_output *grad_inputs, void *argument);
/* Gives nodes whose attribute _gradient_op_type is NAME (tf.Graph.gradient_override_map) this gradient in GRAPH.
 * ALREADY_EXISTS on a second one. */
TN_API tn_error *tn_graph_register_gradient(tn_graph *graph, const char *name, tn_user_gradient_fn gradient,
                                            void *argument) TN_MUST_USE;

/* --- ops --- */

/* The number of registered op types. */
TN_API size_t tn_n_ops(void);
/* The name of op type I, in byte order. */
TN_API const char *tn_op_name(size_t i);
/* The serialised OpDef of op type NAME. NOT_FOUND. Free *OUT with free(). */
TN_API tn_error *tn_op_to_def(const char *name, char **out, size_t *size) TN_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
