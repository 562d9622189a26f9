/* Streams of weighted numbers, summarised. */
#include "ops/trees/quantiles.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* --- summaries --- */

static void clear(tn_quantile_summary *s) {
  tn_free(s->items);
  *s = (tn_quantile_summary){0};
}

static tn_error *reserve(tn_quantile_summary *s, int64_t n) {
  if (n <= s->capacity) return NULL;
  int64_t wanted = n > 2 * s->capacity ? n : 2 * s->capacity;
  tn_quantile *grown = tn_realloc(s->items, (size_t)wanted * sizeof *grown);
  if (!grown) return tn_out_of_memory();
  s->items = grown;
  s->capacity = wanted;
  return NULL;
}

static tn_error *set(tn_quantile_summary *s, const tn_quantile *items, int64_t n) {
  TN_TRY(reserve(s, n));
  if (n > 0) memcpy(s->items, items, (size_t)n * sizeof *items);
  s->n = n;
  return NULL;
}

/* The largest rank of the value before, the least one of the value after. */
static float before(const tn_quantile *q) { return q->max_rank - q->weight; }
static float after(const tn_quantile *q) { return q->min_rank + q->weight; }
static float total(const tn_quantile_summary *s) { return s->n > 0 ? s->items[s->n - 1].max_rank : 0; }

static tn_quantile shifted(const tn_quantile *q, float min, float max) {
  return (tn_quantile){q->value, q->weight, q->min_rank + min, q->max_rank + max};
}

static void join(const tn_quantile_summary *a, const tn_quantile_summary *b, tn_quantile_summary *out) {
  float min_a = 0, min_b = 0;
  int64_t i = 0, j = 0;
  while (i < a->n && j < b->n) {
    const tn_quantile *x = &a->items[i], *y = &b->items[j];
    bool first = x->value < y->value, second = y->value < x->value;
    if (first) {
      out->items[out->n++] = shifted(x, min_b, before(y));
    } else if (second) {
      out->items[out->n++] = shifted(y, min_a, before(x));
    } else {
      out->items[out->n++] =
          (tn_quantile){x->value, x->weight + y->weight, x->min_rank + y->min_rank, x->max_rank + y->max_rank};
    }
    if (!second) {
      min_a = after(x);
      i++;
    }
    if (!first) {
      min_b = after(y);
      j++;
    }
  }
  for (; i < a->n; i++) out->items[out->n++] = shifted(&a->items[i], min_b, total(b));
  for (; j < b->n; j++) out->items[out->n++] = shifted(&b->items[j], min_a, total(a));
}

/* S and OTHER become S. */
static tn_error *merge(tn_quantile_summary *s, const tn_quantile_summary *other) {
  if (other->n == 0) return NULL;
  if (s->n == 0) return set(s, other->items, other->n);
  tn_quantile_summary joined = {0};
  TN_TRY(reserve(&joined, s->n + other->n));
  join(s, other, &joined);
  clear(s);
  *s = joined;
  return NULL;
}

/* About SIZE entries stay, the first and the last among them; no rank gets worse by more than the larger of ERROR and
 * 1 / SIZE. */
static void compress(tn_quantile_summary *s, int64_t size, double error) {
  if (size < 2) size = 2;
  if (s->n <= size) return;
  double share = 1.0 / (double)size > error ? 1.0 / (double)size : error;
  double allowed = (double)total(s) * share;
  int64_t credit = 0, step = s->n, to = 1, last = 1, from = 0;
  while (from + 1 != s->n) {
    int64_t next = from + 1;
    while (next != s->n && credit < step && (double)(before(&s->items[next]) - after(&s->items[from])) <= allowed) {
      credit += size;
      next++;
    }
    from = from == next - 1 ? from + 1 : next - 1;
    s->items[to++] = s->items[from];
    last = from;
    credit -= step;
  }
  if (last + 1 != s->n) s->items[to++] = s->items[s->n - 1];
  s->n = to;
}

/* The largest gap between ranks, as a share of the weight. */
static double error_of(const tn_quantile_summary *s) {
  float gap = 0;
  for (int64_t i = 1; i < s->n; i++) {
    const tn_quantile *q = &s->items[i];
    float own = q->max_rank - q->min_rank - q->weight, between = before(q) - after(q - 1);
    float larger = own < between ? between : own;
    if (gap < larger) gap = larger;
  }
  return s->n > 0 ? (double)gap / (double)total(s) : 0;
}

/* --- streams --- */

void tn_quantile_stream_init(tn_quantile_stream *s, double error, int64_t elements) {
  *s = (tn_quantile_stream){.error = error, .block = 2};
  if (error <= DBL_EPSILON) {
    s->block = elements;
  } else {
    for (int level = 1; level < 60 && ((int64_t)1 << level) < elements / s->block + (elements % s->block != 0); level++)
      s->block = (int64_t)ceil(level / error) + 1;
  }
  if (s->block < 2) s->block = 2;
  s->most = 2 * s->block < elements ? 2 * s->block : elements;
}

void tn_quantile_stream_clear(tn_quantile_stream *s) {
  for (int i = 0; i < s->n_levels; i++) clear(&s->levels[i]);
  tn_free(s->levels);
  clear(&s->buffer);
  clear(&s->local);
  s->levels = NULL;
  s->n_levels = s->levels_capacity = 0;
  s->finished = false;
}

