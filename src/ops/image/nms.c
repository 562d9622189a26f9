/* NonMaxSuppression in all its versions: of boxes that overlap too much only the best are chosen. */
#include "ops/image/nms.h"

#include <float.h>
#include <math.h>
#include <string.h>

float tn_box_overlap(const float *a, const float *b) {
  const float ay0 = fminf(a[0], a[2]), ay1 = fmaxf(a[0], a[2]), ax0 = fminf(a[1], a[3]), ax1 = fmaxf(a[1], a[3]);
  const float by0 = fminf(b[0], b[2]), by1 = fmaxf(b[0], b[2]), bx0 = fminf(b[1], b[3]), bx1 = fmaxf(b[1], b[3]);
  const float area = (ay1 - ay0) * (ax1 - ax0), other = (by1 - by0) * (bx1 - bx0);
  if (area <= 0 || other <= 0) return 0;
  const float height = fmaxf(fminf(ay1, by1) - fmaxf(ay0, by0), 0);
  const float width = fmaxf(fminf(ax1, bx1) - fmaxf(ax0, bx0), 0), both = height * width;
  return both / (area + other - both);
}

static bool before(const tn_candidate *a, const tn_candidate *b) {
  return a->score > b->score || (a->score == b->score && a->index < b->index);
}

void tn_candidates_push(tn_candidate *heap, int64_t *n, tn_candidate c) {
  int64_t i = (*n)++;
  for (; i > 0 && before(&c, &heap[(i - 1) / 2]); i = (i - 1) / 2) heap[i] = heap[(i - 1) / 2];
  heap[i] = c;
}

tn_candidate tn_candidates_pop(tn_candidate *heap, int64_t *n) {
  const tn_candidate first = heap[0], last = heap[--*n];
  int64_t i = 0;
  for (int64_t child; (child = 2 * i + 1) < *n; i = child) {
    if (child + 1 < *n && before(&heap[child + 1], &heap[child])) child++;
    if (!before(&heap[child], &last)) break;
    heap[i] = heap[child];
  }
  heap[i] = last;
  return first;
}

/* --- one image --- */

typedef struct suppression {
  int64_t n;
  const float *boxes, *overlaps; /* one of them */
  float threshold, least, sigma; /* of overlaps; of scores; of the soft kind */
  bool half;                     /* each step is rounded to half, as in TensorFlow */
  int32_t *chosen;
  float *scores;
  int64_t n_chosen;
} suppression;

static float rounded(const suppression *s, float x) { return s->half ? tn_half_to_float(tn_float_to_half(x)) : x; }

static float overlap(const suppression *s, int32_t i, int32_t j) {
  return s->overlaps ? s->overlaps[i * s->n + j] : tn_box_overlap(s->boxes + 4 * i, s->boxes + 4 * j);
}

/* Compares C with the chosen it has not been compared with; true if it is out. */
static bool suppress(const suppression *s, tn_candidate *c) {
  const float scale = s->sigma > 0 ? rounded(s, -0.5f / s->sigma) : 0;
  for (int64_t j = s->n_chosen - 1; j >= c->seen; j--) {
    const float share = rounded(s, overlap(s, c->index, s->chosen[j]));
    if (!(s->sigma > 0)) {
      if (share > s->threshold) return true;
      continue;
    }
    const float weight = rounded(s, expf(rounded(s, rounded(s, scale * share) * share)));
    c->score = rounded(s, c->score * weight);
    if (c->score <= s->least) break;
  }
  c->seen = (int32_t)s->n_chosen;
  return false;
}

static void choose(suppression *s, const float *scores, int64_t most, tn_candidate *heap) {
  int64_t left = 0;
  for (int64_t i = 0; i < s->n; i++)
    if (scores[i] > s->least) tn_candidates_push(heap, &left, (tn_candidate){(int32_t)i, 0, scores[i]});
  while (s->n_chosen < most && left > 0) {
    tn_candidate c = tn_candidates_pop(heap, &left);
    const float score = c.score;
    if (suppress(s, &c)) continue;
    if (c.score == score) {
      s->scores[s->n_chosen] = score;
      s->chosen[s->n_chosen++] = c.index;
    } else if (c.score > s->least) {
      tn_candidates_push(heap, &left, c);
    }
  }
}

/* --- kernels --- */

static tn_error *check(tn_prepare *p, bool overlaps) {
  const tn_shape *boxes = &p->inputs[0].shape, *scores = &p->inputs[1].shape;
  if (boxes->rank != 2 || boxes->dims[1] != (overlaps ? boxes->dims[0] : 4) || scores->rank != 1 ||
      scores->dims[0] != boxes->dims[0] || boxes->dims[0] > INT32_MAX)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "%s and scores [n] are needed, not %s and %s",
                             overlaps ? "overlaps [n, n]" : "boxes [n, 4]", TN_SHAPE_STR(boxes), TN_SHAPE_STR(scores));
  for (int i = 2; i < p->n_inputs; i++)
    if (p->inputs[i].shape.rank != 0)
      return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "%s must be 0-D, got shape %s", p->node->schema->inputs[i].name,
                               TN_SHAPE_STR(&p->inputs[i].shape));
  const size_t n = (size_t)boxes->dims[0];
  p->scratch = n * (sizeof(tn_candidate) + sizeof(int32_t) + 6 * sizeof(float)) + 512;
  return tn_prepare_all_dynamic(p);
}

