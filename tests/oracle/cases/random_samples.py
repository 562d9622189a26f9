"""Random ops that draw as much as they need: shuffles, categorical, gamma, Poisson and bounded normal distributions."""

import numpy as np

from oracle.api import bad, case, const, program, rand, special

FLOATS = ["float32", "float64", "float16", "bfloat16"]
INTS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
INVALID = "INVALID_ARGUMENT"


def shape(*dims, dtype="int32"):
    return const(np.array(dims, dtype))


# --- shuffles ---

for dtype in [*FLOATS, *INTS, "complex64", "complex128", "bool", "string"]:
    case("RandomShuffle", rand(dtype, 7, 2), seed=3, seed2=4)
for dims in [(), (0,), (1,), (2,), (5,), (257,), (1, 3), (4, 0), (33, 3, 2)]:
    x = np.arange(int(np.prod(dims))).reshape(dims).astype("float32")
    case("RandomShuffle", x, seed=3, seed2=4, exact=True)
    key, counter, alg = np.array([9], "uint64"), np.array([4, 5], "uint64"), np.array(1, "int32")
    case("StatelessShuffle", x, key, counter, alg, exact=True)
bad("StatelessShuffle", rand("float32", 4), counter, counter, alg, code=INVALID)

# --- categorical ---

for dtype in FLOATS:
    case("Multinomial", rand(dtype, 1, 5), np.array(13, "int32"), seed=3, seed2=4)
    case("StatelessMultinomial", rand(dtype, 1, 5), np.array(13, "int32"), np.array([1, 2], "int64"))
for kind in ["int32", "int64"]:
    case("Multinomial", rand("float32", 3, 4), const(np.array(6, "int32")), seed=3, seed2=4, output_dtype=kind)
    case(
        "StatelessMultinomial", rand("float32", 3, 4), np.array(7, "int32"), np.array([1, -2], "int32"),
        output_dtype=kind,
    )  # fmt: skip
case("Multinomial", rand("float32", 3, 1), np.array(5, "int32"), seed=3)
case("Multinomial", rand("float32", 0, 4), np.array(5, "int32"), seed=3)
case("Multinomial", rand("float32", 2, 4), np.array(0, "int32"), seed=3)
case("Multinomial", special("float32")[None, :], np.array(20, "int32"), seed=3)
case("Multinomial", 20 * rand("float32", 1, 300), np.array(500, "int32"), seed=3)
bad("Multinomial", rand("float32", 4), np.array(5, "int32"), seed=3, code=INVALID)
bad("Multinomial", rand("float32", 2, 0), np.array(5, "int32"), seed=3, code=INVALID)
bad("Multinomial", rand("float32", 2, 3), np.array(-5, "int32"), seed=3, code=INVALID)
bad("Multinomial", rand("float32", 2, 3), np.array([5], "int32"), seed=3, code=INVALID)
bad("StatelessMultinomial", rand("float32", 2, 3), np.array(5, "int32"), np.array([1], "int64"), code=INVALID)

# --- gamma and Poisson ---

for dtype in ["float32", "float64", "float16"]:
    # In float64 finite differences would compare draws of two steps; float16 has no RandomGammaGrad.
    once = {} if dtype == "float32" else {"grad": False, "why": "each step draws other samples"}
    alpha = np.array([0.1, 0.5, 1.0, 1.5, 30.0]).astype(dtype)
    case("RandomGamma", shape(40), alpha, seed=3, seed2=4, rtol=2e-4, atol=1e-5, **once)
    many = rand(dtype, 2, 2) + np.dtype(dtype).type(3)
    case("RandomGamma", shape(2, 3), many, seed=3, seed2=4, rtol=2e-4, atol=1e-5, **once)
    rate = np.array([0.0, 0.3, 5.0, 12.0, 300.0]).astype(dtype)
    case("RandomPoisson", shape(40), rate, seed=3, seed2=4, exact=True)
    for kind in ["float32", "float64", "float16", "int32", "int64"]:
        case("RandomPoissonV2", shape(11, dtype="int64"), rate, seed=3, seed2=4, dtype=kind, exact=True)
