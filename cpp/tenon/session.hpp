/* Sessions and gradients in C++. */
#ifndef TENON_SESSION_HPP
#define TENON_SESSION_HPP

#include <cerrno>
#include <fstream>
#include <iterator>
#include <tenon/scope.hpp>
#include <tenon/session.h>

namespace tenon {

/* How a session runs. */
struct SessionOptions {
  int intra_op_parallelism_threads = 0; /* 0: as many as the cgroup grants */
  int inter_op_parallelism_threads = 0;
  bool allow_soft_placement = true;

  tn_session_options c_options() const {
    tn_session_options options = {};
    options.intra_op_threads = intra_op_parallelism_threads;
    options.inter_op_threads = inter_op_parallelism_threads;
    options.no_soft_placement = !allow_soft_placement;
    return options;
  }
};

/* How one step runs. */
struct RunOptions {
  int64_t timeout_in_ms = 0; /* 0: none */
  bool trace = false;        /* fill RunMetadata */
};

/* What a traced step did. */
struct RunMetadata {
  std::string step_stats;   /* a serialised StepStats */
  std::string chrome_trace; /* JSON for chrome://tracing */
};

/* Runs a scope's graph and holds its variables. Thread-safe. */
class ClientSession {
public:
  using FeedType = std::vector<std::pair<Output, Input::Initializer>>;

  explicit ClientSession(const Scope &scope, const SessionOptions &options = SessionOptions()) : scope_(scope) {
    tn_session_options c_options = options.c_options();
    if (!scope.ok()) return;
    status_ = Status(tn_session_new(scope.graph(), &c_options, &session_));
  }
  ClientSession(const ClientSession &) = delete;
  ClientSession &operator=(const ClientSession &) = delete;
  ~ClientSession() {
    if (session_) tn_session_free(session_);
  }

