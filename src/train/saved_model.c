/* SavedModels: opening, loading and running. */
#include "train/saved_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "io/file.h"

struct tn_saved_model {
  tn_arena *arena;
  char *bytes; /* the file; NULL once a graph is loaded */
  tn_model_list graphs;
  size_t loaded;
  tn_graph *graph;
  tn_session *session;
  tn_callable **calls; /* one for each signature of the loaded graph; NULL where it can't be called */
};

static const tn_meta_graph *graph_at(const tn_saved_model *m, size_t i) {
  return (const tn_meta_graph *)m->graphs.items + i;
}

size_t tn_saved_model_n_graphs(const tn_saved_model *m) { return m->graphs.n; }

const char *tn_saved_model_tags(const tn_saved_model *m, size_t i) { return graph_at(m, i)->tags; }

size_t tn_saved_model_n_signatures(const tn_saved_model *m, size_t i) { return graph_at(m, i)->signatures.n; }

const tn_signature *tn_saved_model_signature(const tn_saved_model *m, size_t i, size_t j) {
  return (const tn_signature *)graph_at(m, i)->signatures.items + j;
}

size_t tn_saved_model_loaded(const tn_saved_model *m) { return m->loaded; }

tn_graph *tn_saved_model_graph(const tn_saved_model *m) { return m->graph; }

tn_session *tn_saved_model_session(const tn_saved_model *m) { return m->session; }

void tn_saved_model_free(tn_saved_model *m) {
  if (!m) return;
  for (size_t i = 0; m->calls && i < tn_saved_model_n_signatures(m, m->loaded); i++)
    if (m->calls[i]) tn_callable_free(m->calls[i]);
  if (m->session) tn_session_free(m->session);
  if (m->graph) tn_graph_free(m->graph);
  tn_arena_free(m->arena);
  tn_free(m->bytes);
  tn_free(m);
}

/* --- reading --- */

static tn_error *read_file(const char *folder, tn_saved_model *m) {
  char path[4096];
  size_t size = 0;
  snprintf(path, sizeof path, "%s/saved_model.pb", folder);
  tn_error *error = tn_file_read(path, &m->bytes, &size);
  if (!error) return tn_error_context(tn_saved_model_read(m->bytes, size, m->arena, &m->graphs), "'%s'", path);
  if (tn_error_code(error) != TN_NOT_FOUND) return error;
  snprintf(path, sizeof path, "%s/saved_model.pbtxt", folder);
  if (!tn_file_exists(path)) return error;
  tn_error_free(error);
  return tn_errorf(TN_UNIMPLEMENTED, "'%s' is in text form; only saved_model.pb is read here", path);
}

tn_error *tn_saved_model_open(const char *folder, tn_saved_model **out) {
  tn_saved_model *m = tn_calloc(1, sizeof *m);
  if (!m) return tn_out_of_memory();
  tn_error *error = tn_arena_new(&m->arena);
  if (!error) error = read_file(folder, m);
  if (error) {
    tn_saved_model_free(m);
    return error;
  }
  *out = m;
  return NULL;
}

/* --- loading --- */

/* Whether TAGS, in any order, are those of GRAPH. */
static bool has_tags(const tn_meta_graph *graph, const char *tags) {
  size_t n = 0, wanted = strlen(graph->tags);
  for (const char *at = tags; *at;) {
    size_t size = strcspn(at, ",");
    bool found = false;
    for (const char *have = graph->tags; *have && !found;) {
      size_t length = strcspn(have, ",");
      found = length == size && !memcmp(have, at, size);
      have += length + (have[length] == ',');
    }
    if (!found) return false;
    n += size;
    at += size;
    if (*at == ',') {
      n++;
      at++;
    }
  }
  return n == wanted;
}

