/* The instruction sets that code is compiled for, and the one that this process uses. */
#ifndef TN_BASE_ISA_H
#define TN_BASE_ISA_H

typedef enum tn_isa { TN_ISA_GENERIC, TN_ISA_NEON, TN_ISA_AVX2, TN_ISA_AVX512 } tn_isa;

/* The best one that the processor has, or the one that TENON_ISA (generic, neon, avx2, avx512) names if it has that. */
tn_isa tn_isa_active(void);
const char *tn_isa_name(tn_isa isa);

#endif
