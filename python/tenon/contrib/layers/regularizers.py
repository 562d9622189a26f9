"""Regularizers: functions of a variable that give a scalar for the loss."""

import numbers

from tenon.python.framework import constant_op, ops
from tenon.python.ops import gen_ops, math_ops
from tenon.python.util.tf_export import tf_export


def _checked(scale, name):
    """SCALE if it is a number >= 0."""
    if isinstance(scale, numbers.Integral):
        raise ValueError(f"{name} cannot be an integer: {scale}")
    if isinstance(scale, numbers.Real) and scale < 0.0:
        raise ValueError(f"Setting a {name} less than 0 on a regularizer: {scale}")
    return scale


@tf_export("contrib.layers.l1_regularizer", "contrib.slim.l1_regularizer")
def l1_regularizer(scale, scope=None):
    """SCALE * sum |w|."""
    if _checked(scale, "scale") == 0.0:
        return lambda _: None

    def l1(weights, name=None):
        with ops.name_scope(scope, "l1_regularizer", [weights]) as entered:
            factor = ops.convert_to_tensor(scale, dtype=weights.dtype.base_dtype, name="scale")
            return math_ops.multiply(factor, math_ops.reduce_sum(math_ops.abs(weights)), name=entered)

    return l1


@tf_export("contrib.layers.l2_regularizer", "contrib.slim.l2_regularizer")
def l2_regularizer(scale, scope=None):
    """SCALE * sum w^2 / 2."""
    if _checked(scale, "scale") == 0.0:
        return lambda _: None

    def l2(weights):
        with ops.name_scope(scope, "l2_regularizer", [weights]) as entered:
            factor = ops.convert_to_tensor(scale, dtype=weights.dtype.base_dtype, name="scale")
            return math_ops.multiply(factor, gen_ops.l2_loss(weights), name=entered)

    return l2


@tf_export("contrib.layers.l1_l2_regularizer", "contrib.slim.l1_l2_regularizer")
def l1_l2_regularizer(scale_l1=1.0, scale_l2=1.0, scope=None):
    """Both."""
    _checked(scale_l1, "scale_l1")
    _checked(scale_l2, "scale_l2")
    scope = scope or "l1_l2_regularizer"
    if scale_l1 == 0.0:
        return l2_regularizer(scale_l2, scope)
    if scale_l2 == 0.0:
        return l1_regularizer(scale_l1, scope)
    return sum_regularizer([l1_regularizer(scale_l1), l2_regularizer(scale_l2)], scope=scope)


@tf_export("contrib.layers.sum_regularizer", "contrib.slim.sum_regularizer")
def sum_regularizer(regularizer_list, scope=None):
    """The sum of several; None if there are none."""
    regularizer_list = [reg for reg in regularizer_list if reg is not None]
    if not regularizer_list:
        return None

    def sum_reg(weights):
        with ops.name_scope(scope, "sum_regularizer", [weights]) as entered:
            values = [value for value in (reg(weights) for reg in regularizer_list) if value is not None]
            return math_ops.add_n(values, name=entered) if values else None

    return sum_reg


@tf_export("contrib.layers.apply_regularization", "contrib.slim.apply_regularization")
def apply_regularization(regularizer, weights_list=None):
    """The sum of REGULARIZER over WEIGHTS_LIST (the collection WEIGHTS if None), also put among the losses."""
    if not weights_list:
        weights_list = ops.get_collection(ops.GraphKeys.WEIGHTS)
    if not weights_list:
        raise ValueError("No weights to regularize.")
    with ops.name_scope("get_regularization_penalty", values=weights_list) as entered:
        penalties = [p if p is not None else constant_op.constant(0.0) for p in map(regularizer, weights_list)]
        for penalty in penalties:
            if penalty.get_shape().ndims != 0:
                raise ValueError(f"regularizer must return a scalar Tensor, not one of shape {penalty.shape}.")
        total = math_ops.add_n(penalties, name=entered)
        ops.add_to_collection(ops.GraphKeys.REGULARIZATION_LOSSES, total)
    return total
