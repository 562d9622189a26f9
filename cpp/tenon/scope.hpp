/* Scopes: where C++ programs add nodes to a graph, in the manner of TensorFlow's C++ API. The first error of a scope
 * and of all that came from it sticks; Scope::status() and every session tell it. */
#ifndef TENON_SCOPE_HPP
#define TENON_SCOPE_HPP

#include <cstdlib>
#include <memory>
#include <optional>
#include <tenon/graph.h>
#include <tenon/tensor.hpp>

namespace tenon {

class Output;

/* A node of a graph. */
class Operation {
public:
  Operation() = default;
  explicit Operation(tn_node *node) : node_(node) {}
  std::string name() const { return node_ ? tn_node_name(node_) : ""; }
  std::string type() const { return node_ ? tn_node_op(node_) : ""; }
  int num_inputs() const { return node_ ? tn_node_n_inputs(node_) : 0; }
  int num_outputs() const { return node_ ? tn_node_n_outputs(node_) : 0; }
  inline Output output(int i) const;
  inline Output input(int i) const;
  tn_node *node() const { return node_; }
  bool operator==(const Operation &other) const { return node_ == other.node_; }

private:
  tn_node *node_ = nullptr;
};

/* An output of a node. */
class Output {
public:
  Output() = default;
  explicit Output(tn_output output) : output_(output) {}
  explicit Output(Operation operation, int index = 0) : output_{operation.node(), index} {}
  Operation op() const { return Operation(output_.node); }
  tn_node *node() const { return output_.node; }
  int index() const { return output_.index; }
  DataType type() const { return output_.node ? tn_output_dtype(output_) : TN_INVALID; }
  TensorShape shape() const { return output_.node ? TensorShape(tn_output_shape(output_)) : TensorShape::Unknown(); }
  std::string name() const { return op().name() + ":" + std::to_string(index()); }
  tn_output c_output() const { return output_; }
  bool operator==(const Output &other) const {
    return output_.node == other.output_.node && output_.index == other.output_.index;
  }

private:
  tn_output output_ = {nullptr, 0};
};
using OutputList = std::vector<Output>;

Output Operation::output(int i) const { return Output(*this, i); }
Output Operation::input(int i) const { return Output(tn_node_input_at(node_, i)); }

/* What an op takes: an Output, or a value that becomes a constant: a number, a string, a Tensor, or nested braces. */
class Input {
public:
  /* A constant from C++ values; every row of nested braces must be as long as the first. */
  struct Initializer {
    template <typename T, DataType = DataTypeOf<T>::value>
    Initializer(T value) : status(Tensor::Copy(&value, TensorShape(), &tensor)) {}
    Initializer(const char *text) : Initializer(std::string(text)) {}
    Initializer(const std::string &text) : status(Tensor::Strings({text}, TensorShape(), &tensor)) {}
    Initializer(const Tensor &value) : tensor(value) {}
    template <typename T, DataType = DataTypeOf<T>::value>
    Initializer(const std::vector<T> &values, const TensorShape &shape) {
      if (shape.num_elements() == static_cast<int64_t>(values.size())) {
        status = Tensor::Copy(values.data(), shape, &tensor);
      } else {
        status =
            Status(TN_INVALID_ARGUMENT, std::to_string(values.size()) + " values for shape " + shape.DebugString());
      }
    }
    Initializer(std::initializer_list<Initializer> rows) { Join(rows); }

    Tensor tensor;
    Status status;

  private:
    void Join(std::initializer_list<Initializer> rows) {
      std::vector<int64_t> sizes = {static_cast<int64_t>(rows.size())};
      const Tensor *first = rows.size() ? &rows.begin()->tensor : nullptr;
      for (int i = 0; first && i < first->dims(); i++) sizes.push_back(first->dim_size(i));
      for (const auto &row : rows) {
        status.Update(row.status);
        if (status.ok() && (row.tensor.dtype() != first->dtype() || row.tensor.shape() != first->shape())) {
          status = Status(TN_INVALID_ARGUMENT, "the rows of an initializer list differ in type or shape");
        }
      }
      DataType dtype = first ? first->dtype() : TN_FLOAT;
      if (status.ok() && dtype == TN_STRING) return JoinStrings(rows, sizes);
      if (status.ok()) status = Tensor::Make(dtype, TensorShape(sizes), &tensor);
      if (!status.ok()) return;
      char *to = static_cast<char *>(tn_tensor_data(tensor.c_tensor()));
      for (const auto &row : rows) {
        size_t size = row.tensor.TotalBytes();
        if (size) std::memcpy(to, tn_tensor_data(row.tensor.c_tensor()), size);
        to += size;
      }
    }
    void JoinStrings(std::initializer_list<Initializer> rows, const std::vector<int64_t> &sizes) {
      std::vector<std::string> texts;
      for (const auto &row : rows) {
        for (auto &text : row.tensor.strings()) texts.push_back(std::move(text));
      }
      status = Tensor::Strings(texts, TensorShape(sizes), &tensor);
    }
  };

