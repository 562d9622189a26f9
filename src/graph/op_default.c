/* The small words of op definitions: names, types, numbers, strings, and the default values of attributes. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "graph/op_parse.h"

tn_error *tn_op_parse_error(const tn_op_parser *s, const char *expected) {
  return tn_errorf(TN_INTERNAL, "op definition %s: expected %s at '%.40s' in '%.200s'", s->op->name, expected, s->p,
                   s->text);
}

void tn_op_skip_space(tn_op_parser *s) {
  while (isspace((unsigned char)*s->p)) s->p++;
}

bool tn_op_take(tn_op_parser *s, const char *token) {
  tn_op_skip_space(s);
  size_t n = strlen(token);
  if (strncmp(s->p, token, n) != 0) return false;
  /* A word must not be the beginning of a longer one. */
  if (isalpha((unsigned char)token[0]) && (isalnum((unsigned char)s->p[n]) || s->p[n] == '_')) return false;
  s->p += n;
  return true;
}

tn_error *tn_op_expect(tn_op_parser *s, const char *token) {
  return tn_op_take(s, token) ? NULL : tn_op_parse_error(s, token);
}

tn_error *tn_op_parse_name(tn_op_parser *s, const char **out) {
  tn_op_skip_space(s);
  const char *begin = s->p, *end = begin;
  if (isalpha((unsigned char)*end) || *end == '_') {
    while (isalnum((unsigned char)*end) || *end == '_') end++;
  }
  if (end == begin) return tn_op_parse_error(s, "a name");
  char *name = tn_arena_strndup(s->arena, begin, (size_t)(end - begin));
  if (!name) return tn_out_of_memory();
  s->p = end;
  *out = name;
  return NULL;
}

