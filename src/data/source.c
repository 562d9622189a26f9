/* Sources and cursors: what all kinds of datasets share. */
#include "data/source.h"

#include <string.h>

#include "base/alloc.h"

/* --- elements --- */

tn_error *tn_element_new(int n, tn_tensor **out) {
  tn_tensor *made = tn_calloc((size_t)n + 1, sizeof *made);
  if (!made) return tn_out_of_memory();
  *out = made;
  return NULL;
}

void tn_element_clear(int n, tn_tensor *element) {
  for (int i = 0; i < n; i++) tn_tensor_clear(&element[i]);
}

void tn_element_free(int n, tn_tensor *element) {
  if (!element) return;
  tn_element_clear(n, element);
  tn_free(element);
}

/* --- sources --- */

static void destroy(tn_object *object) {
  tn_source *s = (tn_source *)object;
  if (s->kind->drop) s->kind->drop(s);
  if (s->seeds) tn_object_unref((tn_object *)s->seeds);
  for (int i = 0; i < s->n_inputs; i++) tn_source_unref(s->inputs[i]);
  tn_free(s->inputs);
  tn_free(s->types);
  tn_free(s->shapes);
  tn_free(s->name);
  tn_free(s);
}

static tn_error *new_source(const tn_source_kind *kind, const char *name, int n, tn_source **out) {
  tn_source *s = tn_calloc(1, kind->source_size);
  if (!s) return tn_out_of_memory();
  atomic_init(&s->object.refs, 1);
  s->object.type = TN_SOURCE_TYPE;
  s->object.destroy = destroy;
  s->kind = kind;
  s->n = n;
  s->name = tn_strdup(name);
  s->types = tn_calloc((size_t)n + 1, sizeof *s->types);
  s->shapes = tn_calloc((size_t)n + 1, sizeof *s->shapes);
  if (!s->name || !s->types || !s->shapes) {
    tn_source_unref(s);
    return tn_out_of_memory();
  }
  for (int i = 0; i < n; i++) s->shapes[i] = tn_shape_unknown();
  *out = s;
  return NULL;
}

tn_error *tn_source_new(const tn_source_kind *kind, const tn_source *like, tn_source **out) {
  TN_TRY(new_source(kind, like->name, like->n, out));
  for (int i = 0; i < like->n; i++) {
    (*out)->types[i] = like->types[i];
    (*out)->shapes[i] = like->shapes[i];
  }
  return NULL;
}

int tn_source_seeds(const tn_source *source, int most, struct tn_seeds **out) {
  int n = 0;
  if (source->seeds && n < most) out[n] = source->seeds;
  if (source->seeds) n++;
  for (int i = 0; i < source->n_inputs; i++) n += tn_source_seeds(source->inputs[i], most > n ? most - n : 0, out + n);
  return n;
}

int64_t tn_source_size(const tn_source *s) {
  if (s->kind->size) return s->kind->size(s);
  return s->n_inputs > 0 ? tn_source_size(s->inputs[0]) : TN_SIZE_UNKNOWN;
}

tn_error *tn_source_of(const tn_tensor *variant, tn_source **out) {
  bool scalar = variant->dtype == TN_VARIANT && variant->shape.rank == 0 && variant->data;
  tn_object *object = scalar ? TN_DATA(tn_object *, variant)[0] : NULL;
  if (!object || strcmp(object->type, TN_SOURCE_TYPE) != 0) {
    return tn_errorf(TN_INVALID_ARGUMENT, "the input is no dataset, but %s", object ? object->type : "something else");
  }
  *out = (tn_source *)object;
  return NULL;
}

tn_error *tn_source_wrap(tn_source *source, tn_tensor *out) { return tn_handle_init(out, TN_VARIANT, &source->object); }

/* --- cursors --- */

tn_error *tn_cursor_open(tn_source *source, tn_step *step, tn_cursor **out) {
  tn_cursor *c = tn_calloc(1, source->kind->cursor_size);
  if (!c) return tn_out_of_memory();
  c->kind = source->kind;
  c->source = tn_source_ref(source);
  tn_error *error = NULL;
  if (c->kind->open) {
    error = c->kind->open(c, step);
  } else if (source->n_inputs > 0) {
    error = tn_cursor_open(source->inputs[0], step, &c->input);
  }
  if (error) {
    tn_cursor_close(c);
    return error;
  }
  *out = c;
  return NULL;
}

tn_error *tn_cursor_next(tn_cursor *c, tn_step *step, tn_tensor *out, bool *end) {
  *end = false;
  TN_TRY(tn_step_check(step));
  tn_error *error = c->kind->next(c, step, out, end);
  if (error || *end) tn_element_clear(c->source->n, out);
  return error;
}

void tn_cursor_close(tn_cursor *c) {
  if (!c) return;
  if (c->kind->close) c->kind->close(c);
  tn_cursor_close(c->input);
  tn_source_unref(c->source);
  tn_free(c);
}

/* --- functions --- */

tn_error *tn_capture_init(tn_run *r, const char *name, int argument, tn_capture *out) {
  int first, n = tn_node_argument(r->node, argument, &first);
  TN_TRY(tn_node_function(r->node, name, &out->function));
  TN_TRY(tn_element_new(n, &out->values));
  out->n = (size_t)n;
  for (int i = 0; i < n; i++) tn_tensor_set(&out->values[i], r->inputs[first + i]);
  return NULL;
}

