/* Runs bound tapes: chunks on threads, blocks within chunks, steps within blocks, and reductions in a fixed order. */
#include <math.h>
#include <string.h>

#include "base/parallel.h"
#include "kernel/tape_plan.h"

typedef struct tape_job {
  const tn_tape_plan *plan;
  const void *const *inputs;
  void *const *outputs;
  int64_t chunks, row_index; /* of a row that is split */
  float (*partial)[TAPE_MAX_CHUNKS];
  float *scratch; /* sums of columns, per output and chunk */
} tape_job;

static inline float *place_of(const tape_job *job, float *registers, tape_place place, int64_t position) {
  if (place >= 0) return registers + place * job->plan->block;
  if (place <= TAPE_OUTPUT(0)) return (float *)job->outputs[TAPE_OUTPUT(0) - place] + position;
  return (float *)job->inputs[-1 - place] + position;
}

/* One element, repeated. */
static void load_splat(const tn_tape_plan *plan, const tape_input *input, float *z, const void *x, int64_t n) {
  float value;
  plan->simd->load[input->dtype](&value, x, 1);
  for (int64_t i = 0; i < n; i++) z[i] = value;
}

/* Elements [position, position + n) of a row that repeats. What is there already is doubled. */
static void load_repeat(const tn_tape_plan *plan, const tape_input *input, float *z, const void *x, int64_t position,
                        int64_t n) {
  tn_load_fn load = plan->simd->load[input->dtype];
  size_t size = tn_dtype_size(input->dtype);
  int64_t period = input->period, phase = position % period, first = period - phase;
  if (first > n) first = n;
  load(z, (const char *)x + (size_t)phase * size, first);
  int64_t done = first, rest = phase < n - done ? phase : n - done;
  load(z + done, x, rest);
  done += rest;
  while (done < n) {
    int64_t more = done < n - done ? done / period * period : n - done;
    memcpy(z + done, z, (size_t)more * sizeof *z);
    done += more;
  }
}

/* Any strides: run by run of the innermost dimension. */
static void load_strided(const tn_tape_plan *plan, const tape_input *input, float *z, const void *x, int64_t position,
                         int64_t n) {
  int inner = plan->rank - 1;
  size_t size = tn_dtype_size(input->dtype);
  int64_t index[TN_MAX_RANK], offset = 0;
  for (int i = inner; i >= 0; i--) {
    index[i] = position % plan->dims[i];
    position /= plan->dims[i];
    offset += index[i] * input->strides[i];
  }
  while (n > 0) {
    int64_t run = plan->dims[inner] - index[inner];
    if (run > n) run = n;
    const void *from = (const char *)x + (size_t)offset * size;
    if (input->strides[inner]) {
      plan->simd->load[input->dtype](z, from, run);
    } else {
      load_splat(plan, input, z, from, run);
    }
    z += run;
    n -= run;
    offset -= index[inner] * input->strides[inner];
    index[inner] = 0;
    for (int i = inner - 1; i >= 0; i--) {
      offset += input->strides[i];
      if (++index[i] < plan->dims[i]) break;
      offset -= input->strides[i] * plan->dims[i];
      index[i] = 0;
    }
  }
}

static void load_input(const tn_tape_plan *plan, int k, float *z, const void *x, int64_t position, int64_t n) {
  const tape_input *input = &plan->inputs[k];
  switch (input->access) {
  case TAPE_DENSE:
    plan->simd->load[input->dtype](z, (const char *)x + (size_t)position * tn_dtype_size(input->dtype), n);
    return;
  case TAPE_SPLAT: load_splat(plan, input, z, x, n); return;
  case TAPE_REPEAT: load_repeat(plan, input, z, x, position, n); return;
  default: load_strided(plan, input, z, x, position, n); return;
  }
}

