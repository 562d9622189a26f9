/* Session, Callable and Cancellation. Python's lock is free while a step runs. */
#include "core.h"

typedef struct session_object {
  PyObject ob_base;
  tn_session *session;
  graph_object *graph;
} session_object;

typedef struct callable_object {
  PyObject ob_base;
  tn_callable *callable;
  session_object *session;
  size_t n_feeds, n_fetches;
  tn_dtype *dtypes; /* of the feeds */
} callable_object;

typedef struct cancellation_object {
  PyObject ob_base;
  tn_cancellation *token;
} cancellation_object;

static PyTypeObject *session_type, *callable_type, *cancellation_type;

static void free_object(PyObject *self) {
  PyTypeObject *type = Py_TYPE(self);
  freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
  release(self);
  Py_DECREF(type);
}

/* --- one step --- */

enum { FEW = 16 };

typedef struct step {
  size_t n_feeds, n_fetches;
  tn_tensor **values, **results;
  tn_tensor *few[2 * FEW];
} step;

static int step_begin(step *s, size_t n_feeds, size_t n_fetches) {
  s->n_feeds = s->n_fetches = 0;
  s->values = s->few;
  if (n_feeds + n_fetches > 2 * FEW) {
    s->values = PyMem_Malloc((n_feeds + n_fetches) * sizeof *s->values);
    if (!s->values) return PyErr_NoMemory(), -1;
  }
  s->results = s->values + n_feeds;
  s->n_fetches = n_fetches;
  for (size_t i = 0; i < n_fetches; i++) s->results[i] = NULL;
  return 0;
}

static void step_end(step *s) {
  for (size_t i = 0; i < s->n_feeds; i++) tn_tensor_free(s->values[i]);
  if (s->values != s->few) PyMem_Free(s->values);
}

static int step_feed(step *s, PyObject *value, tn_dtype dtype) {
  if (tn_py_to_tensor(value, dtype, &s->values[s->n_feeds]) < 0) return -1;
  s->n_feeds++;
  return 0;
}

static PyObject *step_results(step *s) {
  PyObject *tuple = PyTuple_New((Py_ssize_t)s->n_fetches);
  for (size_t i = 0; i < s->n_fetches; i++) {
    tn_tensor *result = s->results[i];
    if (!tuple) {
      tn_tensor_free(result);
      continue;
    }
    PyObject *item = result ? tn_py_wrap_result(result) : Py_NewRef(Py_None);
    if (!item || PyTuple_SetItem(tuple, (Py_ssize_t)i, item) < 0) Py_CLEAR(tuple);
  }
  return tuple;
}

/* Ends a failed step: Ctrl-C becomes KeyboardInterrupt, the rest OpError. */
static PyObject *step_failed(tn_error *error, bool interrupted) {
  if (interrupted && PyErr_CheckSignals() < 0) {
    tn_error_free(error);
    return NULL;
  }
  return tn_py_raise(error);
}

/* (timeout_ms, trace, cancellation or None) */
static int parse_options(PyObject *object, tn_run_options *options) {
  *options = (tn_run_options){0};
  if (object == Py_None) return 0;
  long long timeout;
  PyObject *token;
  if (!PyArg_ParseTuple(object, "LiO", &timeout, &options->trace, &token)) return -1;
  if (token != Py_None && Py_TYPE(token) != cancellation_type) {
    PyErr_Format(PyExc_TypeError, "cancellation: expected a Cancellation, got %R", token);
    return -1;
  }
  options->timeout_ms = (int64_t)timeout;
  if (token != Py_None) options->cancellation = ((cancellation_object *)token)->token;
  return 0;
}

/* (results, None) or (results, (step_stats, chrome_trace)) of a traced step. */
static PyObject *with_metadata(PyObject *results, tn_run_metadata *metadata) {
  PyObject *result = NULL;
  if (results && metadata->step_stats)
    result = Py_BuildValue("(N(y#s))", results, metadata->step_stats, (Py_ssize_t)metadata->step_stats_size,
                           metadata->chrome_trace ? metadata->chrome_trace : "");
  else if (results)
    result = Py_BuildValue("(NO)", results, Py_None);
  tn_run_metadata_clear(metadata);
  return result;
}

/* --- Callable --- */

static PyObject *callable_step(callable_object *self, step *s, tn_run_options *options, tn_run_metadata *metadata) {
  options->cancellation = tn_py_interrupt_begin(options->cancellation);
  PyThreadState *unlocked = PyEval_SaveThread();
  tn_error *error = tn_callable_run(self->callable, options, s->values, s->results, metadata);
  PyEval_RestoreThread(unlocked);
  bool interrupted = tn_py_interrupt_end();
  return error ? step_failed(error, interrupted) : step_results(s);
}

