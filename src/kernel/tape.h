/* Tapes: short programs of vector micro-operations over float32 that run over blocks which stay in the L1 cache. One
 * tape is one pass over memory: elementwise kernels run tapes of one operation, the fusion pass makes longer ones. */
#ifndef TN_KERNEL_TAPE_H
#define TN_KERNEL_TAPE_H

#include "kernel/kernel.h"

/* The micro-operations: name, number of operands. All work on float32; truth is 1 and 0. IMM is the number in the tape.
 */
#define TN_MICROS(X)                                                                                                   \
  X(CONST, 0) /* IMM */                                                                                                \
  X(COPY, 1)                                                                                                           \
  X(NEG, 1)                                                                                                            \
  X(ABS, 1)                                                                                                            \
  X(EXP, 1)                                                                                                            \
  X(EXPM1, 1)                                                                                                          \
  X(LOG, 1)                                                                                                            \
  X(LOG1P, 1)                                                                                                          \
  X(SQRT, 1)                                                                                                           \
  X(RSQRT, 1)                                                                                                          \
  X(SQUARE, 1)                                                                                                         \
  X(RECIPROCAL, 1)                                                                                                     \
  X(SIN, 1)                                                                                                            \
  X(COS, 1)                                                                                                            \
  X(TAN, 1)                                                                                                            \
  X(ASIN, 1)                                                                                                           \
  X(ACOS, 1)                                                                                                           \
  X(ATAN, 1)                                                                                                           \
  X(SINH, 1)                                                                                                           \
  X(COSH, 1)                                                                                                           \
  X(TANH, 1)                                                                                                           \
  X(ASINH, 1)                                                                                                          \
  X(ACOSH, 1)                                                                                                          \
  X(ATANH, 1)                                                                                                          \
  X(SIGMOID, 1)                                                                                                        \
  X(ERF, 1)                                                                                                            \
  X(ERFC, 1)                                                                                                           \
  X(SIGN, 1)                                                                                                           \
  X(FLOOR, 1)                                                                                                          \
  X(CEIL, 1)                                                                                                           \
  X(ROUND, 1) /* half to even */                                                                                       \
  X(TRUNC, 1) /* towards zero */                                                                                       \
  X(IS_NAN, 1)                                                                                                         \
  X(IS_INF, 1)                                                                                                         \
  X(IS_FINITE, 1)                                                                                                      \
  X(NOT, 1)     /* of a truth value */                                                                                 \
  X(TO_BOOL, 1) /* 1 where not 0 */                                                                                    \
  X(RELU, 1)                                                                                                           \
  X(RELU6, 1)                                                                                                          \
  X(LEAKY_RELU, 1) /* slope IMM */                                                                                     \
  X(ELU, 1)                                                                                                            \
  X(SELU, 1)                                                                                                           \
  X(SOFTPLUS, 1)                                                                                                       \
  X(SOFTSIGN, 1)                                                                                                       \
  X(ADD, 2)                                                                                                            \
  X(SUB, 2)                                                                                                            \
  X(MUL, 2)                                                                                                            \
  X(DIV, 2)                                                                                                            \
  X(MAXIMUM, 2)                                                                                                        \
  X(MINIMUM, 2)                                                                                                        \
  X(POW, 2)                                                                                                            \
  X(SQUARED_DIFFERENCE, 2)                                                                                             \
  X(ATAN2, 2)                                                                                                          \
  X(FLOOR_DIV, 2)                                                                                                      \
  X(FLOOR_MOD, 2)                                                                                                      \
  X(TRUNCATE_DIV, 2)                                                                                                   \
  X(TRUNCATE_MOD, 2)                                                                                                   \
  X(DIV_NO_NAN, 2)                                                                                                     \
  X(MUL_NO_NAN, 2)                                                                                                     \
  X(XDIVY, 2)                                                                                                          \
  X(XLOGY, 2)                                                                                                          \
  X(XLOG1PY, 2)                                                                                                        \
  X(EQUAL, 2)                                                                                                          \
  X(NOT_EQUAL, 2)                                                                                                      \
  X(LESS, 2)                                                                                                           \
  X(LESS_EQUAL, 2)                                                                                                     \
  X(GREATER, 2)                                                                                                        \
  X(GREATER_EQUAL, 2)                                                                                                  \
  X(APPROXIMATE_EQUAL, 2) /* |a - b| < IMM */                                                                          \
  X(AND, 2)                                                                                                            \
  X(OR, 2)                                                                                                             \
  X(SIGMOID_GRAD, 2) /* operands of the *_GRAD ones are in the order of the ops */                                     \
  X(TANH_GRAD, 2)                                                                                                      \
  X(SQRT_GRAD, 2)                                                                                                      \
  X(RSQRT_GRAD, 2)                                                                                                     \
  X(RECIPROCAL_GRAD, 2)                                                                                                \
  X(RELU_GRAD, 2)                                                                                                      \
  X(RELU6_GRAD, 2)                                                                                                     \
  X(LEAKY_RELU_GRAD, 2) /* slope IMM */                                                                                \
  X(ELU_GRAD, 2)                                                                                                       \
  X(SELU_GRAD, 2)                                                                                                      \
  X(SOFTPLUS_GRAD, 2)                                                                                                  \
  X(SOFTSIGN_GRAD, 2)                                                                                                  \
  X(SELECT, 3) /* a != 0 ? b : c */                                                                                    \
  X(CLIP, 3)   /* min(max(a, b), c) */

