/* DecodeJSONExample: tf.Examples from protobuf's JSON (https://protobuf.dev/programming-guides/json/) to its bytes.
 * The JSON is that of RFC 8259: single quotes, bare names, trailing commas and other things that TensorFlow lets pass
 * are errors here. */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/map.h"
#include "graph/proto.h"
#include "ops/parsing/json_example.h"
#include "ops/string/string_array.h"

/* What is read; FAULT is what is wrong at AT once a function has returned false. */
typedef struct json {
  const char *begin, *at, *end;
  const char *fault;
  tn_str text; /* the last string or number */
} json;

static bool fail(json *j, const char *fault) {
  j->fault = fault;
  return false;
}

static void skip_space(json *j) {
  while (j->at < j->end && (*j->at == ' ' || *j->at == '\t' || *j->at == '\n' || *j->at == '\r')) j->at++;
}

/* Whether C comes next; then it is passed. */
static bool pass(json *j, char c) {
  skip_space(j);
  if (j->at == j->end || *j->at != c) return false;
  j->at++;
  return true;
}

static bool pass_null(json *j) {
  skip_space(j);
  if (j->end - j->at < 4 || memcmp(j->at, "null", 4) != 0) return false;
  j->at += 4;
  return true;
}

/* --- strings --- */

static void add_utf8(tn_str *out, uint32_t c) {
  char bytes[4];
  const int n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  static const uint8_t leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
  for (int i = n - 1; i > 0; i--, c >>= 6) bytes[i] = (char)(0x80 | (c & 0x3F));
  bytes[0] = (char)(leads[n] | c);
  tn_str_add_bytes(out, bytes, (size_t)n);
}

/* The bytes of the character at S, 0 if it is not UTF-8: too long a form, a surrogate, or past the last character. */
static int utf8_length(const char *s, size_t left) {
  const uint8_t *u = (const uint8_t *)s;
  if (u[0] < 0x80) return 1;
  const int n = u[0] >= 0xC2 && u[0] < 0xE0 ? 2 : (u[0] & 0xF0) == 0xE0 ? 3 : u[0] >= 0xF0 && u[0] < 0xF5 ? 4 : 0;
  if (!n || left < (size_t)n) return 0;
  for (int i = 1; i < n; i++)
    if ((u[i] & 0xC0) != 0x80) return 0;
  const bool wrong = (u[0] == 0xE0 && u[1] < 0xA0) || (u[0] == 0xED && u[1] >= 0xA0) || (u[0] == 0xF0 && u[1] < 0x90) ||
                     (u[0] == 0xF4 && u[1] >= 0x90);
  return wrong ? 0 : n;
}

static bool four_digits(json *j, uint32_t *out) {
  *out = 0;
  if (j->end - j->at < 4) return fail(j, "\\u wants four hexadecimal digits");
  for (int i = 0; i < 4; i++, j->at++) {
    const char c = *j->at;
    const int digit = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
    if (digit < 0) return fail(j, "\\u wants four hexadecimal digits");
    *out = *out << 4 | (uint32_t)digit;
  }
  return true;
}

/* What follows a backslash. */
static bool escape(json *j) {
  static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
  const char c = j->at < j->end ? *j->at++ : 0;
  const char *known = c ? strchr(names, c) : NULL;
  if (known) {
    tn_str_add_bytes(&j->text, &values[known - names], 1);
    return true;
  }
  uint32_t high, low;
  if (c != 'u') return fail(j, "an unknown escape");
  if (!four_digits(j, &high)) return false;
  if (high >= 0xD800 && high < 0xE000) {
    const bool pair = high < 0xDC00 && j->end - j->at >= 2 && j->at[0] == '\\' && j->at[1] == 'u';
    if (!pair) return fail(j, "half of a surrogate pair");
    j->at += 2;
    if (!four_digits(j, &low)) return false;
    if (low < 0xDC00 || low >= 0xE000) return fail(j, "half of a surrogate pair");
    high = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
  }
  add_utf8(&j->text, high);
  return true;
}

/* A string, into TEXT. */
static bool string(json *j) {
  if (!pass(j, '"')) return fail(j, "expected a string");
  j->text.size = 0;
  tn_str_add_bytes(&j->text, "", 0);
  while (j->at < j->end && *j->at != '"') {
    if (*j->at == '\\') {
      j->at++;
      if (!escape(j)) return false;
      continue;
    }
    if ((uint8_t)*j->at < 0x20) return fail(j, "a control character in a string");
    const int n = utf8_length(j->at, (size_t)(j->end - j->at));
    if (!n) return fail(j, "invalid UTF-8 in a string");
    tn_str_add_bytes(&j->text, j->at, (size_t)n);
    j->at += n;
  }
  return pass(j, '"') || fail(j, "unexpected end of a string");
}

static bool text_is(const json *j, const char *name) {
  return !j->text.failed && j->text.size == strlen(name) && memcmp(j->text.data, name, j->text.size) == 0;
}

