/* What the random ops share: distributions as fills over groups of outputs, each group from its own block of the
 * generator, so that the work splits anywhere without changing a bit. */
#ifndef TN_OPS_RANDOM_RANDOM_H
#define TN_OPS_RANDOM_RANDOM_H

#include "graph/shape.h"
#include "kernel/kernel.h"
#include "kernel/philox.h"

typedef struct tn_random_job tn_random_job;
struct tn_random_job {
  tn_philox generator;
  char *out;
  int64_t n;      /* elements */
  int group;      /* elements that come from one step of the generator */
  size_t element; /* bytes */
  int64_t low;    /* of integers: the smallest ... */
  uint64_t range; /* ... and how many; 0: all that the dtype has */
  /* Fixed: makes N whole groups at OUT from 4 N words. */
  void (*convert)(const tn_random_job *job, const uint32_t *bits, void *out, int64_t n);
  /* Variable: makes group number I at OUT (room for a whole one), drawing as much as it needs. */
  void (*draw)(const tn_random_job *job, int64_t i, void *out);
};

typedef enum tn_random_kind { TN_RANDOM_UNIFORM, TN_RANDOM_NORMAL, TN_RANDOM_TRUNCATED, TN_RANDOM_INT } tn_random_kind;

/* Sets convert or draw, group and element; UNIMPLEMENTED where there is none. */
tn_error *tn_random_job_of(tn_random_job *job, tn_random_kind kind, tn_dtype dtype) TN_MUST_USE;
/* Fills OUT. */
void tn_random_fill(tn_random_job *job, const tn_philox *generator, tn_tensor *out);
/* [low, high) from the scalars of inputs LOW_INPUT and the one after it; INVALID_ARGUMENT if it is empty. */
tn_error *tn_random_range(const tn_run *r, int low_input, tn_random_job *job) TN_MUST_USE;

/* --- stateful ops: the generator is the node's, kept by the session --- */
typedef struct tn_random_state {
  tn_philox *philox;
  int64_t seed, seed2;
  const tn_random_address *address;
} tn_random_state;
tn_error *tn_random_prepare_state(tn_prepare *p, tn_random_state *state) TN_MUST_USE;
/* Takes BLOCKS blocks. */
tn_philox tn_random_take(const tn_random_state *state, uint64_t blocks);
/* PREPARE of ops with input "shape" first and one output of that shape: state is a tn_random_state. */
tn_error *tn_random_prepare(tn_prepare *p) TN_MUST_USE;

/* --- stateless ops --- */
/* PREPARE: output 0 has the shape that input 0 tells. */
tn_error *tn_random_prepare_shape(tn_prepare *p) TN_MUST_USE;
/* The generator of seed input I, a vector of two. */
tn_error *tn_random_from_seed(const tn_run *r, int i, tn_philox *out) TN_MUST_USE;
/* The generator of the inputs key, counter and alg, which begin at input I. */
tn_error *tn_random_from_key(const tn_run *r, int i, tn_philox *out) TN_MUST_USE;

/* Shape functions: output 0 has the shape in input 0; the rest are scalars / a seed of two / key, counter and alg. */
tn_error *tn_random_shape(tn_shape_ctx *c) TN_MUST_USE;
tn_error *tn_random_shape_stateless(tn_shape_ctx *c) TN_MUST_USE;
tn_error *tn_random_shape_v2(tn_shape_ctx *c) TN_MUST_USE;
/* INVALID_ARGUMENT unless input I can be [N]. */
tn_error *tn_random_check_vector(tn_shape_ctx *c, int i, int64_t n) TN_MUST_USE;

#endif
