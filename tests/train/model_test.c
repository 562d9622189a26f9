/* Models through the C API: layers of every kind train, errors stick and name the layer, stopping, notes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/tenon.h>
#include <unistd.h>

#include <cmocka.h>

enum { N = 60, SIZE = 8 };

/* Images whose bright half tells the class. */
static tn_dataset *halves(void) {
  static uint8_t pixels[N][SIZE][SIZE][1];
  static int64_t labels[N];
  tn_tensor *x, *y;
  tn_dataset *made;
  for (int i = 0; i < N; i++) {
    labels[i] = i % 2;
    for (int p = 0; p < SIZE * SIZE; p++)
      pixels[i][p / SIZE][p % SIZE][0] = (uint8_t)((p % SIZE < SIZE / 2) == i % 2 ? 200 : (i * 7 + p * 13) % 60);
  }
  assert_null(tn_tensor_copy_of(TN_UINT8, 4, (int64_t[]){N, SIZE, SIZE, 1}, pixels, &x));
  assert_null(tn_tensor_copy_of(TN_INT64, 1, (int64_t[]){N}, labels, &y));
  assert_null(tn_dataset_new(x, y, &made));
  tn_tensor_free(x);
  tn_tensor_free(y);
  return made;
}

static tn_output twice(tn_net *net, tn_output x, void *argument) {
  ++*(int *)argument;
  return tn_net_activation(net, x, "tanh");
}

static void every_layer_trains(void **state) {
  (void)state;
  int built = 0;
  tn_scores scores;
  tn_dataset *data = halves();
  tn_model *m = tn_model_new(&(tn_model_options){.seed = 3, .threads = 1});
  tn_model_input(m, 3, (int64_t[]){SIZE, SIZE, 1});
  tn_model_conv2d(m, 4, 3, NULL);
  tn_model_options_of_last(m, &(tn_layer_options){.name = "first", .l2 = 1e-3f, .no_bias = true});
  tn_model_batch_norm(m, "relu");
  tn_model_max_pool(m, 2);
  tn_model_conv2d(m, 4, 3, "relu");
  tn_model_avg_pool(m, 2);
  tn_model_flatten(m);
  tn_model_batch_norm(m, NULL);
  tn_model_layer(m, twice, &built);
  tn_model_dropout(m, 0.2f);
  tn_model_dense(m, 2, NULL);
  tn_optimizer optimizer = tn_adam(0.01f);
  optimizer.average = 0.9f;
  tn_model_compile(m, optimizer, "sparse_softmax_cross_entropy", "accuracy,top_1");
  tn_model_fit(m, data, &(tn_fit_options){.epochs = 30, .batch_size = 16});
  double accuracy = tn_model_evaluate(m, data, &scores);
  if (tn_model_error(m)) fail_msg("%s", tn_error_message(tn_model_error(m)));
  assert_true(accuracy > 0.95);
  assert_int_equal(scores.n_metrics, 2);
  assert_true(scores.metrics[1] == accuracy);
  assert_int_equal(built, 2);
  assert_int_equal(tn_model_step(m), 30 * 4);
  assert_non_null(tn_net_find_variable(tn_model_net(m), "first/kernel/Adam_1"));
  assert_non_null(tn_net_find_variable(tn_model_net(m), "batch_normalization_1/moving_variance"));
  assert_non_null(tn_net_find_variable(tn_model_net(m), "conv2d/kernel/ExponentialMovingAverage"));
  assert_null(tn_net_find_variable(tn_model_net(m), "first/bias"));
  assert_int_equal(tn_model_end(m), 0);
  tn_dataset_free(data);
}

/* Two words each; the class is whether the first is odd. Sparse gradients for every optimizer. */
static void embeddings_train(void **state) {
  (void)state;
  int64_t words[N][2], labels[N];
  for (int i = 0; i < N; i++) {
    words[i][0] = i % 20;
    words[i][1] = i * 7 % 20;
    labels[i] = i % 2;
  }
  tn_tensor *x, *y;
  tn_dataset *data;
  assert_null(tn_tensor_copy_of(TN_INT64, 2, (int64_t[]){N, 2}, words, &x));
  assert_null(tn_tensor_copy_of(TN_INT64, 1, (int64_t[]){N}, labels, &y));
  assert_null(tn_dataset_new(x, y, &data));
  tn_tensor_free(x);
  tn_tensor_free(y);
  const tn_optimizer optimizers[] = {tn_sgd(2),        tn_momentum(0.5f, 0.9f), tn_adam(0.05f), tn_rmsprop(0.02f),
                                     tn_adagrad(0.5f), tn_adadelta(20),         tn_ftrl(0.5f)};
  for (size_t i = 0; i < sizeof optimizers / sizeof optimizers[0]; i++) {
    tn_model *m = tn_model_new(NULL);
    tn_model_input(m, 1, (int64_t[]){2});
    tn_model_embedding(m, 20, 4);
    tn_model_flatten(m);
    tn_model_dense(m, 2, NULL);
    tn_optimizer optimizer = optimizers[i];
    optimizer.clip_global_norm = 5;
    tn_model_compile(m, optimizer, "sparse_softmax_cross_entropy", "accuracy");
    tn_model_fit(m, data, &(tn_fit_options){.epochs = 40, .batch_size = 20});
    double accuracy = tn_model_evaluate(m, data, NULL);
    if (tn_model_error(m)) fail_msg("optimizer %zu: %s", i, tn_error_message(tn_model_error(m)));
    if (!(accuracy > 0.9)) fail_msg("optimizer %zu: accuracy %g", i, accuracy);
    tn_model_free(m);
  }
  tn_dataset_free(data);
}

