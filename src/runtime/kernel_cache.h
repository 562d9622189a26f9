/* The prepared kernels of a session's nodes, by the shapes (and values, where they matter) of their inputs. */
#ifndef TN_RUNTIME_KERNEL_CACHE_H
#define TN_RUNTIME_KERNEL_CACHE_H

#include "kernel/prepared.h"

typedef struct tn_kernel_cache tn_kernel_cache;
tn_error *tn_kernel_cache_new(tn_session_state *session, int threads, tn_kernel_cache **out) TN_MUST_USE;
void tn_kernel_cache_free(tn_kernel_cache *cache);
/* A kernel of NODE for INPUTS, from the cache or new. *OUT is a new reference. Thread-safe. */
tn_error *tn_kernel_cache_get(tn_kernel_cache *cache, const tn_node *node, const tn_tensor *inputs,
                              tn_kernel **out) TN_MUST_USE;

#endif
