/* CTCBeamSearchDecoder: the likeliest label sequences, from a beam of prefixes that grows step by step. */
#include <stdlib.h>

#include "ops/ctc/ctc.h"

/* Log probabilities of a prefix: in all, with a blank last, with its last label last. */
typedef struct chances {
  double total, blank, label;
} chances;

static const chances none = {-INFINITY, -INFINITY, -INFINITY};

/* A prefix of labels: a node of a tree. */
typedef struct prefix {
  struct prefix *parent, **children; /* by class; made when the first one is asked for */
  int64_t label, order;
  chances before, now;
} prefix;

typedef struct search {
  int64_t classes, blank, width, made;
  tn_arena *arena;
  prefix **beam; /* a heap, the least likely first */
  int64_t n;
  prefix **sorted;
} search;

static prefix *new_prefix(search *s, prefix *parent, int64_t label) {
  prefix *p = tn_arena_alloc(s->arena, sizeof *p);
  if (p) *p = (prefix){.parent = parent, .label = label, .order = s->made++, .before = none, .now = none};
  return p;
}

static prefix *child_of(search *s, prefix *p, int64_t label) {
  if (!p->children) p->children = tn_arena_alloc(s->arena, (size_t)s->classes * sizeof *p->children);
  if (!p->children) return NULL;
  if (!p->children[label]) p->children[label] = new_prefix(s, p, label);
  return p->children[label];
}

/* Whether A is less likely than B, or as likely and younger. */
static bool worse(const prefix *a, const prefix *b) {
  return a->now.total != b->now.total ? a->now.total < b->now.total : a->order > b->order;
}

static void sift_down(search *s, int64_t i) {
  for (;;) {
    int64_t least = i;
    for (int64_t c = 2 * i + 1; c <= 2 * i + 2 && c < s->n; c++)
      if (worse(s->beam[c], s->beam[least])) least = c;
    if (least == i) return;
    prefix *t = s->beam[i];
    s->beam[i] = s->beam[least];
    s->beam[least] = t;
    i = least;
  }
}

/* Adds P; where the beam is full it takes the place of the least likely one, which leaves the search. */
static void push(search *s, prefix *p) {
  if (s->n == s->width) {
    s->beam[0]->now = none;
    s->beam[0] = p;
    sift_down(s, 0);
    return;
  }
  int64_t i = s->n++;
  for (s->beam[i] = p; i > 0 && worse(s->beam[i], s->beam[(i - 1) / 2]); i = (i - 1) / 2) {
    prefix *t = s->beam[i];
    s->beam[i] = s->beam[(i - 1) / 2];
    s->beam[(i - 1) / 2] = t;
  }
}

static int by_chance(const void *a, const void *b) {
  const prefix *x = *(prefix *const *)a, *y = *(prefix *const *)b;
  return worse(x, y) ? 1 : worse(y, x) ? -1 : 0;
}

static bool is_candidate(const search *s, double total) {
  return total > -INFINITY && (s->n < s->width || total > s->beam[0]->now.total);
}

/* What stays: the prefix with a blank or its last label again. */
static void stay(search *s, prefix *p, const double *log_y) {
  if (p->parent) {
    if (p->parent->now.total != -INFINITY) {
      double came = p->label == p->parent->label ? p->parent->before.blank : p->parent->before.total;
      p->now.label = tn_log_add(p->now.label, came);
    }
    p->now.label += log_y[p->label];
  }
  p->now.blank = p->before.total + log_y[s->blank];
  p->now.total = tn_log_add(p->now.blank, p->now.label);
  push(s, p);
}

static bool grow(search *s, prefix *p, const double *log_y) {
  for (int64_t label = 0; label < s->classes; label++) {
    if (label == s->blank) continue;
    prefix *c = child_of(s, p, label);
    if (!c) return false;
    if (c->now.total != -INFINITY) continue; /* it is in the beam already */
    c->now.blank = -INFINITY;
    c->now.label = log_y[label] + (c->label == p->label ? p->before.blank : p->before.total);
    c->now.total = c->now.label;
    if (is_candidate(s, c->now.total))
      push(s, c);
    else
      c->before = c->now = none;
  }
  return true;
}

static bool step(search *s, const double *log_y) {
  int64_t n = s->n;
  memcpy(s->sorted, s->beam, (size_t)n * sizeof *s->sorted);
  qsort(s->sorted, (size_t)n, sizeof *s->sorted, by_chance);
  s->n = 0;
  for (int64_t i = 0; i < n; i++) s->sorted[i]->before = s->sorted[i]->now;
  for (int64_t i = 0; i < n; i++) stay(s, s->sorted[i], log_y);
  for (int64_t i = 0; i < n; i++)
    if (is_candidate(s, s->sorted[i]->before.total) && !grow(s, s->sorted[i], log_y)) return false;
  return true;
}

/* --- the op --- */

typedef struct job {
  tn_run *r;
  int64_t time, batch, classes, top;
  bool merge;
  double *log_y;
  search s;
  tn_ctc_paths *paths; /* [top] */
} job;

static void log_softmax(const job *j, int64_t t, int64_t b) {
  int64_t first = (t * j->batch + b) * j->classes;
  double top = -INFINITY, sum = 0;
  for (int64_t c = 0; c < j->classes; c++) top = fmax(top, tn_ctc_at(j->r->inputs[0], first + c));
  for (int64_t c = 0; c < j->classes; c++) sum += exp(tn_ctc_at(j->r->inputs[0], first + c) - top);
  for (int64_t c = 0; c < j->classes; c++) j->log_y[c] = tn_ctc_at(j->r->inputs[0], first + c) - top - log(sum);
}

