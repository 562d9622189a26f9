"""MobileNet v1 (Howard et al., 2017, arXiv 1704.04861)."""

from tenon.contrib import slim
from tenon.contrib.slim.nets import inception_tables as tables
from tenon.python.ops import array_ops, init_ops, nn_ops
from tenon.python.ops import variable_scope as vs
from tenon.python.util.tf_export import tf_export

# (stride, filters) of the depthwise separable convolutions 1 to 13.
_LAYERS = [(1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512), *[(1, 512)] * 5, (2, 1024), (1, 1024)]


@tf_export("contrib.slim.nets.mobilenet_v1.mobilenet_v1_base")
def mobilenet_v1_base(inputs, final_endpoint="Conv2d_13_pointwise", min_depth=8, depth_multiplier=1.0, scope=None):
    """The network up to FINAL_ENDPOINT: (tensor, end points)."""
    depth = tables.depth_of(depth_multiplier, min_depth)
    end_points = {}
    with vs.variable_scope(scope, "MobilenetV1", [inputs]):
        with slim.arg_scope([slim.conv2d, slim.separable_conv2d], padding="SAME"):
            net = end_points["Conv2d_0"] = slim.conv2d(inputs, depth(32), [3, 3], stride=2, scope="Conv2d_0")
            for i, (stride, filters) in enumerate(_LAYERS, 1):
                if final_endpoint in end_points:
                    return end_points[final_endpoint], end_points
                name = f"Conv2d_{i}_depthwise"
                net = end_points[name] = slim.separable_conv2d(
                    net, None, [3, 3], depth_multiplier=1, stride=stride, scope=name
                )
                name = f"Conv2d_{i}_pointwise"
                net = end_points[name] = slim.conv2d(net, depth(filters), [1, 1], stride=1, scope=name)
    if final_endpoint not in end_points:
        raise ValueError(f"Unknown final endpoint {final_endpoint}")
    return end_points[final_endpoint], end_points


@tf_export("contrib.slim.nets.mobilenet_v1.mobilenet_v1")
def mobilenet_v1(inputs, num_classes=1000, dropout_keep_prob=0.999, is_training=True, min_depth=8, depth_multiplier=1.0,
                 prediction_fn=slim.softmax, spatial_squeeze=True, reuse=None, scope="MobilenetV1"):  # fmt: skip
    """Images [batch, 224, 224, 3] to logits [batch, NUM_CLASSES], and the end points."""
    if len(inputs.get_shape().as_list()) != 4:
        raise ValueError(f"Invalid input tensor rank, expected 4, was: {len(inputs.get_shape().as_list())}")
    with vs.variable_scope(scope, "MobilenetV1", [inputs], reuse=reuse) as entered:
        with slim.arg_scope([slim.batch_norm, slim.dropout], is_training=is_training):
            net, end_points = mobilenet_v1_base(
                inputs, scope=entered, min_depth=min_depth, depth_multiplier=depth_multiplier
            )
            with vs.variable_scope("Logits"):
                size = tables.reduced_kernel(net, [7, 7])
                net = slim.avg_pool2d(net, size, stride=1, padding="VALID", scope="AvgPool_1a")
                end_points["AvgPool_1a"] = net
                if not num_classes:
                    return net, end_points
                net = slim.dropout(net, keep_prob=dropout_keep_prob, scope="Dropout_1b")
                logits = slim.conv2d(
                    net, num_classes, [1, 1], activation_fn=None, normalizer_fn=None, scope="Conv2d_1c_1x1"
                )
                if spatial_squeeze:
                    logits = array_ops.squeeze(logits, [1, 2], name="SpatialSqueeze")
            end_points["Logits"] = logits
            if prediction_fn:
                end_points["Predictions"] = prediction_fn(logits, scope="Predictions")
    return logits, end_points


mobilenet_v1.default_image_size = 224


@tf_export("contrib.slim.nets.mobilenet_v1.mobilenet_v1_arg_scope")
def mobilenet_v1_arg_scope(is_training=True, weight_decay=0.00004, stddev=0.09, regularize_depthwise=False,
                           batch_norm_decay=0.9997, batch_norm_epsilon=0.001):  # fmt: skip
    """The defaults to build it with."""
    params = {"is_training": is_training, "center": True, "scale": True, "decay": batch_norm_decay,
              "epsilon": batch_norm_epsilon}  # fmt: skip
    regularizer = slim.l2_regularizer(weight_decay)
    weights = init_ops.truncated_normal_initializer(stddev=stddev)
    both = {"weights_initializer": weights, "activation_fn": nn_ops.relu6, "normalizer_fn": slim.batch_norm}
    with slim.arg_scope([slim.conv2d, slim.separable_conv2d], **both):
        with slim.arg_scope([slim.batch_norm], **params):
            with slim.arg_scope([slim.conv2d], weights_regularizer=regularizer):
                depthwise = regularizer if regularize_depthwise else None
                with slim.arg_scope([slim.separable_conv2d], weights_regularizer=depthwise) as scope:
                    return scope
