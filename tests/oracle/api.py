"""What the files in cases/ are written with.

    case("MatMul", rand("float32", 3, 4), rand("float32", 4, 5), transpose_a=False)
    case("Sum", x, const(np.array([0, 1])), keep_dims=True, rtol=1e-5, atol=1e-6)
    bad("MatMul", rand("float32", 3, 4), rand("float32", 3, 5), code="INVALID_ARGUMENT")

Inputs come in order: an array is fed through a placeholder, const(array) is a Const node, var(array) a variable of the
old kind (VariableV2) and resource(array) one behind a handle, both holding ARRAY, and what they hold afterwards is
compared too; quantized("quint8", array) is fed as that dtype. A list argument is a Python list. Attributes are
keywords; dtypes are names ("float32"). Options:

    rtol, atol    tolerances; by default those of the output's dtype (integers, bools and strings are always exact)
    exact=True    both tolerances are 0
    grad=False    no gradient check; WHY says why
    static=True   the gradient needs known shapes (TensorFlow's too): it is not asked for unknown ones
    fd=False      no finite differences (the function has a corner there)
    values=False  values are not compared (their distribution has a test of its own); WHY says why
    shapes=False  shape inference is not compared; WHY says why
    tf=False      TensorFlow aborts or crashes on it (Tenon's kernels are compared with each other); WHY is printed
    expect=[...]  the values, of whoever else knows them, where TensorFlow has the op but no kernel any more; WHY says
                  who. Of a program: what each step gives, a list of values (None for an operation) or an error code

program(name, build) is for what needs several nodes or steps: state, queues, control flow. BUILD(g) gets a graph with

    g.op(type, *inputs, name=None, control_inputs=(), **attrs)   a node: its output, a list of them, or the operation
    g.constant(array), g.placeholder(dtype, shape=None), g.gradients(ys, xs, grad_ys=None)

and returns the steps, a list of fetches or (fetches, {placeholder: array}) each, which run in order in one session.
A step that fails is marked as such by its error code: ("FAILED_PRECONDITION", fetches, feeds).
"""

import os
import sys
import zlib
from dataclasses import dataclass, field

import ml_dtypes
import numpy as np

__all__ = ["bad", "case", "const", "ints", "program", "quantized", "rand", "resource", "special", "var"]

CASES = []
_streams = {}


@dataclass
class Input:
    """One input: KIND is fed, const, var or resource."""

    kind: str
    value: np.ndarray
    name: str = ""  # of a dtype that NumPy lacks

    @property
    def dtype(self):
        return self.name or dtype_name(self.value)


@dataclass
class Case:
    """One line of a file in cases/."""

    op: str
    inputs: list  # of Input, or lists of Input
    attrs: dict
    file: str
    line: int
    code: str = ""  # of bad(): the error
    options: dict = field(default_factory=dict)
    build: object = None  # of program()
    id: str = ""
    second_order: bool = False  # gradients of gradients are asked for, too

    def flat(self):
        """All inputs, lists flattened."""
        return [x for item in self.inputs for x in (item if isinstance(item, list) else [item])]

    @property
    def is_program(self):
        return self.build is not None


def dtype_name(array):
    """Tenon's name for the dtype of ARRAY."""
    return "string" if array.dtype.kind in "SUO" else array.dtype.name


def _array(value):
    """Numbers without a dtype are what TensorFlow makes of them: int32 and float32."""
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
    else:
        array = np.asarray(value)
        if array.dtype == np.float64:
            array = array.astype(np.float32)
        elif array.dtype == np.int64:
            array = array.astype(np.int32)
    if array.dtype.kind in "SU":
        items = [x if isinstance(x, bytes) else x.encode() for x in array.reshape(-1).tolist()]
        array = np.array(items, object).reshape(array.shape)
    return array


def const(value):
    """An input whose value is known when the graph is built."""
    return Input("const", _array(value))


def var(value):
    """A variable of the old kind that holds VALUE."""
    return Input("var", _array(value))


def resource(value):
    """A handle of a variable that holds VALUE."""
    return Input("resource", _array(value))


def quantized(dtype, value):
    """An array of integers that is fed as DTYPE ("quint8")."""
    return Input("fed", np.asarray(value, dtype.removeprefix("q")), dtype)


def _stream():
    """The random numbers of the file that calls: the same in every run."""
    name = os.path.basename(sys._getframe(2).f_code.co_filename)
    if name not in _streams:
        _streams[name] = np.random.RandomState(zlib.crc32(name.encode()))
    return _streams[name]


