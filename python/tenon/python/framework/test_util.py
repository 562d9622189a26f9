"""TestCase: unittest's, with sessions and comparisons of arrays."""

import contextlib
import os
import random
import re
import shutil
import tempfile
import threading
import unittest

import numpy as np

from tenon.python.framework import dtypes, errors, ops
from tenon.python.framework.tensor import Tensor
from tenon.python.framework.test_modes import (  # noqa: F401  where programs look for them
    InstallStackTraceHandler,
    assert_no_garbage_created,
    assert_no_new_tensors,
    deprecated_graph_mode_only,
    disable_all_xla,
    disable_control_flow_v2,
    disable_xla,
    enable_c_shapes,
    enable_control_flow_v2,
    is_xla_enabled,
    run_all_in_graph_and_eager_modes,
    run_deprecated_v1,
    run_in_graph_and_eager_modes,
    run_v1_only,
    run_v2_only,
    with_c_api,
    with_c_shapes,
)
from tenon.python.platform import googletest
from tenon.python.util import nest
from tenon.python.util.tf_export import tf_export


def _array(x):
    if hasattr(x, "values") and hasattr(x, "indices") and hasattr(x, "dense_shape"):
        dense = np.zeros(tuple(int(d) for d in x.dense_shape), np.asarray(x.values).dtype)
        for at, value in zip(np.asarray(x.indices), np.asarray(x.values)):
            dense[tuple(np.atleast_1d(at))] = value
        return dense
    return np.asarray(x)


