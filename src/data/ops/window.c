/* WindowDataset and GroupByWindowDataset: elements that are datasets of other elements. */
#include <string.h>

#include "base/alloc.h"
#include "data/stored.h"

typedef struct window {
  tn_source base;
  int64_t size, shift, stride;
  bool drop;
} window;

typedef struct sliding {
  tn_cursor base;
  tn_stored buffer;
  tn_tensor *element;
  bool over;
} sliding;

static tn_error *make(tn_run *r, tn_source *s) {
  window *w = (window *)s;
  TN_TRY(tn_run_int(r, 1, &w->size));
  TN_TRY(tn_run_int(r, 2, &w->shift));
  TN_TRY(tn_run_int(r, 3, &w->stride));
  TN_TRY(tn_run_bool(r, 4, &w->drop));
  const char *wrong = w->size <= 0 ? "size" : w->shift <= 0 ? "shift" : w->stride <= 0 ? "stride" : NULL;
  if (!wrong) return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Window %s must be greater than zero.", wrong);
}

static int64_t size(const tn_source *s) {
  const window *w = (const window *)s;
  int64_t n = tn_source_size(s->inputs[0]);
  if (n < 0) return n;
  if (!w->drop) return (n + w->shift - 1) / w->shift;
  int64_t span = (w->size - 1) * w->stride + 1;
  return n < span ? 0 : (n - span) / w->shift + 1;
}

static tn_error *open(tn_cursor *c, tn_step *step) {
  TN_TRY(tn_element_new(c->source->inputs[0]->n, &((sliding *)c)->element));
  return tn_cursor_open(c->source->inputs[0], step, &c->input);
}

static void close(tn_cursor *c) {
  sliding *k = (sliding *)c;
  tn_stored_clear(&k->buffer);
  tn_element_free(c->source->inputs[0]->n, k->element);
}

static tn_error *fill(tn_cursor *c, tn_step *step, int64_t target) {
  sliding *k = (sliding *)c;
  int n = c->input->source->n;
  while (!k->over && k->buffer.rows < target) {
    TN_TRY(tn_cursor_next(c->input, step, k->element, &k->over));
    if (!k->over) TN_TRY(tn_stored_add(&k->buffer, n, k->element));
  }
  return NULL;
}

/* Passes on to where the next window begins. */
static tn_error *shift(tn_cursor *c, tn_step *step) {
  const window *w = (const window *)c->source;
  sliding *k = (sliding *)c;
  int64_t beyond = w->shift - k->buffer.rows;
  tn_stored_drop(&k->buffer, w->shift);
  for (; beyond > 0 && !k->over; beyond--) {
    TN_TRY(tn_cursor_next(c->input, step, k->element, &k->over));
    tn_element_clear(c->input->source->n, k->element);
  }
  return NULL;
}

static tn_error *next(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  const window *w = (const window *)c->source;
  sliding *k = (sliding *)c;
  int64_t target = (w->size - 1) * w->stride + 1;
  TN_TRY(fill(c, step, target));
  *end = k->buffer.rows == 0 || (w->drop && k->buffer.rows < target);
  if (*end) return NULL;
  tn_stored_view view = {.list = &k->buffer, .n = 1, .stride = w->stride};
  view.rows = 1 + (k->buffer.rows - 1) / w->stride;
  for (int i = 0; i < c->source->n; i++) {
    view.first = i;
    TN_TRY(tn_stored_dataset(&view, c->input->source, &out[i]));
  }
  return shift(c, step);
}

static const tn_source_kind kind = {
    "WindowDataset", sizeof(window), sizeof(sliding), 1, make, NULL, size, open, next, close};

TN_SOURCE_KERNELS(window, kind);

