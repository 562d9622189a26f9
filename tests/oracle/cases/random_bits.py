"""Random ops whose bits are TensorFlow's: sizes around the groups of the generator, all dtypes, two steps in a row."""

import numpy as np

from oracle.api import bad, case, const, program

FLOATS = ["float32", "float64", "float16", "bfloat16"]
SIZES = [0, 1, 3, 4, 5, 31, 255, 257, 1000, 65537]


def shape(*dims, dtype="int32"):
    return const(np.array(dims, dtype))


for op in ["RandomUniform", "RandomStandardNormal", "TruncatedNormal"]:
    for dtype in FLOATS:
        for size in SIZES if dtype == "float32" else [1, 3, 4, 257, 1001]:
            case(op, shape(size), seed=7, seed2=11, dtype=dtype, exact=True)
    case(op, shape(2, 3, 5, dtype="int64"), seed=1, seed2=0, dtype="float32", exact=True)
    case(op, shape(), seed=-5, seed2=2**40 + 1, dtype="float32", exact=True)
    case(op, shape(3, 0), seed=1, seed2=2, dtype="float32", exact=True)
    case(op, np.array([2, 7], "int32"), seed=1, seed2=2, dtype="float64", exact=True)
    bad(op, shape(3, -1), seed=1, seed2=2, dtype="float32", code="INVALID_ARGUMENT")
    bad(op, const(np.array([[2, 3]], "int32")), seed=1, seed2=2, dtype="float32", code="INVALID_ARGUMENT")

for dtype in ["int32", "int64"]:
    for size in [0, 1, 3, 4, 5, 257, 1000]:
        case("RandomUniformInt", shape(size), np.array(-7, dtype), np.array(90, dtype), seed=3, seed2=9)
    info = np.iinfo(dtype)
    case("RandomUniformInt", shape(33), np.array(info.min, dtype), np.array(info.max, dtype), seed=3, seed2=9)
    bad("RandomUniformInt", shape(3), np.array(5, dtype), np.array(5, dtype), seed=1, code="INVALID_ARGUMENT")
    bad("RandomUniformInt", shape(3), np.array([1], dtype), np.array(5, dtype), seed=1, code="INVALID_ARGUMENT")

for op, types in [
    ("StatelessRandomUniform", FLOATS),
    ("StatelessRandomNormal", FLOATS),
    ("StatelessTruncatedNormal", FLOATS),
    ("StatelessRandomUniformFullInt", ["int32", "int64", "uint32", "uint64"]),
]:
    for dtype in types:
        for size in [0, 1, 4, 5, 257, 1001]:
            case(op, shape(size), np.array([3, 2**40 + 5], "int64"), dtype=dtype, exact=True)
            key, counter = np.array([2**50 + 9], "uint64"), np.array([2**64 - 3, 77], "uint64")
            sizes = shape(size, dtype="int64")
            case(op + "V2", sizes, key, counter, np.array(1, "int32"), dtype=dtype, exact=True)
    case(op, shape(2, 3), np.array([-3, 5], "int32"), dtype=types[0], exact=True)
    case(op, shape(2, 3, dtype="int64"), np.array([0, 0], "int64"), dtype=types[0], exact=True)
    bad(op, shape(2, 3), np.array([1, 2, 3], "int64"), dtype=types[0], code="INVALID_ARGUMENT")
    bad(op, shape(2, -3), np.array([1, 2], "int64"), dtype=types[0], code="INVALID_ARGUMENT")
    key, counter = np.array([1], "uint64"), np.array([0, 0], "uint64")
    case(op + "V2", shape(7), key, counter, np.array(3, "int32"), dtype=types[0], exact=True)
    bad(op + "V2", shape(7), key, counter, np.array(9, "int32"), dtype=types[0], code="INVALID_ARGUMENT")
    bad(op + "V2", shape(7), counter, counter, np.array(1, "int32"), dtype=types[0], code="INVALID_ARGUMENT")

for dtype in ["int32", "int64"]:
    low, high = np.array(-100, dtype), np.array(1000, dtype)
    for size in [0, 1, 5, 1001]:
        case("StatelessRandomUniformInt", shape(size), np.array([3, 5], "int64"), low, high)
        case(
            "StatelessRandomUniformIntV2", shape(size), np.array([5], "uint64"), np.array([1, 2], "uint64"),
            np.array(1, "int32"), low, high,
        )  # fmt: skip
    bad("StatelessRandomUniformInt", shape(4), np.array([3, 5], "int64"), high, low, code="INVALID_ARGUMENT")

for dtype in ["int32", "int64"]:
    case("StatelessRandomGetKeyCounter", np.array([3, 5], dtype))
    case("StatelessRandomGetKeyCounterAlg", np.array([-3, 5], dtype))
    bad("StatelessRandomGetKeyCounter", np.array([3], dtype), code="INVALID_ARGUMENT")
case("StatelessRandomGetAlg")


def two_steps(op, **attrs):
    """The second step goes on where the first one ended."""

    def build(g):
        size = g.constant(np.array([37], "int32"))
        if op == "RandomUniformInt":
            bounds = [g.constant(np.array(x, "int64")) for x in (-9, 1000)]
            y = g.op(op, size, *bounds, seed=5, seed2=6)
        else:
            y = g.op(op, size, seed=5, seed2=6, **attrs)
        return [[y], [y], [y]]

    return build


for op in ["RandomUniform", "RandomStandardNormal", "TruncatedNormal"]:
    program(f"{op} in three steps", two_steps(op, dtype="float32"), exact=True)
program("RandomUniformInt in three steps", two_steps("RandomUniformInt"))
