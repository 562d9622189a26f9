/* The C++ API: tensors, scopes, ops, sessions, gradients, models, and their errors. */
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <cstdio>
#include <doctest/doctest.h>
#include <fstream>
#include <tenon/tenon.hpp>
#include <thread>

using namespace tenon;
using namespace tenon::ops;

TEST_CASE("tensors share, view and check") {
  Tensor zeros(DT_FLOAT, {2, 3});
  CHECK(zeros.shape() == TensorShape({2, 3}));
  CHECK(zeros.matrix<float>()(1, 2) == 0);
  Tensor same = zeros;
  zeros.matrix<float>()(1, 2) = 5;
  CHECK(same.flat<float>()[5] == 5);
  Tensor moved = std::move(same);
  CHECK_FALSE(same.IsInitialized());
  CHECK(moved.NumElements() == 6);
  Tensor flat;
  CHECK(moved.Reshape({6}, &flat).ok());
  CHECK(flat.vec<float>()(5) == 5);
  CHECK(moved.Reshape({7}, &flat).code() == TN_INVALID_ARGUMENT);
  CHECK_THROWS_AS(moved.flat<double>(), Error);
  CHECK_THROWS_AS(moved.scalar<float>(), Error);
  CHECK(Tensor(int64_t{7}).scalar<int64_t>()() == 7);
  CHECK(Tensor("abc").strings() == std::vector<std::string>{"abc"});
  CHECK_THROWS_AS(Tensor(std::vector<float>{1, 2}, {3}), Error);
  CHECK_THROWS_AS(Tensor(DT_FLOAT, TensorShape({-1})), Error);
  Tensor empty(DT_INT32, {0, 4});
  CHECK(empty.flat<int32_t>().size() == 0);
  CHECK_THROWS_AS(Tensor().strings(), Error);
  float values[] = {1, 2};
  Tensor borrowed;
  CHECK(Tensor::Borrow(values, {2}, &borrowed).ok());
  values[1] = 9;
  CHECK(borrowed.vec<float>()(1) == 9);
}

TEST_CASE("a graph runs") {
  Scope root = Scope::NewRootScope();
  auto a = Const(root, {{3.f, 2.f}, {-1.f, 0.f}});
  auto b = Const(root.WithOpName("b"), {{3.f, 5.f}});
  auto v = MatMul(root.WithOpName("v"), a, b, MatMul::TransposeB(true));
  auto sum = Add(root, v, 1.f);
  CHECK(v.product.name() == "v:0");
  CHECK(v.product.shape() == TensorShape({2, 1}));
  ClientSession session(root);
  auto out = session.run({v, sum});
  CHECK(out[0].matrix<float>()(0, 0) == 19);
  CHECK(out[1].matrix<float>()(1, 0) == -2);
}

TEST_CASE("feeds, many outputs, lists, attributes") {
  Scope root = Scope::NewRootScope();
  auto x = Placeholder(root, DT_FLOAT, Placeholder::Shape({-1}));
  auto top = TopK(root, x, 2);
  auto parts = Split(root, 0, top.values, 2);
  auto joined = Concat(root, {parts[1], parts[0]}, 0);
  auto text = AsString(root, top.indices);
  ClientSession session(root);
  auto out = session.run({joined, top.indices, text}, {{x, {1.f, 5.f, 3.f}}});
  CHECK(out[0].vec<float>()(0) == 3);
  CHECK(out[0].vec<float>()(1) == 5);
  CHECK(out[1].vec<int32_t>()(0) == 1);
  CHECK(out[2].strings() == std::vector<std::string>{"1", "2"});
}

