/* Compiling a model: the network that trains, the one that evaluates, the session and its steps. */
#include <string.h>

#include "base/alloc.h"
#include "train/model.h"

static tn_output placeholder(tn_net *net, const char *name, tn_dtype dtype, const tn_shape *shape) {
  return tn_net_op(net, "Placeholder", name, TN_NO_INPUTS,
                   TN_ATTRS(TN_A_TYPE("dtype", dtype), {"shape", {.kind = TN_ATTR_SHAPE, .shape = *shape}}));
}

/* The first layer of a network for integers takes them as they are. */
static bool takes_integers(const tn_model *model) {
  return model->n_layers && model->layers[0].units && model->layers[0].width;
}

static void make_features(tn_model *model) {
  tn_shape shape = {model->input.rank + 1, {-1}};
  for (int i = 0; i < model->input.rank; i++) shape.dims[i + 1] = model->input.dims[i];
  model->features = placeholder(model->net, "features", takes_integers(model) ? TN_INT64 : TN_FLOAT, &shape);
}

static tn_output forward(tn_model *model) {
  tn_output x = model->features;
  for (size_t i = 0; i < model->n_layers && !tn_net_failed(model->net); i++)
    x = model->layers[i].build(model->net, x, &model->layers[i]);
  return x;
}

/* Class numbers, or numbers like the output's. */
static void make_labels(tn_model *model, const char *loss) {
  if (tn_net_failed(model->net)) return;
  bool classes = loss && !strncmp(loss, "sparse_", 7);
  tn_shape shape = tn_output_shape(model->train.output);
  if (classes && shape.rank > 0) shape.rank--;
  model->labels = placeholder(model->net, "labels", classes ? TN_INT64 : TN_FLOAT, &shape);
}

/* Splits "accuracy,top_5". */
static tn_error *split_metrics(tn_model *model, const char *metrics) {
  while (metrics && *metrics) {
    size_t size = strcspn(metrics, ",");
    if (size) {
      if (model->n_metrics == TN_MAX_METRICS)
        return tn_errorf(TN_INVALID_ARGUMENT, "a model has at most %d metrics", TN_MAX_METRICS);
      char *name = tn_strndup(metrics, size);
      if (!name) return tn_out_of_memory();
      model->metric_names[model->n_metrics++] = name;
    }
    metrics += size + (metrics[size] == ',');
  }
  return NULL;
}

static void finish_tower(tn_model *model, tn_tower *tower, const char *loss) {
  tower->loss = tn_net_loss(model->net, loss, tower->output, model->labels);
  tn_net_push(model->net, "metrics");
  for (int i = 0; i < model->n_metrics; i++)
    tower->metrics[i] = tn_net_metric_of(model->net, model->metric_names[i], tower->output, model->labels);
  tn_net_pop(model->net);
}

static void build_towers(tn_model *model, const tn_optimizer *optimizer, const char *loss) {
  tn_net *net = model->net;
  make_features(model);
  tn_net_set_training(net, true);
  model->train.output = forward(model);
  make_labels(model, loss);
  finish_tower(model, &model->train, loss);
  model->minimize = tn_net_minimize(net, optimizer, model->train.loss);
  tn_net_set_training(net, false);
  tn_net_reuse(net, optimizer->average > 0);
  tn_net_push(net, "evaluation");
  model->eval.output = forward(model);
  finish_tower(model, &model->eval, loss);
  tn_net_pop(net);
  model->init = tn_net_initializer(net);
}

static tn_error *make_step(tn_model *model, tn_tower *tower, tn_node *target) {
  const tn_output feeds[2] = {model->features, model->labels};
  tn_output fetches[1 + 2 * TN_MAX_METRICS];
  size_t n = 0;
  fetches[n++] = tower->loss;
  for (int i = 0; i < model->n_metrics; i++) {
    fetches[n++] = tower->metrics[i].total;
    fetches[n++] = tower->metrics[i].count;
  }
  return tn_session_make_callable(model->session, 2, feeds, n, fetches, target ? 1 : 0, &target, &tower->step);
}

static tn_error *make_steps(tn_model *model) {
  tn_session_options options = {.intra_op_threads = model->options.threads};
  TN_TRY(tn_session_new(model->graph, &options, &model->session));
  TN_TRY(tn_session_run(model->session, NULL, 0, NULL, NULL, 0, NULL, 1, &model->init, NULL, NULL));
  TN_TRY(make_step(model, &model->train, model->minimize));
  TN_TRY(make_step(model, &model->eval, NULL));
  return tn_session_make_callable(model->session, 1, &model->features, 1, &model->eval.output, 0, NULL,
                                  &model->predict);
}

void tn_model_compile(tn_model *model, tn_optimizer optimizer, const char *loss, const char *metrics) {
  if (tn_model_failed(model)) return;
  tn_error *error = NULL;
  if (model->compiled) error = tn_errorf(TN_FAILED_PRECONDITION, "the model is compiled already");
  if (!error && !model->has_input)
    error = tn_errorf(TN_FAILED_PRECONDITION, "the shape of an example is not known: call tn_model_input or "
                                              "tn_model_data before tn_model_compile");
  if (!error) error = split_metrics(model, metrics);
  if (!error) {
    model->compiled = true;
    build_towers(model, &optimizer, loss);
    error = tn_error_copy(tn_net_error(model->net));
  }
  if (!error) error = make_steps(model);
  tn_model_fail(model, error);
}
