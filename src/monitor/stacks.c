/* The stacks of all threads. Each thread is asked by a signal for its own frames: its handler only notes addresses, so
 * that it is safe wherever it interrupts; names are looked up by who asked. The library carries no unwind tables, so
 * that the walk ends at its innermost function: what else on the stack looks like a return address is told with a
 * question mark, newest first. Some of those are left over from calls that have ended. */
#include <dirent.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "monitor/impl.h"

enum { MOST_FRAMES = 64, MOST_THREADS = 256, OWN_FRAMES = 2, ANSWER_S = 2, WORDS = 2048, MOST_GUESSES = 40 };

static struct {
  atomic_int wanted; /* the thread that is asked */
  sem_t done;
  int n;
  uintptr_t stack; /* its lower end */
  void *frames[MOST_FRAMES];
} asked;

static int signal_number(void) { return SIGRTMAX - 3; }

static uintptr_t stack_of(const void *context) {
#if defined(__x86_64__)
  return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
  return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.sp;
#else
  (void)context;
  return 0;
#endif
}

static void answer(int number, siginfo_t *info, void *context) {
  (void)number, (void)info;
  int error = errno, self = (int)syscall(SYS_gettid);
  if (atomic_compare_exchange_strong(&asked.wanted, &self, 0)) {
    asked.stack = stack_of(context);
    asked.n = backtrace(asked.frames, MOST_FRAMES);
    sem_post(&asked.done);
  }
  errno = error;
}

void tn_stacks_set_up(void) {
  void *frames[2];
  sem_init(&asked.done, 0, 0);
  backtrace(frames, 2); /* loads what it needs now, not in a signal handler */
  struct sigaction action = {.sa_sigaction = answer, .sa_flags = (int)(SA_RESTART | SA_ONSTACK | SA_SIGINFO)};
  sigaction(signal_number(), &action, NULL);
}

/* Asks thread ID; false if it does not answer. */
static bool ask(int id) {
  struct timespec end;
  clock_gettime(CLOCK_REALTIME, &end);
  end.tv_sec += ANSWER_S;
  atomic_store(&asked.wanted, id);
  if (syscall(SYS_tgkill, getpid(), id, signal_number())) return false;
  int failed;
  while ((failed = sem_timedwait(&asked.done, &end)) && errno == EINTR) continue;
  if (!failed) return true;
  int expected = id;
  if (atomic_compare_exchange_strong(&asked.wanted, &expected, 0)) return false;
  sem_wait(&asked.done); /* its handler has begun just now */
  return true;
}

static bool is_frame(uintptr_t address) {
  for (int i = 0; i < asked.n; i++)
    if ((uintptr_t)asked.frames[i] == address) return true;
  return false;
}

/* What lies on the stack that was walked to ASKED.N frames only. It is read as a file: the thread goes on meanwhile,
 * and may end. */
static void add_guesses(tn_symbols *symbols, tn_str *out) {
  uintptr_t words[WORDS], last = 0;
  int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 || !asked.stack ? 0 : pread(fd, words, sizeof words, (off_t)asked.stack);
  if (fd >= 0) close(fd);
  for (ssize_t i = 0, told = 0; i < n / (ssize_t)sizeof *words && told < MOST_GUESSES; i++) {
    if (words[i] == last || is_frame(words[i]) || !tn_symbols_returns_to(symbols, (const void *)words[i])) continue;
    last = words[i];
    tn_str_add(out, "  ? ");
    tn_symbols_add(symbols, (const char *)last - 1, out);
    tn_str_add(out, "\n");
    told++;
  }
}

static void add_thread(int id, tn_symbols *symbols, tn_str *out) {
  char path[64], name[32] = "?";
  snprintf(path, sizeof path, "/proc/self/task/%d/comm", id);
  FILE *file = fopen(path, "r");
  if (file && fscanf(file, "%31[^\n]", name) != 1) name[0] = '?';
  if (file) fclose(file);
  tn_str_addf(out, "thread %d (%s):\n", id, name);
  if (!ask(id)) {
    tn_str_add(out, "  it does not answer\n");
    return;
  }
  size_t line = 0;
  for (int i = OWN_FRAMES; i < asked.n; i++) {
    line = out->size;
    tn_str_addf(out, "  #%d ", i - OWN_FRAMES);
    /* Behind a call lies the next instruction, which may be another function's; the innermost frame was interrupted. */
    const char *address = asked.frames[i];
    if (symbols) tn_symbols_add(symbols, i == OWN_FRAMES ? address : address - 1, out);
    tn_str_add(out, "\n");
  }
  const char *end = out->data ? out->data + line : "";
  bool whole = strstr(end, " clone") || strstr(end, " __clone") || strstr(end, " _start");
  if (symbols && !whole) add_guesses(symbols, out);
}

void tn_stacks_add(tn_str *out) {
  int self = (int)syscall(SYS_gettid), ids[MOST_THREADS], n = 0;
  DIR *folder = opendir("/proc/self/task");
  for (const struct dirent *entry; folder && (entry = readdir(folder)) && n < MOST_THREADS;)
    if (atoi(entry->d_name) > 0 && atoi(entry->d_name) != self) ids[n++] = atoi(entry->d_name);
  if (folder) closedir(folder);
  tn_symbols *symbols = tn_symbols_new();
  for (int i = 0; i < n; i++) add_thread(ids[i], symbols, out);
  tn_symbols_free(symbols);
}
