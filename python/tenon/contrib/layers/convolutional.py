"""Convolutions and pools; variables `weights` and `biases` in a scope of their own."""

from tenon.contrib.framework.arg_scopes import add_arg_scope
from tenon.contrib.layers import core, initializers, utils
from tenon.python.framework import ops, tensor_shape
from tenon.python.ops import array_ops, gen_ops, init_ops, nn_ops, nn_pooling
from tenon.python.ops import nn_convolution as conv_ops
from tenon.python.ops import variable_scope as vs
from tenon.python.util.tf_export import tf_export

_FORMATS = {1: ("NWC", "NCW"), 2: ("NHWC", "NCHW"), 3: ("NDHWC", "NCDHW")}


def _channels(inputs, data_format):
    axis = 1 if data_format and data_format.startswith("NC") else -1
    channels = tensor_shape.dimension_value(inputs.get_shape().dims[axis])
    if channels is None:
        raise ValueError("The channel dimension of the inputs should be defined. Found `None`.")
    return channels


def _add_bias(outputs, biases, data_format):
    """The bias on the channels of any rank."""
    if outputs.get_shape().ndims == 4:
        return nn_ops.bias_add(outputs, biases, data_format="NCHW" if data_format == "NCHW" else "NHWC")
    if data_format and data_format.startswith("NC"):
        return nn_ops.bias_add(outputs, biases, data_format=data_format)
    return nn_ops.bias_add(outputs, biases)


def _wants_bias(normalizer_fn, biases_initializer):
    return normalizer_fn is None and biases_initializer is not None


@tf_export("contrib.layers.convolution", "contrib.slim.convolution")
@add_arg_scope
def convolution(inputs, num_outputs, kernel_size, stride=1, padding="SAME", data_format=None, rate=1,
                activation_fn=nn_ops.relu, normalizer_fn=None, normalizer_params=None,
                weights_initializer=initializers.xavier_initializer(), weights_regularizer=None,  # noqa: B008
                biases_initializer=init_ops.zeros_initializer(), biases_regularizer=None, reuse=None,  # noqa: B008
                variables_collections=None, outputs_collections=None, trainable=True, scope=None,
                conv_dims=None):  # fmt: skip
    """A convolution over the 1, 2 or 3 spatial dimensions of INPUTS, to NUM_OUTPUTS channels."""
    inputs = ops.convert_to_tensor(inputs)
    rank = inputs.get_shape().ndims
    if conv_dims is not None and conv_dims + 2 != rank:
        raise ValueError(f"Convolution expects input with rank {conv_dims + 2}, got {rank}")
    spatial = rank - 2
    if spatial not in _FORMATS:
        raise ValueError("Convolution not supported for input with rank", rank)
    if data_format not in (None, *_FORMATS[spatial]):
        raise ValueError(f"Invalid data_format: {data_format!r}")
    with vs.variable_scope(scope, "Conv", [inputs], reuse=reuse) as sc:
        size = utils.n_positive_integers(spatial, kernel_size)
        dtype = inputs.dtype.base_dtype
        weights = core.model_variable(
            sc, "weights", [*size, _channels(inputs, data_format), num_outputs], dtype, weights_initializer,
            weights_regularizer, variables_collections, trainable,
        )  # fmt: skip
        outputs = conv_ops.convolution(
            inputs, weights, padding, strides=utils.n_positive_integers(spatial, stride),
            dilation_rate=utils.n_positive_integers(spatial, rate), data_format=data_format or _FORMATS[spatial][0],
        )  # fmt: skip
        if _wants_bias(normalizer_fn, biases_initializer):
            biases = core.model_variable(
                sc, "biases", [num_outputs], dtype, biases_initializer, biases_regularizer, variables_collections,
                trainable,
            )  # fmt: skip
            outputs = _add_bias(outputs, biases, data_format)
        return core.finish(sc, outputs, outputs_collections, normalizer_fn, normalizer_params, activation_fn)


def _of_rank(conv_dims):
    """convolution over CONV_DIMS spatial dimensions."""

    @add_arg_scope
    def layer(inputs, num_outputs, kernel_size, stride=1, padding="SAME", data_format=None, rate=1,
              activation_fn=nn_ops.relu, normalizer_fn=None, normalizer_params=None,
              weights_initializer=initializers.xavier_initializer(), weights_regularizer=None,  # noqa: B008
              biases_initializer=init_ops.zeros_initializer(), biases_regularizer=None, reuse=None,  # noqa: B008
              variables_collections=None, outputs_collections=None, trainable=True, scope=None):  # fmt: skip
        return convolution(
            inputs, num_outputs, kernel_size, stride, padding, data_format, rate, activation_fn, normalizer_fn,
            normalizer_params, weights_initializer, weights_regularizer, biases_initializer, biases_regularizer, reuse,
            variables_collections, outputs_collections, trainable, scope, conv_dims,
        )  # fmt: skip

    return layer


