"""Normalisations: over the batch, over a layer, over an instance, over groups of channels."""

from tenon.contrib.framework import variables
from tenon.contrib.framework.arg_scopes import add_arg_scope
from tenon.contrib.layers import core, utils
from tenon.python.framework import constant_op, ops, tensor_shape
from tenon.python.layers import normalization as layers
from tenon.python.ops import array_ops, control_flow_ops, init_ops, math_ops, nn_impl
from tenon.python.ops import variable_scope as vs
from tenon.python.training import moving_averages
from tenon.python.util.tf_export import tf_export


class _Parameters:
    """The variables of a normalisation: what makes them, and with what collections."""

    def __init__(self, initializers, regularizers, collections, trainable):
        self.initializers, self.regularizers = initializers or {}, regularizers or {}
        self.collections, self.trainable = collections, trainable

    def make(self, name, shape, dtype, default, trainable=True):
        return variables.model_variable(
            name, shape=shape, dtype=dtype, initializer=self.initializers.get(name, default),
            regularizer=self.regularizers.get(name), trainable=trainable and self.trainable,
            collections=utils.get_variable_collections(self.collections, name),
        )  # fmt: skip

    def getter(self, getter, name, *_, **given):
        """A scope's custom getter: model variables."""
        kept = ("shape", "dtype", "initializer", "regularizer", "trainable", "caching_device", "partitioner",
                "use_resource", "synchronization", "aggregation")  # fmt: skip
        wanted = {key: given[key] for key in kept if key in given}
        collections = utils.get_variable_collections(self.collections, name.rpartition("/")[2])
        return variables.model_variable(name, collections=collections, custom_getter=getter, **wanted)


def _by_layer(inputs, made, settings, is_training, scope):
    """The outputs of a layer of tf.layers, in a variable scope: what can renormalize and adjust."""
    names = ("beta", "gamma", "moving_mean", "moving_variance")
    settings.update({f"{n}_initializer": made.initializers[n] for n in names if n in made.initializers})
    settings.update({f"{n}_regularizer": made.regularizers[n] for n in names[:2] if n in made.regularizers})
    layer = layers.BatchNormalization(trainable=made.trainable, name=scope.name, _scope=scope, **settings)
    return layer.apply(ops.convert_to_tensor(inputs), training=is_training)


def _moving_updates(moving, batch, decay, zero_debias):
    """The updates of the moving mean and variance."""
    pairs = zip(moving, batch, (zero_debias, False))
    return [moving_averages.assign_moving_average(m, b, decay, zero_debias=z) for m, b, z in pairs]


def _apply_updates(updates_collections, outputs, is_training, make_updates):
    """Collects the updates of the moving averages, or makes OUTPUTS wait for them where there is no collection."""
    known = utils.constant_value(is_training)
    if known is False:
        return outputs
    if updates_collections is None:

        def forced():
            with ops.control_dependencies(make_updates()):
                return array_ops.identity(outputs)

        return utils.smart_cond(is_training, forced, lambda: outputs)
    for update in make_updates():
        ops.add_to_collections(updates_collections, update)
    return outputs


def _as_image(inputs, data_format):
    """INPUTS with four dimensions, for the fused kernel."""
    if inputs.get_shape().ndims == 4:
        return inputs
    width = inputs.get_shape().as_list()[-1]
    shape = [-1, width, 1, 1] if data_format == "NCHW" else [-1, 1, 1, width]
    return array_ops.reshape(inputs, shape)


def _fused(inputs, beta, gamma, moving, epsilon, data_format, is_training):
    """(outputs, batch mean, batch variance) by the fused kernel."""
    images = _as_image(inputs, data_format)

    def training():
        return nn_impl.fused_batch_norm(images, gamma, beta, epsilon=epsilon, data_format=data_format)

    def inference():
        return nn_impl.fused_batch_norm(
            images, gamma, beta, mean=moving[0], variance=moving[1], epsilon=epsilon, is_training=False,
            data_format=data_format,
        )  # fmt: skip

    outputs, mean, variance = utils.smart_cond(is_training, training, inference)
    if images is not inputs:
        outputs = array_ops.reshape(outputs, array_ops.shape(inputs))
    return outputs, mean, variance


