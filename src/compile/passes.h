/* The compiler's passes and their order. */
#ifndef TN_COMPILE_PASSES_H
#define TN_COMPILE_PASSES_H

#include "base/str.h"
#include "compile/ir.h"

/* Runs the passes that DISABLED ("a,b", "all", NULL: none) does not name. */
tn_error *tn_run_passes(tn_ir *ir, const char *disabled) TN_MUST_USE;
/* True if DISABLED names PASS. */
bool tn_pass_disabled(const char *disabled, const char *pass);
/* Counts N changes of PASS. */
void tn_pass_count(const char *pass, int n);
/* Adds what stands for NODE in dumps to TEXT: op, name, inputs, shapes. */
void tn_ir_dump_node(const tn_ir_node *node, tn_str *text);
/* Writes IR to standard error if TENON_DUMP names WHAT. */
void tn_ir_dump(const tn_ir *ir, const char *what);
/* True if TENON_DUMP names WHAT, or says all. */
bool tn_dump_wanted(const char *what);

/* The passes, each in the file of its name. */
tn_error *tn_pass_fold(tn_ir *ir, int *changes) TN_MUST_USE;
tn_error *tn_pass_cse(tn_ir *ir, int *changes) TN_MUST_USE;
tn_error *tn_pass_simplify(tn_ir *ir, int *changes) TN_MUST_USE;
tn_error *tn_pass_fuse_products(tn_ir *ir, int *changes) TN_MUST_USE;
tn_error *tn_pass_fuse_updates(tn_ir *ir, int *changes) TN_MUST_USE;
tn_error *tn_pass_fuse_elementwise(tn_ir *ir, int *changes) TN_MUST_USE;

#endif
