"""VGG with 11, 16 and 19 layers (Simonyan, Zisserman, 2014, arXiv 1409.1556)."""

from tenon.contrib import slim
from tenon.python.ops import array_ops, init_ops, nn_ops
from tenon.python.ops import variable_scope as vs
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.slim.nets.vgg.vgg_arg_scope")
def vgg_arg_scope(weight_decay=0.0005):
    """The defaults to build it with."""
    with slim.arg_scope(
        [slim.conv2d, slim.fully_connected], activation_fn=nn_ops.relu,
        weights_regularizer=slim.l2_regularizer(weight_decay), biases_initializer=init_ops.zeros_initializer(),
    ):  # fmt: skip
        with slim.arg_scope([slim.conv2d], padding="SAME") as scope:
            return scope


def _build(name, repeats, inputs, num_classes, is_training, keep_prob, spatial_squeeze, scope):
    with vs.variable_scope(scope, name, [inputs]) as entered:
        collection = entered.original_name_scope + "_end_points"
        with slim.arg_scope([slim.conv2d, slim.fully_connected, slim.max_pool2d], outputs_collections=collection):
            net = inputs
            for i, (n, filters) in enumerate(zip(repeats, (64, 128, 256, 512, 512)), 1):
                net = slim.repeat(net, n, slim.conv2d, filters, [3, 3], scope=f"conv{i}")
                net = slim.max_pool2d(net, [2, 2], scope=f"pool{i}")
            # Fully connected layers as convolutions, so that larger images give maps.
            net = slim.conv2d(net, 4096, [7, 7], padding="VALID", scope="fc6")
            net = slim.dropout(net, keep_prob, is_training=is_training, scope="dropout6")
            net = slim.conv2d(net, 4096, [1, 1], scope="fc7")
            net = slim.dropout(net, keep_prob, is_training=is_training, scope="dropout7")
            net = slim.conv2d(net, num_classes, [1, 1], activation_fn=None, normalizer_fn=None, scope="fc8")
            end_points = slim.utils.convert_collection_to_dict(collection)
            if spatial_squeeze:
                net = array_ops.squeeze(net, [1, 2], name="fc8/squeezed")
                end_points[entered.name + "/fc8"] = net
            return net, end_points


def _network(name, repeats):
    def build(inputs, num_classes=1000, is_training=True, dropout_keep_prob=0.5, spatial_squeeze=True, scope=name):
        return _build(name, repeats, inputs, num_classes, is_training, dropout_keep_prob, spatial_squeeze, scope)

    build.__name__ = name
    build.__doc__ = f"Images [batch, 224, 224, 3] to logits [batch, NUM_CLASSES] by {name}, and the end points."
    build.default_image_size = 224
    return build


vgg_a = tf_export("contrib.slim.nets.vgg.vgg_a")(_network("vgg_a", (1, 1, 2, 2, 2)))
vgg_16 = tf_export("contrib.slim.nets.vgg.vgg_16")(_network("vgg_16", (2, 2, 3, 3, 3)))
vgg_19 = tf_export("contrib.slim.nets.vgg.vgg_19")(_network("vgg_19", (2, 2, 4, 4, 4)))
vgg_d, vgg_e = vgg_16, vgg_19
