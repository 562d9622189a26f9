/* For Tenon's own tests: levers and counters that programs have no use for. Not part of the stable API. */
#ifndef TENON_TESTING_H
#define TENON_TESTING_H

#include <tenon/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/* From now on nodes of type OP take the kernel called KERNEL ("reference", "0" for the first of the list, ...) in
 * sessions made after this call; a node that it does not support fails with UNIMPLEMENTED. KERNEL NULL: the usual
 * choice again. OP NULL: every op that has a kernel of that name (others choose as usual). The environment variable
 * TENON_KERNEL ("MatMul=reference,*=vector") does the same at start. NOT_FOUND: no such op or kernel. */
TN_API tn_error *tn_kernel_force(const char *op, const char *kernel) TN_MUST_USE;
/* The number of kernels of OP, 0 if there is no such op, and the name of kernel I. */
TN_API int tn_kernel_count(const char *op);
TN_API const char *tn_kernel_name(const char *op, int i);
/* How many kernels have been prepared under that name for OP since the process began. */
TN_API uint64_t tn_kernel_prepared(const char *op, const char *kernel);

/* Passes the point of that name, at which TENON_FAULT=POINT:COUNT:FILE[:MICROSECONDS] has the process killed: the one
 * that passes it for the COUNT-th time and makes FILE, which must not exist yet; at once or so much later. */
TN_API void tn_fault_reached(const char *point);

/* The line that says what OP computes; NULL if there is no such op. */
TN_API const char *tn_op_doc(const char *op);
/* What OP says of its gradient: 'y' it has one, 'n' nothing flows back, 'u' asking for one is an error, '?' it says
 * nothing, 0: no such op. */
TN_API char tn_op_gradient_kind(const char *op);

/* How often the compiler pass NAME changed a graph since the process began. */
TN_API uint64_t tn_pass_fired(const char *name);
/* The name of pass I in the order in which they run, NULL after the last. */
TN_API const char *tn_pass_name(int i);
/* True if the last step of the calling thread was a walk over a static plan. */
TN_API bool tn_last_step_was_static(void);
/* Plans of SESSION that are cached now, steps that found theirs, and plans that were made. */
TN_API void tn_session_plan_stats(const tn_session *session, uint64_t *cached, uint64_t *hits, uint64_t *made);

#ifdef __cplusplus
}
#endif
#endif
