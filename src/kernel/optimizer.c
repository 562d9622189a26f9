/* The optimizers' plain loops for every dtype, and the choice and the splitting of loops. */
#include "kernel/optimizer.h"

#include <complex.h>
#include <math.h>

#include "base/isa.h"
#include "base/parallel.h"

#define INDEPENDENT

#define E      float
#define R      float
#define GET(x) (x)
#define PUT(x) (x)
#define H(i)   (*(const float *)s->h[i])
#define FN(n)  float_##n
#define SQRT   sqrtf
#define ABS    fabsf
#define POW    powf
#define EXP    expf
#include "kernel/optimizer_field.h"
#include "kernel/optimizer_real.h"
static tn_optimizer_table float_table = {FIELDS, REALS};
#undef E
#undef R
#undef GET
#undef PUT
#undef H
#undef FN
#undef SQRT
#undef ABS
#undef POW
#undef EXP
#undef FIELDS
#undef REALS

#define E      double
#define R      double
#define GET(x) (x)
#define PUT(x) (x)
#define H(i)   (*(const double *)s->h[i])
#define FN(n)  double_##n
#define SQRT   sqrt
#define ABS    fabs
#define POW    pow
#define EXP    exp
#include "kernel/optimizer_field.h"
#include "kernel/optimizer_real.h"
static tn_optimizer_table double_table = {FIELDS, REALS};
#undef E
#undef R
#undef GET
#undef PUT
#undef H
#undef FN
#undef SQRT
#undef ABS
#undef POW
#undef EXP
#undef FIELDS
#undef REALS

#define E      uint16_t
#define R      float
#define GET(x) tn_half_to_float(x)
#define PUT(x) tn_float_to_half(x)
#define H(i)   tn_half_to_float(*(const uint16_t *)s->h[i])
#define FN(n)  half_##n
#define SQRT   sqrtf
#define ABS    fabsf
#define POW    powf
#define EXP    expf
#include "kernel/optimizer_field.h"
#include "kernel/optimizer_real.h"
static tn_optimizer_table half_table = {FIELDS, REALS};
#undef E
#undef R
#undef GET
#undef PUT
#undef H
#undef FN
#undef SQRT
#undef ABS
#undef POW
#undef EXP
#undef FIELDS
#undef REALS

#define E      uint16_t
#define R      float
#define GET(x) tn_bfloat16_to_float(x)
#define PUT(x) tn_float_to_bfloat16(x)
#define H(i)   tn_bfloat16_to_float(*(const uint16_t *)s->h[i])
#define FN(n)  bfloat16_##n
#define SQRT   sqrtf
#define ABS    fabsf
#define POW    powf
#define EXP    expf
#include "kernel/optimizer_field.h"
#include "kernel/optimizer_real.h"
static tn_optimizer_table bfloat16_table = {FIELDS, REALS};
#undef E
#undef R
#undef GET
#undef PUT
#undef H
#undef FN
#undef SQRT
#undef ABS
#undef POW
#undef EXP
#undef FIELDS
#undef REALS

#define E      float complex
#define R      float complex
#define GET(x) (x)
#define PUT(x) (x)
#define H(i)   (*(const float complex *)s->h[i])
#define FN(n)  complex64_##n
#define SQRT   csqrtf
#include "kernel/optimizer_field.h"
static tn_optimizer_table complex64_table = {FIELDS};
#undef E
#undef R
#undef GET
#undef PUT
#undef H
#undef FN
#undef SQRT
#undef FIELDS

#define E      double complex
#define R      double complex
#define GET(x) (x)
#define PUT(x) (x)
#define H(i)   (*(const double complex *)s->h[i])
#define FN(n)  complex128_##n
#define SQRT   csqrt
#include "kernel/optimizer_field.h"
static tn_optimizer_table complex128_table = {FIELDS};
#undef E
#undef R
#undef GET
#undef PUT
#undef H
#undef FN
#undef SQRT
#undef FIELDS

tn_sweep_fn tn_optimizer_plain(tn_optimizer_kind kind, tn_dtype dtype) {
  switch (dtype) {
  case TN_FLOAT: return float_table[kind];
  case TN_DOUBLE: return double_table[kind];
  case TN_HALF: return half_table[kind];
  case TN_BFLOAT16: return bfloat16_table[kind];
  case TN_COMPLEX64: return complex64_table[kind];
  case TN_COMPLEX128: return complex128_table[kind];
  default: return NULL;
  }
}

tn_sweep_fn tn_optimizer_vector(tn_optimizer_kind kind, tn_dtype dtype) {
  if (dtype != TN_FLOAT) return NULL;
  switch (tn_isa_active()) {
#if defined(__x86_64__)
  case TN_ISA_AVX512: return tn_optimizer_avx512[kind];
  case TN_ISA_AVX2: return tn_optimizer_avx2[kind];
#elif defined(__aarch64__)
  case TN_ISA_NEON: return tn_optimizer_neon[kind];
#endif
  default: return tn_optimizer_generic[kind];
  }
}

void tn_sweep_range(const tn_sweep *s, tn_sweep_fn fn, size_t element, int64_t begin, int64_t end) {
  tn_sweep part = *s;
  size_t offset = (size_t)begin * element;
  for (int i = 0; i < TN_OPTIMIZER_SLOTS; i++) part.slots[i] = s->slots[i] ? (char *)s->slots[i] + offset : NULL;
  part.gradient = (const char *)s->gradient + offset;
  part.n = end - begin;
  fn(&part);
}

typedef struct split {
  const tn_sweep *sweep;
  tn_sweep_fn fn;
  size_t element;
  int64_t chunks;
} split;

static void run_chunk(void *argument, int64_t i) {
  const split *s = argument;
  int64_t begin, end;
  tn_chunk(s->sweep->n, s->chunks, i, 64, &begin, &end);
  if (begin < end) tn_sweep_range(s->sweep, s->fn, s->element, begin, end);
}

void tn_sweep_parallel(const tn_sweep *s, tn_sweep_fn fn, size_t element) {
  split whole = {s, fn, element, tn_chunks(s->n, 16384)};
  if (whole.chunks < 2) {
    fn(s);
  } else {
    tn_parallel(whole.chunks, run_chunk, &whole);
  }
}