TEST_CASE("names, sub scopes, control inputs, devices") {
  Scope root = Scope::NewRootScope();
  Scope child = root.NewSubScope("child"), twin = root.NewSubScope("child");
  auto a = Const(child.WithOpName("a"), 1.f), b = Const(twin.WithOpName("a"), 2.f), c = Const(child.WithOpName("a"), 3);
  CHECK(a.op().name() == "child/a");
  CHECK(b.op().name() == "child_1/a");
  CHECK(c.op().name() == "child/a_1");
  auto v = Variable(root.WithOpName("v"), {}, DT_FLOAT);
  auto first = Assign(root, v, 1.f);
  auto next = AssignAdd(root.WithControlDependencies(first), v, 2.f);
  auto placed = Identity(root.WithDevice("/device:CPU:0"), next);
  CHECK(std::string(tn_node_device_of(placed.operation.node())) == "/device:CPU:0");
  ClientSession session(root);
  CHECK(session.run({placed})[0].scalar<float>()() == 3);
}

TEST_CASE("gradients, and variables that learn") {
  Scope root = Scope::NewRootScope();
  auto w = Variable(root.WithOpName("w"), {2, 1}, DT_FLOAT);
  auto init = Assign(root, w, {{0.f}, {0.f}});
  auto error = Sub(root, MatMul(root, {{1.f, 2.f}, {3.f, 4.f}}, w), {{5.f}, {11.f}});
  auto loss = Sum(root, Square(root, error), {0, 1});
  std::vector<Output> gradients;
  REQUIRE(AddSymbolicGradients(root, {loss}, {w}, &gradients).ok());
  auto step = ApplyGradientDescent(root, w, 0.03f, gradients[0]);
  ClientSession session(root);
  session.run({init.operation});
  for (int i = 0; i < 2000; i++) session.run({step.operation});
  auto learned = session.run({w})[0].matrix<float>();
  CHECK(learned(0, 0) == doctest::Approx(1).epsilon(0.01));
  CHECK(learned(1, 0) == doctest::Approx(2).epsilon(0.01));
  CHECK(AddSymbolicGradients(root, {loss}, {w}, {loss, loss}, &gradients).code() == TN_INVALID_ARGUMENT);
}

TEST_CASE("errors stick to the scope and reach the session") {
  Scope root = Scope::NewRootScope();
  auto bad = MatMul(root.WithOpName("bad"), {{1.f}}, {{1.f}, {2.f}, {3.f}});
  auto after = Add(root, bad, 1.f);
  CHECK(root.status().code() == TN_INVALID_ARGUMENT);
  CHECK(root.status().message().find("bad") != std::string::npos);
  ClientSession session(root);
  std::vector<Tensor> out;
  CHECK(session.Run({after}, &out).code() == TN_INVALID_ARGUMENT);
  CHECK_THROWS_AS(session.run({after}), Error);

  Scope ragged = Scope::NewRootScope();
  Const(ragged, {{1.f, 2.f}, {3.f}});
  CHECK(ragged.status().message() == "the rows of an initializer list differ in type or shape");

  Scope run_time = Scope::NewRootScope();
  auto v = Variable(run_time.WithOpName("v"), {}, DT_FLOAT);
  ClientSession other(run_time);
  CHECK(other.Run({v}, &out).code() == TN_FAILED_PRECONDITION);
  try {
    other.run({v});
    FAIL("no error");
  } catch (const Error &error) {
    CHECK(error.code() == TN_FAILED_PRECONDITION);
    CHECK(std::string(error.what()).find("v") != std::string::npos);
  }
}

TEST_CASE("a graph from bytes, run by names") {
  Scope root = Scope::NewRootScope();
  auto x = Placeholder(root.WithOpName("x"), DT_FLOAT);
  Mul(root.WithOpName("y"), x, 2.f);
  std::string bytes;
  REQUIRE(root.ToGraphDef(&bytes).ok());
  char path[] = "/tmp/tenon-cpp-XXXXXX";
  int fd = mkstemp(path);
  REQUIRE(fd >= 0);
  std::ofstream(path, std::ios::binary) << bytes;
  Session session;
  std::vector<Tensor> out;
  CHECK(session.Run({}, {"y:0"}, {}, &out).code() == TN_FAILED_PRECONDITION);
  REQUIRE(session.Load(path).ok());
  REQUIRE(session.Run({{"x", Tensor(4.f)}}, {"y:0"}, {}, &out).ok());
  CHECK(out[0].scalar<float>()() == 8);
  CHECK(session.Run({}, {"z:0"}, {}, &out).code() == TN_NOT_FOUND);
  CHECK(Session().Load("/no/such/file").code() == TN_NOT_FOUND);
  CHECK(Session().Create("nonsense").code() == TN_INVALID_ARGUMENT);
  std::remove(path);
}

