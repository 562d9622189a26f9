/* Models: a network from layers in a row, trained, evaluated, used and saved in a few lines.
 *
 *   tn_model *m = tn_model_new(NULL);
 *   const tn_datasets *mnist = tn_model_data(m, "mnist");
 *   tn_model_flatten(m);
 *   tn_model_dense(m, 500, "relu");
 *   tn_model_dense(m, 10, NULL);
 *   tn_model_compile(m, tn_sgd(0.1f), "sparse_softmax_cross_entropy", "accuracy");
 *   tn_model_fit(m, mnist->train, &(tn_fit_options){.epochs = 3});
 *   printf("test accuracy %.4f\n", tn_model_evaluate(m, mnist->test, NULL));
 *   return tn_model_end(m);
 */
#ifndef TENON_MODEL_H
#define TENON_MODEL_H

#include <tenon/dataset.h>
#include <tenon/train.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A model. The first error sticks: every call after it does nothing, and tn_model_error tells it. One thread at a time.
 */
typedef struct tn_model tn_model;

/* How a model is made; zero-initialise for the defaults. */
typedef struct tn_model_options {
  int64_t seed; /* of the first weights, of dropout and of the order of examples */
  int threads;  /* 0: as many as the cgroup grants */
} tn_model_options;

/* A model without layers; OPTIONS may be NULL. NULL only if memory is out; every function here takes NULL as a model
 * that failed. */
TN_API tn_model *tn_model_new(const tn_model_options *options);
/* Frees MODEL; NULL is allowed. */
TN_API void tn_model_free(tn_model *model);
/* The first error, NULL if there was none; still the model's. */
TN_API const tn_error *tn_model_error(const tn_model *model);
/* Hands the first error over (a copy), NULL if there was none. */
TN_API tn_error *tn_model_status(const tn_model *model) TN_MUST_USE;
/* Prints the first error, if there was one, on stderr; frees MODEL; gives what main is to return: 0 or 1. */
TN_API int tn_model_end(tn_model *model);

/* The data set NAME as tn_datasets_load finds it; belongs to MODEL, and sets the shape of its input. After an error its
 * parts are NULL. */
TN_API const tn_datasets *tn_model_data(tn_model *model, const char *name);

/* --- layers, in their order --- */

/* The shape of one example, without the batch: needed where tn_model_data does not tell it. */
TN_API void tn_model_input(tn_model *model, int rank, const int64_t *dims);
/* Layers as in tenon/nn.h, with the defaults for what isn't named. */
TN_API void tn_model_dense(tn_model *model, int64_t units, const char *activation);
/* A convolution with padding SAME. */
TN_API void tn_model_conv2d(tn_model *model, int64_t filters, int size, const char *activation);
/* The maximum of windows. */
TN_API void tn_model_max_pool(tn_model *model, int size);
/* The mean of windows. */
TN_API void tn_model_avg_pool(tn_model *model, int size);
/* Each example as a vector. */
TN_API void tn_model_flatten(tn_model *model);
/* Dropout in training. */
TN_API void tn_model_dropout(tn_model *model, float rate);
/* Batch normalization. */
TN_API void tn_model_batch_norm(tn_model *model, const char *activation);
/* Rows of a table for integers. */
TN_API void tn_model_embedding(tn_model *model, int64_t words, int64_t width);
/* A layer of your own: BUILD is called once for the network that trains and once for the one that evaluates. */
TN_API void tn_model_layer(tn_model *model, tn_output (*build)(tn_net *net, tn_output x, void *argument),
                           void *argument);
/* Sets the options of the layer added last; the strings must live until tn_model_compile. */
TN_API void tn_model_options_of_last(tn_model *model, const tn_layer_options *options);

/* --- training and use --- */

/* Builds the network and gives its variables their first values. LOSS as for tn_net_loss; METRICS: names for
 * tn_net_metric_of, separated by commas, or NULL. */
TN_API void tn_model_compile(tn_model *model, tn_optimizer optimizer, const char *loss, const char *metrics);

/* The largest number of metrics of one model. */
#define TN_MAX_METRICS 8

/* Mean loss and metrics over some examples. */
typedef struct tn_scores {
  double loss;
  int n_metrics;
  double metrics[TN_MAX_METRICS];
  int64_t examples;
} tn_scores;

/* How far training is. */
typedef struct tn_progress {
  int64_t epoch, epochs;  /* this one, from 0, of how many */
  int64_t batch, batches; /* batches done in this epoch, of how many */
  int64_t step;           /* training steps since the model was new */
  int64_t steps_here;     /* training steps in this call */
  double seconds;         /* since this call began */
  tn_scores train;        /* of this epoch so far */
  bool validated;         /* VALIDATION is set (at the end of an epoch) */
  tn_scores validation;
  const char *const *metric_names;
} tn_progress;

/* Told how far training is; gives false to have it stop after this step. */
typedef bool (*tn_progress_fn)(const tn_progress *progress, void *argument);

/* How tn_model_fit trains; zero-initialise for the defaults. */
typedef struct tn_fit_options {
  int epochs;                   /* 0: 1 */
  int64_t batch_size;           /* 0: 100 */
  bool in_order;                /* don't shuffle the examples of each epoch */
  const tn_dataset *validation; /* evaluated after each epoch; NULL: none */
  int patience;           /* stop after so many epochs without a better loss (validation's if there is one); 0: never */
  const char *checkpoint; /* a folder to save in: after each epoch, at the end, when stopped; NULL: don't save */
  int64_t save_steps;     /* save also every so many steps; 0: not */
  int max_to_keep;        /* checkpoints that stay; 0: 5 */
  bool resume;            /* go on from the newest checkpoint in CHECKPOINT, if there is one, bit for bit */
  bool verbose;           /* print a line after each epoch */
  tn_progress_fn on_batch; /* called after each step; NULL: nobody */
  tn_progress_fn on_epoch; /* called after each epoch; NULL: nobody */
  void *argument;          /* for both */
} tn_fit_options;

/* Trains on DATASET; OPTIONS may be NULL. Once more trains on. */
TN_API void tn_model_fit(tn_model *model, const tn_dataset *dataset, const tn_fit_options *options);
/* Loss and metrics on DATASET, in *OUT (may be NULL). The result is the first metric, the loss if there is none; NaN
 * after an error. */
TN_API double tn_model_evaluate(tn_model *model, const tn_dataset *dataset, tn_scores *out);
/* What the network gives for FEATURES [n, ...], float32 or uint8 (then multiplied by 1/255). */
TN_API tn_error *tn_model_predict(tn_model *model, tn_tensor *features, tn_tensor **out) TN_MUST_USE;
/* Saves the variables as a TensorFlow checkpoint in FOLDER, called model.ckpt-STEP, and names it in the state file. */
TN_API void tn_model_save(tn_model *model, const char *folder);
/* Takes the variables of the newest checkpoint in FOLDER, or of the checkpoint whose files begin with FOLDER. */
TN_API void tn_model_restore(tn_model *model, const char *folder);
/* Remembers TEXT under KEY in every checkpoint saved from now on. */
TN_API void tn_model_note(tn_model *model, const char *key, const char *text);
/* The number of training steps since the model was new. */
TN_API int64_t tn_model_step(const tn_model *model);
/* The network, the graph's session and the tensors that are fed and fetched, for what this interface lacks. */
TN_API tn_net *tn_model_net(tn_model *model);
/* The session; NULL before tn_model_compile. */
TN_API tn_session *tn_model_session(tn_model *model);

#ifdef __cplusplus
}
#endif
#endif