for kind in ["int32", "int64"]:
    case("RandomPoissonV2", shape(9), np.array([[1, 20], [7, 100]], kind), seed=3, seed2=4, dtype="float64")
case("RandomPoissonV2", shape(), np.array(3.0, "float32"), seed=3, seed2=4, dtype="int64")
case("RandomPoissonV2", shape(2, 0), np.array([3.0], "float32"), seed=3, seed2=4, dtype="int64")
case("RandomPoissonV2", shape(3), np.array([-3.0, 2.0], "float32"), seed=3, seed2=4, dtype="float32")
bad("RandomPoissonV2", shape(2, -1), np.array([3.0], "float32"), seed=3, code=INVALID)
bad("RandomGamma", shape(2, -1), np.array([3.0], "float32"), seed=3, code=INVALID)

for dtype in ["float32", "float64"]:
    alpha = np.array([0.01, 0.3, 1, 2, 2, 50, 0, -1, 3, 0.5, 100]).astype(dtype)
    x = np.array([0.02, 0.1, 1, 0.5, 30, 55, 1, 1, 0, 1e-30, 70]).astype(dtype)
    case("RandomGammaGrad", alpha, x, rtol=1e-3, atol=1e-5)
    case("RandomGammaGrad", alpha[:3, None], x[None, 1:5], rtol=1e-3, atol=1e-5)

# --- normal numbers between bounds: each way of rejection ---

for dtype in ["float32", "float64"]:
    for mean, deviation, low, high in [
        (0.0, 1.0, -2.0, 2.0),  # wide
        (0.0, 1.0, -0.5, 0.4),  # narrow
        (0.0, 1.0, 3.0, np.inf),  # a tail
        (5.0, 2.0, -np.inf, 1.0),  # the other tail
        (1.0, 0.5, 4.0, 4.5),
        (-3.0, 2.0, -9.0, -5.0),
    ]:
        parameters = [np.array(x, dtype) for x in (mean, deviation, low, high)]
        case("ParameterizedTruncatedNormal", shape(250), *parameters, seed=3, seed2=4, exact=True)
    parameters = [np.array(x, dtype) for x in ([0.0, 1.0], 1.0, [-2.0, 1.5], [3.0])]
    case("ParameterizedTruncatedNormal", shape(2, 33), *parameters, seed=3, seed2=4, exact=True)
one, two = np.float32(1), np.float32(2)
bad("ParameterizedTruncatedNormal", shape(3), one, -one, one, two, seed=3, code=INVALID)
bad("ParameterizedTruncatedNormal", shape(3), one, one, two, one, seed=3, code=INVALID)
bad("ParameterizedTruncatedNormal", shape(3), rand("float32", 2), one, one, two, seed=3, code=INVALID)


def two_steps(op, *arrays, **attrs):
    """The second step goes on where the first one ended."""

    def build(g):
        y = g.op(op, *[g.constant(x) for x in arrays], seed=5, seed2=6, **attrs)
        return [[y], [y], [y]]

    return build


size = np.array([7], "int32")
program("shuffle in three steps", two_steps("RandomShuffle", np.arange(30, dtype="int32")))
program("categorical in three steps", two_steps("Multinomial", rand("float32", 2, 5), np.array(9, "int32")))
program("gamma in three steps", two_steps("RandomGamma", size, np.array([0.5, 2], "float64")))
program("Poisson in three steps", two_steps("RandomPoissonV2", size, np.array([0.5, 20], "float64")))
program(
    "bounded normal in three steps",
    two_steps("ParameterizedTruncatedNormal", size, *[np.array(x, "float32") for x in (0, 1, -1, 2)]),
)
