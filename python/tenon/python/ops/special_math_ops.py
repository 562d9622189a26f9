"""einsum, the logarithm of the beta function, Bessel functions."""

import re

from tenon.python.framework import ops
from tenon.python.ops import array_ops, gen_ops, math_ops
from tenon.python.util.tf_export import tf_export


@tf_export("math.lbeta", "lbeta")
def lbeta(x, name=None):
    """log of the beta function of the last dimension."""
    with ops.name_scope(name, "lbeta", [x]):
        x = ops.convert_to_tensor(x, name="x")
        one = ops.convert_to_tensor(0, dtype=x.dtype)
        logs = math_ops.reduce_sum(gen_ops.lgamma(x), axis=[-1])
        return logs - gen_ops.lgamma(math_ops.reduce_sum(x, axis=[-1]) + one)


# Chebyshev-like polynomials (Abramowitz and Stegun 9.8.1 to 9.8.4): x up to 3.75 in (x / 3.75)^2, beyond in 3.75 / x.
_I0 = (1.0, 3.5156229, 3.0899424, 1.2067492, 0.2659732, 0.0360768, 0.0045813)
_I0_FAR = (
    0.39894228,
    0.01328592,
    0.00225319,
    -0.00157565,
    0.00916281,
    -0.02057706,
    0.02635537,
    -0.01647633,
    0.00392377,
)
_I1 = (0.5, 0.87890594, 0.51498869, 0.15084934, 0.02658733, 0.00301532, 0.00032411)
_I1_FAR = (0.39894228, -0.03988024, -0.00362018, 0.00163801, -0.01031555, 0.02282967, -0.02895312, 0.01787654,
           -0.00420059)  # fmt: skip


def _polynomial(coefficients, x):
    value = array_ops.zeros_like(x) + coefficients[-1]
    for c in reversed(coefficients[:-1]):
        value = value * x + c
    return value


def _bessel(near, far, odd, scaled, x):
    magnitude = math_ops.abs(x)
    small = gen_ops.minimum(magnitude, 3.75)
    large = gen_ops.maximum(magnitude, 3.75)
    first = _polynomial(near, gen_ops.square(small / 3.75))
    if odd:
        first = first * small
    first = first * gen_ops.exp(-small) if scaled else first
    second = _polynomial(far, 3.75 / large) * gen_ops.rsqrt(large)
    second = second if scaled else second * gen_ops.exp(large)
    value = array_ops.where(magnitude <= 3.75, first, second)
    return value * gen_ops.sign(x) if odd else value


def _bessel_function(name, near, far, odd, scaled):
    def function(x, name=None):
        with ops.name_scope(name, default, [x]):
            return _bessel(near, far, odd, scaled, ops.convert_to_tensor(x, name="x"))

    default = name
    function.__name__ = name
    function.__doc__ = "A modified Bessel function of the first kind, to seven digits."
    return function


bessel_i0 = _bessel_function("bessel_i0", _I0, _I0_FAR, False, False)
bessel_i0e = _bessel_function("bessel_i0e", _I0, _I0_FAR, False, True)
bessel_i1 = _bessel_function("bessel_i1", _I1, _I1_FAR, True, False)
bessel_i1e = _bessel_function("bessel_i1e", _I1, _I1_FAR, True, True)
TF_EXPORTS = {"math.bessel_i0": "bessel_i0", "math.bessel_i0e": "bessel_i0e", "math.bessel_i1": "bessel_i1",
              "math.bessel_i1e": "bessel_i1e"}  # fmt: skip


def _output(labels):
    """The output that an equation without an arrow means: labels that are there once, in order."""
    joined = "".join(labels).replace(".", "")
    kept = "".join(sorted(c for c in set(joined) if joined.count(c) == 1))
    return ("..." if any("..." in part for part in labels) else "") + kept


@tf_export("linalg.einsum", "einsum")
def einsum(equation, *inputs, **kwargs):
    """Sums of products as the equation says, for example einsum("ij,jk->ik", a, b)."""
    name = kwargs.pop("name", None)
    kwargs.pop("optimize", None)
    if kwargs:
        raise TypeError(f"Invalid keyword arguments for this function: {', '.join(sorted(kwargs))}")
    equation = equation.replace(" ", "")
    if not re.fullmatch(r"(\.\.\.|[a-zA-Z.,])+(->[a-zA-Z.]*)?", equation):
        raise ValueError(f"Indices have incorrect format: {equation}")
    left, arrow, output = equation.partition("->")
    labels = left.split(",")
    if len(labels) != len(inputs):
        raise ValueError(f"Expected {len(labels)} arguments for equation {equation}, got {len(inputs)}")
    output = output if arrow else _output(labels)
    with ops.name_scope(name, "einsum", list(inputs)):
        values = [ops.convert_to_tensor(x) for x in inputs]
        for label, value in zip(labels, values):
            rank = value.get_shape().ndims
            if rank is not None and "." not in label and rank != len(label):
                raise ValueError(f"Unexpected number of dimensions: {label} has {len(label)}, the input {rank}")
        while len(values) > 2:
            rest = set("".join(labels[2:]) + output)
            middle = "".join(dict.fromkeys(c for c in labels[0] + labels[1] if c != "." and c in rest))
            dots = "..." if "." in labels[0] + labels[1] else ""
            joined = gen_ops.einsum(values[:2], equation=f"{labels[0]},{labels[1]}->{dots}{middle}")
            values, labels = [joined, *values[2:]], [dots + middle, *labels[2:]]
        return gen_ops.einsum(values, equation=f"{','.join(labels)}->{output}")
