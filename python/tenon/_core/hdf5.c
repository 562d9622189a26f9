/* HDF5 files as lists of records; tenon/python/lib/io/hdf5.py makes objects of them. */
#include "core.h"

/* --- reading --- */

typedef struct reading {
  PyObject *records;
  const char *begin;
} reading;

static PyObject *shape_of(const tn_h5_value *value) {
  PyObject *shape = PyTuple_New(value->rank);
  for (int i = 0; shape && i < value->rank; i++) {
    PyObject *size = PyLong_FromUnsignedLongLong(value->dims[i]);
    if (!size || PyTuple_SetItem(shape, i, size) < 0) Py_CLEAR(shape);
  }
  return shape;
}

static PyObject *texts_of(const tn_h5_value *value) {
  uint64_t count = 1;
  for (int i = 0; i < value->rank; i++) count *= value->dims[i];
  PyObject *list = PyList_New((Py_ssize_t)count);
  for (uint64_t i = 0; list && i < count; i++) {
    PyObject *text = PyBytes_FromStringAndSize(value->texts[i].data, (Py_ssize_t)value->texts[i].size);
    if (!text || PyList_SetItem(list, (Py_ssize_t)i, text) < 0) Py_CLEAR(list);
  }
  return list;
}

/* Appends RECORD, which it takes over; the error that Python has is kept for the caller. */
static tn_error *append(reading *r, PyObject *record) {
  const int failed = !record || PyList_Append(r->records, record) < 0;
  Py_XDECREF(record);
  return failed ? tn_errorf(TN_ABORTED, "a Python error") : NULL;
}

static tn_error *on_group(void *context, const char *path) {
  return append(context, Py_BuildValue("(sy)", "group", path));
}

static tn_error *on_dataset(void *context, const char *path, const tn_h5_value *value) {
  reading *r = context;
  PyObject *shape = shape_of(value);
  if (!shape) return append(r, NULL);
  if (value->texts) return append(r, Py_BuildValue("(sysNN)", "dataset", path, value->type, shape, texts_of(value)));
  const Py_ssize_t at = value->size ? (const char *)value->data - r->begin : -1;
  return append(r, Py_BuildValue("(sysNn)", "dataset", path, value->type, shape, at));
}

static tn_error *on_attribute(void *context, const char *path, const char *name, const tn_h5_value *value) {
  PyObject *shape = shape_of(value);
  if (!shape) return append(context, NULL);
  PyObject *data = value->texts ? texts_of(value)
                                : PyBytes_FromStringAndSize(value->data ? value->data : "", (Py_ssize_t)value->size);
  return append(context, Py_BuildValue("(syysNN)", "attribute", path, name, value->type, shape, data));
}

static PyObject *h5_read(PyObject *module, PyObject *object) {
  (void)module;
  Py_buffer bytes;
  if (PyObject_GetBuffer(object, &bytes, PyBUF_SIMPLE) < 0) return NULL;
  reading r = {PyList_New(0), bytes.buf};
  const tn_h5_visitor visitor = {&r, on_group, on_dataset, on_attribute};
  tn_error *error = r.records ? tn_h5_read(bytes.buf, (size_t)bytes.len, &visitor) : NULL;
  PyBuffer_Release(&bytes);
  if (!error) return r.records;
  Py_DECREF(r.records);
  if (!PyErr_Occurred()) return tn_py_raise(error);
  tn_error_free(error);
  return NULL;
}

/* --- writing --- */

typedef struct writing {
  tn_h5_writer *writer;
  Py_buffer *buffers; /* the data of datasets, held until the file is written */
  Py_ssize_t n_buffers;
} writing;

static int shape_from(PyObject *shape, tn_h5_value *value) {
  const Py_ssize_t rank = PyTuple_Size(shape);
  if (rank < 0 || rank > TN_H5_MAX_RANK) {
    if (!PyErr_Occurred()) PyErr_Format(PyExc_ValueError, "HDF5: rank %zd", rank);
    return -1;
  }
  value->rank = (int)rank;
  for (Py_ssize_t i = 0; i < rank; i++) {
    value->dims[i] = PyLong_AsUnsignedLongLong(PyTuple_GetItem(shape, i));
    if (PyErr_Occurred()) return -1;
  }
  return 0;
}

