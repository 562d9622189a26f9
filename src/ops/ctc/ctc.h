/* What the ops of connectionist temporal classification share: inputs [time, batch, classes]. */
#ifndef TN_OPS_CTC_CTC_H
#define TN_OPS_CTC_CTC_H

#include <math.h>
#include <string.h>

#include "ops/array/array.h"

/* log(exp(a) + exp(b)). */
static inline double tn_log_add(double a, double b) {
  if (a == -INFINITY) return b;
  if (b == -INFINITY) return a;
  return a > b ? a + log1p(exp(b - a)) : b + log1p(exp(a - b));
}
/* Element I of a float or double tensor. */
static inline double tn_ctc_at(const tn_tensor *t, int64_t i) {
  return t->dtype == TN_FLOAT ? (double)TN_DATA(float, t)[i] : TN_DATA(double, t)[i];
}
/* Checks inputs 0 (a volume) and SEQUENCE (a vector as long as the batch), and the lengths. */
tn_error *tn_ctc_prepare(const tn_prepare *p, int sequence) TN_MUST_USE;
tn_error *tn_ctc_check_lengths(const tn_run *r, int sequence, tn_code code) TN_MUST_USE;

/* Decoded labels of each batch entry, to become a sparse tensor. */
typedef struct tn_ctc_paths {
  int64_t n, batch, *starts; /* labels; where each entry's begin, batch + 1 */
  int64_t *labels;           /* room for as many as there are time steps in all */
} tn_ctc_paths;
tn_error *tn_ctc_paths_new(int64_t batch, int64_t most, tn_ctc_paths *out) TN_MUST_USE;
void tn_ctc_paths_free(tn_ctc_paths *p);
/* Makes them indices, values and shape in dynamic outputs OUTPUT, OUTPUT + STEP, OUTPUT + 2 STEP. */
tn_error *tn_ctc_paths_put(tn_run *r, const tn_ctc_paths *p, int output, int step) TN_MUST_USE;

#endif
