/* Models in C++: a network from layers in a row, trained, evaluated, used and saved in a few lines.
 *
 *   tenon::Model model;
 *   auto mnist = model.Data("mnist");
 *   model.Flatten().Dense(300, "relu").Dense(10);
 *   model.Compile(tenon::Momentum(0.05f, 0.9f), "sparse_softmax_cross_entropy", "accuracy");
 *   model.Fit(mnist.train, tenon::FitOptions().Epochs(2));
 *   std::cout << model.Evaluate(mnist.test) << "\n";
 */
#ifndef TENON_MODEL_HPP
#define TENON_MODEL_HPP

#include <functional>
#include <memory>
#include <tenon/model.h>
#include <tenon/tensor.hpp>

namespace tenon {

/* The optimizers of tenon/train.h; their fields can be changed. */
using Optimizer = tn_optimizer;
inline Optimizer GradientDescent(float rate) { return tn_sgd(rate); }
inline Optimizer Momentum(float rate, float momentum) { return tn_momentum(rate, momentum); }
inline Optimizer Adam(float rate) { return tn_adam(rate); }
inline Optimizer RMSProp(float rate) { return tn_rmsprop(rate); }
inline Optimizer Adagrad(float rate) { return tn_adagrad(rate); }
inline Optimizer Adadelta(float rate) { return tn_adadelta(rate); }
inline Optimizer Ftrl(float rate) { return tn_ftrl(rate); }

/* Examples in memory: row i of the features belongs to row i of the labels. */
class Dataset {
public:
  Dataset() = default;
  /* FEATURES [n, ...] and LABELS [n, ...]; uint8 features are fed as float32 between 0 and 1. */
  static Status Make(const Tensor &features, const Tensor &labels, Dataset *out) {
    tn_dataset *made = nullptr;
    TENON_RETURN_IF_ERROR(Status(tn_dataset_new(features.c_tensor(), labels.c_tensor(), &made)));
    out->dataset_ = std::shared_ptr<const tn_dataset>(
        made, [](const tn_dataset *dataset) { tn_dataset_free(const_cast<tn_dataset *>(dataset)); });
    return Status();
  }
  /* One that belongs to something else, which must outlive it. */
  explicit Dataset(const tn_dataset *borrowed) : dataset_(borrowed, [](const tn_dataset *) {}) {}

  int64_t size() const { return dataset_ ? tn_dataset_size(dataset_.get()) : 0; }
  Tensor features() const { return Tensor(tn_tensor_ref(tn_dataset_features(dataset_.get()))); }
  Tensor labels() const { return Tensor(tn_tensor_ref(tn_dataset_labels(dataset_.get()))); }
  const tn_dataset *c_dataset() const { return dataset_.get(); }

private:
  std::shared_ptr<const tn_dataset> dataset_;
};

/* A set in two parts, and a line that says what it is and where it was found. */
struct Datasets {
  Dataset train, test;
  std::string origin;
};

using Progress = tn_progress;
using Scores = tn_scores;

/* How Model::Fit trains. */
class FitOptions {
public:
  FitOptions &Epochs(int epochs) { return Set(options_.epochs, epochs); }
  FitOptions &BatchSize(int64_t size) { return Set(options_.batch_size, size); }
  FitOptions &InOrder() { return Set(options_.in_order, true); }
  FitOptions &Patience(int epochs) { return Set(options_.patience, epochs); }
  FitOptions &Verbose() { return Set(options_.verbose, true); }
  FitOptions &SaveSteps(int64_t steps) { return Set(options_.save_steps, steps); }
  FitOptions &MaxToKeep(int n) { return Set(options_.max_to_keep, n); }
  FitOptions &Resume() { return Set(options_.resume, true); }
  /* Evaluated after each epoch. */
  FitOptions &Validation(const Dataset &dataset) { return Set(validation_, dataset); }
  /* A folder to save in. */
  FitOptions &Checkpoint(const std::string &folder) { return Set(checkpoint_, folder); }
  /* Told of each step or epoch; false ends the training. They must not throw. */
  FitOptions &OnBatch(std::function<bool(const Progress &)> call) { return Set(on_batch_, std::move(call)); }
  FitOptions &OnEpoch(std::function<bool(const Progress &)> call) { return Set(on_epoch_, std::move(call)); }

