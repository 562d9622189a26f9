"""Second gradients of the elementwise ops."""

import numpy as np

from oracle.api import program, rand

UNARY = {
    "Abs": (-2, 2), "Exp": (-2, 2), "Expm1": (-2, 2), "Log": (0.2, 3), "Log1p": (-0.5, 3), "Sqrt": (0.2, 3),
    "Rsqrt": (0.2, 3), "Square": (-2, 2), "Reciprocal": (0.3, 3), "Inv": (0.3, 3), "Sin": (-2, 2), "Cos": (-2, 2),
    "Tan": (-1, 1), "Asin": (-0.8, 0.8), "Acos": (-0.8, 0.8), "Atan": (-2, 2), "Sinh": (-2, 2), "Cosh": (-2, 2),
    "Tanh": (-2, 2), "Asinh": (-2, 2), "Acosh": (1.2, 3), "Atanh": (-0.8, 0.8), "Sigmoid": (-3, 3), "Erf": (-2, 2),
    "Erfc": (-2, 2), "Erfinv": (-0.8, 0.8), "Ndtri": (0.1, 0.9), "Lgamma": (0.3, 4), "Digamma": (0.3, 4),
    "Relu": (-2, 2), "Relu6": (-2, 8), "Elu": (-2, 2), "Selu": (-2, 2), "LeakyRelu": (-2, 2), "Softplus": (-3, 3),
}  # fmt: skip
BINARY = [
    "AddV2", "Sub", "Mul", "RealDiv", "Div", "DivNoNan", "MulNoNan", "Xdivy", "Xlogy", "Xlog1py", "Maximum", "Minimum",
    "Pow", "SquaredDifference", "Atan2", "FloorMod",
]  # fmt: skip
PAIRS = [
    "SigmoidGrad", "TanhGrad", "SqrtGrad", "RsqrtGrad", "ReciprocalGrad", "InvGrad", "ReluGrad", "Relu6Grad",
    "LeakyReluGrad", "EluGrad", "SeluGrad", "SoftplusGrad",
]  # fmt: skip


def twice(g, y, xs, values):
    """Steps: y, its gradients, and the gradients of their sum of squares."""
    first = g.gradients([y], xs)
    present = [d for d in first if d is not None]
    squares = [g.op("Square", d) for d in present]
    second = [d for d in g.gradients(squares, xs) if d is not None]
    return [([y, *present, *second], dict(zip(xs, values)))]


def unary(op, low, high):
    """A program for an op of one argument."""
    x = low + (high - low) * (rand("float64", 3, 4) + 2) / 4

    def build(g):
        fed = g.placeholder("float64", [3, 4])
        return twice(g, g.op(op, fed), [fed], [x])

    program(f"second {op}", build)


def binary(op, second):
    """A program for an op of two arguments, the second of which may be a row."""
    x = np.abs(rand("float64", 3, 4)) + 0.3
    y = np.abs(rand("float64", *second)) + 0.3

    def build(g):
        a, b = g.placeholder("float64", [3, 4]), g.placeholder("float64", list(second))
        return twice(g, g.op(op, a, b), [a, b], [x, y])

    program(f"second {op}", build)


for name, (lowest, highest) in UNARY.items():
    unary(name, lowest, highest)
for name in BINARY:
    binary(name, (4,))
for name in PAIRS:
    binary(name, (3, 4))
