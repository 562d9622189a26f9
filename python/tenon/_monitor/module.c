/* The extension module tenon._monitor: what a watched task tells of itself. Only loaded where TENON_METRICS_PORT is
 * set.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "monitor/monitor.h"

static PyObject *raise(tn_error *error) {
  PyErr_SetString(PyExc_OSError, tn_error_message(error));
  tn_error_free(error);
  return NULL;
}

static PyObject *start(PyObject *module, PyObject *args) {
  tn_monitor_options options = {0};
  (void)module;
  if (!PyArg_ParseTuple(args, "i", &options.python_signal)) return NULL;
  tn_error *error = tn_monitor_from_environment(options);
  return error ? raise(error) : PyLong_FromLong(tn_monitor_port());
}

static PyObject *stop(PyObject *module, PyObject *unused) {
  (void)module, (void)unused;
  PyThreadState *unlocked = PyEval_SaveThread();
  tn_monitor_stop();
  PyEval_RestoreThread(unlocked);
  return Py_NewRef(Py_None);
}

static PyObject *ready(PyObject *module, PyObject *args) {
  int value;
  (void)module;
  if (!PyArg_ParseTuple(args, "p", &value)) return NULL;
  tn_monitor_ready(value);
  return Py_NewRef(Py_None);
}

static PyObject *begin(PyObject *module, PyObject *unused) {
  (void)module, (void)unused;
  tn_monitor_begin();
  return Py_NewRef(Py_None);
}

static PyObject *end(PyObject *module, PyObject *unused) {
  (void)module, (void)unused;
  tn_monitor_end();
  return Py_NewRef(Py_None);
}

static PyObject *step(PyObject *module, PyObject *args) {
  long long n;
  double examples;
  (void)module;
  if (!PyArg_ParseTuple(args, "Ld", &n, &examples)) return NULL;
  tn_monitor_step(n, examples);
  return Py_NewRef(Py_None);
}

static PyObject *report(PyObject *module, PyObject *args) {
  long long at, total;
  PyObject *loss;
  (void)module;
  if (!PyArg_ParseTuple(args, "LLO", &at, &total, &loss)) return NULL;
  tn_monitor_progress progress = {.step = at, .total = total, .loss_known = loss != Py_None};
  if (progress.loss_known) progress.loss = PyFloat_AsDouble(loss);
  if (PyErr_Occurred()) return NULL;
  tn_monitor_report(&progress);
  return Py_NewRef(Py_None);
}

static PyObject *set(PyObject *module, PyObject *args) {
  const char *name, *labels;
  double value;
  (void)module;
  if (!PyArg_ParseTuple(args, "szd", &name, &labels, &value)) return NULL;
  tn_monitor_set(name, labels, value);
  return Py_NewRef(Py_None);
}

static PyMethodDef functions[] = {
    {"start", start, METH_VARARGS,
     "start(signal)\n--\n\nServes as the environment says; SIGNAL makes Python print its stacks. Returns the port."},
    {"stop", stop, METH_NOARGS, "stop()\n--\n\nServes no more."},
    {"ready", ready, METH_VARARGS, "ready(value)\n--\n\nWhether the task can do its work."},
    {"begin", begin, METH_NOARGS, "begin()\n--\n\nA training begins."},
    {"end", end, METH_NOARGS, "end()\n--\n\nA training ends."},
    {"step", step, METH_VARARGS, "step(n, examples)\n--\n\nN steps more, on so many examples (0: unknown)."},
    {"report", report, METH_VARARGS,
     "report(step, total, loss)\n--\n\nWhere the training is; -1 and None for what is unknown."},
    {"set", set, METH_VARARGS,
     "set(name, labels, value)\n--\n\nSets a gauge, or a counter if its name ends with _total."},
    {NULL, NULL, 0, NULL}};

static PyModuleDef definition = {.m_base = PyModuleDef_HEAD_INIT,
                                 .m_name = "tenon._monitor",
                                 .m_doc = "What a watched task tells of itself.",
                                 .m_size = -1,
                                 .m_methods = functions};

PyMODINIT_FUNC PyInit__monitor(void);
PyMODINIT_FUNC PyInit__monitor(void) { return PyModule_Create(&definition); }
