/* What the library knows: op types, dtypes, and the levers and counters of its tests. */
#include <tenon/testing.h>

#include "core.h"

static PyObject *op_names(PyObject *module, PyObject *unused) {
  (void)module, (void)unused;
  size_t n = tn_n_ops();
  PyObject *list = PyList_New((Py_ssize_t)n);
  for (size_t i = 0; list && i < n; i++) {
    PyObject *item = PyUnicode_FromString(tn_op_name(i));
    if (!item || PyList_SetItem(list, (Py_ssize_t)i, item) < 0) Py_CLEAR(list);
  }
  return list;
}

static PyObject *op_def(PyObject *module, PyObject *args) {
  const char *name;
  char *data;
  size_t size;
  (void)module;
  if (!PyArg_ParseTuple(args, "s", &name)) return NULL;
  tn_error *error = tn_op_to_def(name, &data, &size);
  return error ? tn_py_raise(error) : tn_py_take_bytes(data, size);
}

static PyObject *op_doc(PyObject *module, PyObject *args) {
  const char *name;
  (void)module;
  if (!PyArg_ParseTuple(args, "s", &name)) return NULL;
  return Py_BuildValue("z", tn_op_doc(name));
}

static PyObject *op_gradient_kind(PyObject *module, PyObject *args) {
  const char *name;
  (void)module;
  if (!PyArg_ParseTuple(args, "s", &name)) return NULL;
  char kind[2] = {tn_op_gradient_kind(name), 0};
  return PyUnicode_FromString(kind);
}

static PyObject *dtype_name(PyObject *module, PyObject *args) {
  int dtype;
  (void)module;
  if (!PyArg_ParseTuple(args, "i", &dtype)) return NULL;
  return PyUnicode_FromString(tn_dtype_name((tn_dtype)dtype));
}

static PyObject *dtype_from_name(PyObject *module, PyObject *args) {
  const char *name;
  (void)module;
  if (!PyArg_ParseTuple(args, "s", &name)) return NULL;
  return PyLong_FromLong(tn_dtype_from_name(name));
}

static PyObject *kernels(PyObject *module, PyObject *args) {
  const char *op;
  (void)module;
  if (!PyArg_ParseTuple(args, "s", &op)) return NULL;
  int n = tn_kernel_count(op);
  PyObject *list = PyList_New(n);
  for (int i = 0; list && i < n; i++) {
    PyObject *item = PyUnicode_FromString(tn_kernel_name(op, i));
    if (!item || PyList_SetItem(list, i, item) < 0) Py_CLEAR(list);
  }
  return list;
}

static PyObject *kernel_force(PyObject *module, PyObject *args) {
  const char *op, *kernel;
  (void)module;
  if (!PyArg_ParseTuple(args, "zz", &op, &kernel)) return NULL;
  tn_error *error = tn_kernel_force(op, kernel);
  return error ? tn_py_raise(error) : Py_NewRef(Py_None);
}

static PyObject *kernel_prepared(PyObject *module, PyObject *args) {
  const char *op, *kernel;
  (void)module;
  if (!PyArg_ParseTuple(args, "ss", &op, &kernel)) return NULL;
  return PyLong_FromUnsignedLongLong(tn_kernel_prepared(op, kernel));
}

static PyObject *passes(PyObject *module, PyObject *unused) {
  (void)module, (void)unused;
  PyObject *dict = PyDict_New();
  const char *name;
  for (int i = 0; dict && (name = tn_pass_name(i)); i++) {
    PyObject *count = PyLong_FromUnsignedLongLong(tn_pass_fired(name));
    if (!count || PyDict_SetItemString(dict, name, count) < 0) Py_CLEAR(dict);
    Py_XDECREF(count);
  }
  return dict;
}

static PyObject *last_step_was_static(PyObject *module, PyObject *unused) {
  (void)module, (void)unused;
  return PyBool_FromLong(tn_last_step_was_static());
}

static PyObject *fault(PyObject *module, PyObject *args) {
  const char *point;
  (void)module;
  if (!PyArg_ParseTuple(args, "s", &point)) return NULL;
  tn_fault_reached(point);
  return Py_NewRef(Py_None);
}

static PyMethodDef functions[] = {
    {"fault", fault, METH_VARARGS, "fault(point)\n--\n\nA point at which tests may have the process killed."},
    {"op_names", op_names, METH_NOARGS, "op_names()\n--\n\nThe op types, in byte order."},
    {"op_def", op_def, METH_VARARGS, "op_def(name)\n--\n\nThe serialised OpDef."},
    {"op_doc", op_doc, METH_VARARGS, "op_doc(name)\n--\n\nWhat the op computes."},
    {"op_gradient_kind", op_gradient_kind, METH_VARARGS,
     "op_gradient_kind(name)\n--\n\n'y': has one, 'n': none flows, 'u': unregistered, '?': not said."},
    {"dtype_name", dtype_name, METH_VARARGS, "dtype_name(number)\n--\n\nThe dtype's name."},
    {"dtype_from_name", dtype_from_name, METH_VARARGS, "dtype_from_name(name)\n--\n\nThe dtype's number, 0 if none."},
    {"kernels", kernels, METH_VARARGS, "kernels(op)\n--\n\nThe names of the op's kernels, best first."},
    {"kernel_force", kernel_force, METH_VARARGS, "kernel_force(op, kernel)\n--\n\nSee tenon/testing.h."},
    {"kernel_prepared", kernel_prepared, METH_VARARGS,
     "kernel_prepared(op, kernel)\n--\n\nHow many were prepared so far."},
    {"passes", passes, METH_NOARGS, "passes()\n--\n\nThe compiler passes in their order: how often each has fired."},
    {"last_step_was_static", last_step_was_static, METH_NOARGS,
     "last_step_was_static()\n--\n\nTrue if this thread's last step walked a static plan."},
    {NULL, NULL, 0, NULL}};

int tn_py_registry_ready(PyObject *module) { return PyModule_AddFunctions(module, functions); }
