"""Arguments of layers made plain: tuples of sizes, paddings, data formats, conditions known beforehand."""

from tenon.python.framework import ops, tensor_util


def normalize_tuple(value, n, name):
    """A tuple of N integers from one or N."""
    if isinstance(value, int):
        return (value,) * n
    try:
        values = tuple(value)
    except TypeError:
        raise ValueError(f"The `{name}` argument must be a tuple of {n} integers. Received: {value}") from None
    if len(values) != n:
        raise ValueError(f"The `{name}` argument must be a tuple of {n} integers. Received: {value}")
    for v in values:
        try:
            int(v)
        except (ValueError, TypeError):
            raise ValueError(f"The `{name}` argument must be a tuple of {n} integers. Received: {value} including "
                             f"element {v} of type {type(v)}") from None  # fmt: skip
    return values


def normalize_data_format(value):
    """'channels_first' or 'channels_last'."""
    if value.lower() not in ("channels_first", "channels_last"):
        raise ValueError(f"The `data_format` argument must be one of \"channels_first\", \"channels_last\". "
                         f"Received: {value}")  # fmt: skip
    return value.lower()


def normalize_padding(value):
    """'valid' or 'same'."""
    if value.lower() not in ("valid", "same"):
        raise ValueError(f'The `padding` argument must be one of "valid", "same". Received: {value}')
    return value.lower()


def convert_data_format(data_format, ndim):
    """The op's name of a data format: NHWC and the like."""
    table = {3: ("NWC", "NCW"), 4: ("NHWC", "NCHW"), 5: ("NDHWC", "NCDHW")}
    if ndim not in table:
        raise ValueError(f"Input rank not supported: {ndim}")
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(f"Invalid data_format: {data_format}")
    return table[ndim][data_format == "channels_first"]


def conv_output_length(length, size, padding, stride, dilation=1):
    """The length that a convolution or pooling makes."""
    if length is None:
        return None
    wide = size + (size - 1) * (dilation - 1)
    output = length if padding in ("same", "causal") else length + wide - 1 if padding == "full" else length - wide + 1
    return (output + stride - 1) // stride


def deconv_output_length(length, size, padding, stride):
    """The length that a transposed convolution makes."""
    if length is None:
        return None
    return length * stride + (max(size - stride, 0) if padding == "valid" else 0)


def constant_value(pred):
    """The value of a condition if it is known, else None."""
    if isinstance(pred, bool):
        return pred
    if isinstance(pred, int) and pred in (0, 1):
        return bool(pred)
    if isinstance(pred, ops.Tensor):
        return tensor_util.constant_value(pred)
    if hasattr(pred, "_AsTensor"):
        return None
    raise TypeError(f"`pred` must be a Tensor, or a Python bool, or 1 or 0. Found instead: {type(pred)}")


def smart_cond(pred, true_fn=None, false_fn=None, name=None):
    """cond, or one of the two functions alone where the condition is known."""
    from tenon.python.ops import control_flow_ops

    known = constant_value(pred)
    if known is None:
        return control_flow_ops.cond(pred, true_fn=true_fn, false_fn=false_fn, name=name)
    return true_fn() if known else false_fn()
