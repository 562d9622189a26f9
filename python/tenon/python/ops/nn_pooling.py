"""Pooling in one to three dimensions."""

from tenon.python.framework import ops
from tenon.python.ops import array_ops, gen_ops
from tenon.python.util.deprecation import deprecated_argument_lookup
from tenon.python.util.tf_export import tf_export

__all__ = [
    "_get_sequence", "avg_pool", "avg_pool1d", "avg_pool2d", "avg_pool3d", "avg_pool_v2", "max_pool", "max_pool1d",
    "max_pool2d", "max_pool3d", "max_pool_v2", "max_pool_with_argmax", "pool",
]  # fmt: skip


def _get_sequence(value, n, channel_index, name):
    """A list for all dimensions of a value for one, N, or all of them."""
    value = [1] if value is None else list(value) if hasattr(value, "__len__") else [value]
    if len(value) == n + 2:
        return value
    if len(value) == 1:
        value = value * n
    elif len(value) != n:
        raise ValueError(
            f"{name} should be of length 1, {n} or {n + 2}. Received: {name}={value} of length {len(value)}"
        )
    return [1, 1, *value] if channel_index == 1 else [1, *value, 1]


def _channel(data_format):
    return 1 if data_format is not None and data_format.startswith("NC") else -1


def _pool2d(op, label, value, ksize, strides, padding, data_format, name, **more):
    with ops.name_scope(name, label, [value]) as scope:
        value = ops.convert_to_tensor(value, name="input")
        channel = _channel(data_format)
        ksize = _get_sequence(ksize, 2, channel, "ksize")
        strides = _get_sequence(strides, 2, channel, "strides")
        return op(value, ksize=ksize, strides=strides, padding=padding, data_format=data_format, name=scope, **more)


@tf_export("nn.avg_pool", "nn.avg_pool2d")
def avg_pool(value, ksize, strides, padding, data_format="NHWC", name=None, input=None):
    """The means of windows of pictures."""
    value = deprecated_argument_lookup("input", input, "value", value)
    return _pool2d(gen_ops.avg_pool, "AvgPool", value, ksize, strides, padding, data_format, name)


avg_pool2d = avg_pool


def _paddings(padding):
    """(padding, explicit paddings as a flat list)."""
    if isinstance(padding, str):
        return padding, []
    return "EXPLICIT", [int(p) for pair in padding for p in pair]


def _max(value, ksize, strides, padding, data_format, name, label):
    padding, explicit = _paddings(padding)
    more = {"explicit_paddings": explicit} if explicit else {}
    return _pool2d(gen_ops.max_pool, label, value, ksize, strides, padding, data_format, name, **more)


@tf_export("nn.max_pool")
def max_pool(value, ksize, strides, padding, data_format="NHWC", name=None, input=None):
    """The greatest of windows of pictures."""
    value = deprecated_argument_lookup("input", input, "value", value)
    return _max(value, ksize, strides, padding, data_format, name, "MaxPool")


@tf_export("nn.max_pool2d")
def max_pool2d(input, ksize, strides, padding, data_format="NHWC", name=None):
    """The greatest of windows of pictures."""
    return _max(input, ksize, strides, padding, data_format, name, "MaxPool2d")


def _pool3d(op, label, input, ksize, strides, padding, data_format, name):
    with ops.name_scope(name, label, [input]) as scope:
        channel = _channel(data_format)
        ksize = _get_sequence(ksize, 3, channel, "ksize")
        strides = _get_sequence(strides, 3, channel, "strides")
        return op(input, ksize=ksize, strides=strides, padding=padding, data_format=data_format or "NDHWC", name=scope)


@tf_export("nn.avg_pool3d")
def avg_pool3d(input, ksize, strides, padding, data_format="NDHWC", name=None):
    """The means of windows of volumes."""
    return _pool3d(gen_ops.avg_pool3d, "AvgPool3D", input, ksize, strides, padding, data_format, name)


@tf_export("nn.max_pool3d")
def max_pool3d(input, ksize, strides, padding, data_format="NDHWC", name=None):
    """The greatest of windows of volumes."""
    return _pool3d(gen_ops.max_pool3d, "MaxPool3D", input, ksize, strides, padding, data_format, name)


def _pool1d(op, label, input, ksize, strides, padding, data_format, name):
    with ops.name_scope(name, label, [input]) as scope:
        data_format = data_format or "NWC"
        channel = _channel(data_format)
        ksize = [1, *_get_sequence(ksize, 1, channel, "ksize")]
        strides = [1, *_get_sequence(strides, 1, channel, "strides")]
        axis = 2 if data_format == "NCW" else 1
        wide = array_ops.expand_dims(input, axis)
        layout = "NCHW" if data_format == "NCW" else "NHWC"
        if layout == "NHWC":
            ksize, strides = [1, 1, *ksize[2:]], [1, 1, *strides[2:]]
        result = op(wide, ksize=ksize, strides=strides, padding=padding, data_format=layout, name=scope)
        return array_ops.squeeze(result, [axis])


