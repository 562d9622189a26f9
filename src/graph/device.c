/* Device names: parsing, merging, canonical text. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "graph/device.h"

static tn_error *bad_device(const char *text, const char *why) {
  return tn_errorf(TN_INVALID_ARGUMENT, "device '%.200s': %s", text, why);
}

/* A letter, then letters, digits, '_' and '-', of SIZE bytes in all. */
static bool copy_word(const char *begin, size_t size, char out[TN_DEVICE_WORD]) {
  if (size == 0 || size >= TN_DEVICE_WORD || !isalpha((unsigned char)begin[0])) return false;
  for (size_t i = 0; i < size; i++) {
    if (!isalnum((unsigned char)begin[i]) && begin[i] != '_' && begin[i] != '-') return false;
  }
  memcpy(out, begin, size);
  out[size] = 0;
  return true;
}

/* Device types are upper case whatever the user wrote, as "/cpu:0" and "/device:gpu:0" are in use. */
static bool copy_type(const char *begin, size_t size, char out[TN_DEVICE_WORD]) {
  if (!copy_word(begin, size, out)) return false;
  bool known = strcasecmp(out, "cpu") == 0 || strcasecmp(out, "gpu") == 0 || strcasecmp(out, "tpu") == 0;
  for (size_t i = 0; known && i < size; i++) out[i] = (char)toupper((unsigned char)out[i]);
  return true;
}

/* "12" or "*" (which leaves -1). */
static bool copy_number(const char *begin, size_t size, int *out) {
  if (size == 1 && *begin == '*') {
    *out = -1;
    return true;
  }
  if (size == 0 || size > 9) return false;
  int value = 0;
  for (size_t i = 0; i < size; i++) {
    if (!isdigit((unsigned char)begin[i])) return false;
    value = value * 10 + (begin[i] - '0');
  }
  *out = value;
  return true;
}

static bool word_is(const char *begin, size_t size, const char *word) {
  return size == strlen(word) && memcmp(begin, word, size) == 0;
}

/* "GPU", "GPU:0" or "GPU:*" in SIZE bytes. */
static bool parse_type(const char *begin, size_t size, tn_device_spec *out) {
  const char *colon = memchr(begin, ':', size);
  size_t n = colon ? (size_t)(colon - begin) : size;
  out->index = -1;
  if (n == 1 && *begin == '*') {
    out->type[0] = 0;
  } else if (!copy_type(begin, n, out->type)) {
    return false;
  }
  return !colon || copy_number(colon + 1, size - n - 1, &out->index);
}

/* One part between slashes. */
static tn_error *parse_part(const char *text, const char *begin, size_t size, tn_device_spec *out) {
  const char *colon = memchr(begin, ':', size);
  size_t n = colon ? (size_t)(colon - begin) : size;
  const char *value = colon ? colon + 1 : begin + size;
  size_t value_size = size - (size_t)(value - begin);
  if (colon && word_is(begin, n, "job")) {
    if (value_size == 1 && *value == '*') {
      out->job[0] = 0;
    } else if (!copy_word(value, value_size, out->job)) {
      return bad_device(text, "a job is a letter followed by letters, digits, '_' and '-'");
    }
    return NULL;
  }
  if (colon && word_is(begin, n, "replica")) {
    return copy_number(value, value_size, &out->replica) ? NULL : bad_device(text, "a replica is a number or '*'");
  }
  if (colon && word_is(begin, n, "task")) {
    return copy_number(value, value_size, &out->task) ? NULL : bad_device(text, "a task is a number or '*'");
  }
  if (out->type[0]) return bad_device(text, "it has two device types");
  if (colon && word_is(begin, n, "device")) {
    return parse_type(value, value_size, out) ? NULL : bad_device(text, "expected device:TYPE:INDEX");
  }
  /* The old form: "/cpu:0". Other types need "device:". */
  bool old = n == 3 && (strncasecmp(begin, "cpu", 3) == 0 || strncasecmp(begin, "gpu", 3) == 0 ||
                        strncasecmp(begin, "tpu", 3) == 0);
  if (old && parse_type(begin, size, out)) return NULL;
  return bad_device(text, "expected parts like /job:NAME, /replica:N, /task:N, /device:TYPE:N, /cpu:N, /gpu:N");
}

tn_error *tn_device_parse(const char *text, tn_device_spec *out) {
  tn_device_spec spec = {.replica = -1, .task = -1, .index = -1};
  for (const char *p = text ? text : ""; *p;) {
    size_t size = strcspn(p, "/");
    if (size > 0) TN_TRY(parse_part(text, p, size, &spec));
    p += size;
    if (*p) p++;
  }
  *out = spec;
  return NULL;
}

const char *tn_device_text(const tn_device_spec *spec, char text[TN_DEVICE_TEXT]) {
  size_t n = 0;
  text[0] = 0;
  if (spec->job[0]) n += (size_t)snprintf(text + n, TN_DEVICE_TEXT - n, "/job:%s", spec->job);
  if (spec->replica >= 0) n += (size_t)snprintf(text + n, TN_DEVICE_TEXT - n, "/replica:%d", spec->replica);
  if (spec->task >= 0) n += (size_t)snprintf(text + n, TN_DEVICE_TEXT - n, "/task:%d", spec->task);
  if (spec->type[0] && spec->index >= 0) {
    snprintf(text + n, TN_DEVICE_TEXT - n, "/device:%s:%d", spec->type, spec->index);
  } else if (spec->type[0]) {
    snprintf(text + n, TN_DEVICE_TEXT - n, "/device:%s:*", spec->type);
  }
  return text;
}

void tn_device_merge(tn_device_spec *base, const tn_device_spec *over) {
  if (over->job[0]) memcpy(base->job, over->job, sizeof base->job);
  if (over->replica >= 0) base->replica = over->replica;
  if (over->task >= 0) base->task = over->task;
  if (over->type[0]) memcpy(base->type, over->type, sizeof base->type);
  if (over->index >= 0) base->index = over->index;
}

bool tn_device_matches(const tn_device_spec *pattern, const tn_device_spec *device) {
  return (!pattern->job[0] || strcmp(pattern->job, device->job) == 0) &&
         (pattern->replica < 0 || pattern->replica == device->replica) &&
         (pattern->task < 0 || pattern->task == device->task) &&
         (!pattern->type[0] || strcmp(pattern->type, device->type) == 0) &&
         (pattern->index < 0 || pattern->index == device->index);
}
