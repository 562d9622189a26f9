/* Python functions that graphs call back. */
#include "core.h"

/* The exception that is set, as an error: of its `code` where it has one (tenon.errors), else UNKNOWN. */
static tn_error *take_exception(void) {
  PyObject *type, *value, *trace;
  PyErr_Fetch(&type, &value, &trace);
  PyErr_NormalizeException(&type, &value, &trace);
  PyObject *code = value ? PyObject_GetAttrString(value, "code") : NULL;
  long number = code && PyLong_Check(code) ? PyLong_AsLong(code) : TN_UNKNOWN;
  PyObject *text = value ? PyObject_Str(value) : NULL;
  const char *message = text ? PyUnicode_AsUTF8AndSize(text, NULL) : NULL;
  tn_code known = number > 0 && number <= TN_UNAUTHENTICATED ? (tn_code)number : TN_UNKNOWN;
  tn_error *error = tn_errorf(known, "%s", message ? message : "the host function failed");
  PyErr_Clear();
  Py_XDECREF(text);
  Py_XDECREF(code);
  Py_XDECREF(type);
  Py_XDECREF(value);
  Py_XDECREF(trace);
  return error;
}

/* ([Value, ...], [dtype number, ...]) */
static PyObject *arguments_of(size_t n_in, tn_tensor *const *in, size_t n_out, const tn_dtype *out_types) {
  PyObject *values = PyTuple_New((Py_ssize_t)n_in), *types = PyTuple_New((Py_ssize_t)n_out);
  for (size_t i = 0; values && i < n_in; i++) {
    PyObject *value = tn_py_wrap_result(tn_tensor_ref(in[i]));
    if (!value || PyTuple_SetItem(values, (Py_ssize_t)i, value) < 0) Py_CLEAR(values);
  }
  for (size_t i = 0; types && i < n_out; i++) {
    PyObject *number = PyLong_FromLong(out_types[i]);
    if (!number || PyTuple_SetItem(types, (Py_ssize_t)i, number) < 0) Py_CLEAR(types);
  }
  PyObject *both = values && types ? PyTuple_Pack(2, values, types) : NULL;
  Py_XDECREF(values);
  Py_XDECREF(types);
  return both;
}

/* The N_OUT items of RESULT as tensors; -1 with an exception set, and OUT holds none. */
static int results_of(PyObject *result, size_t n_out, const tn_dtype *out_types, tn_tensor **out) {
  PyObject *items = tn_py_tuple(result);
  int failed = items ? 0 : -1;
  if (!failed && (size_t)PyTuple_Size(items) != n_out) {
    PyErr_Format(PyExc_ValueError, "the host function returned %zd values, but expects to see %zu values.",
                 PyTuple_Size(items), n_out);
    failed = -1;
  }
  size_t n = 0;
  for (; !failed && n < n_out; n += !failed) {
    failed = tn_py_to_tensor(PyTuple_GetItem(items, (Py_ssize_t)n), out_types[n], &out[n]);
  }
  for (; failed && n > 0; n--) {
    tn_tensor_free(out[n - 1]);
    out[n - 1] = NULL;
  }
  Py_XDECREF(items);
  return failed;
}

static tn_error *call(void *function, size_t n_in, tn_tensor *const *in, size_t n_out, const tn_dtype *out_types,
                      tn_tensor **out) {
  if (!Py_IsInitialized()) return tn_errorf(TN_CANCELLED, "Python has ended");
  PyGILState_STATE state = PyGILState_Ensure();
  PyObject *arguments = arguments_of(n_in, in, n_out, out_types);
  PyObject *result = arguments ? PyObject_CallObject(function, arguments) : NULL;
  bool failed = !result || results_of(result, n_out, out_types, out) < 0;
  tn_error *error = failed ? take_exception() : NULL;
  Py_XDECREF(result);
  Py_XDECREF(arguments);
  PyGILState_Release(state);
  return error;
}

static void release(void *function) {
  if (!Py_IsInitialized()) return;
  PyGILState_STATE state = PyGILState_Ensure();
  Py_DECREF((PyObject *)function);
  PyGILState_Release(state);
}

static PyObject *host_register(PyObject *module, PyObject *args) {
  const char *token;
  PyObject *function;
  (void)module;
  if (!PyArg_ParseTuple(args, "sO", &token, &function)) return NULL;
  tn_error *error = tn_host_function_register(token, call, Py_NewRef(function), release);
  if (!error) return Py_NewRef(Py_None);
  Py_DECREF(function);
  return tn_py_raise(error);
}

static PyObject *host_unregister(PyObject *module, PyObject *token) {
  (void)module;
  const char *text = PyUnicode_AsUTF8AndSize(token, NULL);
  if (!text) return NULL;
  tn_host_function_unregister(text);
  return Py_NewRef(Py_None);
}

static PyMethodDef functions[] = {
    {"host_register", host_register, METH_VARARGS,
     "host_register(token, function)\n--\n\nNodes with this token call function(values, dtype_numbers), which returns "
     "a sequence."},
    {"host_unregister", host_unregister, METH_O, "host_unregister(token)\n--\n\nEnds what host_register began."},
    {NULL, NULL, 0, NULL}};

int tn_py_host_ready(PyObject *module) { return PyModule_AddFunctions(module, functions); }
