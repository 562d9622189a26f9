/* Value: a tensor's elements on the Python side. Exports the buffer protocol; strings go through lists of bytes. */
#include "core.h"

PyTypeObject *tn_py_value_type;
PyObject *tn_py_convert, *tn_py_strings;

/* The struct-module letter of each dtype, as NumPy reads it. 16-bit floats without a letter, and smaller types, are
 * bits. */
static const char *const formats[TN_N_DTYPES] = {[TN_FLOAT] = "f",
                                                 [TN_DOUBLE] = "d",
                                                 [TN_INT32] = "i",
                                                 [TN_UINT8] = "B",
                                                 [TN_INT16] = "h",
                                                 [TN_INT8] = "b",
                                                 [TN_COMPLEX64] = "Zf",
                                                 [TN_INT64] = "q",
                                                 [TN_BOOL] = "?",
                                                 [TN_QINT8] = "b",
                                                 [TN_QUINT8] = "B",
                                                 [TN_QINT32] = "i",
                                                 [TN_BFLOAT16] = "H",
                                                 [TN_QINT16] = "h",
                                                 [TN_QUINT16] = "H",
                                                 [TN_UINT16] = "H",
                                                 [TN_COMPLEX128] = "Zd",
                                                 [TN_HALF] = "e",
                                                 [TN_UINT32] = "I",
                                                 [TN_UINT64] = "Q",
                                                 [TN_FLOAT8_E5M2] = "B",
                                                 [TN_FLOAT8_E4M3FN] = "B",
                                                 [TN_FLOAT8_E4M3FNUZ] = "B",
                                                 [TN_FLOAT8_E4M3B11FNUZ] = "B",
                                                 [TN_FLOAT8_E5M2FNUZ] = "B",
                                                 [TN_INT4] = "b",
                                                 [TN_UINT4] = "B",
                                                 [TN_INT2] = "b",
                                                 [TN_UINT2] = "B"};

static const char *format_of(tn_dtype dtype) { return dtype > 0 && dtype < TN_N_DTYPES ? formats[dtype] : NULL; }

PyObject *tn_py_wrap(tn_tensor *tensor) {
  value_object *self = PyObject_New(value_object, tn_py_value_type);
  if (!self) {
    tn_tensor_free(tensor);
    return NULL;
  }
  self->tensor = tensor;
  return (PyObject *)self;
}

PyObject *tn_py_wrap_result(tn_tensor *tensor) {
  if (format_of(tn_tensor_dtype(tensor)) && !tn_tensor_exclusive(tensor)) {
    int64_t dims[TN_MAX_RANK];
    for (int i = 0; i < tn_tensor_rank(tensor); i++) dims[i] = tn_tensor_dim(tensor, i);
    tn_tensor *copy;
    tn_error *error =
        tn_tensor_copy_of(tn_tensor_dtype(tensor), tn_tensor_rank(tensor), dims, tn_tensor_data(tensor), &copy);
    tn_tensor_free(tensor);
    if (error) return tn_py_raise(error);
    tensor = copy;
  }
  return tn_py_wrap(tensor);
}

/* --- from Python --- */

/* What kind of number a format letter stands for; sizes are compared apart because "l" is 4 or 8 bytes. */
static char letter_class(const char *letter) {
  if (letter[0] == 'Z') return letter[1] && !letter[2] ? 'c' : 0;
  if (letter[1]) return 0;
  if (strchr("bhilqn", letter[0])) return 'i';
  if (strchr("BHILQN", letter[0])) return 'u';
  if (strchr("efd", letter[0])) return 'f';
  return letter[0] == '?' ? '?' : 0;
}

static bool layout_fits(const Py_buffer *view, tn_dtype dtype) {
  const char *format = view->format ? view->format : "B";
  if (format[0] == '@' || format[0] == '=' || format[0] == '<') format++;
  char class = letter_class(format);
  return class && class == letter_class(formats[dtype]) && (size_t)view->itemsize == tn_dtype_size(dtype) &&
         view->ndim <= TN_MAX_RANK;
}

/* The last user of borrowed bytes may be any thread, with or without Python's lock. */
static void release_view(void *data, void *argument) {
  (void)data;
  if (!Py_IsInitialized()) return;
  PyGILState_STATE state = PyGILState_Ensure();
  PyBuffer_Release(argument);
  PyMem_Free(argument);
  PyGILState_Release(state);
}

