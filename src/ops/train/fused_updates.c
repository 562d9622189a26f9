/* All updates of one optimizer in one sweep: what the pass fuse_updates makes of a step's training ops. */
#include <string.h>

#include "base/parallel.h"
#include "graph/shape.h"
#include "kernel/kernel.h"
#include "kernel/optimizer.h"

#define GRAIN 16384 /* elements that are worth a thread */

/* Inputs: for each update its variables and its gradient, then the scalars that all share. */
typedef struct fused {
  tn_sweep_fn fn;
  int n, n_slots, n_scalars;
  bool flag;
  int64_t *start;     /* update I has the elements [start[I], start[I + 1]) of the sweep */
  tn_variable **held; /* all variables, by address: the order in which they are held */
  int *place;         /* of slot S of update I in HELD: place[I * n_slots + S] */
} fused;

static int gradient_input(const fused *f, int update) { return update * (f->n_slots + 1) + f->n_slots; }

/* Puts the variables in order, by insertion: the lists are short and this is done once. */
static tn_error *sort_variables(tn_prepare *p, fused *f) {
  int n = f->n * f->n_slots;
  for (int i = 0; i < n; i++) {
    int input = i / f->n_slots * (f->n_slots + 1) + i % f->n_slots;
    tn_variable *v = p->variables ? p->variables[input] : NULL;
    if (!v) return tn_prepare_errorf(p, TN_INTERNAL, "input %d is no known variable", input);
    int at = i;
    for (; at > 0 && (uintptr_t)f->held[at - 1] > (uintptr_t)v; at--) f->held[at] = f->held[at - 1];
    f->held[at] = v;
    for (int j = 0; j < i; j++) f->place[j] += f->place[j] >= at;
    f->place[i] = at;
  }
  for (int i = 1; i < n; i++) {
    if (f->held[i - 1] == f->held[i]) return tn_prepare_errorf(p, TN_INTERNAL, "a variable comes twice");
  }
  return NULL;
}

static tn_error *prepare_with(tn_prepare *p, bool vector) {
  int n = (int)tn_node_get_int(p->node, "n"), n_slots = (int)tn_node_get_int(p->node, "slots");
  int n_scalars = p->n_inputs - n * (n_slots + 1);
  if (n_slots > TN_OPTIMIZER_SLOTS || n_scalars < 0 || n_scalars > TN_OPTIMIZER_SCALARS) {
    return tn_prepare_errorf(p, TN_INTERNAL, "%d inputs are not %d updates of %d variables", p->n_inputs, n, n_slots);
  }
  size_t slots = (size_t)(n * n_slots);
  fused *f;
  TN_TRY(
      tn_prepare_state(p, sizeof *f + ((size_t)n + 1) * sizeof(int64_t) + slots * (sizeof(void *) + sizeof(int)), &f));
  f->start = (int64_t *)(f + 1);
  f->held = (tn_variable **)(f->start + n + 1);
  f->place = (int *)(f->held + slots);
  f->n = n;
  f->n_slots = n_slots;
  f->n_scalars = n_scalars;
  f->flag = tn_node_get_bool(p->node, "flag");
  int64_t kind = tn_node_get_int(p->node, "kind");
  tn_dtype dtype = tn_node_get_type(p->node, "T");
  if (kind < 0 || kind >= TN_N_OPTIMIZERS) return tn_prepare_errorf(p, TN_INTERNAL, "there is no such optimizer");
  f->fn =
      vector ? tn_optimizer_vector((tn_optimizer_kind)kind, dtype) : tn_optimizer_plain((tn_optimizer_kind)kind, dtype);
  if (!f->fn) return tn_prepare_errorf(p, TN_UNIMPLEMENTED, "no kernel for %s", tn_dtype_name(dtype));
  for (int i = 0; i < n; i++) f->start[i + 1] = f->start[i] + tn_elements(&p->inputs[gradient_input(f, i)]);
  p->scratch = slots * sizeof(tn_tensor);
  return sort_variables(p, f);
}

