/* CombinedNonMaxSuppression: class by class in each image of a batch, then the best of all classes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "ops/image/nms.h"

typedef struct found {
  float score, box[4];
  int32_t class;
} found;

typedef struct combined {
  const float *boxes, *scores;
  int64_t n, box_classes, classes, per_class, most;
  float threshold, least;
  bool clip;
  tn_tensor *const *out;
} combined;

static const float *box_of(const combined *c, int64_t image, int32_t box, int64_t class) {
  return c->boxes + ((image * c->n + box) * c->box_classes + (c->box_classes > 1 ? class : 0)) * 4;
}

/* The boxes of one class of one image, best first; their number. */
static int64_t choose_class(const combined *c, int64_t image, int64_t class, tn_candidate *heap, found *out) {
  int64_t left = 0, n = 0;
  for (int64_t i = 0; i < c->n; i++) {
    const float score = c->scores[(image * c->n + i) * c->classes + class];
    if (score > c->least) tn_candidates_push(heap, &left, (tn_candidate){(int32_t)i, 0, score});
  }
  while (n < c->per_class && left > 0) {
    const tn_candidate next = tn_candidates_pop(heap, &left);
    const float *box = box_of(c, image, next.index, class);
    bool good = true;
    for (int64_t j = n - 1; j >= 0 && good; j--) good = !(tn_box_overlap(box, out[j].box) > c->threshold);
    if (!good) continue;
    out[n] = (found){.score = next.score, .class = (int32_t) class};
    memcpy(out[n++].box, box, sizeof out->box);
  }
  return n;
}

static int by_score(const void *a, const void *b) {
  const found *x = a, *y = b;
  return x->score > y->score ? -1 : x->score < y->score ? 1 : x->class - y->class;
}

static tn_error *choose(const combined *c, int64_t image, found *all, tn_candidate *heap) {
  int64_t n = 0;
  for (int64_t k = 0; k < c->classes; k++) n += choose_class(c, image, k, heap, all + n);
  qsort(all, (size_t)n, sizeof *all, by_score);
  if (n > c->most) n = c->most;
  float *boxes = TN_DATA(float, c->out[0]) + image * c->most * 4, *scores = TN_DATA(float, c->out[1]) + image * c->most;
  float *classes = TN_DATA(float, c->out[2]) + image * c->most;
  for (int64_t i = 0; i < c->most; i++) {
    for (int k = 0; k < 4; k++) {
      const float at = i < n ? all[i].box[k] : 0;
      boxes[4 * i + k] = c->clip ? fmaxf(fminf(at, 1), 0) : at;
    }
    scores[i] = i < n ? all[i].score : 0;
    classes[i] = i < n ? (float)all[i].class : 0;
  }
  TN_DATA(int32_t, c->out[3])[image] = (int32_t)n;
  return NULL;
}

static tn_error *prepare(tn_prepare *p) {
  const tn_shape *boxes = &p->inputs[0].shape, *scores = &p->inputs[1].shape;
  if (boxes->rank != 4 || scores->rank != 3 || boxes->dims[3] != 4 || boxes->dims[0] != scores->dims[0] ||
      boxes->dims[1] != scores->dims[1] || (boxes->dims[2] != 1 && boxes->dims[2] != scores->dims[2]))
    return tn_prepare_errorf(
        p, TN_INVALID_ARGUMENT,
        "boxes [batch, n, classes or 1, 4] and scores [batch, n, classes] are needed, not %s and %s",
        TN_SHAPE_STR(boxes), TN_SHAPE_STR(scores));
  for (int i = 2; i < p->n_inputs; i++)
    if (p->inputs[i].shape.rank != 0)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "%s must be 0-D, got shape %s", p->node->schema->inputs[i].name,
                               TN_SHAPE_STR(&p->inputs[i].shape));
  return tn_prepare_all_dynamic(p);
}

static tn_error *read_limits(const tn_run *r, combined *c) {
  const int64_t per_class = *TN_DATA(int32_t, r->inputs[2]), total = *TN_DATA(int32_t, r->inputs[3]);
  c->threshold = *TN_DATA(float, r->inputs[4]);
  c->least = *TN_DATA(float, r->inputs[5]);
  c->clip = tn_node_get_bool(r->node, "clip_boxes");
  if (per_class <= 0 || total <= 0)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "max_size_per_class and max_total_size must be positive, not %lld, %lld", (long long)per_class,
                         (long long)total);
  if (!(c->threshold >= 0 && c->threshold <= 1))
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "iou_threshold must be in [0, 1], but is %g", (double)c->threshold);
  c->per_class = per_class < c->n ? per_class : c->n;
  c->most =
      tn_node_get_bool(r->node, "pad_per_class") && per_class * c->classes < total ? per_class * c->classes : total;
  return NULL;
}

