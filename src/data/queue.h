/* Queues of tuples of tensors, between steps of one session: first in first out, with padding, shuffled, by priority.
 * Who has to wait does so in the order of coming; a step that is stopped leaves the line. */
#ifndef TN_DATA_QUEUE_H
#define TN_DATA_QUEUE_H

#include "kernel/philox.h"
#include "kernel/step.h"

#define TN_QUEUE_TYPE "Queue"

typedef enum tn_queue_kind { TN_QUEUE_FIFO, TN_QUEUE_PADDING, TN_QUEUE_SHUFFLE, TN_QUEUE_PRIORITY } tn_queue_kind;

typedef struct tn_queue_spec {
  tn_queue_kind kind;
  int n; /* components of an element */
  const tn_dtype *types;
  const tn_shape *shapes;      /* NULL: not specified; unknown dimensions only in a padding queue */
  int64_t capacity, min_after; /* capacity < 0: none */
  int64_t seed, seed2;
} tn_queue_spec;

typedef struct tn_queue_waiter {
  pthread_cond_t wake;
  struct tn_queue_waiter *next;
  bool cancelled;
  struct tn_queue *queue; /* of one who waits without a thread: */
  tn_waiter *waiter;
} tn_queue_waiter;

typedef struct tn_queue_line {
  tn_queue_waiter *first, **last;
} tn_queue_line;

typedef struct tn_queue {
  tn_object object;
  char *name;
  tn_queue_spec spec;    /* its arrays are the queue's own */
  pthread_mutex_t mutex; /* guards what follows */
  bool closed;
  tn_queue_line givers, takers;
  int64_t size, first, room; /* elements; a ring that begins at FIRST for those that keep the order, else FIRST is 0 */
  tn_tensor *tuples;         /* ROOM times N */
  uint64_t *order;           /* of a priority queue: when each came */
  uint64_t count;
  tn_philox_stream random;
} tn_queue;

tn_error *tn_queue_new(const char *name, const tn_queue_spec *spec, tn_queue **out) TN_MUST_USE;
/* INVALID_ARGUMENT if Q is not what SPEC says. */
tn_error *tn_queue_check(const tn_queue *q, const tn_queue_spec *spec) TN_MUST_USE;
/* "FIFOQueue" and so on. */
const char *tn_queue_kind_name(const tn_queue *q);

/* Puts COUNT elements in, one behind the other, and waits where there is no room. TUPLES holds COUNT times N tensors
 * with buffers; those that are taken over are left clear. CANCELLED if the queue is or gets closed. */
tn_error *tn_queue_put(tn_queue *q, const tn_step *step, int64_t count, tn_tensor *tuples) TN_MUST_USE;
/* Takes COUNT elements out into TUPLES, COUNT times N clear tensors, and waits until there are as many. When the queue
 * is closed, LESS says that fewer (at least one) do: *TAKEN. OUT_OF_RANGE otherwise, and nothing is taken. */
tn_error *tn_queue_take(tn_queue *q, const tn_step *step, int64_t count, bool less, int64_t *taken,
                        tn_tensor *tuples) TN_MUST_USE;
/* The same where nobody stands in line and there is room for all; otherwise nothing, and *DONE stays false. */
tn_error *tn_queue_try_put(tn_queue *q, int64_t count, tn_tensor *tuples, bool *done) TN_MUST_USE;
/* Takes one element into TUPLE. Where there is none, *WAITS, and W stands in line: it is given again when it is woken.
 */
tn_error *tn_queue_try_take(tn_queue *q, tn_waiter *w, tn_tensor *tuple, bool *waits) TN_MUST_USE;
/* No more elements are taken in: after what waits to be put in, or (CANCEL) at once. CANCELLED if it is closed. */
tn_error *tn_queue_close(tn_queue *q, const tn_step *step, bool cancel) TN_MUST_USE;
int64_t tn_queue_size(tn_queue *q);
bool tn_queue_is_closed(tn_queue *q);

#endif
