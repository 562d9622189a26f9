"""Layers with weights: dense, bias, embedding; each makes its variables in a scope of its own."""

import functools

from tenon.contrib.framework import variables
from tenon.contrib.framework.arg_scopes import add_arg_scope
from tenon.contrib.layers import initializers, utils
from tenon.python.framework import dtypes, ops, sparse_tensor, tensor_shape
from tenon.python.ops import array_ops, embedding_ops, init_ops, math_ops, nn_ops
from tenon.python.ops import variable_scope as vs
from tenon.python.util.tf_export import tf_export

DATA_FORMATS_2D = ("NCHW", "NHWC")


def model_variable(sc, name, shape, dtype, initializer, regularizer, variables_collections, trainable):
    """The variable NAME of a layer, in the collections that are meant for it."""
    return variables.model_variable(
        name, shape=shape, dtype=dtype, initializer=initializer, regularizer=regularizer, trainable=trainable,
        collections=utils.get_variable_collections(variables_collections, name),
    )  # fmt: skip


def finish(sc, outputs, outputs_collections, normalizer_fn=None, normalizer_params=None, activation_fn=None):
    """Normalises, activates and collects what a layer computed."""
    if normalizer_fn is not None:
        outputs = normalizer_fn(outputs, **(normalizer_params or {}))
    if activation_fn is not None:
        outputs = activation_fn(outputs)
    return utils.collect_named_outputs(outputs_collections, sc.name, outputs)


@tf_export("contrib.layers.bias_add", "contrib.slim.bias_add")
@add_arg_scope
def bias_add(inputs, activation_fn=None, initializer=init_ops.zeros_initializer(), regularizer=None, reuse=None,  # noqa: B008
             variables_collections=None, outputs_collections=None, trainable=True, data_format="NHWC",
             scope=None):  # fmt: skip
    """INPUTS plus a bias a channel; variable `biases`."""
    if data_format not in DATA_FORMATS_2D:
        raise ValueError("data_format has to be either NCHW or NHWC.")
    with vs.variable_scope(scope, "BiasAdd", [inputs], reuse=reuse) as sc:
        inputs = ops.convert_to_tensor(inputs)
        axis = 1 if data_format == "NCHW" else -1
        channels = tensor_shape.dimension_value(inputs.get_shape().with_rank_at_least(2).dims[axis])
        if channels is None:
            raise ValueError("`C` dimension must be known but is None")
        biases = model_variable(
            sc,
            "biases",
            [channels],
            inputs.dtype.base_dtype,
            initializer,
            regularizer,
            variables_collections,
            trainable,
        )
        outputs = nn_ops.bias_add(inputs, biases, data_format=data_format)
        return finish(sc, outputs, outputs_collections, activation_fn=activation_fn)


@tf_export("contrib.layers.fully_connected", "contrib.slim.fully_connected")
@add_arg_scope
def fully_connected(inputs, num_outputs, activation_fn=nn_ops.relu, normalizer_fn=None, normalizer_params=None,
                    weights_initializer=initializers.xavier_initializer(), weights_regularizer=None,  # noqa: B008
                    biases_initializer=init_ops.zeros_initializer(), biases_regularizer=None, reuse=None,  # noqa: B008
                    variables_collections=None, outputs_collections=None, trainable=True, scope=None):  # fmt: skip
    """activation(INPUTS weights + biases): [..., n] gives [..., NUM_OUTPUTS]."""
    if isinstance(num_outputs, tensor_shape.Dimension):
        num_outputs = num_outputs.value
    if not isinstance(num_outputs, int):
        raise ValueError(f"num_outputs type should be one of int, got {num_outputs}.")
    with vs.variable_scope(scope, "fully_connected", [inputs], reuse=reuse) as sc:
        inputs = ops.convert_to_tensor(inputs)
        width = tensor_shape.dimension_value(inputs.get_shape().with_rank_at_least(2)[-1])
        if width is None:
            raise ValueError("The last dimension of the inputs to `Dense` should be defined. Found `None`.")
        dtype = inputs.dtype.base_dtype
        weights = model_variable(
            sc, "weights", [width, num_outputs], dtype, weights_initializer, weights_regularizer,
            variables_collections, trainable,
        )  # fmt: skip
        if inputs.get_shape().ndims > 2:
            outputs = math_ops.tensordot(inputs, weights, [[inputs.get_shape().ndims - 1], [0]])
            outputs.set_shape(inputs.get_shape()[:-1].concatenate([num_outputs]))
        else:
            outputs = math_ops.matmul(inputs, weights)
        if normalizer_fn is None and biases_initializer is not None:
            biases = model_variable(
                sc, "biases", [num_outputs], dtype, biases_initializer, biases_regularizer, variables_collections,
                trainable,
            )  # fmt: skip
            outputs = nn_ops.bias_add(outputs, biases)
        return finish(sc, outputs, outputs_collections, normalizer_fn, normalizer_params, activation_fn)


