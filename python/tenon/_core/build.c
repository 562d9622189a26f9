/* Graph.add: nodes and their attributes from Python values, and gradients. */
#include "core.h"

typedef int (*attr_fn)(tn_node_builder *b, const char *name, PyObject *value);

static int attr_int(tn_node_builder *b, const char *name, PyObject *value) {
  long long v = PyLong_AsLongLong(value);
  if (v == -1 && PyErr_Occurred()) return -1;
  tn_node_attr_int(b, name, (int64_t)v);
  return 0;
}

static int attr_float(tn_node_builder *b, const char *name, PyObject *value) {
  double v = PyFloat_AsDouble(value);
  if (v == -1 && PyErr_Occurred()) return -1;
  tn_node_attr_float(b, name, (float)v);
  return 0;
}

static int attr_bool(tn_node_builder *b, const char *name, PyObject *value) {
  int v = PyObject_IsTrue(value);
  if (v < 0) return -1;
  tn_node_attr_bool(b, name, v);
  return 0;
}

static int attr_string(tn_node_builder *b, const char *name, PyObject *value) {
  char *data;
  Py_ssize_t size;
  if (PyBytes_AsStringAndSize(value, &data, &size) < 0) return -1;
  tn_node_attr_string(b, name, data, (size_t)size);
  return 0;
}

static int attr_type(tn_node_builder *b, const char *name, PyObject *value) {
  long v = PyLong_AsLong(value);
  if (v == -1 && PyErr_Occurred()) return -1;
  tn_node_attr_type(b, name, (tn_dtype)v);
  return 0;
}

static int attr_shape(tn_node_builder *b, const char *name, PyObject *value) {
  tn_shape shape;
  if (!tn_py_shape(value, &shape)) return -1;
  tn_node_attr_shape(b, name, &shape);
  return 0;
}

static int attr_tensor(tn_node_builder *b, const char *name, PyObject *value) {
  if (Py_TYPE(value) != tn_py_value_type) {
    PyErr_Format(PyExc_TypeError, "attribute '%s' needs a Value, got %R", name, value);
    return -1;
  }
  tn_node_attr_tensor(b, name, ((value_object *)value)->tensor);
  return 0;
}

static int attr_func(tn_node_builder *b, const char *name, PyObject *value) {
  const char *text = PyUnicode_AsUTF8AndSize(value, NULL);
  if (!text) return -1;
  tn_node_attr_func(b, name, text);
  return 0;
}

/* Fills ARRAY, of N elements of some C type, from the tuple ITEMS. */
typedef int (*fill_fn)(void *array, size_t i, PyObject *item);

static int fill_int(void *array, size_t i, PyObject *item) {
  ((int64_t *)array)[i] = (int64_t)PyLong_AsLongLong(item);
  return PyErr_Occurred() ? -1 : 0;
}

static int fill_float(void *array, size_t i, PyObject *item) {
  ((float *)array)[i] = (float)PyFloat_AsDouble(item);
  return PyErr_Occurred() ? -1 : 0;
}

static int fill_bool(void *array, size_t i, PyObject *item) {
  int v = PyObject_IsTrue(item);
  ((bool *)array)[i] = v > 0;
  return v < 0 ? -1 : 0;
}

static int fill_string(void *array, size_t i, PyObject *item) {
  tn_string *s = (tn_string *)array + i;
  Py_ssize_t size = 0;
  int failed = PyBytes_AsStringAndSize(item, &s->data, &size);
  s->size = (size_t)size;
  return failed;
}

static int fill_func(void *array, size_t i, PyObject *item) {
  tn_string *s = (tn_string *)array + i;
  Py_ssize_t size = 0;
  s->data = (char *)PyUnicode_AsUTF8AndSize(item, &size);
  s->size = (size_t)size;
  return s->data ? 0 : -1;
}

static int fill_type(void *array, size_t i, PyObject *item) {
  ((tn_dtype *)array)[i] = (tn_dtype)PyLong_AsLong(item);
  return PyErr_Occurred() ? -1 : 0;
}