void tn_capture_clear(tn_capture *capture) {
  tn_element_free((int)capture->n, capture->values);
  *capture = (tn_capture){0};
}

tn_error *tn_capture_call(const tn_capture *capture, tn_step *step, size_t n, const tn_tensor *arguments,
                          tn_tensor *results) {
  enum { FEW = 12 };
  tn_tensor few[FEW], *all = few;
  if (n + capture->n > FEW) all = tn_malloc((n + capture->n) * sizeof *all);
  if (!all) return tn_out_of_memory();
  for (size_t i = 0; i < n; i++) memcpy(&all[i], &arguments[i], sizeof *all);
  for (size_t i = 0; i < capture->n; i++) memcpy(&all[n + i], &capture->values[i], sizeof *all);
  tn_step own;
  tn_step_init(&own, step->session);
  own.parent = step;
  tn_error *error = tn_call_function(capture->function, &own, n + capture->n, all, results);
  tn_step_finish(&own);
  if (all != few) tn_free(all);
  return error;
}

tn_error *tn_capture_scalar(const tn_capture *capture, tn_step *step, size_t n, const tn_tensor *arguments,
                            tn_dtype type, void *out) {
  if (capture->function->n_outputs != 1) {
    return tn_errorf(TN_INVALID_ARGUMENT, "function '%s' has %zu results; expected one", capture->function->name,
                     capture->function->n_outputs);
  }
  tn_tensor result = {0};
  TN_TRY(tn_capture_call(capture, step, n, arguments, &result));
  tn_error *error = NULL;
  if (result.dtype != type || result.shape.rank != 0) {
    error = tn_errorf(TN_INVALID_ARGUMENT, "function '%s' must give a scalar %s; it gave a %s of shape %s",
                      capture->function->name, tn_dtype_name(type), tn_dtype_name(result.dtype),
                      TN_SHAPE_STR(&result.shape));
  } else {
    memcpy(out, result.data, tn_dtype_size(type));
  }
  tn_tensor_clear(&result);
  return error;
}

/* --- ops --- */

const tn_tensor *tn_run_argument(const tn_run *r, int argument) {
  int first;
  tn_node_argument(r->node, argument, &first);
  return r->inputs[first];
}

static tn_error *scalar(const tn_run *r, int argument, const tn_tensor **out) {
  *out = tn_run_argument(r, argument);
  if ((*out)->shape.rank == 0) return NULL;
  return tn_run_errorf(r, TN_INVALID_ARGUMENT, "%s must be a scalar; its shape is %s",
                       r->node->schema->inputs[argument].name, TN_SHAPE_STR(&(*out)->shape));
}

tn_error *tn_run_int(const tn_run *r, int argument, int64_t *out) {
  const tn_tensor *t;
  TN_TRY(scalar(r, argument, &t));
  *out = tn_index_at(t, 0);
  return NULL;
}

tn_error *tn_run_bool(const tn_run *r, int argument, bool *out) {
  const tn_tensor *t;
  TN_TRY(scalar(r, argument, &t));
  *out = *TN_DATA(bool, t);
  return NULL;
}

tn_error *tn_run_string(const tn_run *r, int argument, tn_string *out) {
  const tn_tensor *t;
  TN_TRY(scalar(r, argument, &t));
  *out = *TN_DATA(tn_string, t);
  return NULL;
}

tn_error *tn_source_prepare(tn_prepare *p) {
  tn_prepare_dynamic(p, 0);
  return NULL;
}

/* The number of components: the length of output_types, or of Toutput_types. */
static const tn_attr *types_of(const tn_node *node) {
  const tn_attr *types = tn_node_attr(node, "output_types");
  return types ? types : tn_node_attr(node, "Toutput_types");
}

static tn_error *take_inputs(tn_run *r, tn_source *s) {
  int n = 0, first;
  for (int i = 0; i < s->kind->n_inputs; i++) n += tn_node_argument(r->node, i, &first);
  s->inputs = tn_calloc((size_t)n + 1, sizeof(tn_source *));
  if (!s->inputs) return tn_out_of_memory();
  for (; s->n_inputs < n; s->n_inputs++) {
    tn_source *input = NULL;
    TN_TRY(tn_source_of(r->inputs[s->n_inputs], &input));
    s->inputs[s->n_inputs] = tn_source_ref(input);
  }
  return NULL;
}

static tn_error *fill(tn_run *r, tn_source *s) {
  const tn_attr *types = types_of(r->node), *shapes = tn_node_attr(r->node, "output_shapes");
  for (int i = 0; types && i < s->n; i++) s->types[i] = types->types[i];
  for (int i = 0; shapes && (size_t)i < shapes->n && i < s->n; i++) s->shapes[i] = shapes->shapes[i];
  TN_TRY(take_inputs(r, s));
  return s->kind->make ? s->kind->make(r, s) : NULL;
}

tn_error *tn_source_run(tn_run *r, const tn_source_kind *kind) {
  const tn_attr *types = types_of(r->node);
  tn_source *s = NULL;
  tn_tensor variant = {0};
  TN_TRY(new_source(kind, r->node->name, types ? (int)types->n : 1, &s));
  if (!types) s->types[0] = TN_STRING;
  tn_error *error = fill(r, s);
  if (error) {
    tn_source_unref(s);
    return error;
  }
  TN_TRY(tn_source_wrap(s, &variant));
  tn_run_set(r, 0, &variant);
  tn_tensor_clear(&variant);
  return NULL;
}
