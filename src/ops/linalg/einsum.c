/* Einsum: sums of products of one or two tensors, as an equation over labelled axes says. */
#include "ops/linalg/einsum.h"

#include <string.h>

/* --- equations --- */

static tn_error *parse_labels(const tn_node *node, const char *text, size_t size, tn_einsum_labels *out) {
  out->n = 0;
  out->ellipsis = -1;
  for (size_t i = 0; i < size; i++) {
    if (out->n == TN_EINSUM_LABELS)
      return tn_node_errorf(node, TN_INVALID_ARGUMENT, "the equation has too many labels");
    if (text[i] == '.') {
      if (out->ellipsis >= 0 || i + 2 >= size || text[i + 1] != '.' || text[i + 2] != '.')
        return tn_node_errorf(node, TN_INVALID_ARGUMENT, "the equation has a '.' that is not part of the one ellipsis");
      out->ellipsis = out->n;
      i += 2;
    }
    out->label[out->n++] = text[i];
  }
  return NULL;
}

tn_error *tn_einsum_parse(const tn_node *node, tn_einsum *out) {
  const tn_string e = tn_node_get_string(node, "equation");
  const char *arrow = e.size >= 2 ? memmem(e.data, e.size, "->", 2) : NULL;
  if (!arrow || memmem(arrow + 2, (size_t)(e.data + e.size - arrow - 2), "->", 2))
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "the equation must have one '->'");
  const size_t left = (size_t)(arrow - e.data);
  const char *comma = memchr(e.data, ',', left);
  out->n_inputs = comma ? 2 : 1;
  if (comma && memchr(comma + 1, ',', (size_t)(arrow - comma - 1)))
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "the equation must have one or two inputs");
  if (node->n_inputs != out->n_inputs)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "the equation has %d inputs, the node %d", out->n_inputs,
                          node->n_inputs);
  const size_t first = comma ? (size_t)(comma - e.data) : left;
  TN_TRY(parse_labels(node, e.data, first, &out->in[0]));
  if (comma) TN_TRY(parse_labels(node, comma + 1, left - first - 1, &out->in[1]));
  return parse_labels(node, arrow + 2, e.size - left - 2, &out->out);
}

bool tn_einsum_has(const tn_einsum_labels *labels, char label) {
  return memchr(labels->label, label, (size_t)labels->n) != NULL;
}

int tn_einsum_axis(const tn_einsum_labels *labels, int i, int rank) {
  if (labels->ellipsis < 0 || i < labels->ellipsis) return i;
  return rank >= 0 ? i + rank - labels->n : i - labels->n;
}

/* --- sizes: known or not --- */

/* What each label and the ellipsis stand for. Labels are bytes. */
typedef struct sizes {
  bool seen[256];
  int64_t size[256];
  tn_shape ellipsis[2]; /* of each input: empty where it has none */
} sizes;

static tn_error *check_rank(const tn_node *node, const tn_einsum_labels *l, const tn_shape *s, int i) {
  const int named = l->ellipsis < 0 ? l->n : l->n - 1;
  if (s->rank < 0 || (l->ellipsis < 0 ? s->rank == named : s->rank >= named)) return NULL;
  return tn_node_errorf(node, TN_INVALID_ARGUMENT, "input %d is %s, the equation gives it %d labels", i,
                        TN_SHAPE_STR(s), named);
}

static tn_error *collect(const tn_node *node, const tn_einsum_labels *l, const tn_shape *s, int i, sizes *out) {
  TN_TRY(check_rank(node, l, s, i));
  out->ellipsis[i] = tn_shape_scalar();
  if (l->ellipsis >= 0)
    out->ellipsis[i] = s->rank < 0 ? tn_shape_unknown() : tn_shape_of(s->rank - l->n + 1, s->dims + l->ellipsis);
  for (int k = 0; k < l->n; k++) {
    if (k == l->ellipsis) continue;
    const unsigned char label = (unsigned char)l->label[k];
    const int64_t size = s->rank < 0 ? -1 : s->dims[tn_einsum_axis(l, k, s->rank)];
    if (out->seen[label] && out->size[label] >= 0 && size >= 0 && out->size[label] != size)
      return tn_node_errorf(node, TN_INVALID_ARGUMENT, "label '%c' is %lld in one place and %lld in another", label,
                            (long long)out->size[label], (long long)size);
    if (!out->seen[label] || out->size[label] < 0) out->size[label] = size;
    out->seen[label] = true;
  }
  return NULL;
}