static int fill_shape(void *array, size_t i, PyObject *item) {
  return tn_py_shape(item, (tn_shape *)array + i) ? 0 : -1;
}

static const struct {
  const char *kind;
  attr_fn set; /* of a single value */
  size_t size; /* of lists: an element's size */
  fill_fn fill;
} kinds[] = {{"int", attr_int, 0, NULL},
             {"float", attr_float, 0, NULL},
             {"bool", attr_bool, 0, NULL},
             {"string", attr_string, 0, NULL},
             {"type", attr_type, 0, NULL},
             {"shape", attr_shape, 0, NULL},
             {"tensor", attr_tensor, 0, NULL},
             {"func", attr_func, 0, NULL},
             {"list(int)", NULL, sizeof(int64_t), fill_int},
             {"list(float)", NULL, sizeof(float), fill_float},
             {"list(bool)", NULL, sizeof(bool), fill_bool},
             {"list(string)", NULL, sizeof(tn_string), fill_string},
             {"list(func)", NULL, sizeof(tn_string), fill_func},
             {"list(type)", NULL, sizeof(tn_dtype), fill_type},
             {"list(shape)", NULL, sizeof(tn_shape), fill_shape}};

static void set_list(tn_node_builder *b, const char *name, fill_fn fill, const void *array, size_t n) {
  if (fill == fill_int) tn_node_attr_ints(b, name, array, n);
  if (fill == fill_float) tn_node_attr_floats(b, name, array, n);
  if (fill == fill_bool) tn_node_attr_bools(b, name, array, n);
  if (fill == fill_string) tn_node_attr_strings(b, name, array, n);
  if (fill == fill_func) tn_node_attr_funcs(b, name, array, n);
  if (fill == fill_type) tn_node_attr_types(b, name, array, n);
  if (fill == fill_shape) tn_node_attr_shapes(b, name, array, n);
}

static int attr_list(tn_node_builder *b, const char *name, PyObject *value, size_t k) {
  PyObject *tuple = tn_py_tuple(value);
  if (!tuple) return -1;
  size_t n = (size_t)PyTuple_Size(tuple);
  char *array = PyMem_Calloc(n + 1, kinds[k].size);
  int failed = array ? 0 : (PyErr_NoMemory(), -1);
  for (size_t i = 0; i < n && !failed; i++) failed = kinds[k].fill(array, i, PyTuple_GetItem(tuple, (Py_ssize_t)i));
  if (!failed) set_list(b, name, kinds[k].fill, array, n);
  PyMem_Free(array);
  Py_DECREF(tuple);
  return failed;
}

static int set_attr(tn_node_builder *b, PyObject *triple) {
  const char *name, *kind;
  PyObject *value;
  if (!PyArg_ParseTuple(triple, "ssO", &name, &kind, &value)) return -1;
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
    if (!strcmp(kind, kinds[k].kind)) return kinds[k].set ? kinds[k].set(b, name, value) : attr_list(b, name, value, k);
  PyErr_Format(PyExc_TypeError, "attribute '%s': no such kind of attribute as '%s'", name, kind);
  return -1;
}

static tn_error *finish(tn_node_builder *b, PyObject *attrs, tn_node **out) {
  int failed = 0;
  for (Py_ssize_t i = 0; i < PyList_Size(attrs) && !failed; i++) failed = set_attr(b, PyList_GetItem(attrs, i));
  if (failed) tn_node_input(b, (tn_output){NULL, 0}); /* no such input: the builder gives up and frees itself */
  return tn_node_finish(b, out);
}