static tn_error *prepare(tn_prepare *p) { return check(p, false); }
static tn_error *prepare_overlaps(tn_prepare *p) { return check(p, true); }

static void *room(char **scratch, size_t size) {
  void *p = *scratch;
  *scratch += (size + 63) / 64 * 64;
  return p;
}

static float scalar(const tn_tensor *t) {
  return t->dtype == TN_FLOAT ? *TN_DATA(float, t) : tn_half_to_float(*TN_DATA(uint16_t, t));
}

static const float *floats(const tn_tensor *t, char **scratch) {
  const int64_t n = tn_elements(t);
  return tn_image_floats(t->dtype, t->data, 0, n, t->dtype == TN_FLOAT ? NULL : room(scratch, (size_t)n * 4));
}

/* What comes out: all are of N, the chosen and then zeros. */
static tn_error *write(tn_run *r, const suppression *s, int64_t n) {
  tn_shape shape = tn_shape_of(1, &n), one = tn_shape_scalar();
  const int last = r->n_outputs - 1;
  TN_TRY(tn_run_allocate(r, 0, &shape));
  memset(r->outputs[0]->data, 0, (size_t)n * sizeof(int32_t));
  memcpy(r->outputs[0]->data, s->chosen, (size_t)s->n_chosen * sizeof(int32_t));
  if (last == 2) {
    TN_TRY(tn_run_allocate(r, 1, &shape));
    for (int64_t i = 0; i < n; i++) {
      const float score = i < s->n_chosen ? s->scores[i] : 0;
      if (s->half)
        TN_DATA(uint16_t, r->outputs[1])[i] = tn_float_to_half(score);
      else
        TN_DATA(float, r->outputs[1])[i] = score;
    }
  }
  if (last == 0) return NULL;
  TN_TRY(tn_run_allocate(r, last, &one));
  *TN_DATA(int32_t, r->outputs[last]) = (int32_t)s->n_chosen;
  return NULL;
}

/* The inputs after the third: a threshold of overlaps, one of scores, sigma; as many as the op has. */
static tn_error *read_limits(const tn_run *r, suppression *s) {
  s->threshold = r->n_inputs > 3 ? rounded(s, scalar(r->inputs[3])) : tn_node_get_float(r->node, "iou_threshold");
  s->least = r->n_inputs > 4 ? rounded(s, scalar(r->inputs[4])) : s->half ? -65504 : -FLT_MAX;
  s->sigma = r->n_inputs > 5 ? scalar(r->inputs[5]) : 0;
  if (s->boxes && !(s->threshold >= 0 && s->threshold <= 1))
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "iou_threshold must be in [0, 1], but is %g", (double)s->threshold);
  if (!(s->sigma >= 0))
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "soft_nms_sigma must be at least 0, but is %g", (double)s->sigma);
  return NULL;
}

static tn_error *run_any(tn_run *r, bool overlaps, bool pad) {
  char *scratch = r->scratch;
  const tn_tensor *first = r->inputs[0];
  const int64_t most = *TN_DATA(int32_t, r->inputs[2]);
  suppression s = {.n = first->shape.dims[0], .half = first->dtype == TN_HALF};
  const float *values = floats(first, &scratch), *scores = floats(r->inputs[1], &scratch);
  s.boxes = overlaps ? NULL : values;
  s.overlaps = overlaps ? values : NULL;
  if (most < 0)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "output size must be non-negative, but is %lld", (long long)most);
  TN_TRY(read_limits(r, &s));
  s.chosen = room(&scratch, (size_t)s.n * sizeof *s.chosen);
  s.scores = room(&scratch, (size_t)s.n * sizeof *s.scores);
  choose(&s, scores, most, room(&scratch, (size_t)s.n * sizeof(tn_candidate)));
  return write(r, &s, pad ? most : s.n_chosen);
}

static tn_error *run(tn_run *r) { return run_any(r, false, false); }
static tn_error *run_padded(tn_run *r) {
  return run_any(r, false, tn_node_get_bool(r->node, "pad_to_max_output_size"));
}
static tn_error *run_overlaps(tn_run *r) { return run_any(r, true, false); }

/* --- shapes --- */

static tn_error *check_shapes(tn_shape_ctx *c, bool overlaps) {
  tn_shape boxes, scores, one;
  int64_t n = -1;
  TN_TRY(tn_shape_with_rank(c, 0, 2, &boxes));
  TN_TRY(tn_shape_with_rank(c, 1, 1, &scores));
  for (int i = 2; i < c->n_inputs; i++) TN_TRY(tn_shape_with_rank(c, i, 0, &one));
  if (boxes.rank == 2 && scores.rank == 1) TN_TRY(tn_dim_merge(c, boxes.dims[0], scores.dims[0], &n));
  if (boxes.rank == 2 && !overlaps) TN_TRY(tn_dim_merge(c, boxes.dims[1], 4, &n));
  c->out[0] = tn_shape_unknown_of_rank(1);
  return NULL;
}

