/* What the non-maximum suppressions share: how much two boxes overlap, and a heap of candidates. */
#ifndef TN_OPS_IMAGE_NMS_H
#define TN_OPS_IMAGE_NMS_H

#include "ops/image/image.h"

/* The area that boxes A and B [y0, x0, y1, x1], corners in any order, share, in parts of what they cover together. */
float tn_box_overlap(const float *a, const float *b);

typedef struct tn_candidate {
  int32_t index, seen; /* seen: how many of the chosen it was compared with */
  float score;
} tn_candidate;

/* A heap: the largest score comes first, and of equal ones the smallest index. */
void tn_candidates_push(tn_candidate *heap, int64_t *n, tn_candidate c);
tn_candidate tn_candidates_pop(tn_candidate *heap, int64_t *n);

#endif