  Status Run(const std::vector<Output> &fetches, std::vector<Tensor> *outputs) { return Run({}, fetches, {}, outputs); }
  Status Run(const FeedType &feeds, const std::vector<Output> &fetches, std::vector<Tensor> *outputs) {
    return Run(feeds, fetches, {}, outputs);
  }
  /* Runs OPERATIONS as well. OUTPUTS gets a tensor for each fetch; it may be NULL where there are none. */
  Status Run(const FeedType &feeds, const std::vector<Output> &fetches, const std::vector<Operation> &operations,
             std::vector<Tensor> *outputs) {
    return Run(RunOptions(), feeds, fetches, operations, outputs, nullptr);
  }
  Status Run(const RunOptions &options, const FeedType &feeds, const std::vector<Output> &fetches,
             const std::vector<Operation> &operations, std::vector<Tensor> *outputs, RunMetadata *metadata) {
    TENON_RETURN_IF_ERROR(scope_.status());
    TENON_RETURN_IF_ERROR(status_);
    std::vector<tn_output> c_feeds, c_fetches;
    std::vector<tn_tensor *> values;
    std::vector<tn_node *> targets;
    for (const auto &feed : feeds) {
      TENON_RETURN_IF_ERROR(feed.second.status);
      c_feeds.push_back(feed.first.c_output());
      values.push_back(feed.second.tensor.c_tensor());
    }
    for (const auto &fetch : fetches) c_fetches.push_back(fetch.c_output());
    for (const auto &operation : operations) targets.push_back(operation.node());
    std::vector<tn_tensor *> results(fetches.size(), nullptr);
    tn_run_options c_options = {};
    c_options.timeout_ms = options.timeout_in_ms;
    c_options.trace = options.trace;
    tn_run_metadata c_metadata = {};
    Status status(tn_session_run(session_, &c_options, c_feeds.size(), c_feeds.data(), values.data(), c_fetches.size(),
                                 c_fetches.data(), targets.size(), targets.data(), results.data(),
                                 options.trace ? &c_metadata : nullptr));
    if (!status.ok()) return status;
    if (metadata && c_metadata.step_stats) {
      metadata->step_stats.assign(c_metadata.step_stats, c_metadata.step_stats_size);
      metadata->chrome_trace = c_metadata.chrome_trace ? c_metadata.chrome_trace : "";
    }
    tn_run_metadata_clear(&c_metadata);
    std::vector<Tensor> owned;
    for (tn_tensor *result : results) owned.emplace_back(result);
    if (outputs) *outputs = std::move(owned);
    return Status();
  }
#if TENON_EXCEPTIONS
  /* The fetched tensors; throws an Error. */
  std::vector<Tensor> run(const std::vector<Output> &fetches, const FeedType &feeds = {}) {
    std::vector<Tensor> outputs;
    Run(feeds, fetches, &outputs).check();
    return outputs;
  }
  void run(const std::vector<Operation> &operations, const FeedType &feeds = {}) {
    Run(feeds, {}, operations, nullptr).check();
  }
#endif
  tn_session *c_session() const { return session_; }

private:
  Scope scope_;
  Status status_;
  tn_session *session_ = nullptr;
};

/* A graph from a file (a frozen GraphDef, say) with a session, run by names: a model in a program. */
class Session {
public:
  Session() : scope_(Scope::NewRootScope()) {}
  /* Adds the nodes of a serialised GraphDef. */
  Status Create(const std::string &graph_def) {
    TENON_RETURN_IF_ERROR(scope_.ImportGraphDef(graph_def));
    session_ = std::make_unique<ClientSession>(scope_);
    return Status();
  }
  /* The same from file PATH. */
  Status Load(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return Status(TN_NOT_FOUND, path + ": " + std::strerror(errno));
    std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    return Create(bytes);
  }
  /* Feeds INPUTS by name ("x:0"), fetches OUTPUT_NAMES, runs TARGET_NAMES. */
  Status Run(const std::vector<std::pair<std::string, Tensor>> &inputs, const std::vector<std::string> &output_names,
             const std::vector<std::string> &target_names, std::vector<Tensor> *outputs) {
    if (!session_) return Status(TN_FAILED_PRECONDITION, "the session has no graph: call Create or Load first");
    ClientSession::FeedType feeds;
    std::vector<Output> fetches;
    std::vector<Operation> targets;
    Output found;
    for (const auto &input : inputs) {
      TENON_RETURN_IF_ERROR(scope_.Find(input.first, &found));
      feeds.emplace_back(found, input.second);
    }
    for (const auto &name : output_names) {
      TENON_RETURN_IF_ERROR(scope_.Find(name, &found));
      fetches.push_back(found);
    }
    for (const auto &name : target_names) {
      TENON_RETURN_IF_ERROR(scope_.Find("^" + name, &found));
      targets.push_back(found.op());
    }
    return session_->Run(feeds, fetches, targets, outputs);
  }

private:
  Scope scope_;
  std::unique_ptr<ClientSession> session_;
};

/* Adds nodes for d(sum of OUTPUTS)/dINPUTS; an entry of GRADIENTS is empty where an input does not matter. */
inline Status AddSymbolicGradients(const Scope &scope, const std::vector<Output> &outputs,
                                   const std::vector<Output> &inputs, const std::vector<Output> &grad_outputs,
                                   std::vector<Output> *gradients) {
  TENON_RETURN_IF_ERROR(scope.status());
  if (!grad_outputs.empty() && grad_outputs.size() != outputs.size()) {
    return Status(TN_INVALID_ARGUMENT, "one gradient for each output, or none");
  }
  std::vector<tn_output> ys, xs, grads;
  for (const auto &output : outputs) ys.push_back(output.c_output());
  for (const auto &input : inputs) xs.push_back(input.c_output());
  for (const auto &gradient : grad_outputs) grads.push_back(gradient.c_output());
  std::vector<tn_output> results(inputs.size());
  TENON_RETURN_IF_ERROR(Status(tn_graph_gradients(scope.graph(), ys.size(), ys.data(), xs.size(), xs.data(),
                                                  grads.empty() ? nullptr : grads.data(), results.data())));
  gradients->clear();
  for (tn_output result : results) gradients->emplace_back(result);
  return Status();
}
inline Status AddSymbolicGradients(const Scope &scope, const std::vector<Output> &outputs,
                                   const std::vector<Output> &inputs, std::vector<Output> *gradients) {
  return AddSymbolicGradients(scope, outputs, inputs, {}, gradients);
}

} // namespace tenon
#endif
