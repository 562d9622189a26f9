/* What k-means needs: the k nearest centers of points, and two ways of choosing the first centers: k-means++ (Arthur
 * and Vassilvitskii 2007) and the Markov chain of k-MC2 (Bachem et al. 2016). */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "graph/shape.h"
#include "kernel/gemm.h"
#include "kernel/kernel.h"
#include "kernel/philox.h"

enum { BLOCK = 256, PRODUCTS = 1 << 20, MISSES = 64 };

static tn_error *check_rank(const tn_prepare *p, int i, int rank, const char *what) {
  if (p->inputs[i].shape.rank == rank) return NULL;
  return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Input %s should be a %s, but its shape is %s", what,
                           rank == 0   ? "scalar"
                           : rank == 1 ? "vector"
                                       : "matrix",
                           TN_SHAPE_STR(&p->inputs[i].shape));
}

static int64_t scalar(const tn_run *r, int i) { return *TN_DATA(const int64_t, r->inputs[i]); }

static float half_squared_norm(const float *row, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += (double)row[i] * row[i];
  return (float)(0.5 * sum);
}

/* --- nearest centers --- */

typedef struct search {
  const float *points, *centers;
  int64_t n, m, k, dimensions, first; /* N points from number FIRST on at once */
  float *products;                    /* n times m: points times centers */
  float *half_norms;                  /* of the centers */
  int64_t *indices;                   /* n times k */
  float *distances;                   /* n times k */
} search;

/* The K nearest of the centers for one point, the nearest first and of equals the first one, by what remains of half
 * the squared distance without the point's own norm. */
static void search_point(const search *s, int64_t i) {
  int64_t *indices = s->indices + (s->first + i) * s->k, found = 0;
  float *distances = s->distances + (s->first + i) * s->k;
  for (int64_t j = 0; j < s->m; j++) {
    float distance = s->half_norms[j] - s->products[i * s->m + j];
    if (found == s->k && !(distance < distances[found - 1])) continue;
    int64_t at = found < s->k ? found++ : found - 1;
    for (; at > 0 && distance < distances[at - 1]; at--) {
      distances[at] = distances[at - 1];
      indices[at] = indices[at - 1];
    }
    distances[at] = distance;
    indices[at] = j;
  }
  float half_norm = half_squared_norm(s->points + (s->first + i) * s->dimensions, s->dimensions);
  for (int64_t j = 0; j < s->k; j++) distances[j] = 2 * (half_norm + distances[j]);
}

static void search_block(void *argument, int64_t block) {
  const search *s = argument;
  for (int64_t i = block * BLOCK; i < s->n && i < (block + 1) * BLOCK; i++) search_point(s, i);
}

static tn_error *nearest_prepare(tn_prepare *p) {
  TN_TRY(check_rank(p, 0, 2, "points"));
  TN_TRY(check_rank(p, 1, 2, "centers"));
  TN_TRY(check_rank(p, 2, 0, "k"));
  const int64_t *points = p->inputs[0].shape.dims, *centers = p->inputs[1].shape.dims;
  if (points[0] == 0) return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Expected points.rows() > 0.");
  if (points[1] != centers[1]) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Expected point_dimensions == center_dimensions: %lld vs %lld.",
                             (long long)points[1], (long long)centers[1]);
  }
  tn_prepare_dynamic(p, 0);
  tn_prepare_dynamic(p, 1);
  return NULL;
}

/* PRODUCTS of the points from number I on, ROWS of them. */
static tn_error *multiply(const search *s, int64_t i, int64_t rows) {
  if (s->dimensions == 0) {
    memset(s->products, 0, (size_t)(rows * s->m) * sizeof(float));
    return NULL;
  }
  tn_gemm g = {.m = rows, .n = s->m, .k = s->dimensions, .a_row = s->dimensions, .a_col = 1, .b_row = 1};
  g.b_col = s->dimensions;
  tn_gemm_plan(&g);
  void *scratch = NULL;
  size_t size = tn_gemm_scratch(&g) + 1;
  TN_TRY(tn_alloc_aligned(size, &scratch));
  tn_gemm_run(&g, s->points + i * s->dimensions, s->centers, s->products, NULL, scratch);
  tn_free_aligned(scratch, size);
  return NULL;
}

/* All points, as many at once as their products take little memory. */
static tn_error *search_all(const tn_run *r, search *s) {
  int64_t all = s->n, most = PRODUCTS / s->m < BLOCK ? BLOCK : PRODUCTS / s->m;
  if (most > all) most = all;
  s->products = tn_malloc((size_t)most * (size_t)s->m * sizeof(float));
  s->half_norms = tn_malloc((size_t)s->m * sizeof(float));
  if (!s->products || !s->half_norms) return tn_out_of_memory();
  for (int64_t j = 0; j < s->m; j++)
    s->half_norms[j] = half_squared_norm(s->centers + j * s->dimensions, s->dimensions);
  for (int64_t i = 0; i < all; i += most) {
    TN_TRY(tn_run_check(r));
    s->first = i;
    s->n = all - i < most ? all - i : most;
    TN_TRY(multiply(s, i, s->n));
    tn_parallel((s->n + BLOCK - 1) / BLOCK, search_block, s);
  }
  return NULL;
}

