/* What the string ops share. */
#ifndef TN_OPS_STRING_STRING_ARRAY_H
#define TN_OPS_STRING_STRING_ARRAY_H

#include "base/alloc.h"
#include "base/str.h"
#include "graph/shape.h"
#include "kernel/kernel.h"

/* The strings of T. */
static inline tn_string *tn_strings_of(const tn_tensor *t) { return (tn_string *)t->data; }
/* Makes *TARGET the text built in SOURCE, and empties that. */
static inline tn_error *tn_string_take(tn_string *target, tn_str *source) {
  char *data;
  size_t size;
  TN_TRY(tn_str_take(source, &data, &size));
  tn_error *error = tn_string_set(target, data, size);
  tn_free(data);
  return error;
}
/* Reads S as a number of OUT's dtype into element I; spaces around it are left out. False: it is none. */
bool tn_string_number(tn_string s, tn_tensor *out, int64_t i);
/* FarmHash's 64-bit fingerprint, which never changes. */
uint64_t tn_fingerprint64(const char *s, uint64_t n);
/* The fingerprint of two, as TensorFlow joins them. */
uint64_t tn_fingerprint_join(uint64_t a, uint64_t b);
/* H joined with element I of VALUES, strings or int64; and that element as text: how crosses name features. */
uint64_t tn_feature_hash(uint64_t h, const tn_tensor *values, int64_t i);
void tn_feature_text(tn_str *text, const tn_tensor *values, int64_t i);
/* The 128-bit one: the low word, the high word. */
void tn_fingerprint128(const char *s, uint64_t n, uint64_t out[2]);

#endif
