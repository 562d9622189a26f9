/* Tapes: what a sound program is, and its text. */
#include "kernel/tape.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static const struct {
  const char *name;
  int operands;
} micros[] = {
#define ROW(NAME, OPERANDS) [TN_MICRO_##NAME] = {#NAME, OPERANDS},
    TN_MICROS(ROW)
#undef ROW
};

int tn_micro_operands(tn_micro micro) {
  return micro > TN_MICRO_NONE && micro < TN_N_MICROS ? micros[micro].operands : 0;
}
const char *tn_micro_name(tn_micro micro) {
  return micro > TN_MICRO_NONE && micro < TN_N_MICROS ? micros[micro].name : "NONE";
}

static bool is_tape_type(int dtype) {
  return dtype == TN_FLOAT || dtype == TN_BOOL || dtype == TN_INT32 || dtype == TN_HALF || dtype == TN_BFLOAT16;
}

/* Rows and columns are walked in different ways. */
static tn_error *check_reductions(const tn_tape *tape) {
  bool rows = false, columns = false;
  for (int i = 0; i < tape->n_outputs; i++) {
    columns |= tape->outputs[i].reduce == TN_TAPE_COLUMNS;
    rows |= tape->outputs[i].reduce && tape->outputs[i].reduce != TN_TAPE_COLUMNS;
  }
  return rows && columns ? tn_errorf(TN_INVALID_ARGUMENT, "tape: it reduces rows and columns") : NULL;
}

tn_error *tn_tape_check(const tn_tape *tape) {
  if (tape->n_inputs < 0 || tape->n_inputs > TN_TAPE_MAX_INPUTS || tape->n_ops < 0 || tape->n_ops > TN_TAPE_MAX_OPS ||
      tape->n_outputs < 1 || tape->n_outputs > TN_TAPE_MAX_OUTPUTS)
    return tn_errorf(TN_INVALID_ARGUMENT, "tape: %d inputs, %d steps and %d outputs", tape->n_inputs, tape->n_ops,
                     tape->n_outputs);
  for (int i = 0; i < tape->n_inputs; i++)
    if (!is_tape_type(tape->input_types[i]))
      return tn_errorf(TN_INVALID_ARGUMENT, "tape: input %d has dtype %d", i, tape->input_types[i]);
  for (int i = 0; i < tape->n_ops; i++) {
    const tn_tape_op *op = &tape->ops[i];
    if (op->micro == TN_MICRO_NONE || op->micro >= TN_N_MICROS)
      return tn_errorf(TN_INVALID_ARGUMENT, "tape: step %d has operation %d", i, op->micro);
    for (int k = 0; k < micros[op->micro].operands; k++)
      if (op->operand[k] >= tape->n_inputs + i)
        return tn_errorf(TN_INVALID_ARGUMENT, "tape: step %d uses value %d", i, op->operand[k]);
  }
  for (int i = 0; i < tape->n_outputs; i++) {
    const tn_tape_output *output = &tape->outputs[i];
    if (output->value >= tape->n_inputs + tape->n_ops || !is_tape_type(output->dtype) ||
        output->reduce > TN_TAPE_COLUMNS || (output->reduce && output->dtype != TN_FLOAT))
      return tn_errorf(TN_INVALID_ARGUMENT, "tape: output %d: value %d, dtype %d, reduction %d", i, output->value,
                       output->dtype, output->reduce);
  }
  return check_reductions(tape);
}

static const char *const reductions[] = {"", "sum", "max", "min", "mean", "columns"};

