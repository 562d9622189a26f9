/* memory: offsets in one arena, the largest pieces first, each in the smallest gap that holds it. */
#include <stdlib.h>

#include "base/alloc.h"
#include "compile/plan.h"

#define ALIGNMENT ((size_t)64)

static size_t rounded(size_t bytes) { return (bytes + ALIGNMENT - 1) & ~(ALIGNMENT - 1); }

static int larger_first(const void *a, const void *b) {
  const tn_interval *x = *(tn_interval *const *)a, *y = *(tn_interval *const *)b;
  if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
  return x < y ? -1 : x > y; /* both lie in one array */
}

static bool overlap(const tn_interval *a, const tn_interval *b) { return a->from <= b->to && b->from <= a->to; }

/* Puts WANTED into the smallest gap between those of the N pieces in PLACED, sorted by offset, that are in use with it.
 */
static void place(tn_interval *wanted, tn_interval *const *placed, int n) {
  size_t bytes = rounded(wanted->bytes), end = 0, best = 0, best_gap = SIZE_MAX;
  for (int i = 0; i < n; i++) {
    if (!overlap(placed[i], wanted)) continue;
    size_t gap = placed[i]->offset > end ? placed[i]->offset - end : 0;
    if (gap >= bytes && gap < best_gap) {
      best = end;
      best_gap = gap;
    }
    size_t its_end = placed[i]->offset + rounded(placed[i]->bytes);
    if (its_end > end) end = its_end;
  }
  wanted->offset = best_gap == SIZE_MAX ? end : best;
}

static void place_all(tn_interval **sorted, tn_interval **placed, int n, size_t *total) {
  for (int i = 0; i < n; i++) {
    place(sorted[i], placed, i);
    int at = i;
    while (at > 0 && placed[at - 1]->offset > sorted[i]->offset) {
      placed[at] = placed[at - 1];
      at--;
    }
    placed[at] = sorted[i];
    size_t end = sorted[i]->offset + rounded(sorted[i]->bytes);
    if (end > *total) *total = end;
  }
}

tn_error *tn_plan_memory(tn_interval *intervals, int n, bool share, size_t *total) {
  *total = 0;
  if (!share) {
    for (int i = 0; i < n; i++) {
      intervals[i].offset = *total;
      *total += rounded(intervals[i].bytes);
    }
    return NULL;
  }
  tn_interval **sorted = tn_malloc(2 * ((size_t)n + 1) * sizeof *sorted);
  if (!sorted) return tn_out_of_memory();
  for (int i = 0; i < n; i++) sorted[i] = &intervals[i];
  qsort(sorted, (size_t)n, sizeof *sorted, larger_first);
  place_all(sorted, sorted + n + 1, n, total);
  tn_free(sorted);
  return NULL;
}
