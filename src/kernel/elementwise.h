/* Plain elementwise kernels: a loop function per dtype, and the driver that broadcasts, splits and calls it. */
#ifndef TN_KERNEL_ELEMENTWISE_H
#define TN_KERNEL_ELEMENTWISE_H

#include "kernel/kernel.h"

enum { TN_LOOP_MAX_INPUTS = 3 };

/* Computes N elements: OUT is dense; input j advances by STEP[j] elements (0 repeats one). OUT may be a dense input. */
typedef void (*tn_loop_fn)(void *out, const void *const *in, const int64_t *step, int64_t n, double parameter);

/* The loop for one dtype of input 0; tables end with a NULL loop. */
typedef struct tn_loop_row {
  tn_dtype dtype;
  tn_loop_fn loop;
} tn_loop_row;

/* How inputs broadcast to an output: dimensions that every operand walks alike are joined. */
typedef struct tn_broadcast {
  int n_inputs, rank; /* rank >= 1 */
  int64_t elements;   /* of the output */
  int64_t dims[TN_MAX_RANK];
  int64_t strides[TN_LOOP_MAX_INPUTS][TN_MAX_RANK]; /* in elements; 0 where an input is repeated */
} tn_broadcast;

/* INVALID_ARGUMENT "Incompatible shapes" naming the node; NODE may be NULL. N shapes broadcast to OUT. */
tn_error *tn_broadcast_shapes(const tn_node *node, int n, const tn_tensor *inputs, tn_shape *out) TN_MUST_USE;
/* Joins the dimensions of OUT that all N inputs (which have to broadcast to it) walk alike: DIMS and, per input,
 * STRIDES in elements. Returns how many are left, at least 1. */
int tn_broadcast_join(int n, const tn_tensor *inputs, const tn_shape *out, int64_t dims[TN_MAX_RANK],
                      int64_t (*strides)[TN_MAX_RANK]);
/* The same into B, for up to TN_LOOP_MAX_INPUTS inputs. */
void tn_broadcast_init(tn_broadcast *b, int n, const tn_tensor *inputs, const tn_shape *out);
/* Calls LOOP for the output elements [begin, end). */
void tn_broadcast_run(const tn_broadcast *b, tn_loop_fn loop, double parameter, const tn_tensor *const *inputs,
                      tn_tensor *output, int64_t begin, int64_t end);

/* PREPARE with the loops of ROWS: output 0 has the broadcast shape of all inputs. CHECK (may be NULL) is asked by RUN
 * before anything is written. */
typedef tn_error *(*tn_loop_check)(const tn_run *r);
tn_error *tn_elementwise_prepare(tn_prepare *p, const tn_loop_row *rows, double parameter,
                                 tn_loop_check check) TN_MUST_USE;
/* The same, but the inputs have to have the shape of input 0, or (SHAPES false) only as many elements. */
tn_error *tn_elementwise_prepare_same(tn_prepare *p, const tn_loop_row *rows, double parameter,
                                      bool shapes) TN_MUST_USE;
/* The check that it makes, and the shape that it sets for output 0. */
tn_error *tn_prepare_same_size(tn_prepare *p, bool shapes) TN_MUST_USE;
tn_error *tn_elementwise_run(tn_run *r) TN_MUST_USE;

#endif
