"""Convolutions: plain, with holes, depthwise, separable, transposed."""

import numpy as np

from tenon.python.framework import dtypes, ops, tensor_shape, tensor_util
from tenon.python.ops import array_ops, gen_ops
from tenon.python.ops.nn_pooling import _channel, _get_sequence, _paddings
from tenon.python.util.deprecation import deprecated_argument_lookup
from tenon.python.util.tf_export import tf_export

__all__ = [
    "atrous_conv2d", "atrous_conv2d_transpose", "conv1d", "conv1d_transpose", "conv2d", "conv2d_backprop_filter",
    "conv2d_backprop_input", "conv2d_transpose", "conv3d", "conv3d_transpose", "conv_transpose", "convolution",
    "depthwise_conv2d", "depthwise_conv2d_native", "dilation2d", "erosion2d", "separable_conv2d",
    "with_space_to_batch",
]  # fmt: skip


def _explicit(padding):
    padding, explicit = _paddings(padding)
    return {"padding": padding, **({"explicit_paddings": explicit} if explicit else {})}


@tf_export("nn.conv2d")
def conv2d(input, filter=None, strides=None, padding=None, use_cudnn_on_gpu=True, data_format="NHWC",
           dilations=[1, 1, 1, 1], name=None, filters=None):  # noqa: B006  # fmt: skip
    """Convolution of pictures with filters [height, width, in, out]."""
    filter = deprecated_argument_lookup("filters", filters, "filter", filter)
    data_format = data_format or "NHWC"
    channel = _channel(data_format)
    strides = _get_sequence(strides, 2, channel, "strides")
    dilations = _get_sequence(dilations, 2, channel, "dilations")
    return gen_ops.conv2d(input, filter, strides=strides, use_cudnn_on_gpu=use_cudnn_on_gpu, data_format=data_format,
                          dilations=dilations, name=name, **_explicit(padding))  # fmt: skip


@tf_export("nn.conv2d_backprop_filter")
def conv2d_backprop_filter(input, filter_sizes, out_backprop, strides, padding, use_cudnn_on_gpu=True,
                           data_format="NHWC", dilations=[1, 1, 1, 1], name=None):  # noqa: B006  # fmt: skip
    """The gradient of conv2d to its filters."""
    return gen_ops.conv2d_backprop_filter(input, filter_sizes, out_backprop, strides=strides,
                                          use_cudnn_on_gpu=use_cudnn_on_gpu, data_format=data_format,
                                          dilations=dilations, name=name, **_explicit(padding))  # fmt: skip


@tf_export("nn.conv2d_backprop_input")
def conv2d_backprop_input(input_sizes, filter=None, out_backprop=None, strides=None, padding=None,
                          use_cudnn_on_gpu=True, data_format="NHWC", dilations=[1, 1, 1, 1], name=None,  # noqa: B006
                          filters=None):  # fmt: skip
    """The gradient of conv2d to its input."""
    filter = deprecated_argument_lookup("filters", filters, "filter", filter)
    return gen_ops.conv2d_backprop_input(input_sizes, filter, out_backprop, strides=strides,
                                         use_cudnn_on_gpu=use_cudnn_on_gpu, data_format=data_format,
                                         dilations=dilations, name=name, **_explicit(padding))  # fmt: skip


@tf_export("nn.conv1d")
def conv1d(value=None, filters=None, stride=None, padding=None, use_cudnn_on_gpu=None, data_format=None, name=None,
           input=None, dilations=None):  # fmt: skip
    """Convolution of sequences with filters [width, in, out]."""
    value = deprecated_argument_lookup("input", input, "value", value)
    with ops.name_scope(name, "conv1d", [value, filters]) as scope:
        if data_format in (None, "NHWC", "NWC"):
            layout, axis, channel = "NHWC", 1, 2
        elif data_format in ("NCHW", "NCW"):
            layout, axis, channel = "NCHW", 2, 1
        else:
            raise ValueError(f"`data_format` must be 'NWC' or 'NCW'. Received: data_format={data_format}")
        strides = [1, *_get_sequence(stride, 1, channel, "stride")]
        rates = [1, *_get_sequence(dilations, 1, channel, "dilations")]
        if layout == "NCHW":
            strides, rates = [1, 1, 1, strides[-1]], [1, 1, 1, rates[-1]]
        value = array_ops.expand_dims(value, axis)
        filters = array_ops.expand_dims(filters, 0)
        result = gen_ops.conv2d(value, filters, strides=strides, padding=padding, data_format=layout,
                                use_cudnn_on_gpu=True if use_cudnn_on_gpu is None else use_cudnn_on_gpu,
                                dilations=rates, name=scope)  # fmt: skip
        return array_ops.squeeze(result, [axis])


