/* Measures our matrix product and oneDNN's on the products of the training workloads: GFLOP/s and the share of the
 * machine's peak. */
#include <dnnl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "base/thread.h"
#include "kernel/gemm.h"

typedef struct product {
  const char *name;
  int64_t m, n, k;
  bool ta, tb;
} product;

static const product products[] = {
    {"mlp forward", 100, 500, 784, false, false},         {"mlp weights", 784, 500, 100, true, false},
    {"mlp logits", 100, 10, 500, false, false},           {"mlp logits' input", 100, 500, 10, false, true},
    {"mlp logits' weights", 500, 10, 100, true, false},   {"lenet forward", 100, 512, 3136, false, false},
    {"lenet weights", 3136, 512, 100, true, false},       {"lenet input", 100, 3136, 512, false, true},
    {"lstm gates", 20, 800, 400, false, false},           {"lstm softmax", 700, 10000, 200, false, false},
    {"lstm softmax input", 700, 200, 10000, false, true}, {"lstm softmax weights", 200, 10000, 700, true, false},
    {"square", 1024, 1024, 1024, false, false},           {"square transposed", 1000, 1000, 1000, false, true},
};

static float *filled(int64_t n) {
  void *p = NULL;
  tn_error *error = tn_alloc_aligned((size_t)n * sizeof(float) + 64, &p);
  if (error) {
    fprintf(stderr, "%s\n", tn_error_message(error));
    exit(1);
  }
  float *x = p;
  for (int64_t i = 0; i < n; i++) x[i] = (float)((i * 37) % 101) / 101 - 0.5f;
  return x;
}

static double best(void (*fn)(void *), void *argument) {
  double least = 1e30;
  fn(argument);
  for (int round = 0; round < 15; round++) {
    const int64_t start = tn_now_ns();
    fn(argument);
    const double time = (double)(tn_now_ns() - start);
    if (time < least) least = time;
  }
  return least;
}

typedef struct job {
  const product *p;
  tn_gemm g;
  float *a, *b, *c, *scratch;
} job;

static void own(void *argument) {
  job *j = argument;
  tn_gemm_run(&j->g, j->a, j->b, j->c, j->scratch);
}

static void onednn(void *argument) {
  job *j = argument;
  const product *p = j->p;
  dnnl_sgemm(p->ta ? 'T' : 'N', p->tb ? 'T' : 'N', p->m, p->n, p->k, 1, j->a, p->ta ? p->m : p->k, j->b,
             p->tb ? p->k : p->n, 0, j->c, p->n);
}

int main(int argc, char **argv) {
  const int threads = argc > 1 ? atoi(argv[1]) : tn_cpus();
  tn_parallel_set_threads(threads);
  for (size_t i = 0; i < sizeof products / sizeof *products; i++) {
    const product *p = &products[i];
    job j = {.p = p};
    j.g = (tn_gemm){.m = p->m,
                    .n = p->n,
                    .k = p->k,
                    .a_row = p->ta ? 1 : p->k,
                    .a_col = p->ta ? p->m : 1,
                    .b_row = p->tb ? 1 : p->n,
                    .b_col = p->tb ? p->k : 1};
    tn_gemm_plan(&j.g);
    j.a = filled(p->m * p->k);
    j.b = filled(p->k * p->n);
    j.c = filled(p->m * p->n);
    j.scratch = filled((int64_t)tn_gemm_scratch(&j.g) / 4 + 16);
    const double flops = 2.0 * (double)p->m * (double)p->n * (double)p->k, time = best(own, &j),
                 other = best(onednn, &j);
    float *c = filled(p->m * p->n);
    memcpy(c, j.c, (size_t)(p->m * p->n) * 4);
    own(&j);
    double worst = 0;
    for (int64_t e = 0; e < p->m * p->n; e++) worst = fmax(worst, fabs((double)c[e] - j.c[e]));
    printf(
        "%-22s %5lld x %5lld x %5lld %s%s own %8.1f us %6.1f GFLOP/s, oneDNN %8.1f us %6.1f GFLOP/s, differ by %.1e\n",
        p->name, (long long)p->m, (long long)p->n, (long long)p->k, p->ta ? "T" : "N", p->tb ? "T" : "N", time / 1e3,
        flops / time, other / 1e3, flops / other, worst);
  }
  return 0;
}
