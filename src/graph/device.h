/* Device names, full ("/job:worker/replica:0/task:1/device:GPU:0") or in parts ("/gpu:0", "/job:ps"). */
#ifndef TN_GRAPH_DEVICE_H
#define TN_GRAPH_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <tenon/error.h>

#define TN_DEVICE_WORD 64  /* the longest job or type name, with its NUL */
#define TN_DEVICE_TEXT 256 /* the longest device name, with its NUL */

typedef struct tn_device_spec {
  char job[TN_DEVICE_WORD];  /* "" where unset */
  char type[TN_DEVICE_WORD]; /* "CPU", "GPU", ...; "" where unset */
  int replica, task, index;  /* -1 where unset */
} tn_device_spec;

/* INVALID_ARGUMENT with the text. NULL and "" have nothing set. Parts may come in any order; '*' unsets one. */
tn_error *tn_device_parse(const char *text, tn_device_spec *out) TN_MUST_USE;
/* The canonical name; returns TEXT. */
const char *tn_device_text(const tn_device_spec *spec, char text[TN_DEVICE_TEXT]);
/* Sets in BASE what OVER has set, each part for itself. */
void tn_device_merge(tn_device_spec *base, const tn_device_spec *over);
/* True if DEVICE has everything that PATTERN sets. */
bool tn_device_matches(const tn_device_spec *pattern, const tn_device_spec *device);

#endif