TEST_CASE("threads share a session") {
  Scope root = Scope::NewRootScope();
  auto x = Placeholder(root, DT_FLOAT);
  auto y = Square(root, x);
  ClientSession session(root);
  std::vector<std::thread> threads;
  std::vector<int> good(4, 0);
  for (int t = 0; t < 4; t++) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 100; i++) {
        std::vector<Tensor> out;
        float value = static_cast<float>(t * 100 + i);
        if (session.Run({{x, value}}, {y}, &out).ok() && out[0].scalar<float>()() == value * value) good[t]++;
      }
    });
  }
  for (auto &thread : threads) thread.join();
  CHECK(good == std::vector<int>(4, 100));
}

TEST_CASE("run metadata and time limits") {
  Scope root = Scope::NewRootScope();
  auto y = Square(root, 3.f);
  ClientSession session(root);
  RunOptions options;
  options.trace = true;
  RunMetadata metadata;
  std::vector<Tensor> out;
  REQUIRE(session.Run(options, {}, {y}, {}, &out, &metadata).ok());
  CHECK(out[0].scalar<float>()() == 9);
  CHECK(metadata.chrome_trace.find("traceEvents") != std::string::npos);
  CHECK_FALSE(metadata.step_stats.empty());
}

TEST_CASE("models learn, predict, save and restore") {
  Model model(1);
  auto digits = model.Data("digits");
  model.Flatten().Dense(32, "relu").Dense(10).Compile(Adam(0.01f), "sparse_softmax_cross_entropy", "accuracy");
  int epochs = 0;
  model.Fit(digits.train, FitOptions().Epochs(3).BatchSize(50).OnEpoch([&](const Progress &) { return ++epochs < 2; }));
  CHECK(model.status().ok());
  CHECK(epochs == 2);
  Scores scores;
  double accuracy = model.Evaluate(digits.test, &scores);
  CHECK(accuracy > 0.5);
  CHECK(scores.examples == digits.test.size());
  Tensor out;
  REQUIRE(model.Predict(digits.test.features(), &out).ok());
  CHECK(out.shape() == TensorShape({digits.test.size(), 10}));
  char folder[] = "/tmp/tenon-cpp-XXXXXX";
  REQUIRE(mkdtemp(folder));
  model.Save(folder);
  Model again(2);
  again.Data("digits");
  again.Flatten().Dense(32, "relu").Dense(10).Compile(Adam(0.01f), "sparse_softmax_cross_entropy", "accuracy");
  again.Restore(folder);
  CHECK(again.status().ok());
  CHECK(again.Evaluate(digits.test) == accuracy);
  CHECK(std::system((std::string("rm -r ") + folder).c_str()) == 0);
  CHECK(model.End() == 0);
}

TEST_CASE("a model's first error sticks") {
  Model model;
  model.Data("digits");
  model.Dense(10, "no such activation").Compile(GradientDescent(0.1f), "sparse_softmax_cross_entropy");
  CHECK_FALSE(model.status().ok());
  CHECK_THROWS_AS(model.check(), Error);
  Model missing;
  missing.Data("no such set");
  CHECK(missing.status().code() == TN_NOT_FOUND);
  Dataset dataset;
  CHECK(Dataset::Make(Tensor(DT_FLOAT, {3, 2}), Tensor(DT_INT64, {2}), &dataset).code() == TN_INVALID_ARGUMENT);
}
