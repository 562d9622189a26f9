/* JSON and XML, as far as HDFS and S3 speak them. Neither reader recurses: no input reaches the stack. */
#include "io/remote/document.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

enum { DEEPEST = 32, LONGEST = 1000 };

typedef struct reader {
  const char *begin, *at, *end;
  tn_document_visit *visit;
  void *argument;
  char path[LONGEST + 1];
  size_t path_size, ends[DEEPEST]; /* how long the path is at each depth */
  char kinds[DEEPEST];             /* JSON: '{' or '[' */
  int depth;
  tn_str text;
} reader;

static tn_error *fault(const reader *r, const char *what) {
  return tn_errorf(TN_INVALID_ARGUMENT, "%s at byte %zu", what, (size_t)(r->at - r->begin));
}

static void skip_space(reader *r) {
  while (r->at < r->end && strchr(" \t\r\n", *r->at) && *r->at) r->at++;
}

static bool next_is(reader *r, char c) {
  skip_space(r);
  if (r->at == r->end || *r->at != c) return false;
  r->at++;
  return true;
}

/* Adds a name to the path. */
static tn_error *enter(reader *r, const char *name, size_t size) {
  size_t slash = r->path_size > 0;
  if (size + slash > LONGEST - r->path_size || memchr(name, 0, size)) return fault(r, "a name that is too long");
  if (slash) r->path[r->path_size++] = '/';
  memcpy(r->path + r->path_size, name, size);
  r->path_size += size;
  r->path[r->path_size] = 0;
  return NULL;
}

static void leave(reader *r, size_t size) {
  r->path_size = size;
  r->path[size] = 0;
}

static tn_error *push(reader *r, char kind, size_t size) {
  if (r->depth == DEEPEST) return fault(r, "too many levels");
  r->kinds[r->depth] = kind;
  r->ends[r->depth++] = size;
  return NULL;
}

static void add_character(tn_str *to, uint32_t c) {
  char bytes[4];
  size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  static const unsigned char heads[] = {0, 0, 0xc0, 0xe0, 0xf0};
  for (size_t i = n; i-- > 1; c >>= 6) bytes[i] = (char)(0x80 | (c & 63));
  bytes[0] = (char)(heads[n] | c);
  tn_str_add_bytes(to, bytes, n);
}

static tn_error *tell(reader *r) {
  if (r->text.failed) return tn_errorf(TN_RESOURCE_EXHAUSTED, "out of memory");
  return r->visit(r->argument, r->path, r->text.data ? r->text.data : "");
}

/* --- JSON --- */

/* Four hexadecimal digits behind "\u"; -1 if they are none. */
static int32_t code_unit(reader *r) {
  int32_t value = 0;
  if (r->end - r->at < 4) return -1;
  for (int i = 0; i < 4; i++) {
    unsigned char c = (unsigned char)*r->at++;
    if (!isxdigit(c)) return -1;
    value = value * 16 + (isdigit(c) ? c - '0' : (c | 32) - 'a' + 10);
  }
  return value;
}

static tn_error *escape(reader *r) {
  static const char plain[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
  const char *known = r->at < r->end && *r->at ? strchr(plain, *r->at) : NULL;
  if (known) {
    tn_str_add_bytes(&r->text, &meant[known - plain], 1);
    r->at++;
    return NULL;
  }
  if (r->at == r->end || *r->at++ != 'u') return fault(r, "an unknown escape");
  int32_t c = code_unit(r);
  if (c >= 0xd800 && c < 0xdc00 && r->end - r->at > 1 && r->at[0] == '\\' && r->at[1] == 'u') {
    r->at += 2;
    int32_t low = code_unit(r);
    c = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00) : -1;
  }
  if (c <= 0 || (c >= 0xd800 && c < 0xe000)) return fault(r, "an escape that is no character");
  add_character(&r->text, (uint32_t)c);
  return NULL;
}

/* The rest of a string, behind its first quote, into TEXT. */
static tn_error *string(reader *r) {
  tn_str_clear(&r->text);
  for (;;) {
    if (r->at == r->end) return fault(r, "a string that does not end");
    unsigned char c = (unsigned char)*r->at++;
    if (c == '"') return NULL;
    if (c < 32) return fault(r, "a control character in a string");
    if (c == '\\')
      TN_TRY(escape(r));
    else
      tn_str_add_bytes(&r->text, &c, 1);
  }
}

static tn_error *key(reader *r) {
  if (!next_is(r, '"')) return fault(r, "expected a name");
  TN_TRY(string(r));
  TN_TRY(enter(r, r->text.data ? r->text.data : "", r->text.size));
  return next_is(r, ':') ? NULL : fault(r, "expected ':'");
}

/* A number, true, false or null. */
static tn_error *word(reader *r) {
  const char *begin = r->at;
  while (r->at < r->end && (isalnum((unsigned char)*r->at) || (*r->at && strchr("+-.", *r->at)))) r->at++;
  size_t size = (size_t)(r->at - begin);
  bool number = size && (isdigit((unsigned char)*begin) || *begin == '-');
  bool known = (size == 4 && (!memcmp(begin, "true", 4) || !memcmp(begin, "null", 4))) ||
               (size == 5 && !memcmp(begin, "false", 5));
  if (!number && !known) return fault(r, "expected a value");
  if (*begin == 'n') return NULL;
  tn_str_clear(&r->text);
  tn_str_add_bytes(&r->text, begin, size);
  return tell(r);
}

/* One value, or the beginning of one that holds others; SIZE: of the path before its name. */
static tn_error *value(reader *r, size_t size) {
  skip_space(r);
  if (next_is(r, '{') || next_is(r, '[')) return push(r, r->at[-1], size);
  if (next_is(r, '"')) {
    TN_TRY(string(r));
    TN_TRY(tell(r));
  } else {
    TN_TRY(word(r));
  }
  leave(r, size);
  return NULL;
}

