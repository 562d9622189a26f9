/* The gradient of Einsum: Einsums with the result's labels in place of one input's. Sums over labels that only one
 * input has are spread back by broadcasting. */
#include <string.h>

#include "ops/linalg/einsum.h"

/* Text of labels, "..." for the ellipsis. */
typedef struct text {
  char data[4 * TN_EINSUM_LABELS * 3];
  size_t size;
} text;

static void add_text(text *t, const char *s) {
  const size_t n = strlen(s);
  memcpy(t->data + t->size, s, n);
  t->size += n;
}

static void add_labels(text *t, const tn_einsum_labels *l) {
  for (int i = 0; i < l->n; i++) {
    const char one[] = {l->label[i], 0};
    add_text(t, i == l->ellipsis ? "..." : one);
  }
}

static tn_output einsum(tn_scope *s, const tn_output *inputs, const text *equation) {
  const tn_named_attr attrs[] = {
      {"equation", {.kind = TN_ATTR_STRING, .string = {(char *)(uintptr_t)equation->data, equation->size}}},
      {NULL, {0}}};
  return tn_build(s, "Einsum", inputs, attrs);
}

static void add_label(tn_einsum_labels *l, char label) {
  if (l->n == TN_EINSUM_LABELS) return;
  if (label == TN_ELLIPSIS) l->ellipsis = l->n;
  l->label[l->n++] = label;
}

/* One element of a shape vector, as a vector. AXIS may count from the end. */
static tn_output size_at(tn_scope *s, tn_output shape, int64_t axis) {
  const int64_t end = axis + 1, one = 1;
  return tn_build(s, "StridedSlice",
                  TN_IN(shape, tn_build_ints(s, TN_INT32, 1, &axis), tn_build_ints(s, TN_INT32, 1, &end),
                        tn_build_ints(s, TN_INT32, 1, &one)),
                  TN_ATTRS(TN_A_INT("end_mask", axis == -1)));
}

static tn_output concat(tn_scope *s, tn_output a, tn_output b) {
  return tn_build(s, "ConcatV2", TN_IN(a, b, tn_build_scalar(s, TN_INT32, 0)), NULL);
}

/* G has the labels FROM; the result has those of INPUT, whose labels that FROM lacks are summed ones: spreads G along
 * them. */
static tn_output spread(tn_scope *s, tn_output g, const tn_einsum_labels *from, const tn_einsum_labels *input,
                        tn_output input_shape) {
  tn_einsum_labels lost = {.ellipsis = -1};
  tn_output sizes = TN_NONE;
  const int64_t ones[TN_EINSUM_LABELS] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                          1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  for (int i = 0; i < input->n; i++) {
    if (i == input->ellipsis || tn_einsum_has(from, input->label[i]) || tn_einsum_has(&lost, input->label[i])) continue;
    add_label(&lost, input->label[i]);
    const tn_output size = size_at(s, input_shape, tn_einsum_axis(input, i, -1));
    sizes = sizes.node ? concat(s, sizes, size) : size;
  }
  text equation = {.size = 0};
  if (lost.n > 0) {
    const tn_output shape = tn_build_shape_of(s, g);
    const tn_output thin = tn_build2(s, "Reshape", g, concat(s, tn_build_ints(s, TN_INT32, lost.n, ones), shape));
    g = tn_build2(s, "BroadcastTo", thin, concat(s, sizes, shape));
    add_labels(&equation, &lost);
  }
  add_labels(&equation, from);
  add_text(&equation, "->");
  add_labels(&equation, input);
  return einsum(s, TN_IN(g), &equation);
}

/* One of two inputs. */
typedef struct operand {
  tn_output value, shape;
  tn_einsum_labels *labels;
} operand;

/* The gradient of one of two inputs. */
static tn_output gradient_of(tn_scope *s, tn_output g, const operand *of, const operand *other,
                             const tn_einsum_labels *out) {
  const tn_einsum_labels *input = of->labels, *others = other->labels;
  tn_einsum_labels left = {.ellipsis = -1};
  bool lost = false;
  for (int i = 0; i < input->n; i++) {
    const char label = input->label[i];
    const bool stays = i == input->ellipsis || tn_einsum_has(out, label) || tn_einsum_has(others, label);
    lost = lost || !stays;
    if (stays) add_label(&left, label);
  }
  text equation = {.size = 0};
  add_labels(&equation, out);
  add_text(&equation, ",");
  add_labels(&equation, others);
  add_text(&equation, "->");
  add_labels(&equation, &left);
  const tn_output reduced = einsum(s, TN_IN(g, other->value), &equation);
  return lost ? spread(s, reduced, &left, input, of->shape) : reduced;
}

