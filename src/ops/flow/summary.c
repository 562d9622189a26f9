/* Values as text, as TensorFlow's Print and Assert show them. */
#include "ops/flow/summary.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The shorter of two precisions, if it reads back as the same number. */
static void add_real(tn_str *s, double value, bool is_float) {
  char text[40];
  if (isnan(value)) {
    tn_str_add(s, "nan");
    return;
  }
  snprintf(text, sizeof text, "%.*g", is_float ? 6 : 15, value);
  bool same = is_float ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value;
  if (!same) snprintf(text, sizeof text, "%.*g", is_float ? 9 : 17, value);
  tn_str_add(s, text);
}

/* A string with C escapes; what may be UTF-8 stays. */
static void add_escaped(tn_str *s, const tn_string *string) {
  for (size_t i = 0; i < string->size; i++) {
    unsigned char c = (unsigned char)string->data[i];
    switch (c) {
    case '\n': tn_str_add(s, "\\n"); break;
    case '\r': tn_str_add(s, "\\r"); break;
    case '\t': tn_str_add(s, "\\t"); break;
    case '"': tn_str_add(s, "\\\""); break;
    case '\'': tn_str_add(s, "\\'"); break;
    case '\\': tn_str_add(s, "\\\\"); break;
    default:
      if (c < 32 || c == 127) {
        tn_str_addf(s, "\\%03o", c);
      } else {
        tn_str_add_bytes(s, &c, 1);
      }
    }
  }
}

static void add_element(tn_str *s, const tn_tensor *t, int64_t i) {
  switch (t->dtype) {
  case TN_FLOAT: add_real(s, (double)TN_DATA(const float, t)[i], true); break;
  case TN_DOUBLE: add_real(s, TN_DATA(const double, t)[i], false); break;
  case TN_HALF: add_real(s, (double)tn_half_to_float(TN_DATA(const uint16_t, t)[i]), true); break;
  case TN_BFLOAT16: add_real(s, (double)tn_bfloat16_to_float(TN_DATA(const uint16_t, t)[i]), true); break;
  case TN_INT8:
  case TN_QINT8: tn_str_addf(s, "%d", TN_DATA(const int8_t, t)[i]); break;
  case TN_UINT8:
  case TN_QUINT8: tn_str_addf(s, "%d", TN_DATA(const uint8_t, t)[i]); break;
  case TN_INT16:
  case TN_QINT16: tn_str_addf(s, "%d", TN_DATA(const int16_t, t)[i]); break;
  case TN_UINT16:
  case TN_QUINT16: tn_str_addf(s, "%d", TN_DATA(const uint16_t, t)[i]); break;
  case TN_INT32:
  case TN_QINT32: tn_str_addf(s, "%" PRId32, TN_DATA(const int32_t, t)[i]); break;
  case TN_UINT32: tn_str_addf(s, "%" PRIu32, TN_DATA(const uint32_t, t)[i]); break;
  case TN_INT64: tn_str_addf(s, "%" PRId64, TN_DATA(const int64_t, t)[i]); break;
  case TN_UINT64: tn_str_addf(s, "%" PRIu64, TN_DATA(const uint64_t, t)[i]); break;
  case TN_BOOL: tn_str_add(s, TN_DATA(const bool, t)[i] ? "1" : "0"); break;
  case TN_STRING: add_escaped(s, &TN_DATA(const tn_string, t)[i]); break;
  default: tn_str_add(s, "?");
  }
}

typedef struct walk {
  tn_str *out;
  const tn_tensor *t;
  int64_t limit, next;
} walk;

static void add_row(walk *w, int dim) {
  for (int64_t i = 0; i < w->t->shape.dims[dim]; i++) {
    if (w->next >= w->limit) {
      if (dim) tn_str_add(w->out, "...");
      return;
    }
    if (i) tn_str_add(w->out, " ");
    add_element(w->out, w->t, w->next++);
  }
}

/* Dimension DIM and those inside it; the depth is at most TN_MAX_RANK. */
static void add_dim(walk *w, int dim) {
  if (w->next >= w->limit) return;
  if (dim == w->t->shape.rank - 1) {
    add_row(w, dim);
    return;
  }
  for (int64_t i = 0; i < w->t->shape.dims[dim]; i++) {
    bool open = w->next < w->limit;
    if (open) tn_str_add(w->out, "[");
    add_dim(w, dim + 1);
    if (open) tn_str_add(w->out, "]");
    if (w->next >= w->limit) return;
  }
}

void tn_summary_add(tn_str *s, const tn_tensor *t, int64_t limit) {
  int64_t n = tn_elements(t);
  walk w = {.out = s, .t = t, .limit = limit < 0 || limit > n ? n : limit};
  if (t->shape.rank == 0) {
    if (w.limit) add_element(s, t, 0);
  } else {
    add_dim(&w, 0);
  }
  bool silent = t->dtype == TN_BOOL && w.limit == 0; /* as TensorFlow has it */
  if (n > w.limit && !silent) tn_str_add(s, "...");
}

/* --- as tf.print shows tensors --- */

typedef struct ends_walk {
  tn_str *out;
  const tn_tensor *t;
  int64_t ends;
} ends_walk;

static void add_spacing(const ends_walk *w, int dim) {
  int last = w->t->shape.rank - 1;
  if (dim == last) {
    tn_str_add(w->out, " ");
    return;
  }
  for (int d = dim; d < last; d++) tn_str_add(w->out, "\n");
  for (int d = 0; d <= dim; d++) tn_str_add(w->out, " ");
}

/* The part of the tensor behind element AT that dimension DIM and those inside it hold. */
static void add_ends(const ends_walk *w, int dim, int64_t at) {
  const tn_shape *shape = &w->t->shape;
  if (dim == shape->rank) {
    bool quoted = w->t->dtype == TN_STRING;
    if (quoted) tn_str_add(w->out, "\"");
    add_element(w->out, w->t, at);
    if (quoted) tn_str_add(w->out, "\"");
    return;
  }
  int64_t n = shape->dims[dim], step = 1;
  for (int d = dim + 1; d < shape->rank; d++) step *= shape->dims[d];
  tn_str_add(w->out, "[");
  for (int64_t i = 0; i < n; i++) {
    if (i || !w->ends) add_spacing(w, dim);
    if (i == w->ends && n > 2 * w->ends) {
      tn_str_add(w->out, "...");
      i = n - w->ends;
      if (w->ends) add_spacing(w, dim);
    }
    if (i < n) add_ends(w, dim + 1, at + i * step);
  }
  tn_str_add(w->out, "]");
}

void tn_summary_add_ends(tn_str *s, const tn_tensor *t, int64_t ends) {
  int64_t n = tn_elements(t);
  if (ends < 0)
    ends = INT64_MAX / 2;
  else if (ends > n)
    ends = n;
  if (t->dtype == TN_BOOL && n == 0) return; /* as TensorFlow has it */
  add_ends(&(ends_walk){s, t, ends}, 0, 0);
}
