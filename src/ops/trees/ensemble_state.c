/* The resource of an ensemble: handles, making, reading and writing it, and how far it has grown. */
#include "base/alloc.h"
#include "base/thread.h"
#include "kernel/handle.h"
#include "ops/string/string_array.h"
#include "ops/trees/ensemble.h"

static void destroy(tn_object *object) {
  tn_ensemble *e = (tn_ensemble *)object;
  tn_forest_clear(&e->forest);
  pthread_mutex_destroy(&e->lock);
  tn_free(e);
}

static tn_error *create(void *argument, const char *name, tn_object **out) {
  (void)argument;
  (void)name;
  tn_ensemble *e = tn_calloc(1, sizeof *e);
  if (!e) return tn_out_of_memory();
  atomic_init(&e->object.refs, 1);
  e->object.type = TN_ENSEMBLE_TYPE;
  e->object.destroy = destroy;
  pthread_mutex_init(&e->lock, NULL);
  *out = &e->object;
  return NULL;
}

static tn_error *prepare_handle(tn_prepare *p) {
  tn_object *object = NULL;
  tn_handle_request request = {TN_ENSEMBLE_TYPE, create, NULL};
  return tn_handle_prepare(p, &request, &object);
}

/* --- making it --- */

static tn_error *prepare_scalars(tn_prepare *p) {
  for (int i = 1; i < p->n_inputs; i++) {
    if (p->inputs[i].shape.rank != 0)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "%s must be a scalar, got shape %s",
                               i == 1 ? "stamp_token" : "tree_ensemble_serialized", TN_SHAPE_STR(&p->inputs[i].shape));
  }
  return NULL;
}

/* What inputs 1 and 2 say. */
static tn_error *given(const tn_run *r, int64_t *stamp, tn_forest *forest) {
  tn_string s = *tn_strings_of(r->inputs[2]);
  *stamp = *TN_DATA(int64_t, r->inputs[1]);
  return tn_error_context(tn_forest_read(s.size ? s.data : "", s.size, forest), "%s '%s'", r->node->op->name,
                          r->node->name);
}

/* The first one counts. */
static tn_error *run_create(tn_run *r) {
  tn_object *object = NULL;
  int64_t stamp;
  tn_forest forest;
  TN_TRY(tn_run_object(r, 0, TN_ENSEMBLE_TYPE, &object));
  TN_TRY(given(r, &stamp, &forest));
  tn_ensemble *e = (tn_ensemble *)object;
  tn_lock(&e->lock);
  bool first = !e->made;
  if (first) {
    e->made = true;
    e->stamp = stamp;
    e->forest = forest;
  }
  tn_unlock(&e->lock);
  if (!first) tn_forest_clear(&forest);
  return NULL;
}

static tn_error *run_deserialize(tn_run *r) {
  tn_ensemble *e = NULL;
  int64_t stamp;
  tn_forest forest;
  TN_TRY(given(r, &stamp, &forest));
  tn_error *error = tn_ensemble_lock(r, &e);
  if (error) {
    tn_forest_clear(&forest);
    return error;
  }
  tn_forest_clear(&e->forest);
  e->forest = forest;
  e->stamp = stamp;
  tn_ensemble_unlock(e);
  return NULL;
}

/* --- asking it --- */

static tn_error *prepare_outputs(tn_prepare *p) {
  tn_shape scalar = tn_shape_scalar(), two = tn_shape_of(1, (int64_t[]){2});
  for (int i = 0; i < p->n_outputs; i++) TN_TRY(tn_prepare_output(p, i, i == 4 ? &two : &scalar));
  return NULL;
}

static tn_error *run_serialize(tn_run *r) {
  tn_ensemble *e = NULL;
  tn_str out = {0};
  TN_TRY(tn_ensemble_lock(r, &e));
  *TN_DATA(int64_t, r->outputs[0]) = e->stamp;
  tn_forest_write(&e->forest, &out);
  tn_ensemble_unlock(e);
  tn_error *error = tn_string_take(tn_strings_of(r->outputs[1]), &out);
  tn_str_clear(&out);
  return error;
}