@tf_export("test.TestCase")
class TestCase(unittest.TestCase):
    """A test of what uses graphs: each test begins with an empty default graph and a fixed seed."""

    def __init__(self, methodName="runTest"):
        super().__init__(methodName)
        self._threads = []
        self._tempdir = None
        self._cached_session = None
        self._cached_graph = None

    def setUp(self):
        """An empty default graph; fixed seeds for Python and NumPy."""
        super().setUp()
        self._threads = []
        random.seed(1234)
        np.random.seed(1234)
        if not ops.has_default_graph():
            ops.reset_default_graph()
            ops.get_default_graph().seed = 87654321

    def tearDown(self):
        """Ends threads and sessions that the test left."""
        for thread in self._threads:
            thread.check_termination()
        self._close_cached()
        super().tearDown()

    def _close_cached(self):
        if self._cached_session is not None:
            self._cached_session.close()
            self._cached_session = self._cached_graph = None

    def get_temp_dir(self):
        """A folder of this test alone."""
        if self._tempdir is None:
            self._tempdir = tempfile.mkdtemp(dir=googletest.GetTempDir())
            self.addCleanup(shutil.rmtree, self._tempdir, True)
        return self._tempdir

    @contextlib.contextmanager
    def captureWritesToStream(self, stream):
        """A `with` block in which what is written to STREAM (its file descriptor) is kept; `contents()` reads it."""
        descriptor = stream.fileno()
        stream.flush()
        with tempfile.TemporaryFile() as kept:
            before = os.dup(descriptor)
            os.dup2(kept.fileno(), descriptor)
            try:
                yield _Captured(stream, kept)
            finally:
                stream.flush()
                os.dup2(before, descriptor)
                os.close(before)

    # --- sessions ---

    @contextlib.contextmanager
    def session(self, graph=None, config=None, use_gpu=True, force_gpu=False):
        """A `with` block with a session."""
        from tenon.python.client.session import Session

        with Session(graph=graph, config=config) as session:
            yield session

    @contextlib.contextmanager
    def cached_session(self, graph=None, config=None, use_gpu=True, force_gpu=False):
        """A `with` block with a session that later blocks of the same test use again."""
        from tenon.python.client.session import Session

        if self._cached_session is None:
            self._cached_graph = graph
            self._cached_session = Session(graph=graph, config=config)
        elif self._cached_graph is not graph:
            raise ValueError("The graph used to get the cached session is different than the one that was used to "
                             "create the session. Maybe create a new session with self.session()")  # fmt: skip
        with self._cached_session.graph.as_default(), self._cached_session.as_default():
            yield self._cached_session

    def test_session(self, graph=None, config=None, use_gpu=True, force_gpu=False):
        """A `with` block with a session: the cached one if there is no GRAPH."""
        if graph is None:
            return self.cached_session(graph, config, use_gpu, force_gpu)
        return self.session(graph, config, use_gpu, force_gpu)

    def evaluate(self, tensors):
        """The values of tensors in the default session, or a new one; of eager tensors what they are."""
        if ops.executing_eagerly():
            return nest.map_structure(lambda t: t.numpy() if hasattr(t, "numpy") else t, tensors)
        session = ops.get_default_session()
        if session is not None:
            return session.run(tensors)
        with self.test_session() as session:
            return session.run(tensors)

    def evaluate_if_both_tensors(self, a, b):
        """(A, B), evaluated if both are tensors."""
        return self.evaluate([a, b]) if isinstance(a, Tensor) and isinstance(b, Tensor) else (a, b)

    def checkedThread(self, target, args=None, kwargs=None):
        """A thread whose errors fail the test."""
        thread = CheckedThread(self, target, args, kwargs)
        self._threads.append(thread)
        return thread

    # --- arrays ---

    def _GetNdArray(self, a):
        if isinstance(a, Tensor) or ops.is_tensor(a):
            a = self.evaluate(a)
        return _array(a)

    def _pairs(self, a, b, path="value"):
        if hasattr(a, "_asdict"):
            a = dict(a._asdict())
        if hasattr(b, "_asdict"):
            b = dict(b._asdict())
        if isinstance(a, dict) or isinstance(b, dict):
            self.assertTrue(isinstance(a, dict) and isinstance(b, dict), f"{path}: one is a dict, the other none")
            self.assertEqual(sorted(map(str, a)), sorted(map(str, b)), f"{path}: other keys")
            for key in a:
                yield from self._pairs(a[key], b[key], f"{path}[{key!r}]")
        elif isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) and self._ragged(a, b):
            self.assertEqual(len(a), len(b), f"{path}: other lengths")
            for i, (x, y) in enumerate(zip(a, b)):
                yield from self._pairs(x, y, f"{path}[{i}]")
        else:
            yield path, self._GetNdArray(a), self._GetNdArray(b)

    @staticmethod
    def _ragged(a, b):
        """True if lists hold what makes no array together."""
        return any(isinstance(x, (np.ndarray, dict, list, tuple, Tensor)) for x in (*a, *b))

    def assertAllClose(self, a, b, rtol=1e-6, atol=1e-6, msg=None):
        """Nested structures of arrays agree: |a - b| <= atol + rtol * |b|."""
        for path, x, y in self._pairs(a, b):
            self.assertEqual(x.shape, y.shape, f"{path}: shapes differ. {msg or ''}")
            if x.dtype.kind in "OSU" or y.dtype.kind in "OSU":
                np.testing.assert_array_equal(x, y, f"{path}. {msg or ''}")
            else:
                np.testing.assert_allclose(_wide(x), _wide(y), rtol, atol, err_msg=f"{path}. {msg or ''}")

    def assertAllCloseAccordingToType(self, a, b, rtol=1e-6, atol=1e-6, float_rtol=1e-6, float_atol=1e-6,
                                      half_rtol=1e-3, half_atol=1e-3, bfloat16_rtol=1e-2, bfloat16_atol=1e-2,
                                      msg=None):  # fmt: skip
        """assertAllClose with tolerances by dtype."""
        kinds = {x.dtype.name for _, *both in self._pairs(a, b) for x in both}
        for names, relative, absolute in ((("float32", "complex64"), float_rtol, float_atol),
                                          (("float16",), half_rtol, half_atol),
                                          (("bfloat16",), bfloat16_rtol, bfloat16_atol)):  # fmt: skip
            if kinds & set(names):
                rtol, atol = max(rtol, relative), max(atol, absolute)
        self.assertAllClose(a, b, rtol, atol, msg)

    def assertNotAllClose(self, a, b, rtol=1e-6, atol=1e-6, msg=None):
        """The opposite of assertAllClose."""
        try:
            self.assertAllClose(a, b, rtol, atol, msg)
        except AssertionError:
            return
        raise AssertionError(f"The two values are close at all elements. {msg or ''}")

    def assertAllEqual(self, a, b, msg=None):
        """Arrays have the same shape and elements; NaN equals NaN."""
        x, y = self._GetNdArray(a), self._GetNdArray(b)
        if x.ndim <= 3 and x.shape != y.shape:
            self.fail(f"Shape mismatch: expected {x.shape}, got {y.shape}. {msg or ''}")
        if x.dtype.kind in "OSU" or y.dtype.kind in "OSU":
            x, y = _strings(x), _strings(y)
        np.testing.assert_array_equal(x, y, msg or "")

    def assertNotAllEqual(self, a, b, msg=None):
        """The opposite of assertAllEqual."""
        try:
            self.assertAllEqual(a, b)
        except AssertionError:
            return
        raise AssertionError(f"The two values are equal at all elements. {msg or ''}")

    def _all(self, a, condition, text):
        a = self._GetNdArray(a)
        if not np.all(condition(a)):
            raise AssertionError(f"not all elements are {text}: {a}")

    def assertAllGreater(self, a, comparison_target):
        """Every element is greater."""
        self._all(a, lambda x: x > comparison_target, f"> {comparison_target}")

    def assertAllLess(self, a, comparison_target):
        """Every element is less."""
        self._all(a, lambda x: x < comparison_target, f"< {comparison_target}")

    def assertAllGreaterEqual(self, a, comparison_target):
        """Every element is greater or equal."""
        self._all(a, lambda x: x >= comparison_target, f">= {comparison_target}")

    def assertAllLessEqual(self, a, comparison_target):
        """Every element is less or equal."""
        self._all(a, lambda x: x <= comparison_target, f"<= {comparison_target}")

    def assertAllInRange(self, target, lower_bound, upper_bound, open_lower_bound=False,
                         open_upper_bound=False):  # fmt: skip
        """Every element lies within bounds."""
        self._all(target, lambda x: x > lower_bound if open_lower_bound else x >= lower_bound, f"above {lower_bound}")
        self._all(target, lambda x: x < upper_bound if open_upper_bound else x <= upper_bound, f"below {upper_bound}")

    def assertAllInSet(self, target, expected_set):
        """Every element is in a set."""
        found = set(self._GetNdArray(target).reshape(-1).tolist())
        if not found <= set(expected_set):
            raise AssertionError(f"{sorted(found - set(expected_set))} are not in {expected_set}")

    def assertDTypeEqual(self, target, expected_dtype):
        """The elements have a dtype."""
        self.assertEqual(self._GetNdArray(target).dtype, dtypes.as_dtype(expected_dtype).numpy)

    def assertShapeEqual(self, input_a, input_b, msg=None):
        """An array and a tensor have the same shape."""
        shapes = [x.get_shape().as_list() if hasattr(x, "get_shape") else list(np.shape(x)) for x in (input_a, input_b)]
        self.assertEqual(*shapes, msg)

    def assertNear(self, f1, f2, err, msg=None):
        """|f1 - f2| <= err."""
        self.assertTrue(f1 == f2 or abs(f1 - f2) <= err, f"{f1!r} != {f2!r} +/- {err!r} {msg or ''}")

    def assertArrayNear(self, farray1, farray2, err, msg=None):
        """Each pair of elements is near."""
        self.assertEqual(len(farray1), len(farray2), msg)
        for f1, f2 in zip(farray1, farray2):
            self.assertNear(float(f1), float(f2), err, msg)

    def assertNDArrayNear(self, ndarray1, ndarray2, err, msg=None):
        """The norm of the difference is at most ERR."""
        difference = np.linalg.norm(np.asarray(ndarray1) - np.asarray(ndarray2))
        self.assertTrue(difference < err, msg or f"the norm of the difference is {difference}")

    # --- other things ---

    def assertItemsEqual(self, first, second, msg=None):
        """The same items in any order."""
        return self.assertCountEqual(first, second, msg)

    def assertDictEqual(self, a, b, msg=None):
        """The same keys with equal values; arrays count by their elements."""
        self.assertEqual(sorted(map(str, a)), sorted(map(str, b)), msg)
        for key in a:
            self.assertAllEqual(a[key], b[key], msg)

    def assertStartsWith(self, actual, expected_start, msg=None):
        """A string begins so."""
        if not actual.startswith(expected_start):
            self.fail(f"{actual!r} does not start with {expected_start!r}. {msg or ''}")

    def assertDeviceEqual(self, device1, device2, msg=None):
        """Two names of devices mean the same."""
        from tenon.python.framework.device import device_text

        self.assertEqual(device_text(device1), device_text(device2), msg)

    def assertProtoEquals(self, expected_message_maybe_ascii, validate_message, msg=None,
                          relative_tolerance=None):  # fmt: skip
        """Two messages are equal; the first may be text."""
        from tenon.python.framework import proto_text

        expected = expected_message_maybe_ascii
        if isinstance(expected, (str, bytes)):
            expected = proto_text.Merge(expected, type(validate_message)())
        self.assertEqual(str(expected), str(validate_message), msg)

    def assertProtoEqualsVersion(self, expected, actual, producer=None, min_consumer=None, msg=None):
        """The same, whatever the versions."""
        copy = type(actual).FromString(actual.SerializeToString())
        copy.ClearField("versions")
        self.assertProtoEquals(expected, copy, msg)

    # --- errors ---

    @contextlib.contextmanager
    def assertRaisesWithPredicateMatch(self, exception_type, expected_err_re_or_predicate):
        """A `with` block that raises an error for which the predicate holds, or whose text the pattern finds."""
        try:
            yield
        except Exception as error:
            if callable(expected_err_re_or_predicate):
                matches = expected_err_re_or_predicate(error)
            else:
                text = error.message if isinstance(error, errors.OpError) else str(error)
                matches = re.search(expected_err_re_or_predicate, text)
            if not isinstance(error, exception_type) or not matches:
                raise AssertionError(f"Exception of type {type(error)}: {error}") from error
            return
        self.fail(f"{exception_type.__name__} not raised")

    def assertRaisesOpError(self, expected_err_re_or_predicate):
        """A `with` block that raises such an OpError."""
        return self.assertRaisesWithPredicateMatch(errors.OpError, expected_err_re_or_predicate)

    def assertRaisesIncompatibleShapesError(self, exception_type=errors.InvalidArgumentError):
        """A `with` block in which shapes don't go together."""
        return self.assertRaisesWithPredicateMatch(exception_type, r"(?i)shape|dimension")

    def assertRaisesRegexp(self, expected_exception, expected_regex, *args, **kwargs):
        """unittest's assertRaisesRegex by its old name."""
        return self.assertRaisesRegex(expected_exception, expected_regex, *args, **kwargs)


