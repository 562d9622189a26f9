/* Philox 4x32-10, the counter-based generator behind all random ops, with TensorFlow's seeding and its conversions. */
#ifndef TN_KERNEL_PHILOX_H
#define TN_KERNEL_PHILOX_H

#include <stdint.h>
#include <string.h>

/* The next block of four numbers is a function of COUNTER and KEY. All zero: not seeded yet (as state of a node). */
typedef struct tn_philox {
  uint32_t counter[4];
  uint32_t key[2];
} tn_philox;

/* The generator that TensorFlow's stateful ops start with. */
tn_philox tn_philox_seeded(uint64_t seed, uint64_t seed2);
/* The generator of the stateless ops: the two seeds mixed into key and counter. */
tn_philox tn_philox_stateless(uint64_t seed0, uint64_t seed1);
/* Passes over N blocks. */
void tn_philox_skip(tn_philox *g, uint64_t n);
/* The next block. */
void tn_philox_next(tn_philox *g, uint32_t out[4]);

/* State shared by steps: seeds it on first use (both seeds 0: from the system's entropy) and takes N blocks from it.
 * Safe from several threads. */
tn_philox tn_philox_reserve(tn_philox *state, int64_t seed, int64_t seed2, uint64_t n);

/* N blocks from G on, as numbers, and as floats in [0, 1): both with vectors. G stays as it is. */
void tn_philox_blocks(const tn_philox *g, uint32_t *out, int64_t n);
void tn_philox_uniform(const tn_philox *g, float *out, int64_t n);

/* One number after the other. */
typedef struct tn_philox_stream {
  tn_philox generator;
  uint32_t block[4];
  int used;
} tn_philox_stream;
static inline tn_philox_stream tn_philox_stream_of(const tn_philox *g) { return (tn_philox_stream){*g, {0}, 4}; }
static inline uint32_t tn_philox_one(tn_philox_stream *s) {
  if (s->used == 4) {
    tn_philox_next(&s->generator, s->block);
    s->used = 0;
  }
  return s->block[s->used++];
}

/* --- TensorFlow's conversions of random bits to [0, 1): the bits fill the mantissa of a number in [1, 2) --- */
static inline float tn_bits_to_float(uint32_t x) {
  union {
    uint32_t u;
    float f;
  } v = {.u = 0x3f800000u | (x & 0x7fffffu)};
  return v.f - 1.0f;
}
static inline double tn_bits_to_double(uint32_t x0, uint32_t x1) {
  union {
    uint64_t u;
    double d;
  } v = {.u = 0x3ff0000000000000u | (uint64_t)(x0 & 0xfffffu) << 32 | x1};
  return v.d - 1.0;
}
static inline uint64_t tn_bits_to_u64(uint32_t x0, uint32_t x1) { return x0 | (uint64_t)x1 << 32; }
/* The Box-Muller transform: two normal numbers from two (four) words. */
void tn_box_muller_float(uint32_t x0, uint32_t x1, float out[2]);
void tn_box_muller_double(const uint32_t x[4], double out[2]);

/* --- the vector loops, one per instruction set --- */
typedef struct tn_philox_loops {
  void (*blocks)(const tn_philox *g, uint32_t *out, int64_t n);
  void (*uniform)(const tn_philox *g, float *out, int64_t n);
} tn_philox_loops;
extern const tn_philox_loops tn_philox_generic, tn_philox_neon, tn_philox_avx2, tn_philox_avx512;

/* One block from counter words C in place: for the loops. */
#define TN_PHILOX_M0 0xD2511F53u
#define TN_PHILOX_M1 0xCD9E8D57u
#define TN_PHILOX_W0 0x9E3779B9u
#define TN_PHILOX_W1 0xBB67AE85u

#endif
