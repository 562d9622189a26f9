/* Datasets from the inside, and the batches that a training loop draws from them. */
#ifndef TN_DATA_DATASET_H
#define TN_DATA_DATASET_H

#include <tenon/dataset.h>

struct tn_dataset {
  tn_tensor *features, *labels;
  float scale;
};

/* The order of an epoch and the buffers that batches are put together in. */
typedef struct tn_batches tn_batches;
/* Batches of SIZE examples (the last one may be smaller) of DATASET, which must outlive it. */
tn_error *tn_batches_new(const tn_dataset *dataset, int64_t size, tn_batches **out) TN_MUST_USE;
void tn_batches_free(tn_batches *batches);
int64_t tn_batches_count(const tn_batches *batches);
/* The order of epoch EPOCH, a function of SEED and EPOCH alone. Without this call the order is the dataset's. */
tn_error *tn_batches_shuffle(tn_batches *batches, uint64_t seed, int64_t epoch) TN_MUST_USE;
/* Batch I: features (float32 where they are uint8) and labels. The caller frees both before it asks for another one.
 * Shares the dataset's bytes where nothing is shuffled or converted. */
tn_error *tn_batches_get(tn_batches *batches, int64_t i, tn_tensor **features, tn_tensor **labels) TN_MUST_USE;

#endif