/* The micro-operation of an op, for tn_op_def.micro. */
typedef enum tn_micro {
  TN_MICRO_NONE,
#define TN_MICRO_ENUM(NAME, OPERANDS) TN_MICRO_##NAME,
  TN_MICROS(TN_MICRO_ENUM)
#undef TN_MICRO_ENUM
      TN_N_MICROS
} tn_micro;

enum { TN_TAPE_MAX_INPUTS = 24, TN_TAPE_MAX_OPS = 64, TN_TAPE_MAX_OUTPUTS = 8 };

/* What an output does with the value before it is stored: as it is, or one number for each row. */
typedef enum tn_tape_reduce {
  TN_TAPE_NO_REDUCE,
  TN_TAPE_SUM,
  TN_TAPE_MAX,
  TN_TAPE_MIN,
  TN_TAPE_MEAN,
  TN_TAPE_COLUMNS /* the sum of all rows: one number for each place in a row; not beside the others */
} tn_tape_reduce;

/* One step of a program. Operands are value numbers: 0 .. n_inputs-1 are the inputs, n_inputs+i the result of step i.
 */
typedef struct tn_tape_op {
  uint8_t micro; /* tn_micro */
  uint8_t operand[3];
  float imm;
} tn_tape_op;

typedef struct tn_tape_output {
  uint8_t value;  /* value number */
  uint8_t dtype;  /* float, bool, int32, half or bfloat16: converted as it is stored */
  uint8_t reduce; /* tn_tape_reduce; then dtype is float */
} tn_tape_output;

/* A program. Inputs are float, bool, int32, half or bfloat16, converted as they are loaded. */
typedef struct tn_tape {
  int n_inputs, n_ops, n_outputs;
  uint8_t input_types[TN_TAPE_MAX_INPUTS];
  tn_tape_op ops[TN_TAPE_MAX_OPS];
  tn_tape_output outputs[TN_TAPE_MAX_OUTPUTS];
} tn_tape;

/* A program bound to shapes: what a kernel keeps as its state. Plain data, read-only while it runs. */
typedef struct tn_tape_plan tn_tape_plan;

int tn_micro_operands(tn_micro micro);
const char *tn_micro_name(tn_micro micro);

/* INVALID_ARGUMENT if TAPE is not sound: it may come from a file. */
tn_error *tn_tape_check(const tn_tape *tape) TN_MUST_USE;
/* Binds TAPE, which is sound, to the shapes of its inputs (of INPUTS only the shapes count), which broadcast to FULL.
 * The rows of reducing outputs are the REDUCED_DIMS innermost dimensions of FULL. SIMD NULL: the instruction set in
 * use. *OUT is freed with tn_free. */
struct tn_simd;
tn_error *tn_tape_plan_new(const tn_tape *tape, const tn_tensor *inputs, const tn_shape *full, int reduced_dims,
                           const struct tn_simd *simd, tn_tape_plan **out) TN_MUST_USE;
/* Runs it. An output may be one of the inputs that have the full shape and an element of the same size. */
void tn_tape_run(const tn_tape_plan *plan, const void *const *inputs, void *const *outputs, void *scratch);
/* The bytes of SCRATCH that running needs: 0 without TN_TAPE_COLUMNS. */
size_t tn_tape_scratch(const tn_tape_plan *plan);

/* Text for dumps and for the attribute of _Fused: one line a step. Parsing checks everything. */
tn_error *tn_tape_to_text(const tn_tape *tape, char **out) TN_MUST_USE;
tn_error *tn_tape_from_text(const char *text, size_t size, tn_tape *out) TN_MUST_USE;

/* IMM of a node's micro-operation: its attribute "alpha" or "tolerance", the only ones that elementwise ops have. */
float tn_tape_imm(const tn_node *node);
/* The dtypes that the kernel "vector" takes. */
#define TN_TAPE_TYPES (TN_BIT(TN_FLOAT) | TN_BIT(TN_HALF) | TN_BIT(TN_BFLOAT16))
/* The kernel "vector": runs the op's micro-operation (tn_op_def.micro) on its inputs with broadcasting. A float
 * attribute "alpha" or "tolerance" becomes IMM. */
tn_error *tn_tape_kernel_prepare(tn_prepare *p) TN_MUST_USE;
/* The same for ops whose inputs have to have the shape of input 0, or only as many elements. */
tn_error *tn_tape_kernel_prepare_same(tn_prepare *p) TN_MUST_USE;
tn_error *tn_tape_kernel_prepare_same_size(tn_prepare *p) TN_MUST_USE;
/* The same with a program of the caller's, whose inputs are the node's and have the full shape or broadcast to it. */
tn_error *tn_tape_kernel_prepare_with(tn_prepare *p, const tn_tape *tape) TN_MUST_USE;
tn_error *tn_tape_kernel_run(tn_run *r) TN_MUST_USE;

#endif