@tf_export("nn.avg_pool1d")
def avg_pool1d(input, ksize, strides, padding, data_format="NWC", name=None):
    """The means of windows of sequences."""
    return _pool1d(gen_ops.avg_pool, "AvgPool1D", input, ksize, strides, padding, data_format, name)


@tf_export("nn.max_pool1d")
def max_pool1d(input, ksize, strides, padding, data_format="NWC", name=None):
    """The greatest of windows of sequences."""
    return _pool1d(gen_ops.max_pool, "MaxPool1d", input, ksize, strides, padding, data_format, name)


def _pool_any(ones, two, three, input, ksize, strides, padding, data_format, name):
    n = len(data_format) - 2 if data_format is not None else ops.convert_to_tensor(input).get_shape().ndims - 2
    if not 1 <= n <= 3:
        raise ValueError(f"`input.shape.rank` must be 3, 4 or 5. Received: {n + 2}.")
    function = (ones, two, three)[n - 1]
    layout = data_format or ("NWC", "NHWC", "NDHWC")[n - 1]
    return function(input, ksize, strides, padding, data_format=layout, name=name)


@tf_export("nn.avg_pool_v2")
def avg_pool_v2(input, ksize, strides, padding, data_format=None, name=None):
    """The means of windows, in as many dimensions as the input has."""
    return _pool_any(avg_pool1d, avg_pool, avg_pool3d, input, ksize, strides, padding, data_format, name)


@tf_export("nn.max_pool_v2")
def max_pool_v2(input, ksize, strides, padding, data_format=None, name=None):
    """The greatest of windows, in as many dimensions as the input has."""
    return _pool_any(max_pool1d, max_pool, max_pool3d, input, ksize, strides, padding, data_format, name)


@tf_export("nn.max_pool_with_argmax")
def max_pool_with_argmax(input, ksize, strides, padding, data_format="NHWC", Targmax=None, name=None,
                         output_dtype=None, include_batch_in_index=False):  # fmt: skip
    """(the greatest of windows, their places in the flattened input)."""
    from tenon.python.framework import dtypes

    if data_format != "NHWC":
        raise ValueError(f"`data_format` values other than 'NHWC' are not supported. Received: {data_format}")
    Targmax = deprecated_argument_lookup("output_dtype", output_dtype, "Targmax", Targmax) or dtypes.int64
    ksize = _get_sequence(ksize, 2, 3, "ksize")
    strides = _get_sequence(strides, 2, 3, "strides")
    return gen_ops.max_pool_with_argmax(input, ksize=ksize, strides=strides, padding=padding, Targmax=Targmax,
                                        include_batch_in_index=include_batch_in_index, name=name)  # fmt: skip


@tf_export("nn.pool")
def pool(input, window_shape, pooling_type, padding, dilation_rate=None, strides=None, name=None, data_format=None,
         dilations=None):  # fmt: skip
    """Pooling in one to three dimensions, with holes in the windows where DILATION_RATE is more than 1."""
    from tenon.python.ops import nn_convolution

    dilation_rate = deprecated_argument_lookup("dilations", dilations, "dilation_rate", dilation_rate)
    n = len(window_shape)
    with ops.name_scope(name, f"{pooling_type.lower()}_pool", [input]) as scope:
        input = ops.convert_to_tensor(input, name="input")
        strides, dilation_rate = nn_convolution._strides_and_rates(n, strides, dilation_rate)
        if padding == "SAME" and any(rate > 1 for rate in dilation_rate):
            raise ValueError("pooling with 'SAME' padding is not implemented for dilation_rate > 1")
        kinds = {"MAX": (max_pool1d, max_pool, max_pool3d), "AVG": (avg_pool1d, avg_pool, avg_pool3d)}
        if pooling_type not in kinds:
            raise ValueError(f"pooling_type must be 'MAX' or 'AVG', got {pooling_type}")
        function = kinds[pooling_type][n - 1]
        layout = data_format or ("NWC", "NHWC", "NDHWC")[n - 1]

        def op(converted, _, inner_padding):
            return function(converted, list(window_shape), strides, inner_padding, data_format=layout, name=scope)

        return nn_convolution.with_space_to_batch(input, dilation_rate, padding, op, filter_shape=window_shape,
                                                  data_format=data_format)  # fmt: skip
