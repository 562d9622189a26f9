/* Which instruction set this process uses. */
#include "base/isa.h"
#include <stdbool.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static tn_isa active;
static pthread_once_t once = PTHREAD_ONCE_INIT;

const char *tn_isa_name(tn_isa isa) {
  static const char *const names[] = {"generic", "neon", "avx2", "avx512"};
  return names[isa];
}

static tn_isa best(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return TN_ISA_GENERIC;
  bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
              __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  return wide ? TN_ISA_AVX512 : TN_ISA_AVX2;
#elif defined(__aarch64__)
  return TN_ISA_NEON;
#else
  return TN_ISA_GENERIC;
#endif
}

static bool supported(tn_isa wanted, tn_isa limit) {
  if (wanted == TN_ISA_GENERIC) return true;
  if (limit == TN_ISA_NEON || wanted == TN_ISA_NEON) return wanted == limit;
  return wanted <= limit;
}

static void choose(void) {
  tn_isa limit = best();
  active = limit;
  const char *wanted = getenv("TENON_ISA");
  if (!wanted || !*wanted) return;
  for (int i = TN_ISA_GENERIC; i <= TN_ISA_AVX512; i++) {
    if (strcmp(wanted, tn_isa_name((tn_isa)i)) || !supported((tn_isa)i, limit)) continue;
    active = (tn_isa)i;
    return;
  }
  fprintf(stderr, "tenon: TENON_ISA=%s is not one of generic, neon, avx2, avx512 that this processor has; using %s\n",
          wanted, tn_isa_name(active));
}

tn_isa tn_isa_active(void) {
  pthread_once(&once, choose);
  return active;
}