/* Steps [begin, end) of the program on elements [position, position + n). */
static void run_steps(const tape_job *job, float *registers, int begin, int end, int64_t position, int64_t n) {
  const tn_tape_plan *plan = job->plan;
  for (int i = begin; i < end; i++) {
    const tape_step *step = &plan->steps[i];
    if (step->kind == TAPE_RUN) {
      plan->simd->micro[step->index](place_of(job, registers, step->to, position),
                                     place_of(job, registers, step->from[0], position),
                                     place_of(job, registers, step->from[1], position),
                                     place_of(job, registers, step->from[2], position), n, step->imm);
    } else if (step->kind == TAPE_LOAD) {
      load_input(plan, step->index, place_of(job, registers, step->to, 0), job->inputs[step->index], position, n);
    } else {
      const tn_tape_output *output = &plan->outputs[step->index];
      char *z = (char *)job->outputs[step->index] + (size_t)position * tn_dtype_size(output->dtype);
      plan->simd->store[output->dtype](z, place_of(job, registers, step->from[0], position), n);
    }
  }
}

/* What a reducing output has made of a part of a row so far: the same lanes, in the same order, as in the kernels of
 * the reducing ops (TN_REDUCER in ops/reduce), so that the bits are theirs. */
typedef struct lanes {
  int reduce;
  int64_t size; /* of the part */
  float lane[TN_SIMD_LANES];
  float result;
} lanes;

static float neutral(int reduce) { return reduce == TN_TAPE_MAX ? -INFINITY : reduce == TN_TAPE_MIN ? INFINITY : 0; }
static float combine(int reduce, float a, float b) {
  if (reduce == TN_TAPE_SUM || reduce == TN_TAPE_MEAN) return a + b;
  if (a != a) return a;
  return reduce == TN_TAPE_MAX ? (a > b ? a : b) : (a < b ? a : b);
}

/* Takes N elements, which begin at OFFSET of the part. Short parts, and what is left over at the end, are joined one by
 * one. */
static void take(const tn_tape_plan *plan, lanes *l, const float *x, int64_t offset, int64_t n) {
  static const uint8_t which[] = {[TN_TAPE_SUM] = 0, [TN_TAPE_MEAN] = 0, [TN_TAPE_MAX] = 1, [TN_TAPE_MIN] = 2};
  tn_reduce_fn reduce = plan->simd->reduce[which[l->reduce]];
  int64_t wide = l->size < 2 * TN_SIMD_LANES ? 0 : l->size / TN_SIMD_LANES * TN_SIMD_LANES;
  int64_t i = wide - offset < n ? wide - offset : n;
  if (offset == 0) l->result = neutral(l->reduce);
  if (i > 0 && offset == 0) {
    memcpy(l->lane, x, sizeof l->lane);
    reduce(l->lane, x + TN_SIMD_LANES, i - TN_SIMD_LANES);
  } else if (i > 0) {
    reduce(l->lane, x, i);
  }
  if (i > 0 && offset + i == wide) {
    for (int half = TN_SIMD_LANES / 2; half; half /= 2)
      for (int k = 0; k < half; k++) l->lane[k] = combine(l->reduce, l->lane[k], l->lane[k + half]);
    l->result = combine(l->reduce, l->result, l->lane[0]);
  }
  for (i = i > 0 ? i : 0; i < n; i++) l->result = combine(l->reduce, l->result, x[i]);
}

static void put_row(const tape_job *job, int k, int64_t row, float value) {
  const tn_tape_plan *plan = job->plan;
  ((float *)job->outputs[k])[row] = plan->outputs[k].reduce == TN_TAPE_MEAN ? value / (float)plan->row : value;
}

/* Elements [begin, end) of one row: what each reducing output makes of them. */
static void run_part(const tape_job *job, float *registers, int64_t begin, int64_t end,
                     float result[TN_TAPE_MAX_OUTPUTS]) {
  const tn_tape_plan *plan = job->plan;
  lanes all[TN_TAPE_MAX_OUTPUTS];
  for (int k = 0; k < plan->n_outputs; k++) {
    all[k].reduce = plan->outputs[k].reduce;
    all[k].size = end - begin;
    all[k].result = neutral(all[k].reduce);
  }
  for (int64_t position = begin; position < end; position += plan->block) {
    int64_t n = end - position < plan->block ? end - position : plan->block;
    run_steps(job, registers, plan->n_setup, plan->n_steps, position, n);
    for (int k = 0; k < plan->n_outputs; k++) {
      if (!all[k].reduce) continue;
      take(plan, &all[k], place_of(job, registers, plan->reduced[k], position), position - begin, n);
    }
  }
  for (int k = 0; k < plan->n_outputs; k++) result[k] = all[k].result;
}

