/* Philox 4x32-10: seeding, skipping, state that steps share, and the choice of vector loops. */
#include "kernel/philox.h"

#include <math.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/random.h>

#include "base/isa.h"
#include "base/thread.h"

tn_philox tn_philox_seeded(uint64_t seed, uint64_t seed2) {
  return (tn_philox){{0, 0, (uint32_t)seed2, (uint32_t)(seed2 >> 32)}, {(uint32_t)seed, (uint32_t)(seed >> 32)}};
}

tn_philox tn_philox_stateless(uint64_t seed0, uint64_t seed1) {
  tn_philox mixer = {{(uint32_t)seed0, (uint32_t)(seed0 >> 32), (uint32_t)seed1, (uint32_t)(seed1 >> 32)},
                     {0x3ec8f720u, 0x02461e29u}};
  uint32_t mix[4];
  tn_philox_next(&mixer, mix);
  return (tn_philox){{0, 0, mix[2], mix[3]}, {mix[0], mix[1]}};
}

void tn_philox_skip(tn_philox *g, uint64_t n) {
  uint64_t low = tn_bits_to_u64(g->counter[0], g->counter[1]), sum = low + n;
  g->counter[0] = (uint32_t)sum;
  g->counter[1] = (uint32_t)(sum >> 32);
  if (sum < low && ++g->counter[2] == 0) g->counter[3]++;
}

void tn_philox_next(tn_philox *g, uint32_t out[4]) {
  uint32_t c0 = g->counter[0], c1 = g->counter[1], c2 = g->counter[2], c3 = g->counter[3];
  uint32_t k0 = g->key[0], k1 = g->key[1];
  for (int round = 0; round < 10; round++) {
    uint64_t p0 = (uint64_t)TN_PHILOX_M0 * c0, p1 = (uint64_t)TN_PHILOX_M1 * c2;
    c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
    c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
    c1 = (uint32_t)p1;
    c3 = (uint32_t)p0;
    k0 += TN_PHILOX_W0;
    k1 += TN_PHILOX_W1;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
  tn_philox_skip(g, 1);
}

/* 64 bits that nobody can foresee; the clock where the system gives none. */
static uint64_t entropy(void) {
  uint64_t bits = 0;
  if (getrandom(&bits, sizeof bits, 0) != (ssize_t)sizeof bits) bits = (uint64_t)tn_now_ns() * 0x9E3779B97F4A7C15u;
  return bits | 1;
}

tn_philox tn_philox_reserve(tn_philox *state, int64_t seed, int64_t seed2, uint64_t n) {
  /* The state is 24 bytes of a checkpoint, without room for a lock; these few are held for nanoseconds. */
  static atomic_flag locks[64];
  atomic_flag *lock = &locks[((uintptr_t)state >> 4) % 64];
  static const tn_philox unseeded;
  while (atomic_flag_test_and_set_explicit(lock, memory_order_acquire)) sched_yield();
  if (!memcmp(state, &unseeded, sizeof unseeded)) {
    bool given = seed || seed2;
    *state = tn_philox_seeded(given ? (uint64_t)seed : entropy(), given ? (uint64_t)seed2 : entropy());
  }
  tn_philox taken = *state;
  tn_philox_skip(state, n);
  atomic_flag_clear_explicit(lock, memory_order_release);
  return taken;
}

void tn_box_muller_float(uint32_t x0, uint32_t x1, float out[2]) {
  float u1 = tn_bits_to_float(x0);
  if (u1 < 1.0e-7f) u1 = 1.0e-7f;
  float v1 = (float)(2.0 * M_PI * (double)tn_bits_to_float(x1));
  float u2 = sqrtf(-2.0f * logf(u1));
  float sine, cosine;
  sincosf(v1, &sine, &cosine);
  out[0] = sine * u2;
  out[1] = cosine * u2;
}

void tn_box_muller_double(const uint32_t x[4], double out[2]) {
  double u1 = tn_bits_to_double(x[0], x[1]);
  if (u1 < 1.0e-7) u1 = 1.0e-7;
  double v1 = 2.0 * M_PI * tn_bits_to_double(x[2], x[3]);
  double u2 = sqrt(-2.0 * log(u1));
  double sine, cosine;
  sincos(v1, &sine, &cosine);
  out[0] = sine * u2;
  out[1] = cosine * u2;
}

static const tn_philox_loops *loops(void) {
  switch (tn_isa_active()) {
#if defined(__x86_64__)
  case TN_ISA_AVX512: return &tn_philox_avx512;
  case TN_ISA_AVX2: return &tn_philox_avx2;
#elif defined(__aarch64__)
  case TN_ISA_NEON: return &tn_philox_neon;
#endif
  default: return &tn_philox_generic;
  }
}

void tn_philox_blocks(const tn_philox *g, uint32_t *out, int64_t n) { loops()->blocks(g, out, n); }
void tn_philox_uniform(const tn_philox *g, float *out, int64_t n) { loops()->uniform(g, out, n); }
