/* RemoteFile and RemoteWriter, and functions on paths: files at addresses (hdfs://, s3://) as Python sees them. */
#include "core.h"

typedef struct file_object {
  PyObject ob_base;
  tn_file *file; /* NULL: closed */
} file_object;

typedef struct output_object {
  PyObject ob_base;
  tn_file_writer *writer; /* NULL: ended */
} output_object;

static PyTypeObject *file_type, *output_type;

static PyObject *new_object(PyTypeObject *type) {
  allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
  return allocate(type, 0);
}

static void free_object(PyObject *self) {
  PyTypeObject *type = Py_TYPE(self);
  freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
  release(self);
  Py_DECREF(type);
}

static PyObject *result(tn_error *error) { return error ? tn_py_raise(error) : Py_NewRef(Py_None); }

/* --- RemoteFile --- */

static PyObject *file_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
  const char *path;
  tn_file *file;
  tn_error *error;
  (void)keywords;
  if (!PyArg_ParseTuple(args, "s", &path)) return NULL;
  TN_PY_UNLOCKED(error, tn_file_open(path, &file));
  if (error) return tn_py_raise(error);
  file_object *self = (file_object *)new_object(type);
  if (self)
    self->file = file;
  else
    tn_file_close(file);
  return (PyObject *)self;
}

static void file_free(PyObject *object) {
  tn_file_close(((file_object *)object)->file);
  free_object(object);
}

static PyObject *file_size(PyObject *object, PyObject *unused) {
  (void)unused;
  return PyLong_FromUnsignedLongLong(tn_file_size(((file_object *)object)->file));
}

static PyObject *file_read(PyObject *object, PyObject *args) {
  unsigned long long offset;
  Py_ssize_t size;
  tn_file *file = ((file_object *)object)->file;
  if (!PyArg_ParseTuple(args, "Kn", &offset, &size)) return NULL;
  uint64_t left = offset < tn_file_size(file) ? tn_file_size(file) - offset : 0;
  if (size < 0 || (uint64_t)size > left) size = (Py_ssize_t)left;
  PyObject *bytes = PyBytes_FromStringAndSize(NULL, size);
  if (!bytes) return NULL;
  tn_error *error;
  char *data = PyBytes_AsString(bytes);
  TN_PY_UNLOCKED(error, tn_file_read_at(file, offset, data, (size_t)size));
  if (!error) return bytes;
  Py_DECREF(bytes);
  return tn_py_raise(error);
}

static PyMethodDef file_methods[] = {
    {"size", file_size, METH_NOARGS, "size()\n--\n\nThe number of bytes when it was opened."},
    {"read", file_read, METH_VARARGS,
     "read(offset, n)\n--\n\nN bytes (-1: all) from an offset on, or as many as are there."},
    {NULL, NULL, 0, NULL}};

static PyType_Slot file_slots[] = {
    {Py_tp_new, file_new}, {Py_tp_dealloc, file_free}, {Py_tp_methods, file_methods}, {0, NULL}};
static PyType_Spec file_spec = {.name = "tenon._core.RemoteFile",
                                .basicsize = sizeof(file_object),
                                .flags = Py_TPFLAGS_DEFAULT,
                                .slots = file_slots};

/* --- RemoteWriter --- */

static PyObject *output_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
  static const char modes[] = "wxao"; /* in the order of tn_write_mode */
  const char *path, *mode;
  tn_file_writer *writer;
  tn_error *error;
  (void)keywords;
  if (!PyArg_ParseTuple(args, "ss", &path, &mode)) return NULL;
  const char *found = *mode && !mode[1] ? strchr(modes, *mode) : NULL;
  if (!found) {
    PyErr_Format(PyExc_ValueError, "mode %s is not one of w, x, a and o", mode);
    return NULL;
  }
  TN_PY_UNLOCKED(error, tn_file_begin(path, (tn_write_mode)(found - modes), &writer));
  if (error) return tn_py_raise(error);
  output_object *self = (output_object *)new_object(type);
  if (self)
    self->writer = writer;
  else
    tn_file_abandon(writer);
  return (PyObject *)self;
}

static void output_free(PyObject *object) {
  tn_file_abandon(((output_object *)object)->writer);
  free_object(object);
}

static tn_file_writer *opened(PyObject *object) {
  tn_file_writer *writer = ((output_object *)object)->writer;
  if (!writer) PyErr_SetString(PyExc_ValueError, "the file is closed");
  return writer;
}

static PyObject *output_write(PyObject *object, PyObject *args) {
  const char *data;
  Py_ssize_t size;
  tn_error *error;
  tn_file_writer *writer = opened(object);
  if (!writer || !PyArg_ParseTuple(args, "y#", &data, &size)) return NULL;
  TN_PY_UNLOCKED(error, tn_file_write(writer, data, (size_t)size));
  return result(error);
}

static PyObject *output_flush(PyObject *object, PyObject *unused) {
  tn_error *error;
  tn_file_writer *writer = opened(object);
  (void)unused;
  if (!writer) return NULL;
  TN_PY_UNLOCKED(error, tn_file_flush(writer));
  return result(error);
}