/* The node that ARGS describe; NULL with an exception set. */
static tn_node *add_node(PyObject *self, PyObject *args) {
  graph_object *graph = (graph_object *)self;
  const char *op, *name, *device;
  PyObject *input_list, *attrs, *control_list;
  if (!PyArg_ParseTuple(args, "szOO!Oz", &op, &name, &input_list, &PyList_Type, &attrs, &control_list, &device))
    return NULL;
  tn_output *inputs;
  tn_node **controls, *node = NULL;
  size_t n_inputs, n_controls;
  if (tn_py_outputs(graph, input_list, &inputs, &n_inputs) < 0) return NULL;
  if (tn_py_nodes(graph, control_list, &controls, &n_controls) < 0) {
    PyMem_Free(inputs);
    return NULL;
  }
  tn_node_builder *b = tn_node_begin(graph->graph, op, name);
  for (size_t i = 0; i < n_inputs; i++) tn_node_input(b, inputs[i]);
  for (size_t i = 0; i < n_controls; i++) tn_node_control(b, controls[i]);
  if (device) tn_node_device(b, device);
  PyMem_Free(inputs);
  PyMem_Free(controls);
  tn_error *error = finish(b, attrs, &node);
  if (!error) return node;
  if (PyErr_Occurred()) { /* an attribute of a wrong type */
    tn_error_free(error);
  } else {
    tn_py_raise(error);
  }
  return NULL;
}

PyObject *tn_py_graph_add(PyObject *self, PyObject *args) {
  tn_node *node = add_node(self, args);
  return node ? PyLong_FromLong(tn_node_id(node)) : NULL;
}

PyObject *tn_py_graph_create(PyObject *self, PyObject *args) {
  tn_node *node = add_node(self, args);
  if (!node) return NULL;
  PyObject *dtypes = tn_py_dtypes_of(node);
  return dtypes ? Py_BuildValue("(isN)", tn_node_id(node), tn_node_name(node), dtypes) : NULL;
}

/* --- gradients --- */

static PyObject *from_gradient(const tn_gradient_value *gradient) {
  if (!gradient->values.node || !gradient->indices.node) return tn_py_from_output(gradient->values);
  return Py_BuildValue("(NNN)", tn_py_from_output(gradient->values), tn_py_from_output(gradient->indices),
                       tn_py_from_output(gradient->dense_shape));
}

typedef struct gradient_arguments {
  tn_output *ys, *xs, *grad_ys, *stop;
  size_t n_ys, n_xs, n_grad_ys, n_stop;
} gradient_arguments;

static PyObject *sparse_gradients(tn_graph *graph, const gradient_arguments *a) {
  tn_gradient_value *values = PyMem_Calloc(a->n_xs + 1, sizeof *values);
  if (!values) return PyErr_NoMemory();
  tn_error *error = tn_graph_gradients_sparse(graph, a->n_ys, a->ys, a->n_xs, a->xs, a->n_grad_ys ? a->grad_ys : NULL,
                                              a->n_stop, a->stop, values);
  PyObject *list = error ? NULL : PyList_New((Py_ssize_t)a->n_xs);
  for (size_t i = 0; list && i < a->n_xs; i++) {
    PyObject *item = from_gradient(&values[i]);
    if (!item || PyList_SetItem(list, (Py_ssize_t)i, item) < 0) Py_CLEAR(list);
  }
  PyMem_Free(values);
  if (!error) return list;
  return PyErr_Occurred() ? (tn_error_free(error), NULL) : tn_py_raise(error); /* a user's gradient may have raised */
}

static PyObject *dense_gradients(tn_graph *graph, const gradient_arguments *a) {
  tn_output *outputs = PyMem_Calloc(a->n_xs + 1, sizeof *outputs);
  if (!outputs) return PyErr_NoMemory();
  tn_error *error =
      tn_graph_gradients(graph, a->n_ys, a->ys, a->n_xs, a->xs, a->n_grad_ys ? a->grad_ys : NULL, outputs);
  PyObject *list = error ? NULL : tn_py_from_outputs(outputs, a->n_xs);
  PyMem_Free(outputs);
  if (!error) return list;
  return PyErr_Occurred() ? (tn_error_free(error), NULL) : tn_py_raise(error);
}