static tn_error *run(tn_run *r) {
  const tn_shape *boxes = &r->inputs[0]->shape;
  const int64_t batch = boxes->dims[0];
  combined c = {.boxes = r->inputs[0]->data,
                .scores = r->inputs[1]->data,
                .n = boxes->dims[1],
                .box_classes = boxes->dims[2],
                .classes = r->inputs[1]->shape.dims[2],
                .out = r->outputs};
  TN_TRY(read_limits(r, &c));
  tn_shape shapes[4] = {tn_shape_of(3, (int64_t[3]){batch, c.most, 4}), tn_shape_of(2, (int64_t[2]){batch, c.most}),
                        tn_shape_of(2, (int64_t[2]){batch, c.most}), tn_shape_of(1, &batch)};
  for (int i = 0; i < 4; i++) TN_TRY(tn_run_allocate(r, i, &shapes[i]));
  found *all = tn_malloc((size_t)(c.per_class * c.classes + 1) * sizeof *all);
  tn_candidate *heap = tn_malloc((size_t)(c.n + 1) * sizeof *heap);
  tn_error *error = all && heap ? NULL : tn_out_of_memory();
  for (int64_t i = 0; i < batch && !error; i++) error = choose(&c, i, all, heap);
  tn_free(all);
  tn_free(heap);
  return error;
}

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape boxes, scores, one;
  int64_t batch = -1, n, total, per_class;
  bool known, known_class;
  TN_TRY(tn_shape_with_rank(c, 0, 4, &boxes));
  TN_TRY(tn_shape_with_rank(c, 1, 3, &scores));
  for (int i = 2; i < 6; i++) TN_TRY(tn_shape_with_rank(c, i, 0, &one));
  if (boxes.rank == 4) TN_TRY(tn_dim_merge(c, boxes.dims[3], 4, &n));
  if (boxes.rank == 4 && scores.rank == 3) {
    TN_TRY(tn_dim_merge(c, boxes.dims[1], scores.dims[1], &n));
    if (boxes.dims[2] >= 0 && boxes.dims[2] != 1 && scores.dims[2] >= 0)
      TN_TRY(tn_dim_merge(c, boxes.dims[2], scores.dims[2], &n));
  }
  if (boxes.rank == 4) batch = boxes.dims[0];
  TN_TRY(tn_shape_scalar_value(c, 3, &known, &total));
  TN_TRY(tn_shape_scalar_value(c, 2, &known_class, &per_class));
  if (known && total <= 0)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "max_total_size should be > 0, but is %lld", (long long)total);
  n = known ? total : -1;
  if (tn_node_get_bool(c->node, "pad_per_class")) {
    const int64_t classes = scores.rank == 3 ? scores.dims[2] : -1;
    if (known_class && per_class <= 0)
      return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "max_output_size_per_class should be > 0, but is %lld",
                            (long long)per_class);
    n = known && known_class && classes >= 0 ? (per_class * classes < total ? per_class * classes : total) : -1;
  }
  c->out[0] = tn_shape_of(3, (int64_t[3]){batch, n, 4});
  c->out[1] = c->out[2] = tn_shape_of(2, (int64_t[2]){batch, n});
  c->out[3] = tn_shape_of(1, &batch);
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(CombinedNonMaxSuppression,
      .inputs = "boxes: float, scores: float, max_output_size_per_class: int32, max_total_size: int32, "
                "iou_threshold: float, score_threshold: float",
      .outputs = "nmsed_boxes: float, nmsed_scores: float, nmsed_classes: float, valid_detections: int32",
      .attrs = "pad_per_class: bool = false; clip_boxes: bool = true",
      .doc = "The best boxes of each class of each image, and of those the best.",
      .flags = TN_OP_DYNAMIC_SHAPE | TN_OP_GRADIENT_UNREGISTERED, .shape = shape, .kernels = kernels);
