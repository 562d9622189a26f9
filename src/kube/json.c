/* Reading and building JSON values by path, and times as Kubernetes writes them. */
#include "kube/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Cuts the first key off PATH; false at its end. */
static bool next_key(const char **path, char key[64]) {
  size_t size = strcspn(*path, ".");
  if (size == 0 || size >= 64) return false;
  memcpy(key, *path, size);
  key[size] = 0;
  *path += size;
  if (**path == '.') ++*path;
  return true;
}

json_t *tn_json_at(const json_t *object, const char *path) {
  char key[64];
  json_t *at = (json_t *)object;
  while (at && *path) {
    if (!next_key(&path, key)) return NULL;
    at = json_object_get(at, key);
  }
  return json_is_null(at) ? NULL : at;
}

const char *tn_json_text(const json_t *object, const char *path) { return json_string_value(tn_json_at(object, path)); }

int64_t tn_json_int(const json_t *object, const char *path, int64_t otherwise) {
  json_t *value = tn_json_at(object, path);
  return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

bool tn_json_flag(const json_t *object, const char *path, bool otherwise) {
  json_t *value = tn_json_at(object, path);
  return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

const char *tn_json_label(const json_t *object, const char *key) {
  return json_string_value(json_object_get(tn_json_at(object, "metadata.labels"), key));
}

const char *tn_json_annotation(const json_t *object, const char *key) {
  return json_string_value(json_object_get(tn_json_at(object, "metadata.annotations"), key));
}

json_t *tn_json_find(const json_t *object, const char *path, const char *key, const char *text) {
  size_t i;
  json_t *element;
  json_array_foreach(tn_json_at(object, path), i, element) {
    const char *value = tn_json_text(element, key);
    if (value && !strcmp(value, text)) return element;
  }
  return NULL;
}

bool tn_json_put(json_t *object, const char *path, json_t *value) {
  char key[64];
  json_t *at = object;
  bool is_key = next_key(&path, key);
  while (is_key && *path) {
    json_t *next = json_object_get(at, key);
    if (!json_is_object(next)) {
      next = json_object();
      if (json_object_set_new(at, key, next)) break;
    }
    at = next;
    is_key = next_key(&path, key);
  }
  if (is_key && !*path && json_object_set_new(at, key, value) == 0) return true;
  if (!is_key || *path) json_decref(value);
  return false;
}

json_t *tn_json_textf(const char *format, ...) {
  va_list list;
  va_start(list, format);
  json_t *text = json_vsprintf(format, list);
  va_end(list);
  return text;
}

tn_error *tn_json_parse(const char *what, const char *text, size_t size, json_t **out) {
  json_error_t fault;
  json_t *value = json_loadb(text, size, JSON_DECODE_ANY, &fault);
  if (!value) return tn_errorf(TN_INVALID_ARGUMENT, "%s: line %d: %s", what, fault.line, fault.text);
  *out = value;
  return NULL;
}

int64_t tn_time_parse(const char *text) {
  struct tm parts = {0};
  const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &parts) : NULL;
  return rest ? timegm(&parts) : 0;
}

const char *tn_time_text(int64_t seconds, char text[32]) {
  struct tm parts;
  time_t time = seconds;
  gmtime_r(&time, &parts);
  strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}
