/* ShuffleDataset and its kin, in TensorFlow's order: a buffer from which elements are drawn at random. Epochs share it:
 * each has a slice of it, and one is drawn from until it is empty. */
#include <string.h>

#include "base/alloc.h"
#include "data/seeds.h"
#include "data/source.h"
#include "kernel/philox.h"

#define MOST_EPOCHS 3 /* in the buffer */

/* --- the dataset --- */

typedef struct shuffle {
  tn_source base;
  int64_t size, count; /* COUNT: times over, -1 for ever */
} shuffle;

typedef struct slice {
  int64_t start, end;
} slice;

typedef struct shuffling {
  tn_cursor base;
  tn_philox_stream stream;
  int64_t capacity; /* elements that there is room for; the buffer grows up to its size */
  tn_tensor *buffer;
  int64_t held, epoch;
  bool any; /* the input ever gave an element */
  int n_slices;
  slice slices[MOST_EPOCHS + 2];
} shuffling;

static tn_error *make_with(tn_run *r, tn_source *s, int seed_argument, int generator_argument) {
  shuffle *h = (shuffle *)s;
  TN_TRY(tn_run_int(r, 1, &h->size));
  h->count = 1;
  if (h->size < 1 && h->size != -1) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "`buffer_size` must be greater than zero or UNKNOWN_CARDINALITY, but got %lld",
                         (long long)h->size);
  }
  if (generator_argument >= 0) {
    const tn_tensor *handle = tn_run_argument(r, generator_argument);
    tn_object *object = handle->data ? TN_DATA(tn_object *, handle)[0] : NULL;
    if (object && strcmp(object->type, TN_SEEDS_TYPE) == 0) {
      s->seeds = (tn_seeds *)tn_object_ref(object);
      return NULL;
    }
  }
  int64_t seed = 0, seed2 = 0;
  if (seed_argument >= 0) {
    TN_TRY(tn_run_int(r, seed_argument, &seed));
    TN_TRY(tn_run_int(r, seed_argument + 1, &seed2));
  }
  bool again =
      !tn_node_attr(r->node, "reshuffle_each_iteration") || tn_node_get_bool(r->node, "reshuffle_each_iteration");
  return tn_seeds_new(seed, seed2, !again, &s->seeds);
}

static tn_error *make(tn_run *r, tn_source *s) {
  int n = r->node->schema->n_inputs;
  return n == 3 ? make_with(r, s, -1, 2) : make_with(r, s, 2, n == 5 ? 4 : -1);
}

static tn_error *make_repeat(tn_run *r, tn_source *s) {
  shuffle *h = (shuffle *)s;
  TN_TRY(make_with(r, s, 2, r->node->schema->n_inputs == 6 ? 5 : -1));
  TN_TRY(tn_run_int(r, 4, &h->count));
  if (h->count > 0 || h->count == -1) return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "count must be greater than zero or equal to -1.");
}

static int64_t size(const tn_source *s) {
  int64_t n = tn_source_size(s->inputs[0]), count = ((const shuffle *)s)->count;
  if (count < 0) return n == 0 ? 0 : TN_SIZE_INFINITE;
  return n < 0 ? n : n > INT64_MAX / count ? INT64_MAX : n * count;
}

static int64_t room(const tn_cursor *c) {
  int64_t n = ((const shuffle *)c->source)->size;
  return n < 0 ? INT64_MAX : n;
}

/* Each epoch has seeds of its own. */
static void reseed(tn_cursor *c) {
  int64_t seeds[2];
  tn_seeds_draw(c->source->seeds, seeds);
  tn_philox p = tn_philox_seeded((uint64_t)seeds[0], (uint64_t)seeds[1]);
  ((shuffling *)c)->stream = tn_philox_stream_of(&p);
}

static tn_error *open(tn_cursor *c, tn_step *step) {
  (void)step; /* the input is opened when it is needed */
  reseed(c);
  return NULL;
}

/* Element at number I: the buffer is a ring once it has its full size. */
static tn_tensor *at(const tn_cursor *c, int64_t i) {
  const shuffling *k = (const shuffling *)c;
  return k->buffer + (i % k->capacity) * c->source->n;
}

