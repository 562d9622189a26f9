/* Op types. An op is one const record in one file: definition, shape function, gradient and kernels together. */
#ifndef TN_GRAPH_OP_H
#define TN_GRAPH_OP_H

#include <tenon/graph.h>

#include "graph/attr.h"

struct tn_kernel_def; /* opaque here: see kernel/kernel.h */
typedef struct tn_shape_ctx tn_shape_ctx;
typedef struct tn_gradient_ctx tn_gradient_ctx;

typedef tn_error *(*tn_shape_fn)(tn_shape_ctx *c);
typedef tn_error *(*tn_gradient_fn)(tn_gradient_ctx *c);

enum {
  TN_OP_STATEFUL = 1 << 0,             /* TensorFlow's is_stateful: never folded or merged with a twin */
  TN_OP_COMMUTATIVE = 1 << 1,          /* TensorFlow's is_commutative */
  TN_OP_AGGREGATE = 1 << 2,            /* TensorFlow's is_aggregate */
  TN_OP_ALLOWS_UNINITIALIZED = 1 << 3, /* TensorFlow's allows_uninitialized_input */
  TN_OP_ELEMENTWISE = 1 << 4,   /* every output element depends only on the (broadcast) input elements at its place */
  TN_OP_DYNAMIC_SHAPE = 1 << 5, /* an output shape depends on computed values: known only when it ran (Unique, Where) */
  TN_OP_CONTROL_FLOW =
      1 << 6, /* Switch, Merge, Enter, Exit, NextIteration, LoopCond, _Send, _Recv: the executor runs them itself */
  TN_OP_BLOCKING = 1 << 7,              /* may wait (queues): runs on a thread of its own */
  TN_OP_NO_GRADIENT = 1 << 8,           /* TensorFlow's NotDifferentiable: nothing flows back */
  TN_OP_GRADIENT_UNREGISTERED = 1 << 9, /* TensorFlow has no gradient: asking for one is an error */
  TN_OP_DEBUG = 1 << 10,                /* a side effect that tests should not see twice (Print) */
  TN_OP_READ_ONLY = 1 << 11,            /* takes a reference or resource, but never changes what is behind it */
  TN_OP_FROM_SHAPES =
      1 << 12, /* outputs depend on the shapes of the inputs alone (Shape, Size, Rank): RUN may see NULL data */
  /* What a server does not do for everybody. */
  TN_OP_CHECKPOINT = 1 << 15, /* reads or writes checkpoints */
  TN_OP_FILES = 1 << 16,      /* reads or writes other files */
  TN_OP_CODE = 1 << 17,       /* calls code of the process */
  TN_OP_DEFAULT = 1 << 14,    /* a step may feed it another value: what the inputs say of its outputs may not hold */
  TN_OP_CALLS = 1 << 13 /* runs functions or holds iterators: only the dynamic executor runs it, on the step's thread */
};

typedef struct tn_op_def {
  const char *name;
  const char
      *inputs; /* "a: T, values: N * T, ref: Ref(T)": TensorFlow's registration grammar, arguments split by ',' */
  const char *outputs; /* the same */
  const char
      *attrs;      /* "T: {float, double} = DT_FLOAT; N: int >= 1; padding: {'SAME', 'VALID'}", in TensorFlow's order */
  const char *doc; /* one line: what it computes */
  uint32_t flags;
  uint32_t value_inputs; /* bit i: the VALUE of input argument i (its place in INPUTS; a list: of all its elements)
                          * decides shapes or set-up (axes, shapes): prepare sees it. See tn_node_needs_value. */
  uint16_t micro;        /* the tape micro-op of an elementwise op (kernel/tape.h), 0: none */
  tn_shape_fn shape;
  tn_gradient_fn gradient;             /* NULL: see the two gradient flags */
  const struct tn_kernel_def *kernels; /* best first, the plain reference last; ends with a zeroed record */
} tn_op_def;

/* Defines op type NAME. The registry is generated from the lines that begin with TN_OP( in the ops folders. */
#define TN_OP(NAME, ...)                                                                                               \
  extern const tn_op_def tn_op_##NAME;                                                                                 \
  const tn_op_def tn_op_##NAME = {.name = #NAME, __VA_ARGS__}

/* The generated registry, sorted by name. */
extern const tn_op_def *const tn_op_table[];
extern const size_t tn_op_table_size;
/* NULL if there is none. */
const tn_op_def *tn_op_find(const char *name);

/* --- the parsed definition, made on first use and kept --- */
typedef struct tn_arg_def {
  const char *name;
  tn_dtype type;              /* TN_INVALID where an attribute says it */
  const char *type_attr;      /* or NULL */
  const char *number_attr;    /* "N" in N * T, or NULL */
  const char *type_list_attr; /* or NULL */
  bool is_ref;
} tn_arg_def;

typedef struct tn_attr_def {
  const char *name;
  tn_attr_kind kind;
  bool is_list;
  bool has_default;
  bool has_minimum;
  int64_t minimum;             /* of an int, or of the length of a list */
  tn_dtype_mask allowed_types; /* 0: all */
  size_t n_allowed_strings;
  const char **allowed_strings;
  tn_attr default_value;
} tn_attr_def;

typedef struct tn_op_schema {
  int n_inputs, n_outputs, n_attrs;
  tn_arg_def *inputs, *outputs;
  tn_attr_def *attrs;
} tn_op_schema;

/* Thread-safe; the result lives as long as the process. INTERNAL with the offending text for a definition that does not
 * parse. */
tn_error *tn_op_schema_of(const tn_op_def *op, const tn_op_schema **out) TN_MUST_USE;

#endif
