/* What the summary ops share: Summary messages, whose only field is a list of values. */
#ifndef TN_OPS_SUMMARY_SUMMARY_H
#define TN_OPS_SUMMARY_SUMMARY_H

#include <string.h>

#include "graph/proto.h"
#include "ops/string/string_array.h"

/* Begins a value with TAG inside a Summary; end it with tn_proto_end. */
size_t tn_summary_begin(tn_str *out, tn_string tag);
/* TAG/KIND/I, or TAG/KIND where only one is asked for: the names of one of several images or sounds. */
size_t tn_summary_begin_numbered(tn_str *out, tn_string tag, const char *kind, int64_t i, int64_t of);
/* A double as field NUMBER; zero is left out, as the format's default. */
void tn_summary_put_double(tn_str *out, uint32_t number, double value);
static inline uint32_t tn_float_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}
/* The only output is a string scalar; inputs [0, SCALARS) must be scalars. */
tn_error *tn_summary_prepare(tn_prepare *p, int scalars) TN_MUST_USE;
/* Makes OUT the result, unless ERROR is one; OUT is emptied in any case. */
tn_error *tn_summary_finish(tn_run *r, tn_str *out, tn_error *error) TN_MUST_USE;
/* Element I of a tensor of any real dtype. */
double tn_real_at(const tn_tensor *t, int64_t i);

#endif
