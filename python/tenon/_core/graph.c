/* Graph: naming, scopes, looking and GraphDef. Nodes are ids, outputs are (id, index). */
#include "core.h"

PyTypeObject *tn_py_graph_type;

static tn_graph *graph_of(PyObject *self) { return ((graph_object *)self)->graph; }

static PyObject *none_or_raise(tn_error *error) { return error ? tn_py_raise(error) : Py_NewRef(Py_None); }

static PyObject *take_string(char *text) {
  PyObject *result = PyUnicode_FromString(text);
  free(text);
  return result;
}

/* --- arguments --- */

int tn_py_node(graph_object *graph, PyObject *object, tn_node **out) {
  long n = (long)tn_graph_n_nodes(graph->graph);
  long id = PyLong_AsLong(object);
  if (id == -1 && PyErr_Occurred()) return -1;
  if (id < 0 || id >= n) {
    PyErr_Format(PyExc_IndexError, "node %ld: the graph has %ld nodes", id, n);
    return -1;
  }
  *out = tn_graph_node(graph->graph, (size_t)id);
  return 0;
}

int tn_py_output(graph_object *graph, PyObject *object, tn_output *out) {
  if (!PyTuple_Check(object) || PyTuple_Size(object) != 2) {
    PyErr_Format(PyExc_TypeError, "an output is a tuple (node, index), got %R", object);
    return -1;
  }
  tn_node *node;
  if (tn_py_node(graph, PyTuple_GetItem(object, 0), &node) < 0) return -1;
  long index = PyLong_AsLong(PyTuple_GetItem(object, 1));
  if (index == -1 && PyErr_Occurred()) return -1;
  if (index < -1 || index >= tn_node_n_outputs(node)) {
    PyErr_Format(PyExc_IndexError, "output %ld of node '%s': it has %d outputs", index, tn_node_name(node),
                 tn_node_n_outputs(node));
    return -1;
  }
  *out = (tn_output){node, (int)index};
  return 0;
}

int tn_py_nodes(graph_object *graph, PyObject *sequence, tn_node ***out, size_t *n) {
  PyObject *tuple = tn_py_tuple(sequence);
  if (!tuple) return -1;
  Py_ssize_t size = PyTuple_Size(tuple);
  tn_node **nodes = PyMem_Calloc((size_t)size + 1, sizeof(tn_node *));
  int failed = nodes ? 0 : (PyErr_NoMemory(), -1);
  for (Py_ssize_t i = 0; i < size && !failed; i++) failed = tn_py_node(graph, PyTuple_GetItem(tuple, i), &nodes[i]);
  Py_DECREF(tuple);
  if (failed) {
    PyMem_Free(nodes);
    return -1;
  }
  *out = nodes;
  *n = (size_t)size;
  return 0;
}

int tn_py_outputs(graph_object *graph, PyObject *sequence, tn_output **out, size_t *n) {
  PyObject *tuple = tn_py_tuple(sequence);
  if (!tuple) return -1;
  Py_ssize_t size = PyTuple_Size(tuple);
  tn_output *outputs = PyMem_Calloc((size_t)size + 1, sizeof *outputs);
  int failed = outputs ? 0 : (PyErr_NoMemory(), -1);
  for (Py_ssize_t i = 0; i < size && !failed; i++) {
    PyObject *item = PyTuple_GetItem(tuple, i);
    if (item != Py_None) failed = tn_py_output(graph, item, &outputs[i]);
  }
  Py_DECREF(tuple);
  if (failed) {
    PyMem_Free(outputs);
    return -1;
  }
  *out = outputs;
  *n = (size_t)size;
  return 0;
}

PyObject *tn_py_from_output(tn_output output) {
  if (!output.node) return Py_NewRef(Py_None);
  return Py_BuildValue("(ii)", tn_node_id(output.node), output.index);
}