/* Whole rows [begin, end), several to a block. */
static void run_short_rows(const tape_job *job, float *registers, int64_t begin, int64_t end) {
  const tn_tape_plan *plan = job->plan;
  int64_t per_block = plan->block / plan->row;
  lanes l = {.size = plan->row};
  for (int64_t row = begin; row < end; row += per_block) {
    int64_t rows = end - row < per_block ? end - row : per_block, position = row * plan->row;
    run_steps(job, registers, plan->n_setup, plan->n_steps, position, rows * plan->row);
    for (int k = 0; k < plan->n_outputs; k++) {
      l.reduce = plan->outputs[k].reduce;
      if (!l.reduce) continue;
      const float *x = place_of(job, registers, plan->reduced[k], position);
      for (int64_t i = 0; i < rows; i++) {
        take(plan, &l, x + i * plan->row, 0, plan->row);
        put_row(job, k, row + i, l.result);
      }
    }
  }
}

static void setup(const tape_job *job, float *registers, int64_t most) {
  int64_t n = most < job->plan->block ? most : job->plan->block;
  run_steps(job, registers, 0, job->plan->n_setup, 0, n);
}

static void run_chunk(void *argument, int64_t i) {
  const tape_job *job = argument;
  const tn_tape_plan *plan = job->plan;
  _Alignas(64) float registers[TAPE_BUFFER];
  int64_t begin, end;
  tn_chunk(plan->elements, job->chunks, i, plan->block, &begin, &end);
  if (begin >= end) return;
  setup(job, registers, end - begin);
  for (int64_t position = begin; position < end; position += plan->block)
    run_steps(job, registers, plan->n_setup, plan->n_steps, position,
              end - position < plan->block ? end - position : plan->block);
}

static void run_rows_chunk(void *argument, int64_t i) {
  const tape_job *job = argument;
  const tn_tape_plan *plan = job->plan;
  _Alignas(64) float registers[TAPE_BUFFER];
  int64_t begin, end;
  tn_chunk(plan->rows, job->chunks, i, 1, &begin, &end);
  if (begin >= end) return;
  setup(job, registers, (end - begin) * plan->row);
  if (plan->row <= plan->block) {
    run_short_rows(job, registers, begin, end);
    return;
  }
  float result[TN_TAPE_MAX_OUTPUTS];
  for (int64_t row = begin; row < end; row++) {
    run_part(job, registers, row * plan->row, (row + 1) * plan->row, result);
    for (int k = 0; k < plan->n_outputs; k++)
      if (plan->outputs[k].reduce) put_row(job, k, row, result[k]);
  }
}

/* A part of the row row_index. */
static void run_split_chunk(void *argument, int64_t i) {
  const tape_job *job = argument;
  const tn_tape_plan *plan = job->plan;
  _Alignas(64) float registers[TAPE_BUFFER];
  int64_t begin, end;
  tn_chunk(plan->row, job->chunks, i, 1, &begin, &end);
  float result[TN_TAPE_MAX_OUTPUTS];
  if (begin < end) setup(job, registers, end - begin);
  int64_t start = job->row_index * plan->row;
  run_part(job, registers, start + begin, start + (begin < end ? end : begin), result);
  for (int k = 0; k < plan->n_outputs; k++) job->partial[k][i] = result[k];
}