TN_OP(WindowDataset, .inputs = "input_dataset: variant, size: int64, shift: int64, stride: int64, drop_remainder: bool",
      .outputs = "handle: variant", .attrs = TN_SOURCE_ATTRS "; metadata: string = ''",
      .doc = "Datasets of size elements each, every stride-th, that begin shift elements apart.",
      .flags = TN_SOURCE_FLAGS, .shape = tn_shape_scalar_out, .kernels = window_kernels);

/* --- groups --- */

typedef struct grouping {
  tn_source base;
  tn_capture key, reduce, size;
} grouping;

typedef struct group {
  int64_t key, size;
  tn_stored elements;
} group;

typedef struct grouped {
  tn_cursor base;
  tn_tensor *element;
  int64_t n, capacity; /* sorted by key; those that are empty stay for their size */
  group *groups;
  tn_cursor *flushing;
  bool over;
} grouped;

static tn_error *make_groups(tn_run *r, tn_source *s) {
  grouping *g = (grouping *)s;
  TN_TRY(tn_capture_init(r, "key_func", 1, &g->key));
  TN_TRY(tn_capture_init(r, "reduce_func", 2, &g->reduce));
  return tn_capture_init(r, "window_size_func", 3, &g->size);
}

static void drop_groups(tn_source *s) {
  grouping *g = (grouping *)s;
  tn_capture_clear(&g->key);
  tn_capture_clear(&g->reduce);
  tn_capture_clear(&g->size);
}

static int64_t unknown(const tn_source *s) {
  (void)s;
  return TN_SIZE_UNKNOWN;
}

static tn_error *open_groups(tn_cursor *c, tn_step *step) {
  TN_TRY(tn_element_new(c->source->inputs[0]->n, &((grouped *)c)->element));
  return tn_cursor_open(c->source->inputs[0], step, &c->input);
}

static void close_groups(tn_cursor *c) {
  grouped *k = (grouped *)c;
  tn_cursor_close(k->flushing);
  for (int64_t i = 0; i < k->n; i++) tn_stored_clear(&k->groups[i].elements);
  tn_free(k->groups);
  tn_element_free(c->source->inputs[0]->n, k->element);
}

/* The group of KEY, made if it is new. */
static tn_error *find_group(tn_cursor *c, tn_step *step, int64_t key, group **out) {
  grouped *k = (grouped *)c;
  int64_t at = 0, high = k->n;
  while (at < high) {
    int64_t middle = at + (high - at) / 2;
    if (k->groups[middle].key < key) {
      at = middle + 1;
    } else {
      high = middle;
    }
  }
  if (at == k->n || k->groups[at].key != key) {
    tn_tensor key_tensor = {.dtype = TN_INT64, .shape = tn_shape_scalar(), .data = &key}, boxed = {0};
    int64_t size = 0;
    TN_TRY(tn_tensor_init_copy(&boxed, &key_tensor));
    tn_error *error = tn_capture_scalar(&((const grouping *)c->source)->size, step, 1, &boxed, TN_INT64, &size);
    tn_tensor_clear(&boxed);
    if (error) return error;
    if (size <= 0)
      return tn_cursor_errorf(c, TN_INVALID_ARGUMENT, "Window size must be greater than zero, but got %lld.",
                              (long long)size);
    if (k->n == k->capacity) {
      int64_t more = k->capacity ? 2 * k->capacity : 8;
      group *grown = tn_realloc(k->groups, (size_t)more * sizeof *grown);
      if (!grown) return tn_out_of_memory();
      k->groups = grown;
      k->capacity = more;
    }
    memmove(k->groups + at + 1, k->groups + at, (size_t)(k->n++ - at) * sizeof *k->groups);
    k->groups[at] = (group){.key = key, .size = size};
  }
  *out = &k->groups[at];
  return NULL;
}