# fully_connected with another default activation.
relu = functools.partial(fully_connected, activation_fn=nn_ops.relu)
relu6 = functools.partial(fully_connected, activation_fn=nn_ops.relu6)
elu = functools.partial(fully_connected, activation_fn=nn_ops.elu)
linear = functools.partial(fully_connected, activation_fn=None)
TF_EXPORTS = {
    "contrib.layers.relu": "relu",
    "contrib.layers.relu6": "relu6",
    "contrib.layers.elu": "elu",
    "contrib.layers.linear": "linear",
    "contrib.slim.relu": "relu",
    "contrib.slim.relu6": "relu6",
    "contrib.slim.elu": "elu",
    "contrib.slim.linear": "linear",
    "contrib.layers.legacy_linear": "legacy_linear",
    "contrib.layers.legacy_relu": "legacy_relu",
    "contrib.slim.legacy_linear": "legacy_linear",
    "contrib.slim.legacy_relu": "legacy_relu",
}


@tf_export("contrib.layers.legacy_fully_connected", "contrib.slim.legacy_fully_connected")
def legacy_fully_connected(x, num_output_units, activation_fn=None,
                           weight_init=initializers.xavier_initializer(),  # noqa: B008
                           bias_init=init_ops.zeros_initializer(), name=None,  # noqa: B008
                           weight_collections=(ops.GraphKeys.WEIGHTS,), bias_collections=(ops.GraphKeys.BIASES,),
                           output_collections=(ops.GraphKeys.ACTIVATIONS,), trainable=True, weight_regularizer=None,
                           bias_regularizer=None):  # fmt: skip
    """The dense layer of old: variables `weights` and `bias`."""
    with vs.variable_scope(name, "fully_connected", [x]):
        x = ops.convert_to_tensor(x)
        dims = x.get_shape().dims
        if dims is None:
            raise ValueError("dims of x must be known but is None")
        if len(dims) < 2:
            raise ValueError(f"rank of x must be at least 2 not: {len(dims)}")
        width = tensor_shape.dimension_value(dims[-1])
        if width is None:
            raise ValueError("last dimension of x must be known but is None")
        dtype = x.dtype.base_dtype
        w = vs.get_variable(
            "weights", shape=[width, num_output_units], dtype=dtype, initializer=weight_init,
            collections={*(weight_collections or ()), ops.GraphKeys.GLOBAL_VARIABLES}, regularizer=weight_regularizer,
            trainable=trainable,
        )  # fmt: skip
        flat = x if len(dims) <= 2 else array_ops.reshape(x, array_ops.stack([-1, width]))
        y = math_ops.matmul(flat, w)
        if bias_init is not None:
            b = vs.get_variable(
                "bias", shape=[num_output_units], dtype=dtype, initializer=bias_init,
                collections={*(bias_collections or ()), ops.GraphKeys.GLOBAL_VARIABLES}, regularizer=bias_regularizer,
                trainable=trainable,
            )  # fmt: skip
            y = nn_ops.bias_add(y, b)
        if len(dims) > 2:
            shape = array_ops.unstack(array_ops.shape(x))
            shape[-1] = num_output_units
            y = array_ops.reshape(y, array_ops.stack(shape))
            y.set_shape(tensor_shape.TensorShape([*x.get_shape().as_list()[:-1], num_output_units]))
        if activation_fn is not None:
            y = activation_fn(y)
        ops.add_to_collections(list(output_collections or ()), y)
        return y


legacy_linear = functools.partial(legacy_fully_connected, activation_fn=None)
legacy_relu = functools.partial(legacy_fully_connected, activation_fn=nn_ops.relu)


@tf_export("contrib.layers.dropout", "contrib.slim.dropout")
@add_arg_scope
def dropout(inputs, keep_prob=0.5, noise_shape=None, is_training=True, outputs_collections=None, scope=None, seed=None):
    """Dropout where IS_TRAINING (a bool, or a bool tensor); otherwise INPUTS."""
    with vs.variable_scope(scope, "Dropout", [inputs]) as sc:
        inputs = ops.convert_to_tensor(inputs)
        outputs = utils.smart_cond(
            is_training,
            lambda: nn_ops.dropout(inputs, rate=1 - keep_prob, noise_shape=noise_shape, seed=seed),
            lambda: array_ops.identity(inputs),
        )
        return finish(sc, outputs, outputs_collections)


