/* Tapes: binding a program to shapes, and running it block by block. */
#include "kernel/tape.h"

tn_error *tn_tape_kernel_prepare(tn_prepare *p) { return tn_prepare_errorf(p, TN_UNIMPLEMENTED, "no tapes"); }
tn_error *tn_tape_kernel_prepare_same(tn_prepare *p) { return tn_tape_kernel_prepare(p); }
tn_error *tn_tape_kernel_prepare_same_size(tn_prepare *p) { return tn_tape_kernel_prepare(p); }
tn_error *tn_tape_kernel_prepare_with(tn_prepare *p, const tn_tape *tape) {
  (void)tape;
  return tn_tape_kernel_prepare(p);
}
tn_error *tn_tape_kernel_run(tn_run *r) { return tn_run_errorf(r, TN_UNIMPLEMENTED, "no tapes"); }