static tn_error *choose(tn_saved_model *m, const char *tags) {
  for (m->loaded = 0; m->loaded < m->graphs.n; m->loaded++)
    if (has_tags(graph_at(m, m->loaded), tags)) return NULL;
  m->loaded = 0;
  tn_str there = {0};
  for (size_t i = 0; i < m->graphs.n; i++) tn_str_addf(&there, "%s'%s'", i ? ", " : "", tn_saved_model_tags(m, i));
  tn_error *error =
      tn_errorf(TN_NOT_FOUND, "no graph is tagged '%s'; there are %s", tags, there.size ? there.data : "none at all");
  tn_str_clear(&there);
  return error;
}

/* Tensors that are fed while loading: paths. */
typedef struct paths {
  size_t n;
  tn_output *feeds;
  tn_tensor **values;
} paths;

static tn_error *add_path(const tn_saved_model *m, paths *p, const char *tensor, const char *path) {
  tn_output output;
  TN_TRY(tn_graph_find_output(m->graph, tensor, &output));
  TN_TRY(tn_tensor_strings(0, NULL, &(tn_string){(char *)path, strlen(path)}, &p->values[p->n]));
  p->feeds[p->n++] = output;
  return NULL;
}

/* Runs the operation NAME (or the one that makes the tensor NAME) with P fed. */
static tn_error *run_operation(const tn_saved_model *m, const paths *p, const char *name) {
  const char *colon = strchr(name, ':');
  char *operation = tn_arena_strndup(m->arena, name, colon ? (size_t)(colon - name) : strlen(name));
  if (!operation) return tn_out_of_memory();
  tn_node *node = tn_graph_find(m->graph, operation);
  if (!node) return tn_errorf(TN_NOT_FOUND, "the graph has no operation '%s'", operation);
  return tn_session_run(m->session, NULL, p->n, p->feeds, p->values, 0, NULL, 1, &node, NULL, NULL);
}

/* Feeds the assets' paths to the initialisation, and those and the variables' to the restoring that comes before. */
static tn_error *restore_with(const tn_saved_model *m, const char *folder, paths *p) {
  const tn_meta_graph *graph = graph_at(m, m->loaded);
  const tn_model_asset *assets = graph->assets.items;
  char path[4096];
  for (size_t i = 0; i < graph->assets.n; i++) {
    snprintf(path, sizeof path, "%s/assets/%s", folder, assets[i].filename);
    TN_TRY(add_path(m, p, assets[i].tensor, path));
  }
  snprintf(path, sizeof path, "%s/variables/variables.index", folder);
  if (graph->restore_op[0] && tn_file_exists(path)) {
    path[strlen(path) - strlen(".index")] = 0;
    TN_TRY(add_path(m, p, graph->filename_tensor, path));
    TN_TRY(tn_error_context(run_operation(m, p, graph->restore_op), "restoring '%s'", path));
    tn_tensor_free(p->values[--p->n]);
  }
  if (!graph->init_op[0]) return NULL;
  return tn_error_context(run_operation(m, p, graph->init_op), "initialising");
}

static tn_error *restore(const tn_saved_model *m, const char *folder) {
  size_t most = graph_at(m, m->loaded)->assets.n + 1;
  paths p = {.feeds = tn_calloc(most, sizeof *p.feeds), .values = tn_calloc(most, sizeof *p.values)};
  tn_error *error = p.feeds && p.values ? restore_with(m, folder, &p) : tn_out_of_memory();
  for (size_t i = 0; i < p.n; i++) tn_tensor_free(p.values[i]);
  tn_free(p.feeds);
  tn_free(p.values);
  return error;
}

/* --- calling --- */

/* The tensors' outputs in the graph; false if one is made of several. NOT_FOUND: there is no such tensor. */
static tn_error *find_all(const tn_saved_model *m, size_t n, const tn_signature_tensor *tensors, tn_output *out,
                          bool *plain) {
  for (size_t i = 0; i < n; i++) {
    *plain = *plain && tensors[i].name[0];
    if (*plain)
      TN_TRY(tn_error_context(tn_graph_find_output(m->graph, tensors[i].name, &out[i]), "'%s'", tensors[i].key));
  }
  return NULL;
}

