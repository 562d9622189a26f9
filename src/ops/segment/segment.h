/* What the segment ops share: joining rows, by dtype and kind. */
#ifndef TN_OPS_SEGMENT_SEGMENT_H
#define TN_OPS_SEGMENT_SEGMENT_H

#include "graph/build.h"
#include "graph/shape.h"
#include "kernel/kernel.h"

typedef enum tn_segment_kind { TN_SEGMENT_SUM, TN_SEGMENT_PROD, TN_SEGMENT_MAX, TN_SEGMENT_MIN } tn_segment_kind;

/* How rows of one dtype are joined. */
typedef struct tn_segment_type {
  void (*fill[4])(void *row, int64_t n);                 /* by kind: the neutral element */
  void (*step[4])(void *row, const void *in, int64_t n); /* by kind: row[j] = row[j] (+) in[j] */
  void (*zero)(void *row, int64_t n);
  void (*one)(void *row, int64_t n);
  void (*scale)(void *row, int64_t n, double divisor); /* row[j] /= divisor */
} tn_segment_type;

/* NULL for dtypes without a kernel. */
const tn_segment_type *tn_segment_type_of(tn_dtype dtype);

/* --- gradients --- */
/* Rows of PARAMS at IDS where ids are not negative, else zeros; as TensorFlow's _GatherDropNegatives. *CLIPPED (may be
 * given) are the ids with negatives as 0, *POSITIVE which were not negative, broadcast to the result's shape. */
tn_output tn_build_gather_rows(tn_scope *s, tn_output params, tn_output ids);
tn_output tn_build_gather_drop_negatives(tn_scope *s, tn_output params, tn_output ids, tn_output *clipped,
                                         tn_output *positive);

#endif