static PyObject *callable_run(PyObject *object, PyObject *const *values, Py_ssize_t n) {
  callable_object *self = (callable_object *)object;
  if ((size_t)n != self->n_feeds)
    return PyErr_Format(PyExc_TypeError, "this step takes %zu feeds, got %zd", self->n_feeds, n);
  step s;
  if (step_begin(&s, self->n_feeds, self->n_fetches) < 0) return NULL;
  PyObject *result = NULL;
  for (Py_ssize_t i = 0; i < n; i++)
    if (step_feed(&s, values[i], self->dtypes[i]) < 0) goto done;
  tn_run_options options = {0};
  result = callable_step(self, &s, &options, NULL);
done:
  step_end(&s);
  return result;
}

static PyObject *callable_run_with(PyObject *object, PyObject *args) {
  callable_object *self = (callable_object *)object;
  PyObject *values, *given, *result = NULL;
  tn_run_options options;
  tn_run_metadata metadata = {0};
  if (!PyArg_ParseTuple(args, "O!O", &PyTuple_Type, &values, &given) || parse_options(given, &options) < 0) return NULL;
  if ((size_t)PyTuple_Size(values) != self->n_feeds)
    return PyErr_Format(PyExc_TypeError, "this step takes %zu feeds, got %zd", self->n_feeds, PyTuple_Size(values));
  step s;
  if (step_begin(&s, self->n_feeds, self->n_fetches) < 0) return NULL;
  for (size_t i = 0; i < self->n_feeds; i++)
    if (step_feed(&s, PyTuple_GetItem(values, (Py_ssize_t)i), self->dtypes[i]) < 0) goto done;
  result = with_metadata(callable_step(self, &s, &options, options.trace ? &metadata : NULL), &metadata);
done:
  step_end(&s);
  return result;
}

static void callable_dealloc(PyObject *object) {
  callable_object *self = (callable_object *)object;
  if (self->callable) {
    PyThreadState *unlocked = PyEval_SaveThread();
    tn_callable_free(self->callable);
    PyEval_RestoreThread(unlocked);
  }
  PyMem_Free(self->dtypes);
  Py_XDECREF((PyObject *)self->session);
  free_object(object);
}

static PyMethodDef callable_methods[] = {
    {"run", (PyCFunction)(void (*)(void))callable_run, METH_FASTCALL,
     "run(*values)\n--\n\nRuns the step; a tuple of Values, None for operations."},
    {"run_with", callable_run_with, METH_VARARGS,
     "run_with(values, options)\n--\n\nThe same with (timeout_ms, trace, cancellation): (results, metadata or None)."},
    {NULL, NULL, 0, NULL}};

static PyType_Slot callable_slots[] = {{Py_tp_doc, "A step whose names are resolved; see Session.make_callable."},
                                       {Py_tp_dealloc, (void *)callable_dealloc},
                                       {Py_tp_methods, callable_methods},
                                       {0, NULL}};

static PyType_Spec callable_spec = {.name = "tenon._core.Callable",
                                    .basicsize = sizeof(callable_object),
                                    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                    .slots = callable_slots};

/* --- Session --- */

typedef struct signature {
  tn_output *feeds, *fetches;
  tn_node **targets;
  size_t n_feeds, n_fetches, n_targets;
} signature;

static int parse_signature(session_object *self, PyObject *feeds, PyObject *fetches, PyObject *targets,
                           signature *out) {
  *out = (signature){0};
  if (tn_py_outputs(self->graph, feeds, &out->feeds, &out->n_feeds) < 0 ||
      tn_py_outputs(self->graph, fetches, &out->fetches, &out->n_fetches) < 0 ||
      tn_py_nodes(self->graph, targets, &out->targets, &out->n_targets) < 0)
    return -1;
  for (size_t i = 0; i < out->n_feeds; i++)
    if (!out->feeds[i].node || out->feeds[i].index < 0) {
      PyErr_SetString(PyExc_TypeError, "only tensors can be fed");
      return -1;
    }
  for (size_t i = 0; i < out->n_fetches; i++)
    if (!out->fetches[i].node) {
      PyErr_SetString(PyExc_TypeError, "None can't be fetched");
      return -1;
    }
  return 0;
}

static void clear_signature(signature *s) {
  PyMem_Free(s->feeds);
  PyMem_Free(s->fetches);
  PyMem_Free(s->targets);
}

static tn_dtype feed_dtype(tn_output feed) {
  tn_dtype dtype = tn_output_dtype(feed);
  return dtype > TN_REF ? (tn_dtype)(dtype - TN_REF) : dtype;
}

