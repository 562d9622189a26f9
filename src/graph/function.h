/* Functions: bodies that nodes call by name. A library holds those of a graph and of all bodies made from it. */
#ifndef TN_GRAPH_FUNCTION_H
#define TN_GRAPH_FUNCTION_H

#include "base/alloc.h"
#include "base/str.h"
#include "graph/graph.h"

/* A function's body as a graph: its arguments are Placeholders. */
typedef struct tn_function_body {
  tn_graph *graph;
  tn_output *args, *rets;
  size_t n_targets;
  tn_node **targets; /* what runs in every call, needed or not */
} tn_function_body;

typedef struct tn_function {
  struct tn_library *library;
  const char *name;
  tn_op_def op; /* for nodes whose type is the function's name */
  tn_op_schema schema;
  size_t n_inputs, n_outputs;
  tn_dtype *input_types, *output_types;
  bool stateful;
  const char *def; /* the FunctionDef */
  size_t size;
  const char *gradient; /* the name of the function that is its gradient; NULL: none was given */
  tn_function_body *body;
} tn_function;

typedef struct tn_library tn_library;
tn_error *tn_library_new(tn_library **out) TN_MUST_USE;
tn_library *tn_library_ref(tn_library *library);
void tn_library_unref(tn_library *library);
/* Adds a FunctionDef. Adding the same again does nothing; INVALID_ARGUMENT: another one has its name. */
tn_error *tn_library_add(tn_library *library, const char *def, size_t size) TN_MUST_USE;
/* Adds the parts of a FunctionDefLibrary: all or none. */
tn_error *tn_library_import(tn_library *library, const char *data, size_t size) TN_MUST_USE;
/* Writes it as a FunctionDefLibrary's fields. */
void tn_library_write(tn_library *library, tn_str *out);
bool tn_library_empty(tn_library *library);
/* NULL if there is none. Functions live as long as the library. */
tn_function *tn_library_find(tn_library *library, const char *name);
size_t tn_library_size(tn_library *library);
tn_function *tn_library_at(tn_library *library, size_t i);

/* The function that attribute NAME of NODE names, in its graph's library. NOT_FOUND. */
tn_error *tn_node_function(const tn_node *node, const char *name, tn_function **out) TN_MUST_USE;
/* Function I of a list(func) attribute. */
tn_error *tn_node_function_at(const tn_node *node, const char *name, size_t i, tn_function **out) TN_MUST_USE;
/* The function that NODE calls: its attribute f, or the one that its op type names. */
tn_error *tn_node_callee(const tn_node *node, tn_function **out) TN_MUST_USE;
/* The body, made on first use. Thread-safe. */
tn_error *tn_function_get_body(tn_function *function, const tn_function_body **out) TN_MUST_USE;
/* A new body, for the caller to build on; free its graph and the arrays with tn_function_body_free. */
tn_error *tn_function_new_body(tn_function *function, tn_function_body **out) TN_MUST_USE;
void tn_function_body_free(tn_function_body *body);
/* The function from (inputs, gradients of the outputs) to the gradients of those inputs that can have one. */
tn_error *tn_function_gradient(tn_function *function, tn_function **out) TN_MUST_USE;
/* Decodes images only where BODY, with N_RETS results, uses them. */
tn_error *tn_function_windows(tn_function_body *body, size_t n_rets) TN_MUST_USE;
/* UNIMPLEMENTED, naming CALLER, if F can't be computed once more without harm: it draws random numbers, or (where
 * CHANGES is set) changes what outlives the step. */
tn_error *tn_function_check_again(tn_function *f, const tn_node *caller, bool changes) TN_MUST_USE;
/* The gradients of nodes that call functions. */
tn_error *tn_grad_call(tn_gradient_ctx *c) TN_MUST_USE;
tn_error *tn_grad_branches(tn_gradient_ctx *c) TN_MUST_USE; /* If and Case: the same of the branches' gradients */
tn_error *tn_grad_while(tn_gradient_ctx *c) TN_MUST_USE;    /* While: _WhileGrad */

/* Reads the signature of DEF into FUNCTION, whose strings go to ARENA. */
tn_error *tn_function_read_signature(tn_arena *arena, tn_function *function) TN_MUST_USE;

#endif
