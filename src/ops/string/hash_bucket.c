/* StringToHashBucketFast and StringToHashBucket: strings as numbers below a bound, by the fingerprint of FarmHash (64
 * bits) and by MurmurHash64A. The values are part of trained models: they must never change. */
#include <string.h>

#include "ops/string/string_array.h"

/* --- FarmHash's 64-bit fingerprint --- */

#define K0 0xc3a5c85c97cb3127u
#define K1 0xb492b66fbe98f273u
#define K2 0x9ae16a3b2f90404fu

static uint64_t load64(const char *s) {
  uint64_t v;
  memcpy(&v, s, sizeof v);
  return v;
}
static uint64_t load32(const char *s) {
  uint32_t v;
  memcpy(&v, s, sizeof v);
  return v;
}
static uint64_t turn(uint64_t v, int by) { return v >> by | v << (64 - by); }
static uint64_t mix(uint64_t v) { return v ^ v >> 47; }

static uint64_t join(uint64_t u, uint64_t v, uint64_t by) {
  uint64_t a = mix((u ^ v) * by);
  return mix((v ^ a) * by) * by;
}

static uint64_t up_to_16(const char *s, uint64_t n) {
  uint64_t by = K2 + n * 2;
  if (n >= 8) {
    uint64_t a = load64(s) + K2, b = load64(s + n - 8);
    return join(turn(b, 37) * by + a, (turn(a, 25) + b) * by, by);
  }
  if (n >= 4) return join(n + (load32(s) << 3), load32(s + n - 4), by);
  if (n == 0) return K2;
  uint32_t first = (unsigned char)s[0], middle = (unsigned char)s[n >> 1], last = (unsigned char)s[n - 1];
  return mix((first + (middle << 8)) * K2 ^ ((uint32_t)n + (last << 2)) * K0) * K2;
}

static uint64_t up_to_32(const char *s, uint64_t n) {
  uint64_t by = K2 + n * 2, a = load64(s) * K1, b = load64(s + 8), c = load64(s + n - 8) * by,
           d = load64(s + n - 16) * K2;
  return join(turn(a + b, 43) + turn(c, 30) + d, a + turn(b + K2, 18) + c, by);
}

static uint64_t up_to_64(const char *s, uint64_t n) {
  uint64_t by = K2 + n * 2, a = load64(s) * K2, b = load64(s + 8), c = load64(s + n - 8) * by,
           d = load64(s + n - 16) * K2;
  uint64_t y = turn(a + b, 43) + turn(c, 30) + d, z = join(y, a + turn(b + K2, 18) + c, by);
  uint64_t e = load64(s + 16) * by, f = load64(s + 24), g = (y + load64(s + n - 32)) * by,
           h = (z + load64(s + n - 24)) * by;
  return join(turn(e + f, 43) + turn(g, 30) + h, e + turn(f + a, 18) + g, by);
}

typedef struct pair {
  uint64_t first, second;
} pair;

/* 32 bytes stirred into two words. */
static pair stir(const char *s, uint64_t a, uint64_t b) {
  uint64_t w = load64(s), x = load64(s + 8), y = load64(s + 16), z = load64(s + 24);
  a += w;
  b = turn(b + a + z, 21);
  uint64_t c = a;
  a += x + y;
  b += turn(a, 44);
  return (pair){a + z, b + c};
}

/* The state of long strings, and one round over 64 bytes. NINE is 9 in the last round, else 1. */
typedef struct state {
  uint64_t x, y, z;
  pair v, w;
} state;

static void round64(state *t, const char *s, uint64_t by, uint64_t nine) {
  t->x = turn(t->x + t->y + t->v.first + load64(s + 8), 37) * by;
  t->y = turn(t->y + t->v.second + load64(s + 48), 42) * by;
  t->x ^= t->w.second * nine;
  t->y += t->v.first * nine + load64(s + 40);
  t->z = turn(t->z + t->w.first, 33) * by;
  t->v = stir(s, t->v.second * by, t->x + t->w.first);
  t->w = stir(s + 32, t->z + t->w.second, t->y + load64(s + 16));
  uint64_t x = t->x;
  t->x = t->z;
  t->z = x;
}

