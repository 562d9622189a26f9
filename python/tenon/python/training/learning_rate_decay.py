"""Learning rates that go down with the global step."""

import math

from tenon.python.framework import constant_op, ops
from tenon.python.ops import control_flow_ops, gen_ops, math_ops, random_ops
from tenon.python.util.tf_export import tf_export


def _needs_step(global_step, what):
    if global_step is None:
        raise ValueError(f"global_step is required for {what}.")


def _start(learning_rate, *values):
    """The learning rate as a tensor, and the others in its dtype."""
    rate = ops.convert_to_tensor(learning_rate, name="learning_rate")
    return rate, [math_ops.cast(v, rate.dtype) for v in values]


@tf_export("train.exponential_decay")
def exponential_decay(learning_rate, global_step, decay_steps, decay_rate, staircase=False, name=None):
    """learning_rate * decay_rate ^ (global_step / decay_steps); STAIRCASE: whole numbers of steps."""
    _needs_step(global_step, "exponential_decay")
    with ops.name_scope(name, "ExponentialDecay", [learning_rate, global_step, decay_steps, decay_rate]) as scope:
        rate, (steps, factor) = _start(learning_rate, decay_steps, decay_rate)
        p = math_ops.cast(global_step, rate.dtype) / steps
        if staircase:
            p = gen_ops.floor(p)
        return gen_ops.mul(rate, math_ops.pow(factor, p), name=scope)


@tf_export("train.piecewise_constant", "train.piecewise_constant_decay")
def piecewise_constant(x, boundaries, values, name=None):
    """values[0] up to boundaries[0], values[1] up to boundaries[1], ... and values[-1] after the last."""
    if len(boundaries) != len(values) - 1:
        raise ValueError("The length of boundaries should be 1 less than the length of values")
    with ops.name_scope(name, "PiecewiseConstant", [x, *boundaries, *values]):
        x_recomp = ops.convert_to_tensor(x)
        boundaries = list(ops.convert_n_to_tensor(boundaries))
        values = ops.convert_n_to_tensor(values)
        for i, b in enumerate(boundaries):
            if b.dtype.base_dtype != x_recomp.dtype.base_dtype:
                if b.dtype.base_dtype.name == "int32" and x_recomp.dtype.base_dtype.name == "int64":
                    boundaries[i] = math_ops.cast(b, x_recomp.dtype.base_dtype)
                else:
                    raise ValueError(f"Boundaries ({b.dtype.base_dtype}) must have the same dtype as x "
                                     f"({x_recomp.dtype.base_dtype}).")  # fmt: skip
        for v in values[1:]:
            if v.dtype.base_dtype != values[0].dtype.base_dtype:
                raise ValueError(f"Values must have elements all with the same dtype ({values[0].dtype.base_dtype} vs "
                                 f"{v.dtype.base_dtype}).")  # fmt: skip
        pairs = [(x_recomp <= boundaries[0], lambda: values[0]), (x_recomp > boundaries[-1], lambda: values[-1])]
        for low, high, v in zip(boundaries[:-1], boundaries[1:], values[1:-1]):
            pred = gen_ops.logical_and(x_recomp > low, x_recomp <= high)
            pairs.append((pred, lambda v=v: v))
        return control_flow_ops.case(pairs, lambda: values[0], exclusive=True)


piecewise_constant_decay = piecewise_constant


@tf_export("train.polynomial_decay")
def polynomial_decay(learning_rate, global_step, decay_steps, end_learning_rate=0.0001, power=1.0, cycle=False,
                     name=None):  # fmt: skip
    """From learning_rate to end_learning_rate within decay_steps; CYCLE: up again at the end, over more steps."""
    _needs_step(global_step, "polynomial_decay")
    with ops.name_scope(name, "PolynomialDecay",
                        [learning_rate, global_step, decay_steps, end_learning_rate, power]) as scope:  # fmt: skip
        rate, (end, exponent) = _start(learning_rate, end_learning_rate, power)
        step = math_ops.cast(global_step, rate.dtype)
        steps = math_ops.cast(decay_steps, rate.dtype)
        if cycle:
            times = control_flow_ops.cond(
                math_ops.equal(step, 0), lambda: constant_op.constant(1.0, dtype=rate.dtype),
                lambda: gen_ops.ceil(step / math_ops.cast(decay_steps, rate.dtype)),
            )  # fmt: skip
            steps = gen_ops.mul(steps, times)
        else:
            step = gen_ops.minimum(step, steps)
        p = gen_ops.real_div(step, steps)
        return math_ops.add(gen_ops.mul(rate - end, math_ops.pow(1 - p, exponent)), end, name=scope)


@tf_export("train.natural_exp_decay")
def natural_exp_decay(learning_rate, global_step, decay_steps, decay_rate, staircase=False, name=None):
    """learning_rate * exp(-decay_rate * global_step / decay_steps)."""
    factor = gen_ops.exp(gen_ops.neg(ops.convert_to_tensor(decay_rate, name="decay_rate")))
    return exponential_decay(learning_rate, global_step, decay_steps, factor, staircase, name)


