/* Reading and building Kubernetes objects, which are JSON values of jansson. */
#ifndef TN_KUBE_JSON_H
#define TN_KUBE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <tenon/error.h>

/* Paths are keys with dots between them, "spec.template.spec"; keys that hold dots themselves (labels) have functions
 * of their own. What is read is borrowed; NULL or OTHERWISE where there is nothing or something of another kind. */
json_t *tn_json_at(const json_t *object, const char *path);
const char *tn_json_text(const json_t *object, const char *path);
int64_t tn_json_int(const json_t *object, const char *path, int64_t otherwise);
bool tn_json_flag(const json_t *object, const char *path, bool otherwise);
const char *tn_json_label(const json_t *object, const char *key);
const char *tn_json_annotation(const json_t *object, const char *key);
/* The element of the array at PATH whose KEY is TEXT. */
json_t *tn_json_find(const json_t *object, const char *path, const char *key, const char *text);

/* Sets the value at PATH, making the objects on the way to it; takes over the caller's reference on VALUE. False when
 * memory is out or something on the way is no object. */
bool tn_json_put(json_t *object, const char *path, json_t *value);
/* A text made by printf; NULL when memory is out. */
json_t *tn_json_textf(const char *format, ...) TN_PRINTF(1, 2);
/* Parses SIZE bytes; INVALID_ARGUMENT names WHAT, the line and the fault. *OUT is a new reference. */
tn_error *tn_json_parse(const char *what, const char *text, size_t size, json_t **out) TN_MUST_USE;

/* Seconds since 1970 of "2026-11-30T12:00:00Z" (fractions are cut off); 0 for what is no time. */
int64_t tn_time_parse(const char *text);
/* The same back, as Kubernetes writes times. */
const char *tn_time_text(int64_t seconds, char text[32]);

#endif