/* While it grows, the ring has not come round yet, so elements stay where they are. */
static tn_error *grow(tn_cursor *c, int64_t end) {
  shuffling *k = (shuffling *)c;
  if (end < k->capacity || k->capacity == room(c)) return NULL;
  int64_t larger = k->capacity ? 2 * k->capacity : 64;
  if (larger > room(c)) larger = room(c);
  size_t n = (size_t)c->source->n;
  if (larger > INT64_MAX / (int64_t)(n * sizeof(tn_tensor))) return tn_out_of_memory();
  tn_tensor *grown = tn_realloc(k->buffer, (size_t)larger * n * sizeof *grown);
  if (!grown) return tn_out_of_memory();
  memset(grown + (size_t)k->capacity * n, 0, (size_t)(larger - k->capacity) * n * sizeof *grown);
  k->buffer = grown;
  k->capacity = larger;
  return NULL;
}

static bool should_fill(const tn_cursor *c) {
  const shuffling *k = (const shuffling *)c;
  int64_t count = ((const shuffle *)c->source)->count;
  if (!c->input && count != -1 && k->epoch >= count) return false;
  if (k->n_slices > MOST_EPOCHS && k->held > 0) return false;
  return k->held < room(c);
}

static tn_error *begin_epoch(tn_cursor *c, tn_step *step) {
  shuffling *k = (shuffling *)c;
  int64_t start = k->n_slices ? k->slices[k->n_slices - 1].end : 0;
  TN_TRY(tn_cursor_open(c->source->inputs[0], step, &c->input));
  k->slices[k->n_slices++] = (slice){start, start};
  k->epoch++;
  return NULL;
}

static void drop_empty_slices(tn_cursor *c) {
  shuffling *k = (shuffling *)c;
  while (k->n_slices > 1 && k->slices[0].start == k->slices[0].end) {
    memmove(k->slices, k->slices + 1, (size_t)--k->n_slices * sizeof *k->slices);
    reseed(c);
  }
}

/* OUT serves as room for one element. */
static tn_error *fill(tn_cursor *c, tn_step *step, tn_tensor *out) {
  shuffling *k = (shuffling *)c;
  while (should_fill(c)) {
    drop_empty_slices(c);
    if (!c->input) TN_TRY(begin_epoch(c, step));
    bool end = false;
    TN_TRY(tn_cursor_next(c->input, step, out, &end));
    if (end) {
      tn_cursor_close(c->input);
      c->input = NULL;
      if (((const shuffle *)c->source)->count == -1 && !k->any) return NULL;
      continue;
    }
    slice *last = &k->slices[k->n_slices - 1];
    TN_TRY(grow(c, last->end));
    tn_element_move(c->source->n, at(c, last->end), out);
    last->end++;
    k->held++;
    k->any = true;
  }
  return NULL;
}

static tn_error *next(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  shuffling *k = (shuffling *)c;
  TN_TRY(fill(c, step, out));
  *end = k->held == 0;
  if (*end) return NULL;
  drop_empty_slices(c);
  slice *first = &k->slices[0];
  int64_t index = first->start + (int64_t)tn_philox_one(&k->stream) % (first->end - first->start);
  tn_tensor *drawn = at(c, index), *head = at(c, first->start);
  tn_element_move(c->source->n, out, drawn);
  if (drawn != head) tn_element_move(c->source->n, drawn, head);
  first->start++;
  k->held--;
  return NULL;
}

static void close(tn_cursor *c) {
  shuffling *k = (shuffling *)c;
  for (int64_t i = 0; i < k->capacity * c->source->n; i++) tn_tensor_clear(&k->buffer[i]);
  tn_free(k->buffer);
}

static const tn_source_kind kind = {
    "ShuffleDataset", sizeof(shuffle), sizeof(shuffling), 1, make, NULL, size, open, next, close};
static const tn_source_kind repeat_kind = {
    "ShuffleAndRepeatDataset", sizeof(shuffle), sizeof(shuffling), 1, make_repeat, NULL, size, open, next, close};

TN_SOURCE_KERNELS(shuffle, kind);
TN_SOURCE_KERNELS(repeat, repeat_kind);

#define AGAIN    "reshuffle_each_iteration: bool = true; "
#define META     "; metadata: string = ''"
#define RESULT   .outputs = "handle: variant", .shape = tn_shape_scalar_out
#define SHUFFLES RESULT, .doc = "The input in random order.", .kernels = shuffle_kernels
#define REPEATS  RESULT, .doc = "The input count times over, each time in random order.", .kernels = repeat_kernels

TN_OP(ShuffleDataset, .inputs = "input_dataset: variant, buffer_size: int64, seed: int64, seed2: int64",
      .attrs = AGAIN TN_SOURCE_ATTRS META, .flags = TN_SOURCE_FLAGS, SHUFFLES);