def _moments(inputs, axes, batch_weights):
    if batch_weights is None:
        return nn_impl.moments(inputs, axes)
    weights = ops.convert_to_tensor(batch_weights)
    shape = array_ops.shape(weights)
    weights = array_ops.reshape(weights, array_ops.concat([shape, [1] * (inputs.get_shape().ndims - 1)], 0))
    return nn_impl.weighted_moments(inputs, axes, weights)


def _channel_shape(inputs, data_format):
    axis = 1 if data_format == "NCHW" else -1
    size = tensor_shape.dimension_value(inputs.get_shape().dims[axis])
    if size is None:
        raise ValueError(f"Inputs {inputs.name} has undefined channels dimension {inputs.get_shape()}.")
    return size


@tf_export("contrib.layers.batch_norm", "contrib.slim.batch_norm")
@add_arg_scope
def batch_norm(inputs, decay=0.999, center=True, scale=False, epsilon=0.001, activation_fn=None,
               param_initializers=None, param_regularizers=None, updates_collections=ops.GraphKeys.UPDATE_OPS,
               is_training=True, reuse=None, variables_collections=None, outputs_collections=None, trainable=True,
               batch_weights=None, fused=None, data_format=core.DATA_FORMATS_2D[1], zero_debias_moving_mean=False,
               scope=None, renorm=False, renorm_clipping=None, renorm_decay=0.99, adjustment=None):  # fmt: skip
    """Batch normalisation (arXiv 1502.03167); its moving averages' updates go into UPDATES_COLLECTIONS."""
    if data_format not in core.DATA_FORMATS_2D:
        raise ValueError("data_format has to be either NCHW or NHWC.")
    if renorm or adjustment is not None:
        if batch_weights is not None or zero_debias_moving_mean or updates_collections != ops.GraphKeys.UPDATE_OPS:
            what = "renorm" if renorm else "adjustment"
            raise ValueError(
                f"{what} is not supported with batch_weights, updates_collections or zero_debias_moving_mean"
            )
        made = _Parameters(param_initializers, param_regularizers, variables_collections, trainable)
        settings = {
            "axis": 1 if data_format == "NCHW" else -1, "momentum": decay, "epsilon": epsilon, "center": center,
            "scale": scale, "renorm": renorm, "renorm_clipping": renorm_clipping, "renorm_momentum": renorm_decay,
            "adjustment": adjustment,
        }  # fmt: skip
        with vs.variable_scope(scope, "BatchNorm", [inputs], reuse=reuse, custom_getter=made.getter) as sc:
            outputs = _by_layer(inputs, made, settings, is_training, sc)
            return core.finish(sc, outputs, outputs_collections, activation_fn=activation_fn)
    with vs.variable_scope(scope, "BatchNorm", [inputs], reuse=reuse) as sc:
        inputs = ops.convert_to_tensor(inputs)
        rank = inputs.get_shape().ndims
        if rank is None:
            raise ValueError(f"Inputs {inputs.name} has undefined rank.")
        channels = _channel_shape(inputs, data_format)
        dtype = inputs.dtype.base_dtype
        made = _Parameters(param_initializers, param_regularizers, variables_collections, trainable)
        beta = made.make("beta", [channels], dtype, init_ops.zeros_initializer()) if center else None
        gamma = made.make("gamma", [channels], dtype, init_ops.ones_initializer()) if scale else None
        moving = (
            made.make("moving_mean", [channels], dtype, init_ops.zeros_initializer(), trainable=False),
            made.make("moving_variance", [channels], dtype, init_ops.ones_initializer(), trainable=False),
        )
        if fused in (None, True) and rank in (2, 4) and batch_weights is None:
            zeros = beta if center else constant_op.constant(0.0, dtype=dtype, shape=[channels])
            ones = gamma if scale else constant_op.constant(1.0, dtype=dtype, shape=[channels])
            outputs, mean, variance = _fused(inputs, zeros, ones, moving, epsilon, data_format, is_training)
        else:
            outputs, mean, variance = _unfused(
                inputs, beta, gamma, moving, (epsilon, data_format, is_training, batch_weights)
            )
        outputs.set_shape(inputs.get_shape())
        outputs = _apply_updates(
            updates_collections, outputs, is_training,
            lambda: _updates_if(is_training, moving, (mean, variance), decay, zero_debias_moving_mean),
        )  # fmt: skip
        return core.finish(sc, outputs, outputs_collections, activation_fn=activation_fn)


