/* Memory for large messages that come: blocks are used again, because the system clears the pages of new ones, which
 * takes as long as receiving into them. Thread-safe. */
#ifndef TN_CLUSTER_POOL_H
#define TN_CLUSTER_POOL_H

#include "tensor/tensor.h"

typedef struct tn_pool tn_pool;

tn_error *tn_pool_new(tn_pool **out) TN_MUST_USE;
/* Frees what waits; buffers that are in use stay valid. NULL is allowed. */
void tn_pool_free(tn_pool *pool);
/* SIZE bytes aligned to 64. Small ones come from tn_buffer_new, as do all where POOL is NULL. */
tn_error *tn_pool_buffer(tn_pool *pool, size_t size, tn_buffer **out) TN_MUST_USE;
/* Frees what has waited for some seconds. Now and then. */
void tn_pool_tidy(tn_pool *pool);

#endif
