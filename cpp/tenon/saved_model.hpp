/* SavedModels in C++: what TensorFlow or Tenon exported, run by the names of its signatures.
 *
 *   tenon::SavedModelBundle bundle;
 *   LoadSavedModel(SessionOptions(), RunOptions(), "folder", {"serve"}, &bundle).check();
 *   auto out = bundle.run("serving_default", {{"x", image}});
 *   std::cout << out["y"].matrix<float>() << "\n";
 */
#ifndef TENON_SAVED_MODEL_HPP
#define TENON_SAVED_MODEL_HPP

#include <map>
#include <memory>
#include <tenon/saved_model.h>
#include <tenon/session.hpp>
#include <unordered_set>

namespace tenon {

/* The tags that TensorFlow gives graphs. */
constexpr char kSavedModelTagServe[] = "serve";
constexpr char kSavedModelTagTrain[] = "train";
constexpr char kSavedModelTagGpu[] = "gpu";

/* An input or output of a signature. */
struct TensorInfo {
  std::string name; /* "x:0" */
  DataType dtype = TN_INVALID;
  TensorShape shape;
};

/* What a signature takes and gives, by the names that its callers use. */
struct SignatureDef {
  std::map<std::string, TensorInfo> inputs, outputs;
  std::string method_name;
};

/* A loaded SavedModel. Thread-safe once it is loaded; copies share it. */
class SavedModelBundle {
public:
  /* Takes MODEL over. */
  explicit SavedModelBundle(tn_saved_model *model = nullptr) : model_(model, tn_saved_model_free) {}

  /* The signatures of the graph that was loaded. */
  std::map<std::string, SignatureDef> GetSignatures() const {
    std::map<std::string, SignatureDef> found;
    size_t graph = model_ ? tn_saved_model_loaded(model_.get()) : 0;
    for (size_t i = 0; model_ && i < tn_saved_model_n_signatures(model_.get(), graph); i++) {
      const tn_signature *s = tn_saved_model_signature(model_.get(), graph, i);
      SignatureDef &def = found[s->key];
      def.method_name = s->method;
      for (size_t j = 0; j < s->n_inputs; j++) def.inputs[s->inputs[j].key] = Info(s->inputs[j]);
      for (size_t j = 0; j < s->n_outputs; j++) def.outputs[s->outputs[j].key] = Info(s->outputs[j]);
    }
    return found;
  }
  /* Runs SIGNATURE. INVALID_ARGUMENT names an input that is missing or that it does not have. */
  Status Run(const std::string &signature, const std::map<std::string, Tensor> &inputs,
             std::map<std::string, Tensor> *outputs) const {
    if (!model_) return Status(TN_FAILED_PRECONDITION, "no SavedModel is loaded: call LoadSavedModel first");
    const tn_signature *s = nullptr;
    TENON_RETURN_IF_ERROR(Status(tn_saved_model_find(model_.get(), signature.c_str(), &s)));
    std::vector<tn_tensor *> values;
    for (size_t i = 0; i < s->n_inputs; i++) {
      auto found = inputs.find(s->inputs[i].key);
      if (found == inputs.end() || !found->second.IsInitialized())
        return Status(TN_INVALID_ARGUMENT, "signature '" + signature + "' needs input '" + s->inputs[i].key + "'");
      values.push_back(found->second.c_tensor());
    }
    if (inputs.size() != values.size()) return Status(TN_INVALID_ARGUMENT, Unknown(*s, inputs));
    std::vector<tn_tensor *> results(s->n_outputs, nullptr);
    TENON_RETURN_IF_ERROR(Status(tn_saved_model_run(model_.get(), signature.c_str(), values.data(), results.data())));
    outputs->clear();
    for (size_t i = 0; i < s->n_outputs; i++) (*outputs)[s->outputs[i].key] = Tensor(results[i]);
    return Status();
  }
#if TENON_EXCEPTIONS
  /* The outputs of SIGNATURE; throws an Error. */
  std::map<std::string, Tensor> run(const std::string &signature, const std::map<std::string, Tensor> &inputs) const {
    std::map<std::string, Tensor> outputs;
    Run(signature, inputs, &outputs).check();
    return outputs;
  }
#endif
  tn_saved_model *c_saved_model() const { return model_.get(); }

private:
  static TensorInfo Info(const tn_signature_tensor &tensor) {
    return {tensor.name, tensor.dtype, TensorShape(tensor.shape)};
  }
  static std::string Unknown(const tn_signature &s, const std::map<std::string, Tensor> &inputs) {
    for (const auto &input : inputs) {
      bool known = false;
      for (size_t i = 0; i < s.n_inputs; i++) known = known || input.first == s.inputs[i].key;
      if (!known) return std::string("signature '") + s.key + "' has no input '" + input.first + "'";
    }
    return "an input is given twice";
  }

  std::shared_ptr<tn_saved_model> model_;
};

/* Loads the graph of FOLDER with exactly TAGS into BUNDLE; see tn_saved_model_load. */
inline Status LoadSavedModel(const SessionOptions &options, const RunOptions &, const std::string &folder,
                             const std::unordered_set<std::string> &tags, SavedModelBundle *bundle) {
  std::string joined;
  for (const auto &tag : tags) joined += (joined.empty() ? "" : ",") + tag;
  tn_session_options c_options = options.c_options();
  tn_saved_model *model = nullptr;
  TENON_RETURN_IF_ERROR(Status(tn_saved_model_load(folder.c_str(), joined.c_str(), &c_options, &model)));
  *bundle = SavedModelBundle(model);
  return Status();
}

} // namespace tenon
#endif