  Input(const Output &output) : output_(output) {}
  template <typename T, DataType = DataTypeOf<T>::value> Input(T value) : constant_(value) {}
  Input(const char *text) : constant_(text) {}
  Input(const std::string &text) : constant_(text) {}
  Input(const Tensor &value) : constant_(value) {}
  Input(const Initializer &value) : constant_(value) {}
  Input(std::initializer_list<Initializer> rows) : constant_(std::in_place, rows) {}
  const std::optional<Initializer> &constant() const { return constant_; }
  const Output &output() const { return output_; }

private:
  Output output_;
  std::optional<Initializer> constant_;
};
using InputList = std::vector<Input>;

/* Names, control inputs, device and seed that later nodes take up. Copies share the graph and the status. */
class Scope {
public:
  /* A scope in a new graph. */
  static Scope NewRootScope() {
    Scope scope;
    tn_graph *graph = nullptr;
    Status status(tn_graph_new(&graph));
    scope.shared_ = std::make_shared<Shared>(graph);
    scope.shared_->status = status;
    return scope;
  }
  /* Names below get "NAME/" in front; a name in use becomes NAME_1. */
  Scope NewSubScope(const std::string &name) const {
    Scope scope = *this;
    char *made = nullptr;
    scope.op_name_.clear();
    if (ok()) UpdateStatus(Status(tn_graph_unique_name(graph(), (prefix_ + name).c_str(), &made)));
    if (made) scope.prefix_ = std::string(made) + "/";
    std::free(made);
    return scope;
  }
  /* The next op is called NAME. */
  Scope WithOpName(const std::string &name) const {
    Scope scope = *this;
    scope.op_name_ = name;
    return scope;
  }
  Scope WithControlDependencies(const std::vector<Operation> &operations) const {
    Scope scope = *this;
    scope.controls_.insert(scope.controls_.end(), operations.begin(), operations.end());
    return scope;
  }
  Scope WithControlDependencies(const Output &output) const {
    return WithControlDependencies(std::vector<Operation>{output.op()});
  }
  Scope WithNoControlDependencies() const {
    Scope scope = *this;
    scope.controls_.clear();
    return scope;
  }
  Scope WithDevice(const std::string &device) const {
    Scope scope = *this;
    scope.device_ = device;
    return scope;
  }
  /* The seed of the graph's random ops, by TensorFlow's rule. */
  void SetSeed(int64_t seed) const { tn_graph_set_seed(graph(), seed); }

  bool ok() const { return shared_->status.ok(); }
  Status status() const { return shared_->status; }
  void UpdateStatus(const Status &status) const { shared_->status.Update(status); }
  tn_graph *graph() const { return shared_->graph; }
#if TENON_EXCEPTIONS
  void check() const { shared_->status.check(); }
#endif
  /* Adds the nodes of a serialised GraphDef under this scope's name. */
  Status ImportGraphDef(const std::string &definition) const {
    TENON_RETURN_IF_ERROR(status());
    std::string prefix = prefix_.substr(0, prefix_.empty() ? 0 : prefix_.size() - 1);
    tn_import_options options = {};
    options.prefix = prefix.c_str();
    return Status(tn_graph_import(graph(), definition.data(), definition.size(), &options));
  }
  /* The graph as a serialised GraphDef. */
  Status ToGraphDef(std::string *out) const {
    TENON_RETURN_IF_ERROR(status());
    char *data = nullptr;
    size_t size = 0;
    TENON_RETURN_IF_ERROR(Status(tn_graph_to_def(graph(), &data, &size)));
    out->assign(data, size);
    std::free(data);
    return Status();
  }
  /* The output called NAME ("x:1" or "x"), or the operation ("^x"). */
  Status Find(const std::string &name, Output *out) const {
    tn_output found;
    TENON_RETURN_IF_ERROR(Status(tn_graph_find_output(graph(), name.c_str(), &found)));
    *out = Output(found);
    return Status();
  }

private:
  friend class NodeBuilder;
  struct Shared {
    explicit Shared(tn_graph *made) : graph(made) {}
    Shared(const Shared &) = delete;
    Shared &operator=(const Shared &) = delete;
    ~Shared() {
      if (graph) tn_graph_free(graph);
    }
    tn_graph *graph;
    Status status;
  };
  Scope() = default;

  std::shared_ptr<Shared> shared_;
  std::string prefix_, op_name_, device_;
  std::vector<Operation> controls_;
};

/* Adds one node; what the generated op classes are made of, and a way to any op by its name. */
class NodeBuilder {
public:
  NodeBuilder(const Scope &scope, const char *op) : scope_(scope) {
    std::string name = scope.prefix_ + (scope.op_name_.empty() ? op : scope.op_name_);
    if (!scope.ok()) return;
    builder_ = tn_node_begin(scope.graph(), op, name.c_str());
    if (!scope.device_.empty()) tn_node_device(builder_, scope.device_.c_str());
    for (const auto &operation : scope.controls_) tn_node_control(builder_, operation.node());
  }
  NodeBuilder(const NodeBuilder &) = delete;
  NodeBuilder &operator=(const NodeBuilder &) = delete;
  ~NodeBuilder() {
    if (builder_) Finish();
  }