PyObject *tn_py_from_outputs(const tn_output *outputs, size_t n) {
  PyObject *list = PyList_New((Py_ssize_t)n);
  for (size_t i = 0; list && i < n; i++) {
    PyObject *item = tn_py_from_output(outputs[i]);
    if (!item || PyList_SetItem(list, (Py_ssize_t)i, item) < 0) Py_CLEAR(list);
  }
  return list;
}

/* --- changing edges; scopes, names, seeds --- */

static PyObject *set_back_edge(PyObject *self, PyObject *args) {
  PyObject *at, *value;
  int input;
  tn_node *node;
  tn_output output;
  if (!PyArg_ParseTuple(args, "OiO", &at, &input, &value) || tn_py_node((graph_object *)self, at, &node) < 0 ||
      tn_py_output((graph_object *)self, value, &output) < 0)
    return NULL;
  return none_or_raise(tn_graph_set_back_edge(graph_of(self), node, input, output));
}

static PyObject *add_control(PyObject *self, PyObject *args) {
  PyObject *first, *second;
  tn_node *before, *after;
  if (!PyArg_ParseTuple(args, "OO", &first, &second) || tn_py_node((graph_object *)self, first, &before) < 0 ||
      tn_py_node((graph_object *)self, second, &after) < 0)
    return NULL;
  return none_or_raise(tn_graph_add_control(graph_of(self), before, after));
}

static PyObject *name_scope_now(PyObject *self, PyObject *unused) {
  (void)unused;
  return PyUnicode_FromString(tn_graph_name_scope(graph_of(self)));
}

static PyObject *push_name_scope(PyObject *self, PyObject *args) {
  const char *name;
  if (!PyArg_ParseTuple(args, "z", &name)) return NULL;
  tn_error *error = tn_graph_push_name_scope(graph_of(self), name);
  return error ? tn_py_raise(error) : name_scope_now(self, NULL);
}

static PyObject *pop_name_scope(PyObject *self, PyObject *unused) {
  (void)unused;
  tn_graph_pop_name_scope(graph_of(self));
  return Py_NewRef(Py_None);
}

static PyObject *push_device(PyObject *self, PyObject *args) {
  const char *device;
  if (!PyArg_ParseTuple(args, "z", &device)) return NULL;
  return none_or_raise(tn_graph_push_device(graph_of(self), device));
}

static PyObject *pop_device(PyObject *self, PyObject *unused) {
  (void)unused;
  tn_graph_pop_device(graph_of(self));
  return Py_NewRef(Py_None);
}

static PyObject *push_control(PyObject *self, PyObject *args) {
  PyObject *sequence;
  tn_node **nodes;
  size_t n;
  if (!PyArg_ParseTuple(args, "O", &sequence)) return NULL;
  if (sequence == Py_None) return none_or_raise(tn_graph_push_control(graph_of(self), 0, NULL));
  if (tn_py_nodes((graph_object *)self, sequence, &nodes, &n) < 0) return NULL;
  tn_error *error = tn_graph_push_control(graph_of(self), n, nodes);
  PyMem_Free(nodes);
  return none_or_raise(error);
}

static PyObject *pop_control(PyObject *self, PyObject *unused) {
  (void)unused;
  tn_graph_pop_control(graph_of(self));
  return Py_NewRef(Py_None);
}

static PyObject *set_seed(PyObject *self, PyObject *args) {
  long long seed;
  if (!PyArg_ParseTuple(args, "L", &seed)) return NULL;
  tn_graph_set_seed(graph_of(self), (int64_t)seed);
  return Py_NewRef(Py_None);
}

static PyObject *get_seed(PyObject *self, PyObject *args) {
  PyObject *given = Py_None;
  if (!PyArg_ParseTuple(args, "|O", &given)) return NULL;
  int64_t op_seed = 0, seed, seed2;
  if (given != Py_None) {
    op_seed = (int64_t)PyLong_AsLongLong(given);
    if (PyErr_Occurred()) return NULL;
  }
  tn_graph_get_seed(graph_of(self), given != Py_None ? &op_seed : NULL, &seed, &seed2);
  return Py_BuildValue("(LL)", (long long)seed, (long long)seed2);
}

