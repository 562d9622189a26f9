"""Residual networks with activation before the weights (He et al., 2016, arXiv 1603.05027)."""

from tenon.contrib import slim
from tenon.contrib.slim.nets import resnet_utils
from tenon.python.ops import math_ops, nn_ops
from tenon.python.ops import variable_scope as vs
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.slim.nets.resnet_v2.bottleneck")
@slim.add_arg_scope
def bottleneck(inputs, depth, depth_bottleneck, stride, rate=1, outputs_collections=None, scope=None):
    """Normalised and rectified first, then 1x1, 3x3, 1x1, and the input added."""
    with vs.variable_scope(scope, "bottleneck_v2", [inputs]) as entered:
        preact = slim.batch_norm(inputs, activation_fn=nn_ops.relu, scope="preact")
        if depth == slim.utils.last_dimension(inputs.get_shape(), min_rank=4):
            shortcut = resnet_utils.subsample(inputs, stride, "shortcut")
        else:
            shortcut = slim.conv2d(
                preact, depth, [1, 1], stride=stride, normalizer_fn=None, activation_fn=None, scope="shortcut"
            )
        residual = slim.conv2d(preact, depth_bottleneck, [1, 1], stride=1, scope="conv1")
        residual = resnet_utils.conv2d_same(residual, depth_bottleneck, 3, stride, rate=rate, scope="conv2")
        residual = slim.conv2d(residual, depth, [1, 1], stride=1, normalizer_fn=None, activation_fn=None, scope="conv3")
        return slim.utils.collect_named_outputs(outputs_collections, entered.name, shortcut + residual)


@tf_export("contrib.slim.nets.resnet_v2.resnet_v2")
def resnet_v2(inputs, blocks, num_classes=None, is_training=True, global_pool=True, output_stride=None,
              include_root_block=True, reuse=None, scope=None):  # fmt: skip
    """A residual network of BLOCKS: (tensor, end points)."""
    with vs.variable_scope(scope, "resnet_v2", [inputs], reuse=reuse) as entered:
        collection = entered.original_name_scope + "_end_points"
        with slim.arg_scope([slim.conv2d, bottleneck, resnet_utils.stack_blocks_dense], outputs_collections=collection):
            with slim.arg_scope([slim.batch_norm], is_training=is_training):
                net = inputs
                if include_root_block:
                    if output_stride is not None:
                        if output_stride % 4:
                            raise ValueError("The output_stride needs to be a multiple of 4.")
                        output_stride //= 4
                    # Its normalisation is the first unit's.
                    with slim.arg_scope([slim.conv2d], activation_fn=None, normalizer_fn=None):
                        net = resnet_utils.conv2d_same(net, 64, 7, stride=2, scope="conv1")
                    net = slim.max_pool2d(net, [3, 3], stride=2, scope="pool1")
                net = resnet_utils.stack_blocks_dense(net, blocks, output_stride)
                net = slim.batch_norm(net, activation_fn=nn_ops.relu, scope="postnorm")
                if global_pool:
                    net = math_ops.reduce_mean(net, [1, 2], name="pool5", keepdims=True)
                if num_classes is not None:
                    net = slim.conv2d(net, num_classes, [1, 1], activation_fn=None, normalizer_fn=None, scope="logits")
                end_points = slim.utils.convert_collection_to_dict(collection)
                if num_classes is not None:
                    end_points["predictions"] = slim.softmax(net, scope="predictions")
                return net, end_points


resnet_v2.default_image_size = 224


@tf_export("contrib.slim.nets.resnet_v2.resnet_v2_block")
def resnet_v2_block(scope, base_depth, num_units, stride):
    return resnet_utils.block(bottleneck, scope, base_depth, num_units, stride)


def _network(layers):
    name = f"resnet_v2_{layers}"

    def build(inputs, num_classes=None, is_training=True, global_pool=True, output_stride=None, reuse=None, scope=name):
        blocks = resnet_utils.four_blocks(bottleneck, resnet_utils.UNITS[layers])
        return resnet_v2(inputs, blocks, num_classes, is_training, global_pool, output_stride, reuse=reuse, scope=scope)

    build.__name__ = name
    build.__doc__ = f"A residual network of {layers} layers: (tensor, end points)."
    build.default_image_size = 224
    return build


resnet_v2_50 = tf_export("contrib.slim.nets.resnet_v2.resnet_v2_50")(_network(50))
resnet_v2_101 = tf_export("contrib.slim.nets.resnet_v2.resnet_v2_101")(_network(101))
resnet_v2_152 = tf_export("contrib.slim.nets.resnet_v2.resnet_v2_152")(_network(152))
resnet_v2_200 = tf_export("contrib.slim.nets.resnet_v2.resnet_v2_200")(_network(200))