class _Captured:
    def __init__(self, stream, kept):
        self._stream = stream
        self._kept = kept

    def contents(self):
        """What was written so far."""
        self._stream.flush()
        self._kept.flush()
        self._kept.seek(0)
        return self._kept.read().decode()


class CheckedThread:
    """A thread whose errors join() raises."""

    def __init__(self, testcase, target, args=None, kwargs=None):
        self._testcase = testcase
        self._error = None
        self._finished = False
        self._thread = threading.Thread(target=self._run, args=(target, args or (), kwargs or {}))

    def _run(self, target, args, kwargs):
        try:
            target(*args, **kwargs)
        except Exception as error:
            self._error = error

    def start(self):
        """Starts it."""
        self._thread.start()

    def join(self):
        """Waits for its end; fails the test if it raised."""
        self._finished = True
        self._thread.join()
        if self._error is not None:
            self._testcase.fail(f"Error in checkedThread: {self._error}")

    def is_alive(self):
        """True while it runs."""
        return self._thread.is_alive()

    def check_termination(self):
        """AssertionError unless join was called, or it ended."""
        if not self._finished and self._thread.is_alive():
            self._testcase.fail("A checked thread was not terminated.")


def _wide(x):
    return x.astype(np.float64) if x.dtype.kind in "fV" and x.dtype.itemsize < 8 else x