static tn_error *add_level(tn_quantile_stream *s) {
  if (s->n_levels == s->levels_capacity) {
    int wanted = s->levels_capacity + 8;
    tn_quantile_summary *grown = tn_realloc(s->levels, (size_t)wanted * sizeof *grown);
    if (!grown) return tn_out_of_memory();
    s->levels = grown;
    s->levels_capacity = wanted;
  }
  s->levels[s->n_levels++] = (tn_quantile_summary){0};
  return NULL;
}

/* LOCAL goes into the levels: each that gets too large is compressed into the next one. */
static tn_error *propagate(tn_quantile_stream *s) {
  if (s->local.n <= 0) return NULL;
  for (int level = 0;; level++) {
    if (level == s->n_levels) TN_TRY(add_level(s));
    tn_quantile_summary *here = &s->levels[level];
    TN_TRY(merge(&s->local, here));
    if (here->n == 0 || s->local.n <= s->block + 1) {
      clear(here);
      *here = s->local;
      s->local = (tn_quantile_summary){0};
      return NULL;
    }
    compress(&s->local, s->block, s->error);
    clear(here);
  }
}

/* By value, NaN last; as they came where values are the same. */
static int compare(const void *a, const void *b) {
  const tn_quantile *x = a, *y = b;
  if (x->value < y->value) return -1;
  if (x->value > y->value) return 1;
  if ((x->value != x->value) != (y->value != y->value)) return x->value != x->value ? 1 : -1;
  return x->min_rank < y->min_rank ? -1 : x->min_rank > y->min_rank;
}

/* What was collected becomes a summary in the levels. */
static tn_error *push_buffer(tn_quantile_stream *s) {
  tn_quantile_summary *from = &s->buffer;
  if (from->n > 0) qsort(from->items, (size_t)from->n, sizeof *from->items, compare);
  TN_TRY(reserve(&s->local, from->n));
  s->local.n = 0;
  for (int64_t i = 0; i < from->n; i++) {
    const tn_quantile *q = &from->items[i];
    tn_quantile *last = s->local.n > 0 ? &s->local.items[s->local.n - 1] : NULL;
    if (last && last->value == q->value) {
      last->weight += q->weight;
    } else {
      s->local.items[s->local.n++] = *q;
    }
  }
  from->n = 0;
  float sum = 0;
  for (int64_t i = 0; i < s->local.n; i++) {
    tn_quantile *q = &s->local.items[i];
    q->min_rank = sum;
    sum += q->weight;
    q->max_rank = sum;
  }
  compress(&s->local, s->block, s->error);
  return propagate(s);
}

tn_error *tn_quantile_stream_push(tn_quantile_stream *s, float value, float weight) {
  if (!(weight > 0)) return NULL;
  TN_TRY(reserve(&s->buffer, s->buffer.n + 1));
  s->buffer.items[s->buffer.n] = (tn_quantile){value, weight, (float)s->buffer.n, 0};
  s->buffer.n++;
  return s->buffer.n >= s->most ? push_buffer(s) : NULL;
}

tn_error *tn_quantile_stream_push_summary(tn_quantile_stream *s, const tn_quantile *items, int64_t n) {
  TN_TRY(set(&s->local, items, n));
  compress(&s->local, s->block, s->error);
  return propagate(s);
}

tn_error *tn_quantile_stream_finish(tn_quantile_stream *s) {
  TN_TRY(push_buffer(s));
  s->local.n = 0;
  for (int i = 0; i < s->n_levels; i++) TN_TRY(merge(&s->local, &s->levels[i]));
  for (int i = 0; i < s->n_levels; i++) clear(&s->levels[i]);
  s->n_levels = 0;
  s->finished = true;
  return NULL;
}

/* --- what finished streams say --- */

tn_error *tn_quantile_boundaries(const tn_quantile_stream *s, int64_t n, float **out, int64_t *count) {
  tn_quantile_summary copy = {0};
  float *values = tn_calloc((size_t)s->local.n + 1, sizeof *values);
  tn_error *error = values ? set(&copy, s->local.items, s->local.n) : tn_out_of_memory();
  if (error) {
    tn_free(values);
    return error;
  }
  compress(&copy, n, (double)(float)(error_of(&copy) + 1.0 / (double)n));
  *count = 0;
  for (int64_t i = 0; i < copy.n; i++) {
    if (i == 0 || values[*count - 1] != copy.items[i].value) values[(*count)++] = copy.items[i].value;
  }
  clear(&copy);
  *out = values;
  return NULL;
}

tn_error *tn_quantile_quantiles(const tn_quantile_stream *s, int64_t n, float **out, int64_t *count) {
  const tn_quantile *items = s->local.items;
  if (n < 2) n = 2;
  float *values = tn_calloc((size_t)n + 1, sizeof *values);
  if (!values) return tn_out_of_memory();
  *count = 0;
  int64_t at = 0;
  for (int64_t rank = 0; rank <= n && s->local.n > 0; rank++) {
    float wanted = 2 * ((float)rank * total(&s->local) / (float)n);
    int64_t next = at + 1;
    while (next < s->local.n && wanted >= items[next].min_rank + items[next].max_rank) next++;
    at = next - 1;
    bool here = next == s->local.n || wanted < after(&items[at]) + before(&items[next]);
    values[(*count)++] = items[here ? at : next].value;
  }
  *out = values;
  return NULL;
}
