"""Floats to the levels of a range, and back."""

from tenon.python.framework import dtypes, ops
from tenon.python.ops import gen_ops
from tenon.python.util.tf_export import tf_export


def _axis_of(axis, tensor):
    """AXIS as the ops take it: -1 for none, else counted from the front."""
    if axis is None:
        return -1
    if axis >= 0:
        return axis
    if tensor.shape.ndims is None:
        raise ValueError("input should have known rank to use negative axis.")
    return axis % tensor.shape.ndims


@tf_export("quantize_v2")
def quantize_v2(input, min_range, max_range, T, mode="MIN_COMBINED", name=None, round_mode="HALF_AWAY_FROM_ZERO",
                narrow_range=False, axis=None, ensure_minimum_range=0.01):  # fmt: skip
    """The levels of INPUT as T, with the range that they are levels of."""
    input = ops.convert_to_tensor(input, dtypes.float32)
    return gen_ops.quantize_v2(
        input, min_range, max_range, T, mode=mode, round_mode=round_mode, narrow_range=narrow_range,
        axis=_axis_of(axis, input), ensure_minimum_range=ensure_minimum_range, name=name,
    )  # fmt: skip


@tf_export("quantization.quantize", "quantize")
def quantize(input, min_range, max_range, T, mode="MIN_COMBINED", round_mode="HALF_AWAY_FROM_ZERO", name=None,
             narrow_range=False, axis=None, ensure_minimum_range=0.01):  # fmt: skip
    """As quantize_v2, with its arguments in another order."""
    return quantize_v2(input, min_range, max_range, T, mode, name, round_mode, narrow_range, axis, ensure_minimum_range)


@tf_export("quantization.dequantize", "dequantize")
def dequantize(input, min_range, max_range, mode="MIN_COMBINED", name=None, axis=None, narrow_range=False,
               dtype=dtypes.float32):  # fmt: skip
    """The floats that INPUT's levels stand for."""
    return gen_ops.dequantize(
        input, min_range, max_range, mode=mode, narrow_range=narrow_range, axis=_axis_of(axis, input), dtype=dtype,
        name=name,
    )  # fmt: skip


@tf_export("quantization.quantize_and_dequantize_v2")
def quantize_and_dequantize_v2(input, input_min, input_max, signed_input=True, num_bits=8, range_given=False,
                               round_mode="HALF_TO_EVEN", name=None, narrow_range=False, axis=None):  # fmt: skip
    """The floats rounded to what NUM_BITS can tell; gradients pass only where they lie within the bounds."""
    if axis is None:
        axis = -1
    elif axis < 0:
        if input.shape.ndims is None:
            raise ValueError("input should have known rank to use negative axis.")
        axis %= input.shape.ndims
    return gen_ops.quantize_and_dequantize_v4(
        input, input_min=input_min, input_max=input_max, signed_input=signed_input, num_bits=num_bits,
        range_given=range_given, round_mode=round_mode, narrow_range=narrow_range, axis=axis, name=name,
    )  # fmt: skip


@tf_export("quantization.quantize_and_dequantize")
def quantize_and_dequantize(input, input_min, input_max, signed_input=True, num_bits=8, range_given=False,
                            round_mode="HALF_TO_EVEN", name=None, narrow_range=False, axis=None):  # fmt: skip
    """INPUT rounded to what NUM_BITS can tell; its gradient passes as if it were not."""
    input = ops.convert_to_tensor(input)
    return gen_ops.quantize_and_dequantize_v2(
        input, input_min, input_max, signed_input=signed_input, num_bits=num_bits, range_given=range_given,
        round_mode=round_mode, narrow_range=narrow_range, axis=_axis_of(axis, input), name=name,
    )  # fmt: skip
