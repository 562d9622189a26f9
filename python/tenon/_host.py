"""Python functions that graphs call back: the ops PyFunc, PyFuncStateless and EagerPyFunc."""

import itertools
import sys
import traceback

import numpy as np

from tenon import _convert, _core, dtypes, errors

_numbers = itertools.count()
# What TensorFlow makes of an exception in a host function; any other one is UNKNOWN.
_CODES = (
    (TypeError, errors.InvalidArgumentError),
    (ValueError, errors.InvalidArgumentError),
    (StopIteration, errors.OutOfRangeError),
    (MemoryError, errors.ResourceExhaustedError),
    (NotImplementedError, errors.UnimplementedError),
)


def register(function, token=None):
    """Makes FUNCTION(*arrays) callable by nodes with the attribute `token`, and returns that.

    It returns an array, or a list or tuple of as many as the node has outputs, of the dtypes that the node says.
    """
    token = token or f"pyfunc_{next(_numbers)}"
    _core.host_register(token, lambda values, types: _call(function, token, values, types))
    return token


def unregister(token):
    """Forgets the function of TOKEN."""
    _core.host_unregister(token)


def _call(function, token, values, types):
    try:
        result = function(*map(_convert.to_numpy, values))
    except errors.OpError:
        raise
    except BaseException as error:
        kind = next((made for base, made in _CODES if isinstance(error, base)), errors.UnknownError)
        text = "".join(traceback.format_exception(type(error), error, error.__traceback__.tb_next))
        raise kind(f"{type(error).__name__}: {error}\n{text}") from None
    if result is None:
        result = ()
    results = result if isinstance(result, (list, tuple)) else (result,)
    if len(results) != len(types):
        raise errors.InvalidArgumentError(
            f"{token} returns {len(results)} values, but expects to see {len(types)} values."
        )
    return [_result(token, i, *pair) for i, pair in enumerate(zip(results, types))]


def _result(token, i, value, number):
    """VALUE as an array that nobody else will write to."""
    wanted = dtypes.as_dtype(number)
    if isinstance(value, _core.Value):
        return value
    array = np.asarray(value)
    found = "string" if array.dtype.kind in "SUO" else array.dtype.name
    if found != wanted.name and found != wanted.numpy.name:
        raise errors.InvalidArgumentError(f"{i}-th value returned by {token} is {found}, but expects {wanted.name}")
    # Two names here and one in the caller's list; NumPy's own views and results have no other.
    if array is value and (sys.getrefcount(array) > 5 or not array.flags.owndata):
        array = array.copy()
    return array
