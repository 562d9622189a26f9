/* Host functions: code of the program that a graph calls back (the ops PyFunc, PyFuncStateless and EagerPyFunc). */
#ifndef TENON_HOST_H
#define TENON_HOST_H

#include <tenon/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Called by a step with the node's N_IN inputs, lent for the call (take a reference to keep one). OUT receives N_OUT
 * new tensors of the dtypes OUT_TYPES; on an error nothing, and the step fails with that error. It may be called by
 * several threads at once, holds no lock of the library, and may run steps itself. */
typedef tn_error *(*tn_host_fn)(void *argument, size_t n_in, tn_tensor *const *in, size_t n_out,
                                const tn_dtype *out_types, tn_tensor **out);

/* From now on nodes whose attribute `token` is TOKEN call FN(ARGUMENT, ...), in any session of the process. RELEASE
 * (may be NULL) gets ARGUMENT once the function is unregistered and no call is running. ALREADY_EXISTS if TOKEN is
 * taken: then RELEASE is not called. */
TN_API tn_error *tn_host_function_register(const char *token, tn_host_fn fn, void *argument,
                                           void (*release)(void *argument)) TN_MUST_USE;
/* Ends that; a token that nobody registered is fine. Calls that run now go on. */
TN_API void tn_host_function_unregister(const char *token);

#ifdef __cplusplus
}
#endif
#endif