def _updates_if(is_training, moving, batch, decay, zero_debias):
    """The updates in training; in inference what keeps the averages."""
    if utils.constant_value(is_training) is not None:
        return _moving_updates(moving, batch, decay, zero_debias)

    def keep():
        return [array_ops.identity(average) for average in moving]

    return control_flow_ops.cond(
        is_training,
        lambda: [array_ops.identity(u) for u in _moving_updates(moving, batch, decay, zero_debias)],
        keep,
    )


def _unfused(inputs, beta, gamma, moving, how):
    """(outputs, batch mean, batch variance) by moments, for any rank and for weighted batches."""
    epsilon, data_format, is_training, batch_weights = how
    rank = inputs.get_shape().ndims
    axis = 1 if data_format == "NCHW" else rank - 1
    axes = [i for i in range(rank) if i != axis]
    mean, variance = _moments(inputs, axes, batch_weights)
    used = utils.smart_cond(is_training, lambda: [mean, variance], lambda: [array_ops.identity(m) for m in moving])

    def shaped(value):
        if value is None or axis == rank - 1:
            return value
        return array_ops.reshape(value, [1 if i != axis else -1 for i in range(rank)])

    outputs = nn_impl.batch_normalization(
        inputs, shaped(used[0]), shaped(used[1]), shaped(beta), shaped(gamma), epsilon
    )
    return outputs, mean, variance


@tf_export("contrib.layers.layer_norm", "contrib.slim.layer_norm")
@add_arg_scope
def layer_norm(inputs, center=True, scale=True, activation_fn=None, reuse=None, variables_collections=None,
               outputs_collections=None, trainable=True, begin_norm_axis=1, begin_params_axis=-1,
               scope=None):  # fmt: skip
    """Normalisation of each example over all but its first dimensions (arXiv 1607.06450)."""
    with vs.variable_scope(scope, "LayerNorm", [inputs], reuse=reuse) as sc:
        inputs = ops.convert_to_tensor(inputs)
        shape = inputs.get_shape()
        rank = shape.ndims
        if rank is None:
            raise ValueError(f"Inputs {inputs.name} has undefined rank.")
        begin_norm_axis = begin_norm_axis + rank if begin_norm_axis < 0 else begin_norm_axis
        if begin_params_axis >= rank or begin_norm_axis >= rank:
            raise ValueError(
                f"begin_params_axis ({begin_params_axis}) and begin_norm_axis ({begin_norm_axis}) must be "
                f"< rank ({rank})"
            )
        params_shape = shape[begin_params_axis:]
        if not params_shape.is_fully_defined():
            raise ValueError(f"Inputs {inputs.name}: shape(inputs)[{begin_params_axis}:] is not fully defined: {shape}")
        dtype = inputs.dtype.base_dtype
        made = _Parameters(None, None, variables_collections, trainable)
        beta = made.make("beta", params_shape, dtype, init_ops.zeros_initializer()) if center else None
        gamma = made.make("gamma", params_shape, dtype, init_ops.ones_initializer()) if scale else None
        mean, variance = nn_impl.moments(inputs, list(range(begin_norm_axis, rank)), keep_dims=True)
        epsilon = 1e-3 if dtype.name == "float16" else 1e-12
        outputs = nn_impl.batch_normalization(
            inputs, mean, variance, offset=beta, scale=gamma, variance_epsilon=epsilon
        )
        outputs.set_shape(shape)
        return core.finish(sc, outputs, outputs_collections, activation_fn=activation_fn)


