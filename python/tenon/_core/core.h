/* The extension module tenon._core: a thin layer over the public C API. What its files share. */
#ifndef TENON_PYTHON_CORE_H
#define TENON_PYTHON_CORE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/tenon.h>

/* --- the types, made by their files' tn_py_*_ready; nodes are ids and outputs are (id, index) tuples on the Python
 * side --- */
typedef struct value_object {
  PyObject ob_base;
  tn_tensor *tensor;
} value_object;

typedef struct graph_object {
  PyObject ob_base;
  tn_graph *graph;
  PyObject *callbacks; /* a list that keeps user-defined gradients alive */
} graph_object;

extern PyTypeObject *tn_py_value_type;
extern PyTypeObject *tn_py_graph_type;
/* Each adds its types (and functions) to MODULE; -1 with an exception set. */
int tn_py_value_ready(PyObject *module);
int tn_py_graph_ready(PyObject *module);
int tn_py_session_ready(PyObject *module);
int tn_py_registry_ready(PyObject *module);
int tn_py_files_ready(PyObject *module);
int tn_py_host_ready(PyObject *module);
int tn_py_record_ready(PyObject *module);
int tn_py_server_ready(PyObject *module);
int tn_py_datasets_ready(PyObject *module);
int tn_py_hdf5_ready(PyObject *module);
int tn_py_paths_ready(PyObject *module);
/* Makes a heap type from SPEC and adds it to MODULE under NAME; NULL with an exception set. */
PyTypeObject *tn_py_add_type(PyObject *module, const char *name, PyType_Spec *spec);

/* --- errors --- */
/* Sets the Python exception for ERROR and frees it. Returns NULL, for return statements. */
PyObject *tn_py_raise(tn_error *error);

/* What may wait for another machine runs without the interpreter's lock. */
#define TN_PY_UNLOCKED(error, call)                                                                                    \
  do {                                                                                                                 \
    PyThreadState *state = PyEval_SaveThread();                                                                        \
    (error) = (call);                                                                                                  \
    PyEval_RestoreThread(state);                                                                                       \
  } while (0)

/* --- values --- */
/* Wraps TENSOR, taking over the reference; NULL with an exception set. */
PyObject *tn_py_wrap(tn_tensor *tensor);
/* The same for what a step returned: bytes that something else holds too are copied, so that Python may write to them.
 */
PyObject *tn_py_wrap_result(tn_tensor *tensor);
/* A tensor of DTYPE on OBJECT's bytes (without a copy where its buffer has that layout). -1 with an exception set. */
int tn_py_to_tensor(PyObject *object, tn_dtype dtype, tn_tensor **out);
/* Python functions that tenon/_convert.py registers: convert(object, dtype), strings(object). */
extern PyObject *tn_py_convert;
extern PyObject *tn_py_strings;

/* --- arguments: -1 with an exception set --- */
/* A PyArg_ParseTuple converter: None or a sequence of sizes (None or -1: unknown) to a tn_shape. */
int tn_py_shape(PyObject *object, void *shape);
PyObject *tn_py_from_shape(const tn_shape *shape);
/* An integer in [LOW, HIGH], or -1 with an exception set that names it WHAT. LOW is at least 0. */
long tn_py_index(PyObject *object, long low, long high, const char *what);
int tn_py_node(graph_object *graph, PyObject *object, tn_node **out);
int tn_py_output(graph_object *graph, PyObject *object, tn_output *out);
/* Arrays from sequences, to be freed with PyMem_Free; *OUT is never NULL on success. */
int tn_py_nodes(graph_object *graph, PyObject *sequence, tn_node ***out, size_t *n);
int tn_py_outputs(graph_object *graph, PyObject *sequence, tn_output **out, size_t *n);
/* The (id, index) tuple of OUTPUT; None where its node is NULL. */
PyObject *tn_py_from_output(tn_output output);
/* The array of OUTPUTS as a list. */
PyObject *tn_py_from_outputs(const tn_output *outputs, size_t n);
/* The dtypes of NODE's outputs as a tuple of numbers. */
PyObject *tn_py_dtypes_of(tn_node *node);
/* A bytes object of DATA, which is freed. */
PyObject *tn_py_take_bytes(char *data, size_t size);
/* The items of SEQUENCE as a new tuple; NULL with an exception set. */
PyObject *tn_py_tuple(PyObject *sequence);

/* --- building and gradients: methods of Graph that have files of their own --- */
PyObject *tn_py_graph_add(PyObject *self, PyObject *args);
PyObject *tn_py_graph_create(PyObject *self, PyObject *args);
PyObject *tn_py_graph_gradients(PyObject *self, PyObject *args);
PyObject *tn_py_graph_register_gradient(PyObject *self, PyObject *args);

/* --- functions: the same --- */
PyObject *tn_py_graph_add_function(PyObject *self, PyObject *def);
PyObject *tn_py_graph_to_function(PyObject *self, PyObject *args);
PyObject *tn_py_graph_function_def(PyObject *self, PyObject *name);
PyObject *tn_py_graph_function_names(PyObject *self, PyObject *nothing);
PyObject *tn_py_graph_copy_functions(PyObject *self, PyObject *from);

/* --- Ctrl-C --- */
/* On the main thread: a token that cancel_step() cancels while a step runs, and Ctrl-C where SIGINT has its default
 * handler. NULL without an exception elsewhere. TOKEN, if not NULL, is used instead of one of our own. Call
 * tn_py_interrupt_end after the step. */
tn_cancellation *tn_py_interrupt_begin(tn_cancellation *token);
/* Ends what begin started; true if Ctrl-C or cancel_step came. */
bool tn_py_interrupt_end(void);
/* cancel_step(), from any thread: whether the main thread was in a step. */
PyObject *tn_py_cancel_step(PyObject *self, PyObject *nothing);

#endif