static tn_error *nearest_run(tn_run *r) {
  const tn_tensor *points = r->inputs[0], *centers = r->inputs[1];
  search s = {.points = points->data, .centers = centers->data, .n = points->shape.dims[0], .k = scalar(r, 2)};
  s.m = centers->shape.dims[0];
  s.dimensions = points->shape.dims[1];
  if (s.k < 0) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Expected k >= 0, got %lld.", (long long)s.k);
  if (s.k > s.m) s.k = s.m;
  tn_shape shape = tn_shape_of(2, (int64_t[]){s.n, s.k});
  TN_TRY(tn_run_allocate(r, 0, &shape));
  TN_TRY(tn_run_allocate(r, 1, &shape));
  if (s.k == 0) return NULL;
  s.indices = r->outputs[0]->data;
  s.distances = r->outputs[1]->data;
  tn_error *error = search_all(r, &s);
  tn_free(s.products);
  tn_free(s.half_norms);
  return error;
}

/* --- k-means++ --- */

/* A number below N, each as likely. */
static uint64_t below(tn_philox_stream *s, uint64_t n) {
  for (;;) {
    uint32_t low = tn_philox_one(s);
    uint64_t x = tn_bits_to_u64(low, tn_philox_one(s));
    if ((n & (n - 1)) == 0) return x & (n - 1);
    if (x >= UINT64_MAX % n + 1) return x % n;
  }
}

typedef struct draw {
  const float *points;
  int64_t n, dimensions, chosen; /* how many points are chosen */
  bool *taken;
  float *half_norms, *least, *tried, *best; /* LEAST: half the squared distance to the nearest chosen point */
  float *sums;                              /* of LEAST so far */
  tn_philox_stream random;
} draw;