def numpy_dtype(name):
    """The NumPy dtype that has Tenon's NAME."""
    if name == "string":
        return np.dtype(object)
    return np.dtype(getattr(ml_dtypes, name)) if hasattr(ml_dtypes, name) else np.dtype(name)


def rand(dtype, *shape):
    """Random values: floats in [-2, 2), small integers, bools, short strings."""
    stream = _stream()
    if dtype == "bool":
        return stream.randint(0, 2, shape).astype(bool)
    if dtype == "string":
        words = [
            bytes(stream.randint(97, 123, stream.randint(0, 6)).astype(np.uint8)) for _ in range(int(np.prod(shape)))
        ]
        return np.array([*words, None], object)[:-1].reshape(shape)
    kind = numpy_dtype(dtype)
    if kind.kind == "u":
        return stream.randint(0, 10, shape).astype(kind)
    if kind.kind == "i":
        return stream.randint(-5, 6, shape).astype(kind)
    if kind.kind == "c":
        return (stream.uniform(-2, 2, shape) + 1j * stream.uniform(-2, 2, shape)).astype(kind)
    return np.asarray(stream.uniform(-2, 2, shape)).astype(kind)


def ints(dtype, lo, hi, *shape):
    """Random integers in [LO, HI)."""
    return np.asarray(_stream().randint(lo, hi, shape)).astype(numpy_dtype(dtype))


def special(dtype):
    """The values that go wrong: NaN, infinities, signed zeros, the ends of the range (of integers too)."""
    kind = numpy_dtype(dtype)
    if kind.kind in "iu":
        info = np.iinfo(kind)
        return np.array([info.min, info.max, 0, 1, 2, info.max - 1, info.min + 1], kind)
    if kind.kind == "c":
        parts = [np.nan, np.inf, 0.0, -0.0, 1.0, -2.5]
        return np.array([complex(a, b) for a in parts for b in parts], kind)
    info = ml_dtypes.finfo(kind)
    ends = [float(info.max), float(info.min), float(info.smallest_normal)]
    return np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, *ends], kind)


_OPTIONS = ("rtol", "atol", "exact", "grad", "static", "fd", "values", "shapes", "tf", "expect", "why")


def _input(value):
    if isinstance(value, list):
        return [_input(item) for item in value]
    return value if isinstance(value, Input) else Input("fed", _array(value))


def _add(op, inputs, attrs, code, build=None):
    frame = sys._getframe(2)
    file = os.path.basename(frame.f_code.co_filename)[:-3]
    options = {name: attrs.pop(name) for name in _OPTIONS if name in attrs}
    for name in ("grad", "values", "shapes", "tf"):
        if options.get(name, True) is False and "why" not in options:
            raise ValueError(f"{op}: {name}=False needs why='...'")
    if "expect" in options and "why" not in options:
        raise ValueError(f"{op}: expect needs why='...'")
    made = Case(
        op,
        [_input(x) for x in inputs],
        attrs,
        file,
        frame.f_lineno,
        code,
        options,
        build,
    )
    made.id = _name(made)
    CASES.append(made)


def case(op, /, *inputs, **attrs):
    """OP gives what TensorFlow gives."""
    _add(op, inputs, attrs, "")


def bad(op, /, *inputs, code, **attrs):
    """OP fails with CODE, as in TensorFlow."""
    _add(op, inputs, attrs, code)


def program(name, build, /, **options):
    """Several nodes, several steps: see above."""
    _add(name, (), options, "", build)


_SHORT = {"float": "f", "int": "i", "uint": "u", "complex": "c", "bfloat": "bf"}


def _describe(item):
    if isinstance(item, list):
        return "(" + ",".join(map(_describe, item[:3])) + (f"..{len(item)}" if len(item) > 3 else "") + ")"
    name = item.dtype.rstrip("0123456789")
    short = _SHORT.get(name, name) + item.dtype[len(name) :]
    mark = {"fed": "", "const": "=", "var": "&", "resource": "@"}[item.kind]
    if item.kind == "const" and item.value.size <= 4 and item.dtype != "string":
        return f"{short}={item.value.tolist()}".replace(" ", "")
    return mark + short + str(list(item.value.shape)).replace(" ", "")


_taken = set()


def _name(case_):
    """A short readable id, unique."""
    attrs = [f"{key}={value}".replace(" ", "")[:40] for key, value in case_.attrs.items()]
    parts = [case_.op, *map(_describe, case_.inputs), *attrs]
    text = ("bad-" if case_.code else "") + "-".join(parts)
    text = text.encode("ascii", "replace").decode().replace("::", ":")[:140]
    unique, n = text, 1
    while unique in _taken:
        n += 1
        unique = f"{text}#{n}"
    _taken.add(unique)
    return unique
