/* Quantiles of weighted numbers in bounded memory and within a bounded error: summaries that are merged and compressed
 * (Greenwald and Khanna 2001; Chen and Guestrin 2016, appendix A). The order of the steps is TensorFlow's, so that the
 * boundaries are its own. */
#ifndef TN_OPS_TREES_QUANTILES_H
#define TN_OPS_TREES_QUANTILES_H

#include <pthread.h>

#include "kernel/kernel.h"

/* A value, its weight, and the least and largest rank that it can have. */
typedef struct tn_quantile {
  float value, weight, min_rank, max_rank;
} tn_quantile;

/* Sorted by value. */
typedef struct tn_quantile_summary {
  int64_t n, capacity;
  tn_quantile *items;
} tn_quantile_summary;

typedef struct tn_quantile_stream {
  double error;        /* the largest share of the weight by which a rank may be wrong */
  int64_t block, most; /* entries of a level; numbers that are collected before they become a summary */
  bool finished;       /* LOCAL is the summary of all */
  int n_levels, levels_capacity;
  tn_quantile_summary buffer, local, *levels; /* BUFFER: values and weights, unsorted */
} tn_quantile_stream;

/* ERROR in (0, 1); ELEMENTS, at least 1: how many numbers may come. */
void tn_quantile_stream_init(tn_quantile_stream *s, double error, int64_t elements);
void tn_quantile_stream_clear(tn_quantile_stream *s);
tn_error *tn_quantile_stream_push(tn_quantile_stream *s, float value, float weight) TN_MUST_USE;
/* N entries that are sorted by value. */
tn_error *tn_quantile_stream_push_summary(tn_quantile_stream *s, const tn_quantile *items, int64_t n) TN_MUST_USE;
/* Makes LOCAL of all that came. */
tn_error *tn_quantile_stream_finish(tn_quantile_stream *s) TN_MUST_USE;

/* Of a finished stream: about N boundaries, no two the same; *OUT (free with tn_free) has *COUNT. */
tn_error *tn_quantile_boundaries(const tn_quantile_stream *s, int64_t n, float **out, int64_t *count) TN_MUST_USE;
/* N + 1 quantiles (N at least 2), none if nothing came. */
tn_error *tn_quantile_quantiles(const tn_quantile_stream *s, int64_t n, float **out, int64_t *count) TN_MUST_USE;

/* --- the resource: streams, one a feature, and the boundaries that were made of them --- */
typedef struct tn_quantile_bounds {
  int64_t n;
  float *values;
} tn_quantile_bounds;

#define TN_QUANTILES_TYPE "BoostedTreesQuantileStreamResource"
typedef struct tn_quantiles {
  tn_object object;
  pthread_mutex_t lock; /* of what follows */
  bool made;
  float error;
  int64_t elements, n;
  tn_quantile_stream *streams;
  tn_quantile_bounds *bounds;
} tn_quantiles;

/* The locked resource behind input 0. NOT_FOUND, and nothing is locked, unless it was made. */
tn_error *tn_quantiles_lock(const tn_run *r, tn_quantiles **out) TN_MUST_USE;
void tn_quantiles_unlock(tn_quantiles *q);
/* All streams begin anew. */
void tn_quantiles_reset(tn_quantiles *q);
/* A summary as output I: a row of four numbers an entry. */
tn_error *tn_quantiles_give(tn_run *r, int i, const tn_quantile_summary *s) TN_MUST_USE;

#endif
