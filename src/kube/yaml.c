/* YAML into JSON values over libyaml's events. Plain scalars are null, true, numbers or text by the rules of YAML 1.1
 * that Kubernetes' tools have; anchors are copied where they are named. */
#include "kube/yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#include "base/alloc.h"
#include "io/file.h"

enum { MOST_LEVELS = 100, MOST_VALUES = 100000 };

typedef struct reader {
  yaml_parser_t parser;
  yaml_event_t event; /* the last one that was read */
  json_t *anchors;
  const char *what;
  int levels;
  long values;
} reader;

static tn_error *fault(const reader *r, const char *text) {
  const yaml_mark_t *at = &r->event.start_mark;
  return tn_errorf(TN_INVALID_ARGUMENT, "%s: line %zu, column %zu: %s", r->what, at->line + 1, at->column + 1, text);
}

static tn_error *next(reader *r) {
  yaml_event_delete(&r->event);
  if (yaml_parser_parse(&r->parser, &r->event)) return NULL;
  return tn_errorf(TN_INVALID_ARGUMENT, "%s: line %zu: %s", r->what, r->parser.problem_mark.line + 1,
                   r->parser.problem ? r->parser.problem : "not YAML");
}

static bool is_one_of(const char *text, const char *const *words) {
  for (; *words; words++)
    if (!strcasecmp(text, *words)) return true;
  return false;
}

/* A whole number in decimal, hexadecimal or octal. */
static json_t *whole(const char *text) {
  const char *digits = text + (*text == '-' || *text == '+');
  if (!*digits || strspn(digits, "0123456789abcdefABCDEFxo") != strlen(digits) || *digits < '0' || *digits > '9')
    return NULL;
  char *end;
  errno = 0;
  bool octal = digits[0] == '0' && digits[1] == 'o';
  long long value = octal ? strtoll(digits + 2, &end, 8) : strtoll(text, &end, 0);
  return *end || errno ? NULL : json_integer(octal && *text == '-' ? -value : value);
}

static json_t *real(const char *text) {
  char *end;
  if (!strpbrk(text, "0123456789") || strspn(text, "+-.0123456789eE") != strlen(text)) return NULL;
  double value = strtod(text, &end);
  return *end ? NULL : json_real(value);
}

static json_t *plain(const char *text) {
  static const char *const nulls[] = {"", "~", "null", NULL}, *const trues[] = {"true", "yes", "on", NULL},
                           *const falses[] = {"false", "no", "off", NULL};
  if (is_one_of(text, nulls)) return json_null();
  if (is_one_of(text, trues)) return json_true();
  if (is_one_of(text, falses)) return json_false();
  json_t *number = whole(text);
  if (!number) number = real(text);
  return number ? number : json_string(text);
}

static tn_error *read_value(reader *r, json_t **out);

static tn_error *read_scalar(reader *r, json_t **out) {
  const char *text = (const char *)r->event.data.scalar.value;
  size_t size = r->event.data.scalar.length;
  bool is_plain = r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !r->event.data.scalar.tag;
  *out = is_plain && strlen(text) == size ? plain(text) : json_stringn(text, size);
  return *out ? NULL : fault(r, "a text that is not UTF-8");
}

/* What a merge key's value has that OBJECT does not. */
static tn_error *merge(const reader *r, json_t *object, const json_t *from) {
  size_t i;
  json_t *element;
  if (json_is_object(from)) return json_object_update_missing(object, (json_t *)from) ? tn_out_of_memory() : NULL;
  if (!json_is_array(from)) return fault(r, "'<<' takes a mapping or a list of them");
  json_array_foreach((json_t *)from, i, element)
      TN_TRY(json_is_object(element) ? merge(r, object, element) : fault(r, "'<<' takes mappings"));
  return NULL;
}

/* A key and its value into OBJECT; the value of a merge key into MERGED, an array. */
static tn_error *read_pair(reader *r, json_t *object, json_t *merged) {
  if (r->event.type != YAML_SCALAR_EVENT) return fault(r, "a key that is no text");
  char *key = tn_strndup((const char *)r->event.data.scalar.value, r->event.data.scalar.length);
  if (!key) return tn_out_of_memory();
  json_t *value = NULL;
  tn_error *error = json_object_get(object, key) ? fault(r, "the key was there before") : next(r);
  if (!error) error = read_value(r, &value);
  if (!error && !strcmp(key, "<<")) {
    if (json_array_append_new(merged, value)) error = tn_out_of_memory();
  } else if (!error && json_object_set_new(object, key, value)) {
    error = fault(r, "a key that is not UTF-8");
  }
  tn_free(key);
  return error;
}

