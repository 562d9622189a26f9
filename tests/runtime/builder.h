/* Building and running small graphs in tests. A failed call fails the test. */
#ifndef TESTS_RUNTIME_BUILDER_H
#define TESTS_RUNTIME_BUILDER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <tenon/tenon.h>

#include "graph/build.h"

/* Fails the test with the error's message. */
void ok(tn_error *error);
/* Checks and frees an error: its code, and that its message has TEXT in it. */
void fails(tn_error *error, tn_code code, const char *text);

tn_graph *new_graph(void);
tn_session *new_session(tn_graph *graph, const char *disabled_passes, bool dynamic);

/* float32 tensors. */
tn_tensor *vector(int n, const float *values);
tn_tensor *matrix(int rows, int columns, const float *values);
tn_tensor *filled(int rows, int columns, float value);
tn_tensor *scalar(float value);
/* The element I of a float32 tensor. */
float at(const tn_tensor *tensor, int i);

/* Nodes. */
tn_output placeholder(tn_graph *graph, const char *name);
tn_output constant(tn_graph *graph, const char *name, tn_tensor *value); /* takes VALUE over */
tn_output variable(tn_graph *graph, const char *name, int rows, int columns);
tn_output op1(tn_graph *graph, const char *op, const char *name, tn_output x);
tn_output op2(tn_graph *graph, const char *op, const char *name, tn_output x, tn_output y);
/* The same after AFTER. */
tn_output op2_after(tn_graph *graph, const char *op, const char *name, const tn_output in[2], tn_node *after);

/* A loop that multiplies X by 1 TIMES times: Enter, Merge, LoopCond, Switch, NextIteration, Exit. TIMES < 0: for ever.
 */
tn_output loop(tn_graph *graph, tn_output x, float times);

/* One step with one feed (FEED.node NULL: none) and one fetch. */
tn_tensor *run(tn_session *session, tn_output feed, tn_tensor *value, tn_output fetch);
/* The same; the error is the caller's. */
tn_error *try_run(tn_session *session, tn_output feed, tn_tensor *value, tn_output fetch, tn_tensor **out);
/* Runs a node. */
void run_target(tn_session *session, tn_node *target);

#endif