static PyObject *session_make_callable(PyObject *object, PyObject *args) {
  session_object *self = (session_object *)object;
  PyObject *feeds, *fetches, *targets;
  signature s;
  callable_object *made = NULL;
  if (!PyArg_ParseTuple(args, "OOO", &feeds, &fetches, &targets)) return NULL;
  if (parse_signature(self, feeds, fetches, targets, &s) < 0) goto done;
  allocfunc allocate = (allocfunc)PyType_GetSlot(callable_type, Py_tp_alloc);
  made = (callable_object *)allocate(callable_type, 0);
  if (!made) goto done;
  made->n_feeds = s.n_feeds;
  made->n_fetches = s.n_fetches;
  made->session = (session_object *)Py_NewRef(object);
  made->dtypes = PyMem_Calloc(s.n_feeds + 1, sizeof *made->dtypes);
  if (!made->dtypes) {
    Py_CLEAR(made);
    PyErr_NoMemory();
    goto done;
  }
  for (size_t i = 0; i < s.n_feeds; i++) made->dtypes[i] = feed_dtype(s.feeds[i]);
  tn_callable *callable = NULL;
  /* Free the lock: a step in another thread may need it to let go of an array while it holds the session's. */
  PyThreadState *unlocked = PyEval_SaveThread();
  tn_error *error = tn_session_make_callable(self->session, s.n_feeds, s.feeds, s.n_fetches, s.fetches, s.n_targets,
                                             s.targets, &callable);
  PyEval_RestoreThread(unlocked);
  made->callable = callable;
  if (error) {
    Py_CLEAR(made);
    tn_py_raise(error);
  }
done:
  clear_signature(&s);
  return (PyObject *)made;
}

static PyObject *run_signature(session_object *self, const signature *g, step *s, tn_run_options *options) {
  tn_run_metadata metadata = {0};
  tn_run_metadata *wanted = options->trace ? &metadata : NULL;
  options->cancellation = tn_py_interrupt_begin(options->cancellation);
  PyThreadState *unlocked = PyEval_SaveThread();
  tn_error *error = tn_session_run(self->session, options, g->n_feeds, g->feeds, s->values, g->n_fetches, g->fetches,
                                   g->n_targets, g->targets, s->results, wanted);
  PyEval_RestoreThread(unlocked);
  bool interrupted = tn_py_interrupt_end();
  return with_metadata(error ? step_failed(error, interrupted) : step_results(s), &metadata);
}

static PyObject *session_run(PyObject *object, PyObject *args) {
  session_object *self = (session_object *)object;
  PyObject *feeds, *values, *fetches, *targets, *given, *result = NULL;
  signature g;
  tn_run_options options;
  if (!PyArg_ParseTuple(args, "OO!OOO", &feeds, &PyTuple_Type, &values, &fetches, &targets, &given) ||
      parse_options(given, &options) < 0)
    return NULL;
  if (parse_signature(self, feeds, fetches, targets, &g) < 0) goto done;
  if ((size_t)PyTuple_Size(values) != g.n_feeds) {
    PyErr_SetString(PyExc_TypeError, "run: as many values as feeds are needed");
    goto done;
  }
  step s;
  if (step_begin(&s, g.n_feeds, g.n_fetches) < 0) goto done;
  int failed = 0;
  for (size_t i = 0; i < g.n_feeds && !failed; i++)
    failed = step_feed(&s, PyTuple_GetItem(values, (Py_ssize_t)i), feed_dtype(g.feeds[i]));
  if (!failed) result = run_signature(self, &g, &s, &options);
  step_end(&s);
done:
  clear_signature(&g);
  return result;
}

static PyObject *session_close(PyObject *object, PyObject *unused) {
  (void)unused;
  session_object *self = (session_object *)object;
  PyThreadState *unlocked = PyEval_SaveThread();
  tn_session_close(self->session);
  PyEval_RestoreThread(unlocked);
  return Py_NewRef(Py_None);
}

static PyObject *session_devices(PyObject *object, PyObject *unused) {
  (void)unused;
  const tn_session *session = ((session_object *)object)->session;
  PyThreadState *unlocked = PyEval_SaveThread(); /* a remote session asks its master */
  int n = tn_session_n_devices(session);
  PyEval_RestoreThread(unlocked);
  PyObject *names = PyList_New(n);
  for (int i = 0; names && i < n; i++) {
    PyObject *name = PyUnicode_FromString(tn_session_device(session, i));
    if (!name || PyList_SetItem(names, i, name) < 0) Py_CLEAR(names);
  }
  return names;
}

static PyObject *session_node_device(PyObject *object, PyObject *id) {
  session_object *self = (session_object *)object;
  tn_node *node;
  if (tn_py_node(self->graph, id, &node) < 0) return NULL;
  const char *device = NULL;
  tn_error *error = tn_session_node_device(self->session, node, &device);
  return error ? tn_py_raise(error) : PyUnicode_FromString(device);
}

