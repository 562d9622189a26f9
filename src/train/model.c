/* Models: their life, their layers as they are asked for, and what they are called with before they are built. */
#include "train/model.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

tn_model *tn_model_new(const tn_model_options *options) {
  tn_model *model = tn_calloc(1, sizeof *model);
  if (!model) return NULL;
  if (options) model->options = *options;
  tn_error *error = tn_graph_new(&model->graph);
  if (!error) tn_graph_set_seed(model->graph, model->options.seed);
  if (!error) error = tn_net_new(model->graph, &model->net);
  model->error = error;
  return model;
}

static void free_callables(tn_model *model) {
  tn_callable_free(model->train.step);
  tn_callable_free(model->eval.step);
  tn_callable_free(model->predict);
}

void tn_model_free(tn_model *model) {
  if (!model) return;
  free_callables(model);
  tn_session_free(model->session);
  tn_net_free(model->net);
  tn_graph_free(model->graph);
  tn_datasets_clear(&model->data);
  for (int i = 0; i < model->n_metrics; i++) tn_free(model->metric_names[i]);
  for (size_t i = 0; i < model->n_notes; i++) {
    tn_free(model->notes[i].key);
    tn_free(model->notes[i].text);
  }
  tn_free(model->notes);
  tn_free(model->layers);
  tn_error_free(model->error);
  tn_free(model);
}

bool tn_model_failed(const tn_model *model) { return !model || model->error; }

void tn_model_fail(tn_model *model, tn_error *error) {
  if (!error) return;
  if (tn_model_failed(model)) {
    tn_error_free(error);
  } else {
    model->error = error;
  }
}

const tn_error *tn_model_error(const tn_model *model) { return model ? model->error : tn_out_of_memory(); }
tn_error *tn_model_status(const tn_model *model) { return model ? tn_error_copy(model->error) : tn_out_of_memory(); }

int tn_model_end(tn_model *model) {
  const tn_error *error = tn_model_error(model);
  if (error) fprintf(stderr, "%s: %s\n", tn_code_name(tn_error_code(error)), tn_error_message(error));
  int status = error ? 1 : 0;
  tn_model_free(model);
  return status;
}

tn_net *tn_model_net(tn_model *model) { return model ? model->net : NULL; }
tn_session *tn_model_session(tn_model *model) { return model ? model->session : NULL; }
int64_t tn_model_step(const tn_model *model) { return model ? model->steps : 0; }

/* --- input --- */

void tn_model_input(tn_model *model, int rank, const int64_t *dims) {
  if (tn_model_failed(model)) return;
  bool wrong = rank < 0 || rank >= TN_MAX_RANK;
  for (int i = 0; i < rank && !wrong; i++) wrong = dims[i] < 1;
  if (wrong) {
    tn_model_fail(model,
                  tn_errorf(TN_INVALID_ARGUMENT, "an example has 0 to %d dimensions of at least 1", TN_MAX_RANK - 1));
    return;
  }
  model->input = tn_shape_of(rank, dims);
  model->has_input = true;
}

const tn_datasets *tn_model_data(tn_model *model, const char *name) {
  static const tn_datasets none;
  if (tn_model_failed(model)) return &none;
  tn_datasets loaded;
  tn_error *error = tn_datasets_load(name, NULL, &loaded);
  if (error) {
    tn_model_fail(model, error);
    return &none;
  }
  tn_datasets_clear(&model->data);
  model->data = loaded;
  const tn_shape *shape = &tn_dataset_features(loaded.train)->shape;
  tn_model_input(model, shape->rank - 1, shape->dims + 1);
  return &model->data;
}

void tn_model_note(tn_model *model, const char *key, const char *text) {
  if (tn_model_failed(model)) return;
  tn_note *larger = tn_realloc(model->notes, (model->n_notes + 1) * sizeof *larger);
  if (larger) model->notes = larger;
  tn_note note = {tn_strdup(key), tn_strdup(text)};
  if (!larger || !note.key || !note.text) {
    tn_free(note.key);
    tn_free(note.text);
    tn_model_fail(model, tn_out_of_memory());
    return;
  }
  model->notes[model->n_notes++] = note;
}