  NodeBuilder &In(const Input &input) {
    if (builder_) tn_node_input(builder_, Resolve(input).c_output());
    return *this;
  }
  NodeBuilder &In(const InputList &inputs) {
    for (const auto &input : inputs) In(input);
    return *this;
  }
  NodeBuilder &Attr(const char *name, int64_t value) { return Put(tn_node_attr_int, name, value); }
  NodeBuilder &Attr(const char *name, int value) { return Put(tn_node_attr_int, name, value); }
  NodeBuilder &Attr(const char *name, float value) { return Put(tn_node_attr_float, name, value); }
  NodeBuilder &Attr(const char *name, bool value) { return Put(tn_node_attr_bool, name, value); }
  NodeBuilder &Attr(const char *name, DataType value) { return Put(tn_node_attr_type, name, value); }
  NodeBuilder &Attr(const char *name, const TensorShape &value) {
    return Put(tn_node_attr_shape, name, value.c_shape());
  }
  NodeBuilder &Attr(const char *name, const Tensor &value) { return Put(tn_node_attr_tensor, name, value.c_tensor()); }
  NodeBuilder &Attr(const char *name, const std::string &value) {
    return Put(tn_node_attr_string, name, value.data(), value.size());
  }
  NodeBuilder &Attr(const char *name, const char *value) { return Attr(name, std::string(value)); }
  NodeBuilder &Attr(const char *name, const std::vector<int64_t> &values) {
    return Put(tn_node_attr_ints, name, values.data(), values.size());
  }
  NodeBuilder &Attr(const char *name, const std::vector<float> &values) {
    return Put(tn_node_attr_floats, name, values.data(), values.size());
  }
  NodeBuilder &Attr(const char *name, const std::vector<DataType> &values) {
    return Put(tn_node_attr_types, name, values.data(), values.size());
  }
  NodeBuilder &Attr(const char *name, const std::vector<std::string> &values) {
    std::vector<tn_string> items;
    for (const auto &text : values) items.push_back({const_cast<char *>(text.data()), text.size()});
    return Put(tn_node_attr_strings, name, items.data(), items.size());
  }
  NodeBuilder &Attr(const char *name, const std::vector<TensorShape> &values) {
    std::vector<tn_shape> shapes;
    for (const auto &shape : values) shapes.push_back(*shape.c_shape());
    return Put(tn_node_attr_shapes, name, shapes.data(), shapes.size());
  }
  /* The name of a function in the graph's library. */
  NodeBuilder &Function(const char *name, const std::string &function) {
    return Put(tn_node_attr_func, name, function.c_str());
  }
  template <typename T> NodeBuilder &Attr(const char *name, const std::optional<T> &value) {
    return value ? Attr(name, *value) : *this;
  }

  /* The node; an empty Operation after an error, which is then the scope's. */
  Operation Finish() {
    if (!builder_) return Operation();
    tn_node *node = nullptr;
    scope_.UpdateStatus(Status(tn_node_finish(std::exchange(builder_, nullptr), &node)));
    return Operation(node);
  }

  /* INPUT as an output: itself, or a new constant. */
  Output Resolve(const Input &input) {
    if (!input.constant()) {
      if (!input.output().node()) scope_.UpdateStatus(Status(TN_INVALID_ARGUMENT, "an input is an empty Output"));
      return input.output();
    }
    scope_.UpdateStatus(input.constant()->status);
    const Tensor &value = input.constant()->tensor;
    Scope quiet = scope_.WithOpName((scope_.op_name_.empty() ? std::string() : scope_.op_name_ + "/") + "Const");
    return NodeBuilder(quiet.WithNoControlDependencies(), "Const")
        .Attr("value", value)
        .Attr("dtype", value.dtype())
        .Finish()
        .output(0);
  }

private:
  template <typename Function, typename... Values> NodeBuilder &Put(Function put, const char *name, Values... values) {
    if (builder_) put(builder_, name, values...);
    return *this;
  }

  Scope scope_;
  tn_node_builder *builder_ = nullptr;
};

namespace ops {

/* A constant: Const(scope, {{1.f, 2.f}, {3.f, 4.f}}). */
inline Output Const(const Scope &scope, const Input::Initializer &value) {
  scope.UpdateStatus(value.status);
  NodeBuilder builder(scope, "Const");
  return builder.Attr("value", value.tensor).Attr("dtype", value.tensor.dtype()).Finish().output(0);
}

} // namespace ops
} // namespace tenon
#endif
