/* String elements as C strings, for file names and keys. */
#ifndef TN_OPS_IO_TEXT_H
#define TN_OPS_IO_TEXT_H

#include "kernel/kernel.h"

/* Element I of string tensor T, copied and NUL-terminated; INVALID_ARGUMENT if it holds a NUL. Free with tn_free. */
tn_error *tn_text_at(const tn_run *r, const tn_tensor *t, int64_t i, char **out) TN_MUST_USE;

#endif
