/* Server, and a reset of a cluster. */
#include "core.h"

typedef struct server_object {
  PyObject ob_base;
  tn_server *server;
} server_object;

static PyObject *server_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
  static char *names[] = {"cluster_def", "job", "task", "intra_op_threads", "inter_op_threads", "open", NULL};
  tn_session_options session = {0};
  tn_server_options options = {.session = &session};
  Py_ssize_t size = 0;
  int open = 0;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "y#si|iip", names, &options.cluster_def, &size, &options.job,
                                   &options.task, &session.intra_op_threads, &session.inter_op_threads, &open))
    return NULL;
  options.cluster_def_size = (size_t)size;
  options.open = open;
  allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
  server_object *self = (server_object *)allocate(type, 0);
  if (!self) return NULL;
  tn_error *error = tn_server_new(&options, &self->server);
  if (!error) return (PyObject *)self;
  Py_DECREF((PyObject *)self);
  return tn_py_raise(error);
}

static void server_dealloc(PyObject *object) {
  PyTypeObject *type = Py_TYPE(object);
  PyThreadState *unlocked = PyEval_SaveThread();
  tn_server_free(((server_object *)object)->server);
  PyEval_RestoreThread(unlocked);
  freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
  release(object);
  Py_DECREF(type);
}

static PyObject *server_join(PyObject *object, PyObject *args) {
  long long timeout_ms = 0;
  if (!PyArg_ParseTuple(args, "L", &timeout_ms)) return NULL;
  PyThreadState *unlocked = PyEval_SaveThread();
  bool stopped = tn_server_join(((server_object *)object)->server, (int64_t)timeout_ms);
  PyEval_RestoreThread(unlocked);
  return PyErr_CheckSignals() < 0 ? NULL : PyBool_FromLong(stopped);
}

static PyObject *server_idle(PyObject *object, PyObject *unused) {
  (void)unused;
  return PyBool_FromLong(tn_server_idle(((server_object *)object)->server));
}

static PyObject *server_stop(PyObject *object, PyObject *unused) {
  (void)unused;
  PyThreadState *unlocked = PyEval_SaveThread();
  tn_server_stop(((server_object *)object)->server);
  PyEval_RestoreThread(unlocked);
  return Py_NewRef(Py_None);
}

static PyObject *server_traffic(PyObject *object, PyObject *unused) {
  (void)unused;
  tn_server_bytes b = tn_server_traffic(((server_object *)object)->server);
  return Py_BuildValue("{s:K,s:K,s:K,s:K,s:K,s:K}", "network_in", (unsigned long long)b.network_in, "network_out",
                       (unsigned long long)b.network_out, "local_in", (unsigned long long)b.local_in, "local_out",
                       (unsigned long long)b.local_out, "shared_in", (unsigned long long)b.shared_in, "shared_out",
                       (unsigned long long)b.shared_out);
}

static PyObject *server_target(PyObject *object, void *unused) {
  (void)unused;
  return PyUnicode_FromString(tn_server_target(((server_object *)object)->server));
}

static PyMethodDef server_methods[] = {
    {"join", server_join, METH_VARARGS, "join(timeout_ms)\n--\n\nWaits; True: the server has stopped."},
    {"idle", server_idle, METH_NOARGS, "idle()\n--\n\nWhether no session of another process needs it."},
    {"stop", server_stop, METH_NOARGS, "stop()\n--\n\nTakes no more calls and ends what runs."},
    {"traffic", server_traffic, METH_NOARGS, "traffic()\n--\n\nThe bytes that it has exchanged, by way."},
    {NULL, NULL, 0, NULL}};

static PyGetSetDef server_attributes[] = {{"target", server_target, NULL, "What sessions connect to.", NULL},
                                          {NULL, NULL, NULL, NULL, NULL}};

static PyType_Slot server_slots[] = {{Py_tp_doc, "Server(cluster_def, job, task, ...)\n--\n\nA task of a cluster."},
                                     {Py_tp_new, (void *)server_new},
                                     {Py_tp_dealloc, (void *)server_dealloc},
                                     {Py_tp_methods, server_methods},
                                     {Py_tp_getset, server_attributes},
                                     {0, NULL}};

static PyType_Spec server_spec = {.name = "tenon._core.Server",
                                  .basicsize = sizeof(server_object),
                                  .flags = Py_TPFLAGS_DEFAULT,
                                  .slots = server_slots};

static PyObject *reset(PyObject *module, PyObject *args) {
  (void)module;
  const char *target = NULL;
  PyObject *list = NULL;
  if (!PyArg_ParseTuple(args, "sO!", &target, &PyList_Type, &list)) return NULL;
  Py_ssize_t n = PyList_Size(list);
  const char **containers = PyMem_Calloc((size_t)n + 1, sizeof *containers);
  if (!containers) return PyErr_NoMemory();
  for (Py_ssize_t i = 0; i < n; i++) {
    containers[i] = PyUnicode_AsUTF8AndSize(PyList_GetItem(list, i), NULL);
    if (containers[i]) continue;
    PyMem_Free(containers);
    return NULL;
  }
  PyThreadState *unlocked = PyEval_SaveThread();
  tn_error *error = tn_cluster_reset(target, (size_t)n, containers);
  PyEval_RestoreThread(unlocked);
  PyMem_Free(containers);
  return error ? tn_py_raise(error) : Py_NewRef(Py_None);
}

static PyMethodDef functions[] = {
    {"reset", reset, METH_VARARGS, "reset(target, containers)\n--\n\nDrops the state of a cluster."},
    {NULL, NULL, 0, NULL}};

int tn_py_server_ready(PyObject *module) {
  if (!tn_py_add_type(module, "Server", &server_spec)) return -1;
  return PyModule_AddFunctions(module, functions);
}