def _strings(x):
    return np.array([v.encode() if isinstance(v, str) else v for v in x.reshape(-1)], object).reshape(x.shape)


TensorFlowTestCase = TestCase


@tf_export("test.assert_equal_graph_def")
def assert_equal_graph_def(actual, expected, checkpoint_v2=False, hash_table_shared_name=False):
    """AssertionError unless two GraphDefs have the same nodes, in any order."""
    nodes = []
    for definition in (actual, expected):
        found = {}
        for node in definition.node:
            copy = type(node).FromString(node.SerializeToString())
            copy.attr.pop("_output_shapes", None)
            found[node.name] = str(copy)
        nodes.append(found)
    if nodes[0] != nodes[1]:
        different = sorted(n for n in {*nodes[0], *nodes[1]} if nodes[0].get(n) != nodes[1].get(n))
        raise AssertionError(f"the graphs differ in {different}")


@tf_export("test.is_built_with_cuda")
def is_built_with_cuda():
    """False."""
    return False


@tf_export("test.is_built_with_rocm")
def is_built_with_rocm():
    """False."""
    return False


@tf_export("test.is_built_with_gpu_support")
def is_built_with_gpu_support():
    """False."""
    return False


@tf_export("test.is_built_with_xla")
def is_built_with_xla():
    """False."""
    return False


@tf_export("test.is_cpu_target_available")
def is_cpu_target_available(target):
    """False: there is no ahead-of-time compiler."""
    return False


@tf_export("test.is_gpu_available")
def is_gpu_available(cuda_only=False, min_cuda_compute_capability=None):
    """True if a GPU can run steps."""
    return bool(gpu_device_name())


@tf_export("test.gpu_device_name")
def gpu_device_name():
    """The name of the first GPU, "" if there is none."""
    from tenon.python.client import devices

    return next((d.name for d in devices.list_local_devices() if d.device_type == "GPU"), "")


@tf_export("test.disable_with_predicate")
def disable_with_predicate(pred, skip_message):
    """A decorator that skips a test where pred() holds."""

    def decorate(function):
        return unittest.skipIf(pred(), skip_message)(function)

    return decorate


@tf_export("test.with_eager_op_as_function")
def with_eager_op_as_function(cls=None, only_as_function=False):
    """CLS as it is."""
    return cls if cls is not None else lambda cls: cls


@contextlib.contextmanager
def device(use_gpu):
    """A `with` block on the CPU."""
    with ops.device("/device:CPU:0"):
        yield


def use_gpu():
    """A `with` block as it is outside."""
    return contextlib.nullcontext()


def IsMklEnabled():
    """False: TensorFlow's build with that library is meant."""
    return False
