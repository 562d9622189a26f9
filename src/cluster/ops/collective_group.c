/* _CollectiveGroup: which workers make a ring. It lives on the first worker's task; whoever comes, or has lost its
 * ring, joins and waits until all others have come too, or have had the time for it. */
#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "cluster/collective.h"
#include "graph/shape.h"
#include "kernel/handle.h"

#define TYPE "CollectiveGroup"

typedef struct member {
  bool waiting, expected;
  int64_t ticket, step, fresh;
} member;

typedef struct group {
  tn_object object;
  int n;
  double patience, start; /* seconds that others have; for the first ring */
  pthread_mutex_t mutex;  /* guards what follows */
  pthread_cond_t changed;
  bool formed;
  int64_t generation, since_ns, tickets, rounds;
  member *members;
  int size;
  int64_t *view; /* of the last ring: what a join gives */
} group;

static void destroy(tn_object *object) {
  group *g = (group *)object;
  tn_free(g->members);
  tn_free(g->view);
  pthread_cond_destroy(&g->changed);
  pthread_mutex_destroy(&g->mutex);
  tn_free(g);
}

static tn_error *create(void *argument, const char *name, tn_object **out) {
  (void)name;
  group *g = tn_calloc(1, sizeof *g);
  if (!g) return tn_out_of_memory();
  atomic_init(&g->object.refs, 1);
  g->object.type = TYPE;
  g->object.destroy = destroy;
  pthread_mutex_init(&g->mutex, NULL);
  pthread_cond_init(&g->changed, NULL);
  g->n = (int)tn_node_get_int(argument, "workers");
  g->patience = (double)tn_node_get_float(argument, "patience");
  g->start = (double)tn_node_get_float(argument, "start");
  g->members = tn_calloc((size_t)g->n, sizeof *g->members);
  g->view = tn_calloc((size_t)g->n + 3, sizeof *g->view);
  if (!g->members || !g->view) {
    tn_object_unref(&g->object);
    return tn_out_of_memory();
  }
  for (int i = 0; i < g->n; i++) g->members[i].expected = true;
  *out = &g->object;
  return NULL;
}

static tn_error *prepare_handle(tn_prepare *p) {
  tn_object *object;
  tn_handle_request request = {TYPE, create, (void *)p->node};
  return tn_handle_prepare(p, &request, &object);
}

/* --- joining --- */

/* With the lock held: all have come that may, or have had the time for it. */
static bool ready(const group *g) {
  double patience = g->generation ? g->patience : g->start;
  if ((double)(tn_now_ns() - g->since_ns) > patience * 1e9) return true;
  for (int i = 0; i < g->n; i++) {
    if (g->members[i].expected && !g->members[i].waiting) return false;
  }
  return true;
}

/* With the lock held: who waits makes the ring. The root is the first that is farthest; who is not fresh goes before.
 */
static void form(group *g) {
  int64_t now = tn_wall_ns(), root = -1, *members = g->view + 3;
  bool differ = false;
  g->size = 0;
  for (int i = 0; i < g->n; i++) {
    member *m = &g->members[i];
    m->expected = m->waiting;
    if (!m->waiting) continue;
    const member *best = root < 0 ? NULL : &g->members[members[root]];
    differ |= m->fresh || (best && best->step != m->step);
    if (!best || m->step > best->step || (m->step == best->step && best->fresh && !m->fresh)) root = g->size;
    members[g->size++] = i;
    m->waiting = false;
  }
  g->generation = now > g->generation ? now : g->generation + 1;
  g->view[0] = g->generation;
  g->view[1] = root;
  g->view[2] = differ && g->size > 1;
  g->formed = true;
  g->rounds++;
  pthread_cond_broadcast(&g->changed);
}

/* With the lock held: the ring that is running ends. */
static void end(group *g, tn_collective *c) {
  g->formed = false;
  tn_collective_break(c, g->generation);
  if (g->size) tn_collective_break_at(c, g->view[3], g->generation);
}

static tn_error *join(group *g, const tn_run *r, tn_collective *c, const int64_t who[3]) {
  member *m = &g->members[who[0]];
  bool first = true;
  for (int i = 0; i < g->n; i++) first &= !g->members[i].waiting;
  if (g->formed) end(g, c);
  if (first) g->since_ns = tn_now_ns();
  int64_t ticket = ++g->tickets, round = g->rounds;
  *m = (member){.waiting = true, .expected = true, .ticket = ticket, .step = who[1], .fresh = who[2]};
  tn_error *error = NULL;
  while (g->rounds == round && m->ticket == ticket && !error) {
    if (ready(g)) {
      form(g);
    } else {
      error = tn_step_wait(r->step, &g->changed, &g->mutex);
    }
  }
  if (error && m->ticket == ticket) m->waiting = false;
  if (!error && g->rounds == round)
    error = tn_run_errorf(r, TN_ABORTED, "worker %lld has joined again", (long long)who[0]);
  return error;
}

static tn_error *run_with(tn_run *r, group *g, tn_collective *c) {
  const int64_t *who = r->inputs[1]->data;
  if (tn_elements(r->inputs[1]) != 3 || who[0] < 0 || who[0] >= g->n) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "a join names one of %d workers, its step and whether it is fresh",
                         g->n);
  }
  tn_lock(&g->mutex);
  tn_error *error = join(g, r, c, who);
  if (!error) {
    tn_shape shape = tn_shape_of(1, &(int64_t){g->size + 3});
    error = tn_run_allocate(r, 0, &shape);
    if (!error) memcpy(r->outputs[0]->data, g->view, ((size_t)g->size + 3) * sizeof *g->view);
  }
  tn_unlock(&g->mutex);
  return error;
}

static tn_error *run_join(tn_run *r) {
  tn_object *object = NULL;
  tn_collective *c = NULL;
  TN_TRY(tn_run_object(r, 0, TYPE, &object));
  TN_TRY(tn_collective_of(r, &c));
  tn_error *error = run_with(r, (group *)object, c);
  tn_object_unref(tn_collective_object(c));
  return error;
}

static tn_error *prepare_join(tn_prepare *p) {
  tn_prepare_dynamic(p, 0);
  return NULL;
}

static const tn_kernel_def handles[] = {
    {.name = "reference", .prepare = prepare_handle, .run = tn_handle_run, .destroy = tn_handle_destroy}, {0}};
static const tn_kernel_def joins[] = {{.name = "reference", .prepare = prepare_join, .run = run_join}, {0}};

#define FLAGS TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED

TN_OP(_CollectiveGroup, .inputs = "", .outputs = "handle: resource",
      .attrs = "workers: int >= 1; patience: float = 3.0; start: float = 60.0; container: string = ''; "
               "shared_name: string = ''",
      .doc = "Which workers make a ring.", .flags = FLAGS, .shape = tn_shape_scalar_out, .kernels = handles);
TN_OP(_CollectiveJoin, .inputs = "handle: resource, who: int64", .outputs = "view: int64", .attrs = "",
      .doc = "Waits for the next ring: its generation, root, whether variables are sent, and its members.",
      .flags = FLAGS | TN_OP_BLOCKING | TN_OP_DYNAMIC_SHAPE, .shape = tn_shape_unknown_out, .kernels = joins);
