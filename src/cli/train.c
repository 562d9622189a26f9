/* `tenon train`: trains a network on a data set, saving as it goes. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/networks.h"
#include "monitor/monitor.h"

static volatile sig_atomic_t interrupted;

static void on_signal(int number) {
  (void)number;
  interrupted = 1;
}

/* The first signal asks to stop after the step; a second one ends the process at once. */
static void catch_signals(void) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

typedef struct training {
  const char *set, *network, *data, *checkpoint;
  int64_t epochs, seed, batch, threads, save_steps;
  bool resume;
} training;

static bool on_batch(const tn_progress *p, void *argument) {
  const training *t = argument;
  tn_monitor_step(1, (double)t->batch);
  tn_monitor_report(&(tn_monitor_progress){.step = p->step,
                                           .total = p->step + (p->epochs - p->epoch) * p->batches - p->batch,
                                           .loss = p->train.loss,
                                           .loss_known = true});
  if (p->steps_here == 1 && p->step > 1) printf("Going on after step %lld\n", (long long)p->step - 1);
  cli_show_progress(p, false);
  return !interrupted;
}

static bool on_epoch(const tn_progress *p, void *argument) {
  (void)argument;
  cli_show_progress(p, true);
  return !interrupted;
}

static int finish(const training *t, tn_model *m, const tn_datasets *data) {
  tn_scores scores;
  const tn_error *failed = tn_model_error(m);
  if (!failed && interrupted) {
    printf("\nStopped after step %lld, saved in %s; the same command with --resume goes on.\n",
           (long long)tn_model_step(m), t->checkpoint);
    return CLI_INTERRUPTED;
  }
  if (!failed) tn_model_evaluate(m, data->test, &scores);
  tn_error *error = tn_model_status(m);
  if (error) return cli_fail(error);
  printf("Saved in %s\nTest loss: %.4f\nTest accuracy: %.2f %%\n", t->checkpoint, scores.loss, 100 * scores.metrics[0]);
  return CLI_OK;
}

static int train(const training *t, const cli_network *network) {
  tn_datasets data;
  tn_error *error = cli_load(t->set, t->data, &data);
  if (error) return cli_fail(error);
  int64_t batches = (tn_dataset_size(data.train) + t->batch - 1) / t->batch;
  /* The small set needs more rounds for as many steps. */
  int64_t epochs = t->epochs ? t->epochs : network->epochs * (batches < 100 ? 10 : 1);
  tn_model_options options = {.seed = t->seed, .threads = (int)t->threads};
  tn_model *m = cli_model(network, t->set, &options, epochs * batches, &error);
  if (!m) {
    tn_datasets_clear(&data);
    return cli_fail(error);
  }
  catch_signals();
  tn_monitor_begin();
  tn_model_fit(m, data.train,
               &(tn_fit_options){.epochs = (int)epochs,
                                 .batch_size = t->batch,
                                 .checkpoint = t->checkpoint,
                                 .save_steps = t->save_steps,
                                 .resume = t->resume,
                                 .on_batch = on_batch,
                                 .on_epoch = on_epoch,
                                 .argument = (void *)t});
  tn_monitor_end();
  int code = finish(t, m, &data);
  tn_model_free(m);
  tn_datasets_clear(&data);
  return code;
}

/* The exit code for numbers that make no sense, -1 if all do. */
static int check(const cli_command *command, const training *t) {
  if (t->epochs < 0 || t->epochs > 1000000) return cli_usage(command, "--epochs must be 1 to 1000000");
  if (t->batch < 1 || t->batch > 1000000) return cli_usage(command, "--batch must be 1 to 1000000");
  if (t->threads < 0 || t->threads > 256) return cli_usage(command, "--threads must be 0 to 256");
  if (t->save_steps < 0) return cli_usage(command, "--save-steps must not be negative");
  return -1;
}

/* The data set and the network by their names; the exit code for wrong ones, -1 if both are known. */
static int find_names(const cli_command *command, training *t, int n, char **argv, const cli_network **network) {
  static const char *const sets[] = {"mnist", "digits", NULL};
  const char *names[8] = {NULL};
  if (n != 1) return cli_usage(command, n ? "it trains on one data set" : "which data set? mnist or digits");
  t->set = argv[0];
  if (strcmp(t->set, "mnist") != 0 && strcmp(t->set, "digits") != 0) {
    const char *near = cli_nearest(t->set, sets);
    return near ? cli_usage(command, "there is no data set '%s'; did you mean '%s'?", t->set, near)
                : cli_usage(command, "there is no data set '%s'; there are mnist and digits", t->set);
  }
  *network = cli_find_network(t->network);
  if (*network) return -1;
  for (int i = 0; cli_networks[i] && i < 7; i++) names[i] = cli_networks[i]->name;
  const char *near = cli_nearest(t->network, names);
  return near ? cli_usage(command, "there is no network '%s'; did you mean '%s'?", t->network, near)
              : cli_usage(command, "there is no network '%s'; there are lenet and mlp", t->network);
}

static int run(const cli_command *command, int argc, char **argv) {
  training t = {.network = "lenet", .batch = INT64_MIN /* not given */};
  const cli_option options[] = {
      {"model", CLI_TEXT, &t.network, "NAME", "the network: lenet or mlp"},
      {"data", CLI_TEXT, &t.data, "DIR", "where the data set's files are"},
      {"epochs", CLI_INT, &t.epochs, "N", "rounds over the data; by default 4 for lenet, 5 for mlp"},
      {"batch", CLI_INT, &t.batch, "N", "examples a step; by default 50 for lenet, 100 for mlp"},
      {"seed", CLI_INT, &t.seed, "N", "of the weights, dropout and the order of examples; by default 0"},
      {"checkpoint", CLI_TEXT, &t.checkpoint, "DIR", "where to save; by default a folder in the user's cache"},
      {"save-steps", CLI_INT, &t.save_steps, "N", "save also every N steps, not only after each epoch"},
      {"resume", CLI_FLAG, &t.resume, NULL, "go on from the newest checkpoint, bit for bit"},
      {"threads", CLI_INT, &t.threads, "N", "threads to compute with; by default all"},
      {.name = NULL}};
  const cli_network *network = NULL;
  int n, code = cli_parse(command, options, argc, argv, &n);
  if (code < 0) code = find_names(command, &t, n, argv, &network);
  if (code < 0 && t.batch == INT64_MIN) t.batch = network->batch;
  if (code < 0) code = check(command, &t);
  if (code >= 0) return code;
  char *folder = NULL;
  if (!t.checkpoint) {
    tn_error *error = cli_checkpoint_folder(t.set, t.network, &folder);
    if (error) return cli_fail(error);
    t.checkpoint = folder;
  }
  tn_error *error = tn_monitor_from_environment((tn_monitor_options){0});
  code = error ? cli_fail(error) : train(&t, network);
  tn_monitor_stop();
  free(folder);
  return code;
}

const cli_command cli_train = {
    .name = "train",
    .arguments = "mnist|digits [options]",
    .summary = "Train a network on a data set and tell its accuracy on the test examples.",
    .details = "MNIST is looked for on this machine, else downloaded; where neither works, the digits that the library "
               "carries\nare used, which is said. Ctrl-C ends after the step, saves, and exits with 130.",
    .run = run,
};
