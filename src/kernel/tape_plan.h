/* A tape bound to shapes: what the code that binds and the code that runs share. */
#ifndef TN_KERNEL_TAPE_PLAN_H
#define TN_KERNEL_TAPE_PLAN_H

#include "kernel/simd/simd.h"
#include "kernel/tape.h"

/* Registers are blocks of floats in a buffer on the stack: all together stay in the L1 cache. */
enum { TAPE_BUFFER = 6144, TAPE_MAX_BLOCK = 1024, TAPE_GRAIN = 16384, TAPE_MAX_CHUNKS = 64 };

/* How an input comes into the program. */
typedef enum tape_access {
  TAPE_DIRECT, /* operands point into it: dense floats */
  TAPE_DENSE,  /* another dtype */
  TAPE_SPLAT,  /* one element */
  TAPE_REPEAT, /* its PERIOD elements over and over: rows */
  TAPE_STRIDED /* anything else: columns */
} tape_access;

typedef struct tape_input {
  uint8_t access, dtype;
  int64_t period;
  int64_t strides[TN_MAX_RANK]; /* of TAPE_STRIDED */
} tape_input;

/* A place of a block: a register (>= 0), or memory at the position of the block. */
typedef int16_t tape_place;
#define TAPE_INPUT(k)  ((tape_place)(-1 - (k)))
#define TAPE_OUTPUT(k) ((tape_place)(-101 - (k)))

typedef struct tape_step {
  enum { TAPE_RUN, TAPE_LOAD, TAPE_STORE } kind;
  uint8_t index; /* micro-operation, input or output */
  tape_place to, from[3];
  float imm;
} tape_step;

struct tn_tape_plan {
  const tn_simd *simd;
  int n_inputs, n_outputs;
  int64_t elements, rows, row; /* elements == rows * row */
  int64_t block;               /* elements of a register */
  int rank;
  int64_t dims[TN_MAX_RANK];
  tn_tape_output outputs[TN_TAPE_MAX_OUTPUTS];
  tape_place reduced[TN_TAPE_MAX_OUTPUTS]; /* where the value of a reducing output lies after a block */
  bool reduces, columns;
  int n_setup, n_steps; /* the first n_setup steps run once per chunk */
  tape_input *inputs;   /* behind STEPS, in the same memory */
  tape_step steps[];
};

#endif
