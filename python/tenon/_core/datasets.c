/* The data sets of the first steps: MNIST from its files, or the digits that the library carries; where others lie. */
#include "core.h"

/* (features, labels) of DATASET, as Values. */
static PyObject *pair_of(const tn_dataset *dataset) {
  PyObject *features = tn_py_wrap(tn_tensor_ref(tn_dataset_features(dataset)));
  PyObject *labels = features ? tn_py_wrap(tn_tensor_ref(tn_dataset_labels(dataset))) : NULL;
  PyObject *pair = labels ? PyTuple_Pack(2, features, labels) : NULL;
  Py_XDECREF(features);
  Py_XDECREF(labels);
  return pair;
}

static PyObject *load_datasets(PyObject *Py_UNUSED(module), PyObject *args) {
  const char *name, *folder = NULL;
  if (!PyArg_ParseTuple(args, "s|z", &name, &folder)) return NULL;
  tn_datasets sets = {0};
  tn_error *error;
  Py_BEGIN_ALLOW_THREADS;
  error = tn_datasets_load(name, folder, &sets);
  Py_END_ALLOW_THREADS;
  if (error) return tn_py_raise(error);
  PyObject *train = pair_of(sets.train), *test = train ? pair_of(sets.test) : NULL;
  PyObject *made = test ? Py_BuildValue("OOsO", train, test, sets.origin, sets.fallback ? Py_True : Py_False) : NULL;
  Py_XDECREF(train);
  Py_XDECREF(test);
  tn_datasets_clear(&sets);
  return made;
}

static PyObject *find_data(PyObject *Py_UNUSED(module), PyObject *args) {
  const char *name;
  if (!PyArg_ParseTuple(args, "s", &name)) return NULL;
  char *folder;
  tn_error *error = tn_data_find(name, &folder);
  if (error) return tn_py_raise(error);
  PyObject *found = PyUnicode_DecodeFSDefault(folder);
  free(folder);
  return found;
}

static PyMethodDef functions[] = {
    {"find_data", find_data, METH_VARARGS,
     "find_data(name)\n--\n\nThe folder of a data set; NotFoundError if it is nowhere."},
    {"load_datasets", load_datasets, METH_VARARGS,
     "load_datasets(name, folder=None)\n--\n\n((features, labels) to train, the same to test, where they are from, "
     "whether they are the embedded digits instead)."},
    {NULL, NULL, 0, NULL}};

int tn_py_datasets_ready(PyObject *module) { return PyModule_AddFunctions(module, functions); }
