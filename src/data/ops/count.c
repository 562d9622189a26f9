/* Datasets that count: RepeatDataset, TakeDataset, SkipDataset, ShardDataset. */
#include "data/source.h"

typedef struct counted {
  tn_source base;
  int64_t count, index; /* of shards: how many there are, and which one this is */
  bool non_empty;
} counted;

typedef struct counting {
  tn_cursor base;
  int64_t n;
  bool any; /* this time through the input */
} counting;

static tn_error *make(tn_run *r, tn_source *s) { return tn_run_int(r, 1, &((counted *)s)->count); }
static int64_t count_of(const tn_source *s) { return ((const counted *)s)->count; }

/* --- repeat --- */

static int64_t repeat_size(const tn_source *s) {
  int64_t n = tn_source_size(s->inputs[0]), times = count_of(s);
  if (times < 0) return n == 0 ? 0 : TN_SIZE_INFINITE;
  if (times == 0) return 0;
  return n < 0 ? n : n > INT64_MAX / times ? INT64_MAX : n * times;
}

static tn_error *repeat_open(tn_cursor *c, tn_step *step) {
  (void)c, (void)step; /* the input is opened when it is needed */
  return NULL;
}

static tn_error *repeat_next(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  counting *k = (counting *)c;
  int64_t times = count_of(c->source);
  for (;;) {
    if (!c->input) {
      *end = times >= 0 && k->n >= times;
      if (*end) return NULL;
      TN_TRY(tn_cursor_open(c->source->inputs[0], step, &c->input));
      k->any = false;
    }
    TN_TRY(tn_cursor_next(c->input, step, out, end));
    if (!*end) {
      k->any = true;
      return NULL;
    }
    tn_cursor_close(c->input);
    c->input = NULL;
    k->n++;
    /* An input that is empty is so for ever. */
    if (times < 0 && !k->any) return NULL;
    *end = false;
  }
}

static const tn_source_kind repeat_kind = {"RepeatDataset", sizeof(counted), sizeof(counting), 1,   make, NULL,
                                           repeat_size,     repeat_open,     repeat_next,      NULL};

/* --- take --- */

static int64_t take_size(const tn_source *s) {
  int64_t n = tn_source_size(s->inputs[0]), count = count_of(s);
  if (n == TN_SIZE_UNKNOWN || count < 0) return n;
  return n == TN_SIZE_INFINITE || count < n ? count : n;
}

static tn_error *take_next(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  counting *k = (counting *)c;
  int64_t count = count_of(c->source);
  *end = count >= 0 && k->n >= count;
  if (*end) return NULL;
  k->n++;
  return tn_cursor_next(c->input, step, out, end);
}

static const tn_source_kind take_kind = {
    "TakeDataset", sizeof(counted), sizeof(counting), 1, make, NULL, take_size, NULL, take_next, NULL};

/* --- skip --- */

static int64_t skip_size(const tn_source *s) {
  int64_t n = tn_source_size(s->inputs[0]), count = count_of(s);
  if (count < 0) return 0;
  return n < 0 ? n : n > count ? n - count : 0;
}

static tn_error *skip_next(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  counting *k = (counting *)c;
  *end = count_of(c->source) < 0;
  for (; !*end && k->n < count_of(c->source); k->n++) {
    TN_TRY(tn_cursor_next(c->input, step, out, end));
    tn_element_clear(c->source->n, out);
  }
  return *end ? NULL : tn_cursor_next(c->input, step, out, end);
}

static const tn_source_kind skip_kind = {
    "SkipDataset", sizeof(counted), sizeof(counting), 1, make, NULL, skip_size, NULL, skip_next, NULL};

/* --- shard --- */

static tn_error *make_shard(tn_run *r, tn_source *s) {
  counted *k = (counted *)s;
  TN_TRY(tn_run_int(r, 1, &k->count));
  TN_TRY(tn_run_int(r, 2, &k->index));
  k->non_empty = tn_node_get_bool(r->node, "require_non_empty");
  if (k->count <= 0) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "Number of shards must be greater than zero (currently num_shards = %lld).",
                         (long long)k->count);
  }
  if (k->index >= 0 && k->index < k->count) return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Index must be between 0 and %lld (currently index = %lld).",
                       (long long)k->count - 1, (long long)k->index);
}

static int64_t shard_size(const tn_source *s) {
  const counted *k = (const counted *)s;
  int64_t n = tn_source_size(s->inputs[0]);
  return n < 0 ? n : n / k->count + (k->index < n % k->count);
}

static tn_error *shard_next(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  const counted *s = (const counted *)c->source;
  counting *k = (counting *)c;
  for (;; k->n++) {
    TN_TRY(tn_cursor_next(c->input, step, out, end));
    if (*end || k->n % s->count == s->index) break;
    tn_element_clear(c->source->n, out);
  }
  if (*end && s->non_empty && k->n < s->count) {
    return tn_cursor_errorf(c, TN_INVALID_ARGUMENT, "the dataset has fewer elements than shards (%lld)",
                            (long long)s->count);
  }
  k->n++;
  return NULL;
}

static const tn_source_kind shard_kind = {
    "ShardDataset", sizeof(counted), sizeof(counting), 1, make_shard, NULL, shard_size, NULL, shard_next, NULL};

TN_SOURCE_KERNELS(repeat, repeat_kind);
TN_SOURCE_KERNELS(take, take_kind);
TN_SOURCE_KERNELS(skip, skip_kind);
TN_SOURCE_KERNELS(shard, shard_kind);

#define COUNTED(LIST, DOC)                                                                                             \
  .inputs = "input_dataset: variant, count: int64", .outputs = "handle: variant",                                      \
  .attrs = TN_SOURCE_ATTRS "; metadata: string = ''", .doc = DOC, .flags = TN_SOURCE_FLAGS,                            \
  .shape = tn_shape_scalar_out, .kernels = LIST

TN_OP(RepeatDataset, COUNTED(repeat_kernels, "The input count times over; for ever if count is -1."));
TN_OP(TakeDataset, COUNTED(take_kernels, "The first count elements; all if count is -1."));
TN_OP(SkipDataset, COUNTED(skip_kernels, "What comes after the first count elements."));

TN_OP(ShardDataset, .inputs = "input_dataset: variant, num_shards: int64, index: int64", .outputs = "handle: variant",
      .attrs = "require_non_empty: bool = false; " TN_SOURCE_ATTRS "; metadata: string = ''",
      .doc = "Every num_shards-th element, from number index on.", .flags = TN_SOURCE_FLAGS,
      .shape = tn_shape_scalar_out, .kernels = shard_kernels);