/* The first index whose sum is more than WANTED; N - 1 if there is none. */
static int64_t first_above(const draw *d, float wanted) {
  int64_t low = 0, high = d->n - 1;
  while (low < high) {
    int64_t middle = low + (high - low) / 2;
    if (d->sums[middle] > wanted) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

/* A point that is not chosen yet, as likely as its distance is large. Where rounding leaves only chosen points with a
 * distance, any other one does. */
static int64_t draw_one(draw *d) {
  if (d->chosen == 0) return (int64_t)below(&d->random, (uint64_t)d->n);
  float total = d->sums[d->n - 1];
  for (int misses = 0; total > 0 && misses < MISSES; misses++) {
    int64_t i = first_above(d, tn_bits_to_float(tn_philox_one(&d->random)) * total);
    if (!d->taken[i]) return i;
  }
  int64_t i = (int64_t)below(&d->random, (uint64_t)d->n);
  while (d->taken[i]) i = (i + 1) % d->n;
  return i;
}

/* TRIED is LEAST when point I is chosen too; returns its sum. */
static float try_point(draw *d, int64_t i) {
  const float *y = d->points + i * d->dimensions;
  double sum = 0;
  for (int64_t j = 0; j < d->n; j++) {
    const float *x = d->points + j * d->dimensions;
    double product = 0;
    for (int64_t k = 0; k < d->dimensions; k++) product += (double)x[k] * y[k];
    float distance = d->half_norms[j] - (float)product + d->half_norms[i];
    d->tried[j] = distance < d->least[j] ? distance : d->least[j];
    sum += d->tried[j];
  }
  return (float)sum;
}

static void exchange(float **a, float **b) {
  float *kept = *a;
  *a = *b;
  *b = kept;
}

/* The best of 1 + RETRIES points. */
static int64_t choose(draw *d, int64_t retries) {
  int64_t found = 0;
  float least = INFINITY;
  bool any = false;
  for (int64_t i = 0; i <= retries; i++) {
    int64_t candidate = draw_one(d);
    float sum = try_point(d, candidate);
    if (any && !(sum < least)) continue;
    any = true;
    least = sum;
    found = candidate;
    exchange(&d->best, &d->tried);
  }
  exchange(&d->least, &d->best);
  d->taken[found] = true;
  d->chosen++;
  return found;
}

static tn_error *plus_plus_prepare(tn_prepare *p) {
  TN_TRY(check_rank(p, 0, 2, "points"));
  TN_TRY(check_rank(p, 1, 0, "num_to_sample"));
  TN_TRY(check_rank(p, 2, 0, "seed"));
  TN_TRY(check_rank(p, 3, 0, "num_retries_per_sample"));
  tn_prepare_dynamic(p, 0);
  return NULL;
}

static tn_error *draw_all(tn_run *r, draw *d, int64_t count, int64_t retries) {
  size_t bytes = (size_t)d->dimensions * sizeof(float);
  for (int64_t i = 0; i < d->n; i++) {
    d->half_norms[i] = half_squared_norm(d->points + i * d->dimensions, d->dimensions);
    d->least[i] = INFINITY;
  }
  for (int64_t i = 0; i < count; i++) {
    TN_TRY(tn_run_check(r));
    float sum = 0;
    for (int64_t j = 0; i > 0 && j < d->n; j++) d->sums[j] = sum += d->least[j];
    int64_t found = choose(d, retries);
    memcpy((char *)r->outputs[0]->data + (size_t)i * bytes, d->points + found * d->dimensions, bytes);
  }
  return NULL;
}

static tn_error *plus_plus_run(tn_run *r) {
  const tn_tensor *points = r->inputs[0];
  draw d = {.points = points->data, .n = points->shape.dims[0], .dimensions = points->shape.dims[1]};
  int64_t count = scalar(r, 1), retries = scalar(r, 3);
  if (d.n == 0) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Expected points.rows() > 0.");
  if (count <= 0) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Expected num_to_sample > 0.");
  if (count > d.n) {
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Expected num_to_sample <= points.rows(). %lld vs %lld.",
                         (long long)count, (long long)d.n);
  }
  if (retries < 0) retries = 2 + (int64_t)log((double)count);
  tn_shape shape = tn_shape_of(2, (int64_t[]){count, d.dimensions});
  TN_TRY(tn_run_allocate(r, 0, &shape));
  float *memory = tn_malloc((size_t)d.n * (5 * sizeof(float) + sizeof(bool)));
  if (!memory) return tn_out_of_memory();
  d.half_norms = memory;
  d.least = memory + d.n;
  d.tried = memory + 2 * d.n;
  d.best = memory + 3 * d.n;
  d.sums = memory + 4 * d.n;
  d.taken = (bool *)(memory + 5 * d.n);
  memset(d.taken, 0, (size_t)d.n * sizeof(bool));
  tn_philox generator = tn_philox_seeded((uint64_t)scalar(r, 2), 0);
  d.random = tn_philox_stream_of(&generator);
  tn_error *error = draw_all(r, &d, count, retries);
  tn_free(memory);
  return error;
}

/* --- k-MC2 --- */

static tn_error *chain_prepare(tn_prepare *p) {
  TN_TRY(check_rank(p, 0, 1, "distances"));
  TN_TRY(check_rank(p, 1, 0, "seed"));
  if (p->inputs[0].shape.dims[0] == 0) {
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Expected distances_tensor.size() > 0.");
  }
  tn_shape shape = tn_shape_scalar();
  return tn_prepare_output(p, 0, &shape);
}

static tn_error *chain_run(tn_run *r) {
  const float *distances = r->inputs[0]->data;
  tn_philox generator = tn_philox_seeded((uint64_t)scalar(r, 1), 0);
  tn_philox_stream random = tn_philox_stream_of(&generator);
  int64_t at = 0;
  for (int64_t i = 1; i < r->inputs[0]->shape.dims[0]; i++) {
    if (distances[i] > tn_bits_to_float(tn_philox_one(&random)) * distances[at]) at = i;
  }
  *TN_DATA(int64_t, r->outputs[0]) = at;
  return NULL;
}

static const tn_kernel_def nearest[] = {{.name = "reference", .prepare = nearest_prepare, .run = nearest_run}, {0}};
static const tn_kernel_def plus_plus[] = {{.name = "reference", .prepare = plus_plus_prepare, .run = plus_plus_run},
                                          {0}};
static const tn_kernel_def chain[] = {{.name = "reference", .prepare = chain_prepare, .run = chain_run}, {0}};

TN_OP(NearestNeighbors, .inputs = "points: float, centers: float, k: int64",
      .outputs = "nearest_center_indices: int64, nearest_center_distances: float", .attrs = "",
      .doc = "The k centers that are nearest to each point, and their squared distances.",
      .flags = TN_OP_GRADIENT_UNREGISTERED | TN_OP_DYNAMIC_SHAPE, .shape = tn_shape_unknown_out, .kernels = nearest);

TN_OP(KmeansPlusPlusInitialization,
      .inputs = "points: float, num_to_sample: int64, seed: int64, num_retries_per_sample: int64",
      .outputs = "samples: float", .attrs = "",
      .doc = "Rows of a matrix, each drawn in proportion to its squared distance from those before.",
      .flags = TN_OP_GRADIENT_UNREGISTERED | TN_OP_DYNAMIC_SHAPE, .shape = tn_shape_unknown_out, .kernels = plus_plus);

TN_OP(KMC2ChainInitialization, .inputs = "distances: float, seed: int64", .outputs = "index: int64", .attrs = "",
      .doc = "Where a Markov chain over candidates ends that moves in proportion to their squared distances.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = tn_shape_scalar_out, .kernels = chain);