def _renamed(layer, name):
    """LAYER under its own name, so that scopes that set its defaults tell it from the others."""
    inner = layer.__wrapped__
    inner.__name__ = inner.__qualname__ = name
    return add_arg_scope(inner)


convolution1d = tf_export("contrib.layers.conv1d", "contrib.layers.convolution1d", "contrib.slim.conv1d",
                          "contrib.slim.convolution1d")(_renamed(_of_rank(1), "convolution1d"))  # fmt: skip
convolution2d = tf_export("contrib.layers.conv2d", "contrib.layers.convolution2d", "contrib.slim.conv2d",
                          "contrib.slim.convolution2d")(_renamed(_of_rank(2), "convolution2d"))  # fmt: skip
convolution3d = tf_export("contrib.layers.conv3d", "contrib.layers.convolution3d", "contrib.slim.conv3d",
                          "contrib.slim.convolution3d")(_renamed(_of_rank(3), "convolution3d"))  # fmt: skip


def _output_size(size, kernel, stride, padding):
    """The size that a transposed convolution gives."""
    if isinstance(size, int) or not isinstance(size, ops.Tensor):
        size = int(size)
    return size * stride + (max(kernel - stride, 0) if padding == "VALID" else 0)


def _transposed(spatial, name, o):
    """A transposed convolution over SPATIAL dimensions; O: the layer's arguments."""
    inputs, num_outputs, kernel_size = o["inputs"], o["num_outputs"], o["kernel_size"]
    data_format = o["data_format"] or _FORMATS[spatial][0]
    if data_format not in _FORMATS[spatial]:
        raise ValueError(f"data_format has to be one of {_FORMATS[spatial]}.")
    with vs.variable_scope(o["scope"], name, [inputs], reuse=o["reuse"]) as sc:
        inputs = ops.convert_to_tensor(inputs)
        dtype = inputs.dtype.base_dtype
        kernel = utils.n_positive_integers(spatial, kernel_size)
        strides = utils.n_positive_integers(spatial, o["stride"])
        first = data_format.startswith("NC")
        weights = core.model_variable(
            sc, "weights", [*kernel, num_outputs, _channels(inputs, data_format)], dtype, o["weights_initializer"],
            o["weights_regularizer"], o["variables_collections"], o["trainable"],
        )  # fmt: skip
        shape, static = array_ops.shape(inputs), inputs.get_shape().as_list()
        at = 2 if first else 1
        sizes = [
            _output_size(static[at + i] if static[at + i] is not None else shape[at + i], kernel[i], strides[i],
                         o["padding"].upper())
            for i in range(spatial)
        ]  # fmt: skip
        batch = shape[0]
        whole = [batch, num_outputs, *sizes] if first else [batch, *sizes, num_outputs]
        steps = [1, 1, *strides] if first else [1, *strides, 1]
        transpose = conv_ops.conv2d_transpose if spatial == 2 else conv_ops.conv3d_transpose
        outputs = transpose(
            inputs, weights, array_ops.stack(whole), steps, padding=o["padding"].upper(), data_format=data_format
        )
        known = [size if isinstance(size, int) else None for size in sizes]
        outputs.set_shape([static[0], num_outputs, *known] if first else [static[0], *known, num_outputs])
        if _wants_bias(o["normalizer_fn"], o["biases_initializer"]):
            biases = core.model_variable(
                sc, "biases", [num_outputs], dtype, o["biases_initializer"], o["biases_regularizer"],
                o["variables_collections"], o["trainable"],
            )  # fmt: skip
            outputs = _add_bias(outputs, biases, data_format)
        return core.finish(
            sc, outputs, o["outputs_collections"], o["normalizer_fn"], o["normalizer_params"], o["activation_fn"]
        )


@tf_export("contrib.layers.conv2d_transpose", "contrib.layers.convolution2d_transpose", "contrib.slim.conv2d_transpose",
           "contrib.slim.convolution2d_transpose")  # fmt: skip
@add_arg_scope
def convolution2d_transpose(inputs, num_outputs, kernel_size, stride=1, padding="SAME", data_format="NHWC",
                            activation_fn=nn_ops.relu, normalizer_fn=None, normalizer_params=None,
                            weights_initializer=initializers.xavier_initializer(),  # noqa: B008
                            weights_regularizer=None,
                            biases_initializer=init_ops.zeros_initializer(), biases_regularizer=None,  # noqa: B008
                            reuse=None, variables_collections=None, outputs_collections=None, trainable=True,
                            scope=None):  # fmt: skip
    """The transpose of a convolution: an image STRIDE times as large."""
    return _transposed(2, "Conv2d_transpose", locals())


