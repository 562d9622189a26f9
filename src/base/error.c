/* The error object: a code, a message and the places it passed. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct tn_error {
  tn_code code;
  char *message;
  char *trace;
};

static tn_error no_memory = {TN_RESOURCE_EXHAUSTED, (char *)"out of memory", NULL};

tn_error *tn_out_of_memory(void) { return &no_memory; }

/* vsnprintf into a new string; NULL when memory is out. */
static TN_PRINTF(1, 0) char *format_text(const char *format, va_list args) {
  va_list again;
  va_copy(again, args);
  int size = vsnprintf(NULL, 0, format, again);
  va_end(again);
  if (size < 0) return NULL;
  char *text = tn_malloc((size_t)size + 1);
  if (text) vsnprintf(text, (size_t)size + 1, format, args);
  return text;
}

tn_error *tn_errorf(tn_code code, const char *format, ...) {
  tn_error *error = tn_calloc(1, sizeof *error);
  if (!error) return &no_memory;
  va_list args;
  va_start(args, format);
  error->message = format_text(format, args);
  va_end(args);
  error->code = code == TN_OK ? TN_INTERNAL : code;
  if (!error->message) {
    tn_free(error);
    return &no_memory;
  }
  return error;
}

tn_error *tn_error_context(tn_error *error, const char *format, ...) {
  if (!error || error == &no_memory) return error;
  va_list args;
  va_start(args, format);
  char *before = format_text(format, args);
  va_end(args);
  if (!before) return error;
  size_t a = strlen(before), b = strlen(error->message);
  char *joined = tn_malloc(a + b + 3);
  if (joined) {
    memcpy(joined, before, a);
    memcpy(joined + a, ": ", 2);
    memcpy(joined + a + 2, error->message, b + 1);
    tn_free(error->message);
    error->message = joined;
  }
  tn_free(before);
  return error;
}

tn_error *tn_error_passed(tn_error *error, const char *file, int line) {
  if (!error || error == &no_memory) return error;
  char place[512];
  int size = snprintf(place, sizeof place, "%s:%d\n", file, line);
  if (size < 0 || (size_t)size >= sizeof place) return error;
  size_t old = error->trace ? strlen(error->trace) : 0;
  if (old > 8192) return error; /* a deep recursion must not make its error huge */
  char *trace = tn_realloc(error->trace, old + (size_t)size + 1);
  if (trace) {
    memcpy(trace + old, place, (size_t)size + 1);
    error->trace = trace;
  }
  return error;
}

void tn_error_free(tn_error *error) {
  if (!error || error == &no_memory) return;
  tn_free(error->message);
  tn_free(error->trace);
  tn_free(error);
}

tn_error *tn_error_copy(const tn_error *error) {
  if (!error || error == &no_memory) return (tn_error *)error;
  tn_error *copy = tn_errorf(error->code, "%s", error->message);
  if (copy != &no_memory && error->trace) copy->trace = tn_strdup(error->trace);
  return copy;
}

tn_code tn_error_code(const tn_error *error) { return error ? error->code : TN_OK; }
const char *tn_error_message(const tn_error *error) { return error ? error->message : ""; }
const char *tn_error_trace(const tn_error *error) { return error && error->trace ? error->trace : ""; }

const char *tn_code_name(tn_code code) {
  static const char *const names[] = {
      "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
      "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
      "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
      "DATA_LOSS", "UNAUTHENTICATED"};
  if ((int)code < 0 || (size_t)code >= sizeof names / sizeof *names) return "UNKNOWN";
  return names[code];
}
