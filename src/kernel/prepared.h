/* Prepared kernels: a kernel chosen and set up for one node and given input shapes. Immutable once made; RUN in any
 * thread. */
#ifndef TN_KERNEL_PREPARED_H
#define TN_KERNEL_PREPARED_H

#include "kernel/kernel.h"

typedef struct tn_kernel {
  atomic_int refs;
  const tn_node *node;
  const tn_kernel_def *def;
  int n_inputs, n_outputs;
  tn_tensor *outputs;    /* dtype and shape; DATA is NULL. Outputs called dynamic have an unknown shape */
  size_t scratch;        /* bytes */
  int8_t *alias;         /* per output: the input that it is, or -1 */
  int8_t *in_place;      /* per output: the input that it may overwrite, or -1 */
  uint32_t in_place_too; /* bit j: output 0 may overwrite input j as well */
  bool *dynamic;         /* per output */
  void *state;
} tn_kernel;

/* What to prepare for. */
typedef struct tn_kernel_request {
  const tn_node *node;
  int n_inputs;
  const tn_tensor *inputs;       /* as tn_prepare's: DATA NULL where the value is not known */
  tn_variable *const *variables; /* NULL: none known */
  tn_session_state *session;     /* NULL: constants are folded */
  int threads;
  bool reference; /* take the last kernel of the list: cheap to prepare */
} tn_kernel_request;

/* The input that output OUTPUT may overwrite as choice number CHOICE (from 0, best first); -1 after the last. */
int tn_kernel_overwrites(const tn_kernel *kernel, int output, int choice);

/* Picks the first kernel of the op's list that takes the types, supports the shapes and can be prepared.
 * UNIMPLEMENTED if no kernel takes the types; INVALID_ARGUMENT and others come from PREPARE. */
tn_error *tn_kernel_new(const tn_kernel_request *request, tn_kernel **out) TN_MUST_USE;
tn_kernel *tn_kernel_ref(tn_kernel *kernel);
void tn_kernel_unref(tn_kernel *kernel);

/* Runs KERNEL with new buffers: fills OUTPUTS (n_outputs slots, clear before) from INPUTS. FORWARD (may be NULL) tells
 * per input that its buffer may be overwritten if nobody else holds it. On an error OUTPUTS are clear. */
tn_error *tn_kernel_run(tn_kernel *kernel, const tn_tensor *const *inputs, const bool *forward, tn_step *step,
                        tn_tensor *outputs) TN_MUST_USE;
/* The same for a kernel that says ATTEMPTS, which is given WAITER and overwrites no input. OUTPUTS are clear unless
 * *OUTCOME is TN_RUN_DONE. */
tn_error *tn_kernel_attempt(tn_kernel *kernel, const tn_tensor *const *inputs, tn_step *step, tn_waiter *waiter,
                            tn_tensor *outputs, tn_run_outcome *outcome) TN_MUST_USE;

/* Makes a reference or handle value: a scalar of DTYPE (a reference type or TN_RESOURCE) with one element, which takes
 * over OBJECT. */
tn_error *tn_handle_init(tn_tensor *out, tn_dtype dtype, tn_object *object) TN_MUST_USE;

#endif
