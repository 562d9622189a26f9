/* Points at which tests have a process killed. */
#include "base/fault.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/thread.h"

atomic_int tn_fault_state;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct {
  char text[512];
  const char *point, *file;
  atomic_long left;
  long microseconds;
} fault;

static void read_environment(void) {
  const char *text = getenv("TENON_FAULT");
  int state = 1;
  if (text && strlen(text) < sizeof fault.text) {
    char *save = NULL;
    memcpy(fault.text, text, strlen(text) + 1);
    fault.point = strtok_r(fault.text, ":", &save);
    const char *count = strtok_r(NULL, ":", &save);
    fault.file = strtok_r(NULL, ":", &save);
    const char *later = strtok_r(NULL, ":", &save);
    fault.microseconds = later ? strtol(later, NULL, 10) : 0;
    atomic_init(&fault.left, count ? strtol(count, NULL, 10) : 0);
    if (fault.file) state = 2;
  }
  atomic_store(&tn_fault_state, state);
}

static void *die_later(void *argument) {
  (void)argument;
  usleep((useconds_t)fault.microseconds);
  raise(SIGKILL);
  return NULL;
}

void tn_fault_reached(const char *point) {
  pthread_once(&once, read_environment);
  if (atomic_load(&tn_fault_state) != 2 || strcmp(point, fault.point) != 0) return;
  if (atomic_fetch_sub(&fault.left, 1) != 1) return;
  int file = open(fault.file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return; /* it happened in an earlier life */
  close(file);
  pthread_t thread;
  if (fault.microseconds && pthread_create(&thread, NULL, die_later, NULL) == 0) {
    pthread_detach(thread);
    return;
  }
  raise(SIGKILL);
}