uint64_t tn_fingerprint64(const char *s, uint64_t n) {
  if (n <= 16) return up_to_16(s, n);
  if (n <= 32) return up_to_32(s, n);
  if (n <= 64) return up_to_64(s, n);
  state t = {.x = 81 * K2 + load64(s), .y = 81 * K1 + 113};
  t.z = mix(t.y * K2 + 113) * K2;
  uint64_t rest = (n - 1) & 63;
  const char *last = s + n - 64;
  for (const char *end = s + (n - 1) / 64 * 64; s != end; s += 64) round64(&t, s, K1, 1);
  uint64_t by = K1 + ((t.z & 0xff) << 1);
  t.w.first += rest;
  t.v.first += t.w.first;
  t.w.first += t.v.first;
  round64(&t, last, by, 9);
  return join(join(t.v.first, t.w.first, by) + mix(t.y) * K0 + t.z, join(t.v.second, t.w.second, by) + t.x, by);
}

static uint64_t fold_high(uint64_t x) { return x ^ x >> 47; }

uint64_t tn_fingerprint_join(uint64_t a, uint64_t b) {
  const uint64_t by = 0xc6a4a7935bd1e995u;
  const uint64_t x = (a ^ by) ^ fold_high(b * by) * by;
  return fold_high(fold_high(x * by) * by);
}

uint64_t tn_feature_hash(uint64_t h, const tn_tensor *values, int64_t i) {
  if (values->dtype != TN_STRING) return tn_fingerprint_join(h, (uint64_t)TN_DATA(int64_t, values)[i]);
  const tn_string s = tn_strings_of(values)[i];
  return tn_fingerprint_join(h, tn_fingerprint64(s.size ? s.data : "", s.size));
}

void tn_feature_text(tn_str *text, const tn_tensor *values, int64_t i) {
  if (values->dtype == TN_STRING)
    tn_str_add_bytes(text, tn_strings_of(values)[i].data, tn_strings_of(values)[i].size);
  else
    tn_str_addf(text, "%lld", (long long)TN_DATA(int64_t, values)[i]);
}

/* --- FarmHash's 128-bit fingerprint, which is CityHash128 --- */

static uint64_t join16(uint64_t u, uint64_t v) { return join(u, v, 0x9ddfea08eb382d69u); }

/* Fewer than 128 bytes. */
static pair short128(const char *s, uint64_t n, uint64_t a, uint64_t b) {
  uint64_t c, d;
  if (n <= 16) {
    a = mix(a * K1) * K1;
    c = b * K1 + up_to_16(s, n);
    d = mix(a + (n >= 8 ? load64(s) : c));
  } else {
    c = join16(load64(s + n - 8) + K1, a);
    d = join16(b + n, c + load64(s + n - 16));
    a += d;
    for (int64_t left = (int64_t)n - 16; left > 0; left -= 16, s += 16) {
      a = (a ^ mix(load64(s) * K1) * K1) * K1;
      b ^= a;
      c = (c ^ mix(load64(s + 8) * K1) * K1) * K1;
      d ^= c;
    }
  }
  a = join16(a, c);
  b = join16(d, b);
  return (pair){a ^ b, join16(b, a)};
}

