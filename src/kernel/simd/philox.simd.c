/* Philox 4x32-10 over many counters at once, compiled once per instruction set. */
#include "kernel/philox.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* A counter word sits in the low half of a 64-bit lane; the high half may hold anything. */
#if defined(__AVX512F__)
enum { WIDTH = 8 };
typedef uint64_t lanes __attribute__((vector_size(64)));
#define MULTIPLY(a, b)    ((lanes)_mm512_mul_epu32((__m512i)(a), (__m512i)(b)))
#define FIRST_HALF(a, b)  __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define SECOND_HALF(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#elif defined(__AVX2__)
enum { WIDTH = 4 };
typedef uint64_t lanes __attribute__((vector_size(32)));
#define MULTIPLY(a, b)    ((lanes)_mm256_mul_epu32((__m256i)(a), (__m256i)(b)))
#define FIRST_HALF(a, b)  __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define SECOND_HALF(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#else
enum { WIDTH = 2 };
typedef uint64_t lanes __attribute__((vector_size(16)));
#if defined(__x86_64__)
#define MULTIPLY(a, b) ((lanes)_mm_mul_epu32((__m128i)(a), (__m128i)(b)))
#else
#define MULTIPLY(a, b) (((a)&LOW) * ((b)&LOW))
#endif
#define FIRST_HALF(a, b)  __builtin_shufflevector(a, b, 0, 2)
#define SECOND_HALF(a, b) __builtin_shufflevector(a, b, 1, 3)
#endif

/* Vectors side by side, so that multiplications overlap. */
enum { CHAINS = 2, BLOCKS = CHAINS * WIDTH };
#define LOW ((lanes){0} + 0xffffffffu)

/* BLOCKS blocks from number FIRST of G on, in the order of the generator. */
static inline void compute(const tn_philox *g, uint64_t first, lanes out[2 * CHAINS]) {
  uint64_t base = tn_bits_to_u64(g->counter[0], g->counter[1]) + first;
  uint64_t top = tn_bits_to_u64(g->counter[2], g->counter[3]) + (base < first);
  lanes c0[CHAINS], c1[CHAINS], c2[CHAINS], c3[CHAINS];
  for (int j = 0; j < CHAINS; j++) {
    lanes count = {0};
    for (int i = 0; i < WIDTH; i++) count[i] = (uint64_t)(j * WIDTH + i);
    lanes low = base + count, high = top - (lanes)(low < count); /* a true comparison is -1: the carry */
    c0[j] = low;
    c1[j] = low >> 32;
    c2[j] = high;
    c3[j] = high >> 32;
  }
  const lanes m0 = (lanes){0} + TN_PHILOX_M0, m1 = (lanes){0} + TN_PHILOX_M1;
  uint32_t k0 = g->key[0], k1 = g->key[1];
  for (int round = 0; round < 10; round++) {
    for (int j = 0; j < CHAINS; j++) {
      lanes p0 = MULTIPLY(m0, c0[j]), p1 = MULTIPLY(m1, c2[j]);
      c0[j] = p1 >> 32 ^ c1[j] ^ (uint64_t)k0;
      c2[j] = p0 >> 32 ^ c3[j] ^ (uint64_t)k1;
      c1[j] = p1;
      c3[j] = p0;
    }
    k0 += TN_PHILOX_W0;
    k1 += TN_PHILOX_W1;
  }
  for (int j = 0; j < CHAINS; j++) {
    lanes front = (c0[j] & LOW) | c1[j] << 32, back = (c2[j] & LOW) | c3[j] << 32;
    out[2 * j] = FIRST_HALF(front, back);
    out[2 * j + 1] = SECOND_HALF(front, back);
  }
}

static void blocks(const tn_philox *g, uint32_t *out, int64_t n) {
  for (int64_t first = 0; first < n; first += BLOCKS) {
    lanes r[2 * CHAINS];
    compute(g, (uint64_t)first, r);
    int64_t left = n - first;
    memcpy(out + 4 * first, r, left < BLOCKS ? (size_t)left * 16 : sizeof r);
  }
}

static void uniform(const tn_philox *g, float *out, int64_t n) {
  typedef uint32_t words __attribute__((vector_size(sizeof(lanes))));
  typedef float floats __attribute__((vector_size(sizeof(lanes))));
  for (int64_t first = 0; first < n; first += BLOCKS) {
    lanes r[2 * CHAINS];
    floats f[2 * CHAINS];
    compute(g, (uint64_t)first, r);
    for (int j = 0; j < 2 * CHAINS; j++) f[j] = (floats)(((words)r[j] & 0x7fffffu) | 0x3f800000u) - 1.0f;
    int64_t left = n - first;
    memcpy(out + 4 * first, f, left < BLOCKS ? (size_t)left * 16 : sizeof f);
  }
}

#define JOIN(a, b) a##b
#define LOOPS(isa) JOIN(tn_philox_, isa)

const tn_philox_loops LOOPS(TN_ISA) = {blocks, uniform};
