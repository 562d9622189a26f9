/* A short list of freed blocks, the oldest first. */
#include "base/kept.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 24 };

static atomic_flag busy = ATOMIC_FLAG_INIT;
static struct {
  void *memory;
  size_t size;
} slots[SLOTS];
static int n;
static size_t total;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const bool keeps = false; /* so that the sanitizer sees every use after it was freed */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
static const bool keeps = false;
#else
static const bool keeps = true;
#endif
#else
static const bool keeps = true;
#endif

/* Removes slot I and returns its block. */
static void *remove_slot(int i) {
  void *memory = slots[i].memory;
  total -= slots[i].size;
  memmove(&slots[i], &slots[i + 1], (size_t)(--n - i) * sizeof *slots);
  return memory;
}

void *tn_kept_take(size_t size) {
  void *memory = NULL;
  if (size < TN_KEPT_LEAST || !keeps || atomic_flag_test_and_set_explicit(&busy, memory_order_acquire)) return NULL;
  for (int i = n - 1; i >= 0 && !memory; i--)
    if (slots[i].size == size) memory = remove_slot(i);
  atomic_flag_clear_explicit(&busy, memory_order_release);
  return memory;
}

bool tn_kept_give(void *memory, size_t size, size_t most) {
  void *old[SLOTS];
  int n_old = 0;
  if (size < TN_KEPT_LEAST || size > most || !keeps || atomic_flag_test_and_set_explicit(&busy, memory_order_acquire))
    return false;
  while (n == SLOTS || (n > 0 && total > most - size)) old[n_old++] = remove_slot(0);
  slots[n].memory = memory;
  slots[n++].size = size;
  total += size;
  atomic_flag_clear_explicit(&busy, memory_order_release);
  for (int i = 0; i < n_old; i++) free(old[i]);
  return true;
}

void tn_kept_clear(void) {
  if (atomic_flag_test_and_set_explicit(&busy, memory_order_acquire)) return;
  while (n > 0) free(remove_slot(n - 1));
  atomic_flag_clear_explicit(&busy, memory_order_release);
}