static tn_error *run_states(tn_run *r) {
  tn_ensemble *e = NULL;
  TN_TRY(tn_ensemble_lock(r, &e));
  const tn_forest *f = &e->forest;
  *TN_DATA(int64_t, r->outputs[0]) = e->stamp;
  *TN_DATA(int32_t, r->outputs[1]) = f->n;
  *TN_DATA(int32_t, r->outputs[2]) = f->n == 0 || f->trees[f->n - 1].finalized ? f->n : f->n - 1;
  *TN_DATA(int32_t, r->outputs[3]) = (int32_t)f->layers_attempted;
  TN_DATA(int32_t, r->outputs[4])[0] = f->layer_begin;
  TN_DATA(int32_t, r->outputs[4])[1] = f->layer_end > 1 ? f->layer_end : 1;
  tn_ensemble_unlock(e);
  return NULL;
}

static tn_error *run_made(tn_run *r) {
  tn_object *object = NULL;
  TN_TRY(tn_run_object(r, 0, TN_ENSEMBLE_TYPE, &object));
  tn_ensemble *e = (tn_ensemble *)object;
  tn_lock(&e->lock);
  *TN_DATA(bool, r->outputs[0]) = e->made;
  tn_unlock(&e->lock);
  return NULL;
}

/* --- the ops --- */

static tn_error *shape_scalars(tn_shape_ctx *c) {
  tn_shape scalar;
  for (int i = 0; i < c->n_inputs; i++) TN_TRY(tn_shape_with_rank(c, i, 0, &scalar));
  for (int i = 0; i < c->n_outputs; i++) c->out[i] = i == 4 ? tn_shape_of(1, (int64_t[]){2}) : tn_shape_scalar();
  return NULL;
}

static const tn_kernel_def handles[] = {
    {.name = "reference", .prepare = prepare_handle, .run = tn_handle_run, .destroy = tn_handle_destroy}, {0}};
static const tn_kernel_def creates[] = {{.name = "reference", .prepare = prepare_scalars, .run = run_create}, {0}};
static const tn_kernel_def reads[] = {{.name = "reference", .prepare = prepare_scalars, .run = run_deserialize}, {0}};
static const tn_kernel_def writes[] = {{.name = "reference", .prepare = prepare_outputs, .run = run_serialize}, {0}};
static const tn_kernel_def states[] = {{.name = "reference", .prepare = prepare_outputs, .run = run_states}, {0}};
static const tn_kernel_def mades[] = {{.name = "reference", .prepare = prepare_outputs, .run = run_made}, {0}};

#define FLAGS TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED

TN_OP(BoostedTreesEnsembleResourceHandleOp, .inputs = "", .outputs = "resource: resource",
      .attrs = "container: string = ''; shared_name: string = ''", .doc = "A handle of an ensemble of trees.",
      .flags = FLAGS, .shape = tn_shape_scalar_out, .kernels = handles);
TN_OP(BoostedTreesCreateEnsemble,
      .inputs = "tree_ensemble_handle: resource, stamp_token: int64, tree_ensemble_serialized: string", .outputs = "",
      .attrs = "", .doc = "Makes an ensemble of what was serialised; nothing where it exists.", .flags = FLAGS,
      .shape = shape_scalars, .kernels = creates);
TN_OP(BoostedTreesDeserializeEnsemble,
      .inputs = "tree_ensemble_handle: resource, stamp_token: int64, tree_ensemble_serialized: string", .outputs = "",
      .attrs = "", .doc = "Replaces an ensemble by what was serialised.", .flags = FLAGS, .shape = shape_scalars,
      .kernels = reads);
TN_OP(BoostedTreesSerializeEnsemble, .inputs = "tree_ensemble_handle: resource",
      .outputs = "stamp_token: int64, tree_ensemble_serialized: string", .attrs = "",
      .doc = "The stamp and the serialised TreeEnsemble of an ensemble.", .flags = FLAGS | TN_OP_READ_ONLY,
      .shape = shape_scalars, .kernels = writes);
TN_OP(BoostedTreesGetEnsembleStates, .inputs = "tree_ensemble_handle: resource",
      .outputs = "stamp_token: int64, num_trees: int32, num_finalized_trees: int32, num_attempted_layers: int32, "
                 "last_layer_nodes_range: int32",
      .attrs = "", .doc = "How far an ensemble has grown.", .flags = FLAGS | TN_OP_READ_ONLY, .shape = shape_scalars,
      .kernels = states);
TN_OP(IsBoostedTreesEnsembleInitialized, .inputs = "tree_ensemble_handle: resource", .outputs = "is_initialized: bool",
      .attrs = "", .doc = "Whether an ensemble was made.", .flags = FLAGS | TN_OP_READ_ONLY, .shape = shape_scalars,
      .kernels = mades);
