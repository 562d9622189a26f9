/* Models from the inside. */
#ifndef TN_TRAIN_MODEL_H
#define TN_TRAIN_MODEL_H

#include <tenon/model.h>

#include "data/dataset.h"
#include "nn/net.h"
#include "train/saver.h"

/* A layer as it was asked for. */
typedef struct tn_layer tn_layer;
struct tn_layer {
  tn_output (*build)(tn_net *net, tn_output x, const tn_layer *layer);
  int64_t units, width;
  int size;
  float rate;
  tn_layer_options options;
  tn_output (*own)(tn_net *net, tn_output x, void *argument);
  void *argument;
};

/* A text that checkpoints carry. */
typedef struct tn_note {
  char *key, *text;
} tn_note;

/* One copy of the network: that which trains, or that which evaluates. */
typedef struct tn_tower {
  tn_output output, loss;
  tn_net_metric metrics[TN_MAX_METRICS];
  tn_callable *step; /* feeds features and labels, fetches the loss and the metrics */
} tn_tower;

struct tn_model {
  tn_error *error;
  tn_model_options options;
  tn_graph *graph;
  tn_net *net;
  tn_session *session;
  tn_datasets data;
  bool has_input, compiled;
  tn_shape input; /* of one example */
  size_t n_layers, layer_capacity;
  tn_layer *layers;
  int n_metrics;
  char *metric_names[TN_MAX_METRICS];
  tn_output features, labels;
  tn_tower train, eval;
  tn_node *init, *minimize;
  tn_callable *predict;
  int64_t steps;
  size_t n_notes;
  tn_note *notes;
};

/* Keeps the first error; true if MODEL can't go on. */
bool tn_model_failed(const tn_model *model);
void tn_model_fail(tn_model *model, tn_error *error);

/* --- steps --- */
/* Sums over batches. */
typedef struct tn_totals {
  double loss, examples, total[TN_MAX_METRICS], count[TN_MAX_METRICS];
} tn_totals;
/* Runs STEP on one batch and adds what it gives. */
tn_error *tn_model_run_batch(tn_model *model, tn_callable *step, tn_tensor *features, tn_tensor *labels,
                             tn_totals *totals) TN_MUST_USE;
void tn_model_scores(const tn_model *model, const tn_totals *totals, tn_scores *out);
tn_error *tn_model_evaluate_into(tn_model *model, const tn_dataset *dataset, tn_scores *out) TN_MUST_USE;

/* --- where training is, as checkpoints keep it --- */
typedef struct tn_position {
  int64_t epoch, batch; /* the next batch */
  int64_t seed, batch_size, examples, in_order;
  tn_totals totals; /* of the epoch so far */
} tn_position;
tn_error *tn_model_save_at(tn_model *model, tn_saver *saver, const tn_position *position) TN_MUST_USE;
/* Restores PREFIX; POSITION (may be NULL) gets where it was, and stays as it is if the checkpoint does not tell. */
tn_error *tn_model_restore_at(tn_model *model, const char *prefix, tn_position *position) TN_MUST_USE;

#endif