TN_OP(ShuffleDatasetV2, .inputs = "input_dataset: variant, buffer_size: int64, seed_generator: resource",
      .attrs = TN_SOURCE_ATTRS META, .flags = TN_OP_STATEFUL | TN_SOURCE_FLAGS, SHUFFLES);

TN_OP(ShuffleDatasetV3,
      .inputs = "input_dataset: variant, buffer_size: int64, seed: int64, seed2: int64, seed_generator: resource",
      .attrs = AGAIN TN_SOURCE_ATTRS META, .flags = TN_OP_STATEFUL | TN_SOURCE_FLAGS, SHUFFLES);

TN_OP(ShuffleAndRepeatDataset,
      .inputs = "input_dataset: variant, buffer_size: int64, seed: int64, seed2: int64, count: int64",
      .attrs = TN_SOURCE_ATTRS "; reshuffle_each_iteration: bool = true" META, .flags = TN_SOURCE_FLAGS, REPEATS);

TN_OP(ShuffleAndRepeatDatasetV2,
      .inputs = "input_dataset: variant, buffer_size: int64, seed: int64, seed2: int64, count: int64, seed_generator: "
                "resource",
      .attrs = AGAIN TN_SOURCE_ATTRS META, .flags = TN_OP_STATEFUL | TN_SOURCE_FLAGS, REPEATS);

/* --- seed generators as resources --- */

static tn_error *run_generator(tn_run *r) {
  int64_t seed, seed2;
  bool again = true;
  TN_TRY(tn_run_int(r, 0, &seed));
  TN_TRY(tn_run_int(r, 1, &seed2));
  if (r->n_inputs > 2) TN_TRY(tn_run_bool(r, 2, &again));
  tn_seeds *seeds = NULL;
  TN_TRY(tn_seeds_new(seed, seed2, !again, &seeds));
  TN_TRY(tn_run_set_handle(r, 0, (tn_object *)seeds));
  return tn_run_set_handle(r, 1, tn_object_ref((tn_object *)seeds));
}

/* A handle of nothing: whoever gets it makes a generator from seeds. */
static tn_error *run_dummy(tn_run *r) { return tn_run_set_handle(r, 0, NULL); }

static tn_error *run_delete(tn_run *r) {
  (void)r;
  return NULL;
}

static const tn_kernel_def generator_kernels[] = {
    {.name = "reference", .prepare = tn_prepare_all_dynamic, .run = run_generator}, {0}};
static const tn_kernel_def dummy_kernels[] = {
    {.name = "reference", .prepare = tn_prepare_all_dynamic, .run = run_dummy}, {0}};
static const tn_kernel_def delete_kernels[] = {
    {.name = "reference", .prepare = tn_prepare_all_dynamic, .run = run_delete}, {0}};

#define GENERATOR_FLAGS (TN_OP_STATEFUL | TN_SOURCE_FLAGS)

TN_OP(AnonymousSeedGenerator, .inputs = "seed: int64, seed2: int64, reshuffle: bool",
      .outputs = "handle: resource, deleter: variant", .attrs = "", .doc = "What gives shuffles their seeds.",
      .flags = GENERATOR_FLAGS, .shape = tn_shape_scalar_out, .kernels = generator_kernels);

TN_OP(AnonymousRandomSeedGenerator, .inputs = "seed: int64, seed2: int64",
      .outputs = "handle: resource, deleter: variant", .attrs = "", .doc = "What gives shuffles their seeds.",
      .flags = GENERATOR_FLAGS, .shape = tn_shape_scalar_out, .kernels = generator_kernels);

TN_OP(DummySeedGenerator, .inputs = "", .outputs = "handle: resource", .attrs = "",
      .doc = "Stands for a generator that is made from seeds.", .flags = GENERATOR_FLAGS, .shape = tn_shape_scalar_out,
      .kernels = dummy_kernels);

TN_OP(DeleteSeedGenerator, .inputs = "handle: resource, deleter: variant", .outputs = "", .attrs = "",
      .doc = "Gives a generator's handle back.", .flags = GENERATOR_FLAGS, .shape = tn_shape_no_outputs,
      .kernels = delete_kernels);

TN_OP(DeleteRandomSeedGenerator, .inputs = "handle: resource, deleter: variant", .outputs = "", .attrs = "",
      .doc = "Gives a generator's handle back.", .flags = GENERATOR_FLAGS, .shape = tn_shape_no_outputs,
      .kernels = delete_kernels);