static tn_error *prepare_vector(tn_prepare *p) { return prepare_with(p, true); }
static tn_error *prepare(tn_prepare *p) { return prepare_with(p, false); }

typedef struct sweeping {
  const tn_run *run;
  const fused *fused;
  const tn_tensor *values; /* as in HELD */
  int64_t chunks;
} sweeping;

static tn_sweep sweep_of(const sweeping *s, int update) {
  const fused *f = s->fused;
  tn_sweep sweep = {.n = f->start[update + 1] - f->start[update], .flag = f->flag};
  for (int i = 0; i < f->n_slots; i++) sweep.slots[i] = s->values[f->place[update * f->n_slots + i]].data;
  for (int i = 0; i < f->n_scalars; i++) sweep.h[i] = s->run->inputs[f->n * (f->n_slots + 1) + i]->data;
  sweep.gradient = s->run->inputs[gradient_input(f, update)]->data;
  return sweep;
}

/* A piece of the sweep: the end of one update, whole ones, the begin of another. */
static void run_chunk(void *argument, int64_t chunk) {
  const sweeping *s = argument;
  const fused *f = s->fused;
  int64_t begin, end;
  tn_chunk(f->start[f->n], s->chunks, chunk, 64, &begin, &end);
  for (int i = 0; i < f->n && f->start[i] < end; i++) {
    int64_t from = begin > f->start[i] ? begin - f->start[i] : 0;
    int64_t to = (end < f->start[i + 1] ? end : f->start[i + 1]) - f->start[i];
    if (from >= to) continue;
    tn_sweep sweep = sweep_of(s, i);
    size_t element = tn_dtype_size(s->run->inputs[gradient_input(f, i)]->dtype);
    tn_sweep_range(&sweep, f->fn, element, from, to);
  }
}

static tn_error *check(const tn_run *r, const fused *f, const tn_tensor *values) {
  for (int i = 0; i < f->n * f->n_slots; i++) {
    const tn_tensor *value = &values[f->place[i]], *gradient = r->inputs[gradient_input(f, i / f->n_slots)];
    if (value->dtype == gradient->dtype && tn_shape_equal(&value->shape, &gradient->shape)) continue;
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "variable %s is %s%s, but its gradient is %s%s",
                         f->held[f->place[i]]->name, tn_dtype_name(value->dtype), TN_SHAPE_STR(&value->shape),
                         tn_dtype_name(gradient->dtype), TN_SHAPE_STR(&gradient->shape));
  }
  return NULL;
}

static tn_error *run(tn_run *r) {
  const fused *f = r->state;
  int n = f->n * f->n_slots;
  tn_tensor *values = r->scratch;
  memset(values, 0, (size_t)n * sizeof *values);
  TN_TRY(tn_error_context(tn_variables_begin(n, f->held, values), "%s '%s'", r->node->op->name, r->node->name));
  tn_error *error = check(r, f, values);
  sweeping s = {r, f, values, tn_chunks(f->start[f->n], GRAIN)};
  if (!error) tn_parallel(s.chunks, run_chunk, &s);
  tn_variables_end(n, f->held);
  return error;
}

static const tn_kernel_def kernels[] = {
    {.name = "vector", .types = TN_BIT(TN_FLOAT), .type_attr = "T", .prepare = prepare_vector, .run = run},
    {.name = "reference", .types = TN_FLOATS | TN_COMPLEXES, .type_attr = "T", .prepare = prepare, .run = run},
    {0}};

TN_OP(_FusedUpdates, .inputs = "operands: operands", .outputs = "",
      .attrs = "T: type; operands: list(type) >= 1; kind: int; n: int >= 1; slots: int >= 1; flag: bool = false",
      .doc = "Several updates of one optimizer, with the same scalars, in one sweep.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = tn_shape_no_outputs, .kernels = kernels);
