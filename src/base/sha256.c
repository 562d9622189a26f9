/* SHA-256. The constants are computed as the standard defines them: roots of the first primes. */
#include "base/sha256.h"

#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint32_t constants[64], start[8];
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* The first 32 bits of the fraction of the DEGREE-th root of N, exact by integer search: r^degree <= n * 2^(32 degree).
 */
static uint32_t root_bits(unsigned n, int degree) {
  uint64_t root = (uint64_t)((degree == 2 ? sqrtl(n) : cbrtl(n)) * 4294967296.0L);
  for (uint64_t r = root + 2;; r--) {
    unsigned __int128 power = (unsigned __int128)r * r * (degree == 2 ? 1 : r);
    bool fits = power <= (unsigned __int128)n << 32 * degree;
    if (fits) return (uint32_t)r;
  }
}

static void fill(void) {
  int count = 0;
  for (unsigned n = 2; count < 64; n++) {
    int prime = 1;
    for (unsigned d = 2; d * d <= n; d++) prime &= n % d != 0;
    if (!prime) continue;
    if (count < 8) start[count] = root_bits(n, 2);
    constants[count++] = root_bits(n, 3);
  }
}

static uint32_t turn(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void block(uint32_t state[8], const unsigned char *p) {
  uint32_t w[64], s[8];
  for (int i = 0; i < 16; i++)
    w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 | (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
  for (int i = 16; i < 64; i++) {
    uint32_t a = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3;
    uint32_t b = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + a + w[i - 7] + b;
  }
  memcpy(s, state, sizeof s);
  for (int i = 0; i < 64; i++) {
    uint32_t e = turn(s[4], 6) ^ turn(s[4], 11) ^ turn(s[4], 25), choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
    uint32_t first = s[7] + e + choice + constants[i] + w[i];
    uint32_t a = turn(s[0], 2) ^ turn(s[0], 13) ^ turn(s[0], 22);
    uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
    memmove(s + 1, s, 7 * sizeof *s);
    s[4] += first;
    s[0] = first + a + majority;
  }
  for (int i = 0; i < 8; i++) state[i] += s[i];
}

void tn_sha256(const void *data, size_t size, char out[65]) {
  pthread_once(&once, fill);
  uint32_t state[8];
  memcpy(state, start, sizeof state);
  const unsigned char *p = data;
  size_t left = size;
  for (; left >= 64; left -= 64, p += 64) block(state, p);
  unsigned char last[128] = {0};
  if (left) memcpy(last, p, left);
  last[left] = 0x80;
  size_t total = left < 56 ? 64 : 128;
  for (int i = 0; i < 8; i++) last[total - 1 - (size_t)i] = (unsigned char)((uint64_t)size * 8 >> 8 * i);
  for (size_t i = 0; i < total; i += 64) block(state, last + i);
  for (int i = 0; i < 8; i++) snprintf(out + 8 * i, 9, "%08x", state[i]);
}
