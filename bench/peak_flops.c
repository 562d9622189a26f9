/* Measures what the machine's cores can do at most: float32 fused multiply-adds a second, and bytes read a second.
 * usage: peak_flops THREADS    prints one JSON line */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__AVX512F__)
#define WIDTH 64
#elif defined(__AVX2__)
#define WIDTH 32
#else
#define WIDTH 16
#endif
typedef float vector __attribute__((vector_size(WIDTH)));

enum { CHAINS = 12, LANES = WIDTH / 4, MAX_THREADS = 256, BYTES = 1 << 28 };
static const long steps = 40000000;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Twelve independent chains fill the pipelines; the compiler makes one fused instruction of each line
 * (-ffp-contract=fast). */
static void *multiply(void *argument) {
  vector a[CHAINS] = {{0}}, x, y;
  for (int i = 0; i < LANES; i++) x[i] = 0.999f, y[i] = 0.001f;
  for (int i = 0; i < CHAINS; i++) a[i] = x * (float)i; /* different ones: equal chains would be computed once */
  for (long k = 0; k < steps; k++)
    for (int i = 0; i < CHAINS; i++) a[i] = a[i] * x + y;
  for (int i = 1; i < CHAINS; i++) a[0] += a[i];
  *(float *)argument = a[0][0];
  return NULL;
}

static void *read_bytes(void *argument) {
  long *data = argument, sum = 0;
  for (size_t i = 0; i < BYTES / sizeof *data; i++) sum += data[i];
  data[0] = sum;
  return NULL;
}

/* Seconds that N threads need for WORK, the best of three. */
static double timed(int n, void *(*work)(void *), char *arguments, size_t stride) {
  pthread_t threads[MAX_THREADS];
  double best = 1e30;
  for (int run = 0; run < 3; run++) {
    double start = now();
    int made = 0;
    while (made < n && !pthread_create(&threads[made], NULL, work, arguments + stride * (size_t)made)) made++;
    for (int i = 0; i < made; i++) pthread_join(threads[i], NULL);
    double seconds = now() - start;
    if (made == n && seconds < best) best = seconds;
  }
  return best;
}

int main(int argc, char **argv) {
  int n = argc > 1 ? atoi(argv[1]) : 1;
  if (n < 1 || n > MAX_THREADS) return 2;
  float results[MAX_THREADS] = {0};
  double flops = (double)n * (double)steps * CHAINS * LANES * 2 / timed(n, multiply, (char *)results, sizeof(float));
  char *memory = malloc((size_t)n * BYTES);
  if (!memory) return 1;
  memset(memory, 1, (size_t)n * BYTES);
  double bytes = (double)n * BYTES / timed(n, read_bytes, memory, BYTES);
  free(memory);
  printf("{\"threads\": %d, \"gflops\": %.1f, \"gbytes\": %.1f}\n", n, flops / 1e9, bytes / 1e9);
  return 0;
}
