/* Segments of shared memory: filled by one process, read in place by another. */
#include "cluster/share.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "cluster/transport.h"

/* A segment begins with a page of its own for STATE. */
enum { HEAD = 4096, SEGMENTS = 64 };
/* The copiers take chunks in turn. */
static const size_t CHUNK = (size_t)2 << 20;
/* Up to here the loop copies by itself: two changes of threads would take longer. */
static const size_t AT_ONCE = (size_t)4 << 20;
enum { FREE, USED, DEAD };
static const size_t MOST_BYTES = (size_t)1 << 30;
/* Segments that wait for a message for longer are given back. */
static const int64_t IDLE_NS = (int64_t)10 * 1000000000;

/* What both sides have mapped. */
typedef struct head {
  atomic_uint state;
} head;

/* The sender's side. */
typedef struct segment {
  struct segment *next;
  uint32_t id;
  int fd; /* -1: not made yet, or sent */
  head *map;
  size_t capacity; /* without the head */
  int32_t stream;  /* whose message it holds */
  bool filling;    /* a job has it */
  int64_t used_ns;
} segment;

/* The receiver's side; counted, because tensors lie in it. */
typedef struct mapping {
  atomic_int refs;
  head *map;
  size_t size;
} mapping;

struct tn_share {
  tn_loop *loop, *copiers[TN_SHARE_COPIERS];
  segment *segments;
  size_t n_segments, bytes;
  uint32_t next_id;
  int fds[TN_SHARE_FDS];
  int n_fds;
  tn_share_job *jobs;
  mapping **mappings; /* by id; NULL: given back */
  size_t n_mappings;
};

struct tn_share_job {
  tn_task task, help; /* of the first copier, then of the loop; of the second copier */
  atomic_int refs;
  atomic_size_t taken, copied; /* bytes that are taken, and done */
  tn_loop *helper;
  tn_share *share; /* NULL: gone */
  tn_loop *loop;
  tn_share_job *next, **link;
  segment *segment;
  tn_message *message;
  tn_shared_fn *done; /* NULL: abandoned */
  void *user;
  bool good;
  char header[48];
};

/* --- segments --- */

static void free_segment(segment *g) {
  if (g->map) munmap(g->map, HEAD + g->capacity);
  if (g->fd >= 0) close(g->fd);
  tn_free(g);
}

static bool is_free(const segment *g) { return !g->filling && g->map && atomic_load(&g->map->state) == FREE; }

/* Tells the receiver to unmap it, and forgets it. */
static void drop_segment(tn_share *s, segment **link) {
  segment *g = *link;
  *link = g->next;
  s->n_segments--;
  s->bytes -= g->capacity;
  if (g->map) atomic_store(&g->map->state, DEAD);
  free_segment(g);
}

/* A segment for SIZE bytes: the smallest free one that is not much too large, or a new one; NULL: neither. */
static segment *find_segment(tn_share *s, size_t size) {
  segment *best = NULL;
  for (segment *g = s->segments; g; g = g->next)
    if (is_free(g) && g->capacity >= size && g->capacity / 4 <= size && (!best || g->capacity < best->capacity))
      best = g;
  if (best) return best;
  size_t limit = tn_memory_limit() / 8 < MOST_BYTES ? tn_memory_limit() / 8 : MOST_BYTES, step = TN_SHARE_LEAST;
  while (step < size / 8) step *= 2;
  size_t capacity = (size + step - 1) / step * step;
  for (segment **link = &s->segments; *link && (s->bytes + capacity > limit || s->n_segments == SEGMENTS);) {
    if (is_free(*link))
      drop_segment(s, link);
    else
      link = &(*link)->next;
  }
  if (s->bytes + capacity > limit || s->n_segments == SEGMENTS || s->n_fds == TN_SHARE_FDS) return NULL;
  segment *g = tn_calloc(1, sizeof *g);
  if (!g) return NULL;
  *g = (segment){.next = s->segments, .fd = -1, .capacity = capacity};
  s->segments = g;
  s->n_segments++;
  s->bytes += capacity;
  return g;
}