@tf_export("contrib.layers.conv3d_transpose", "contrib.layers.convolution3d_transpose", "contrib.slim.conv3d_transpose",
           "contrib.slim.convolution3d_transpose")  # fmt: skip
@add_arg_scope
def convolution3d_transpose(inputs, num_outputs, kernel_size, stride=1, padding="SAME", data_format="NDHWC",
                            activation_fn=nn_ops.relu, normalizer_fn=None, normalizer_params=None,
                            weights_initializer=initializers.xavier_initializer(),  # noqa: B008
                            weights_regularizer=None,
                            biases_initializer=init_ops.zeros_initializer(), biases_regularizer=None,  # noqa: B008
                            reuse=None, variables_collections=None, outputs_collections=None, trainable=True,
                            scope=None):  # fmt: skip
    """The transpose of a convolution over volumes."""
    return _transposed(3, "Conv3d_transpose", locals())


@tf_export("contrib.layers.conv2d_in_plane", "contrib.layers.convolution2d_in_plane", "contrib.slim.conv2d_in_plane",
           "contrib.slim.convolution2d_in_plane")  # fmt: skip
@add_arg_scope
def convolution2d_in_plane(inputs, kernel_size, stride=1, padding="SAME", activation_fn=nn_ops.relu, normalizer_fn=None,
                           normalizer_params=None, weights_initializer=initializers.xavier_initializer(),  # noqa: B008
                           weights_regularizer=None,
                           biases_initializer=init_ops.zeros_initializer(), biases_regularizer=None,  # noqa: B008
                           reuse=None, variables_collections=None, outputs_collections=None, trainable=True,
                           scope=None):  # fmt: skip
    """The same convolution of one channel on each channel."""
    with vs.variable_scope(scope, "ConvInPlane", [inputs], reuse=reuse) as sc:
        inputs = ops.convert_to_tensor(inputs)
        dtype = inputs.dtype.base_dtype
        kernel_h, kernel_w = utils.two_element_tuple(kernel_size)
        stride_h, stride_w = utils.two_element_tuple(stride)
        channels = utils.last_dimension(inputs.get_shape(), min_rank=4)
        weights = core.model_variable(
            sc, "weights", [kernel_h, kernel_w, 1, 1], dtype, weights_initializer, weights_regularizer,
            variables_collections, trainable,
        )  # fmt: skip
        depthwise = array_ops.tile(weights, [1, 1, channels, 1])
        outputs = conv_ops.depthwise_conv2d(inputs, depthwise, [1, stride_h, stride_w, 1], padding)
        if _wants_bias(normalizer_fn, biases_initializer):
            biases = core.model_variable(
                sc, "biases", [channels], dtype, biases_initializer, biases_regularizer, variables_collections,
                trainable,
            )  # fmt: skip
            outputs = nn_ops.bias_add(outputs, biases)
        return core.finish(sc, outputs, outputs_collections, normalizer_fn, normalizer_params, activation_fn)


@tf_export("contrib.layers.separable_conv2d", "contrib.layers.separable_convolution2d", "contrib.slim.separable_conv2d",
           "contrib.slim.separable_convolution2d")  # fmt: skip
@add_arg_scope
def separable_convolution2d(inputs, num_outputs, kernel_size, depth_multiplier=1, stride=1, padding="SAME",
                            data_format="NHWC", rate=1, activation_fn=nn_ops.relu, normalizer_fn=None,
                            normalizer_params=None, weights_initializer=initializers.xavier_initializer(),  # noqa: B008
                            pointwise_initializer=None, weights_regularizer=None,
                            biases_initializer=init_ops.zeros_initializer(), biases_regularizer=None,  # noqa: B008
                            reuse=None, variables_collections=None, outputs_collections=None, trainable=True,
                            scope=None):  # fmt: skip
    """A convolution on each channel, then one across channels (none if NUM_OUTPUTS is None)."""
    if data_format not in core.DATA_FORMATS_2D:
        raise ValueError("data_format has to be either NCHW or NHWC.")
    with vs.variable_scope(scope, "SeparableConv2d", [inputs], reuse=reuse) as sc:
        inputs = ops.convert_to_tensor(inputs)
        dtype, channels = inputs.dtype.base_dtype, _channels(inputs, data_format)
        kernel = utils.two_element_tuple(kernel_size)
        steps, rates = utils.two_element_tuple(stride), utils.two_element_tuple(rate)

        def weights(name, shape, initializer):
            return core.model_variable(
                sc, name, shape, dtype, initializer, weights_regularizer, variables_collections, trainable
            )

        depthwise = weights("depthwise_weights", [*kernel, channels, depth_multiplier], weights_initializer)
        strides = [1, 1, *steps] if data_format.startswith("NC") else [1, *steps, 1]
        if num_outputs is not None:
            pointwise = weights(
                "pointwise_weights", [1, 1, depth_multiplier * channels, num_outputs],
                pointwise_initializer or weights_initializer,
            )  # fmt: skip
            outputs = conv_ops.separable_conv2d(
                inputs, depthwise, pointwise, strides, padding, rate=rates, data_format=data_format
            )
        else:
            outputs = conv_ops.depthwise_conv2d(
                inputs, depthwise, strides, padding, rate=rates, data_format=data_format
            )
            num_outputs = depth_multiplier * channels
        if _wants_bias(normalizer_fn, biases_initializer):
            biases = core.model_variable(
                sc, "biases", [num_outputs], dtype, biases_initializer, biases_regularizer, variables_collections,
                trainable,
            )  # fmt: skip
            outputs = nn_ops.bias_add(outputs, biases, data_format=data_format)
        return core.finish(sc, outputs, outputs_collections, normalizer_fn, normalizer_params, activation_fn)