/* Lines: "in DTYPE", "OPERATION operand... [imm]" (hexadecimal, so that it is exact), "out VALUE DTYPE [REDUCTION]". */
tn_error *tn_tape_to_text(const tn_tape *tape, char **out) {
  tn_str s = {0};
  for (int i = 0; i < tape->n_inputs; i++) tn_str_addf(&s, "in %s\n", tn_dtype_name(tape->input_types[i]));
  for (int i = 0; i < tape->n_ops; i++) {
    const tn_tape_op *op = &tape->ops[i];
    tn_str_add(&s, tn_micro_name(op->micro));
    for (int k = 0; k < tn_micro_operands(op->micro); k++) tn_str_addf(&s, " %d", op->operand[k]);
    if (op->imm != 0 || signbit(op->imm)) tn_str_addf(&s, " =%a", (double)op->imm);
    tn_str_add(&s, "\n");
  }
  for (int i = 0; i < tape->n_outputs; i++) {
    const tn_tape_output *output = &tape->outputs[i];
    tn_str_addf(&s, "out %d %s%s%s\n", output->value, tn_dtype_name(output->dtype), output->reduce ? " " : "",
                reductions[output->reduce]);
  }
  return tn_str_take(&s, out, NULL);
}

/* Splits LINE at spaces into at most 5 words; returns how many, 6 if there are more. */
static int split(char *line, char *words[5]) {
  int n = 0;
  char *rest = NULL;
  for (char *word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
    if (n == 5) return 6;
    words[n++] = word;
  }
  return n;
}

static bool read_value(const char *word, uint8_t *out) {
  char *end;
  long value = strtol(word, &end, 10);
  if (end == word || *end || value < 0 || value > 255) return false;
  *out = (uint8_t)value;
  return true;
}

static bool read_output(tn_tape *tape, int n, char *const *words) {
  if (tape->n_outputs == TN_TAPE_MAX_OUTPUTS || n < 3 || n > 4) return false;
  tn_tape_output *output = &tape->outputs[tape->n_outputs++];
  if (!read_value(words[1], &output->value)) return false;
  output->dtype = (uint8_t)tn_dtype_from_name(words[2]);
  if (n == 3) return true;
  for (uint8_t i = 1; i < sizeof reductions / sizeof *reductions; i++)
    if (strcmp(words[3], reductions[i]) == 0) output->reduce = i;
  return output->reduce != 0;
}

static bool read_op(tn_tape *tape, int n, char *const *words) {
  if (tape->n_ops == TN_TAPE_MAX_OPS) return false;
  tn_tape_op *op = &tape->ops[tape->n_ops++];
  for (uint8_t i = 1; i < TN_N_MICROS; i++)
    if (strcmp(words[0], micros[i].name) == 0) op->micro = i;
  if (!op->micro) return false;
  int operands = micros[op->micro].operands;
  if (n < 1 + operands || n > 2 + operands) return false;
  for (int k = 0; k < operands; k++)
    if (!read_value(words[1 + k], &op->operand[k])) return false;
  if (n == 1 + operands) return true;
  char *end;
  if (words[1 + operands][0] != '=') return false;
  op->imm = strtof(words[1 + operands] + 1, &end);
  return end != words[1 + operands] + 1 && !*end;
}

static bool read_line(tn_tape *tape, char *line) {
  char *words[5];
  int n = split(line, words);
  if (n == 0) return true;
  if (n > 5) return false;
  if (strcmp(words[0], "out") == 0) return read_output(tape, n, words);
  if (strcmp(words[0], "in") != 0) return read_op(tape, n, words);
  if (n != 2 || tape->n_inputs == TN_TAPE_MAX_INPUTS) return false;
  tape->input_types[tape->n_inputs++] = (uint8_t)tn_dtype_from_name(words[1]);
  return true;
}

tn_error *tn_tape_from_text(const char *text, size_t size, tn_tape *out) {
  tn_tape tape = {0};
  char line[128];
  for (size_t begin = 0, number = 1; begin < size; number++) {
    const char *newline = memchr(text + begin, '\n', size - begin);
    size_t n = newline ? (size_t)(newline - (text + begin)) : size - begin;
    bool good = n < sizeof line;
    if (good) {
      memcpy(line, text + begin, n);
      line[n] = 0;
      good = read_line(&tape, line);
    }
    if (!good) return tn_errorf(TN_INVALID_ARGUMENT, "tape: line %zu can't be read", number);
    begin += n + 1;
  }
  TN_TRY(tn_tape_check(&tape));
  *out = tape;
  return NULL;
}
