/* Lines of those who wait without a thread. */
#include "kernel/wait.h"

#include "base/alloc.h"
#include "base/thread.h"

/* Where W stands. */
typedef struct tn_place {
  struct tn_place *next, **link;
  tn_waiting *line;
  tn_waiter *waiter;
} place;

static void leave(tn_waiter *w) {
  pthread_mutex_t *mutex = ((place *)w->state)->line->mutex;
  tn_lock(mutex);
  tn_waiting_leave(w);
  tn_unlock(mutex);
}

bool tn_waiting_join(tn_waiting *line, tn_waiter *w) {
  if (w->state) return true;
  place *made = tn_malloc(sizeof *made);
  if (!made) return false;
  *made = (place){.next = line->first, .link = &line->first, .line = line, .waiter = w};
  if (made->next) made->next->link = &made->next;
  line->first = made;
  w->state = made;
  w->leave = leave;
  return true;
}

void tn_waiting_leave(tn_waiter *w) {
  place *p = w->state;
  if (!p) return;
  *p->link = p->next;
  if (p->next) p->next->link = p->link;
  w->state = NULL;
  tn_free(p);
}

void tn_waiting_wake(const tn_waiting *line) {
  for (place *p = line->first; p; p = p->next) p->waiter->wake(p->waiter);
}
