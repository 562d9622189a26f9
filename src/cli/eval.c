/* `tenon eval`: the accuracy of a saved network on the test examples. */
#include <stdio.h>
#include <string.h>

#include "cli/networks.h"

static int evaluate(tn_model *m, const tn_datasets *data, bool json) {
  tn_scores scores;
  tn_model_evaluate(m, data->test, &scores);
  tn_error *error = tn_model_status(m);
  if (error) return cli_fail(error);
  if (json) {
    printf("{\"examples\": %lld, \"loss\": %.6f, \"accuracy\": %.6f}\n", (long long)scores.examples, scores.loss,
           scores.metrics[0]);
  } else {
    printf("Test loss: %.4f\nTest accuracy: %.2f %%\n", scores.loss, 100 * scores.metrics[0]);
  }
  return CLI_OK;
}

static int run(const cli_command *command, int argc, char **argv) {
  const char *network = NULL, *folder = NULL, *checkpoint = NULL;
  int64_t threads = 0;
  bool json = false;
  const cli_option options[] = {
      {"model", CLI_TEXT, &network, "NAME", "the network; by default what the checkpoint says"},
      {"data", CLI_TEXT, &folder, "DIR", "where the data set's files are"},
      {"checkpoint", CLI_TEXT, &checkpoint, "DIR", "where it was saved; by default where `tenon train` saves"},
      {"threads", CLI_INT, &threads, "N", "threads to compute with; by default all"},
      {"json", CLI_FLAG, &json, NULL, "print the result as a JSON object"},
      {.name = NULL}};
  int n, code = cli_parse(command, options, argc, argv, &n);
  if (code >= 0) return code;
  if (n > 1) return cli_usage(command, "it evaluates on one data set");
  if (network && !cli_find_network(network)) return cli_usage(command, "there is no network '%s'", network);
  const char *set = n ? argv[0] : "mnist";
  tn_model *m;
  tn_datasets data;
  tn_error *error = cli_restore(checkpoint, set, network, (int)threads, &m);
  if (error) return cli_fail(error);
  error = cli_load(set, folder, &data);
  if (error) {
    tn_model_free(m);
    return cli_fail(error);
  }
  code = evaluate(m, &data, json);
  tn_datasets_clear(&data);
  tn_model_free(m);
  return code;
}

const cli_command cli_eval = {
    .name = "eval",
    .arguments = "[mnist|digits] [options]",
    .summary = "Tell the accuracy of a network that was trained before.",
    .run = run,
};
