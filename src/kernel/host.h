/* Host functions, as the kernels that call them see them. */
#ifndef TN_KERNEL_HOST_H
#define TN_KERNEL_HOST_H

#include <tenon/host.h>

/* Calls the function registered under TOKEN. INVALID_ARGUMENT if there is none. */
tn_error *tn_host_call(tn_string token, size_t n_in, tn_tensor *const *in, size_t n_out, const tn_dtype *out_types,
                       tn_tensor **out) TN_MUST_USE;

#endif