static PyObject *unique_name(PyObject *self, PyObject *args) {
  const char *name;
  char *text;
  if (!PyArg_ParseTuple(args, "s", &name)) return NULL;
  tn_error *error = tn_graph_unique_name(graph_of(self), name, &text);
  return error ? tn_py_raise(error) : take_string(text);
}

static PyObject *name_uses(PyObject *self, PyObject *args) {
  const char *name;
  if (!PyArg_ParseTuple(args, "s", &name)) return NULL;
  return PyLong_FromSize_t(tn_graph_name_uses(graph_of(self), name));
}

/* --- looking --- */

static PyObject *n_nodes(PyObject *self, PyObject *unused) {
  (void)unused;
  return PyLong_FromSize_t(tn_graph_n_nodes(graph_of(self)));
}

static PyObject *find(PyObject *self, PyObject *args) {
  const char *name;
  if (!PyArg_ParseTuple(args, "s", &name)) return NULL;
  tn_node *node = tn_graph_find(graph_of(self), name);
  return node ? PyLong_FromLong(tn_node_id(node)) : Py_NewRef(Py_None);
}

static PyObject *find_output(PyObject *self, PyObject *args) {
  const char *name;
  tn_output output;
  if (!PyArg_ParseTuple(args, "s", &name)) return NULL;
  tn_error *error = tn_graph_find_output(graph_of(self), name, &output);
  return error ? tn_py_raise(error) : tn_py_from_output(output);
}

static PyObject *inputs_of(const tn_node *node) {
  PyObject *tuple = PyTuple_New(tn_node_n_inputs(node));
  for (int i = 0; tuple && i < tn_node_n_inputs(node); i++) {
    PyObject *item = tn_py_from_output(tn_node_input_at(node, i));
    if (!item || PyTuple_SetItem(tuple, i, item) < 0) Py_CLEAR(tuple);
  }
  return tuple;
}

static PyObject *controls_of(const tn_node *node) {
  PyObject *tuple = PyTuple_New(tn_node_n_controls(node));
  for (int i = 0; tuple && i < tn_node_n_controls(node); i++) {
    PyObject *item = PyLong_FromLong(tn_node_id(tn_node_control_at(node, i)));
    if (!item || PyTuple_SetItem(tuple, i, item) < 0) Py_CLEAR(tuple);
  }
  return tuple;
}

PyObject *tn_py_dtypes_of(tn_node *node) {
  PyObject *tuple = PyTuple_New(tn_node_n_outputs(node));
  for (int i = 0; tuple && i < tn_node_n_outputs(node); i++) {
    PyObject *item = PyLong_FromLong(tn_output_dtype((tn_output){node, i}));
    if (!item || PyTuple_SetItem(tuple, i, item) < 0) Py_CLEAR(tuple);
  }
  return tuple;
}

static PyObject *node_info(PyObject *self, PyObject *id) {
  tn_node *node;
  if (tn_py_node((graph_object *)self, id, &node) < 0) return NULL;
  PyObject *inputs = inputs_of(node), *controls = controls_of(node), *dtypes = tn_py_dtypes_of(node), *result = NULL;
  if (inputs && controls && dtypes)
    result = Py_BuildValue("(sssOOO)", tn_node_name(node), tn_node_op(node), tn_node_device_of(node), inputs, controls,
                           dtypes);
  Py_XDECREF(inputs);
  Py_XDECREF(controls);
  Py_XDECREF(dtypes);
  return result;
}

static PyObject *node_dtypes(PyObject *self, PyObject *id) {
  tn_node *node;
  return tn_py_node((graph_object *)self, id, &node) < 0 ? NULL : tn_py_dtypes_of(node);
}

