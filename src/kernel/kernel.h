/* What a kernel sees. A kernel has two steps: PREPARE runs once for known shapes (checks, output shapes, scratch,
 * set-up); RUN only computes. The same prepared kernel may run in many threads at once, so its state is read-only in
 * RUN. */
#ifndef TN_KERNEL_KERNEL_H
#define TN_KERNEL_KERNEL_H

#include "graph/graph.h"
#include "kernel/resource.h"
#include "kernel/wait.h"

#define TN_KERNEL_MAX_OUTPUTS 16 /* aliases and in-place marks are kept for the first this many outputs */

typedef struct tn_step tn_step; /* one running step: cancellation, deadline, step resources */

typedef struct tn_prepare {
  const tn_node *node;
  int n_inputs, n_outputs;
  /* dtype and shape are set for every input; DATA is non-NULL for constants and for the op's value_inputs.
   * A reference input (and output) is a scalar whose dtype is a reference type and whose one element is a tn_object
   * pointer, like an element of TN_RESOURCE; the executor reads through it where the consumer's argument is no
   * reference. */
  const tn_tensor *inputs;
  /* Per input: the variable behind a reference or resource handle if that is known, else NULL. It is borrowed, and
   * it may get another value, and another shape, after PREPARE: RUN checks. */
  tn_variable *const *variables;
  tn_tensor *outputs;                     /* dtype is preset; tn_prepare_output sets the shape */
  size_t scratch;                         /* bytes of scratch that RUN gets, aligned to 64; set by PREPARE */
  int8_t alias[TN_KERNEL_MAX_OUTPUTS];    /* output i IS input alias[i] (same bytes, other shape); -1: no */
  int8_t in_place[TN_KERNEL_MAX_OUTPUTS]; /* output i may overwrite input in_place[i] if that dies here; -1: no */
  uint32_t in_place_too;                  /* bit j: output 0 may overwrite input j just as well as input in_place[0] */
  bool dynamic_output[TN_KERNEL_MAX_OUTPUTS]; /* RUN allocates output i itself with tn_run_allocate */
  bool rest_dynamic;         /* the same for all outputs past those whose shape PREPARE leaves unknown */
  int threads;               /* threads that tn_parallel may use when this runs */
  tn_session_state *session; /* NULL when constants are folded */
  void *state;               /* the kernel's own; freed by DESTROY */
} tn_prepare;

typedef struct tn_run {
  const tn_node *node; /* for messages only */
  int n_inputs, n_outputs;
  const tn_tensor *const *inputs;
  tn_tensor *const
      *outputs; /* shape, dtype and DATA are set; where aliased or done in place they point at the input's bytes */
  void *state;
  void *scratch;
  tn_step *step;
  tn_waiter *waiter; /* for kernels that say ATTEMPTS: not NULL where this run must not block */
  tn_run_outcome outcome;
} tn_run;

typedef struct tn_kernel_def {
  const char *name;                      /* "reference", "onednn", "vector", ...: unique within the op */
  tn_dtype_mask types;                   /* the values of the op's attribute TYPE_ATTR that it takes; 0: all */
  const char *type_attr;                 /* NULL: "T" if the op has it, else its first type attribute */
  bool (*supports)(const tn_prepare *p); /* NULL: always */
  tn_error *(*prepare)(tn_prepare *p);   /* NULL: output 0 has the shape of input 0 */
  tn_error *(*run)(tn_run *r);
  void (*destroy)(void *state); /* NULL: state came from tn_prepare_state or there is none */
  bool attempts;                /* of ops that may wait: RUN can be given a waiter */
} tn_kernel_def;

/* Defines the kernel list of an op: best first, reference last. static const tn_kernel_def kernels[] = {..., {0}}; */

