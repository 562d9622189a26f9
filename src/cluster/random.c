/* Random numbers of the system. */
#include "cluster/random.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

tn_error *tn_random_u64(uint64_t *out) {
  uint64_t value = 0;
  while (!value) {
    if (getrandom(&value, sizeof value, 0) == sizeof value) continue;
    if (errno != EINTR) return tn_errorf(TN_INTERNAL, "the system has no random numbers: %s", strerror(errno));
  }
  *out = value;
  return NULL;
}