static PyObject *node_name(PyObject *self, PyObject *id) {
  tn_node *node;
  return tn_py_node((graph_object *)self, id, &node) < 0 ? NULL : PyUnicode_FromString(tn_node_name(node));
}

static PyObject *node_def(PyObject *self, PyObject *id) {
  tn_node *node;
  char *data;
  size_t size;
  if (tn_py_node((graph_object *)self, id, &node) < 0) return NULL;
  tn_error *error = tn_node_to_def(node, &data, &size);
  return error ? tn_py_raise(error) : tn_py_take_bytes(data, size);
}

static PyObject *get_attr(PyObject *self, PyObject *args) {
  PyObject *id;
  const char *name;
  tn_node *node;
  char *data;
  size_t size;
  if (!PyArg_ParseTuple(args, "Os", &id, &name) || tn_py_node((graph_object *)self, id, &node) < 0) return NULL;
  tn_error *error = tn_node_attr_to_def(node, name, &data, &size);
  if (error && tn_error_code(error) == TN_NOT_FOUND) {
    tn_error_free(error);
    return Py_NewRef(Py_None);
  }
  return error ? tn_py_raise(error) : tn_py_take_bytes(data, size);
}

static PyObject *set_attr(PyObject *self, PyObject *args) {
  PyObject *id;
  const char *name, *value;
  Py_ssize_t size;
  tn_node *node;
  if (!PyArg_ParseTuple(args, "Osy#", &id, &name, &value, &size) || tn_py_node((graph_object *)self, id, &node) < 0)
    return NULL;
  return none_or_raise(tn_node_set_attr_def(node, name, value, (size_t)size));
}

static PyObject *set_device(PyObject *self, PyObject *args) {
  PyObject *id;
  const char *device;
  tn_node *node;
  if (!PyArg_ParseTuple(args, "Oz", &id, &device) || tn_py_node((graph_object *)self, id, &node) < 0) return NULL;
  return none_or_raise(tn_node_set_device(node, device));
}

static PyObject *get_shape(PyObject *self, PyObject *object) {
  tn_output output;
  if (tn_py_output((graph_object *)self, object, &output) < 0) return NULL;
  if (output.index < 0) return PyErr_Format(PyExc_ValueError, "an operation has no shape");
  tn_shape shape = tn_output_shape(output);
  return tn_py_from_shape(&shape);
}

static PyObject *constant_value(PyObject *self, PyObject *object) {
  tn_output output;
  tn_tensor *value = NULL;
  if (tn_py_output((graph_object *)self, object, &output) < 0) return NULL;
  tn_error *error = tn_output_constant(output, &value);
  if (error) return tn_py_raise(error);
  return value ? tn_py_wrap_result(value) : Py_NewRef(Py_None);
}

static PyObject *value_as_shape(PyObject *self, PyObject *object) {
  tn_output output;
  tn_shape shape;
  if (tn_py_output((graph_object *)self, object, &output) < 0) return NULL;
  tn_error *error = tn_output_as_shape(output, &shape);
  return error ? tn_py_raise(error) : tn_py_from_shape(&shape);
}

static PyObject *set_shape(PyObject *self, PyObject *args) {
  PyObject *object;
  tn_shape shape;
  tn_output output;
  if (!PyArg_ParseTuple(args, "OO&", &object, tn_py_shape, &shape) ||
      tn_py_output((graph_object *)self, object, &output) < 0)
    return NULL;
  if (output.index < 0) return PyErr_Format(PyExc_ValueError, "an operation has no shape");
  return none_or_raise(tn_output_set_shape(output, &shape));
}

/* --- GraphDef --- */

static PyObject *to_def(PyObject *self, PyObject *unused) {
  (void)unused;
  char *data;
  size_t size;
  tn_error *error = tn_graph_to_def(graph_of(self), &data, &size);
  return error ? tn_py_raise(error) : tn_py_take_bytes(data, size);
}

