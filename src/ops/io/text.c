/* String elements as C strings. */
#include "ops/io/text.h"

#include <string.h>

#include "base/alloc.h"

tn_error *tn_text_at(const tn_run *r, const tn_tensor *t, int64_t i, char **out) {
  const tn_string *s = TN_DATA(tn_string, t) + i;
  if (s->size && memchr(s->data, 0, s->size))
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "a name holds a NUL byte: '%s'", s->data);
  char *copy = tn_strndup(s->data ? s->data : "", s->size);
  if (!copy) return tn_out_of_memory();
  *out = copy;
  return NULL;
}
