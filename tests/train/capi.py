"""The C model API through ctypes: what the comparisons with TensorFlow need of it."""

import ctypes as c
from pathlib import Path

import numpy as np

BUILD = Path(__file__).resolve().parents[2] / "build"
lib = c.CDLL(str(BUILD / "libtenon.so"))
DTYPES = {"float32": 1, "int64": 9, "int32": 3, "uint8": 4}


class Schedule(c.Structure):
    _fields_ = [
        ("kind", c.c_int), ("rate", c.c_float), ("steps", c.c_int64), ("decay", c.c_float), ("end", c.c_float),
        ("power", c.c_float), ("alpha", c.c_float), ("staircase", c.c_bool), ("cycle", c.c_bool), ("n", c.c_size_t),
        ("boundaries", c.POINTER(c.c_int64)), ("values", c.POINTER(c.c_float)),
    ]  # fmt: skip


class Optimizer(c.Structure):
    _fields_ = [
        ("method", c.c_int), ("rate", Schedule), ("momentum", c.c_float), ("nesterov", c.c_bool),
        ("beta1", c.c_float), ("beta2", c.c_float), ("epsilon", c.c_float), ("rho", c.c_float), ("centered", c.c_bool),
        ("initial", c.c_float), ("power", c.c_float), ("l1", c.c_float), ("l2", c.c_float), ("clip_value", c.c_float),
        ("clip_norm", c.c_float), ("clip_global_norm", c.c_float), ("average", c.c_float),
    ]  # fmt: skip


class FitOptions(c.Structure):
    _fields_ = [
        ("epochs", c.c_int), ("batch_size", c.c_int64), ("in_order", c.c_bool), ("validation", c.c_void_p),
        ("patience", c.c_int), ("checkpoint", c.c_char_p), ("save_steps", c.c_int64), ("max_to_keep", c.c_int),
        ("resume", c.c_bool), ("verbose", c.c_bool), ("on_batch", c.c_void_p), ("on_epoch", c.c_void_p),
        ("argument", c.c_void_p),
    ]  # fmt: skip


def declare(name, result, *arguments):
    function = getattr(lib, name)
    function.restype, function.argtypes = result, arguments
    return function


for name in ("tn_sgd", "tn_adam", "tn_rmsprop", "tn_adagrad", "tn_adadelta", "tn_ftrl"):
    declare(name, Optimizer, c.c_float)
declare("tn_momentum", Optimizer, c.c_float, c.c_float)
declare("tn_model_new", c.c_void_p, c.c_void_p)
declare("tn_model_free", None, c.c_void_p)
declare("tn_model_error", c.c_void_p, c.c_void_p)
declare("tn_error_message", c.c_char_p, c.c_void_p)
declare("tn_error_code", c.c_int, c.c_void_p)
declare("tn_tensor_copy_of", c.c_void_p, c.c_int, c.c_int, c.POINTER(c.c_int64), c.c_void_p, c.POINTER(c.c_void_p))
declare("tn_tensor_free", None, c.c_void_p)
declare("tn_dataset_new", c.c_void_p, c.c_void_p, c.c_void_p, c.POINTER(c.c_void_p))
declare("tn_dataset_free", None, c.c_void_p)
declare("tn_model_input", None, c.c_void_p, c.c_int, c.POINTER(c.c_int64))
declare("tn_model_dense", None, c.c_void_p, c.c_int64, c.c_char_p)
declare("tn_model_embedding", None, c.c_void_p, c.c_int64, c.c_int64)
declare("tn_model_flatten", None, c.c_void_p)
declare("tn_model_batch_norm", None, c.c_void_p, c.c_char_p)
declare("tn_model_conv2d", None, c.c_void_p, c.c_int64, c.c_int, c.c_char_p)
declare("tn_model_max_pool", None, c.c_void_p, c.c_int)
declare("tn_model_compile", None, c.c_void_p, Optimizer, c.c_char_p, c.c_char_p)
declare("tn_model_fit", None, c.c_void_p, c.c_void_p, c.POINTER(FitOptions))
declare("tn_model_evaluate", c.c_double, c.c_void_p, c.c_void_p, c.c_void_p)
declare("tn_model_save", None, c.c_void_p, c.c_char_p)
declare("tn_model_restore", None, c.c_void_p, c.c_char_p)


def check(error):
    if error:
        raise RuntimeError(lib.tn_error_message(error).decode())


def tensor(array):
    """A tn_tensor with a copy of ARRAY."""
    array, out = np.asarray(array, order="C"), c.c_void_p()
    dims = (c.c_int64 * max(array.ndim, 1))(*array.shape)
    check(lib.tn_tensor_copy_of(DTYPES[array.dtype.name], array.ndim, dims, array.ctypes.data, c.byref(out)))
    return out


def dataset(features, labels):
    """A tn_dataset; the caller frees it."""
    x, y, out = tensor(features), tensor(labels), c.c_void_p()
    check(lib.tn_dataset_new(x, y, c.byref(out)))
    lib.tn_tensor_free(x)
    lib.tn_tensor_free(y)
    return out


class Model:
    """A tn_model; MODEL.dense(3, b"relu") calls tn_model_dense. Errors raise."""

    def __init__(self, *shape):
        self.handle = lib.tn_model_new(None)
        lib.tn_model_input(self.handle, len(shape), (c.c_int64 * max(len(shape), 1))(*shape))

    def __getattr__(self, name):
        def call(*arguments):
            result = getattr(lib, "tn_model_" + name)(self.handle, *arguments)
            check(lib.tn_model_error(self.handle))
            return result

        return call

    def __del__(self):
        lib.tn_model_free(self.handle)
