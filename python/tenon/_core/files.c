/* EventWriter and CheckpointReader: event files being written, checkpoints being read. */
#include "core.h"

typedef struct writer_object {
  PyObject ob_base;
  tn_event_writer *writer; /* NULL: closed */
} writer_object;

typedef struct reader_object {
  PyObject ob_base;
  tn_checkpoint *checkpoint;
} reader_object;

static PyTypeObject *writer_type, *reader_type;

static void free_object(PyObject *self) {
  PyTypeObject *type = Py_TYPE(self);
  freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
  release(self);
  Py_DECREF(type);
}

static PyObject *new_object(PyTypeObject *type) {
  allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
  return allocate(type, 0);
}

/* --- EventWriter --- */

static PyObject *writer_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
  const char *folder, *suffix = "";
  (void)keywords;
  if (!PyArg_ParseTuple(args, "s|s", &folder, &suffix)) return NULL;
  tn_event_writer *writer;
  tn_error *error;
  TN_PY_UNLOCKED(error, tn_event_writer_open(folder, suffix, &writer));
  if (error) return tn_py_raise(error);
  writer_object *self = (writer_object *)new_object(type);
  if (self) {
    self->writer = writer;
  } else {
    tn_error_free(tn_event_writer_close(writer));
  }
  return (PyObject *)self;
}

static void writer_free(PyObject *object) {
  writer_object *self = (writer_object *)object;
  tn_error_free(tn_event_writer_close(self->writer));
  free_object(object);
}

static tn_event_writer *opened(PyObject *object) {
  tn_event_writer *writer = ((writer_object *)object)->writer;
  if (!writer) PyErr_SetString(PyExc_ValueError, "the event file is closed");
  return writer;
}

static PyObject *result(tn_error *error) { return error ? tn_py_raise(error) : Py_NewRef(Py_None); }

static PyObject *writer_write(PyObject *object, PyObject *args) {
  const char *data;
  Py_ssize_t size;
  tn_event_writer *writer = opened(object);
  if (!writer || !PyArg_ParseTuple(args, "y#", &data, &size)) return NULL;
  tn_error *error;
  TN_PY_UNLOCKED(error, tn_event_writer_event(writer, data, (size_t)size));
  return result(error);
}

static PyObject *writer_flush(PyObject *object, PyObject *unused) {
  (void)unused;
  tn_event_writer *writer = opened(object);
  if (!writer) return NULL;
  tn_error *error;
  TN_PY_UNLOCKED(error, tn_event_writer_flush(writer));
  return result(error);
}

static PyObject *writer_path(PyObject *object, PyObject *unused) {
  (void)unused;
  tn_event_writer *writer = opened(object);
  return writer ? PyUnicode_DecodeFSDefault(tn_event_writer_path(writer)) : NULL;
}

static PyObject *writer_close(PyObject *object, PyObject *unused) {
  (void)unused;
  writer_object *self = (writer_object *)object;
  tn_event_writer *writer = self->writer;
  self->writer = NULL;
  tn_error *error;
  TN_PY_UNLOCKED(error, tn_event_writer_close(writer));
  return result(error);
}

static PyMethodDef writer_methods[] = {
    {"write", writer_write, METH_VARARGS, "write(event)\n--\n\nWrites a serialised Event."},
    {"flush", writer_flush, METH_NOARGS, "flush()\n--\n\nPuts what was written where readers see it."},
    {"path", writer_path, METH_NOARGS, "path()\n--\n\nThe file's name."},
    {"close", writer_close, METH_NOARGS, "close()\n--\n\nFlushes and closes the file."},
    {NULL, NULL, 0, NULL}};

static PyType_Slot writer_slots[] = {
    {Py_tp_new, writer_new}, {Py_tp_dealloc, writer_free}, {Py_tp_methods, writer_methods}, {0, NULL}};
static PyType_Spec writer_spec = {.name = "tenon._core.EventWriter",
                                  .basicsize = sizeof(writer_object),
                                  .flags = Py_TPFLAGS_DEFAULT,
                                  .slots = writer_slots};

/* --- CheckpointReader --- */

static PyObject *reader_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
  const char *prefix;
  (void)keywords;
  if (!PyArg_ParseTuple(args, "s", &prefix)) return NULL;
  tn_checkpoint *checkpoint;
  tn_error *error;
  TN_PY_UNLOCKED(error, tn_checkpoint_open(prefix, &checkpoint));
  if (error) return tn_py_raise(error);
  reader_object *self = (reader_object *)new_object(type);
  if (self) {
    self->checkpoint = checkpoint;
  } else {
    tn_checkpoint_close(checkpoint);
  }
  return (PyObject *)self;
}

static void reader_free(PyObject *object) {
  tn_checkpoint_close(((reader_object *)object)->checkpoint);
  free_object(object);
}

static PyObject *reader_tensors(PyObject *object, PyObject *unused) {
  (void)unused;
  tn_checkpoint *checkpoint = ((reader_object *)object)->checkpoint;
  size_t n = tn_checkpoint_size(checkpoint);
  PyObject *list = PyList_New((Py_ssize_t)n);
  for (size_t i = 0; list && i < n; i++) {
    tn_shape shape = tn_checkpoint_shape(checkpoint, i);
    PyObject *item = Py_BuildValue("siN", tn_checkpoint_name(checkpoint, i), (int)tn_checkpoint_dtype(checkpoint, i),
                                   tn_py_from_shape(&shape));
    if (!item || PyList_SetItem(list, (Py_ssize_t)i, item) < 0) Py_CLEAR(list);
  }
  return list;
}

static PyObject *reader_read(PyObject *object, PyObject *args) {
  const char *name;
  tn_tensor *tensor;
  if (!PyArg_ParseTuple(args, "s", &name)) return NULL;
  tn_checkpoint *checkpoint = ((reader_object *)object)->checkpoint;
  tn_error *error;
  TN_PY_UNLOCKED(error, tn_checkpoint_read(checkpoint, name, &tensor));
  return error ? tn_py_raise(error) : tn_py_wrap_result(tensor);
}

static PyMethodDef reader_methods[] = {
    {"tensors", reader_tensors, METH_NOARGS, "tensors()\n--\n\nA list of (name, dtype number, shape), by name."},
    {"read", reader_read, METH_VARARGS, "read(name)\n--\n\nThe tensor of a name, as a Value."},
    {NULL, NULL, 0, NULL}};

static PyType_Slot reader_slots[] = {
    {Py_tp_new, reader_new}, {Py_tp_dealloc, reader_free}, {Py_tp_methods, reader_methods}, {0, NULL}};
static PyType_Spec reader_spec = {.name = "tenon._core.CheckpointReader",
                                  .basicsize = sizeof(reader_object),
                                  .flags = Py_TPFLAGS_DEFAULT,
                                  .slots = reader_slots};

int tn_py_files_ready(PyObject *module) {
  writer_type = tn_py_add_type(module, "EventWriter", &writer_spec);
  reader_type = tn_py_add_type(module, "CheckpointReader", &reader_spec);
  return writer_type && reader_type ? 0 : -1;
}