/* The sizes under the ellipsis, a part of a shape vector. */
static tn_output ellipsis_sizes(tn_scope *s, tn_output shape, const tn_einsum_labels *l) {
  const int64_t begin = l->ellipsis, after = l->ellipsis + 1 - l->n, one = 1;
  return tn_build(s, "StridedSlice",
                  TN_IN(shape, tn_build_ints(s, TN_INT32, 1, &begin), tn_build_ints(s, TN_INT32, 1, &after),
                        tn_build_ints(s, TN_INT32, 1, &one)),
                  TN_ATTRS(TN_A_INT("end_mask", after == 0)));
}

static bool same_ellipsis(tn_output x, const tn_einsum_labels *xl, tn_output y, const tn_einsum_labels *yl) {
  const tn_shape xs = tn_output_shape(x), ys = tn_output_shape(y);
  if (!tn_shape_known(&xs) || !tn_shape_known(&ys)) return false;
  const int xn = xs.rank - xl->n + 1, yn = ys.rank - yl->n + 1;
  if (xn != yn) return false;
  return memcmp(xs.dims + xl->ellipsis, ys.dims + yl->ellipsis, (size_t)xn * sizeof *xs.dims) == 0;
}

/* Sums G over the AXES of the ellipsis, counted from its first dimension, and gives it SHAPE. */
static tn_output unbroadcast(tn_scope *s, tn_output g, tn_output axes, const tn_einsum_labels *l, tn_output shape) {
  const tn_output places = tn_build2(s, "AddV2", axes, tn_build_scalar(s, TN_INT32, l->ellipsis));
  return tn_build2(s, "Reshape", tn_build_sum(s, g, places, false), shape);
}

static tn_error *gradient_of_two(tn_gradient_ctx *c, tn_einsum *e) {
  tn_scope *s = c->scope;
  tn_output x = tn_grad_x(c, 0), y = tn_grad_x(c, 1);
  const tn_output g = tn_grad_dense(c, 0);
  tn_einsum_labels *xl = &e->in[0], *yl = &e->in[1];
  if (e->out.ellipsis >= 0 && xl->ellipsis < 0) add_label(xl, TN_ELLIPSIS);
  if (e->out.ellipsis >= 0 && yl->ellipsis < 0) add_label(yl, TN_ELLIPSIS);
  if (tn_dtype_is_complex(tn_dtype_base(c->node->output_types[0]))) {
    x = tn_build1(s, "Conj", x);
    y = tn_build1(s, "Conj", y);
  }
  if (s->error) return NULL;
  const tn_output xs = tn_build_shape_of(s, x), ys = tn_build_shape_of(s, y);
  const operand first = {x, xs, xl}, second = {y, ys, yl};
  tn_output gx = gradient_of(s, g, &first, &second, &e->out), gy = gradient_of(s, g, &second, &first, &e->out);
  if (e->out.ellipsis >= 0 && !s->error && !same_ellipsis(x, xl, y, yl)) {
    const tn_output axes = tn_build2(s, "BroadcastGradientArgs", ellipsis_sizes(s, xs, xl), ellipsis_sizes(s, ys, yl));
    gx = unbroadcast(s, gx, axes, xl, xs);
    gy = unbroadcast(s, gy, tn_nth(axes, 1), yl, ys);
  }
  tn_grad_set(c, 0, gx);
  tn_grad_set(c, 1, gy);
  return NULL;
}

tn_error *tn_einsum_gradient(tn_gradient_ctx *c) {
  tn_einsum e;
  TN_TRY(tn_einsum_parse(c->node, &e));
  if (e.n_inputs == 2) return gradient_of_two(c, &e);
  const tn_output g = tn_grad_dense(c, 0);
  tn_grad_set(c, 0, spread(c->scope, g, &e.out, &e.in[0], tn_build_shape_of(c->scope, tn_grad_x(c, 0))));
  return NULL;
}
