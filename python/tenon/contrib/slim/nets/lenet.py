"""LeNet for small gray images (LeCun et al., 1998)."""

from tenon.contrib import slim
from tenon.python.ops import init_ops, nn_ops
from tenon.python.ops import variable_scope as vs
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.slim.nets.lenet.lenet")
def lenet(images, num_classes=10, is_training=False, dropout_keep_prob=0.5, prediction_fn=slim.softmax, scope="LeNet"):
    """Images [batch, 28, 28, 1] to logits [batch, NUM_CLASSES], and the end points."""
    end_points = {}
    with vs.variable_scope(scope, "LeNet", [images]):
        net = end_points["conv1"] = slim.conv2d(images, 32, [5, 5], scope="conv1")
        net = end_points["pool1"] = slim.max_pool2d(net, [2, 2], 2, scope="pool1")
        net = end_points["conv2"] = slim.conv2d(net, 64, [5, 5], scope="conv2")
        net = end_points["pool2"] = slim.max_pool2d(net, [2, 2], 2, scope="pool2")
        net = end_points["Flatten"] = slim.flatten(net)
        net = end_points["fc3"] = slim.fully_connected(net, 1024, scope="fc3")
        if not num_classes:
            return net, end_points
        net = end_points["dropout3"] = slim.dropout(net, dropout_keep_prob, is_training=is_training, scope="dropout3")
        logits = end_points["Logits"] = slim.fully_connected(net, num_classes, activation_fn=None, scope="fc4")
    end_points["Predictions"] = prediction_fn(logits, scope="Predictions")
    return logits, end_points


lenet.default_image_size = 28


@tf_export("contrib.slim.nets.lenet.lenet_arg_scope")
def lenet_arg_scope(weight_decay=0.0):
    """The defaults to build it with."""
    with slim.arg_scope(
        [slim.conv2d, slim.fully_connected], weights_regularizer=slim.l2_regularizer(float(weight_decay)),
        weights_initializer=init_ops.truncated_normal_initializer(stddev=0.1), activation_fn=nn_ops.relu,
    ) as scope:  # fmt: skip
        return scope