/* --- for PREPARE --- */
/* Sets the shape of output I. RESOURCE_EXHAUSTED if its size overflows. */
tn_error *tn_prepare_output(tn_prepare *p, int i, const tn_shape *shape) TN_MUST_USE;
/* Output I is input J's bytes under SHAPE. */
tn_error *tn_prepare_alias(tn_prepare *p, int i, int j, const tn_shape *shape) TN_MUST_USE;
/* Output I may overwrite input J (same number of bytes). */
static inline void tn_prepare_in_place(tn_prepare *p, int i, int j) { p->in_place[i] = (int8_t)j; }
/* Output 0 may overwrite any input that has ELEMENTS elements, all that it has itself, of the same size. */
void tn_prepare_in_place_any(tn_prepare *p, int64_t elements);
/* Output I has a shape that only RUN knows. */
static inline void tn_prepare_dynamic(tn_prepare *p, int i) {
  if (i < TN_KERNEL_MAX_OUTPUTS)
    p->dynamic_output[i] = true;
  else
    p->rest_dynamic = true;
}
/* The PREPARE of an op whose outputs' shapes only RUN knows. */
static inline tn_error *tn_prepare_all_dynamic(tn_prepare *p) {
  for (int i = 0; i < p->n_outputs; i++) tn_prepare_dynamic(p, i);
  return NULL;
}
/* The PREPARE of an op that has no outputs, and looks at its inputs when it runs. */
static inline tn_error *tn_prepare_nothing(tn_prepare *p) {
  (void)p;
  return NULL;
}
/* SIZE zeroed bytes as p->state, freed with the prepared kernel (DESTROY NULL) or by DESTROY with tn_free. */
tn_error *tn_prepare_state(tn_prepare *p, size_t size, void *out) TN_MUST_USE;
/* State of (session, node) that survives plans and steps (random counters): made zeroed by the first caller. OUT is a
 * void **. */
tn_error *tn_prepare_persistent(tn_prepare *p, size_t size, void *out) TN_MUST_USE;
/* An error that begins "Op 'name': ". */
#define tn_prepare_errorf(p, code, ...) tn_node_errorf((p)->node, (code), __VA_ARGS__)
#define tn_run_errorf(r, code, ...)     tn_node_errorf((r)->node, (code), __VA_ARGS__)
/* The integers of value input I (int32 or int64) as int64; INVALID_ARGUMENT if there are more than MAX. */
tn_error *tn_prepare_ints(const tn_prepare *p, int input, int max, int *n, int64_t *values) TN_MUST_USE;
/* The same as a shape: INVALID_ARGUMENT for negative sizes or rank over TN_MAX_RANK. */
tn_error *tn_prepare_shape(const tn_prepare *p, int input, tn_shape *out) TN_MUST_USE;

/* --- for RUN --- */
/* Allocates output I, which PREPARE called dynamic. */
tn_error *tn_run_allocate(tn_run *r, int i, const tn_shape *shape) TN_MUST_USE;
/* Makes output I share VALUE's buffer (outputs called dynamic only). */
void tn_run_set(tn_run *r, int i, const tn_tensor *value);
/* Makes output I, a scalar handle or reference, hold OBJECT, which it takes over even when it fails. */
tn_error *tn_run_set_handle(tn_run *r, int i, tn_object *object) TN_MUST_USE;
/* CANCELLED or DEADLINE_EXCEEDED if the step was stopped; for long kernels, between chunks. */
tn_error *tn_run_check(const tn_run *r) TN_MUST_USE;
/* The object of TYPE behind handle or reference input I, borrowed for the step. INVALID_ARGUMENT if it is something
 * else. */
tn_error *tn_run_object(const tn_run *r, int i, const char *type, tn_object **out) TN_MUST_USE;
/* The variable behind input I (reference or resource). FAILED_PRECONDITION is left to reading it. */
tn_error *tn_run_variable(const tn_run *r, int i, tn_variable **out) TN_MUST_USE;
/* Resources that live as long as the step (stacks, tensor arrays). */
tn_resources *tn_run_step_resources(const tn_run *r);
/* The session's resources, and its state. */
tn_resources *tn_run_resources(const tn_run *r);

/* --- elements --- */
#define TN_DATA(type, tensor) ((type *)(tensor)->data)
static inline int64_t tn_elements(const tn_tensor *t) {
  int64_t n = 1;
  for (int i = 0; i < t->shape.rank; i++) n *= t->shape.dims[i];
  return n;
}

/* Element I of an int16, int32 or int64 tensor: an index. */
static inline int64_t tn_index_at(const tn_tensor *t, int64_t i) {
  switch (t->dtype) {
  case TN_INT64: return TN_DATA(int64_t, t)[i];
  case TN_INT32: return TN_DATA(int32_t, t)[i];
  default: return TN_DATA(int16_t, t)[i];
  }
}

#endif