/* 1: done, 0: the object has no buffer of this layout, -1: failed with an exception set. */
static int from_buffer(PyObject *object, tn_dtype dtype, tn_tensor **out) {
  Py_buffer *view = PyMem_Malloc(sizeof *view);
  if (!view) return PyErr_NoMemory(), -1;
  if (PyObject_GetBuffer(object, view, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS) < 0) {
    PyErr_Clear(); /* not contiguous, or of a dtype that buffers can't say */
    PyMem_Free(view);
    return 0;
  }
  if (!layout_fits(view, dtype)) {
    PyBuffer_Release(view);
    PyMem_Free(view);
    return 0;
  }
  int64_t dims[TN_MAX_RANK];
  for (int i = 0; i < view->ndim; i++) dims[i] = view->shape[i];
  tn_error *error = tn_tensor_borrow(dtype, view->ndim, dims, view->buf, (size_t)view->len, release_view, view, out);
  if (!error) return 1;
  PyBuffer_Release(view);
  PyMem_Free(view);
  tn_py_raise(error);
  return -1;
}

static int strings_of(PyObject *items, int rank, const int64_t *dims, tn_tensor **out) {
  Py_ssize_t n = PyList_Size(items);
  tn_string *elements = PyMem_Calloc((size_t)n + 1, sizeof *elements);
  if (!elements) return PyErr_NoMemory(), -1;
  int failed = 0;
  for (Py_ssize_t i = 0; i < n && !failed; i++) {
    Py_ssize_t size;
    failed = PyBytes_AsStringAndSize(PyList_GetItem(items, i), &elements[i].data, &size);
    elements[i].size = failed ? 0 : (size_t)size;
  }
  if (!failed) {
    tn_error *error = tn_tensor_strings(rank, dims, elements, out);
    if (error) failed = (tn_py_raise(error), -1);
  }
  PyMem_Free(elements);
  return failed;
}

static int from_strings(PyObject *object, tn_tensor **out) {
  PyObject *pair = PyObject_CallFunctionObjArgs(tn_py_strings, object, NULL); /* (list of bytes, shape) */
  if (!pair) return -1;
  PyObject *items;
  tn_shape shape;
  int failed = PyArg_ParseTuple(pair, "O!O&", &PyList_Type, &items, tn_py_shape, &shape) ? 0 : -1;
  int64_t n = 1;
  for (int i = 0; !failed && i < shape.rank; i++) n *= shape.dims[i];
  if (!failed && n != PyList_Size(items)) {
    PyErr_SetString(PyExc_ValueError, "strings: the shape does not fit the number of elements");
    failed = -1;
  }
  if (!failed) failed = strings_of(items, shape.rank, shape.dims, out);
  Py_DECREF(pair);
  return failed;
}

int tn_py_to_tensor(PyObject *object, tn_dtype dtype, tn_tensor **out) {
  if (Py_TYPE(object) == tn_py_value_type && tn_tensor_dtype(((value_object *)object)->tensor) == dtype) {
    *out = tn_tensor_ref(((value_object *)object)->tensor);
    return 0;
  }
  if (dtype == TN_STRING) return from_strings(object, out);
  if (!format_of(dtype)) {
    PyErr_Format(PyExc_TypeError, "a %s tensor can only be given as the Value that a step returned",
                 tn_dtype_name(dtype));
    return -1;
  }
  int done = PyObject_CheckBuffer(object) ? from_buffer(object, dtype, out) : 0;
  if (done) return done < 0 ? -1 : 0;
  PyObject *array = PyObject_CallFunction(tn_py_convert, "Oi", object, (int)dtype);
  if (!array) return -1;
  done = from_buffer(array, dtype, out);
  Py_DECREF(array);
  if (done == 0) PyErr_Format(PyExc_TypeError, "can't make a %s tensor of this value", tn_dtype_name(dtype));
  return done == 1 ? 0 : -1;
}

/* --- the type --- */

static PyObject *value_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
  static char *names[] = {"value", "dtype", NULL};
  PyObject *object;
  int dtype;
  (void)type;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "Oi", names, &object, &dtype)) return NULL;
  tn_tensor *borrowed;
  if (tn_py_to_tensor(object, (tn_dtype)dtype, &borrowed) < 0) return NULL;
  if (dtype == TN_STRING || Py_TYPE(object) == tn_py_value_type) return tn_py_wrap(borrowed);
  int64_t dims[TN_MAX_RANK];
  for (int i = 0; i < tn_tensor_rank(borrowed); i++) dims[i] = tn_tensor_dim(borrowed, i);
  tn_tensor *copy;
  tn_error *error = tn_tensor_copy_of((tn_dtype)dtype, tn_tensor_rank(borrowed), dims, tn_tensor_data(borrowed), &copy);
  tn_tensor_free(borrowed);
  return error ? tn_py_raise(error) : tn_py_wrap(copy);
}

static void value_dealloc(PyObject *self) {
  PyTypeObject *type = Py_TYPE(self);
  tn_tensor_free(((value_object *)self)->tensor);
  PyObject_Free(self);
  Py_DECREF(type);
}