/* What follows in the innermost object or array: a member, or its end. */
static tn_error *member(reader *r, bool first) {
  char kind = r->kinds[r->depth - 1];
  size_t before = r->path_size;
  if (next_is(r, kind == '{' ? '}' : ']')) {
    if (kind == '{') TN_TRY(r->visit(r->argument, r->path, NULL));
    leave(r, r->ends[--r->depth]);
    return NULL;
  }
  if (!first && !next_is(r, ',')) return fault(r, "expected ',' or an end");
  if (kind == '{') TN_TRY(key(r));
  return value(r, before);
}

tn_error *tn_json_walk(const char *text, size_t size, tn_document_visit *visit, void *argument) {
  reader r = {.begin = text, .at = text, .end = text + size, .visit = visit, .argument = argument};
  tn_error *error = value(&r, 0);
  bool first = true;
  while (!error && r.depth) {
    int depth = r.depth;
    error = member(&r, first);
    first = r.depth > depth;
  }
  skip_space(&r);
  if (!error && r.at != r.end) error = fault(&r, "something behind the end");
  tn_str_clear(&r.text);
  return error;
}

/* --- XML --- */

/* Passes what begins with the given text up to and with the given end; false if it is something else. */
static bool pass(reader *r, const char *begin, const char *end) {
  size_t n = strlen(begin);
  if ((size_t)(r->end - r->at) < n || memcmp(r->at, begin, n)) return false;
  const char *found = memmem(r->at + n, (size_t)(r->end - r->at) - n, end, strlen(end));
  r->at = found ? found + strlen(end) : r->end;
  return true;
}

/* "&amp;" and its like, behind the "&". */
static tn_error *entity(reader *r) {
  static const struct {
    const char *name;
    char meant;
  } known[] = {{"amp;", '&'}, {"lt;", '<'}, {"gt;", '>'}, {"quot;", '"'}, {"apos;", '\''}};
  size_t left = (size_t)(r->end - r->at);
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    size_t n = strlen(known[i].name);
    if (left < n || memcmp(r->at, known[i].name, n)) continue;
    tn_str_add_bytes(&r->text, &known[i].meant, 1);
    r->at += n;
    return NULL;
  }
  const char *end = memchr(r->at, ';', left < 12 ? left : 12);
  if (!end || *r->at != '#') return fault(r, "an unknown entity");
  bool hexadecimal = r->at[1] == 'x';
  uint32_t c = 0;
  for (const char *p = r->at + 1 + hexadecimal; p < end; p++) {
    if (!isxdigit((unsigned char)*p) || c > 0x10ffff) return fault(r, "an unknown entity");
    c = c * (hexadecimal ? 16 : 10) + (uint32_t)(isdigit((unsigned char)*p) ? *p - '0' : (*p | 32) - 'a' + 10);
  }
  if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) return fault(r, "an entity that is no character");
  add_character(&r->text, c);
  r->at = end + 1;
  return NULL;
}

static size_t name_length(const reader *r) {
  const char *p = r->at;
  while (p < r->end && !isspace((unsigned char)*p) && *p != '>' && *p != '/' && *p != '<' && *p) p++;
  return (size_t)(p - r->at);
}

static tn_error *close_element(reader *r) {
  if (!r->depth) return fault(r, "an end without a beginning");
  size_t outer = r->ends[r->depth - 1], n = name_length(r), own = r->path_size - outer - (outer > 0);
  if (n != own || memcmp(r->at, r->path + r->path_size - own, n)) return fault(r, "the end of another element");
  r->at += n;
  if (!next_is(r, '>')) return fault(r, "expected '>'");
  tn_error *error = tell(r);
  tn_str_clear(&r->text);
  r->depth--;
  leave(r, outer);
  return error;
}

static tn_error *open_element(reader *r) {
  size_t n = name_length(r), outer = r->path_size;
  if (!n) return fault(r, "expected a name");
  TN_TRY(enter(r, r->at, n));
  TN_TRY(push(r, 0, outer));
  r->at += n;
  tn_str_clear(&r->text);
  char quote = 0;
  for (char last = 0; r->at < r->end; r->at++) {
    if (!quote && *r->at == '>') {
      r->at++;
      if (last != '/') return NULL;
      tn_error *error = tell(r); /* <Name/> */
      r->depth--;
      leave(r, outer);
      return error;
    }
    if (quote ? *r->at == quote : *r->at == '"' || *r->at == '\'') quote = quote ? 0 : *r->at;
    last = *r->at;
  }
  return fault(r, "a tag that does not end");
}

static tn_error *next_of_xml(reader *r) {
  if (pass(r, "<?", "?>") || pass(r, "<!--", "-->") || pass(r, "<!", ">")) return NULL;
  if (*r->at == '<') {
    r->at++;
    if (r->at < r->end && *r->at == '/') {
      r->at++;
      return close_element(r);
    }
    return open_element(r);
  }
  char c = *r->at++;
  if (c == '&') return entity(r);
  if (r->depth) tn_str_add_bytes(&r->text, &c, 1);
  return c ? NULL : fault(r, "a NUL");
}

tn_error *tn_xml_walk(const char *text, size_t size, tn_document_visit *visit, void *argument) {
  reader r = {.begin = text, .at = text, .end = text + size, .visit = visit, .argument = argument};
  tn_error *error = NULL;
  while (!error && r.at < r.end) error = next_of_xml(&r);
  if (!error && r.depth) error = fault(&r, "an element that does not end");
  tn_str_clear(&r.text);
  return error;
}