@tf_export("train.inverse_time_decay")
def inverse_time_decay(learning_rate, global_step, decay_steps, decay_rate, staircase=False, name=None):
    """learning_rate / (1 + decay_rate * global_step / decay_steps)."""
    _needs_step(global_step, "inverse_time_decay")
    with ops.name_scope(name, "InverseTimeDecay", [learning_rate, global_step, decay_rate]) as scope:
        rate, (steps, factor) = _start(learning_rate, decay_steps, decay_rate)
        p = math_ops.cast(global_step, rate.dtype) / steps
        if staircase:
            p = gen_ops.floor(p)
        one = math_ops.cast(constant_op.constant(1), rate.dtype)
        return gen_ops.real_div(rate, math_ops.add(one, gen_ops.mul(factor, p)), name=scope)


def _cosine(fraction):
    """Half a cosine from 1 to 0 over a fraction from 0 to 1."""
    return 0.5 * (1.0 + gen_ops.cos(constant_op.constant(math.pi, dtype=fraction.dtype) * fraction))


@tf_export("train.cosine_decay")
def cosine_decay(learning_rate, global_step, decay_steps, alpha=0.0, name=None):
    """learning_rate times half a cosine that goes from 1 to ALPHA within decay_steps."""
    _needs_step(global_step, "cosine_decay")
    with ops.name_scope(name, "CosineDecay", [learning_rate, global_step]):
        rate, (steps,) = _start(learning_rate, decay_steps)
        step = gen_ops.minimum(math_ops.cast(global_step, rate.dtype), steps)
        decayed = (1 - alpha) * _cosine(step / steps) + alpha
        return gen_ops.mul(rate, decayed)


@tf_export("train.cosine_decay_restarts")
def cosine_decay_restarts(learning_rate, global_step, first_decay_steps, t_mul=2.0, m_mul=1.0, alpha=0.0, name=None):
    """cosine_decay that starts again: each time over T_MUL times more steps, from M_MUL times the rate."""
    _needs_step(global_step, "cosine decay restarts")
    with ops.name_scope(name, "SGDRDecay", [learning_rate, global_step]) as scope:
        rate = ops.convert_to_tensor(learning_rate, name="initial_learning_rate")
        alpha, t_mul, m_mul = (math_ops.cast(v, rate.dtype) for v in (alpha, t_mul, m_mul))
        completed = math_ops.cast(global_step, rate.dtype) / math_ops.cast(first_decay_steps, rate.dtype)

        def geometric():
            times = gen_ops.floor(gen_ops.log(1.0 - completed * (1.0 - t_mul)) / gen_ops.log(t_mul))
            before = (1.0 - t_mul**times) / (1.0 - t_mul)
            return times, (completed - before) / t_mul**times

        def even():
            times = gen_ops.floor(completed)
            return times, completed - times

        times, fraction = control_flow_ops.cond(math_ops.equal(t_mul, 1.0), even, geometric)
        decayed = (1 - alpha) * (m_mul**times * _cosine(fraction)) + alpha
        return gen_ops.mul(rate, decayed, name=scope)


def _linear_cosine(global_step, decay_steps, num_periods, dtype):
    """(the linear part from 1 to 0, the cosine)."""
    steps, periods = math_ops.cast(decay_steps, dtype), math_ops.cast(num_periods, dtype)
    step = gen_ops.minimum(math_ops.cast(global_step, dtype), steps)
    fraction = 2.0 * periods * (step / steps)
    return (steps - step) / steps, _cosine(fraction)


@tf_export("train.linear_cosine_decay")
def linear_cosine_decay(learning_rate, global_step, decay_steps, num_periods=0.5, alpha=0.0, beta=0.001, name=None):
    """learning_rate * ((alpha + linear) * cosine + beta)."""
    _needs_step(global_step, "linear cosine decay")
    with ops.name_scope(name, "LinearCosineDecay", [learning_rate, global_step]) as scope:
        rate, (alpha, beta) = _start(learning_rate, alpha, beta)
        linear, cosine = _linear_cosine(global_step, decay_steps, num_periods, rate.dtype)
        return gen_ops.mul(rate, (alpha + linear) * cosine + beta, name=scope)


@tf_export("train.noisy_linear_cosine_decay")
def noisy_linear_cosine_decay(learning_rate, global_step, decay_steps, initial_variance=1.0, variance_decay=0.55,
                              num_periods=0.5, alpha=0.0, beta=0.001, name=None):  # fmt: skip
    """linear_cosine_decay with noise on the linear part, which gets less with the steps."""
    _needs_step(global_step, "noisy linear cosine decay")
    with ops.name_scope(name, "NoisyLinearCosineDecay", [learning_rate, global_step]) as scope:
        rate, (variance, fall, alpha, beta) = _start(learning_rate, initial_variance, variance_decay, alpha, beta)
        steps = math_ops.cast(decay_steps, rate.dtype)
        step = gen_ops.minimum(math_ops.cast(global_step, rate.dtype), steps)
        linear, cosine = _linear_cosine(global_step, decay_steps, num_periods, rate.dtype)
        spread = gen_ops.sqrt(variance / math_ops.pow(1.0 + step, fall))
        noisy = linear + random_ops.random_normal(linear.get_shape(), stddev=spread)
        return gen_ops.mul(rate, (alpha + noisy) * cosine + beta, name=scope)