static PyObject *session_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
  static char *names[] = {"graph",
                          "intra_op_threads",
                          "inter_op_threads",
                          "disabled_passes",
                          "dynamic_only",
                          "soft_placement",
                          "cpu_devices",
                          "log_device_placement",
                          "target",
                          "config",
                          NULL};
  PyObject *graph;
  tn_connect_options remote = {0};
  Py_ssize_t config_size = 0;
  int soft = 1, dynamic = 0, log = 0;
  tn_session_options options = {0};
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!|iizppipzz#", names, tn_py_graph_type, &graph,
                                   &options.intra_op_threads, &options.inter_op_threads, &options.disabled_passes,
                                   &dynamic, &soft, &options.cpu_devices, &log, &remote.target, &remote.config,
                                   &config_size))
    return NULL;
  options.dynamic_only = dynamic;
  options.no_soft_placement = !soft;
  options.log_device_placement = log;
  allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
  session_object *self = (session_object *)allocate(type, 0);
  if (!self) return NULL;
  self->graph = (graph_object *)Py_NewRef(graph);
  remote.config_size = (size_t)config_size;
  tn_error *error = remote.target ? tn_session_connect(self->graph->graph, &remote, &self->session)
                                  : tn_session_new(self->graph->graph, &options, &self->session);
  if (!error) return (PyObject *)self;
  Py_DECREF((PyObject *)self);
  return tn_py_raise(error);
}

static void session_dealloc(PyObject *object) {
  session_object *self = (session_object *)object;
  if (self->session) {
    PyThreadState *unlocked = PyEval_SaveThread();
    tn_session_free(self->session);
    PyEval_RestoreThread(unlocked);
  }
  Py_XDECREF((PyObject *)self->graph);
  free_object(object);
}

static PyMethodDef session_methods[] = {
    {"make_callable", session_make_callable, METH_VARARGS,
     "make_callable(feeds, fetches, targets)\n--\n\nResolves a step once."},
    {"run", session_run, METH_VARARGS,
     "run(feeds, values, fetches, targets, options)\n--\n\nOne step; options: None or (timeout_ms, trace, "
     "cancellation)."},
    {"devices", session_devices, METH_NOARGS, "devices()\n--\n\nThe names of the devices."},
    {"node_device", session_node_device, METH_O, "node_device(id)\n--\n\nThe device that an operation runs on."},
    {"close", session_close, METH_NOARGS, "close()\n--\n\nCancels running steps; later ones fail."},
    {NULL, NULL, 0, NULL}};

static PyType_Slot session_slots[] = {{Py_tp_doc, "Session(graph, ...)\n--\n\nRuns a graph and holds its state."},
                                      {Py_tp_new, (void *)session_new},
                                      {Py_tp_dealloc, (void *)session_dealloc},
                                      {Py_tp_methods, session_methods},
                                      {0, NULL}};

static PyType_Spec session_spec = {.name = "tenon._core.Session",
                                   .basicsize = sizeof(session_object),
                                   .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                                   .slots = session_slots};

/* --- Cancellation --- */

static PyObject *cancellation_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
  static char *names[] = {NULL};
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "", names)) return NULL;
  allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
  cancellation_object *self = (cancellation_object *)allocate(type, 0);
  if (!self) return NULL;
  tn_error *error = tn_cancellation_new(&self->token);
  if (!error) return (PyObject *)self;
  Py_DECREF((PyObject *)self);
  return tn_py_raise(error);
}

static void cancellation_dealloc(PyObject *object) {
  cancellation_object *self = (cancellation_object *)object;
  if (self->token) tn_cancellation_free(self->token);
  free_object(object);
}

static PyObject *cancellation_cancel(PyObject *object, PyObject *unused) {
  (void)unused;
  tn_cancellation_cancel(((cancellation_object *)object)->token);
  return Py_NewRef(Py_None);
}

static PyMethodDef cancellation_methods[] = {
    {"cancel", cancellation_cancel, METH_NOARGS, "cancel()\n--\n\nStops every step that runs with this token."},
    {NULL, NULL, 0, NULL}};

static PyType_Slot cancellation_slots[] = {{Py_tp_doc, "Cancellation()\n--\n\nA token that stops steps."},
                                           {Py_tp_new, (void *)cancellation_new},
                                           {Py_tp_dealloc, (void *)cancellation_dealloc},
                                           {Py_tp_methods, cancellation_methods},
                                           {0, NULL}};

static PyType_Spec cancellation_spec = {.name = "tenon._core.Cancellation",
                                        .basicsize = sizeof(cancellation_object),
                                        .flags = Py_TPFLAGS_DEFAULT,
                                        .slots = cancellation_slots};

int tn_py_session_ready(PyObject *module) {
  session_type = tn_py_add_type(module, "Session", &session_spec);
  callable_type = tn_py_add_type(module, "Callable", &callable_spec);
  cancellation_type = tn_py_add_type(module, "Cancellation", &cancellation_spec);
  return session_type && callable_type && cancellation_type ? 0 : -1;
}