@tf_export("nn.conv3d")
def conv3d(input, filter=None, strides=None, padding=None, data_format="NDHWC", dilations=[1, 1, 1, 1, 1],  # noqa: B006
           name=None, filters=None):  # fmt: skip
    """Convolution of volumes with filters [depth, height, width, in, out]."""
    filter = deprecated_argument_lookup("filters", filters, "filter", filter)
    channel = _channel(data_format)
    return gen_ops.conv3d(input, filter, strides=_get_sequence(strides, 3, channel, "strides"), padding=padding,
                          data_format=data_format, dilations=_get_sequence(dilations, 3, channel, "dilations"),
                          name=name)  # fmt: skip


# --- holes ---


def _strides_and_rates(n, strides, dilation_rate):
    rate = [1] * n if dilation_rate is None else [int(r) for r in np.atleast_1d(dilation_rate)]
    rate = rate * n if len(rate) == 1 else rate
    strides = [1] * n if strides is None else [int(s) for s in np.atleast_1d(strides)]
    strides = strides * n if len(strides) == 1 else strides
    if len(rate) != n or len(strides) != n:
        raise ValueError(f"`strides` and `dilations` must have {n} elements, got {strides} and {rate}")
    if any(r < 1 for r in rate) or any(s < 1 for s in strides):
        raise ValueError("all values of `strides` and `dilations` must be positive")
    if any(s > 1 for s in strides) and any(r > 1 for r in rate):
        raise ValueError("`strides > 1` not supported in conjunction with `dilations > 1`. "
                         f"Received: strides={strides} and dilations={rate}")  # fmt: skip
    return strides, rate


@tf_export("nn.with_space_to_batch")
def with_space_to_batch(input, dilation_rate, padding, op, filter_shape=None, spatial_dims=None, data_format=None):
    """OP on an input whose blocks of pixels became batches: what gives operations holes."""
    input = ops.convert_to_tensor(input, name="input")
    dilation_rate = ops.convert_to_tensor(dilation_rate, dtypes.int32, name="dilation_rate")
    if dilation_rate.get_shape().ndims not in (None, 1):
        raise ValueError("`dilation_rate.shape.rank` must be 1")
    n = dilation_rate.get_shape().as_list()[0]
    rate = tensor_util.constant_value(dilation_rate)
    if rate is not None and np.all(rate == 1):
        return op(input, n, padding)
    first = 2 if data_format is not None and data_format.startswith("NC") else 1
    dims = sorted(set(spatial_dims)) if spatial_dims is not None else list(range(first, first + n))
    if dims[0] <= 0:
        raise ValueError(f"`spatial_dims` must be positive, got {dims}")
    block = dilation_rate if rate is None else rate
    base = None
    if padding == "SAME":
        if filter_shape is None:
            raise ValueError("`filter_shape` must be specified for `padding='SAME'`")
        filter_shape = ops.convert_to_tensor(filter_shape, name="filter_shape")
        sizes = tensor_util.constant_value(filter_shape)
        sizes = filter_shape if sizes is None else sizes
        extra = (sizes[:n] - 1) * block
        start = extra // 2
        base = array_ops.stack([[start[i], extra[i] - start[i]] for i in range(n)])
    elif padding != "VALID":
        raise ValueError(f"`padding` must be 'SAME' or 'VALID', got {padding}")
    known = input.get_shape()
    if known.ndims is not None and all(known.as_list()[d] is not None for d in dims):
        spatial = [known.as_list()[d] for d in dims]
    else:
        dynamic = array_ops.shape(input)
        spatial = array_ops.stack([dynamic[d] for d in dims])
    paddings, crops = array_ops.required_space_to_batch_paddings(spatial, block, base_paddings=base)
    full_block, full_paddings, full_crops = _all_dims(dims, block, paddings, crops)
    converted = gen_ops.space_to_batch_nd(input, full_block, full_paddings)
    result = op(converted, n, "VALID")
    return gen_ops.batch_to_space_nd(result, full_block, full_crops)