static PyObject *import_def(PyObject *self, PyObject *args) {
  const char *def, *prefix;
  Py_ssize_t size;
  PyObject *names, *replacements;
  if (!PyArg_ParseTuple(args, "y#zO!O", &def, &size, &prefix, &PyTuple_Type, &names, &replacements)) return NULL;
  tn_output *inputs;
  size_t n;
  if (tn_py_outputs((graph_object *)self, replacements, &inputs, &n) < 0) return NULL;
  const char **texts = PyMem_Calloc(n + 1, sizeof *texts);
  int failed = texts ? 0 : (PyErr_NoMemory(), -1);
  if (!failed && (size_t)PyTuple_Size(names) != n) {
    PyErr_SetString(PyExc_ValueError, "import_def: as many names as replacements are needed");
    failed = -1;
  }
  for (size_t i = 0; i < n && !failed; i++) {
    texts[i] = PyUnicode_AsUTF8AndSize(PyTuple_GetItem(names, (Py_ssize_t)i), NULL);
    failed = texts[i] ? 0 : -1;
  }
  PyObject *result = NULL;
  if (!failed) {
    tn_import_options options = {.prefix = prefix, .n_inputs = n, .input_names = texts, .inputs = inputs};
    result = none_or_raise(tn_graph_import(graph_of(self), def, (size_t)size, &options));
  }
  PyMem_Free(texts);
  PyMem_Free(inputs);
  return result;
}

/* --- the type --- */

static PyObject *graph_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
  (void)args, (void)kwargs; /* what subclasses take is theirs */
  allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
  graph_object *self = (graph_object *)allocate(type, 0);
  if (!self) return NULL;
  tn_error *error = tn_graph_new(&self->graph);
  if (!error) return (PyObject *)self;
  Py_DECREF(self);
  return tn_py_raise(error);
}

static void graph_dealloc(PyObject *object) {
  graph_object *self = (graph_object *)object;
  PyTypeObject *type = Py_TYPE(object);
  freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
  tn_graph_free(self->graph);
  Py_XDECREF(self->callbacks);
  release(object);
  Py_DECREF(type);
}

