"""Layers between images, sequences and vectors; embeddings of what is sparse."""

from tenon.contrib.framework import variables
from tenon.contrib.framework.arg_scopes import add_arg_scope
from tenon.contrib.layers import core, utils
from tenon.python.framework import dtypes, ops, sparse_tensor, tensor_shape
from tenon.python.ops import array_ops, embedding_ops, init_ops, math_ops, nn_ops
from tenon.python.ops import variable_scope as vs
from tenon.python.platform import tf_logging as logging
from tenon.python.util.tf_export import tf_export


def _check_format(data_format):
    if data_format not in core.DATA_FORMATS_2D:
        raise ValueError("data_format has to be either NCHW or NHWC.")


@tf_export("contrib.layers.images_to_sequence", "contrib.slim.images_to_sequence")
@add_arg_scope
def images_to_sequence(inputs, data_format="NHWC", outputs_collections=None, scope=None):
    """Images [batch, height, width, n] as sequences [width, batch * height, n]."""
    _check_format(data_format)
    with ops.name_scope(scope, "ImagesToSequence", [inputs]) as sc:
        inputs = ops.convert_to_tensor(inputs)
        if data_format == "NCHW":
            inputs = array_ops.transpose(inputs, [0, 2, 3, 1])
        _, _, width, depth = inputs.get_shape().as_list()
        shape = array_ops.shape(inputs)
        outputs = array_ops.reshape(array_ops.transpose(inputs, [2, 0, 1, 3]), [width, shape[0] * shape[1], depth])
        return utils.collect_named_outputs(outputs_collections, sc, outputs)


@tf_export("contrib.layers.sequence_to_images", "contrib.slim.sequence_to_images")
@add_arg_scope
def sequence_to_images(inputs, height, output_data_format="channels_last", outputs_collections=None, scope=None):
    """Sequences [width, batch * HEIGHT, n] as images [batch, HEIGHT, width, n]."""
    with ops.name_scope(scope, "SequenceToImages", [inputs]) as sc:
        inputs = ops.convert_to_tensor(inputs)
        width, rows, depth = inputs.get_shape().as_list()
        images = array_ops.reshape(inputs, [width, -1 if rows is None else rows // height, height, depth])
        order = [1, 3, 2, 0] if output_data_format == "channels_first" else [1, 2, 0, 3]
        return utils.collect_named_outputs(outputs_collections, sc, array_ops.transpose(images, order))


def _temperature(temperature, variables_collections, trainable):
    """The variable `temperature`, which starts as what was given or as 1."""
    start = init_ops.ones_initializer() if temperature is None else init_ops.constant_initializer(temperature)
    collections = utils.get_variable_collections(variables_collections, "temperature") if trainable else None
    return variables.model_variable(
        "temperature", shape=(), dtype=dtypes.float32, initializer=start, collections=collections, trainable=trainable
    )


@tf_export("contrib.layers.spatial_softmax", "contrib.slim.spatial_softmax")
@add_arg_scope
def spatial_softmax(features, temperature=None, name=None, variables_collections=None, trainable=True,
                    data_format="NHWC"):  # fmt: skip
    """Where each channel is: means of places from -1 to 1, [batch, 2 n], x and y by turns; variable `temperature`."""
    with vs.variable_scope(name, "spatial_softmax"):
        _check_format(data_format)
        features = ops.convert_to_tensor(features)
        if data_format == "NHWC":
            features = array_ops.transpose(features, [0, 3, 1, 2])
        shape = array_ops.shape(features)
        height, width = shape[2], shape[3]
        channels = tensor_shape.dimension_value(features.get_shape()[1])
        if channels is None:
            raise ValueError(
                "The num_channels dimension of the inputs to `spatial_softmax` should be defined. Found `None`."
            )
        with ops.name_scope("spatial_softmax_op", values=[features]):
            lines = [math_ops.lin_space(-1.0, 1.0, num=size) for size in (height, width)]
            places = [array_ops.reshape(p, [height * width]) for p in array_ops.meshgrid(*lines, indexing="ij")]
            heat = _temperature(temperature, variables_collections, trainable)
            weights = nn_ops.softmax(array_ops.reshape(features, [-1, height * width]) / heat)
            means = [math_ops.reduce_sum(place * weights, [1], keepdims=True) for place in places]
            made = array_ops.reshape(array_ops.concat(means, 1), [-1, channels * 2])
            made.set_shape([None, channels * 2])
    return made


@tf_export("contrib.layers.bow_encoder", "contrib.slim.bow_encoder")
def bow_encoder(ids, vocab_size, embed_dim, sparse_lookup=True, initializer=None, regularizer=None, trainable=True,
                scope=None, reuse=None):  # fmt: skip
    """The mean of the embeddings of IDS [batch, length]; variable `embeddings`. SPARSE_LOOKUP leaves out zeros."""
    if not vocab_size or not embed_dim:
        raise ValueError("Must specify vocab size and embedding dimension")
    with vs.variable_scope(scope, "bow_encoder", [ids], reuse=reuse):
        table = variables.model_variable(
            "embeddings", shape=[vocab_size, embed_dim], initializer=initializer, regularizer=regularizer,
            trainable=trainable,
        )  # fmt: skip
        if sparse_lookup:
            if not isinstance(ids, sparse_tensor.SparseTensor):
                ids = core.dense_to_sparse(ids)
            return safe_embedding_lookup_sparse([table], ids, combiner="mean", default_id=0)
        if isinstance(ids, sparse_tensor.SparseTensor):
            raise TypeError("ids are expected to be dense Tensor, got: " + str(ids))
        return math_ops.reduce_mean(embedding_ops.embedding_lookup(table, ids), axis=1)


@tf_export("contrib.layers.safe_embedding_lookup_sparse", "contrib.slim.safe_embedding_lookup_sparse")
def safe_embedding_lookup_sparse(embedding_weights, sparse_ids, sparse_weights=None, combiner=None, default_id=None,
                                 name=None, partition_strategy="div", max_norm=None):  # fmt: skip
    """tf.nn.safe_embedding_lookup_sparse, whose combiner is the mean if none is given."""
    if combiner is None:
        logging.warn('The default value of combiner will change from "mean" to "sqrtn" after 2016/11/01.')
        combiner = "mean"
    if embedding_weights is None:
        raise ValueError(f"Missing embedding_weights {embedding_weights}.")
    return embedding_ops.safe_embedding_lookup_sparse(
        embedding_weights, sparse_ids, sparse_weights, combiner, default_id, name, partition_strategy, max_norm
    )
