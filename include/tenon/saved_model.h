/* SavedModels: a graph with its variables, files and signatures in a folder, as TensorFlow 1.x and 2.x write them.
 *
 *   tn_saved_model *m;
 *   TN_TRY(tn_saved_model_load("folder", "serve", NULL, &m));
 *   TN_TRY(tn_saved_model_run(m, "serving_default", &input, &output));
 */
#ifndef TENON_SAVED_MODEL_H
#define TENON_SAVED_MODEL_H

#include <tenon/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A SavedModel, and once it is loaded the session that runs it. Loaded ones may be run by many threads at once. */
typedef struct tn_saved_model tn_saved_model;

/* An input or output of a signature. */
typedef struct tn_signature_tensor {
  const char *key;  /* what callers call it */
  const char *name; /* the graph's tensor, "x:0"; "" for one that is made of several (sparse, composite) */
  tn_dtype dtype;
  tn_shape shape;
} tn_signature_tensor;

/* What a model computes, from which tensors. Inputs and outputs are in the byte order of their keys. */
typedef struct tn_signature {
  const char *key, *method; /* "serving_default", "tensorflow/serving/predict" */
  size_t n_inputs, n_outputs;
  const tn_signature_tensor *inputs, *outputs;
} tn_signature;

/* Reads what is in FOLDER and makes no session: for looking. NOT_FOUND: there is no saved_model.pb; INVALID_ARGUMENT:
 * it does not parse; UNIMPLEMENTED: it is in text form. Free with tn_saved_model_free. */
TN_API tn_error *tn_saved_model_open(const char *folder, tn_saved_model **out) TN_MUST_USE;
/* The number of MODEL's graphs. */
TN_API size_t tn_saved_model_n_graphs(const tn_saved_model *model);
/* The tags of graph I, in byte order with commas between: "gpu,serve". */
TN_API const char *tn_saved_model_tags(const tn_saved_model *model, size_t i);
/* The number of signatures of graph I, without those that only loading uses. */
TN_API size_t tn_saved_model_n_signatures(const tn_saved_model *model, size_t i);
/* Signature J of graph I, in the byte order of their keys; lives as long as MODEL. */
TN_API const tn_signature *tn_saved_model_signature(const tn_saved_model *model, size_t i, size_t j);

/* Reads FOLDER, and for the graph with exactly TAGS ("serve", or several with commas between) makes a session with
 * OPTIONS (may be NULL), restores the variables and runs the initialisation. NOT_FOUND: no such graph (those that there
 * are are named); what reading, import and restoring give. */
TN_API tn_error *tn_saved_model_load(const char *folder, const char *tags, const tn_session_options *options,
                                     tn_saved_model **out) TN_MUST_USE;
/* The index of the graph that was loaded. */
TN_API size_t tn_saved_model_loaded(const tn_saved_model *model);
/* The graph and the session of a loaded MODEL, which keeps them; NULL if it was only opened. */
TN_API tn_graph *tn_saved_model_graph(const tn_saved_model *model);
TN_API tn_session *tn_saved_model_session(const tn_saved_model *model);
/* The signature called KEY of the loaded graph. NOT_FOUND names those that there are. */
TN_API tn_error *tn_saved_model_find(const tn_saved_model *model, const char *key,
                                     const tn_signature **out) TN_MUST_USE;
/* Runs signature KEY: INPUTS in the order of the signature's, OUTPUTS get new tensors in the order of its outputs.
 * UNIMPLEMENTED where an input or output is made of several tensors: run those with the session. */
TN_API tn_error *tn_saved_model_run(tn_saved_model *model, const char *key, tn_tensor *const *inputs,
                                    tn_tensor **outputs) TN_MUST_USE;
/* Closes the session and frees all. */
TN_API void tn_saved_model_free(tn_saved_model *model);

#ifdef __cplusplus
}
#endif
#endif
