/* IDX files, the format of MNIST, plain or compressed with gzip. http://yann.lecun.com/exdb/mnist/ */
#ifndef TN_IO_IDX_H
#define TN_IO_IDX_H

#include "tensor/tensor.h"

/* Reads PATH into a tensor of the dtype that the file says. DATA_LOSS tells what is wrong with the file and where. */
tn_error *tn_idx_read(const char *path, tn_tensor **out) TN_MUST_USE;
/* The same from the bytes of an IDX file that is not compressed. */
tn_error *tn_idx_parse(const void *data, size_t size, tn_tensor **out) TN_MUST_USE;
/* Unpacks gzip (or zlib) data; no more than LIMIT bytes may come out. Free *OUT with tn_free. */
tn_error *tn_gunzip(const void *data, size_t size, size_t limit, char **out, size_t *out_size) TN_MUST_USE;

#endif
