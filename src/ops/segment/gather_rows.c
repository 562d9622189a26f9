/* Gathering for the gradients of the segment ops. */
#include "ops/segment/segment.h"

tn_output tn_build_gather_rows(tn_scope *s, tn_output params, tn_output ids) {
  return tn_build(s, "GatherV2", TN_IN(params, ids, tn_build_scalar(s, TN_INT32, 0)), NULL);
}

tn_output tn_build_gather_drop_negatives(tn_scope *s, tn_output params, tn_output ids, tn_output *clipped,
                                         tn_output *positive) {
  tn_output zeros = tn_build1(s, "ZerosLike", ids), zero = tn_build_scalar(s, TN_INT32, 0);
  tn_output inside = tn_build2(s, "Maximum", ids, zeros), gathered = tn_build_gather_rows(s, params, inside);
  tn_output kept = tn_build2(s, "GreaterEqual", ids, zeros);
  /* Dimensions of size 1 after those of the ids, so that the mask broadcasts over the rows. */
  tn_output more = tn_build2(s, "Sub", tn_build1(s, "Rank", gathered), tn_build1(s, "Rank", kept));
  tn_output ones = tn_build2(s, "Fill", tn_build2(s, "ExpandDims", more, zero), tn_build_scalar(s, TN_INT32, 1));
  tn_output shape = tn_build(s, "ConcatV2", TN_IN(tn_build_shape_of(s, kept), ones, zero), TN_ATTRS(TN_A_INT("N", 2)));
  kept = tn_build2(s, "Reshape", kept, shape);
  kept = tn_build2(s, "BroadcastTo", kept, tn_build_shape_of(s, gathered));
  if (clipped) *clipped = inside;
  if (positive) *positive = kept;
  return tn_build(s, "SelectV2", TN_IN(kept, gathered, tn_build1(s, "ZerosLike", gathered)), NULL);
}