/* Rows are split into parts exactly where the kernels of the reducing ops split them (kernel/reduce.c). */
static void run_reducing(tape_job *job) {
  const tn_tape_plan *plan = job->plan;
  float partial[TN_TAPE_MAX_OUTPUTS][TAPE_MAX_CHUNKS];
  int64_t parts = plan->rows >= 16 || plan->row == 0 ? 1 : tn_chunks(plan->row, TAPE_GRAIN);
  if (parts == 1 && plan->row > 0) {
    job->chunks = tn_chunks(plan->elements, TAPE_GRAIN);
    tn_parallel(job->chunks, run_rows_chunk, job);
    return;
  }
  job->chunks = parts;
  job->partial = partial;
  for (job->row_index = 0; job->row_index < plan->rows; job->row_index++) {
    tn_parallel(parts, run_split_chunk, job);
    for (int k = 0; k < plan->n_outputs; k++) {
      int reduce = plan->outputs[k].reduce;
      float value = partial[k][0];
      for (int64_t i = 1; i < parts && reduce; i++) value = combine(reduce, value, partial[k][i]);
      if (reduce) put_row(job, k, job->row_index, value);
    }
  }
}

/* --- sums of columns: each chunk of rows adds up for itself, as the kernel of BiasAddGrad does --- */

static int64_t column_chunks(const tn_tape_plan *plan) { return tn_chunks(plan->rows, 1 + 32768 / (1 + plan->row)); }

size_t tn_tape_scratch(const tn_tape_plan *plan) {
  return plan->columns ? (size_t)(plan->n_outputs * column_chunks(plan) * plan->row) * sizeof(float) : 0;
}

/* Adds N elements of what was computed, which begin at POSITION, to the sums of chunk I. */
static void add_to_columns(const tape_job *job, float *registers, int64_t i, int64_t position, int64_t n) {
  const tn_tape_plan *plan = job->plan;
  for (int k = 0; k < plan->n_outputs; k++) {
    if (plan->outputs[k].reduce != TN_TAPE_COLUMNS) continue;
    float *sums = job->scratch + (k * job->chunks + i) * plan->row;
    const float *x = place_of(job, registers, plan->reduced[k], position);
    for (int64_t done = 0; done < n;) {
      int64_t column = (position + done) % plan->row, more = plan->row - column;
      if (more > n - done) more = n - done;
      plan->simd->micro[TN_MICRO_ADD](sums + column, sums + column, x + done, NULL, more, 0);
      done += more;
    }
  }
}

static void run_columns_chunk(void *argument, int64_t i) {
  const tape_job *job = argument;
  const tn_tape_plan *plan = job->plan;
  _Alignas(64) float registers[TAPE_BUFFER];
  int64_t begin, end;
  tn_chunk(plan->rows, job->chunks, i, 1, &begin, &end);
  for (int k = 0; k < plan->n_outputs; k++)
    memset(job->scratch + (k * job->chunks + i) * plan->row, 0, (size_t)plan->row * sizeof(float));
  begin *= plan->row;
  end *= plan->row;
  if (begin < end) setup(job, registers, end - begin);
  for (int64_t position = begin; position < end; position += plan->block) {
    int64_t n = end - position < plan->block ? end - position : plan->block;
    run_steps(job, registers, plan->n_setup, plan->n_steps, position, n);
    add_to_columns(job, registers, i, position, n);
  }
}

static void run_columns(tape_job *job) {
  const tn_tape_plan *plan = job->plan;
  job->chunks = column_chunks(plan);
  tn_parallel(job->chunks, run_columns_chunk, job);
  for (int k = 0; k < plan->n_outputs; k++) {
    if (plan->outputs[k].reduce != TN_TAPE_COLUMNS || plan->row == 0) continue;
    float *z = job->outputs[k];
    memset(z, 0, (size_t)plan->row * sizeof *z);
    for (int64_t i = 0; i < job->chunks; i++)
      plan->simd->micro[TN_MICRO_ADD](z, z, job->scratch + (k * job->chunks + i) * plan->row, NULL, plan->row, 0);
  }
}

void tn_tape_run(const tn_tape_plan *plan, const void *const *inputs, void *const *outputs, void *scratch) {
  tape_job job = {.plan = plan, .inputs = inputs, .outputs = outputs, .scratch = scratch};
  if (plan->columns) {
    run_columns(&job);
    return;
  }
  if (plan->reduces) {
    run_reducing(&job);
    return;
  }
  if (plan->elements == 0) return;
  job.chunks = tn_chunks(plan->elements, TAPE_GRAIN);
  tn_parallel(job.chunks, run_chunk, &job);
}
