/* `tenon predict`: which digit a picture shows. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/networks.h"

/* Dark on light, as paper is: the frame of the picture tells. */
static bool light_background(const tn_tensor *image) {
  int64_t height = tn_tensor_dim(image, 0), width = tn_tensor_dim(image, 1);
  const uint8_t *pixels = tn_tensor_data(image);
  double sum = 0, n = 0;
  for (int64_t y = 0; y < height; y++) {
    for (int64_t x = 0; x < width; x++) {
      if (y && x && y < height - 1 && x < width - 1) continue;
      sum += pixels[y * width + x];
      n++;
    }
  }
  return n > 0 && sum / n > 127;
}

/* Numbers for classes as probabilities, in place. */
static void softmax(float *x, int64_t n) {
  float largest = x[0], sum = 0;
  for (int64_t i = 1; i < n; i++) largest = fmaxf(largest, x[i]);
  for (int64_t i = 0; i < n; i++) sum += x[i] = expf(x[i] - largest);
  for (int64_t i = 0; i < n; i++) x[i] /= sum;
}

static void print_prediction(const char *path, const float *p, int64_t n, bool json) {
  int64_t best = 0;
  for (int64_t i = 1; i < n; i++) best = p[i] > p[best] ? i : best;
  if (!json) {
    printf("%s: %lld (%.1f %%)\n", path, (long long)best, 100 * (double)p[best]);
    return;
  }
  printf("{\"class\": %lld, \"probabilities\": [", (long long)best);
  for (int64_t i = 0; i < n; i++) printf("%s%.6f", i ? ", " : "", (double)p[i]);
  printf("]}\n");
}

static tn_error *predict(tn_model *m, const char *path, bool json) {
  tn_tensor *image, *input, *output;
  TN_TRY(tn_png_load(path, 1, &image));
  tn_error *error = tn_image_fit(image, 28, 28, light_background(image), &input);
  tn_tensor_free(image);
  if (error) return tn_error_context(error, "%s", path);
  error = tn_model_predict(m, input, &output);
  tn_tensor_free(input);
  if (error) return error;
  softmax(tn_tensor_data(output), tn_tensor_elements(output));
  print_prediction(path, tn_tensor_data(output), tn_tensor_elements(output), json);
  tn_tensor_free(output);
  return NULL;
}

static int run(const cli_command *command, int argc, char **argv) {
  const char *network = NULL, *checkpoint = NULL;
  bool json = false;
  const cli_option options[] = {
      {"model", CLI_TEXT, &network, "NAME", "the network; by default what the checkpoint says"},
      {"checkpoint", CLI_TEXT, &checkpoint, "DIR", "where it was saved; by default where `tenon train` saves"},
      {"json", CLI_FLAG, &json, NULL, "print each result as a JSON object"},
      {.name = NULL}};
  int n, code = cli_parse(command, options, argc, argv, &n);
  if (code >= 0) return code;
  if (!n) return cli_usage(command, "which picture?");
  if (network && !cli_find_network(network)) return cli_usage(command, "there is no network '%s'", network);
  tn_model *m;
  tn_error *error = cli_restore(checkpoint, "mnist", network, 0, &m);
  if (error) return cli_fail(error);
  for (int i = 0; i < n && !error; i++) error = predict(m, argv[i], json);
  tn_model_free(m);
  return error ? cli_fail(error) : CLI_OK;
}

const cli_command cli_predict = {
    .name = "predict",
    .arguments = "IMAGE.png... [options]",
    .summary = "Tell which digit a picture shows.",
    .details = "The picture becomes gray and 28 x 28; dark digits on light paper are inverted, as MNIST has them light "
               "on dark.",
    .run = run,
};
