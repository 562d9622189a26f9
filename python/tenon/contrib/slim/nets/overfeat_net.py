"""OverFeat (Sermanet et al., 2013, arXiv 1312.6229)."""

from tenon.contrib import slim
from tenon.python.ops import array_ops, init_ops, nn_ops
from tenon.python.ops import variable_scope as vs
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.slim.nets.overfeat.overfeat_arg_scope")
def overfeat_arg_scope(weight_decay=0.0005):
    """The defaults to build it with."""
    with slim.arg_scope(
        [slim.conv2d, slim.fully_connected], activation_fn=nn_ops.relu,
        biases_initializer=init_ops.zeros_initializer(), weights_regularizer=slim.l2_regularizer(weight_decay),
    ), slim.arg_scope([slim.conv2d], padding="SAME"):  # fmt: skip
        with slim.arg_scope([slim.max_pool2d], padding="VALID") as scope:
            return scope


@tf_export("contrib.slim.nets.overfeat.overfeat")
def overfeat(inputs, num_classes=1000, is_training=True, dropout_keep_prob=0.5, spatial_squeeze=True,
             scope="overfeat"):  # fmt: skip
    """Images [batch, 231, 231, 3] to logits [batch, NUM_CLASSES], and the end points."""
    with vs.variable_scope(scope, "overfeat", [inputs]) as entered:
        collection = entered.name + "_end_points"
        layers = [slim.conv2d, slim.fully_connected, slim.max_pool2d]
        with slim.arg_scope(layers, outputs_collections=collection):
            net = slim.conv2d(inputs, 64, [11, 11], 4, padding="VALID", scope="conv1")
            net = slim.max_pool2d(net, [2, 2], scope="pool1")
            net = slim.conv2d(net, 256, [5, 5], padding="VALID", scope="conv2")
            net = slim.max_pool2d(net, [2, 2], scope="pool2")
            for name, depth in (("conv3", 512), ("conv4", 1024), ("conv5", 1024)):
                net = slim.conv2d(net, depth, [3, 3], scope=name)
            net = slim.max_pool2d(net, [2, 2], scope="pool5")
            small = {"weights_initializer": init_ops.truncated_normal_initializer(0.0, 0.005),
                     "biases_initializer": init_ops.constant_initializer(0.1)}  # fmt: skip
            with slim.arg_scope([slim.conv2d], **small):
                net = slim.conv2d(net, 3072, [6, 6], padding="VALID", scope="fc6")
                net = slim.dropout(net, dropout_keep_prob, is_training=is_training, scope="dropout6")
                net = slim.conv2d(net, 4096, [1, 1], scope="fc7")
                net = slim.dropout(net, dropout_keep_prob, is_training=is_training, scope="dropout7")
                net = slim.conv2d(
                    net, num_classes, [1, 1], activation_fn=None, normalizer_fn=None,
                    biases_initializer=init_ops.zeros_initializer(), scope="fc8",
                )  # fmt: skip
            end_points = slim.utils.convert_collection_to_dict(collection)
            if spatial_squeeze:
                net = array_ops.squeeze(net, [1, 2], name="fc8/squeezed")
                end_points[entered.name + "/fc8"] = net
            return net, end_points


overfeat.default_image_size = 231