@tf_export("contrib.layers.flatten", "contrib.slim.flatten")
@add_arg_scope
def flatten(inputs, outputs_collections=None, scope=None):
    """[batch, ...] as [batch, n]."""
    with ops.name_scope(scope, "Flatten", [inputs]) as sc:
        inputs = ops.convert_to_tensor(inputs)
        shape = inputs.get_shape()
        if shape.ndims is None or shape.ndims < 1:
            raise ValueError("Inputs must have a least 1 dimension.")
        sizes = shape.as_list()
        known = None not in sizes[1:]
        width = 1
        for size in sizes[1:] if known else ():
            width *= size
        if known and sizes[0] is not None:
            outputs = array_ops.reshape(inputs, [sizes[0], width])
        else:
            batch = array_ops.strided_slice(array_ops.shape(inputs), [0], [1], shrink_axis_mask=1)
            outputs = array_ops.reshape(inputs, array_ops.stack([batch, width if known else -1]))
            outputs.set_shape([sizes[0], width if known else None])
        return utils.collect_named_outputs(outputs_collections, sc, outputs)


@tf_export("contrib.layers.one_hot_encoding", "contrib.slim.one_hot_encoding")
@add_arg_scope
def one_hot_encoding(labels, num_classes, on_value=1.0, off_value=0.0, outputs_collections=None, scope=None):
    """Class numbers [batch] as rows [batch, NUM_CLASSES]."""
    with ops.name_scope(scope, "OneHotEncoding", [labels, num_classes]) as sc:
        labels = ops.convert_to_tensor(labels)
        if labels.dtype == dtypes.int32:
            labels = math_ops.cast(labels, dtypes.int64)
        outputs = array_ops.one_hot(labels, num_classes, on_value=on_value, off_value=off_value)
        return utils.collect_named_outputs(outputs_collections, sc, outputs)


@tf_export("contrib.layers.softmax", "contrib.slim.softmax")
@add_arg_scope
def softmax(logits, scope=None):
    """Softmax over the last dimension of any rank."""
    with vs.variable_scope(scope, "softmax", [logits]):
        width = utils.last_dimension(logits.get_shape(), min_rank=2)
        flat = array_ops.reshape(logits, [-1, width])
        made = array_ops.reshape(nn_ops.softmax(flat), array_ops.shape(logits))
        made.set_shape(logits.get_shape())
        return made


@tf_export("contrib.layers.unit_norm", "contrib.slim.unit_norm")
@add_arg_scope
def unit_norm(inputs, dim, epsilon=1e-7, scope=None):
    """INPUTS divided by their length along DIM."""
    with vs.variable_scope(scope, "UnitNorm", [inputs]):
        rank = len(inputs.get_shape().as_list())
        if not 0 <= dim < rank:
            raise ValueError("dim must be positive but smaller than the input rank.")
        lengths = math_ops.sqrt(epsilon + math_ops.reduce_sum(math_ops.square(inputs), dim, True))
        return math_ops.div(inputs, lengths)