/* Gets the memory. */
static bool make_segment(segment *g) {
  size_t size = HEAD + g->capacity;
  g->fd = memfd_create("tenon", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (g->fd < 0 || ftruncate(g->fd, (off_t)size) || fallocate(g->fd, 0, 0, (off_t)size) ||
      fcntl(g->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
    return false;
  void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, g->fd, 0);
  if (map == MAP_FAILED) return false;
  g->map = map;
  return true;
}

/* --- jobs --- */

static void run_copy(tn_task *task);
static void run_help(tn_task *task);
static void run_copied(tn_task *task);

static void unref_job(tn_share_job *j) {
  if (atomic_fetch_sub_explicit(&j->refs, 1, memory_order_acq_rel) != 1) return;
  tn_loop_unref(j->helper);
  tn_message_unref(j->message);
  tn_loop_unref(j->loop);
  tn_free(j);
}

/* Copies the bytes [BEGIN, END) of MESSAGE to where they belong from TO on. */
static void copy_range(const tn_message *message, char *to, size_t begin, size_t end) {
  const tn_message_part *parts;
  size_t n = tn_message_parts(message, &parts), at = 0;
  for (size_t i = 0; i < n && at < end; at += parts[i++].size) {
    if (at + parts[i].size <= begin) continue;
    size_t from = begin > at ? begin - at : 0, until = end - at < parts[i].size ? end - at : parts[i].size;
    memcpy(to + at + from, parts[i].data + from, until - from);
  }
}

tn_error *tn_share_start(tn_share *s, tn_message *message, tn_shared_fn *done, void *user, tn_share_job **out) {
  tn_share_job *j = tn_calloc(1, sizeof *j);
  if (!j) return tn_out_of_memory();
  *j = (tn_share_job){.task = {.run = run_copy},
                      .help = {.run = run_help},
                      .refs = 1,
                      .helper = tn_loop_ref(s->copiers[1]),
                      .share = s,
                      .loop = tn_loop_ref(s->loop),
                      .next = s->jobs,
                      .link = &s->jobs,
                      .segment = find_segment(s, tn_message_size(message)),
                      .message = tn_message_ref(message),
                      .done = done,
                      .user = user};
  if (j->next) j->next->link = &j->next;
  s->jobs = j;
  if (j->segment) {
    j->segment->filling = true;
    j->segment->used_ns = tn_now_ns();
  }
  *out = j;
  bool here = !j->segment || tn_message_size(message) <= AT_ONCE;
  if (j->segment && here) {
    j->good = j->segment->map || make_segment(j->segment);
    if (j->good) copy_range(message, (char *)j->segment->map + HEAD, 0, tn_message_size(message));
  }
  if (here) j->task.run = run_copied;
  tn_loop_post(here ? s->loop : s->copiers[0], &j->task);
  return NULL;
}

void tn_share_abandon(tn_share_job *j) {
  if (j) j->done = NULL;
}

/* Back to the loop; once. */
static void end_copying(tn_share_job *j) {
  j->task.run = run_copied;
  if (tn_loop_post(j->loop, &j->task)) return;
  free_segment(j->segment);
  unref_job(j);
}

/* Copies chunks until there are none left. Whoever is done with the last one ends the job. */
static void copy_chunks(tn_share_job *j) {
  size_t size = tn_message_size(j->message), begin;
  while ((begin = atomic_fetch_add(&j->taken, CHUNK)) < size) {
    size_t n = size - begin < CHUNK ? size - begin : CHUNK;
    copy_range(j->message, (char *)j->segment->map + HEAD, begin, begin + n);
    if (atomic_fetch_add(&j->copied, n) + n == size) end_copying(j);
  }
}

static void run_help(tn_task *task) {
  tn_share_job *j = (tn_share_job *)((char *)task - offsetof(tn_share_job, help));
  copy_chunks(j);
  unref_job(j);
}

static void run_copy(tn_task *task) {
  tn_share_job *j = (tn_share_job *)task;
  j->good = j->segment->map || make_segment(j->segment);
  if (!j->good) {
    end_copying(j);
    return;
  }
  /* This thread's own reference, and the helper's: the job may end, and be freed, while either still looks for more. */
  atomic_fetch_add_explicit(&j->refs, 2, memory_order_relaxed);
  if (tn_message_size(j->message) < 2 * CHUNK || !tn_loop_post(j->helper, &j->help)) unref_job(j);
  copy_chunks(j);
  unref_job(j);
}

/* The segment of a job that has not been made: there is none. */
static void drop_failed(tn_share_job *j) {
  segment **link = &j->share->segments;
  while (*link != j->segment) link = &(*link)->next;
  drop_segment(j->share, link);
  j->segment = NULL;
}

/* Gives a new segment its number: descriptors go out in the order of numbers. */
static void number(tn_share *s, segment *g) {
  g->id = s->next_id++;
  s->fds[s->n_fds++] = g->fd;
  g->fd = -1;
}

static void run_copied(tn_task *task) {
  tn_share_job *j = (tn_share_job *)task;
  tn_share *s = j->share;
  if (!s) {
    if (j->segment) free_segment(j->segment);
    unref_job(j);
    return;
  }
  *j->link = j->next;
  if (j->next) j->next->link = j->link;
  if (j->segment) j->segment->filling = false;
  if (j->segment && (!j->good || (j->segment->fd >= 0 && s->n_fds == TN_SHARE_FDS))) drop_failed(j);
  if (j->segment && j->done) {
    if (j->segment->fd >= 0) number(s, j->segment);
    snprintf(j->header, sizeof j->header, "%u %zu", j->segment->id, tn_message_size(j->message));
  } else if (j->segment && j->segment->fd >= 0) {
    drop_failed(j);
  }
  if (j->done) j->done(j->user, j, NULL);
  unref_job(j);
}

const char *tn_share_header(const tn_share_job *j) { return j->segment ? j->header : NULL; }

uint32_t tn_share_take(tn_share_job *j, int32_t id) {
  atomic_store(&j->segment->map->state, USED);
  j->segment->stream = id;
  return j->segment->id;
}

void tn_share_untake(tn_share *s, uint32_t number, int32_t id) {
  for (segment *g = s->segments; g; g = g->next)
    if (!g->filling && g->map && g->id == number && g->stream == id) atomic_store(&g->map->state, FREE);
}

/* --- descriptors --- */

void tn_share_attach(tn_share *s, struct msghdr *message, char control[TN_SHARE_CONTROL]) {
  if (!s->n_fds) return;
  size_t size = (size_t)s->n_fds * sizeof(int);
  message->msg_control = control;
  message->msg_controllen = CMSG_SPACE(size);
  struct cmsghdr *c = CMSG_FIRSTHDR(message);
  *c = (struct cmsghdr){.cmsg_len = CMSG_LEN(size), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
  memcpy(CMSG_DATA(c), s->fds, size);
}

void tn_share_attached(tn_share *s) {
  while (s->n_fds) close(s->fds[--s->n_fds]);
}

static void unref_mapping(mapping *m) {
  if (!m || atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1) return;
  munmap(m->map, m->size);
  tn_free(m);
}

/* Maps a segment that the peer has sent, once it is sure that the peer cannot take its memory away. */
static tn_error *map_segment(tn_share *s, int fd) {
  struct stat status;
  int seals = fcntl(fd, F_GET_SEALS);
  if (seals < 0 || !(seals & F_SEAL_SHRINK) || fstat(fd, &status) || status.st_size <= HEAD)
    return tn_errorf(TN_INTERNAL, "the peer sent a descriptor that is no sealed memory");
  mapping **more = tn_realloc(s->mappings, (s->n_mappings + 1) * sizeof(mapping *));
  if (!more) return tn_out_of_memory();
  s->mappings = more;
  mapping *m = tn_calloc(1, sizeof *m);
  if (!m) return tn_out_of_memory();
  m->refs = 1;
  m->size = (size_t)status.st_size;
  void *map = mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (map == MAP_FAILED) {
    tn_free(m);
    return tn_errorf(TN_RESOURCE_EXHAUSTED, "%zu bytes of shared memory cannot be mapped: %s", (size_t)status.st_size,
                     strerror(errno));
  }
  m->map = map;
  s->mappings[s->n_mappings++] = m;
  return NULL;
}

tn_error *tn_share_receive(tn_share *s, struct msghdr *message) {
  tn_error *error = NULL;
  if (message->msg_flags & MSG_CTRUNC)
    error = tn_errorf(TN_RESOURCE_EXHAUSTED, "no descriptors are left for shared memory");
  for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < n; i++) {
      int fd;
      memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
      if (!error)
        error = s ? map_segment(s, fd) : tn_errorf(TN_INTERNAL, "the peer sent a descriptor that nobody expects");
      close(fd);
    }
  }
  return error;
}

/* --- messages that lie in a segment --- */

/* The message is gone: the sender may fill the segment again. */
static void release(void *data, void *argument) {
  (void)data;
  mapping *m = argument;
  atomic_store(&m->map->state, FREE);
  unref_mapping(m);
}

tn_error *tn_share_open(tn_share *s, const char *header, size_t most, tn_message **out) {
  unsigned id = 0;
  size_t size = 0;
  if (!s || sscanf(header, "%u %zu", &id, &size) != 2 || id >= s->n_mappings || !s->mappings[id])
    return tn_errorf(TN_INTERNAL, "a message is said to lie in shared memory, '%s', that was not sent", header);
  mapping *m = s->mappings[id];
  if (size > m->size - HEAD)
    return tn_errorf(TN_INTERNAL, "a message of %zu bytes is said to lie in %zu bytes of shared memory", size,
                     m->size - HEAD);
  char *data = (char *)m->map + HEAD;
  tn_buffer *owner = tn_malloc(sizeof *owner);
  if (!owner) return tn_out_of_memory();
  atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
  *owner = (tn_buffer){
      .refs = 1, .dtype = TN_UINT8, .size = size, .data = data, .release = release, .argument = m, .fixed = true};
  tn_error *error = NULL;
  if (size > most)
    error =
        tn_errorf(TN_RESOURCE_EXHAUSTED,
                  "a message of %zu bytes came; the limit is %zu (--message-limit or TENON_MESSAGE_LIMIT)", size, most);
  if (!error) error = tn_message_new(out);
  if (!error) error = tn_message_add_buffer(*out, owner, data, size);
  tn_buffer_unref(owner);
  return error;
}

void tn_share_tidy(tn_share *s) {
  int64_t now = tn_now_ns();
  for (segment **link = &s->segments; *link;) {
    if (is_free(*link) && now - (*link)->used_ns > IDLE_NS)
      drop_segment(s, link);
    else
      link = &(*link)->next;
  }
  for (size_t i = 0; i < s->n_mappings; i++) {
    if (!s->mappings[i] || atomic_load(&s->mappings[i]->map->state) != DEAD) continue;
    unref_mapping(s->mappings[i]);
    s->mappings[i] = NULL;
  }
}

/* --- beginning and end --- */

tn_error *tn_share_new(tn_loop *loop, tn_loop *const copiers[TN_SHARE_COPIERS], tn_share **out) {
  tn_share *s = tn_calloc(1, sizeof *s);
  if (!s) return tn_out_of_memory();
  s->loop = tn_loop_ref(loop);
  for (int i = 0; i < TN_SHARE_COPIERS; i++) s->copiers[i] = tn_loop_ref(copiers[i]);
  *out = s;
  return NULL;
}

void tn_share_free(tn_share *s, const tn_error *lost) {
  if (!s) return;
  /* The segments of jobs are theirs to free, when the copying is done. */
  for (segment *g = s->segments, *next; g; g = next) {
    next = g->next;
    if (!g->filling) free_segment(g);
  }
  for (tn_share_job *j = s->jobs, *next; j; j = next) {
    next = j->next;
    j->share = NULL;
    if (j->done) j->done(j->user, j, lost);
    j->done = NULL;
  }
  tn_share_attached(s);
  for (size_t i = 0; i < s->n_mappings; i++) unref_mapping(s->mappings[i]);
  for (int i = 0; i < TN_SHARE_COPIERS; i++) tn_loop_unref(s->copiers[i]);
  tn_loop_unref(s->loop);
  tn_free(s->mappings);
  tn_free(s);
}