/* The shape of the result for the broadcast shape of the ellipses. */
static tn_error *result_shape(const tn_node *node, const tn_einsum *e, const sizes *s, const tn_shape *ellipsis,
                              tn_shape *out) {
  if (e->out.ellipsis < 0 && ellipsis->rank > 0)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "the result has no ellipsis for the dimensions %s",
                          TN_SHAPE_STR(ellipsis));
  if (e->out.ellipsis >= 0 && ellipsis->rank < 0) {
    *out = tn_shape_unknown();
    return NULL;
  }
  tn_shape shape = tn_shape_scalar();
  for (int k = 0; k < e->out.n; k++) {
    const unsigned char label = (unsigned char)e->out.label[k];
    const int more = k == e->out.ellipsis ? ellipsis->rank : 1;
    if (shape.rank + more > TN_MAX_RANK)
      return tn_node_errorf(node, TN_INVALID_ARGUMENT, "the result has more than %d dimensions", TN_MAX_RANK);
    if (k != e->out.ellipsis && !s->seen[label])
      return tn_node_errorf(node, TN_INVALID_ARGUMENT, "the result has label '%c', which no input has", label);
    for (int d = 0; d < more; d++) shape.dims[shape.rank++] = k == e->out.ellipsis ? ellipsis->dims[d] : s->size[label];
  }
  *out = shape;
  return NULL;
}

static tn_error *shape(tn_shape_ctx *c) {
  tn_einsum e;
  sizes s = {.seen = {false}};
  tn_shape ellipsis;
  TN_TRY(tn_einsum_parse(c->node, &e));
  for (int i = 0; i < e.n_inputs; i++) TN_TRY(collect(c->node, &e.in[i], &c->in[i], i, &s));
  ellipsis = s.ellipsis[0];
  if (e.n_inputs == 2) TN_TRY(tn_shape_broadcast_unknown(c, &s.ellipsis[0], &s.ellipsis[1], &ellipsis));
  return result_shape(c->node, &e, &s, &ellipsis, &c->out[0]);
}

/* --- the kernel: a walk over all labels --- */

/* Where labels and the dimensions under the ellipsis stand among the axes. */
typedef struct axes {
  int of[256];
  int ellipsis, ellipsis_rank;
} axes;

/* Adds the steps of argument A of shape S, labelled by L. */
static void add_steps(tn_einsum_walk *w, int a, const tn_einsum_labels *l, const tn_shape *s, const axes *x) {
  int64_t step = 1;
  for (int d = s->rank - 1; d >= 0; d--) {
    int k = d, axis;
    const int own = l->ellipsis < 0 ? 0 : s->rank - l->n + 1; /* dimensions under the ellipsis */
    if (l->ellipsis >= 0 && d >= l->ellipsis && d < l->ellipsis + own) {
      axis = x->ellipsis + x->ellipsis_rank - own + (d - l->ellipsis);
      if (s->dims[d] != 1) w->step[a][axis] += step;
    } else {
      if (l->ellipsis >= 0 && d >= l->ellipsis + own) k = d - own + 1;
      axis = x->of[(unsigned char)l->label[k]];
      w->step[a][axis] += step;
    }
    step *= s->dims[d];
  }
}