/* --- numbers --- */

/* The bytes of the number at S, 0 if there is none. */
static size_t number_length(const char *s, const char *end) {
  const char *at = s;
  if (at < end && *at == '-') at++;
  const char *digits = at;
  while (at < end && *at >= '0' && *at <= '9') at++;
  if (at == digits || (*digits == '0' && at - digits > 1)) return 0;
  if (at < end && *at == '.') {
    digits = ++at;
    while (at < end && *at >= '0' && *at <= '9') at++;
    if (at == digits) return 0;
  }
  if (at < end && (*at | 32) == 'e') {
    at++;
    if (at < end && (*at == '+' || *at == '-')) at++;
    digits = at;
    while (at < end && *at >= '0' && *at <= '9') at++;
    if (at == digits) return 0;
  }
  return (size_t)(at - s);
}

/* A number, or a string (*QUOTED), into TEXT. */
static bool number(json *j, bool *quoted) {
  skip_space(j);
  *quoted = j->at < j->end && *j->at == '"';
  if (*quoted) return string(j);
  const size_t size = number_length(j->at, j->end);
  if (!size) return fail(j, "expected a number");
  j->text.size = 0;
  tn_str_add_bytes(&j->text, j->at, size);
  j->at += size;
  return true;
}

static bool text_is_number(const json *j) {
  return !j->text.failed && j->text.size && number_length(j->text.data, j->text.data + j->text.size) == j->text.size;
}

static bool int64_item(json *j, tn_str *out) {
  bool quoted;
  if (!number(j, &quoted)) return false;
  if (!text_is_number(j)) return fail(j, "expected an int64");
  char *rest;
  errno = 0;
  int64_t value = strtoll(j->text.data, &rest, 10);
  if (*rest) { /* 1e2 and 100.0 are integers, too */
    const double real = strtod(j->text.data, NULL);
    if (!(real >= -0x1p63 && real < 0x1p63) || real != trunc(real)) return fail(j, "expected an int64");
    value = (int64_t)real;
  } else if (errno) {
    return fail(j, "an integer out of the range of int64");
  }
  tn_wire_put_key(out, 1, TN_WIRE_VARINT);
  tn_wire_put_varint(out, (uint64_t)value);
  return true;
}

static bool float_item(json *j, tn_str *out) {
  bool quoted;
  float value;
  if (!number(j, &quoted)) return false;
  if (quoted && text_is(j, "NaN")) {
    value = NAN;
  } else if (quoted && (text_is(j, "Infinity") || text_is(j, "-Infinity"))) {
    value = *j->text.data == '-' ? -INFINITY : INFINITY;
  } else {
    if (!text_is_number(j)) return fail(j, "expected a float");
    const double real = strtod(j->text.data, NULL);
    if (fabs(real) > FLT_MAX) return fail(j, "a number out of the range of float");
    value = (float)real;
  }
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  tn_wire_put_fixed32(out, 1, bits);
  return true;
}

static bool bytes_item(json *j, tn_str *out) {
  if (!string(j)) return false;
  tn_str bytes = {0};
  for (size_t i = 0; i < j->text.size && !j->text.failed; i++) { /* either alphabet, even both */
    if (j->text.data[i] == '-') j->text.data[i] = '+';
    if (j->text.data[i] == '_') j->text.data[i] = '/';
  }
  const bool good = j->text.failed || tn_base64_decode(&bytes, tn_base64_standard, j->text.data, j->text.size);
  tn_wire_put_bytes(out, 1, bytes.data ? bytes.data : "", bytes.size);
  out->failed |= bytes.failed;
  tn_str_clear(&bytes);
  return good || fail(j, "expected bytes in base64");
}

/* --- messages --- */

/* The next member of an object, whose '{' is passed: its name into TEXT. *MORE false: it has ended. */
static bool next_member(json *j, bool *first, bool *more) {
  *more = false;
  if (pass(j, '}')) return true;
  if (!*first && !pass(j, ',')) return fail(j, "expected ',' or '}'");
  *first = false;
  *more = true;
  if (!string(j)) return false;
  return pass(j, ':') || fail(j, "expected ':'");
}

typedef struct kind {
  const char *name, *old_name;
  uint32_t field;
  bool (*item)(json *j, tn_str *out);
} kind;

static const kind kinds[] = {{"bytesList", "bytes_list", 1, bytes_item},
                             {"floatList", "float_list", 2, float_item},
                             {"int64List", "int64_list", 3, int64_item}};

static bool values(json *j, const kind *k, tn_str *out) {
  if (pass_null(j)) return true;
  if (!pass(j, '[')) return fail(j, "expected '['");
  if (pass(j, ']')) return true;
  do {
    if (pass_null(j)) { /* the value that a field has by default */
      const uint64_t nothing = 0;
      tn_wire_put_key(out, 1, k->field == 1 ? TN_WIRE_BYTES : k->field == 2 ? TN_WIRE_FIXED32 : TN_WIRE_VARINT);
      tn_str_add_bytes(out, (const char *)&nothing, k->field == 2 ? 4 : 1);
    } else if (!k->item(j, out)) {
      return false;
    }
  } while (pass(j, ','));
  return pass(j, ']') || fail(j, "expected ',' or ']'");
}