/* --- layers --- */

static void add(tn_model *model, const tn_layer *layer) {
  if (tn_model_failed(model)) return;
  if (model->compiled) {
    tn_model_fail(model, tn_errorf(TN_FAILED_PRECONDITION, "layers can't be added to a model that is compiled"));
    return;
  }
  if (model->n_layers == model->layer_capacity) {
    size_t capacity = model->layer_capacity ? 2 * model->layer_capacity : 16;
    tn_layer *larger = tn_realloc(model->layers, capacity * sizeof *larger);
    if (!larger) {
      tn_model_fail(model, tn_out_of_memory());
      return;
    }
    model->layers = larger;
    model->layer_capacity = capacity;
  }
  model->layers[model->n_layers++] = *layer;
}

static tn_output dense(tn_net *net, tn_output x, const tn_layer *l) {
  return tn_net_dense(net, x, l->units, &l->options);
}
static tn_output conv2d(tn_net *net, tn_output x, const tn_layer *l) {
  return tn_net_conv2d(net, x, l->units, l->size, &l->options);
}
static tn_output max_pool(tn_net *net, tn_output x, const tn_layer *l) {
  return tn_net_max_pool(net, x, l->size, &l->options);
}
static tn_output avg_pool(tn_net *net, tn_output x, const tn_layer *l) {
  return tn_net_avg_pool(net, x, l->size, &l->options);
}
static tn_output flatten(tn_net *net, tn_output x, const tn_layer *l) {
  (void)l;
  return tn_net_flatten(net, x);
}
static tn_output dropout(tn_net *net, tn_output x, const tn_layer *l) {
  return tn_net_dropout(net, x, l->rate, &l->options);
}
static tn_output batch_norm(tn_net *net, tn_output x, const tn_layer *l) {
  return tn_net_batch_norm(net, x, &l->options);
}
static tn_output embedding(tn_net *net, tn_output x, const tn_layer *l) {
  return tn_net_embedding(net, x, l->units, l->width, &l->options);
}
static tn_output own(tn_net *net, tn_output x, const tn_layer *l) { return l->own(net, x, l->argument); }

void tn_model_dense(tn_model *model, int64_t units, const char *activation) {
  add(model, &(tn_layer){.build = dense, .units = units, .options.activation = activation});
}
void tn_model_conv2d(tn_model *model, int64_t filters, int size, const char *activation) {
  add(model, &(tn_layer){.build = conv2d, .units = filters, .size = size, .options.activation = activation});
}
void tn_model_max_pool(tn_model *model, int size) { add(model, &(tn_layer){.build = max_pool, .size = size}); }
void tn_model_avg_pool(tn_model *model, int size) { add(model, &(tn_layer){.build = avg_pool, .size = size}); }
void tn_model_flatten(tn_model *model) { add(model, &(tn_layer){.build = flatten}); }
void tn_model_dropout(tn_model *model, float rate) { add(model, &(tn_layer){.build = dropout, .rate = rate}); }
void tn_model_batch_norm(tn_model *model, const char *activation) {
  add(model, &(tn_layer){.build = batch_norm, .options.activation = activation});
}
void tn_model_embedding(tn_model *model, int64_t words, int64_t width) {
  add(model, &(tn_layer){.build = embedding, .units = words, .width = width});
}
void tn_model_layer(tn_model *model, tn_output (*build)(tn_net *net, tn_output x, void *argument), void *argument) {
  add(model, &(tn_layer){.build = own, .own = build, .argument = argument});
}

void tn_model_options_of_last(tn_model *model, const tn_layer_options *options) {
  if (tn_model_failed(model)) return;
  if (!model->n_layers || model->compiled) {
    tn_model_fail(model, tn_errorf(TN_FAILED_PRECONDITION, "there is no layer whose options could be set"));
    return;
  }
  tn_layer_options *target = &model->layers[model->n_layers - 1].options;
  const char *activation = target->activation;
  *target = *options;
  if (!target->activation) target->activation = activation;
}
