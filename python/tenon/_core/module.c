/* Module tenon._core: initialisation, errors, and small conversions that the other files share. */
#include "core.h"

static PyObject *error_factory; /* Python's make(code, message, trace) -> exception */

PyObject *tn_py_raise(tn_error *error) {
  PyObject *exception = NULL;
  if (error_factory) {
    const char *message = tn_error_message(error);
    PyObject *text = PyUnicode_DecodeUTF8(message, (Py_ssize_t)strlen(message), "replace");
    if (text)
      exception = PyObject_CallFunction(error_factory, "iOs", (int)tn_error_code(error), text, tn_error_trace(error));
    Py_XDECREF(text);
    if (exception) PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
    Py_XDECREF(exception);
  } else {
    PyErr_Format(PyExc_RuntimeError, "%s: %s", tn_code_name(tn_error_code(error)), tn_error_message(error));
  }
  tn_error_free(error);
  return NULL;
}

PyTypeObject *tn_py_add_type(PyObject *module, const char *name, PyType_Spec *spec) {
  PyObject *type = PyType_FromSpec(spec);
  if (!type) return NULL;
  if (PyModule_AddObjectRef(module, name, type) < 0) {
    Py_DECREF(type);
    return NULL;
  }
  return (PyTypeObject *)type; /* the static pointer keeps this reference */
}

PyObject *tn_py_take_bytes(char *data, size_t size) {
  PyObject *bytes = PyBytes_FromStringAndSize(data, (Py_ssize_t)size);
  free(data);
  return bytes;
}

PyObject *tn_py_tuple(PyObject *sequence) {
  if (PyTuple_Check(sequence)) return Py_NewRef(sequence);
  return PySequence_Tuple(sequence);
}

static int shape_from_tuple(PyObject *tuple, tn_shape *shape) {
  Py_ssize_t rank = PyTuple_Size(tuple);
  if (rank > TN_MAX_RANK) {
    PyErr_Format(PyExc_ValueError, "a shape has at most %d dimensions, this one has %zd", TN_MAX_RANK, rank);
    return -1;
  }
  shape->rank = (int)rank;
  for (Py_ssize_t i = 0; i < rank; i++) {
    PyObject *item = PyTuple_GetItem(tuple, i);
    long long size = item == Py_None ? -1 : PyLong_AsLongLong(item);
    if (size == -1 && PyErr_Occurred()) return -1;
    shape->dims[i] = (int64_t)size;
  }
  return 0;
}

int tn_py_shape(PyObject *object, void *out) {
  tn_shape shape = {.rank = -1};
  if (object != Py_None) {
    PyObject *tuple = tn_py_tuple(object);
    if (!tuple) return 0;
    int failed = shape_from_tuple(tuple, &shape);
    Py_DECREF(tuple);
    if (failed) return 0;
  }
  *(tn_shape *)out = shape;
  return 1;
}

PyObject *tn_py_from_shape(const tn_shape *shape) {
  if (shape->rank < 0) return Py_NewRef(Py_None);
  PyObject *tuple = PyTuple_New(shape->rank);
  for (int i = 0; tuple && i < shape->rank; i++) {
    PyObject *item = shape->dims[i] < 0 ? Py_NewRef(Py_None) : PyLong_FromLongLong(shape->dims[i]);
    if (!item || PyTuple_SetItem(tuple, i, item) < 0) Py_CLEAR(tuple);
  }
  return tuple;
}

long tn_py_index(PyObject *object, long low, long high, const char *what) {
  long value = PyLong_AsLong(object);
  if (value == -1 && PyErr_Occurred()) return -1;
  if (value >= low && value <= high) return value;
  PyErr_Format(PyExc_IndexError, "%s %ld is not in [%ld, %ld]", what, value, low, high);
  return -1;
}

static void replace(PyObject **slot, PyObject *value) {
  PyObject *old = *slot;
  *slot = Py_NewRef(value);
  Py_XDECREF(old);
}

static PyObject *set_hooks(PyObject *module, PyObject *args) {
  PyObject *make, *convert, *strings;
  (void)module;
  if (!PyArg_ParseTuple(args, "OOO", &make, &convert, &strings)) return NULL;
  replace(&error_factory, make);
  replace(&tn_py_convert, convert);
  replace(&tn_py_strings, strings);
  return Py_NewRef(Py_None);
}

static PyObject *version(PyObject *module, PyObject *unused) {
  (void)module, (void)unused;
  return PyUnicode_FromString(tn_version());
}

static PyObject *last_step_counters(PyObject *module, PyObject *unused) {
  (void)module, (void)unused;
  tn_counters c = tn_last_step_counters();
  return Py_BuildValue("{s:K,s:K,s:K}", "allocations", (unsigned long long)c.allocations, "locks",
                       (unsigned long long)c.locks, "lookups", (unsigned long long)c.lookups);
}

static PyMethodDef functions[] = {
    {"set_hooks", set_hooks, METH_VARARGS,
     "set_hooks(make_error, convert, strings)\n--\n\nRegisters the Python halves of errors and conversions."},
    {"version", version, METH_NOARGS, "version()\n--\n\nThe library's version."},
    {"cancel_step", tn_py_cancel_step, METH_NOARGS,
     "cancel_step()\n--\n\nCancels the step that the main thread runs; whether it was in one."},
    {"last_step_counters", last_step_counters, METH_NOARGS,
     "last_step_counters()\n--\n\nAllocations, locks and look-ups of this thread's last static step."},
    {NULL, NULL, 0, NULL}};

static PyModuleDef definition = {.m_base = PyModuleDef_HEAD_INIT,
                                 .m_name = "tenon._core",
                                 .m_doc = "Tenon's C API.",
                                 .m_size = -1,
                                 .m_methods = functions};

PyMODINIT_FUNC PyInit__core(void);
PyMODINIT_FUNC PyInit__core(void) {
  PyObject *module = PyModule_Create(&definition);
  if (!module) return NULL;
  if (tn_py_value_ready(module) < 0 || tn_py_graph_ready(module) < 0 || tn_py_session_ready(module) < 0 ||
      tn_py_registry_ready(module) < 0 || tn_py_files_ready(module) < 0 || tn_py_host_ready(module) < 0 ||
      tn_py_record_ready(module) < 0 || tn_py_datasets_ready(module) < 0 || tn_py_hdf5_ready(module) < 0 ||
      tn_py_server_ready(module) < 0 || tn_py_paths_ready(module) < 0)
    Py_CLEAR(module);
  return module;
}
