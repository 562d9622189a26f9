"""Incomplete gamma and beta functions, as series and continued fractions in loops that end when all elements stand."""

import numpy as np

from tenon.python.framework import ops
from tenon.python.ops import array_ops, control_flow_ops, gen_ops, math_ops
from tenon.python.util.tf_export import tf_export

_STEPS = 500  # more than any double needs


def _same(*values):
    """The values as tensors of one dtype and shape."""
    first = ops.convert_to_tensor(values[0])
    tensors = [first, *(ops.convert_to_tensor(v, dtype=first.dtype.base_dtype) for v in values[1:])]
    zero = array_ops.zeros_like(first)
    for t in tensors[1:]:
        zero = zero + array_ops.zeros_like(t)
    return [t + zero for t in tensors], np.finfo(first.dtype.as_numpy_dtype).eps


def _until(step, start, small):
    """STEP(n, *state) from START until its last result, the relative change, is below SMALL everywhere."""

    def more(n, *state):
        return gen_ops.logical_and(n < _STEPS, math_ops.reduce_any(math_ops.abs(state[-1]) > small))

    def body(n, *state):
        return (n + 1, *step(math_ops.cast(n, start[0].dtype), *state[:-1]))

    change = array_ops.ones_like(start[0])
    return control_flow_ops.while_loop(more, body, (ops.convert_to_tensor(1), *start, change), back_prop=False)[1:]


def _away(x):
    """X, or a tiny number where it is 0."""
    tiny = np.finfo(x.dtype.as_numpy_dtype).tiny * 1e5
    return array_ops.where(math_ops.abs(x) < tiny, array_ops.zeros_like(x) + tiny, x)


def _lower_series(a, x, small):
    def step(n, term, total):
        term = term * x / (a + n)
        total = total + term
        return term, total, term / total

    first = gen_ops.reciprocal(a)
    return _until(step, (first, first), small)[1]


def _upper_fraction(a, x, small):
    """Lentz's way through the continued fraction of the upper function."""
    b = x + 1.0 - a
    tiny = np.finfo(x.dtype.as_numpy_dtype).tiny * 1e5
    d = gen_ops.reciprocal(_away(b))

    def step(n, c, d, value):
        factor = -n * (n - a)
        denominator = b + 2.0 * n
        d = gen_ops.reciprocal(_away(factor * d + denominator))
        c = _away(denominator + factor / c)
        change = c * d
        return c, d, value * change, change - 1.0

    return _until(step, (array_ops.zeros_like(b) + 1.0 / tiny, d, d), small)[2]


def _regularized(a, x):
    """(lower, upper) incomplete gamma functions over gamma(a)."""
    (a, x), eps = _same(a, x)
    near = x < a + 1.0
    bad = gen_ops.logical_or(x < 0.0, a <= 0.0)
    safe_a = array_ops.where(bad, array_ops.ones_like(a), a)
    positive = array_ops.where(gen_ops.logical_or(bad, math_ops.equal(x, 0.0)), array_ops.ones_like(x), x)
    scale = gen_ops.exp(safe_a * gen_ops.log(positive) - positive - gen_ops.lgamma(safe_a))
    lower = scale * _lower_series(safe_a, gen_ops.minimum(positive, safe_a + 1.0), eps)
    upper = scale * _upper_fraction(safe_a, gen_ops.maximum(positive, safe_a + 1.0), eps)
    low = array_ops.where(near, lower, 1.0 - upper)
    high = array_ops.where(near, 1.0 - lower, upper)
    none = math_ops.equal(x, 0.0)
    low = array_ops.where(none, array_ops.zeros_like(x), low)
    high = array_ops.where(none, array_ops.ones_like(x), high)
    wrong = array_ops.zeros_like(x) + np.nan
    return array_ops.where(bad, wrong, low), array_ops.where(bad, wrong, high)


@tf_export("math.igamma", "igamma")
def igamma(a, x, name=None):
    """The lower incomplete gamma function over gamma(a)."""
    with ops.name_scope(name, "Igamma", [a, x]) as scope:
        return array_ops.identity(_regularized(a, x)[0], name=scope)


@tf_export("math.igammac", "igammac")
def igammac(a, x, name=None):
    """The upper incomplete gamma function over gamma(a)."""
    with ops.name_scope(name, "Igammac", [a, x]) as scope:
        return array_ops.identity(_regularized(a, x)[1], name=scope)


def _beta_fraction(a, b, x, small):
    c = array_ops.ones_like(x)
    d = gen_ops.reciprocal(_away(1.0 - (a + b) * x / (a + 1.0)))

    def step(m, c, d, value):
        for factor in (m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m)),
                       -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))):  # fmt: skip
            d = gen_ops.reciprocal(_away(1.0 + factor * d))
            c = _away(1.0 + factor / c)
            value = value * c * d
        return c, d, value, c * d - 1.0

    return _until(step, (c, d, d), small)[2]


@tf_export("math.betainc", "betainc")
def betainc(a, b, x, name=None):
    """The regularized incomplete beta function."""
    with ops.name_scope(name, "Betainc", [a, b, x]) as scope:
        (a, b, x), eps = _same(a, b, x)
        flip = x > (a + 1.0) / (a + b + 2.0)
        p, q = array_ops.where(flip, b, a), array_ops.where(flip, a, b)
        y = array_ops.where(flip, 1.0 - x, x)
        inside = gen_ops.logical_and(y > 0.0, y < 1.0)
        safe = array_ops.where(inside, y, array_ops.zeros_like(y) + 0.5)
        logs = gen_ops.lgamma(p + q) - gen_ops.lgamma(p) - gen_ops.lgamma(q)
        scale = gen_ops.exp(logs + p * gen_ops.log(safe) + q * gen_ops.log1p(-safe)) / p
        value = array_ops.where(inside, scale * _beta_fraction(p, q, safe, eps), array_ops.zeros_like(y))
        value = array_ops.where(flip, 1.0 - value, value)
        wrong = gen_ops.logical_or(x < 0.0, x > 1.0)
        return array_ops.where(wrong, array_ops.zeros_like(x) + np.nan, value, name=scope)
