/* StringToHashBucketStrong: SipHash-2-4 under a key. */
#include <string.h>

#include "ops/string/string_array.h"

static uint64_t turn(uint64_t x, int by) { return x << by | x >> (64 - by); }

static void rounds(uint64_t v[4], int n) {
  while (n-- > 0) {
    v[0] += v[1];
    v[2] += v[3];
    v[1] = turn(v[1], 13) ^ v[0];
    v[3] = turn(v[3], 16) ^ v[2];
    v[0] = turn(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = turn(v[1], 17) ^ v[2];
    v[3] = turn(v[3], 21) ^ v[0];
    v[2] = turn(v[2], 32);
  }
}

static uint64_t hash(const int64_t *key, tn_string s) {
  uint64_t k0 = (uint64_t)key[0], k1 = (uint64_t)key[1], word;
  uint64_t v[4] = {k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du, k0 ^ 0x6c7967656e657261u,
                   k1 ^ 0x7465646279746573u};
  size_t i = 0;
  for (; i + 8 <= s.size; i += 8) {
    memcpy(&word, s.data + i, 8);
    v[3] ^= word;
    rounds(v, 2);
    v[0] ^= word;
  }
  word = (uint64_t)s.size << 56;
  for (size_t k = 0; i + k < s.size; k++) word |= (uint64_t)(unsigned char)s.data[i + k] << (8 * k);
  v[3] ^= word;
  rounds(v, 2);
  v[0] ^= word;
  v[2] ^= 0xff;
  rounds(v, 4);
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static tn_error *prepare(tn_prepare *p) {
  const int64_t *key;
  if (tn_node_get_ints(p->node, "key", &key) != 2)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Key must have 2 elements");
  return tn_prepare_output(p, 0, &p->inputs[0].shape);
}

static tn_error *run(tn_run *r) {
  const int64_t *key;
  tn_node_get_ints(r->node, "key", &key);
  const uint64_t buckets = (uint64_t)tn_node_get_int(r->node, "num_buckets");
  for (int64_t i = 0; i < tn_elements(r->inputs[0]); i++)
    TN_DATA(int64_t, r->outputs[0])[i] = (int64_t)(hash(key, tn_strings_of(r->inputs[0])[i]) % buckets);
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(StringToHashBucketStrong, .inputs = "input: string", .outputs = "output: int64",
      .attrs = "num_buckets: int >= 1; key: list(int)", .doc = "Each string's SipHash under KEY, modulo NUM_BUCKETS.",
      .flags = TN_OP_NO_GRADIENT, .shape = tn_shape_unchanged, .kernels = kernels);