def _pool(op, name, spatial, inputs, kernel_size, stride, padding, data_format, outputs_collections, scope):
    if data_format not in _FORMATS[spatial]:
        raise ValueError(f"data_format has to be one of {_FORMATS[spatial]}.")
    with ops.name_scope(scope, name, [inputs]) as sc:
        inputs = ops.convert_to_tensor(inputs)
        kernel, steps = utils.n_positive_integers(spatial, kernel_size), utils.n_positive_integers(spatial, stride)
        first = data_format.startswith("NC")
        window, strides = ([1, 1, *v] if first else [1, *v, 1] for v in (kernel, steps))
        outputs = op(inputs, window, strides, padding, data_format=data_format)
        return utils.collect_named_outputs(outputs_collections, sc, outputs)


@tf_export("contrib.layers.max_pool2d", "contrib.slim.max_pool2d")
@add_arg_scope
def max_pool2d(
    inputs, kernel_size, stride=2, padding="VALID", data_format="NHWC", outputs_collections=None, scope=None
):
    """The maximum of windows of images."""
    return _pool(gen_ops.max_pool, "MaxPool2D", 2, inputs, kernel_size, stride, padding, data_format,
                 outputs_collections, scope)  # fmt: skip


@tf_export("contrib.layers.avg_pool2d", "contrib.slim.avg_pool2d")
@add_arg_scope
def avg_pool2d(
    inputs, kernel_size, stride=2, padding="VALID", data_format="NHWC", outputs_collections=None, scope=None
):
    """The mean of windows of images."""
    return _pool(gen_ops.avg_pool, "AvgPool2D", 2, inputs, kernel_size, stride, padding, data_format,
                 outputs_collections, scope)  # fmt: skip


@tf_export("contrib.layers.max_pool3d", "contrib.slim.max_pool3d")
@add_arg_scope
def max_pool3d(inputs, kernel_size, stride=2, padding="VALID", data_format="NDHWC", outputs_collections=None,
               scope=None):  # fmt: skip
    """The maximum of windows of volumes."""
    return _pool(gen_ops.max_pool3d, "MaxPool3D", 3, inputs, kernel_size, stride, padding, data_format,
                 outputs_collections, scope)  # fmt: skip


@tf_export("contrib.layers.avg_pool3d", "contrib.slim.avg_pool3d")
@add_arg_scope
def avg_pool3d(inputs, kernel_size, stride=2, padding="VALID", data_format="NDHWC", outputs_collections=None,
               scope=None):  # fmt: skip
    """The mean of windows of volumes."""
    return _pool(gen_ops.avg_pool3d, "AvgPool3D", 3, inputs, kernel_size, stride, padding, data_format,
                 outputs_collections, scope)  # fmt: skip


@tf_export("contrib.layers.pool", "contrib.slim.pool")
@add_arg_scope
def pool(inputs, kernel_size, pooling_type, padding="VALID", data_format=None, dilation_rate=1, stride=1,
         outputs_collections=None, scope=None):  # fmt: skip
    """MAX or AVG over windows in any number of spatial dimensions."""
    with ops.name_scope(scope, f"{pooling_type.lower()}_pool", [inputs]) as sc:
        inputs = ops.convert_to_tensor(inputs)
        rank = inputs.get_shape().ndims
        if rank is None:
            raise ValueError("Rank of inputs must be known")
        if rank < 3:
            raise ValueError("Rank of inputs must be >= 3")
        spatial = rank - 2
        outputs = nn_pooling.pool(
            input=inputs, window_shape=utils.n_positive_integers(spatial, kernel_size), pooling_type=pooling_type,
            padding=padding, data_format=data_format,
            dilation_rate=utils.n_positive_integers(spatial, dilation_rate),
            strides=utils.n_positive_integers(spatial, stride),
        )  # fmt: skip
        return utils.collect_named_outputs(outputs_collections, sc, outputs)