tn_error *tn_einsum_walk_of(tn_prepare *p, tn_einsum_walk *w) {
  tn_einsum e;
  sizes s = {.seen = {false}};
  tn_shape out;
  TN_TRY(tn_einsum_parse(p->node, &e));
  for (int i = 0; i < e.n_inputs; i++) TN_TRY(collect(p->node, &e.in[i], &p->inputs[i].shape, i, &s));
  tn_shape ellipsis = s.ellipsis[0];
  if (e.n_inputs == 2 && !tn_shape_broadcast(&s.ellipsis[0], &s.ellipsis[1], &ellipsis))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "the dimensions under the ellipses, %s and %s, don't broadcast",
                             TN_SHAPE_STR(&s.ellipsis[0]), TN_SHAPE_STR(&s.ellipsis[1]));
  TN_TRY(result_shape(p->node, &e, &s, &ellipsis, &out));
  TN_TRY(tn_prepare_output(p, 0, &out));
  axes x;
  w->n_inputs = e.n_inputs;
  for (int label = 0; label < 256; label++) {
    if (!s.seen[label]) continue;
    x.of[label] = w->n_axes;
    w->size[w->n_axes++] = s.size[label];
  }
  x.ellipsis = w->n_axes;
  x.ellipsis_rank = ellipsis.rank;
  for (int d = 0; d < ellipsis.rank; d++) w->size[w->n_axes++] = ellipsis.dims[d];
  for (int i = 0; i < e.n_inputs; i++) add_steps(w, i, &e.in[i], &p->inputs[i].shape, &x);
  add_steps(w, 2, &e.out, &out, &x);
  return NULL;
}

static tn_error *prepare(tn_prepare *p) {
  tn_einsum_walk *w;
  TN_TRY(tn_prepare_state(p, sizeof *w, &w));
  TN_TRY(tn_einsum_walk_of(p, w));
  p->scratch = tn_wide_scratch(p->outputs[0].dtype, tn_elements(&p->outputs[0]));
  for (int i = 0; i < p->n_inputs; i++) p->scratch += tn_wide_scratch(p->inputs[i].dtype, tn_elements(&p->inputs[i]));
  return NULL;
}

static void add_product(tn_wide wide, const void *const in[2], const int64_t at[TN_EINSUM_ARGUMENTS], void *out) {
  if (wide == TN_WIDE_REAL) {
    const double *x = in[0], *y = in[1];
    ((double *)out)[at[2]] += x[at[0]] * (y ? y[at[1]] : 1);
  } else if (wide == TN_WIDE_INT) {
    const uint64_t *x = in[0], *y = in[1];
    ((uint64_t *)out)[at[2]] += x[at[0]] * (y ? y[at[1]] : 1);
  } else {
    const double complex *x = in[0], *y = in[1];
    ((double complex *)out)[at[2]] += y ? x[at[0]] * y[at[1]] : x[at[0]];
  }
}

static tn_error *run(tn_run *r) {
  const tn_einsum_walk *w = r->state;
  char *scratch = r->scratch;
  const tn_wide wide = tn_wide_of(r->outputs[0]->dtype);
  const void *in[2] = {tn_wide_in(r->inputs[0], &scratch), NULL};
  if (w->n_inputs > 1) in[1] = tn_wide_in(r->inputs[1], &scratch);
  void *out = tn_wide_out(r->outputs[0], &scratch);
  memset(out, 0, (size_t)tn_elements(r->outputs[0]) * tn_wide_size(wide));
  int64_t index[TN_EINSUM_AXES] = {0}, at[TN_EINSUM_ARGUMENTS] = {0};
  bool more = true;
  for (int d = 0; d < w->n_axes; d++) more = more && w->size[d] > 0;
  while (more) {
    add_product(wide, in, at, out);
    int d = w->n_axes - 1;
    for (; d >= 0; d--) {
      const bool wraps = ++index[d] == w->size[d];
      for (int a = 0; a < TN_EINSUM_ARGUMENTS; a++) at[a] += w->step[a][d] * (wraps ? 1 - w->size[d] : 1);
      if (!wraps) break;
      index[d] = 0;
    }
    more = d >= 0;
  }
  tn_wide_finish(r->outputs[0], out);
  return NULL;
}

static const tn_kernel_def kernels[] = {
    {.name = "gemm", .types = TN_BIT(TN_FLOAT), .prepare = tn_einsum_gemm_prepare, .run = tn_einsum_gemm},
    {.name = "reference",
     .types = TN_FLOATS | TN_COMPLEXES | TN_BIT(TN_INT32) | TN_BIT(TN_INT64),
     .prepare = prepare,
     .run = run},
    {0},
};

TN_OP(Einsum, .doc = "Sums of products over labelled axes, as the equation says.", .inputs = "inputs: N * T",
      .outputs = "output: T", .attrs = "equation: string; N: int >= 1; T: type", .shape = shape,
      .gradient = tn_einsum_gradient, .kernels = kernels);
