/* Functions of a graph's library. */
#include "core.h"

static tn_graph *graph_of(PyObject *self) { return ((graph_object *)self)->graph; }

static PyObject *none_or_raise(tn_error *error) { return error ? tn_py_raise(error) : Py_NewRef(Py_None); }

PyObject *tn_py_graph_add_function(PyObject *self, PyObject *def) {
  char *data;
  Py_ssize_t size;
  if (PyBytes_AsStringAndSize(def, &data, &size) < 0) return NULL;
  return none_or_raise(tn_graph_add_function(graph_of(self), data, (size_t)size));
}

/* The strings of tuple NAMES, which keeps them; *OUT is NULL where NAMES is None. */
static int names_of(PyObject *names, size_t n, const char ***out) {
  *out = NULL;
  if (names == Py_None) return 0;
  if (!PyTuple_Check(names) || (size_t)PyTuple_Size(names) != n) {
    PyErr_SetString(PyExc_ValueError, "to_function: as many output names as outputs are needed");
    return -1;
  }
  *out = PyMem_Calloc(n + 1, sizeof **out);
  if (!*out) return PyErr_NoMemory(), -1;
  for (size_t i = 0; i < n; i++) {
    (*out)[i] = PyUnicode_AsUTF8AndSize(PyTuple_GetItem(names, (Py_ssize_t)i), NULL);
    if (!(*out)[i]) return -1;
  }
  return 0;
}

PyObject *tn_py_graph_to_function(PyObject *self, PyObject *args) {
  graph_object *graph = (graph_object *)self;
  const char *name, **names = NULL;
  PyObject *input_list, *output_list, *name_tuple, *control_list, *result = NULL;
  if (!PyArg_ParseTuple(args, "sOOOO", &name, &input_list, &output_list, &name_tuple, &control_list)) return NULL;
  tn_output *inputs = NULL, *outputs = NULL;
  tn_node **controls = NULL;
  tn_function_spec spec = {.name = name, .body = graph->graph};
  if (tn_py_outputs(graph, input_list, &inputs, &spec.n_inputs) < 0 ||
      tn_py_outputs(graph, output_list, &outputs, &spec.n_outputs) < 0 ||
      tn_py_nodes(graph, control_list, &controls, &spec.n_controls) < 0 ||
      names_of(name_tuple, spec.n_outputs, &names) < 0)
    goto done;
  spec.inputs = inputs;
  spec.outputs = outputs;
  spec.controls = controls;
  spec.output_names = names;
  char *data;
  size_t size;
  tn_error *error = tn_function_to_def(&spec, &data, &size);
  result = error ? tn_py_raise(error) : tn_py_take_bytes(data, size);
done:
  PyMem_Free(inputs);
  PyMem_Free(outputs);
  PyMem_Free(controls);
  PyMem_Free(names);
  return result;
}

PyObject *tn_py_graph_function_def(PyObject *self, PyObject *name) {
  const char *text = PyUnicode_AsUTF8AndSize(name, NULL);
  if (!text) return NULL;
  char *data;
  size_t size;
  tn_error *error = tn_graph_function_def(graph_of(self), text, &data, &size);
  return error ? tn_py_raise(error) : tn_py_take_bytes(data, size);
}

PyObject *tn_py_graph_function_names(PyObject *self, PyObject *nothing) {
  (void)nothing;
  PyObject *list = PyList_New(0);
  for (size_t i = 0, n = tn_graph_n_functions(graph_of(self)); list && i < n; i++) {
    PyObject *name = PyUnicode_FromString(tn_graph_function_name(graph_of(self), i));
    if (!name || PyList_Append(list, name) < 0) Py_CLEAR(list);
    Py_XDECREF(name);
  }
  return list;
}

PyObject *tn_py_graph_copy_functions(PyObject *self, PyObject *from) {
  if (!PyObject_TypeCheck(from, tn_py_graph_type)) {
    PyErr_SetString(PyExc_TypeError, "copy_functions needs a Graph");
    return NULL;
  }
  return none_or_raise(tn_graph_copy_functions(graph_of(self), graph_of(from)));
}
