/* Progress: a bar with rate, loss, accuracy and time left on a terminal; a line an epoch elsewhere. */
#include <stdio.h>
#include <unistd.h>

#include "cli/networks.h"

enum { BAR = 24 };

static void print_scores(const tn_progress *p) {
  printf("  loss %.4f", p->train.loss);
  for (int i = 0; i < p->train.n_metrics; i++) printf("  %s %.4f", p->metric_names[i], p->train.metrics[i]);
}

static void print_time(double seconds) {
  long s = (long)(seconds + 0.5);
  if (s >= 3600) {
    printf("%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
  } else {
    printf("%ld:%02ld", s / 60, s % 60);
  }
}

static void print_bar(const tn_progress *p) {
  char bar[BAR + 1];
  int64_t full = p->batches ? p->batch * BAR / p->batches : BAR;
  for (int i = 0; i < BAR; i++) bar[i] = i < full ? '=' : i == full ? '>' : ' ';
  bar[BAR] = 0;
  double rate = p->seconds > 0 ? (double)p->steps_here / p->seconds : 0;
  double left = (double)((p->epochs - p->epoch) * p->batches - p->batch);
  printf("\r\033[Kepoch %lld/%lld [%s] %lld/%lld  %.1f steps/s", (long long)p->epoch + 1, (long long)p->epochs, bar,
         (long long)p->batch, (long long)p->batches, rate);
  print_scores(p);
  if (rate > 0) {
    printf("  ");
    print_time(left / rate);
    printf(" left");
  }
  fflush(stdout);
}

void cli_show_progress(const tn_progress *p, bool end) {
  static double shown;
  bool terminal = isatty(STDOUT_FILENO);
  if (end) {
    double rate = p->seconds > 0 ? (double)p->steps_here / p->seconds : 0;
    printf("%sepoch %lld/%lld  step %lld  %.1f steps/s", terminal ? "\r\033[K" : "", (long long)p->epoch + 1,
           (long long)p->epochs, (long long)p->step, rate);
    print_scores(p);
    printf("\n");
    fflush(stdout);
    return;
  }
  double now = cli_seconds();
  if (!terminal || (now - shown < 0.1 && p->batch < p->batches)) return;
  shown = now;
  print_bar(p);
}