static void regression(const char *loss, const char *metric, double most) {
  float xs[N][1], ys[N][1];
  tn_tensor *x, *y;
  tn_dataset *data;
  for (int i = 0; i < N; i++) {
    xs[i][0] = (float)i / N - 0.5f;
    ys[i][0] =
        !strcmp(loss, "hinge") || !strcmp(loss, "sigmoid_cross_entropy") ? (float)(xs[i][0] > 0) : 2 * xs[i][0] + 1;
  }
  assert_null(tn_tensor_copy_of(TN_FLOAT, 2, (int64_t[]){N, 1}, xs, &x));
  assert_null(tn_tensor_copy_of(TN_FLOAT, 2, (int64_t[]){N, 1}, ys, &y));
  assert_null(tn_dataset_new(x, y, &data));
  tn_tensor_free(x);
  tn_tensor_free(y);
  tn_model *m = tn_model_new(NULL);
  tn_model_input(m, 1, (int64_t[]){1});
  tn_model_dense(m, 1, NULL);
  tn_model_compile(m, tn_adam(0.1f), loss, metric);
  tn_model_fit(m, data, &(tn_fit_options){.epochs = 60, .batch_size = 10});
  double value = tn_model_evaluate(m, data, NULL);
  if (tn_model_error(m)) fail_msg("%s: %s", loss, tn_error_message(tn_model_error(m)));
  if (!(value < most)) fail_msg("%s: %g", loss, value);
  tn_model_free(m);
  tn_dataset_free(data);
}

static void losses_fall(void **state) {
  (void)state;
  regression("mean_squared_error", NULL, 0.01);
  regression("absolute_difference", "mean_absolute_error", 0.1);
  regression("huber", "mean_squared_error", 0.01);
  regression("hinge", NULL, 0.3);
  regression("sigmoid_cross_entropy", NULL, 0.3);
}

/* Rows of a table as an image. */
static tn_output as_image(tn_net *net, tn_output x, void *argument) {
  const int32_t dims[] = {-1, SIZE, SIZE, 4};
  tn_tensor *value;
  tn_node *shape, *node;
  (void)argument;
  if (tn_net_error(net)) return x;
  assert_null(tn_tensor_copy_of(TN_INT32, 1, (int64_t[]){4}, dims, &value));
  tn_node_builder *b = tn_node_begin(tn_net_graph(net), "Const", NULL);
  tn_node_attr_type(b, "dtype", TN_INT32);
  tn_node_attr_tensor(b, "value", value);
  assert_null(tn_node_finish(b, &shape));
  tn_tensor_free(value);
  b = tn_node_begin(tn_net_graph(net), "Reshape", NULL);
  tn_node_input(b, x);
  tn_node_input(b, (tn_output){shape, 0});
  assert_null(tn_node_finish(b, &node));
  return (tn_output){node, 0};
}

/* The outputs of a network with everything in it after some steps on THREADS threads, in OUT. */
static void train_all(int threads, const tn_dataset *data, float out[2 * N]) {
  tn_tensor *result;
  tn_model *m = tn_model_new(&(tn_model_options){.seed = 5, .threads = threads});
  tn_model_input(m, 1, (int64_t[]){SIZE * SIZE});
  tn_model_embedding(m, 50, 4);
  tn_model_layer(m, as_image, NULL);
  tn_model_conv2d(m, 32, 5, NULL);
  tn_model_batch_norm(m, "relu");
  tn_model_max_pool(m, 2);
  tn_model_conv2d(m, 16, 3, "relu");
  tn_model_flatten(m);
  tn_model_dense(m, 64, "relu");
  tn_model_dropout(m, 0.4f);
  tn_model_dense(m, 2, NULL);
  tn_model_compile(m, tn_momentum(0.05f, 0.9f), "sparse_softmax_cross_entropy", "accuracy");
  tn_model_fit(m, data, &(tn_fit_options){.epochs = 3, .batch_size = 24});
  tn_error *error = tn_model_predict(m, tn_dataset_features(data), &result);
  if (error) fail_msg("%s", tn_error_message(error));
  memcpy(out, tn_tensor_data(result), 2 * N * sizeof *out);
  tn_tensor_free(result);
  tn_model_free(m);
}

