/* Reading checkpoints: TensorFlow's second format (PREFIX.index, PREFIX.data-*). */
#ifndef TENON_CHECKPOINT_H
#define TENON_CHECKPOINT_H

#include <tenon/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An open checkpoint. Any thread may read from it. */
typedef struct tn_checkpoint tn_checkpoint;

/* Opens the checkpoint whose files begin with PREFIX. NOT_FOUND names the missing file, DATA_LOSS what is broken. */
TN_API tn_error *tn_checkpoint_open(const char *prefix, tn_checkpoint **out) TN_MUST_USE;
/* Closes it; NULL is allowed. */
TN_API void tn_checkpoint_close(tn_checkpoint *checkpoint);
/* The number of tensors. */
TN_API size_t tn_checkpoint_size(const tn_checkpoint *checkpoint);
/* The name of tensor I, in byte order; lives as long as the checkpoint. */
TN_API const char *tn_checkpoint_name(const tn_checkpoint *checkpoint, size_t i);
/* The dtype of tensor I. */
TN_API tn_dtype tn_checkpoint_dtype(const tn_checkpoint *checkpoint, size_t i);
/* The shape of tensor I. */
TN_API tn_shape tn_checkpoint_shape(const tn_checkpoint *checkpoint, size_t i);
/* The number of slices that tensor I was saved in; 0: whole. */
TN_API size_t tn_checkpoint_slices(const tn_checkpoint *checkpoint, size_t i);
/* Reads the tensor called NAME and checks its checksum. NOT_FOUND, DATA_LOSS. */
TN_API tn_error *tn_checkpoint_read(tn_checkpoint *checkpoint, const char *name, tn_tensor **out) TN_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
