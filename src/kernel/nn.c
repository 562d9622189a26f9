/* The choice of the neural network loops. */
#include "kernel/nn.h"

#include "base/isa.h"

const tn_nn *tn_nn_active(void) {
  switch (tn_isa_active()) {
#if defined(__x86_64__)
  case TN_ISA_AVX512: return &tn_nn_avx512;
  case TN_ISA_AVX2: return &tn_nn_avx2;
#elif defined(__aarch64__)
  case TN_ISA_NEON: return &tn_nn_neon;
#endif
  default: return &tn_nn_generic;
  }
}