def _all_dims(dims, block, paddings, crops):
    """The three for all dimensions from 1 on: blocks of 1 and no padding where DIMS has a gap."""
    if dims == list(range(1, len(dims) + 1)):
        return block, paddings, crops
    blocks, pads, cuts, k = [], [], [], 0
    for d in range(1, dims[-1] + 1):
        if d in dims:
            blocks.append(block[k])
            pads.append(paddings[k])
            cuts.append(crops[k])
            k += 1
        else:
            blocks.append(1)
            pads.append([0, 0])
            cuts.append([0, 0])
    return array_ops.stack(blocks), array_ops.stack(pads), array_ops.stack(cuts)


@tf_export("nn.convolution")
def convolution(input, filter, padding, strides=None, dilation_rate=None, name=None, data_format=None, filters=None,
                dilations=None):  # fmt: skip
    """Convolution in one to three dimensions, with strides or holes."""
    filter = deprecated_argument_lookup("filters", filters, "filter", filter)
    dilation_rate = deprecated_argument_lookup("dilations", dilations, "dilation_rate", dilation_rate)
    with ops.name_scope(name, "convolution", [input, filter]) as scope:
        input = ops.convert_to_tensor(input, name="input")
        filter = ops.convert_to_tensor(filter, name="filter")
        ndims = input.get_shape().ndims or filter.get_shape().ndims
        if ndims is None:
            raise ValueError("rank of `input` or `filter` must be known")
        n = ndims - 2
        if not 1 <= n <= 3:
            raise ValueError(f"`input` must be of rank 3, 4 or 5, got {ndims}")
        strides, rate = _strides_and_rates(n, strides, dilation_rate)
        channel_first = data_format is not None and data_format.startswith("NC")
        channels = input.get_shape().as_list()[1 if channel_first else ndims - 1] if input.get_shape().ndims else None
        wanted = filter.get_shape().as_list()[n] if filter.get_shape().ndims else None
        if channels is not None and wanted is not None and (wanted == 0 or channels % wanted):
            raise ValueError(f"The number of input channels is not divisible by the corresponding number of output "
                             f"filters. Received: input.shape={input.get_shape()} with {channels} channels and "
                             f"filters.shape={filter.get_shape()} with {wanted} output filters.")  # fmt: skip
        if n < 3 and any(r > 1 for r in rate):
            return _plain(n, input, filter, strides, padding, data_format, scope, rate)

        def op(converted, _, inner_padding):
            return _plain(n, converted, filter, strides, inner_padding, data_format, scope)

        return with_space_to_batch(input, rate, padding, op, filter_shape=filter.get_shape().as_list()[:n],
                                   data_format=data_format)  # fmt: skip


def _plain(n, input, filter, strides, padding, data_format, name, rate=None):
    if n == 1:
        return conv1d(input, filter, strides, padding, data_format=data_format or "NWC", name=name, dilations=rate)
    first = data_format is not None and data_format.startswith("NC")
    full = [1, 1, *strides] if first else [1, *strides, 1]
    if n == 2:
        rates = [1, 1, 1, 1] if rate is None else [1, 1, *rate] if first else [1, *rate, 1]
        return gen_ops.conv2d(input, filter, strides=full, padding=padding, data_format=data_format or "NHWC",
                              dilations=rates, name=name)  # fmt: skip
    return gen_ops.conv3d(input, filter, strides=full, padding=padding, data_format=data_format or "NDHWC", name=name)


@tf_export("nn.atrous_conv2d")
def atrous_conv2d(value, filters, rate, padding, name=None):
    """conv2d whose filters have RATE - 1 zeros between their elements."""
    return convolution(value, filters, padding, dilation_rate=[rate, rate], name=name)


@tf_export("nn.depthwise_conv2d_native")
def depthwise_conv2d_native(input, filter, strides, padding, data_format="NHWC", dilations=[1, 1, 1, 1],  # noqa: B006
                            name=None):  # fmt: skip
    """A filter of its own for each channel: [height, width, in, multiplier]."""
    return gen_ops.depthwise_conv2d_native(input, filter, strides=strides, data_format=data_format,
                                           dilations=dilations, name=name, **_explicit(padding))  # fmt: skip


@tf_export("nn.depthwise_conv2d_backprop_filter", "nn.depthwise_conv2d_native_backprop_filter")
def depthwise_conv2d_native_backprop_filter(input, filter_sizes, out_backprop, strides, padding, data_format="NHWC",
                                            dilations=[1, 1, 1, 1], name=None):  # noqa: B006  # fmt: skip
    """The gradient of depthwise_conv2d_native to its filters."""
    return gen_ops.depthwise_conv2d_native_backprop_filter(
        input, filter_sizes, out_backprop, strides=strides, data_format=data_format, dilations=dilations, name=name,
        **_explicit(padding),
    )  # fmt: skip


