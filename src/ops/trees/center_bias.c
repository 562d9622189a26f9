/* BoostedTreesCenterBias: the first leaf of an ensemble says what all examples have in common. */
#include <math.h>

#include "graph/shape.h"
#include "ops/trees/ensemble.h"
#include "ops/trees/split.h"

/* A step that is smaller than this share of the bias is the last one. */
#define LEAST_STEP 0.01F

static tn_error *prepare(tn_prepare *p) {
  tn_shape scalar = tn_shape_scalar();
  for (int i = 1; i < 3; i++) {
    const tn_shape *shape = &p->inputs[i].shape;
    if (shape->rank != 2 || tn_shape_elements(shape) != 1)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "%s must have the shape [1,1], but has %s",
                               i == 1 ? "mean_gradients" : "mean_hessians", TN_SHAPE_STR(shape));
  }
  return tn_prepare_output(p, 0, &scalar);
}

static tn_error *center(const tn_run *r, tn_ensemble *e, float step, bool *more) {
  tn_forest *f = &e->forest;
  *more = true;
  if (f->n > 0) {
    tn_tree_node *root = &f->trees[0].nodes[0];
    if (root->kind != TN_TREE_LEAF || root->leaf.vector)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                           "the bias of an ensemble of one logit is its first leaf, which it has no more");
    *more = fabsf(step / root->leaf.scalar) > LEAST_STEP;
    root->leaf.scalar += step;
  } else {
    TN_TRY(tn_forest_add(f, 1, &step));
  }
  e->stamp++;
  return NULL;
}

static tn_error *run(tn_run *r) {
  tn_split_solver solver = {0};
  tn_ensemble *e = NULL;
  float l1, l2, step;
  TN_TRY(tn_trees_scalar(r, 3, "l1", &l1));
  TN_TRY(tn_trees_scalar(r, 4, "l2", &l2));
  TN_TRY(tn_ensemble_lock(r, &e));
  tn_error *error = tn_split_solver_init(r, &solver, 1, 1);
  if (!error) {
    solver.l1 = l1;
    solver.l2 = l2;
    (void)tn_split_gain(&solver, r->inputs[1]->data, r->inputs[2]->data, &step);
    error = center(r, e, step, TN_DATA(bool, r->outputs[0]));
    tn_split_solver_clear(&solver);
  }
  tn_ensemble_unlock(e);
  return error;
}

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape gradients, hessians, seen;
  TN_TRY(tn_shape_with_rank(c, 1, 2, &gradients));
  TN_TRY(tn_shape_with_rank(c, 2, 2, &hessians));
  TN_TRY(tn_shape_merge(c, &gradients, &hessians, &seen));
  TN_TRY(tn_shape_with_rank(c, 3, 0, &seen));
  TN_TRY(tn_shape_with_rank(c, 4, 0, &seen));
  c->out[0] = tn_shape_scalar();
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(BoostedTreesCenterBias,
      .inputs = "tree_ensemble_handle: resource, mean_gradients: float, mean_hessians: float, l1: float, l2: float",
      .outputs = "continue_centering: bool", .attrs = "",
      .doc = "Adds to what the first leaf says, and tells whether that was more than one part in a hundred.",
      .flags = TN_OP_STATEFUL | TN_OP_GRADIENT_UNREGISTERED, .shape = shape, .kernels = kernels);
