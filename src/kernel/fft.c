/* Fast Fourier transforms. */
#include "kernel/fft.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

enum { MAX_FACTORS = 40, LARGE_PRIME = 64 };
static const double pi = 3.14159265358979323846;

struct tn_fft {
  int64_t n;
  int n_factors;
  int factors[MAX_FACTORS];
  double complex *turns; /* exp(-2 pi i k / n) */
  /* For lengths with a large prime: a convolution of length whole->n with chirp. */
  tn_fft *whole;
  double complex *chirp, *spectrum; /* exp(-pi i k k / n); the transform of its inverse */
};

static double complex turn(double numerator, double denominator) {
  const double angle = -2 * pi * numerator / denominator;
  return tn_complex(cos(angle), sin(angle));
}

/* exp(-pi i k k / n), with k k reduced first so that it stays exact. */
static double complex chirp_at(int64_t k, int64_t n) {
  const uint64_t square = (uint64_t)k * (uint64_t)k % (2 * (uint64_t)n);
  return turn((double)square, 2.0 * (double)n);
}

static bool factorize(tn_fft *p) {
  int64_t rest = p->n;
  for (int64_t f = 4; rest > 1;) {
    if (rest % f == 0) {
      p->factors[p->n_factors++] = (int)f;
      rest /= f;
    } else {
      f = f == 4 ? 2 : f == 2 ? 3 : f + 2;
      if (f > LARGE_PRIME) return false;
    }
  }
  return true;
}

static tn_error *init_bluestein(tn_fft *p) {
  int64_t m = 1;
  while (m < 2 * p->n - 1) m *= 2;
  TN_TRY(tn_fft_new(m, &p->whole));
  p->chirp = tn_malloc((size_t)p->n * sizeof *p->chirp);
  p->spectrum = tn_calloc((size_t)(m + tn_fft_scratch(p->whole)), sizeof *p->spectrum);
  if (!p->chirp || !p->spectrum) return tn_out_of_memory();
  for (int64_t k = 0; k < p->n; k++) {
    p->chirp[k] = chirp_at(k, p->n);
    p->spectrum[k] = conj(p->chirp[k]);
    if (k > 0) p->spectrum[m - k] = p->spectrum[k];
  }
  tn_fft_run(p->whole, p->spectrum, false, p->spectrum + m);
  return NULL;
}

tn_error *tn_fft_new(int64_t n, tn_fft **out) {
  tn_fft *p = tn_calloc(1, sizeof *p);
  if (!p) return tn_out_of_memory();
  p->n = n;
  tn_error *error = NULL;
  if (!factorize(p)) {
    error = init_bluestein(p);
  } else if (!(p->turns = tn_malloc((size_t)n * sizeof *p->turns))) {
    error = tn_out_of_memory();
  } else {
    for (int64_t k = 0; k < n; k++) p->turns[k] = turn((double)k, (double)n);
  }
  if (error)
    tn_fft_free(p);
  else
    *out = p;
  return error;
}

void tn_fft_free(tn_fft *p) {
  if (!p) return;
  tn_fft_free(p->whole);
  tn_free(p->turns);
  tn_free(p->chirp);
  tn_free(p->spectrum);
  tn_free(p);
}

int64_t tn_fft_scratch(const tn_fft *p) {
  return p->whole ? p->whole->n + tn_fft_scratch(p->whole) : p->n + LARGE_PRIME;
}

/* The product of two complex numbers, without the care for infinities that C takes. */
static inline double complex times(double complex a, double complex b) {
  return tn_complex(creal(a) * creal(b) - cimag(a) * cimag(b), creal(a) * cimag(b) + cimag(a) * creal(b));
}

/* Joins FACTOR transforms of length M that lie one after the other in TO. STEP: of the turns. */
static void join(const tn_fft *p, int factor, int64_t m, int64_t step, double complex *to, double complex *room) {
  for (int64_t k = 0; k < m; k++) {
    for (int j = 0; j < factor; j++) room[j] = times(to[j * m + k], p->turns[(int64_t)j * k * step % p->n]);
    if (factor == 2) {
      to[k] = room[0] + room[1];
      to[m + k] = room[0] - room[1];
      continue;
    }
    if (factor == 4) {
      const double complex a = room[0] + room[2], b = room[0] - room[2], c = room[1] + room[3], d = room[1] - room[3];
      const double complex turned = tn_complex(cimag(d), -creal(d));
      to[k] = a + c;
      to[m + k] = b + turned;
      to[2 * m + k] = a - c;
      to[3 * m + k] = b - turned;
      continue;
    }
    for (int q = 0; q < factor; q++) {
      double complex sum = room[0];
      for (int j = 1; j < factor; j++) sum += times(room[j], p->turns[(int64_t)j * q % factor * (p->n / factor)]);
      to[q * m + k] = sum;
    }
  }
}

/* The transform of elements of FROM, STRIDE apart, into TO; factors from FIRST on. */
static void transform(const tn_fft *p, int first, const double complex *from, int64_t stride, double complex *to,
                      double complex *room) {
  const int64_t n = p->n / stride;
  if (n == 1) {
    *to = *from;
    return;
  }
  const int factor = p->factors[first];
  const int64_t m = n / factor;
  for (int j = 0; j < factor; j++) transform(p, first + 1, from + j * stride, stride * factor, to + j * m, room);
  join(p, factor, m, stride, to, room);
}

static void run_bluestein(const tn_fft *p, double complex *x, double complex *scratch) {
  const int64_t m = p->whole->n;
  double complex *y = scratch;
  for (int64_t k = 0; k < p->n; k++) y[k] = times(x[k], p->chirp[k]);
  memset(y + p->n, 0, (size_t)(m - p->n) * sizeof *y);
  tn_fft_run(p->whole, y, false, scratch + m);
  for (int64_t k = 0; k < m; k++) y[k] = times(y[k], p->spectrum[k]);
  tn_fft_run(p->whole, y, true, scratch + m);
  for (int64_t k = 0; k < p->n; k++) x[k] = times(y[k], p->chirp[k]);
}

void tn_fft_run(const tn_fft *p, double complex *x, bool inverse, double complex *scratch) {
  if (inverse)
    for (int64_t k = 0; k < p->n; k++) x[k] = conj(x[k]);
  if (p->whole) {
    run_bluestein(p, x, scratch);
  } else {
    memcpy(scratch, x, (size_t)p->n * sizeof *x);
    transform(p, 0, scratch, 1, x, scratch + p->n);
  }
  if (inverse)
    for (int64_t k = 0; k < p->n; k++) x[k] = conj(x[k]) / (double)p->n;
}
