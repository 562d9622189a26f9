/* The networks that learn digits, and getting data, models and checkpoints for the commands. */
#include "cli/networks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- networks --- */

static void mlp_layers(tn_model *m, int classes) {
  tn_model_flatten(m);
  tn_model_dense(m, 500, "relu");
  tn_model_dense(m, classes, NULL);
}

static tn_optimizer mlp_optimizer(int64_t steps) {
  (void)steps;
  return tn_momentum(0.05f, 0.9f);
}

static void lenet_layers(tn_model *m, int classes) {
  tn_model_conv2d(m, 32, 5, "relu");
  tn_model_max_pool(m, 2);
  tn_model_conv2d(m, 64, 5, "relu");
  tn_model_max_pool(m, 2);
  tn_model_flatten(m);
  tn_model_dense(m, 512, "relu");
  tn_model_dropout(m, 0.5f);
  tn_model_dense(m, classes, NULL);
}

/* The rate falls to nothing in a straight line. Chosen on digits held out of the training set, by
 * `examples/lenet.py --validate --shift 0 --batch 50 --rate 0.03` and others. */
static tn_optimizer lenet_optimizer(int64_t steps) {
  tn_optimizer o = tn_momentum(0.03f, 0.9f);
  o.rate.kind = TN_RATE_POLYNOMIAL;
  o.rate.power = 1;
  o.rate.steps = steps;
  return o;
}

static const cli_network lenet = {
    "lenet", "two convolutions of 5 x 5 with pools, 512 units, dropout", 4, 50, lenet_layers, lenet_optimizer};
static const cli_network mlp = {"mlp", "one hidden layer of 500 units", 5, 100, mlp_layers, mlp_optimizer};
const cli_network *const cli_networks[] = {&lenet, &mlp, NULL};

const cli_network *cli_find_network(const char *name) {
  for (const cli_network *const *n = cli_networks; *n; n++) {
    if (!strcmp((*n)->name, name)) return *n;
  }
  return NULL;
}

/* --- data --- */

/* MNIST that is nowhere is downloaded; that this fails is told, and no reason to stop. */
static void fetch_missing(const char *name) {
  char *folder;
  tn_error *error = tn_data_find(name, &folder);
  if (!error) {
    free(folder);
    return;
  }
  tn_error_free(error);
  error = cli_download(name);
  if (error) fprintf(stderr, "tenon: the download failed: %s\n", tn_error_message(error));
  tn_error_free(error);
}

tn_error *cli_load(const char *name, const char *folder, tn_datasets *out) {
  if (!folder && !strcmp(name, "mnist")) fetch_missing(name);
  TN_TRY(tn_datasets_load(name, folder, out));
  fprintf(stderr, "Data: %s (%lld to train, %lld to test)\n", out->origin, (long long)tn_dataset_size(out->train),
          (long long)tn_dataset_size(out->test));
  return NULL;
}

/* --- models --- */

tn_model *cli_model(const cli_network *network, const char *set, const tn_model_options *options, int64_t steps,
                    tn_error **error) {
  tn_model *m = tn_model_new(options);
  tn_model_input(m, 3, (const int64_t[]){28, 28, 1});
  network->layers(m, 10);
  tn_model_compile(m, network->optimizer(steps), "sparse_softmax_cross_entropy", "accuracy");
  tn_model_note(m, "network", network->name);
  tn_model_note(m, "data", set);
  *error = tn_model_status(m);
  if (!*error) return m;
  tn_model_free(m);
  return NULL;
}

tn_error *cli_checkpoint_folder(const char *set, const char *network, char **out) {
  char name[128];
  snprintf(name, sizeof name, "models/%.40s-%.40s", set, network);
  return tn_data_cache(name, out);
}

/* The text that the checkpoint PREFIX carries under KEY, in TEXT. */
static tn_error *read_note(const char *prefix, const char *key, char text[64]) {
  tn_checkpoint *checkpoint;
  tn_tensor *value;
  TN_TRY(tn_checkpoint_open(prefix, &checkpoint));
  tn_error *error = tn_checkpoint_read(checkpoint, key, &value);
  tn_checkpoint_close(checkpoint);
  if (error) return error;
  if (tn_tensor_dtype(value) == TN_STRING && tn_tensor_elements(value) == 1) {
    const tn_string *s = tn_tensor_data(value);
    snprintf(text, 64, "%.*s", (int)(s->size < 63 ? s->size : 63), s->data);
  } else {
    error = tn_errorf(TN_DATA_LOSS, "%s: '%s' is no text", prefix, key);
  }
  tn_tensor_free(value);
  return error;
}

static tn_error *restore_from(const char *folder, const char *name, int threads, tn_model **out) {
  char *prefix, noted[64] = "";
  tn_error *error = tn_latest_checkpoint(folder, &prefix);
  if (error && tn_error_code(error) == TN_NOT_FOUND)
    return tn_error_context(error, "there is no checkpoint in %s; `tenon train` makes one", folder);
  TN_TRY(error);
  if (!name) error = read_note(prefix, "_tenon/note/network", noted);
  const cli_network *network = error ? NULL : cli_find_network(name ? name : noted);
  if (!error && !network) error = tn_errorf(TN_NOT_FOUND, "%s: there is no network '%s'", prefix, noted);
  tn_model_options options = {.threads = threads};
  tn_model *m = error ? NULL : cli_model(network, "mnist", &options, 1, &error);
  if (!error) {
    tn_model_restore(m, prefix);
    error = tn_model_status(m);
    if (error) tn_model_free(m);
  }
  if (!error) fprintf(stderr, "Model: %s from %s\n", network->name, prefix);
  free(prefix);
  if (!error) *out = m;
  return error;
}

tn_error *cli_restore(const char *folder, const char *set, const char *name, int threads, tn_model **out) {
  if (folder) return restore_from(folder, name, threads, out);
  tn_error *error = NULL;
  for (const cli_network *const *n = cli_networks; *n; n++) {
    if (name && strcmp(name, (*n)->name) != 0) continue;
    char *path;
    tn_error_free(error);
    TN_TRY(cli_checkpoint_folder(set, (*n)->name, &path));
    error = restore_from(path, (*n)->name, threads, out);
    free(path);
    if (!error || tn_error_code(error) != TN_NOT_FOUND) break;
  }
  return error;
}
