/* CTCLoss: the negative log probability of labels under all alignments, with its gradient. Equations:
 * Graves, Supervised Sequence Labelling with Recurrent Neural Networks, chapter 7. */
#include "ops/ctc/ctc.h"

typedef struct options {
  int64_t time, batch, classes, blank;
  bool collapse, merge, ignore_longer;
} options;

/* One entry of the batch. */
typedef struct entry {
  const options *o;
  int64_t time;               /* steps of this entry */
  int64_t n;                  /* of PRIME */
  int64_t *prime;             /* the labels with blanks between and around */
  double *log_y;              /* [time, classes] */
  double *alpha, *beta, *sum; /* [time, n] each; [classes] */
} entry;

static tn_error *prepare(tn_prepare *p) {
  const tn_shape *x = &p->inputs[0].shape, *indices = &p->inputs[1].shape, *values = &p->inputs[2].shape;
  TN_TRY(tn_ctc_prepare(p, 3));
  if (indices->rank != 2 || indices->dims[1] != 2)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "labels_indices is not a matrix of two columns: %s",
                             TN_SHAPE_STR(indices));
  if (values->rank != 1 || values->dims[0] != indices->dims[0])
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "there must be a label for each of %lld indices, got %s",
                             (long long)indices->dims[0], TN_SHAPE_STR(values));
  options *o;
  TN_TRY(tn_prepare_state(p, sizeof *o, &o));
  *o = (options){.time = x->dims[0],
                 .batch = x->dims[1],
                 .classes = x->dims[2],
                 .blank = x->dims[2] - 1,
                 .collapse = tn_node_get_bool(p->node, "preprocess_collapse_repeated"),
                 .merge = tn_node_get_bool(p->node, "ctc_merge_repeated"),
                 .ignore_longer = tn_node_get_bool(p->node, "ignore_longer_outputs_than_inputs")};
  if (o->batch == 0) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "batch_size must not be 0");
  tn_shape loss = tn_shape_of(1, &o->batch);
  TN_TRY(tn_prepare_output(p, 0, &loss));
  return tn_prepare_output(p, 1, x);
}

/* The labels of entry B into PRIME. */
static tn_error *read_labels(const tn_run *r, int64_t b, int64_t *at, entry *e) {
  const options *o = e->o;
  const int64_t *indices = TN_DATA(int64_t, r->inputs[1]);
  int64_t n = r->inputs[1]->shape.dims[0], last = -1;
  e->n = 0;
  e->prime[e->n++] = o->blank;
  for (; *at < n && indices[2 * *at] == b; ++*at) {
    int64_t label = TN_DATA(int32_t, r->inputs[2])[*at];
    if (label < 0 || label >= o->classes || label == o->blank)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                           "label %lld of batch entry %lld is not one of %lld classes but the blank", (long long)label,
                           (long long)b, (long long)o->classes);
    if (!(o->collapse && label == last)) {
      e->prime[e->n++] = label;
      e->prime[e->n++] = o->blank;
    }
    last = label;
  }
  if (*at < n && indices[2 * *at] < b)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "labels are out of order at %lld", (long long)*at);
  if (!o->ignore_longer && e->time > 0 && e->n / 2 > e->time)
    return tn_run_errorf(
        r, TN_INVALID_ARGUMENT,
        "Not enough time for target transition sequence (required: %lld, available: %lld) in batch %lld. "
        "You can turn the error into a warning by using the flag ignore_longer_outputs_than_inputs",
        (long long)(e->n / 2), (long long)e->time, (long long)b);
  return NULL;
}

static void log_softmax(const tn_run *r, int64_t b, entry *e) {
  int64_t classes = e->o->classes;
  for (int64_t t = 0; t < e->time; t++) {
    int64_t first = (t * e->o->batch + b) * classes;
    double top = -INFINITY, sum = 0, *out = e->log_y + t * classes;
    for (int64_t c = 0; c < classes; c++) top = fmax(top, tn_ctc_at(r->inputs[0], first + c));
    for (int64_t c = 0; c < classes; c++) sum += exp(tn_ctc_at(r->inputs[0], first + c) - top);
    for (int64_t c = 0; c < classes; c++) out[c] = tn_ctc_at(r->inputs[0], first + c) - top - log(sum);
  }
}

