/* Philox: known answers, skipping over carries, vectors against the plain loop, and state that threads share. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/isa.h"
#include "kernel/philox.h"

/* From the paper's own test vectors. */
static void test_known_answers(void **state) {
  (void)state;
  static const struct {
    tn_philox g;
    uint32_t want[4];
  } known[] = {
      {{{0, 0, 0, 0}, {0, 0}}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{{~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    tn_philox g = known[i].g;
    uint32_t got[4];
    tn_philox_next(&g, got);
    assert_memory_equal(got, known[i].want, sizeof got);
  }
}

/* A counter whose carries run through all its words after few blocks. */
static tn_philox near_overflow(void) { return (tn_philox){{0xfffffffau, ~0u, ~0u, 7}, {1, 2}}; }

static void test_skip(void **state) {
  (void)state;
  tn_philox walked = near_overflow();
  for (uint64_t n = 0; n < 20; n++) {
    tn_philox skipped = near_overflow();
    tn_philox_skip(&skipped, n);
    assert_memory_equal(&skipped, &walked, sizeof walked);
    uint32_t ignored[4];
    tn_philox_next(&walked, ignored);
  }
  assert_int_equal(walked.counter[3], 8);
  tn_philox far = near_overflow();
  tn_philox_skip(&far, UINT64_MAX);
  assert_int_equal(far.counter[0], 0xfffffff9u);
  assert_int_equal(far.counter[2], 0);
}

static void check_loops(const tn_philox_loops *loops) {
  enum { MOST = 70 };
  uint32_t want[4 * MOST], got[4 * MOST + 1];
  float numbers[4 * MOST + 1];
  tn_philox walked = near_overflow(), g = near_overflow();
  for (int i = 0; i < MOST; i++) tn_philox_next(&walked, want + 4 * i);
  for (int n = 0; n <= MOST; n++) {
    got[4 * n] = 0xabcdef01u;
    numbers[4 * n] = -1;
    loops->blocks(&g, got, n);
    loops->uniform(&g, numbers, n);
    assert_memory_equal(got, want, (size_t)n * 16);
    for (int i = 0; i < 4 * n; i++) assert_true(numbers[i] == tn_bits_to_float(want[i]));
    assert_int_equal(got[4 * n], 0xabcdef01u); /* nothing is written behind the end */
    assert_true(numbers[4 * n] == -1);
  }
}

static void test_vectors(void **state) {
  (void)state;
  check_loops(&tn_philox_generic);
#if defined(__x86_64__)
  if (tn_isa_active() >= TN_ISA_AVX2) check_loops(&tn_philox_avx2);
  if (tn_isa_active() >= TN_ISA_AVX512) check_loops(&tn_philox_avx512);
#elif defined(__aarch64__)
  check_loops(&tn_philox_neon);
#endif
}

static void test_stream(void **state) {
  (void)state;
  tn_philox g = tn_philox_seeded(3, 4);
  uint32_t want[8];
  tn_philox_blocks(&g, want, 2);
  tn_philox_stream s = tn_philox_stream_of(&g);
  for (int i = 0; i < 8; i++) assert_int_equal(tn_philox_one(&s), want[i]);
}

static void test_reserve(void **state) {
  (void)state;
  tn_philox kept = {0}, plain = tn_philox_seeded(5, 6);
  for (uint64_t n = 1; n < 5; n++) {
    tn_philox taken = tn_philox_reserve(&kept, 5, 6, n);
    assert_memory_equal(&taken, &plain, sizeof plain);
    tn_philox_skip(&plain, n);
  }
  tn_philox one = {0}, other = {0};
  tn_philox a = tn_philox_reserve(&one, 0, 0, 1), b = tn_philox_reserve(&other, 0, 0, 1);
  assert_memory_not_equal(&a, &b, sizeof a); /* without seeds nobody can foresee them */
}

enum { TAKES = 2000 };

static void *take_many(void *argument) {
  uint64_t sum = 0;
  for (int i = 0; i < TAKES; i++) sum += tn_philox_reserve(argument, 1, 2, 3).counter[0];
  return (void *)(uintptr_t)sum;
}

/* Every block is given to one thread only. */
static void test_shared(void **state) {
  (void)state;
  pthread_t threads[4];
  tn_philox kept = {0};
  uint64_t sum = 0;
  for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, take_many, &kept), 0);
  for (int i = 0; i < 4; i++) {
    void *result;
    pthread_join(threads[i], &result);
    sum += (uintptr_t)result;
  }
  uint64_t n = 4 * TAKES;
  assert_int_equal(kept.counter[0], 3 * n);
  assert_int_equal(sum, 3 * (n * (n - 1) / 2));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_known_answers), cmocka_unit_test(test_skip),    cmocka_unit_test(test_vectors),
      cmocka_unit_test(test_stream),        cmocka_unit_test(test_reserve), cmocka_unit_test(test_shared),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