static tn_error *shape(tn_shape_ctx *c) { return check_shapes(c, false); }
static tn_error *overlaps_shape(tn_shape_ctx *c) { return check_shapes(c, true); }

static tn_error *padded_shape(tn_shape_ctx *c) {
  bool known = false;
  int64_t n;
  TN_TRY(check_shapes(c, false));
  if (tn_node_get_bool(c->node, "pad_to_max_output_size")) {
    TN_TRY(tn_shape_scalar_value(c, 2, &known, &n));
    if (known && n < 0)
      return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "output size must be non-negative, but is %lld",
                            (long long)n);
    if (known) c->out[0].dims[0] = n;
  }
  if (c->n_outputs == 3) c->out[1] = c->out[0];
  c->out[c->n_outputs - 1] = tn_shape_scalar();
  return NULL;
}

#define KERNELS(NAME, TYPES, PREPARE, RUN)                                                                             \
  static const tn_kernel_def NAME[] = {{.name = "reference", .types = TYPES, .prepare = PREPARE, .run = RUN}, {0}}

KERNELS(first_kernels, 0, prepare, run);
KERNELS(kernels, TN_BIT(TN_FLOAT) | TN_BIT(TN_HALF), prepare, run);
KERNELS(padded_kernels, TN_BIT(TN_FLOAT) | TN_BIT(TN_HALF), prepare, run_padded);
KERNELS(overlaps_kernels, 0, prepare_overlaps, run_overlaps);

#define BOXES     "boxes: T, scores: T, max_output_size: int32, iou_threshold: T_threshold"
#define THRESHOLD "T: {half, float} = DT_FLOAT; T_threshold: {half, float} = DT_FLOAT"

TN_OP(NonMaxSuppression, .inputs = "boxes: float, scores: float, max_output_size: int32",
      .outputs = "selected_indices: int32", .attrs = "iou_threshold: float = 0.5",
      .doc = "The best boxes that overlap no better one too much.", .flags = TN_OP_DYNAMIC_SHAPE | TN_OP_NO_GRADIENT,
      .shape = shape, .kernels = first_kernels);

TN_OP(NonMaxSuppressionV2, .inputs = BOXES, .outputs = "selected_indices: int32", .attrs = THRESHOLD,
      .doc = "The best boxes that overlap no better one too much; the threshold is an input.",
      .flags = TN_OP_DYNAMIC_SHAPE | TN_OP_NO_GRADIENT, .shape = shape, .kernels = kernels);

TN_OP(NonMaxSuppressionV3, .inputs = BOXES ", score_threshold: T_threshold", .outputs = "selected_indices: int32",
      .attrs = THRESHOLD, .doc = "The best boxes of a score, without those that overlap a better one too much.",
      .flags = TN_OP_DYNAMIC_SHAPE | TN_OP_GRADIENT_UNREGISTERED, .shape = shape, .kernels = kernels);

TN_OP(NonMaxSuppressionV4, .inputs = BOXES ", score_threshold: T_threshold",
      .outputs = "selected_indices: int32, valid_outputs: int32",
      .attrs = THRESHOLD "; pad_to_max_output_size: bool = false",
      .doc = "The best boxes, with zeros behind them where PAD_TO_MAX_OUTPUT_SIZE, and their number.",
      .flags = TN_OP_DYNAMIC_SHAPE | TN_OP_GRADIENT_UNREGISTERED, .shape = padded_shape, .kernels = padded_kernels);

TN_OP(NonMaxSuppressionV5,
      .inputs = "boxes: T, scores: T, max_output_size: int32, iou_threshold: T, score_threshold: T, soft_nms_sigma: T",
      .outputs = "selected_indices: int32, selected_scores: T, valid_outputs: int32",
      .attrs = "T: {half, float} = DT_FLOAT; pad_to_max_output_size: bool = false",
      .doc = "The best boxes; overlapping ones lose score, by a Gaussian of SOFT_NMS_SIGMA.",
      .flags = TN_OP_DYNAMIC_SHAPE | TN_OP_GRADIENT_UNREGISTERED, .shape = padded_shape, .kernels = padded_kernels);

TN_OP(NonMaxSuppressionWithOverlaps,
      .inputs = "overlaps: float, scores: float, max_output_size: int32, overlap_threshold: float, "
                "score_threshold: float",
      .outputs = "selected_indices: int32", .attrs = "",
      .doc = "The best of N things of which a matrix says how much they overlap.",
      .flags = TN_OP_DYNAMIC_SHAPE | TN_OP_NO_GRADIENT, .shape = overlaps_shape, .kernels = overlaps_kernels);