/* Whether place U may follow place U - 2 at once. */
static bool may_skip(const entry *e, int64_t u) {
  return e->prime[u] != e->o->blank && !(e->o->merge && e->prime[u] == e->prime[u - 2]);
}

static void forward(entry *e) {
  int64_t n = e->n, classes = e->o->classes;
  for (int64_t i = 0; i < e->time * n; i++) e->alpha[i] = -INFINITY;
  for (int64_t u = 0; u < n && u < 2; u++) e->alpha[u] = e->log_y[e->prime[u]];
  for (int64_t t = 1; t < e->time; t++) {
    const double *before = e->alpha + (t - 1) * n;
    int64_t from = n - 2 * (e->time - t), to = 2 * (t + 1);
    for (int64_t u = from > 0 ? from : 0; u < n && u < to; u++) {
      double sum = e->o->merge || e->prime[u] == e->o->blank ? before[u] : -INFINITY;
      if (u > 0) sum = tn_log_add(sum, before[u - 1]);
      if (u > 1 && may_skip(e, u)) sum = tn_log_add(sum, before[u - 2]);
      e->alpha[t * n + u] = e->log_y[t * classes + e->prime[u]] + sum;
    }
  }
}

static void backward(entry *e) {
  int64_t n = e->n, classes = e->o->classes;
  for (int64_t i = 0; i < e->time * n; i++) e->beta[i] = -INFINITY;
  for (int64_t u = n > 1 ? n - 2 : 0; u < n; u++) e->beta[(e->time - 1) * n + u] = 0;
  for (int64_t t = e->time - 2; t >= 0; t--) {
    const double *after = e->beta + (t + 1) * n, *y = e->log_y + (t + 1) * classes;
    int64_t from = n - 2 * (e->time - t), to = 2 * (t + 1);
    for (int64_t u = from > 0 ? from : 0; u < n && u < to; u++) {
      double sum = e->o->merge || e->prime[u] == e->o->blank ? after[u] + y[e->prime[u]] : -INFINITY;
      if (u + 1 < n) sum = tn_log_add(sum, after[u + 1] + y[e->prime[u + 1]]);
      if (u + 2 < n && e->prime[u] != e->o->blank && !(e->o->merge && e->prime[u] == e->prime[u + 2]))
        sum = tn_log_add(sum, after[u + 2] + y[e->prime[u + 2]]);
      e->beta[t * n + u] = sum;
    }
  }
}

static void put(tn_tensor *t, int64_t i, double value) {
  if (t->dtype == TN_FLOAT)
    TN_DATA(float, t)[i] = (float)value;
  else
    TN_DATA(double, t)[i] = value;
}

/* What the softmax says, less what the labels say. */
static void gradient(const tn_run *r, int64_t b, entry *e, double log_p) {
  int64_t classes = e->o->classes;
  for (int64_t t = 0; t < e->time; t++) {
    for (int64_t c = 0; c < classes; c++) e->sum[c] = -INFINITY;
    for (int64_t u = 0; u < e->n; u++)
      e->sum[e->prime[u]] = tn_log_add(e->sum[e->prime[u]], e->alpha[t * e->n + u] + e->beta[t * e->n + u]);
    for (int64_t c = 0; c < classes; c++) {
      double wanted = log_p == -INFINITY ? 0 : exp(e->sum[c] - log_p);
      put(r->outputs[1], (t * e->o->batch + b) * classes + c, exp(e->log_y[t * classes + c]) - wanted);
    }
  }
}

static tn_error *one(const tn_run *r, int64_t b, int64_t *at, entry *e) {
  e->time = TN_DATA(int32_t, r->inputs[3])[b];
  TN_TRY(read_labels(r, b, at, e));
  put(r->outputs[0], b, 0);
  if (e->time == 0 || e->n / 2 > e->time) return NULL;
  log_softmax(r, b, e);
  forward(e);
  backward(e);
  double log_p = -INFINITY;
  for (int64_t u = 0; u < e->n; u++) log_p = tn_log_add(log_p, e->alpha[u] + e->beta[u]);
  put(r->outputs[0], b, -log_p);
  gradient(r, b, e, log_p);
  return NULL;
}