/* The pairs up to the end of a mapping; its own keys win over merged ones, wherever they stand. */
static tn_error *read_pairs(reader *r, json_t *object) {
  json_t *merged = json_array(), *from;
  size_t i;
  tn_error *error = merged ? next(r) : tn_out_of_memory();
  while (!error && r->event.type != YAML_MAPPING_END_EVENT) {
    error = read_pair(r, object, merged);
    if (!error) error = next(r);
  }
  json_array_foreach(merged, i, from) if (!error) error = merge(r, object, from);
  json_decref(merged);
  return error;
}

static tn_error *read_elements(reader *r, json_t *array) {
  TN_TRY(next(r));
  while (r->event.type != YAML_SEQUENCE_END_EVENT) {
    json_t *element = NULL;
    TN_TRY(read_value(r, &element));
    if (json_array_append_new(array, element)) return tn_out_of_memory();
    TN_TRY(next(r));
  }
  return NULL;
}

static tn_error *read_block(reader *r, bool mapping, json_t **out) {
  json_t *block = mapping ? json_object() : json_array();
  if (!block) return tn_out_of_memory();
  tn_error *error = mapping ? read_pairs(r, block) : read_elements(r, block);
  if (error) {
    json_decref(block);
    return error;
  }
  *out = block;
  return NULL;
}

static long size_of(const json_t *value) {
  long n = 1;
  size_t i;
  const char *key;
  json_t *element;
  if (json_is_array(value)) json_array_foreach((json_t *)value, i, element) n += size_of(element);
  if (json_is_object(value)) json_object_foreach((json_t *)value, key, element) n += size_of(element);
  return n;
}

static tn_error *read_alias(reader *r, json_t **out) {
  json_t *value = json_object_get(r->anchors, (const char *)r->event.data.alias.anchor);
  if (!value) return fault(r, "an alias of nothing");
  r->values += size_of(value);
  if (r->values > MOST_VALUES) return fault(r, "more values than there may be");
  *out = json_deep_copy(value);
  return *out ? NULL : tn_out_of_memory();
}

static tn_error *remember(reader *r, const char *anchor, json_t *value) {
  return json_object_set_new(r->anchors, anchor, json_deep_copy(value)) ? fault(r, "a bad anchor") : NULL;
}

/* The value that begins with the present event; ends on the event that ends it. */
static tn_error *read_value(reader *r, json_t **out) {
  yaml_event_type_t type = r->event.type;
  if (type == YAML_ALIAS_EVENT) return read_alias(r, out);
  if (++r->values > MOST_VALUES) return fault(r, "more values than there may be");
  if (r->levels >= MOST_LEVELS) return fault(r, "more than 100 levels");
  const yaml_char_t *named = type == YAML_SCALAR_EVENT           ? r->event.data.scalar.anchor
                             : type == YAML_MAPPING_START_EVENT  ? r->event.data.mapping_start.anchor
                             : type == YAML_SEQUENCE_START_EVENT ? r->event.data.sequence_start.anchor
                                                                 : NULL;
  char *anchor = named ? tn_strdup((const char *)named) : NULL;
  json_t *value = NULL;
  r->levels++;
  tn_error *error = type == YAML_SCALAR_EVENT           ? read_scalar(r, &value)
                    : type == YAML_MAPPING_START_EVENT  ? read_block(r, true, &value)
                    : type == YAML_SEQUENCE_START_EVENT ? read_block(r, false, &value)
                                                        : fault(r, "a value was expected");
  r->levels--;
  if (!error && anchor) error = remember(r, anchor, value);
  tn_free(anchor);
  if (error) {
    json_decref(value);
    return error;
  }
  *out = value;
  return NULL;
}

static tn_error *read_documents(reader *r, json_t *out) {
  TN_TRY(next(r));
  while (r->event.type != YAML_STREAM_END_EVENT) {
    if (r->event.type == YAML_DOCUMENT_START_EVENT) {
      json_t *value = NULL;
      TN_TRY(next(r));
      TN_TRY(read_value(r, &value));
      if (json_is_null(value))
        json_decref(value);
      else if (json_array_append_new(out, value))
        return tn_out_of_memory();
    }
    TN_TRY(next(r));
  }
  return NULL;
}

tn_error *tn_yaml_parse(const char *what, const char *text, size_t size, json_t **out) {
  reader r = {.what = what, .anchors = json_object()};
  json_t *documents = json_array();
  if (!r.anchors || !documents || !yaml_parser_initialize(&r.parser)) {
    json_decref(r.anchors);
    json_decref(documents);
    return tn_out_of_memory();
  }
  yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, size);
  tn_error *error = read_documents(&r, documents);
  yaml_event_delete(&r.event);
  yaml_parser_delete(&r.parser);
  json_decref(r.anchors);
  if (error) {
    json_decref(documents);
    return error;
  }
  *out = documents;
  return NULL;
}

tn_error *tn_yaml_read(const char *path, json_t **out) {
  char *text;
  size_t size;
  TN_TRY(tn_file_read(path, &text, &size));
  tn_error *error = tn_yaml_parse(path, text, size, out);
  tn_free(text);
  return error;
}
