/* Trains a model whose checkpoints are in the folder that is its argument, an address maybe, and restores it.
 * Prints "restored" at the end if the restored one gives what the trained one gave. */
#include <stdio.h>
#include <tenon/tenon.h>

static tn_model *make(void) {
  tn_model *m = tn_model_new(&(tn_model_options){.seed = 3, .threads = 1});
  tn_model_data(m, "digits");
  tn_model_flatten(m);
  tn_model_dense(m, 10, NULL);
  tn_model_compile(m, tn_sgd(0.1f), "sparse_softmax_cross_entropy", "accuracy");
  return m;
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  tn_model *m = make();
  const tn_datasets *digits = tn_model_data(m, "digits");
  tn_fit_options options = {.epochs = 4, .checkpoint = argv[1], .max_to_keep = 2};
  if (digits) tn_model_fit(m, digits->train, &options);
  double trained = digits ? tn_model_evaluate(m, digits->test, NULL) : 0;
  if (tn_model_end(m)) return 1;
  m = make();
  digits = tn_model_data(m, "digits");
  tn_model_restore(m, argv[1]);
  double restored = tn_model_evaluate(m, digits->test, NULL);
  if (tn_model_end(m)) return 1;
  printf("accuracy %.6f, then %.6f\n%s\n", trained, restored, trained == restored ? "restored" : "lost");
  return 0;
}
