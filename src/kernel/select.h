/* Which kernels of an op may be tried for a node: its types, and what a test forces. */
#ifndef TN_KERNEL_SELECT_H
#define TN_KERNEL_SELECT_H

#include "kernel/kernel.h"

/* True if DEF takes the types of NODE. */
bool tn_kernel_takes(const tn_kernel_def *def, const tn_node *node);
/* The kernel that a test wants for OP, or NULL. *ONLY: it is named for this very op, so nothing else will do. */
const tn_kernel_def *tn_kernel_forced(const tn_op_def *op, bool *only);
/* Counts a prepared kernel. */
void tn_kernel_count_prepared(const tn_op_def *op, const tn_kernel_def *def);

#endif
