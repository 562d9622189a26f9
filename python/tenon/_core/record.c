/* TFRecord files: RecordReader and RecordWriter. */
#include "core.h"

typedef struct reader_object {
  PyObject ob_base;
  tn_record_reader *reader;
  bool busy; /* Python's lock is free while a record is read */
} reader_object;

typedef struct writer_object {
  PyObject ob_base;
  tn_record_writer *writer;
} writer_object;

static PyObject *none_or_raise(tn_error *error) { return error ? tn_py_raise(error) : Py_NewRef(Py_None); }

/* --- reading --- */

static PyObject *reader_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
  static char *names[] = {"path", "compression", NULL};
  const char *path, *compression = "";
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s|s", names, &path, &compression)) return NULL;
  tn_compression kind;
  tn_record_reader *reader;
  tn_error *error = tn_compression_named(compression, &kind);
  if (!error) TN_PY_UNLOCKED(error, tn_record_reader_open(path, kind, 0, &reader));
  if (error) return tn_py_raise(error);
  reader_object *self = PyObject_New(reader_object, type);
  if (!self) {
    tn_record_reader_close(reader);
    return NULL;
  }
  self->reader = reader;
  self->busy = false;
  return (PyObject *)self;
}

static void reader_dealloc(PyObject *self) {
  PyTypeObject *type = Py_TYPE(self);
  tn_record_reader_close(((reader_object *)self)->reader);
  PyObject_Free(self);
  Py_DECREF(type);
}

/* The next record; NULL without an exception at the end. */
static PyObject *reader_next(PyObject *object) {
  reader_object *self = (reader_object *)object;
  const void *data = NULL;
  size_t size = 0;
  if (self->busy) {
    PyErr_SetString(PyExc_RuntimeError, "another thread reads this file");
    return NULL;
  }
  self->busy = true;
  tn_error *error;
  Py_BEGIN_ALLOW_THREADS;
  error = tn_record_reader_next(self->reader, &data, &size);
  Py_END_ALLOW_THREADS;
  self->busy = false;
  if (!error) return PyBytes_FromStringAndSize(data, (Py_ssize_t)size);
  if (tn_error_code(error) != TN_OUT_OF_RANGE) return tn_py_raise(error);
  tn_error_free(error);
  return NULL;
}

static PyObject *reader_offset(PyObject *self, PyObject *unused) {
  (void)unused;
  return PyLong_FromUnsignedLongLong(tn_record_reader_offset(((reader_object *)self)->reader));
}

static PyObject *reader_seek(PyObject *self, PyObject *offset) {
  unsigned long long to = PyLong_AsUnsignedLongLong(offset);
  if (PyErr_Occurred()) return NULL;
  return none_or_raise(tn_record_reader_seek(((reader_object *)self)->reader, to));
}

static PyMethodDef reader_methods[] = {
    {"offset", reader_offset, METH_NOARGS, "offset()\n--\n\nWhere the next record begins."},
    {"seek", reader_seek, METH_O, "seek(offset)\n--\n\nGoes on at OFFSET."},
    {NULL, NULL, 0, NULL}};

static PyType_Slot reader_slots[] = {
    {Py_tp_doc, "RecordReader(path, compression='')\n--\n\nThe records of a TFRecord file, as bytes."},
    {Py_tp_new, reader_new},
    {Py_tp_dealloc, reader_dealloc},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, reader_next},
    {Py_tp_methods, reader_methods},
    {0, NULL}};

static PyType_Spec reader_spec = {.name = "tenon._core.RecordReader",
                                  .basicsize = sizeof(reader_object),
                                  .flags = Py_TPFLAGS_DEFAULT,
                                  .slots = reader_slots};

/* --- writing: Python's lock is held, so that threads take turns --- */

static PyObject *writer_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
  static char *names[] = {"path", "compression", "level", NULL};
  const char *path, *compression = "";
  int level = -1;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s|si", names, &path, &compression, &level)) return NULL;
  tn_compression kind;
  tn_record_writer *writer;
  tn_error *error = tn_compression_named(compression, &kind);
  if (!error) error = tn_record_writer_open(path, kind, level, &writer);
  if (error) return tn_py_raise(error);
  writer_object *self = PyObject_New(writer_object, type);
  if (!self) {
    tn_error_free(tn_record_writer_close(writer));
    return NULL;
  }
  self->writer = writer;
  return (PyObject *)self;
}

static void writer_dealloc(PyObject *self) {
  PyTypeObject *type = Py_TYPE(self);
  tn_error_free(tn_record_writer_close(((writer_object *)self)->writer));
  PyObject_Free(self);
  Py_DECREF(type);
}

static tn_record_writer *open_writer(PyObject *self) {
  tn_record_writer *writer = ((writer_object *)self)->writer;
  if (!writer) tn_py_raise(tn_errorf(TN_FAILED_PRECONDITION, "the writer has been closed"));
  return writer;
}

static PyObject *writer_write(PyObject *self, PyObject *record) {
  tn_record_writer *writer = open_writer(self);
  char *data;
  Py_ssize_t size;
  if (!writer || PyBytes_AsStringAndSize(record, &data, &size) < 0) return NULL;
  return none_or_raise(tn_record_writer_write(writer, data, (size_t)size));
}

static PyObject *writer_flush(PyObject *self, PyObject *unused) {
  (void)unused;
  tn_record_writer *writer = open_writer(self);
  return writer ? none_or_raise(tn_record_writer_flush(writer)) : NULL;
}

static PyObject *writer_close(PyObject *self, PyObject *unused) {
  (void)unused;
  tn_record_writer *writer = ((writer_object *)self)->writer;
  ((writer_object *)self)->writer = NULL;
  return none_or_raise(tn_record_writer_close(writer));
}

static PyMethodDef writer_methods[] = {
    {"write", writer_write, METH_O, "write(record)\n--\n\nWrites a record of bytes."},
    {"flush", writer_flush, METH_NOARGS, "flush()\n--\n\nPuts what was written where readers see it."},
    {"close", writer_close, METH_NOARGS, "close()\n--\n\nFlushes and closes the file."},
    {NULL, NULL, 0, NULL}};

static PyType_Slot writer_slots[] = {
    {Py_tp_doc, "RecordWriter(path, compression='', level=-1)\n--\n\nWrites a TFRecord file."},
    {Py_tp_new, writer_new},
    {Py_tp_dealloc, writer_dealloc},
    {Py_tp_methods, writer_methods},
    {0, NULL}};

static PyType_Spec writer_spec = {.name = "tenon._core.RecordWriter",
                                  .basicsize = sizeof(writer_object),
                                  .flags = Py_TPFLAGS_DEFAULT,
                                  .slots = writer_slots};

int tn_py_record_ready(PyObject *module) {
  if (!tn_py_add_type(module, "RecordReader", &reader_spec)) return -1;
  return tn_py_add_type(module, "RecordWriter", &writer_spec) ? 0 : -1;
}