  /* The C options; valid as long as this object stays where it is. */
  tn_fit_options c_options() const {
    tn_fit_options made = options_;
    made.validation = validation_.c_dataset();
    made.checkpoint = checkpoint_.empty() ? nullptr : checkpoint_.c_str();
    made.argument = const_cast<FitOptions *>(this);
    if (on_batch_) {
      made.on_batch = [](const tn_progress *p, void *self) { return static_cast<FitOptions *>(self)->on_batch_(*p); };
    }
    if (on_epoch_) {
      made.on_epoch = [](const tn_progress *p, void *self) { return static_cast<FitOptions *>(self)->on_epoch_(*p); };
    }
    return made;
  }

private:
  template <typename T, typename Value> FitOptions &Set(T &field, Value &&value) {
    field = std::forward<Value>(value);
    return *this;
  }

  tn_fit_options options_ = {};
  Dataset validation_;
  std::string checkpoint_;
  std::function<bool(const Progress &)> on_batch_, on_epoch_;
};

/* A model. The first error sticks: every call after it does nothing, and status() tells it. */
class Model {
public:
  explicit Model(int64_t seed = 0, int threads = 0) {
    tn_model_options options = {};
    options.seed = seed;
    options.threads = threads;
    model_.reset(tn_model_new(&options));
  }
  Status status() const { return Status(tn_model_status(model_.get())); }
#if TENON_EXCEPTIONS
  void check() const { status().check(); }
#endif
  /* A set by its name ("mnist", "digits"); it belongs to the model and sets the shape of its input. */
  Datasets Data(const std::string &name) {
    const tn_datasets *found = tn_model_data(model_.get(), name.c_str());
    return {Dataset(found->train), Dataset(found->test), found->origin};
  }

  /* --- layers, in their order --- */
  Model &InputShape(const TensorShape &example) {
    tn_model_input(model_.get(), example.dims(), example.c_shape()->dims);
    return *this;
  }
  Model &Dense(int64_t units, const char *activation = nullptr) { return Add(tn_model_dense, units, activation); }
  Model &Conv2D(int64_t filters, int size, const char *activation = nullptr) {
    return Add(tn_model_conv2d, filters, size, activation);
  }
  Model &MaxPool(int size) { return Add(tn_model_max_pool, size); }
  Model &AvgPool(int size) { return Add(tn_model_avg_pool, size); }
  Model &Flatten() { return Add(tn_model_flatten); }
  Model &Dropout(float rate) { return Add(tn_model_dropout, rate); }
  Model &BatchNorm(const char *activation = nullptr) { return Add(tn_model_batch_norm, activation); }
  Model &Embedding(int64_t words, int64_t width) { return Add(tn_model_embedding, words, width); }

  /* --- training and use --- */
  Model &Compile(const Optimizer &optimizer, const char *loss, const char *metrics = nullptr) {
    return Add(tn_model_compile, optimizer, loss, metrics);
  }
  Model &Fit(const Dataset &dataset, const FitOptions &options = FitOptions()) {
    tn_fit_options c_options = options.c_options();
    tn_model_fit(model_.get(), dataset.c_dataset(), &c_options);
    return *this;
  }
  /* The first metric over DATASET (the loss if there is none); all of them in *SCORES. NaN after an error. */
  double Evaluate(const Dataset &dataset, Scores *scores = nullptr) {
    return tn_model_evaluate(model_.get(), dataset.c_dataset(), scores);
  }
  Status Predict(const Tensor &features, Tensor *out) {
    tn_tensor *made = nullptr;
    TENON_RETURN_IF_ERROR(Status(tn_model_predict(model_.get(), features.c_tensor(), &made)));
    *out = Tensor(made);
    return Status();
  }
  /* Saves as, and takes from, TensorFlow checkpoints in FOLDER. */
  Model &Save(const std::string &folder) { return Add(tn_model_save, folder.c_str()); }
  Model &Restore(const std::string &folder) { return Add(tn_model_restore, folder.c_str()); }
  /* Prints the first error, if there was one, on stderr; what main is to return: 0 or 1. The model is empty then. */
  int End() { return tn_model_end(model_.release()); }
  int64_t step() const { return tn_model_step(model_.get()); }
  tn_model *c_model() const { return model_.get(); }

private:
  struct Free {
    void operator()(tn_model *model) const { tn_model_free(model); }
  };
  template <typename Function, typename... Values> Model &Add(Function add, Values... values) {
    add(model_.get(), values...);
    return *this;
  }

  std::unique_ptr<tn_model, Free> model_;
};

} // namespace tenon
#endif
