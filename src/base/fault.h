/* Named points at which tests have a process killed. Where TENON_FAULT is not set a point costs a load and a branch. */
#ifndef TN_BASE_FAULT_H
#define TN_BASE_FAULT_H

#include <stdatomic.h>
#include <tenon/testing.h>

/* 0: the environment was not looked at yet; 1: no faults; 2: there is one. */
extern atomic_int tn_fault_state;

/* Passes POINT; see tenon/testing.h. The environment is read once. */
static inline void tn_fault(const char *point) {
  if (atomic_load_explicit(&tn_fault_state, memory_order_relaxed) != 1) tn_fault_reached(point);
}

#endif
