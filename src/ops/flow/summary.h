/* Values as text, as TensorFlow's Print and Assert show them. */
#ifndef TN_OPS_FLOW_SUMMARY_H
#define TN_OPS_FLOW_SUMMARY_H

#include "base/str.h"
#include "kernel/kernel.h"

/* Adds the first LIMIT elements of T (all if LIMIT is negative), with brackets for the inner dimensions and dots for
 * the rest. */
void tn_summary_add(tn_str *s, const tn_tensor *t, int64_t limit);
/* Adds T as tf.print shows it: brackets for all dimensions, ENDS elements at both ends of each (all if ENDS is
 * negative), strings in quotes. */
void tn_summary_add_ends(tn_str *s, const tn_tensor *t, int64_t ends);

#endif