@tf_export("contrib.layers.maxout", "contrib.slim.maxout")
@add_arg_scope
def maxout(inputs, num_units, axis=-1, scope=None):
    """The maximum over groups of channels, so that NUM_UNITS stay (arXiv 1302.4389)."""
    with vs.variable_scope(scope, "MaxOut", [inputs]):
        inputs = ops.convert_to_tensor(inputs)
        shape = inputs.get_shape().as_list()
        channels = shape[axis]
        if channels % num_units:
            raise ValueError(f"number of features({channels}) is not a multiple of num_units({num_units})")
        axis = axis % len(shape)
        dynamic = array_ops.shape(inputs)
        sizes = [dynamic[i] if size is None else size for i, size in enumerate(shape)]
        grouped = [*sizes[:axis], num_units, channels // num_units, *sizes[axis + 1 :]]
        made = math_ops.reduce_max(array_ops.reshape(inputs, grouped), axis + 1, keepdims=False)
        made.set_shape([*shape[:axis], num_units, *shape[axis + 1 :]])
        return made


@tf_export("contrib.layers.scale_gradient", "contrib.slim.scale_gradient")
def scale_gradient(inputs, gradient_multiplier):
    """INPUTS, whose gradient is multiplied."""
    kept = array_ops.stop_gradient(inputs)
    return kept + gradient_multiplier * (inputs - kept)


@tf_export("contrib.layers.repeat", "contrib.slim.repeat")
@add_arg_scope
def repeat(inputs, repetitions, layer, *args, **kwargs):
    """LAYER applied REPETITIONS times, in scopes SCOPE/SCOPE_1, SCOPE_2, ..."""
    scope = kwargs.pop("scope", None)
    with vs.variable_scope(scope, "Repeat", [inputs]):
        inputs = ops.convert_to_tensor(inputs)
        if scope is None:
            scope = getattr(layer, "__name__", None) or getattr(getattr(layer, "func", None), "__name__", "repeat")
        outputs = inputs
        for i in range(repetitions):
            kwargs["scope"] = f"{scope}_{i + 1}"
            outputs = layer(outputs, *args, **kwargs)
        return outputs


@tf_export("contrib.layers.stack", "contrib.slim.stack")
@add_arg_scope
def stack(inputs, layer, stack_args, **kwargs):
    """LAYER applied once for each of STACK_ARGS, in scopes SCOPE/SCOPE_1, SCOPE_2, ..."""
    scope = kwargs.pop("scope", None)
    if not isinstance(stack_args, (list, tuple)):
        raise ValueError("stack_args need to be a list or tuple")
    with vs.variable_scope(scope, "Stack", [inputs]):
        inputs = ops.convert_to_tensor(inputs)
        if scope is None:
            scope = getattr(layer, "__name__", None) or getattr(getattr(layer, "func", None), "__name__", "stack")
        outputs = inputs
        for i, layer_args in enumerate(stack_args):
            kwargs["scope"] = f"{scope}_{i + 1}"
            layer_args = layer_args if isinstance(layer_args, (list, tuple)) else [layer_args]
            outputs = layer(outputs, *layer_args, **kwargs)
        return outputs


@tf_export("contrib.layers.embed_sequence", "contrib.slim.embed_sequence")
def embed_sequence(ids, vocab_size=None, embed_dim=None, unique=False, initializer=None, regularizer=None,
                   trainable=True, scope=None, reuse=None):  # fmt: skip
    """Class numbers [batch, length] as rows [batch, length, EMBED_DIM]; variable `embeddings`."""
    if not (reuse or (vocab_size and embed_dim)):
        raise ValueError("Must specify vocab size and embedding dimension when not reusing.")
    with vs.variable_scope(scope, "EmbedSequence", [ids], reuse=reuse):
        shape = [vocab_size, embed_dim]
        if reuse and (vocab_size is None or embed_dim is None):
            shape = None
        table = variables.model_variable(
            "embeddings", shape=shape, initializer=initializer, regularizer=regularizer, trainable=trainable
        )
        if unique:
            return embedding_lookup_unique(table, ids)
        return embedding_ops.embedding_lookup(table, ids)


@tf_export("contrib.layers.embedding_lookup_unique", "contrib.slim.embedding_lookup_unique")
def embedding_lookup_unique(params, ids, partition_strategy="mod", name=None):
    """embedding_lookup that looks each number up once."""
    with ops.name_scope(name, "EmbeddingLookupUnique", [params, ids]):
        ids = ops.convert_to_tensor(ids)
        shape = array_ops.shape(ids)
        unique_ids, idx = array_ops.unique(array_ops.reshape(ids, array_ops.reshape(math_ops.reduce_prod(shape), [1])))
        rows = embedding_ops.embedding_lookup(params, unique_ids, partition_strategy)
        made = array_ops.gather(rows, idx)
        made = array_ops.reshape(made, array_ops.concat([shape, array_ops.shape(rows)[1:]], 0))
        made.set_shape(ids.get_shape().concatenate(rows.get_shape()[1:]))
        return made


@tf_export("contrib.layers.dense_to_sparse", "contrib.slim.dense_to_sparse")
@add_arg_scope
def dense_to_sparse(tensor, eos_token=0, outputs_collections=None, scope=None):
    """TENSOR as a SparseTensor of its entries that are not EOS_TOKEN."""
    with vs.variable_scope(scope, "dense_to_sparse", [tensor]) as sc:
        tensor = ops.convert_to_tensor(tensor)
        indices = array_ops.where(math_ops.not_equal(tensor, ops.convert_to_tensor(eos_token, tensor.dtype)))
        values = array_ops.gather_nd(tensor, indices)
        made = sparse_tensor.SparseTensor(indices, values, array_ops.shape(tensor, out_type=dtypes.int64))
        return utils.collect_named_outputs(outputs_collections, sc.name, made) if outputs_collections else made
