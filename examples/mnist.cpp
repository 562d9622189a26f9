/* MNIST in ten lines of C++: a perceptron with one hidden layer learns handwritten digits.
 *
 * Prints:
 * it learned
 */
#include <iostream>
#include <tenon/tenon.hpp>

int main() {
  tenon::Model model;
  auto mnist = model.Data("mnist");
  model.Flatten().Dense(300, "relu").Dense(10);
  model.Compile(tenon::Momentum(0.05f, 0.9f), "sparse_softmax_cross_entropy", "accuracy");
  model.Fit(mnist.train, tenon::FitOptions().Epochs(2).Verbose());
  std::cout << (model.Evaluate(mnist.test) > 0.8 ? "it learned" : "it did not learn") << "\n";
  return model.End();
}