static PyObject *output_commit(PyObject *object, PyObject *unused) {
  tn_error *error;
  tn_file_writer *writer = opened(object);
  (void)unused;
  if (!writer) return NULL;
  ((output_object *)object)->writer = NULL;
  TN_PY_UNLOCKED(error, tn_file_commit(writer));
  return result(error);
}

static PyMethodDef output_methods[] = {
    {"write", output_write, METH_VARARGS, "write(data)\n--\n\nAdds bytes."},
    {"flush", output_flush, METH_NOARGS,
     "flush()\n--\n\nPuts what was written where it is safe, and shows it unless the mode is w."},
    {"commit", output_commit, METH_NOARGS, "commit()\n--\n\nEnds the file."},
    {NULL, NULL, 0, NULL}};

static PyType_Slot output_slots[] = {
    {Py_tp_new, output_new}, {Py_tp_dealloc, output_free}, {Py_tp_methods, output_methods}, {0, NULL}};
static PyType_Spec output_spec = {.name = "tenon._core.RemoteWriter",
                                  .basicsize = sizeof(output_object),
                                  .flags = Py_TPFLAGS_DEFAULT,
                                  .slots = output_slots};

/* --- functions --- */

static PyObject *stat_path(PyObject *module, PyObject *args) {
  const char *path;
  tn_file_info info;
  tn_error *error;
  (void)module;
  if (!PyArg_ParseTuple(args, "s", &path)) return NULL;
  TN_PY_UNLOCKED(error, tn_path_stat(path, &info));
  if (error) return tn_py_raise(error);
  return Py_BuildValue("KLO", (unsigned long long)info.size, (long long)info.modified_ns,
                       info.folder ? Py_True : Py_False);
}

/* The names that FIND puts into a list. */
static PyObject *names_of(PyObject *args, tn_error *(*find)(const char *path, tn_names *out)) {
  const char *path;
  tn_names names = {0};
  tn_error *error;
  if (!PyArg_ParseTuple(args, "s", &path)) return NULL;
  TN_PY_UNLOCKED(error, find(path, &names));
  if (error) return tn_py_raise(error);
  PyObject *list = PyList_New((Py_ssize_t)names.n);
  for (size_t i = 0; list && i < names.n; i++) {
    PyObject *name = PyUnicode_DecodeFSDefault(names.names[i]);
    if (!name || PyList_SetItem(list, (Py_ssize_t)i, name) < 0) Py_CLEAR(list);
  }
  tn_names_clear(&names);
  return list;
}

static PyObject *list_path(PyObject *module, PyObject *args) {
  (void)module;
  return names_of(args, tn_path_list);
}

static PyObject *glob_path(PyObject *module, PyObject *args) {
  (void)module;
  return names_of(args, tn_path_glob);
}

static PyObject *with_path(PyObject *args, tn_error *(*act)(const char *path)) {
  const char *path;
  tn_error *error;
  if (!PyArg_ParseTuple(args, "s", &path)) return NULL;
  TN_PY_UNLOCKED(error, act(path));
  return result(error);
}

static PyObject *remove_path(PyObject *module, PyObject *args) {
  (void)module;
  return with_path(args, tn_path_remove);
}

static PyObject *remove_tree(PyObject *module, PyObject *args) {
  (void)module;
  return with_path(args, tn_path_remove_tree);
}

static PyObject *make_folders(PyObject *module, PyObject *args) {
  (void)module;
  return with_path(args, tn_make_folders);
}

static PyObject *rename_path(PyObject *module, PyObject *args) {
  const char *from, *to;
  tn_error *error;
  (void)module;
  if (!PyArg_ParseTuple(args, "ss", &from, &to)) return NULL;
  TN_PY_UNLOCKED(error, tn_path_rename(from, to));
  return result(error);
}

static PyMethodDef functions[] = {
    {"path_stat", stat_path, METH_VARARGS,
     "path_stat(path)\n--\n\n(bytes, nanoseconds since 1970, whether it is a folder)."},
    {"path_list", list_path, METH_VARARGS,
     "path_list(path)\n--\n\nThe names in a folder, those of folders with a slash."},
    {"path_glob", glob_path, METH_VARARGS, "path_glob(pattern)\n--\n\nThe paths that match a pattern."},
    {"path_remove", remove_path, METH_VARARGS, "path_remove(path)\n--\n\nRemoves a file."},
    {"path_remove_tree", remove_tree, METH_VARARGS,
     "path_remove_tree(path)\n--\n\nRemoves a file or a folder with what is in it."},
    {"path_make_folders", make_folders, METH_VARARGS,
     "path_make_folders(path)\n--\n\nMakes a folder and those above it."},
    {"path_rename", rename_path, METH_VARARGS, "path_rename(old, new)\n--\n\nGives a file or folder another name."},
    {NULL, NULL, 0, NULL}};

int tn_py_paths_ready(PyObject *module) {
  file_type = tn_py_add_type(module, "RemoteFile", &file_spec);
  output_type = tn_py_add_type(module, "RemoteWriter", &output_spec);
  return file_type && output_type ? PyModule_AddFunctions(module, functions) : -1;
}
