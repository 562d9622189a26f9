/* Fills the tables of micro-operations when they are first asked for, and picks one. */
#include "kernel/simd/simd.h"

#include <pthread.h>
#include <string.h>

static tn_simd tables[TN_ISA_AVX512 + 1];
static pthread_once_t once = PTHREAD_ONCE_INIT;

#define FILL(PART, ISA) tn_simd_fill_##PART##_##ISA(table);

static void fill_generic(tn_simd *table) { TN_SIMD_PARTS(FILL, generic) }
#if defined(__x86_64__)
static void fill_avx2(tn_simd *table) { TN_SIMD_PARTS(FILL, avx2) }
static void fill_avx512(tn_simd *table) { TN_SIMD_PARTS(FILL, avx512) }
#elif defined(__aarch64__)
static void fill_neon(tn_simd *table) { TN_SIMD_PARTS(FILL, neon) }
#endif

static bool has(tn_isa isa) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (isa == TN_ISA_AVX2) return avx2;
  if (isa == TN_ISA_AVX512)
    return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#elif defined(__aarch64__)
  if (isa == TN_ISA_NEON) return true;
#endif
  return isa == TN_ISA_GENERIC;
}

/* Even the code that fills a table uses its instruction set. */
static void fill_all(void) {
  fill_generic(&tables[TN_ISA_GENERIC]);
#if defined(__x86_64__)
  if (has(TN_ISA_AVX2)) fill_avx2(&tables[TN_ISA_AVX2]);
  if (has(TN_ISA_AVX512)) fill_avx512(&tables[TN_ISA_AVX512]);
#elif defined(__aarch64__)
  fill_neon(&tables[TN_ISA_NEON]);
#endif
}

const tn_simd *tn_simd_active(void) {
  pthread_once(&once, fill_all);
  return &tables[tn_isa_active()];
}

const tn_simd *tn_simd_for(tn_isa isa) {
  pthread_once(&once, fill_all);
  return has(isa) ? &tables[isa] : NULL;
}