/* The labels of P from the root on. */
static void put_path(const job *j, const prefix *p, int64_t b, tn_ctc_paths *out) {
  int64_t begin = out->starts[b] = out->n, last = -1;
  for (; p->parent; p = p->parent) {
    if (!j->merge || p->label != last) out->labels[out->n++] = p->label;
    last = p->label;
  }
  for (int64_t i = begin, k = out->n - 1; i < k; i++, k--) {
    int64_t t = out->labels[i];
    out->labels[i] = out->labels[k];
    out->labels[k] = t;
  }
  out->starts[b + 1] = out->n;
}

static tn_error *one(job *j, int64_t b) {
  search *s = &j->s;
  s->n = s->made = 0;
  prefix *root = new_prefix(s, NULL, -1);
  if (!root) return tn_out_of_memory();
  root->now.total = root->now.blank = 0;
  push(s, root);
  for (int64_t t = 0; t < TN_DATA(int32_t, j->r->inputs[1])[b]; t++) {
    log_softmax(j, t, b);
    if (!step(s, j->log_y)) return tn_out_of_memory();
  }
  qsort(s->beam, (size_t)s->n, sizeof *s->beam, by_chance);
  if (s->n < j->top)
    return tn_run_errorf(j->r, TN_INVALID_ARGUMENT, "Less leaves in the beam search than requested: %lld of %lld",
                         (long long)s->n, (long long)j->top);
  for (int64_t k = 0; k < j->top; k++) {
    put_path(j, s->beam[k], b, &j->paths[k]);
    tn_tensor *out = j->r->outputs[3 * j->top];
    if (out->dtype == TN_FLOAT)
      TN_DATA(float, out)[b * j->top + k] = (float)s->beam[k]->now.total;
    else
      TN_DATA(double, out)[b * j->top + k] = s->beam[k]->now.total;
  }
  return NULL;
}

static tn_error *all(job *j) {
  for (int64_t k = 0; k < j->top; k++) TN_TRY(tn_ctc_paths_new(j->batch, j->time * j->batch, &j->paths[k]));
  for (int64_t b = 0; b < j->batch; b++) {
    TN_TRY(tn_arena_new(&j->s.arena));
    tn_error *error = one(j, b);
    tn_arena_free(j->s.arena);
    TN_TRY(error);
  }
  for (int64_t k = 0; k < j->top; k++) TN_TRY(tn_ctc_paths_put(j->r, &j->paths[k], (int)k, (int)j->top));
  return NULL;
}

static tn_error *run(tn_run *r) {
  const tn_shape *x = &r->inputs[0]->shape;
  job j = {.r = r, .time = x->dims[0], .batch = x->dims[1], .classes = x->dims[2]};
  j.top = tn_node_get_int(r->node, "top_paths");
  j.merge = tn_node_get_bool(r->node, "merge_repeated");
  j.s.classes = j.classes;
  j.s.blank = j.classes - 1;
  j.s.width = tn_node_get_int(r->node, "beam_width");
  TN_TRY(tn_ctc_check_lengths(r, 1, TN_FAILED_PRECONDITION));
  j.log_y = tn_malloc((size_t)j.classes * sizeof *j.log_y);
  j.s.beam = tn_calloc((size_t)j.s.width, sizeof *j.s.beam);
  j.s.sorted = tn_calloc((size_t)j.s.width, sizeof *j.s.sorted);
  j.paths = tn_calloc((size_t)j.top, sizeof *j.paths);
  tn_error *error = j.log_y && j.s.beam && j.s.sorted && j.paths ? all(&j) : tn_out_of_memory();
  for (int64_t k = 0; j.paths && k < j.top; k++) tn_ctc_paths_free(&j.paths[k]);
  tn_free(j.paths);
  tn_free(j.s.sorted);
  tn_free(j.s.beam);
  tn_free(j.log_y);
  return error;
}

static tn_error *prepare(tn_prepare *p) {
  TN_TRY(tn_ctc_prepare(p, 1));
  int64_t top = tn_node_get_int(p->node, "top_paths");
  if (top > tn_node_get_int(p->node, "beam_width"))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "requested more paths (%lld) than the beam is wide",
                             (long long)top);
  for (int i = 0; i < 3 * top; i++) tn_prepare_dynamic(p, i);
  tn_shape out = tn_shape_of(2, (int64_t[]){p->inputs[0].shape.dims[1], top});
  return tn_prepare_output(p, (int)(3 * top), &out);
}

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape x, lengths;
  int64_t n, top = tn_node_get_int(c->node, "top_paths");
  TN_TRY(tn_shape_with_rank(c, 0, 3, &x));
  TN_TRY(tn_shape_with_rank(c, 1, 1, &lengths));
  TN_TRY(tn_dim_merge(c, x.dims[1], lengths.dims[0], &n));
  for (int64_t k = 0; k < top; k++) {
    c->out[k] = tn_shape_of(2, (int64_t[]){-1, 2});
    c->out[top + k] = tn_shape_unknown_of_rank(1);
    c->out[2 * top + k] = tn_shape_of(1, &(int64_t){2});
  }
  c->out[3 * top] = tn_shape_of(2, (int64_t[]){n, top});
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(CTCBeamSearchDecoder, .inputs = "inputs: T, sequence_length: int32",
      .outputs = "decoded_indices: top_paths * int64, decoded_values: top_paths * int64, decoded_shape: top_paths * "
                 "int64, log_probability: T",
      .attrs = "beam_width: int >= 1; top_paths: int >= 1; merge_repeated: bool = true; T: {float, double} = DT_FLOAT",
      .doc = "The likeliest label sequences found by a beam search, and their log probabilities.",
      .flags = TN_OP_NO_GRADIENT | TN_OP_DYNAMIC_SHAPE, .shape = shape, .kernels = kernels);