@tf_export("nn.depthwise_conv2d_backprop_input", "nn.depthwise_conv2d_native_backprop_input")
def depthwise_conv2d_native_backprop_input(input_sizes, filter, out_backprop, strides, padding, data_format="NHWC",
                                           dilations=[1, 1, 1, 1], name=None):  # noqa: B006  # fmt: skip
    """The gradient of depthwise_conv2d_native to its input."""
    return gen_ops.depthwise_conv2d_native_backprop_input(
        input_sizes, filter, out_backprop, strides=strides, data_format=data_format, dilations=dilations, name=name,
        **_explicit(padding),
    )  # fmt: skip


@tf_export("nn.depthwise_conv2d")
def depthwise_conv2d(input, filter, strides, padding, rate=None, name=None, data_format=None, dilations=None):
    """A filter of its own for each channel, with holes where RATE is more than 1."""
    rate = deprecated_argument_lookup("dilations", dilations, "rate", rate)
    with ops.name_scope(name, "depthwise", [input, filter]) as scope:
        input = ops.convert_to_tensor(input, name="tensor_in")
        filter = ops.convert_to_tensor(filter, name="filter_in")

        def op(converted, _, inner_padding):
            return depthwise_conv2d_native(converted, filter, strides, inner_padding, data_format or "NHWC", name=scope)

        return with_space_to_batch(input, [1, 1] if rate is None else rate, padding, op,
                                   filter_shape=array_ops.shape(filter), data_format=data_format)  # fmt: skip


@tf_export("nn.separable_conv2d")
def separable_conv2d(input, depthwise_filter, pointwise_filter, strides, padding, rate=None, name=None,
                     data_format=None, dilations=None):  # fmt: skip
    """A depthwise convolution and then one of 1 x 1."""
    rate = deprecated_argument_lookup("dilations", dilations, "rate", rate)
    with ops.name_scope(name, "separable_conv2d", [input, depthwise_filter, pointwise_filter]) as scope:
        input = ops.convert_to_tensor(input, name="tensor_in")
        depthwise_filter = ops.convert_to_tensor(depthwise_filter, name="depthwise_filter")
        pointwise_filter = ops.convert_to_tensor(pointwise_filter, name="pointwise_filter")
        shape = pointwise_filter.get_shape().with_rank(4)
        shape.dims[0].assert_is_compatible_with(1)
        shape.dims[1].assert_is_compatible_with(1)

        def op(converted, _, inner_padding):
            return depthwise_conv2d_native(
                converted, depthwise_filter, strides, inner_padding, data_format or "NHWC", name="depthwise"
            )

        middle = with_space_to_batch(input, [1, 1] if rate is None else rate, padding, op,
                                     filter_shape=array_ops.shape(depthwise_filter),
                                     data_format=data_format)  # fmt: skip
        return gen_ops.conv2d(middle, pointwise_filter, strides=[1, 1, 1, 1], padding="VALID",
                              data_format=data_format or "NHWC", name=scope)  # fmt: skip


# --- transposed ---


@tf_export("nn.conv2d_transpose")
def conv2d_transpose(value=None, filter=None, output_shape=None, strides=None, padding="SAME", data_format="NHWC",
                     name=None, input=None, filters=None, dilations=None):  # fmt: skip
    """The gradient of conv2d as an operation of its own; filters are [height, width, out, in]."""
    value = deprecated_argument_lookup("input", input, "value", value)
    filter = deprecated_argument_lookup("filters", filters, "filter", filter)
    with ops.name_scope(name, "conv2d_transpose", [value, filter, output_shape]) as scope:
        data_format = data_format or "NHWC"
        channel = _channel(data_format)
        strides = _get_sequence(strides, 2, channel, "strides")
        dilations = _get_sequence(dilations, 2, channel, "dilations")
        return gen_ops.conv2d_backprop_input(output_shape, filter, value, strides=strides, data_format=data_format,
                                             dilations=dilations, name=scope, **_explicit(padding))  # fmt: skip


