/* MD5. */
#include "base/md5.h"

#include <string.h>

/* The fractional parts of |sin(i + 1)|, times 2^32. */
static const uint32_t sines[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};
static const unsigned char turns[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

static void mix(tn_md5 *sum, const unsigned char *block) {
  uint32_t word[16], a = sum->state[0], b = sum->state[1], c = sum->state[2], d = sum->state[3];
  memcpy(word, block, sizeof word); /* little-endian, as all machines are that we run on */
  for (int i = 0; i < 64; i++) {
    int round = i / 16, place = i;
    uint32_t f = (b & c) | (~b & d);
    if (round == 1) f = (d & b) | (~d & c), place = 5 * i + 1;
    if (round == 2) f = b ^ c ^ d, place = 3 * i + 5;
    if (round == 3) f = c ^ (b | ~d), place = 7 * i;
    f += a + sines[i] + word[place % 16];
    int turn = turns[round][i % 4];
    a = d;
    d = c;
    c = b;
    b += (f << turn) | (f >> (32 - turn));
  }
  sum->state[0] += a;
  sum->state[1] += b;
  sum->state[2] += c;
  sum->state[3] += d;
}

void tn_md5_begin(tn_md5 *sum) { *sum = (tn_md5){.state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}}; }

void tn_md5_add(tn_md5 *sum, const void *data, size_t size) {
  const unsigned char *from = data;
  size_t there = sum->size % 64;
  sum->size += size;
  if (there) {
    size_t n = size < 64 - there ? size : 64 - there;
    memcpy(sum->rest + there, from, n);
    if (there + n < 64) return;
    mix(sum, sum->rest);
    from += n;
    size -= n;
  }
  for (; size >= 64; from += 64, size -= 64) mix(sum, from);
  if (size) memcpy(sum->rest, from, size);
}

void tn_md5_end(tn_md5 *sum, unsigned char out[16]) {
  static const unsigned char padding[64] = {0x80};
  uint64_t bits = sum->size * 8;
  tn_md5_add(sum, padding, 1 + (119 - sum->size % 64) % 64);
  tn_md5_add(sum, &bits, sizeof bits);
  memcpy(out, sum->state, 16);
}

void tn_md5_text(const unsigned char sum[16], char out[33]) {
  for (int i = 0; i < 16; i++) {
    out[2 * i] = "0123456789abcdef"[sum[i] >> 4];
    out[2 * i + 1] = "0123456789abcdef"[sum[i] & 15];
  }
  out[32] = 0;
}