/* Starts to give out what reduce_func makes of G. */
static tn_error *flush(tn_cursor *c, tn_step *step, group *g) {
  grouped *k = (grouped *)c;
  tn_tensor arguments[2] = {{0}, {0}}, result = {0};
  tn_tensor key = {.dtype = TN_INT64, .shape = tn_shape_scalar(), .data = &g->key};
  tn_stored_view view = {.list = &g->elements, .n = c->input->source->n, .rows = g->elements.rows, .stride = 1};
  tn_error *error = tn_tensor_init_copy(&arguments[0], &key);
  if (!error) error = tn_stored_dataset(&view, c->input->source, &arguments[1]);
  if (!error) error = tn_capture_call(&((const grouping *)c->source)->reduce, step, 2, arguments, &result);
  tn_source *source = NULL;
  if (!error) error = tn_source_of(&result, &source);
  if (!error && source->n != c->source->n) {
    error = tn_cursor_errorf(c, TN_INVALID_ARGUMENT, "reduce_func's dataset has %d components; expected %d", source->n,
                             c->source->n);
  }
  if (!error) error = tn_cursor_open(source, step, &k->flushing);
  tn_stored_clear(&g->elements);
  tn_element_clear(2, arguments);
  tn_tensor_clear(&result);
  return error;
}

/* Reads on until a group is full, or to the end: then the groups come by their keys. */
static tn_error *gather(tn_cursor *c, tn_step *step) {
  grouped *k = (grouped *)c;
  int n = c->input->source->n;
  while (!k->over && !k->flushing) {
    TN_TRY(tn_cursor_next(c->input, step, k->element, &k->over));
    if (k->over) break;
    int64_t key = 0;
    group *g = NULL;
    tn_error *error =
        tn_capture_scalar(&((const grouping *)c->source)->key, step, (size_t)n, k->element, TN_INT64, &key);
    if (!error) error = find_group(c, step, key, &g);
    if (!error) error = tn_stored_add(&g->elements, n, k->element);
    tn_element_clear(n, k->element);
    if (error) return error;
    if (g->elements.rows == g->size) TN_TRY(flush(c, step, g));
  }
  for (int64_t i = 0; k->over && !k->flushing && i < k->n; i++) {
    if (k->groups[i].elements.rows > 0) TN_TRY(flush(c, step, &k->groups[i]));
  }
  return NULL;
}

static tn_error *next_grouped(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  grouped *k = (grouped *)c;
  for (;;) {
    if (!k->flushing) TN_TRY(gather(c, step));
    *end = !k->flushing;
    if (*end) return NULL;
    TN_TRY(tn_cursor_next(k->flushing, step, out, end));
    if (!*end) return NULL;
    tn_cursor_close(k->flushing);
    k->flushing = NULL;
  }
}

static const tn_source_kind group_kind = {
    "GroupByWindowDataset", sizeof(grouping), sizeof(grouped), 1, make_groups, drop_groups, unknown, open_groups,
    next_grouped,           close_groups};

TN_SOURCE_KERNELS(group, group_kind);

#define GROUP_INPUTS                                                                                                   \
  "input_dataset: variant, key_func_other_arguments: Tkey_func_other_arguments, reduce_func_other_arguments: "         \
  "Treduce_func_other_arguments, window_size_func_other_arguments: Twindow_size_func_other_arguments"
#define GROUP_ATTRS                                                                                                    \
  "key_func: func; reduce_func: func; window_size_func: func; Tkey_func_other_arguments: list(type) >= 0; "            \
  "Treduce_func_other_arguments: list(type) >= 0; Twindow_size_func_other_arguments: list(type) >= "                   \
  "0; " TN_SOURCE_ATTRS
#define GROUPS                                                                                                         \
  .inputs = GROUP_INPUTS, .outputs = "handle: variant", .doc = "What reduce_func makes of windows of one key each.",   \
  .flags = TN_SOURCE_FLAGS, .shape = tn_shape_scalar_out, .kernels = group_kernels

TN_OP(GroupByWindowDataset, .attrs = GROUP_ATTRS "; metadata: string = ''", GROUPS);
TN_OP(ExperimentalGroupByWindowDataset, .attrs = GROUP_ATTRS, GROUPS);