static bool list(json *j, const kind *k, tn_str *out) {
  if (!pass(j, '{')) return fail(j, "expected '{'");
  for (bool first = true, more;;) {
    if (!next_member(j, &first, &more)) return false;
    if (!more) return true;
    if (!text_is(j, "value")) return fail(j, "no such field");
    if (!values(j, k, out)) return false;
  }
}

static bool feature(json *j, tn_str *out) {
  if (!pass(j, '{')) return fail(j, "expected '{'");
  bool given = false;
  for (bool first = true, more;;) {
    if (!next_member(j, &first, &more)) return false;
    if (!more) return true;
    const kind *k = NULL;
    for (int i = 0; i < 3; i++)
      if (text_is(j, kinds[i].name) || text_is(j, kinds[i].old_name)) k = &kinds[i];
    if (!k) return fail(j, "no such field");
    if (pass_null(j)) continue;
    if (given) return fail(j, "a feature has one kind of values");
    given = true;
    const size_t mark = tn_proto_begin(out, k->field);
    if (!list(j, k, out)) return false;
    tn_proto_end(out, mark);
  }
}

/* Features by name; NAMES are those that were there. */
static bool features(json *j, tn_map *names, tn_str *out) {
  if (!pass(j, '{')) return fail(j, "expected '{'");
  for (bool first = true, more;;) {
    if (!next_member(j, &first, &more)) return false;
    if (!more) return true;
    if (j->text.failed) return true; /* the caller says so */
    if (tn_map_get(names, j->text.data, j->text.size)) return fail(j, "a feature of that name was there before");
    tn_error *error = tn_map_set(names, j->text.data, j->text.size, names, NULL);
    out->failed |= error != NULL;
    tn_error_free(error);
    const size_t entry = tn_proto_begin(out, 1);
    tn_wire_put_bytes(out, 1, j->text.data, j->text.size);
    if (!pass_null(j)) {
      const size_t mark = tn_proto_begin(out, 2);
      if (!feature(j, out)) return false;
      tn_proto_end(out, mark);
    }
    tn_proto_end(out, entry);
  }
}

/* An Example, or (INSIDE) the Features in it: objects with one field each. */
static bool example(json *j, tn_map *names, tn_str *out, bool inside) {
  if (!pass(j, '{')) return fail(j, "expected '{'");
  for (bool first = true, more;;) {
    if (!next_member(j, &first, &more)) return false;
    if (!more) return true;
    if (!text_is(j, inside ? "feature" : "features")) return fail(j, "no such field");
    if (pass_null(j)) continue;
    const size_t mark = inside ? 0 : tn_proto_begin(out, 1);
    if (!(inside ? features(j, names, out) : example(j, names, out, true))) return false;
    if (!inside) tn_proto_end(out, mark);
  }
}

tn_error *tn_example_from_json(tn_string s, tn_str *out) {
  const char *begin = s.size ? s.data : "";
  json j = {.begin = begin, .at = begin, .end = begin + s.size};
  tn_map *names;
  TN_TRY(tn_map_new(&names));
  bool good = example(&j, names, out, false);
  skip_space(&j);
  if (good && j.at != j.end) good = fail(&j, "extraneous characters after end of JSON object");
  tn_error *error = NULL;
  if (j.text.failed || out->failed)
    error = tn_out_of_memory();
  else if (!good)
    error = tn_errorf(TN_INVALID_ARGUMENT, "Error while parsing JSON: %s, near offset %lld", j.fault,
                      (long long)(j.at - j.begin));
  tn_map_free(names);
  tn_str_clear(&j.text);
  return error;
}

static tn_error *prepare(tn_prepare *p) { return tn_prepare_output(p, 0, &p->inputs[0].shape); }

static tn_error *run(tn_run *r) {
  const tn_string *in = tn_strings_of(r->inputs[0]);
  for (int64_t i = 0; i < tn_elements(r->inputs[0]); i++) {
    tn_str out = {0};
    tn_error *error = tn_example_from_json(in[i], &out);
    if (!error) error = tn_string_take(&tn_strings_of(r->outputs[0])[i], &out);
    tn_str_clear(&out);
    if (error) return tn_error_context(error, "%s '%s'", r->node->op->name, r->node->name);
  }
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(DecodeJSONExample, .inputs = "json_examples: string", .outputs = "binary_examples: string", .attrs = "",
      .doc = "Serialised tf.Examples from their JSON.", .flags = TN_OP_GRADIENT_UNREGISTERED,
      .shape = tn_shape_unchanged, .kernels = kernels);
