/* StringNGrams: runs of words of each row, joined. */
#include <string.h>

#include "ops/string/string_array.h"

/* The attributes, read once. */
typedef struct grams {
  tn_string separator, left, right;
  const int64_t *widths;
  size_t n_widths;
  int64_t pad;
  bool keep_short;
} grams;

static tn_error *prepare(tn_prepare *p) {
  if (p->inputs[0].shape.rank != 1 || p->inputs[1].shape.rank != 1) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "data and data_splits must be vectors, not %s and %s",
                             TN_SHAPE_STR(&p->inputs[0].shape), TN_SHAPE_STR(&p->inputs[1].shape));
  }
  grams *g = NULL;
  TN_TRY(tn_prepare_state(p, sizeof *g, &g));
  g->separator = tn_node_get_string(p->node, "separator");
  g->left = tn_node_get_string(p->node, "left_pad");
  g->right = tn_node_get_string(p->node, "right_pad");
  g->n_widths = tn_node_get_ints(p->node, "ngram_widths", &g->widths);
  g->pad = tn_node_get_int(p->node, "pad_width");
  g->keep_short = tn_node_get_bool(p->node, "preserve_short_sequences");
  for (size_t i = 0; i < g->n_widths; i++) {
    if (g->widths[i] < 1) {
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "ngram_widths must contain positive values");
    }
  }
  if (g->keep_short && g->n_widths == 0 && g->pad < 0) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT,
                             "Pad width should be >= 0 when preserve_short_sequences is True and ngram_widths are not "
                             "provided, got %lld",
                             (long long)g->pad);
  }
  tn_prepare_dynamic(p, 0);
  return tn_prepare_output(p, 1, &p->inputs[1].shape);
}

/* How many pads a run of WIDTH words may begin or end with. */
static int64_t pads(const grams *g, int64_t width) { return g->pad < 0 || g->pad > width - 1 ? width - 1 : g->pad; }

static int64_t count(const grams *g, int64_t length, int64_t width) {
  int64_t n = length + 2 * pads(g, width) - width + 1;
  return n > 0 ? n : 0;
}

/* Which run of a row: number I of N, of WIDTH words, with up to PAD pads on either side. */
typedef struct gram {
  int64_t width, pad, i, n;
} gram;

static tn_error *join(const grams *g, const tn_string *words, gram one, tn_string *to) {
  int64_t width = one.width, pad = one.pad, i = one.i, n = one.n;
  int64_t left = pad > i ? pad - i : 0, right = pad > n - i - 1 ? pad - (n - i - 1) : 0;
  int64_t tokens = width - left - right, first = left > 0 ? 0 : i - pad;
  tn_str text = {0};
  bool any = false;
  for (int64_t k = 0; k < left + (tokens > 0 ? tokens : 0) + right; k++) {
    tn_string s = k < left ? g->left : k < left + tokens ? words[first + k - left] : g->right;
    if (any) tn_str_add_bytes(&text, g->separator.data ? g->separator.data : "", g->separator.size);
    tn_str_add_bytes(&text, s.data ? s.data : "", s.size);
    any = true;
  }
  tn_error *error = tn_string_take(to, &text);
  tn_str_clear(&text);
  return error;
}

/* All runs of one row, from *AT on; with OUT NULL they are only counted. */
static tn_error *row(const grams *g, const tn_string *words, int64_t length, tn_string *out, int64_t *at) {
  int64_t before = *at;
  for (size_t w = 0; w < g->n_widths; w++) {
    int64_t width = g->widths[w], n = count(g, length, width);
    for (int64_t i = 0; out && i < n; i++) {
      TN_TRY(join(g, words, (gram){width, pads(g, width), i, n}, &out[*at + i]));
    }
    *at += n;
  }
  /* A row that is too short for any run is one run. */
  if (!g->keep_short || *at > before || length == 0) return NULL;
  int64_t pad = g->pad > 0 ? g->pad : 0;
  if (out) TN_TRY(join(g, words, (gram){length + 2 * pad, pad, 0, 1}, &out[*at]));
  ++*at;
  return NULL;
}

static tn_error *rows(tn_run *r, tn_string *out, int64_t *total) {
  const tn_tensor *splits = r->inputs[1];
  int64_t n = tn_elements(splits), at = 0;
  for (int64_t i = 0; i < n; i++) {
    if (i > 0) {
      int64_t from = tn_index_at(splits, i - 1), to = tn_index_at(splits, i);
      TN_TRY(row(r->state, tn_strings_of(r->inputs[0]) + from, to - from, out, &at));
    }
    if (r->outputs[1]->dtype == TN_INT64) {
      TN_DATA(int64_t, r->outputs[1])[i] = at;
    } else {
      TN_DATA(int32_t, r->outputs[1])[i] = (int32_t)at;
    }
  }
  *total = at;
  return NULL;
}

static tn_error *check_splits(const tn_run *r) {
  const tn_tensor *splits = r->inputs[1];
  int64_t n = tn_elements(splits), length = tn_elements(r->inputs[0]);
  if (n > 0 && tn_index_at(splits, 0) != 0) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "First split value must be 0, got %lld",
                         (long long)tn_index_at(splits, 0));
  }
  for (int64_t i = 1; i < n; i++) {
    int64_t before = tn_index_at(splits, i - 1), now = tn_index_at(splits, i);
    if (now < before || now > length) {
      return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Invalid split value %lld, must be in [%lld, %lld]", (long long)now,
                           (long long)before, (long long)length);
    }
  }
  if (n > 0 && tn_index_at(splits, n - 1) != length) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Last split value must be data size. Expected %lld, got %lld",
                         (long long)length, (long long)tn_index_at(splits, n - 1));
  }
  return NULL;
}

static tn_error *run(tn_run *r) {
  TN_TRY(check_splits(r));
  int64_t total = 0;
  TN_TRY(rows(r, NULL, &total));
  tn_shape shape = tn_shape_of(1, &total);
  TN_TRY(tn_run_allocate(r, 0, &shape));
  return rows(r, tn_strings_of(r->outputs[0]), &total);
}

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape data, splits;
  TN_TRY(tn_shape_with_rank(c, 0, 1, &data));
  TN_TRY(tn_shape_with_rank(c, 1, 1, &splits));
  c->out[0] = tn_shape_unknown_of_rank(1);
  c->out[1] = splits;
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(StringNGrams, .inputs = "data: string, data_splits: Tsplits", .outputs = "ngrams: string, ngrams_splits: Tsplits",
      .attrs = "separator: string; ngram_widths: list(int) >= 0; left_pad: string; right_pad: string; pad_width: int; "
               "preserve_short_sequences: bool; Tsplits: {int32, int64} = int64",
      .doc = "Runs of neighbouring words of each row, joined into one string each.",
      .flags = TN_OP_DYNAMIC_SHAPE | TN_OP_GRADIENT_UNREGISTERED, .shape = shape, .kernels = kernels);