PyObject *tn_py_graph_gradients(PyObject *self, PyObject *args) {
  graph_object *graph = (graph_object *)self;
  PyObject *ys, *xs, *grad_ys, *stop, *result = NULL;
  int sparse;
  if (!PyArg_ParseTuple(args, "OOOOp", &ys, &xs, &grad_ys, &stop, &sparse)) return NULL;
  gradient_arguments a = {0};
  if (tn_py_outputs(graph, ys, &a.ys, &a.n_ys) < 0 || tn_py_outputs(graph, xs, &a.xs, &a.n_xs) < 0 ||
      tn_py_outputs(graph, grad_ys, &a.grad_ys, &a.n_grad_ys) < 0 || tn_py_outputs(graph, stop, &a.stop, &a.n_stop) < 0)
    goto done;
  if (a.n_grad_ys && a.n_grad_ys != a.n_ys) {
    PyErr_SetString(PyExc_ValueError, "gradients: as many grad_ys as ys are needed");
    goto done;
  }
  result = sparse ? sparse_gradients(graph->graph, &a) : dense_gradients(graph->graph, &a);
done:
  PyMem_Free(a.ys);
  PyMem_Free(a.xs);
  PyMem_Free(a.grad_ys);
  PyMem_Free(a.stop);
  return result;
}

/* What a registered Python gradient needs; lives as long as the graph object, which owns CAPSULE. */
typedef struct user_gradient {
  graph_object *graph; /* borrowed: the graph object outlives its callbacks */
  PyObject *function;
} user_gradient;

static int fill_gradients(graph_object *graph, PyObject *list, tn_node *node, tn_output *out) {
  tn_output *outputs;
  size_t n;
  if (tn_py_outputs(graph, list, &outputs, &n) < 0) return -1;
  int wanted = tn_node_n_inputs(node);
  if (n != (size_t)wanted)
    PyErr_Format(PyExc_ValueError, "the gradient of '%s' returned %zu values for %d inputs", tn_node_name(node), n,
                 wanted);
  else
    memcpy(out, outputs, n * sizeof *out);
  PyMem_Free(outputs);
  return n == (size_t)wanted ? 0 : -1;
}

/* Python's lock is held: gradients are only asked for from Python. */
static tn_error *call_gradient(tn_graph *graph, tn_node *node, const tn_output *grad_outputs, tn_output *grad_inputs,
                               void *argument) {
  (void)graph;
  user_gradient *user = argument;
  PyObject *gradients = tn_py_from_outputs(grad_outputs, (size_t)tn_node_n_outputs(node));
  PyObject *list = gradients ? PyObject_CallFunction(user->function, "iN", tn_node_id(node), gradients) : NULL;
  int failed = list ? fill_gradients(user->graph, list, node, grad_inputs) : -1;
  Py_XDECREF(list);
  if (!failed) return NULL;
  return tn_errorf(TN_UNKNOWN, "%s '%s': the Python gradient function failed", tn_node_op(node), tn_node_name(node));
}

static void free_user_gradient(PyObject *capsule) {
  user_gradient *user = PyCapsule_GetPointer(capsule, NULL);
  Py_DECREF(user->function);
  PyMem_Free(user);
}

PyObject *tn_py_graph_register_gradient(PyObject *self, PyObject *args) {
  graph_object *graph = (graph_object *)self;
  const char *name;
  PyObject *function;
  if (!PyArg_ParseTuple(args, "sO", &name, &function)) return NULL;
  if (!graph->callbacks && !(graph->callbacks = PyList_New(0))) return NULL;
  user_gradient *user = PyMem_Malloc(sizeof *user);
  if (!user) return PyErr_NoMemory();
  *user = (user_gradient){graph, Py_NewRef(function)};
  PyObject *capsule = PyCapsule_New(user, NULL, free_user_gradient);
  if (!capsule) {
    Py_DECREF(function);
    PyMem_Free(user);
    return NULL;
  }
  int failed = PyList_Append(graph->callbacks, capsule);
  Py_DECREF(capsule);
  if (failed) return NULL;
  tn_error *error = tn_graph_register_gradient(graph->graph, name, call_gradient, user);
  return error ? tn_py_raise(error) : Py_NewRef(Py_None);
}