static pair long128(const char *s, uint64_t n, uint64_t low, uint64_t high) {
  state t = {.x = low, .y = high, .z = n * K1};
  t.v.first = turn(t.y ^ K1, 49) * K1 + load64(s);
  t.v.second = turn(t.v.first, 42) * K1 + load64(s + 8);
  t.w.first = turn(t.y + t.z, 35) * K1 + t.x;
  t.w.second = turn(t.x + load64(s + 88), 53) * K1;
  for (; n >= 128; n -= 128, s += 128) {
    round64(&t, s, K1, 1);
    round64(&t, s + 64, K1, 1);
  }
  t.x += turn(t.v.first + t.z, 49) * K0;
  t.y = t.y * K0 + turn(t.w.second, 37);
  t.z = t.z * K0 + turn(t.w.first, 27);
  t.w.first *= 9;
  t.v.first *= K0;
  for (uint64_t done = 0; done < n;) {
    done += 32;
    const char *at = s + n - done; /* the last may begin in bytes that were read before */
    t.y = turn(t.x + t.y, 42) * K0 + t.v.second;
    t.w.first += load64(at + 16);
    t.x = t.x * K0 + t.w.first;
    t.z += t.w.second + load64(at);
    t.w.second += t.v.first;
    t.v = stir(at, t.v.first + t.z, t.v.second);
    t.v.first *= K0;
  }
  uint64_t x = join16(t.x, t.v.first), y = join16(t.y + t.z, t.w.first);
  return (pair){join16(x + t.v.second, t.w.second) + y, join16(x + t.w.second, y + t.v.second)};
}

void tn_fingerprint128(const char *s, uint64_t n, uint64_t out[2]) {
  uint64_t low = K0, high = K1;
  if (n >= 16) {
    low = load64(s);
    high = load64(s + 8) + K0;
    s += 16;
    n -= 16;
  }
  pair found = n < 128 ? short128(s, n, low, high) : long128(s, n, low, high);
  out[0] = found.first;
  out[1] = found.second;
}

/* --- MurmurHash64A, with the seed that TensorFlow's older op has --- */

static uint64_t murmur(const char *s, uint64_t n) {
  const uint64_t m = 0xc6a4a7935bd1e995u;
  uint64_t h = 0xdecafcaffeu ^ n * m;
  for (; n >= 8; n -= 8, s += 8) {
    uint64_t k = load64(s) * m;
    h = (h ^ (k ^ k >> 47) * m) * m;
  }
  if (n > 0) {
    uint64_t tail = 0;
    memcpy(&tail, s, n);
    h = (h ^ tail) * m;
  }
  h = mix(h) * m;
  return mix(h);
}

/* --- the ops --- */

static tn_error *bucket_prepare(tn_prepare *p) { return tn_prepare_output(p, 0, &p->inputs[0].shape); }

static tn_error *bucket_run(tn_run *r, uint64_t (*hash)(const char *, uint64_t)) {
  uint64_t buckets = (uint64_t)tn_node_get_int(r->node, "num_buckets");
  for (int64_t i = 0; i < tn_elements(r->inputs[0]); i++) {
    tn_string s = tn_strings_of(r->inputs[0])[i];
    TN_DATA(int64_t, r->outputs[0])[i] = (int64_t)(hash(s.size ? s.data : "", s.size) % buckets);
  }
  return NULL;
}

static tn_error *fast_run(tn_run *r) { return bucket_run(r, tn_fingerprint64); }
static tn_error *old_run(tn_run *r) { return bucket_run(r, murmur); }

static const tn_kernel_def fast_kernels[] = {{.name = "reference", .prepare = bucket_prepare, .run = fast_run}, {0}};
static const tn_kernel_def old_kernels[] = {{.name = "reference", .prepare = bucket_prepare, .run = old_run}, {0}};

TN_OP(StringToHashBucketFast, .inputs = "input: string", .outputs = "output: int64", .attrs = "num_buckets: int >= 1",
      .doc = "Each string's FarmHash fingerprint modulo NUM_BUCKETS.", .flags = TN_OP_NO_GRADIENT,
      .shape = tn_shape_unchanged, .kernels = fast_kernels);

TN_OP(StringToHashBucket, .inputs = "string_tensor: string", .outputs = "output: int64",
      .attrs = "num_buckets: int >= 1", .doc = "Each string's MurmurHash64A modulo NUM_BUCKETS.",
      .flags = TN_OP_NO_GRADIENT, .shape = tn_shape_unchanged, .kernels = old_kernels);
