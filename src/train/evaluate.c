/* Running a model's steps, adding up losses and metrics, evaluating and predicting. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "tensor/tensor.h"
#include "train/model.h"

#define EVALUATION_BATCH 100

static double scalar(const tn_tensor *tensor) { return (double)*(const float *)tensor->data; }

tn_error *tn_model_run_batch(tn_model *model, tn_callable *step, tn_tensor *features, tn_tensor *labels,
                             tn_totals *totals) {
  tn_tensor *const feeds[2] = {features, labels};
  tn_tensor *out[1 + 2 * TN_MAX_METRICS];
  TN_TRY(tn_callable_run(step, NULL, feeds, out, NULL));
  double rows = (double)tn_tensor_dim(features, 0);
  totals->loss += rows * scalar(out[0]);
  totals->examples += rows;
  for (int i = 0; i < model->n_metrics; i++) {
    totals->total[i] += scalar(out[1 + 2 * i]);
    totals->count[i] += scalar(out[2 + 2 * i]);
  }
  for (int i = 0; i < 1 + 2 * model->n_metrics; i++) tn_tensor_free(out[i]);
  return NULL;
}

void tn_model_scores(const tn_model *model, const tn_totals *totals, tn_scores *out) {
  *out = (tn_scores){.loss = totals->examples > 0 ? totals->loss / totals->examples : 0,
                     .examples = (int64_t)totals->examples,
                     .n_metrics = model->n_metrics};
  for (int i = 0; i < model->n_metrics; i++)
    out->metrics[i] = totals->count[i] > 0 ? totals->total[i] / totals->count[i] : 0;
}

static tn_error *run_all(tn_model *model, tn_batches *batches, tn_totals *totals) {
  for (int64_t i = 0; i < tn_batches_count(batches); i++) {
    tn_tensor *features, *labels;
    TN_TRY(tn_batches_get(batches, i, &features, &labels));
    tn_error *error = tn_model_run_batch(model, model->eval.step, features, labels, totals);
    tn_tensor_free(features);
    tn_tensor_free(labels);
    if (error) return error;
  }
  return NULL;
}

tn_error *tn_model_evaluate_into(tn_model *model, const tn_dataset *dataset, tn_scores *out) {
  tn_batches *batches;
  tn_totals totals = {0};
  if (!model->session) return tn_errorf(TN_FAILED_PRECONDITION, "compile the model before it is evaluated");
  if (!dataset) return tn_errorf(TN_INVALID_ARGUMENT, "there is no dataset to evaluate on");
  TN_TRY(tn_batches_new(dataset, EVALUATION_BATCH, &batches));
  tn_error *error = run_all(model, batches, &totals);
  tn_batches_free(batches);
  if (!error) tn_model_scores(model, &totals, out);
  return error;
}

double tn_model_evaluate(tn_model *model, const tn_dataset *dataset, tn_scores *out) {
  tn_scores scores;
  if (tn_model_failed(model)) return NAN;
  tn_error *error = tn_model_evaluate_into(model, dataset, &scores);
  if (error) {
    tn_model_fail(model, error);
    return NAN;
  }
  if (out) *out = scores;
  return scores.n_metrics ? scores.metrics[0] : scores.loss;
}

/* uint8 features as float32. */
static tn_error *to_float(const tn_tensor *features, tn_tensor **out) {
  tn_tensor *made;
  TN_TRY(tn_tensor_new(TN_FLOAT, features->shape.rank, features->shape.dims, &made));
  int64_t n = tn_tensor_elements(features);
  const uint8_t *source = features->data;
  for (int64_t i = 0; i < n; i++) ((float *)made->data)[i] = (float)source[i] * (1.0f / 255);
  *out = made;
  return NULL;
}

tn_error *tn_model_predict(tn_model *model, tn_tensor *features, tn_tensor **out) {
  if (tn_model_failed(model)) return tn_model_status(model);
  if (!model->predict) return tn_errorf(TN_FAILED_PRECONDITION, "compile the model before it predicts");
  if (features->dtype != TN_UINT8) return tn_callable_run(model->predict, NULL, &features, out, NULL);
  tn_tensor *converted;
  TN_TRY(to_float(features, &converted));
  tn_error *error = tn_callable_run(model->predict, NULL, &converted, out, NULL);
  tn_tensor_free(converted);
  return error;
}