tn_error *tn_op_parse_type(tn_op_parser *s, tn_dtype *out) {
  tn_op_skip_space(s);
  char word[40];
  size_t n = 0;
  while (n + 1 < sizeof word && (isalnum((unsigned char)s->p[n]) || s->p[n] == '_')) {
    word[n] = s->p[n];
    n++;
  }
  word[n] = 0;
  tn_dtype type = tn_dtype_from_name(word);
  if (type == TN_INVALID) return tn_op_parse_error(s, "a type");
  s->p += n;
  *out = type;
  return NULL;
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* Reads one character of a string, unescaped; the caller knows that it is not at the end. */
static bool parse_char(tn_op_parser *s, char *out) {
  if (*s->p != '\\') {
    *out = *s->p++;
    return true;
  }
  char c = s->p[1];
  switch (c) {
  case 'n': *out = '\n'; break;
  case 't': *out = '\t'; break;
  case 'r': *out = '\r'; break;
  case '\\':
  case '\'':
  case '"': *out = c; break;
  case 'x': {
    int high = hex_digit(s->p[2]), low = high < 0 ? -1 : hex_digit(s->p[3]);
    if (low < 0) return false;
    *out = (char)(high * 16 + low);
    s->p += 4;
    return true;
  }
  default: return false;
  }
  s->p += 2;
  return true;
}

tn_error *tn_op_parse_string(tn_op_parser *s, tn_string *out) {
  tn_op_skip_space(s);
  char quote = *s->p;
  if (quote != '\'' && quote != '"') return tn_op_parse_error(s, "a quoted string");
  s->p++;
  char *data = tn_arena_alloc(s->arena, strlen(s->p) + 1);
  if (!data) return tn_out_of_memory();
  size_t n = 0;
  while (*s->p && *s->p != quote) {
    if (!parse_char(s, &data[n])) return tn_op_parse_error(s, "an escape that exists");
    n++;
  }
  if (!*s->p) return tn_op_parse_error(s, "a closing quote");
  s->p++;
  *out = (tn_string){data, n};
  return NULL;
}

tn_error *tn_op_parse_int(tn_op_parser *s, int64_t *out) {
  tn_op_skip_space(s);
  char *end;
  errno = 0;
  long long value = strtoll(s->p, &end, 10);
  if (end == s->p || errno) return tn_op_parse_error(s, "an integer");
  s->p = end;
  *out = value;
  return NULL;
}

static tn_error *parse_float(tn_op_parser *s, float *out) {
  tn_op_skip_space(s);
  char *end;
  float value = strtof(s->p, &end);
  if (end == s->p) return tn_op_parse_error(s, "a number");
  s->p = end;
  *out = value;
  return NULL;
}

static tn_error *parse_bool(tn_op_parser *s, bool *out) {
  if (tn_op_take(s, "true")) {
    *out = true;
  } else if (tn_op_take(s, "false")) {
    *out = false;
  } else {
    return tn_op_parse_error(s, "true or false");
  }
  return NULL;
}

/* "unknown", "[]", "[2,?,-1]". */
static tn_error *parse_shape(tn_op_parser *s, tn_shape *out) {
  if (tn_op_take(s, "unknown")) {
    *out = tn_shape_unknown();
    return NULL;
  }
  TN_TRY(tn_op_expect(s, "["));
  tn_shape shape = tn_shape_scalar();
  while (!tn_op_take(s, "]")) {
    if (shape.rank == TN_MAX_RANK) return tn_op_parse_error(s, "at most 8 dimensions");
    if (shape.rank > 0) TN_TRY(tn_op_expect(s, ","));
    int64_t dim = -1;
    if (!tn_op_take(s, "?")) TN_TRY(tn_op_parse_int(s, &dim));
    if (dim < -1) return tn_op_parse_error(s, "a dimension");
    shape.dims[shape.rank++] = dim;
  }
  *out = shape;
  return NULL;
}

/* A vector of small integers: "DT_UINT8[255, 0, 0]". It lives as long as the definition, which is as long as the
 * process.
 */
static tn_error *parse_tensor(tn_op_parser *s, tn_tensor **out) {
  enum { MOST = 16 };
  tn_dtype type;
  uint8_t values[MOST];
  int64_t n = 0, value;
  TN_TRY(tn_op_parse_type(s, &type));
  if (type != TN_UINT8) return tn_op_parse_error(s, "a vector of DT_UINT8");
  TN_TRY(tn_op_expect(s, "["));
  while (!tn_op_take(s, "]")) {
    if (n > 0) TN_TRY(tn_op_expect(s, ","));
    if (n == MOST) return tn_op_parse_error(s, "at most 16 elements");
    TN_TRY(tn_op_parse_int(s, &value));
    values[n++] = (uint8_t)value;
  }
  return tn_tensor_copy_of(type, 1, &n, values, out);
}

static size_t element_size(tn_attr_kind kind) {
  switch (kind) {
  case TN_ATTR_INT: return sizeof(int64_t);
  case TN_ATTR_FLOAT: return sizeof(float);
  case TN_ATTR_BOOL: return sizeof(bool);
  case TN_ATTR_TYPE: return sizeof(tn_dtype);
  case TN_ATTR_SHAPE: return sizeof(tn_shape);
  case TN_ATTR_STRING: return sizeof(tn_string);
  default: return 0;
  }
}

static tn_error *parse_element(tn_op_parser *s, tn_attr_kind kind, void *out) {
  switch (kind) {
  case TN_ATTR_INT: return tn_op_parse_int(s, out);
  case TN_ATTR_FLOAT: return parse_float(s, out);
  case TN_ATTR_BOOL: return parse_bool(s, out);
  case TN_ATTR_TYPE: return tn_op_parse_type(s, out);
  case TN_ATTR_SHAPE: return parse_shape(s, out);
  case TN_ATTR_STRING: return tn_op_parse_string(s, out);
  case TN_ATTR_TENSOR: return parse_tensor(s, out);
  default: return tn_op_parse_error(s, "a kind of attribute that has defaults");
  }
}

static tn_error *parse_list(tn_op_parser *s, tn_attr_kind kind, tn_attr *out) {
  size_t size = element_size(kind), n = 0, capacity = 0;
  char *values = NULL;
  TN_TRY(tn_op_expect(s, "["));
  while (!tn_op_take(s, "]")) {
    if (n > 0) TN_TRY(tn_op_expect(s, ","));
    if (n == capacity) {
      capacity = capacity ? 2 * capacity : 4;
      char *larger = tn_arena_alloc(s->arena, capacity * sizeof(tn_shape));
      if (!larger) return tn_out_of_memory();
      if (n > 0) memcpy(larger, values, n * size);
      values = larger;
    }
    TN_TRY(parse_element(s, kind, values + n * size));
    n++;
  }
  out->n = n;
  out->ints = (int64_t *)(void *)values;
  return NULL;
}

tn_error *tn_op_parse_default(tn_op_parser *s, tn_attr_def *attr) {
  tn_attr value = {.kind = attr->kind, .is_list = attr->is_list};
  if (attr->is_list) {
    TN_TRY(parse_list(s, attr->kind, &value));
  } else {
    /* All members of the union begin at the same place. */
    TN_TRY(parse_element(s, attr->kind, &value.i));
  }
  attr->default_value = value;
  attr->has_default = true;
  return NULL;
}