static void any_number_of_threads_gives_the_same_bits(void **state) {
  (void)state;
  static int64_t words[N][SIZE * SIZE], labels[N];
  static float outputs[4][2 * N];
  tn_tensor *x, *y;
  tn_dataset *data;
  for (int i = 0; i < N; i++) {
    labels[i] = i % 2;
    for (int k = 0; k < SIZE * SIZE; k++) words[i][k] = (i % 2 * 20 + i * 3 + k * 7) % 50;
  }
  assert_null(tn_tensor_copy_of(TN_INT64, 2, (int64_t[]){N, SIZE * SIZE}, words, &x));
  assert_null(tn_tensor_copy_of(TN_INT64, 1, (int64_t[]){N}, labels, &y));
  assert_null(tn_dataset_new(x, y, &data));
  tn_tensor_free(x);
  tn_tensor_free(y);
  for (int threads = 1; threads <= 3; threads++) {
    train_all(threads, data, outputs[threads]);
    assert_memory_equal(outputs[1], outputs[threads], sizeof outputs[1]);
  }
  train_all(2, data, outputs[0]);
  assert_memory_equal(outputs[1], outputs[0], sizeof outputs[1]);
  assert_true(outputs[1][0] != outputs[1][2]);
  tn_dataset_free(data);
}

static void sticks(tn_model *m, tn_code code, const char *part) {
  const tn_error *error = tn_model_error(m);
  assert_non_null(error);
  if (!strstr(tn_error_message(error), part)) fail_msg("'%s' lacks '%s'", tn_error_message(error), part);
  assert_int_equal(tn_error_code(error), code);
  tn_model_fit(m, NULL, NULL);
  assert_true(isnan(tn_model_evaluate(m, NULL, NULL)));
  assert_ptr_equal(tn_model_error(m), error);
  tn_model_free(m);
}

static tn_model *begun(void) {
  tn_model *m = tn_model_new(NULL);
  tn_model_input(m, 3, (int64_t[]){SIZE, SIZE, 1});
  return m;
}

static void errors_stick(void **state) {
  (void)state;
  tn_model *m = begun();
  tn_model_dense(m, 3, "rellu");
  tn_model_compile(m, tn_sgd(1), "sparse_softmax_cross_entropy", NULL);
  sticks(m, TN_INVALID_ARGUMENT, "no activation 'rellu'");
  m = begun();
  tn_model_flatten(m);
  tn_model_conv2d(m, 3, 5, NULL);
  tn_model_compile(m, tn_sgd(1), "sparse_softmax_cross_entropy", NULL);
  sticks(m, TN_INVALID_ARGUMENT, "layer 'conv2d': its input has shape [?,64]");
  m = begun();
  tn_model_flatten(m);
  tn_model_compile(m, tn_sgd(1), "sparse_softmax_cross_entropy", NULL);
  sticks(m, TN_INVALID_ARGUMENT, "no trainable variable");
  m = begun();
  tn_model_dropout(m, 1.5f);
  tn_model_compile(m, tn_sgd(1), "hinge", NULL);
  sticks(m, TN_INVALID_ARGUMENT, "the rate must be in [0, 1), not 1.5");
  m = begun();
  tn_model_flatten(m);
  tn_model_dense(m, 2, NULL);
  tn_model_compile(m, tn_sgd(1), "cross", NULL);
  sticks(m, TN_INVALID_ARGUMENT, "no loss 'cross'; there are sparse_softmax");
  m = begun();
  tn_model_data(m, "imagenet");
  sticks(m, TN_NOT_FOUND, "no data set 'imagenet'");
  m = tn_model_new(NULL);
  tn_model_compile(m, tn_sgd(1), "hinge", NULL);
  sticks(m, TN_FAILED_PRECONDITION, "tn_model_input");
  tn_model_dense(NULL, 1, NULL);
  assert_int_equal(tn_model_end(NULL), 1);
}

static bool stop_at_three(const tn_progress *p, void *argument) {
  *(int64_t *)argument = p->step;
  return p->step < 3;
}

static void training_stops_and_goes_on(void **state) {
  (void)state;
  char folder[] = "/tmp/tenon-model-XXXXXX", command[80];
  assert_non_null(mkdtemp(folder));
  tn_dataset *data = halves();
  int64_t seen = 0;
  for (int round = 0; round < 2; round++) {
    tn_model *m = begun();
    tn_model_flatten(m);
    tn_model_dense(m, 2, NULL);
    tn_model_compile(m, tn_momentum(0.1f, 0.9f), "sparse_softmax_cross_entropy", NULL);
    tn_model_fit(m, data,
                 &(tn_fit_options){.epochs = 2,
                                   .batch_size = 10,
                                   .checkpoint = folder,
                                   .resume = true,
                                   .on_batch = round ? NULL : stop_at_three,
                                   .argument = &seen});
    assert_null(tn_model_error(m));
    assert_int_equal(tn_model_step(m), round ? 12 : 3);
    tn_model_free(m);
  }
  assert_int_equal(seen, 3);
  tn_dataset_free(data);
  snprintf(command, sizeof command, "rm -r %s", folder);
  assert_int_equal(system(command), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_layer_trains),
      cmocka_unit_test(embeddings_train),
      cmocka_unit_test(losses_fall),
      cmocka_unit_test(errors_stick),
      cmocka_unit_test(training_stops_and_goes_on),
      cmocka_unit_test(any_number_of_threads_gives_the_same_bits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