static tn_error *all(tn_run *r, entry *e) {
  int64_t most = 2 * r->inputs[1]->shape.dims[0] + 1;
  const options *o = e->o;
  size_t cells = (size_t)o->time * (size_t)most;
  e->prime = tn_malloc((size_t)most * sizeof *e->prime);
  e->log_y = tn_malloc((size_t)(o->time * o->classes) * sizeof(double));
  e->alpha = tn_malloc(cells * sizeof(double));
  e->beta = tn_malloc(cells * sizeof(double));
  e->sum = tn_malloc((size_t)o->classes * sizeof(double));
  if (!e->prime || !e->log_y || !e->alpha || !e->beta || !e->sum) return tn_out_of_memory();
  int64_t at = 0;
  for (int64_t b = 0; b < o->batch; b++) TN_TRY(one(r, b, &at, e));
  if (at < r->inputs[1]->shape.dims[0])
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "label %lld belongs to none of %lld batch entries", (long long)at,
                         (long long)o->batch);
  return NULL;
}

static tn_error *run(tn_run *r) {
  entry e = {.o = r->state};
  TN_TRY(tn_ctc_check_lengths(r, 3, TN_INVALID_ARGUMENT));
  TN_TRY(tn_copy_zero(r->outputs[1]->dtype, r->outputs[1]->data, tn_elements(r->outputs[1])));
  tn_error *error = all(r, &e);
  tn_free(e.prime);
  tn_free(e.log_y);
  tn_free(e.alpha);
  tn_free(e.beta);
  tn_free(e.sum);
  return error;
}

static tn_error *shape(tn_shape_ctx *c) {
  tn_shape x, indices, values, lengths;
  int64_t n;
  TN_TRY(tn_shape_with_rank(c, 0, 3, &x));
  TN_TRY(tn_shape_with_rank(c, 1, 2, &indices));
  TN_TRY(tn_shape_with_rank(c, 2, 1, &values));
  TN_TRY(tn_shape_with_rank(c, 3, 1, &lengths));
  TN_TRY(tn_dim_merge(c, indices.dims[0], values.dims[0], &n));
  TN_TRY(tn_dim_merge(c, x.dims[1], lengths.dims[0], &n));
  c->out[0] = tn_shape_of(1, &n);
  c->out[1] = tn_shape_of(3, (int64_t[]){x.dims[0], n, x.dims[2]});
  return NULL;
}

/* The kernel has computed the gradient of the loss already; that one has none. */
static tn_error *loss_gradient(tn_gradient_ctx *c) {
  tn_scope *s = c->scope;
  tn_output g = tn_build2(s, "ExpandDims", tn_grad_dense(c, 0), tn_build_scalar(s, TN_INT32, -1));
  tn_output own =
      tn_build(s, "PreventGradient", TN_IN(tn_grad_y(c, 1)),
               TN_ATTRS(TN_A_STRING("message", "Currently there is no way to take the second derivative of ctc_loss")));
  tn_grad_set(c, 0, tn_build2(s, "Mul", g, own));
  return NULL;
}

static const tn_kernel_def kernels[] = {{.name = "reference", .prepare = prepare, .run = run}, {0}};

TN_OP(CTCLoss, .inputs = "inputs: T, labels_indices: int64, labels_values: int32, sequence_length: int32",
      .outputs = "loss: T, gradient: T",
      .attrs = "preprocess_collapse_repeated: bool = false; ctc_merge_repeated: bool = true; "
               "ignore_longer_outputs_than_inputs: bool = false; T: {float, double} = DT_FLOAT",
      .doc = "The negative log probability of labels in all alignments with INPUTS; the last class is the blank.",
      .shape = shape, .gradient = loss_gradient, .kernels = kernels);
