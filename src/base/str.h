/* A growing string. The first failed allocation sticks; tn_str_take reports it. */
#ifndef TN_BASE_STR_H
#define TN_BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <tenon/error.h>

typedef struct tn_str {
  char *data; /* NUL-terminated once something was added; NULL before */
  size_t size, capacity;
  bool failed;
} tn_str;

void tn_str_add(tn_str *s, const char *text);
void tn_str_add_bytes(tn_str *s, const void *data, size_t size);
void tn_str_addf(tn_str *s, const char *format, ...) TN_PRINTF(2, 3);
void tn_str_clear(tn_str *s);
/* Hands the text over (free with tn_free) and empties S; "" if nothing was added. */
tn_error *tn_str_take(tn_str *s, char **out, size_t *size) TN_MUST_USE;

/* The bytes of the character of UTF-8 that TEXT, which is not empty, begins with; 0: it begins with none. */
size_t tn_utf8_size(const char *text);
/* Each byte of TEXT that is not UTF-8 becomes a '?'. */
void tn_utf8_clean(char *text);

#endif
