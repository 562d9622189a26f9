/* MNIST in ten lines: a perceptron with one hidden layer learns handwritten digits.
 *
 * Prints:
 * it learned
 */
#include <stdio.h>
#include <tenon/tenon.h>

int main(void) {
  tn_model *m = tn_model_new(NULL);
  const tn_datasets *mnist = tn_model_data(m, "mnist");
  tn_model_flatten(m);
  tn_model_dense(m, 300, "relu");
  tn_model_dense(m, 10, NULL);
  tn_model_compile(m, tn_momentum(0.05f, 0.9f), "sparse_softmax_cross_entropy", "accuracy");
  tn_model_fit(m, mnist->train, &(tn_fit_options){.epochs = 2, .verbose = true});
  puts(tn_model_evaluate(m, mnist->test, NULL) > 0.8 ? "it learned" : "it did not learn");
  return tn_model_end(m);
}