@tf_export("contrib.layers.instance_norm", "contrib.slim.instance_norm")
@add_arg_scope
def instance_norm(inputs, center=True, scale=True, epsilon=1e-6, activation_fn=None, param_initializers=None,
                  reuse=None, variables_collections=None, outputs_collections=None, trainable=True,
                  data_format=core.DATA_FORMATS_2D[1], scope=None):  # fmt: skip
    """Normalisation of each channel of each example (arXiv 1607.08022)."""
    inputs = ops.convert_to_tensor(inputs)
    rank = inputs.get_shape().ndims
    if rank is None:
        raise ValueError(f"Inputs {inputs.name} has undefined rank.")
    if data_format not in core.DATA_FORMATS_2D:
        raise ValueError("data_format has to be either NCHW or NHWC.")
    with vs.variable_scope(scope, "InstanceNorm", [inputs], reuse=reuse) as sc:
        axis = 1 if data_format == "NCHW" else rank - 1
        channels = _channel_shape(inputs, data_format)
        dtype = inputs.dtype.base_dtype
        made = _Parameters(param_initializers, None, variables_collections, trainable)
        shape = [channels if i == axis else 1 for i in range(rank)]

        def parameter(name, default):
            return array_ops.reshape(made.make(name, [channels], dtype, default), shape)

        beta = parameter("beta", init_ops.zeros_initializer()) if center else None
        gamma = parameter("gamma", init_ops.ones_initializer()) if scale else None
        axes = [i for i in range(1, rank) if i != axis]
        mean, variance = nn_impl.moments(inputs, axes, keep_dims=True)
        outputs = nn_impl.batch_normalization(inputs, mean, variance, beta, gamma, epsilon, name="instancenorm")
        outputs.set_shape(inputs.get_shape())
        return core.finish(sc, outputs, outputs_collections, activation_fn=activation_fn)


@tf_export("contrib.layers.group_norm", "contrib.slim.group_norm")
@add_arg_scope
def group_norm(inputs, groups=32, channels_axis=-1, reduction_axes=(-3, -2), center=True, scale=True, epsilon=1e-6,
               activation_fn=None, param_initializers=None, reuse=None, variables_collections=None,
               outputs_collections=None, trainable=True, scope=None, mean_close_to_zero=False):  # fmt: skip
    """Normalisation over groups of channels of each example (arXiv 1803.08494)."""
    inputs = ops.convert_to_tensor(inputs)
    rank = inputs.get_shape().ndims
    if rank is None:
        raise ValueError(f"Inputs {inputs.name} has undefined rank.")
    axis = channels_axis % rank
    reduced = [i % rank for i in reduction_axes]
    if axis in reduced:
        raise ValueError("reduction_axes and channels_axis overlap")
    channels = inputs.get_shape().as_list()[axis]
    if channels is None or groups > channels or channels % groups:
        raise ValueError(f"{channels} channels can't be divided into {groups} groups")
    with vs.variable_scope(scope, "GroupNorm", [inputs], reuse=reuse) as sc:
        dtype = inputs.dtype.base_dtype
        made = _Parameters(param_initializers, None, variables_collections, trainable)
        shape = array_ops.shape(inputs)
        sizes = [shape[i] if size is None else size for i, size in enumerate(inputs.get_shape().as_list())]
        split = [*sizes[:axis], groups, channels // groups, *sizes[axis + 1 :]]
        grouped = array_ops.reshape(inputs, split)
        axes = sorted({axis + 1, *(i if i < axis else i + 1 for i in reduced)})
        if mean_close_to_zero:
            mean = math_ops.reduce_mean(grouped, axes, keepdims=True)
            square = math_ops.reduce_mean(math_ops.square(grouped), axes, keepdims=True)
            variance = square - math_ops.square(mean)
        else:
            mean, variance = nn_impl.moments(grouped, axes, keep_dims=True)
        params = [1] * (rank + 1)
        params[axis], params[axis + 1] = groups, channels // groups

        def parameter(name, default):
            return array_ops.reshape(made.make(name, [channels], dtype, default), params)

        beta = parameter("beta", init_ops.zeros_initializer()) if center else None
        gamma = parameter("gamma", init_ops.ones_initializer()) if scale else None
        gain = math_ops.rsqrt(variance + epsilon)
        gain = gain * gamma if gamma is not None else gain
        offset = -mean * gain
        offset = offset + beta if beta is not None else offset
        outputs = array_ops.reshape(grouped * gain + offset, array_ops.stack(sizes))
        outputs.set_shape(inputs.get_shape())
        return core.finish(sc, outputs, outputs_collections, activation_fn=activation_fn)