static int value_getbuffer(PyObject *self, Py_buffer *view, int flags) {
  tn_tensor *tensor = ((value_object *)self)->tensor;
  const char *format = format_of(tn_tensor_dtype(tensor));
  view->obj = NULL;
  if (!format) {
    PyErr_Format(PyExc_BufferError, "a %s tensor has no buffer", tn_dtype_name(tn_tensor_dtype(tensor)));
    return -1;
  }
  int rank = tn_tensor_rank(tensor);
  Py_ssize_t *sizes = PyMem_Malloc(sizeof *sizes * (2 * (size_t)rank + 1));
  if (!sizes) return PyErr_NoMemory(), -1;
  Py_ssize_t stride = (Py_ssize_t)tn_dtype_size(tn_tensor_dtype(tensor));
  view->itemsize = stride;
  for (int i = rank - 1; i >= 0; i--) {
    sizes[i] = (Py_ssize_t)tn_tensor_dim(tensor, i);
    sizes[rank + i] = stride;
    stride *= sizes[i] > 0 ? sizes[i] : 1;
  }
  static char nothing;
  view->buf = tn_tensor_data(tensor) ? tn_tensor_data(tensor) : &nothing;
  view->obj = Py_NewRef(self);
  view->len = (Py_ssize_t)tn_tensor_bytes(tensor);
  view->readonly = 0;
  view->ndim = rank;
  view->format = flags & PyBUF_FORMAT ? (char *)format : NULL;
  view->shape = flags & PyBUF_ND ? sizes : NULL;
  view->strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? sizes + rank : NULL;
  view->suboffsets = NULL;
  view->internal = sizes;
  return 0;
}

static void value_releasebuffer(PyObject *self, Py_buffer *view) {
  (void)self;
  PyMem_Free(view->internal);
}

static PyObject *value_strings(PyObject *self, PyObject *unused) {
  (void)unused;
  tn_tensor *tensor = ((value_object *)self)->tensor;
  if (tn_tensor_dtype(tensor) != TN_STRING) return PyErr_Format(PyExc_TypeError, "strings(): not a string tensor");
  int64_t n = tn_tensor_elements(tensor);
  const tn_string *elements = tn_tensor_data(tensor);
  PyObject *list = PyList_New((Py_ssize_t)n);
  for (int64_t i = 0; list && i < n; i++) {
    PyObject *item = PyBytes_FromStringAndSize(elements[i].data, (Py_ssize_t)elements[i].size);
    if (!item || PyList_SetItem(list, (Py_ssize_t)i, item) < 0) Py_CLEAR(list);
  }
  return list;
}

static PyObject *value_dtype(PyObject *self, void *unused) {
  (void)unused;
  return PyLong_FromLong(tn_tensor_dtype(((value_object *)self)->tensor));
}

static PyObject *value_shape(PyObject *self, void *unused) {
  (void)unused;
  tn_tensor *tensor = ((value_object *)self)->tensor;
  tn_shape shape = {.rank = tn_tensor_rank(tensor)};
  for (int i = 0; i < shape.rank; i++) shape.dims[i] = tn_tensor_dim(tensor, i);
  return tn_py_from_shape(&shape);
}

static PyObject *value_address(PyObject *self, void *unused) {
  (void)unused;
  return PyLong_FromVoidPtr(tn_tensor_data(((value_object *)self)->tensor));
}

static PyMethodDef value_methods[] = {{"strings", value_strings, METH_NOARGS,
                                       "strings()\n--\n\nThe elements of a string tensor as a flat list of bytes."},
                                      {NULL, NULL, 0, NULL}};

static PyGetSetDef value_attributes[] = {{"dtype", value_dtype, NULL, "The dtype's number.", NULL},
                                         {"shape", value_shape, NULL, "The shape as a tuple.", NULL},
                                         {"address", value_address, NULL, "The address of the first element.", NULL},
                                         {NULL, NULL, NULL, NULL, NULL}};

static PyType_Slot value_slots[] = {{Py_tp_doc, "Value(value, dtype)\n--\n\nA tensor's elements; exports its buffer."},
                                    {Py_tp_new, (void *)value_new},
                                    {Py_tp_dealloc, (void *)value_dealloc},
                                    {Py_tp_methods, value_methods},
                                    {Py_tp_getset, value_attributes},
                                    {Py_bf_getbuffer, (void *)value_getbuffer},
                                    {Py_bf_releasebuffer, (void *)value_releasebuffer},
                                    {0, NULL}};

static PyType_Spec value_spec = {
    .name = "tenon._core.Value", .basicsize = sizeof(value_object), .flags = Py_TPFLAGS_DEFAULT, .slots = value_slots};

int tn_py_value_ready(PyObject *module) {
  tn_py_value_type = tn_py_add_type(module, "Value", &value_spec);
  return tn_py_value_type ? 0 : -1;
}