@tf_export("nn.conv3d_transpose")
def conv3d_transpose(value, filter=None, output_shape=None, strides=None, padding="SAME", data_format="NDHWC",
                     name=None, input=None, filters=None, dilations=None):  # fmt: skip
    """The gradient of conv3d as an operation of its own."""
    filter = deprecated_argument_lookup("filters", filters, "filter", filter)
    value = deprecated_argument_lookup("input", input, "value", value)
    with ops.name_scope(name, "conv3d_transpose", [value, filter, output_shape]) as scope:
        channel = _channel(data_format)
        strides = _get_sequence(strides, 3, channel, "strides")
        dilations = _get_sequence(dilations, 3, channel, "dilations")
        return gen_ops.conv3d_backprop_input_v2(output_shape, filter, value, strides=strides, padding=padding,
                                                data_format=data_format, dilations=dilations, name=scope)  # fmt: skip


@tf_export("nn.conv1d_transpose")
def conv1d_transpose(input, filters, output_shape, strides, padding="SAME", data_format="NWC", dilations=None,
                     name=None):  # fmt: skip
    """The gradient of conv1d as an operation of its own."""
    with ops.name_scope(name, "conv1d_transpose", [input, filters, output_shape]) as scope:
        first = data_format == "NCW"
        axis = 2 if first else 1
        layout = "NCHW" if first else "NHWC"
        stride = _get_sequence(strides, 1, 1 if first else 2, "strides")[2 if first else 1]
        rate = _get_sequence(dilations, 1, 1 if first else 2, "dilations")[2 if first else 1]
        full = [1, 1, 1, stride] if first else [1, 1, stride, 1]
        rates = [1, 1, 1, rate] if first else [1, 1, rate, 1]
        input = array_ops.expand_dims(input, axis)
        filters = array_ops.expand_dims(filters, 0)
        shape = list(output_shape) if isinstance(output_shape, (list, tuple)) else output_shape
        shape = [*shape[:axis], 1, *shape[axis:]] if isinstance(shape, list) else array_ops.concat(
            [shape[:axis], [1], shape[axis:]], 0)  # fmt: skip
        result = gen_ops.conv2d_backprop_input(shape, filters, input, strides=full, padding=padding,
                                               data_format=layout, dilations=rates, name=scope)  # fmt: skip
        return array_ops.squeeze(result, [axis])


@tf_export("nn.conv_transpose")
def conv_transpose(input, filters, output_shape, strides, padding="SAME", data_format=None, dilations=None, name=None):
    """The transposed convolution in as many dimensions as OUTPUT_SHAPE has."""
    with ops.name_scope(name, "conv_transpose", [input, filters, output_shape]) as scope:
        if isinstance(output_shape, ops.Tensor):
            n = output_shape.get_shape().as_list()[0] - 2
        else:
            n = len(tensor_shape.as_shape(output_shape)) - 2
        function = (conv1d_transpose, conv2d_transpose, conv3d_transpose)[n - 1]
        layout = data_format or ("NWC", "NHWC", "NDHWC")[n - 1]
        return function(input, filters, output_shape, strides, padding=padding, data_format=layout,
                        dilations=dilations, name=scope)  # fmt: skip


@tf_export("nn.atrous_conv2d_transpose")
def atrous_conv2d_transpose(value, filters, output_shape, rate, padding, name=None):
    """The gradient of atrous_conv2d as an operation of its own."""
    return conv2d_transpose(value, filters, output_shape, [1, 1, 1, 1], padding, name=name,
                            dilations=[1, rate, rate, 1])  # fmt: skip


# --- greyscale morphology ---


@tf_export("nn.dilation2d")
def dilation2d(input, filter=None, strides=None, rates=None, padding=None, name=None, filters=None, dilations=None):
    """The greatest of input plus filter in each window."""
    filter = deprecated_argument_lookup("filters", filters, "filter", filter)
    rates = deprecated_argument_lookup("dilations", dilations, "rates", rates)
    return gen_ops.dilation2d(input, filter, strides=strides, rates=rates, padding=padding, name=name)


@tf_export("nn.erosion2d")
def erosion2d(value, kernel, strides, rates, padding, name=None):
    """The least of value minus kernel in each window."""
    with ops.name_scope(name, "erosion2d", [value, kernel]) as scope:
        flipped = gen_ops.reverse_v2(kernel, [0, 1])
        return gen_ops.neg(gen_ops.dilation2d(gen_ops.neg(value), flipped, strides=strides, rates=rates,
                                              padding=padding), name=scope)  # fmt: skip
