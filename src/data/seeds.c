/* Seeds of shuffles. */
#include "data/seeds.h"

#include "base/alloc.h"
#include "base/thread.h"
#include "kernel/philox.h"

struct tn_seeds {
  tn_object object;
  pthread_mutex_t mutex;
  bool fixed;
  int64_t seeds[2];
  tn_philox_stream stream;
};

static void destroy(tn_object *object) {
  pthread_mutex_destroy(&((tn_seeds *)object)->mutex);
  tn_free(object);
}

static void begin(tn_seeds *s) {
  tn_philox p = tn_philox_seeded((uint64_t)s->seeds[0], (uint64_t)s->seeds[1]);
  s->stream = tn_philox_stream_of(&p);
}

tn_error *tn_seeds_new(int64_t seed, int64_t seed2, bool fixed, tn_seeds **out) {
  tn_seeds *s = tn_calloc(1, sizeof *s);
  if (!s) return tn_out_of_memory();
  atomic_init(&s->object.refs, 1);
  s->object.type = TN_SEEDS_TYPE;
  s->object.destroy = destroy;
  pthread_mutex_init(&s->mutex, NULL);
  if (seed == 0 && seed2 == 0) {
    tn_philox fresh = {{0}, {0}};
    fresh = tn_philox_reserve(&fresh, 0, 0, 1);
    uint32_t block[4];
    tn_philox_next(&fresh, block);
    seed = (int64_t)tn_bits_to_u64(block[0], block[1]);
    seed2 = (int64_t)tn_bits_to_u64(block[2], block[3]);
  }
  s->fixed = fixed;
  s->seeds[0] = seed;
  s->seeds[1] = seed2;
  begin(s);
  *out = s;
  return NULL;
}

void tn_seeds_draw(tn_seeds *s, int64_t out[2]) {
  tn_lock(&s->mutex);
  for (int i = 0; i < 2; i++) out[i] = s->fixed ? s->seeds[i] : (int64_t)tn_philox_one(&s->stream);
  tn_unlock(&s->mutex);
}

void tn_seeds_get(tn_seeds *s, int64_t out[2]) {
  tn_lock(&s->mutex);
  for (int i = 0; i < 2; i++) out[i] = s->seeds[i];
  tn_unlock(&s->mutex);
}

void tn_seeds_restart(tn_seeds *s, const int64_t seeds[2]) {
  tn_lock(&s->mutex);
  for (int i = 0; i < 2; i++) s->seeds[i] = seeds[i];
  begin(s);
  tn_unlock(&s->mutex);
}