/* The texts of a list of bytes; free with free(). They point into its items. */
static tn_h5_text *texts_from(PyObject *list) {
  const Py_ssize_t count = PyList_Size(list);
  if (count < 0) return NULL;
  tn_h5_text *texts = malloc(((size_t)count + 1) * sizeof *texts);
  if (!texts) return (tn_h5_text *)PyErr_NoMemory();
  for (Py_ssize_t i = 0; i < count; i++) {
    char *data;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(PyList_GetItem(list, i), &data, &size) < 0) {
      free(texts);
      return NULL;
    }
    texts[i] = (tn_h5_text){data, (size_t)size};
  }
  return texts;
}

/* Puts a record's type, shape and data into VALUE. Texts are to be freed; the buffer is kept by W where KEEP is set. */
static int value_from(writing *w, const char *type, PyObject *shape, PyObject *data, tn_h5_value *value,
                      tn_h5_text **texts) {
  *texts = NULL;
  if (strlen(type) >= sizeof value->type) {
    PyErr_Format(PyExc_ValueError, "HDF5: type %s", type);
    return -1;
  }
  strncpy(value->type, type, sizeof value->type - 1);
  if (shape_from(shape, value) < 0) return -1;
  uint64_t count = 1;
  for (int i = 0; i < value->rank; i++) count *= value->dims[i];
  if (strcmp(type, "O") == 0) {
    if (PyList_Size(data) != (Py_ssize_t)count) {
      if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "HDF5: as many texts as the shape says are wanted");
      return -1;
    }
    value->texts = *texts = texts_from(data);
    return *texts ? 0 : -1;
  }
  Py_buffer *buffer = &w->buffers[w->n_buffers];
  if (PyObject_GetBuffer(data, buffer, PyBUF_C_CONTIGUOUS) < 0) return -1;
  w->n_buffers++;
  value->data = buffer->buf;
  value->size = (size_t)buffer->len;
  return 0;
}

static int write_record(writing *w, PyObject *record) {
  const char *kind = NULL, *path, *name = "", *type;
  PyObject *shape, *data;
  tn_h5_value value = {0};
  tn_h5_text *texts = NULL;
  tn_error *error;
  const Py_ssize_t size = PyTuple_Size(record);
  if (size == 2) {
    if (!PyArg_ParseTuple(record, "sy", &kind, &path)) return -1;
    error = tn_h5_group(w->writer, path);
  } else if (size == 5) {
    if (!PyArg_ParseTuple(record, "sysO!O", &kind, &path, &type, &PyTuple_Type, &shape, &data) ||
        value_from(w, type, shape, data, &value, &texts) < 0)
      return -1;
    error = tn_h5_dataset(w->writer, path, &value);
  } else {
    if (!PyArg_ParseTuple(record, "syysO!O", &kind, &path, &name, &type, &PyTuple_Type, &shape, &data) ||
        value_from(w, type, shape, data, &value, &texts) < 0)
      return -1;
    error = tn_h5_attribute(w->writer, path, name, &value);
  }
  free(texts);
  if (error) tn_py_raise(error);
  return error ? -1 : 0;
}

static PyObject *h5_write(PyObject *module, PyObject *args) {
  (void)module;
  const char *path;
  PyObject *records;
  if (!PyArg_ParseTuple(args, "sO!", &path, &PyList_Type, &records)) return NULL;
  const Py_ssize_t count = PyList_Size(records);
  writing w = {.buffers = calloc((size_t)count + 1, sizeof(Py_buffer))};
  if (!w.buffers) return PyErr_NoMemory();
  tn_error *error = tn_h5_writer_new(&w.writer);
  int failed = 0;
  for (Py_ssize_t i = 0; !error && !failed && i < count; i++) failed = write_record(&w, PyList_GetItem(records, i));
  if (!error && !failed) error = tn_h5_write(w.writer, path);
  tn_h5_writer_free(w.writer);
  for (Py_ssize_t i = 0; i < w.n_buffers; i++) PyBuffer_Release(&w.buffers[i]);
  free(w.buffers);
  if (error) return tn_py_raise(error);
  return failed ? NULL : Py_NewRef(Py_None);
}

static PyMethodDef functions[] = {
    {"h5_read", h5_read, METH_O,
     "h5_read(data)\n--\n\nThe groups, datasets and attributes of an HDF5 file's bytes: a list of tuples."},
    {"h5_write", h5_write, METH_VARARGS, "h5_write(path, records)\n--\n\nWrites such a list to a file."},
    {NULL, NULL, 0, NULL}};

int tn_py_hdf5_ready(PyObject *module) { return PyModule_AddFunctions(module, functions); }