#define METHOD(NAME, KIND, TEXT)                                                                                       \
  { #NAME, NAME, KIND, #NAME TEXT }

static PyMethodDef graph_methods[] = {
    {"add", tn_py_graph_add, METH_VARARGS,
     "add(op, name, inputs, attrs, controls, device)\n--\n\nAdds a node; attrs are (name, kind, value). Returns its "
     "id."},
    {"create", tn_py_graph_create, METH_VARARGS,
     "create(op, name, inputs, attrs, controls, device)\n--\n\nAs add, but returns (id, name, dtypes)."},
    {"gradients", tn_py_graph_gradients, METH_VARARGS,
     "gradients(ys, xs, grad_ys, stop, sparse)\n--\n\nAdds gradient nodes; each result is None, an output or (values, "
     "indices, shape)."},
    {"register_gradient", tn_py_graph_register_gradient, METH_VARARGS,
     "register_gradient(name, function)\n--\n\nfunction(node, gradients) gives nodes with _gradient_op_type NAME "
     "theirs."},
    {"add_function", tn_py_graph_add_function, METH_O,
     "add_function(bytes)\n--\n\nAdds a FunctionDef to the graph's library."},
    {"to_function", tn_py_graph_to_function, METH_VARARGS,
     "to_function(name, inputs, outputs, output_names, controls)\n--\n\nThe graph as a FunctionDef; output_names may "
     "be None."},
    {"function_def", tn_py_graph_function_def, METH_O, "function_def(name)\n--\n\nThe FunctionDef of that name."},
    {"function_names", tn_py_graph_function_names, METH_NOARGS,
     "function_names()\n--\n\nThe names of the library's functions."},
    {"copy_functions", tn_py_graph_copy_functions, METH_O,
     "copy_functions(graph)\n--\n\nAdds all functions of another graph's library."},
    METHOD(set_back_edge, METH_VARARGS, "(node, input, output)\n--\n\nCloses a loop."),
    METHOD(add_control, METH_VARARGS, "(before, after)\n--\n\nAdds a control edge."),
    METHOD(push_name_scope, METH_VARARGS, "(name)\n--\n\nEnters a name scope, None: the root; returns its name."),
    METHOD(name_scope_now, METH_NOARGS, "()\n--\n\nThe name of the innermost name scope."),
    METHOD(name_uses, METH_VARARGS, "(name)\n--\n\nHow often the whole name was asked for."),
    METHOD(get_attr, METH_VARARGS,
           "(id, name)\n--\n\nField 1 of a message: the serialised AttrValue; None: there is none."),
    METHOD(set_attr, METH_VARARGS, "(id, name, value)\n--\n\nSets an attribute that begins with '_'."),
    METHOD(set_device, METH_VARARGS, "(id, device)\n--\n\nReplaces the device asked for."),
    METHOD(pop_name_scope, METH_NOARGS, "()\n--\n\nLeaves it."),
    METHOD(push_device, METH_VARARGS, "(device)\n--\n\nEnters a device scope; None: no device."),
    METHOD(pop_device, METH_NOARGS, "()\n--\n\nLeaves it."),
    METHOD(push_control, METH_VARARGS, "(nodes)\n--\n\nEnters a control scope; None: no dependencies."),
    METHOD(pop_control, METH_NOARGS, "()\n--\n\nLeaves it."),
    METHOD(set_seed, METH_VARARGS, "(seed)\n--\n\nSets the graph-level seed."),
    METHOD(get_seed, METH_VARARGS, "(op_seed=None)\n--\n\nThe attributes (seed, seed2) of a random op."),
    METHOD(unique_name, METH_VARARGS, "(name)\n--\n\nTakes a name."),
    METHOD(n_nodes, METH_NOARGS, "()\n--\n\nThe number of nodes."),
    METHOD(find, METH_VARARGS, "(name)\n--\n\nThe id of the node, or None."),
    METHOD(find_output, METH_VARARGS, "(name)\n--\n\nThe output that NAME stands for."),
    METHOD(node_info, METH_O, "(id)\n--\n\n(name, op, device, inputs, controls, dtypes)."),
    METHOD(node_dtypes, METH_O, "(id)\n--\n\nThe outputs' dtypes as numbers."),
    METHOD(node_name, METH_O, "(id)\n--\n\nThe name."),
    METHOD(node_def, METH_O, "(id)\n--\n\nThe serialised NodeDef."),
    METHOD(get_shape, METH_O, "(output)\n--\n\nThe static shape: None, or a tuple with None for unknown sizes."),
    METHOD(set_shape, METH_VARARGS, "(output, shape)\n--\n\nRefines the static shape."),
    METHOD(constant_value, METH_O, "(output)\n--\n\nThe Value that is known without a step, or None."),
    METHOD(value_as_shape, METH_O, "(output)\n--\n\nThe sizes that a vector stands for, as get_shape."),
    METHOD(to_def, METH_NOARGS, "()\n--\n\nThe serialised GraphDef."),
    METHOD(import_def, METH_VARARGS, "(bytes, prefix, names, outputs)\n--\n\nAdds the nodes of a GraphDef."),
    {NULL, NULL, 0, NULL}};

static PyType_Slot graph_slots[] = {{Py_tp_doc, "Graph()\n--\n\nA dataflow graph."},
                                    {Py_tp_new, (void *)graph_new},
                                    {Py_tp_dealloc, (void *)graph_dealloc},
                                    {Py_tp_methods, graph_methods},
                                    {0, NULL}};

static PyType_Spec graph_spec = {.name = "tenon._core.Graph",
                                 .basicsize = sizeof(graph_object),
                                 .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                                 .slots = graph_slots};

int tn_py_graph_ready(PyObject *module) {
  tn_py_graph_type = tn_py_add_type(module, "Graph", &graph_spec);
  return tn_py_graph_type ? 0 : -1;
}
