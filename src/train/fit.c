/* Training a model: epochs of shuffled batches, saved so that going on later gives the same bits. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "train/model.h"

#define BATCH_SIZE 100

typedef struct fitting {
  tn_model *model;
  const tn_dataset *dataset;
  tn_fit_options options;
  tn_batches *batches;
  tn_saver *saver;
  tn_position at;
  tn_progress progress;
  int64_t start_ns;
  double best;
  int waited; /* epochs since the best loss */
  bool stop;
} fitting;

static tn_error *open_saver(fitting *f) {
  const tn_fit_options *o = &f->options;
  if (!o->checkpoint) return NULL;
  return tn_saver_new(o->checkpoint, NULL, o->max_to_keep, o->resume, &f->saver);
}

/* Going on is exact only with the same examples in the same batches. */
static tn_error *check_position(const tn_position *saved, const tn_position *now, const char *prefix) {
  const struct {
    const char *what;
    int64_t saved, now;
  } facts[] = {{"the seed", saved->seed, now->seed},
               {"the batch size", saved->batch_size, now->batch_size},
               {"the number of examples", saved->examples, now->examples},
               {"whether examples stay in order", saved->in_order, now->in_order}};
  for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
    if (facts[i].saved != facts[i].now)
      return tn_errorf(TN_FAILED_PRECONDITION, "%s can't be resumed exactly: %s was %" PRId64 " and is %" PRId64 " now",
                       prefix, facts[i].what, facts[i].saved, facts[i].now);
  }
  return NULL;
}

static tn_error *resume(fitting *f) {
  char *prefix;
  tn_error *error = tn_latest_checkpoint(f->options.checkpoint, &prefix);
  if (error && tn_error_code(error) == TN_NOT_FOUND) {
    tn_error_free(error);
    return NULL;
  }
  TN_TRY(error);
  tn_position saved = f->at;
  error = tn_model_restore_at(f->model, prefix, &saved);
  if (!error) error = check_position(&saved, &f->at, prefix);
  if (!error) f->at = saved;
  tn_free(prefix);
  return error;
}

static tn_error *begin(fitting *f) {
  const tn_fit_options *o = &f->options;
  if (!f->model->session) return tn_errorf(TN_FAILED_PRECONDITION, "compile the model before it is fitted");
  if (!f->dataset) return tn_errorf(TN_INVALID_ARGUMENT, "there is no dataset to fit to");
  if (o->epochs < 0 || o->batch_size < 0)
    return tn_errorf(TN_INVALID_ARGUMENT, "%d epochs of batches of %" PRId64, o->epochs, o->batch_size);
  if (!f->options.epochs) f->options.epochs = 1;
  if (!f->options.batch_size) f->options.batch_size = BATCH_SIZE;
  TN_TRY(tn_batches_new(f->dataset, f->options.batch_size, &f->batches));
  f->at = (tn_position){.seed = f->model->options.seed,
                        .batch_size = f->options.batch_size,
                        .examples = tn_dataset_size(f->dataset),
                        .in_order = o->in_order};
  TN_TRY(open_saver(f));
  if (o->resume && f->saver) TN_TRY(resume(f));
  f->best = INFINITY;
  f->start_ns = tn_now_ns();
  return NULL;
}

static void report(fitting *f) {
  tn_progress *p = &f->progress;
  p->epoch = f->at.epoch;
  p->epochs = f->options.epochs;
  p->batch = f->at.batch;
  p->batches = tn_batches_count(f->batches);
  p->step = f->model->steps;
  p->seconds = (double)(tn_now_ns() - f->start_ns) * 1e-9;
  p->metric_names = (const char *const *)f->model->metric_names;
  tn_model_scores(f->model, &f->at.totals, &p->train);
}

static tn_error *save(fitting *f) { return f->saver ? tn_model_save_at(f->model, f->saver, &f->at) : NULL; }

static tn_error *run_batch(fitting *f) {
  tn_tensor *features, *labels;
  TN_TRY(tn_batches_get(f->batches, f->at.batch, &features, &labels));
  tn_error *error = tn_model_run_batch(f->model, f->model->train.step, features, labels, &f->at.totals);
  tn_tensor_free(features);
  tn_tensor_free(labels);
  if (error) return tn_error_context(error, "step %" PRId64, f->model->steps + 1);
  f->at.batch++;
  f->model->steps++;
  f->progress.steps_here++;
  if (f->options.on_batch) {
    report(f);
    f->stop = !f->options.on_batch(&f->progress, f->options.argument);
  }
  bool due = f->options.save_steps > 0 && f->model->steps % f->options.save_steps == 0;
  return due && !f->stop && f->at.batch < tn_batches_count(f->batches) ? save(f) : NULL;
}

static void print_epoch(const fitting *f) {
  const tn_progress *p = &f->progress;
  printf("epoch %" PRId64 "/%" PRId64 ": loss %.4f", p->epoch + 1, p->epochs, p->train.loss);
  for (int i = 0; i < p->train.n_metrics; i++) printf(", %s %.4f", p->metric_names[i], p->train.metrics[i]);
  if (p->validated) {
    printf("; validation: loss %.4f", p->validation.loss);
    for (int i = 0; i < p->validation.n_metrics; i++) printf(", %s %.4f", p->metric_names[i], p->validation.metrics[i]);
  }
  printf(" (%.1f s)\n", p->seconds);
  fflush(stdout);
}

/* Stops when the loss did not get better for as many epochs as the caller is patient. */
static void judge(fitting *f) {
  const tn_progress *p = &f->progress;
  double loss = p->validated ? p->validation.loss : p->train.loss;
  f->waited = loss < f->best ? 0 : f->waited + 1;
  if (loss < f->best) f->best = loss;
  if (f->options.patience > 0 && f->waited >= f->options.patience) f->stop = true;
}

static tn_error *end_epoch(fitting *f) {
  report(f);
  f->progress.validated = f->options.validation != NULL;
  if (f->progress.validated) TN_TRY(tn_model_evaluate_into(f->model, f->options.validation, &f->progress.validation));
  f->progress.seconds = (double)(tn_now_ns() - f->start_ns) * 1e-9;
  if (f->options.verbose) print_epoch(f);
  if (f->options.on_epoch && !f->options.on_epoch(&f->progress, f->options.argument)) f->stop = true;
  judge(f);
  f->progress.validated = false;
  f->at.epoch++;
  f->at.batch = 0;
  f->at.totals = (tn_totals){0};
  return save(f);
}

static tn_error *train(fitting *f) {
  while (f->at.epoch < f->options.epochs && !f->stop) {
    if (!f->options.in_order) TN_TRY(tn_batches_shuffle(f->batches, (uint64_t)f->model->options.seed, f->at.epoch));
    while (f->at.batch < tn_batches_count(f->batches) && !f->stop) TN_TRY(run_batch(f));
    if (f->at.batch < tn_batches_count(f->batches)) return save(f);
    bool stopped = f->stop;
    TN_TRY(end_epoch(f));
    f->stop = f->stop || stopped;
  }
  return NULL;
}

void tn_model_fit(tn_model *model, const tn_dataset *dataset, const tn_fit_options *options) {
  if (tn_model_failed(model)) return;
  fitting f = {.model = model, .dataset = dataset};
  if (options) f.options = *options;
  tn_error *error = begin(&f);
  if (!error) error = train(&f);
  tn_batches_free(f.batches);
  tn_saver_free(f.saver);
  tn_model_fail(model, error);
}
