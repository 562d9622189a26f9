/* Einsum equations. */
#ifndef TN_OPS_LINALG_EINSUM_H
#define TN_OPS_LINALG_EINSUM_H

#include "ops/linalg/matrix.h"

#define TN_EINSUM_LABELS 32 /* of one argument, an ellipsis counting as one */
#define TN_ELLIPSIS      '.'

/* Labels of one argument; TN_ELLIPSIS stands for "...". */
typedef struct tn_einsum_labels {
  int n;
  char label[TN_EINSUM_LABELS];
  int ellipsis; /* its place, or -1 */
} tn_einsum_labels;

typedef struct tn_einsum {
  int n_inputs;
  tn_einsum_labels in[2], out;
} tn_einsum;

/* INVALID_ARGUMENT for anything that is not "x->z" or "x,y->z" for the node's inputs. */
tn_error *tn_einsum_parse(const tn_node *node, tn_einsum *out) TN_MUST_USE;
/* True if LABELS has LABEL. */
bool tn_einsum_has(const tn_einsum_labels *labels, char label);
/* The axis of label number I for a tensor of RANK; negative from the end where RANK is -1 and it stands after the
 * ellipsis. */
int tn_einsum_axis(const tn_einsum_labels *labels, int i, int rank);

/* The walk over all labels: the size of each axis (a label, or a dimension under the ellipsis), and the steps that the
 * two inputs and the result take along it; 0 where they don't have it. */
enum { TN_EINSUM_AXES = 2 * TN_EINSUM_LABELS + TN_MAX_RANK, TN_EINSUM_ARGUMENTS = 3 };
typedef struct tn_einsum_walk {
  int n_inputs, n_axes;
  int64_t size[TN_EINSUM_AXES], step[TN_EINSUM_ARGUMENTS][TN_EINSUM_AXES];
} tn_einsum_walk;
/* Checks the inputs, sets output 0 and fills *OUT (zeroed before). */
tn_error *tn_einsum_walk_of(tn_prepare *p, tn_einsum_walk *out) TN_MUST_USE;

/* Two float tensors through the matrix product. */
tn_error *tn_einsum_gemm_prepare(tn_prepare *p) TN_MUST_USE;
tn_error *tn_einsum_gemm(tn_run *r) TN_MUST_USE;

tn_error *tn_einsum_gradient(tn_gradient_ctx *c) TN_MUST_USE;

#endif
