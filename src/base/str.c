/* The growing string. */
#include "base/str.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

/* Room for MORE bytes and the NUL. */
static bool reserve(tn_str *s, size_t more) {
  if (s->failed) return false;
  if (s->capacity - s->size > more && s->data) return true;
  size_t capacity = s->capacity * 2 > s->size + more + 1 ? s->capacity * 2 : s->size + more + 1;
  if (capacity < 64) capacity = 64;
  char *data = more < (size_t)-1 / 4 ? tn_realloc(s->data, capacity) : NULL;
  if (!data) {
    s->failed = true;
    return false;
  }
  s->data = data;
  s->capacity = capacity;
  return true;
}

void tn_str_add_bytes(tn_str *s, const void *data, size_t size) {
  if (!reserve(s, size)) return;
  if (size) memcpy(s->data + s->size, data, size);
  s->size += size;
  s->data[s->size] = 0;
}

void tn_str_add(tn_str *s, const char *text) { tn_str_add_bytes(s, text, strlen(text)); }

void tn_str_addf(tn_str *s, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int size = vsnprintf(NULL, 0, format, args);
  va_end(args);
  if (size < 0 || !reserve(s, (size_t)size)) {
    s->failed = true;
    return;
  }
  va_start(args, format);
  vsnprintf(s->data + s->size, (size_t)size + 1, format, args);
  va_end(args);
  s->size += (size_t)size;
}

void tn_str_clear(tn_str *s) {
  tn_free(s->data);
  *s = (tn_str){0};
}

tn_error *tn_str_take(tn_str *s, char **out, size_t *size) {
  tn_str_add_bytes(s, "", 0);
  if (s->failed) {
    tn_str_clear(s);
    return tn_out_of_memory();
  }
  *out = s->data;
  if (size) *size = s->size;
  *s = (tn_str){0};
  return NULL;
}

size_t tn_utf8_size(const char *text) {
  const unsigned char *at = (const unsigned char *)text;
  size_t size = at[0] < 0x80 ? 1 : at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
  if (size == 1) return 1;
  if (at[0] < 0xc2 || at[0] > 0xf4) return 0;
  for (size_t i = 1; i < size; i++) {
    if ((at[i] & 0xc0) != 0x80) return 0;
  }
  /* Not longer than needed, no surrogate, not past the last character. */
  if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f)) return 0;
  return (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f) ? 0 : size;
}

void tn_utf8_clean(char *text) {
  while (*text) {
    size_t size = tn_utf8_size(text);
    if (!size) *text = '?';
    text += size ? size : 1;
  }
}