static tn_error *make_call(const tn_saved_model *m, const tn_signature *s, tn_callable **out) {
  tn_output *ends = tn_calloc(s->n_inputs + s->n_outputs + 1, sizeof *ends);
  bool plain = true;
  if (!ends) return tn_out_of_memory();
  tn_error *error = find_all(m, s->n_inputs, s->inputs, ends, &plain);
  if (!error) error = find_all(m, s->n_outputs, s->outputs, ends + s->n_inputs, &plain);
  if (!error && plain)
    error = tn_session_make_callable(m->session, s->n_inputs, ends, s->n_outputs, ends + s->n_inputs, 0, NULL, out);
  tn_free(ends);
  return tn_error_context(error, "signature '%s'", s->key);
}

/* A signature that can't be called does not keep the others from it: tn_saved_model_run tells why. */
static tn_error *make_calls(tn_saved_model *m) {
  size_t n = tn_saved_model_n_signatures(m, m->loaded);
  m->calls = tn_calloc(n + 1, sizeof *m->calls);
  if (!m->calls) return tn_out_of_memory();
  for (size_t i = 0; i < n; i++) tn_error_free(make_call(m, tn_saved_model_signature(m, m->loaded, i), &m->calls[i]));
  return NULL;
}

static tn_error *load(tn_saved_model *m, const char *folder, const char *tags, const tn_session_options *options) {
  TN_TRY(choose(m, tags));
  const tn_meta_graph *graph = graph_at(m, m->loaded);
  TN_TRY(tn_graph_new(&m->graph));
  TN_TRY(tn_graph_import(m->graph, graph->graph_def, graph->graph_def_size, NULL));
  tn_free(m->bytes);
  m->bytes = NULL;
  TN_TRY(tn_session_new(m->graph, options, &m->session));
  TN_TRY(restore(m, folder));
  return make_calls(m);
}

tn_error *tn_saved_model_load(const char *folder, const char *tags, const tn_session_options *options,
                              tn_saved_model **out) {
  tn_saved_model *m;
  TN_TRY(tn_saved_model_open(folder, &m));
  tn_error *error = load(m, folder, tags, options);
  if (error) {
    tn_saved_model_free(m);
    return tn_error_context(error, "SavedModel '%s'", folder);
  }
  *out = m;
  return NULL;
}

tn_error *tn_saved_model_find(const tn_saved_model *m, const char *key, const tn_signature **out) {
  if (!m->session) return tn_errorf(TN_FAILED_PRECONDITION, "the SavedModel is open, but not loaded");
  size_t n = tn_saved_model_n_signatures(m, m->loaded);
  for (size_t i = 0; i < n; i++) {
    const tn_signature *s = tn_saved_model_signature(m, m->loaded, i);
    if (strcmp(s->key, key) != 0) continue;
    *out = s;
    return NULL;
  }
  tn_str there = {0};
  for (size_t i = 0; i < n; i++)
    tn_str_addf(&there, "%s'%s'", i ? ", " : "", tn_saved_model_signature(m, m->loaded, i)->key);
  tn_error *error = tn_errorf(TN_NOT_FOUND, "no signature is called '%s'; there are %s", key,
                              there.size ? there.data : "none at all");
  tn_str_clear(&there);
  return error;
}

tn_error *tn_saved_model_run(tn_saved_model *m, const char *key, tn_tensor *const *inputs, tn_tensor **outputs) {
  const tn_signature *s;
  TN_TRY(tn_saved_model_find(m, key, &s));
  tn_callable *call = m->calls[s - tn_saved_model_signature(m, m->loaded, 0)];
  if (call) return tn_callable_run(call, NULL, inputs, outputs, NULL);
  TN_TRY(make_call(m, s, &call));
  if (call) tn_callable_free(call);
  return tn_errorf(TN_UNIMPLEMENTED, "signature '%s' has an input or output of several tensors; run these by name",
                   key);
}
