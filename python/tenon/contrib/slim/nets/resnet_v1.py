"""Residual networks (He et al., 2015, arXiv 1512.03385)."""

from tenon.contrib import slim
from tenon.contrib.slim.nets import resnet_utils
from tenon.python.ops import nn_ops
from tenon.python.ops import variable_scope as vs
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.slim.nets.resnet_v1.bottleneck")
@slim.add_arg_scope
def bottleneck(inputs, depth, depth_bottleneck, stride, rate=1, outputs_collections=None, scope=None):
    """1x1, 3x3, 1x1, and the input added before the ReLU."""
    with vs.variable_scope(scope, "bottleneck_v1", [inputs]) as entered:
        if depth == slim.utils.last_dimension(inputs.get_shape(), min_rank=4):
            shortcut = resnet_utils.subsample(inputs, stride, "shortcut")
        else:
            shortcut = slim.conv2d(inputs, depth, [1, 1], stride=stride, activation_fn=None, scope="shortcut")
        residual = slim.conv2d(inputs, depth_bottleneck, [1, 1], stride=1, scope="conv1")
        residual = resnet_utils.conv2d_same(residual, depth_bottleneck, 3, stride, rate=rate, scope="conv2")
        residual = slim.conv2d(residual, depth, [1, 1], stride=1, activation_fn=None, scope="conv3")
        output = nn_ops.relu(shortcut + residual)
        return slim.utils.collect_named_outputs(outputs_collections, entered.name, output)


@tf_export("contrib.slim.nets.resnet_v1.resnet_v1")
def resnet_v1(inputs, blocks, num_classes=None, is_training=True, global_pool=True, output_stride=None,
              include_root_block=True, reuse=None, scope=None):  # fmt: skip
    """A residual network of BLOCKS: (tensor, end points)."""
    options = {**locals(), "name": "resnet_v1"}
    return resnet_utils.network(bottleneck, inputs, blocks, options)


resnet_v1.default_image_size = 224


@tf_export("contrib.slim.nets.resnet_v1.resnet_v1_block")
def resnet_v1_block(scope, base_depth, num_units, stride):
    return resnet_utils.block(bottleneck, scope, base_depth, num_units, stride)


resnet_v1_50 = tf_export("contrib.slim.nets.resnet_v1.resnet_v1_50")(resnet_utils.of_layers(50, resnet_v1, bottleneck))
resnet_v1_101 = tf_export("contrib.slim.nets.resnet_v1.resnet_v1_101")(
    resnet_utils.of_layers(101, resnet_v1, bottleneck)
)
resnet_v1_152 = tf_export("contrib.slim.nets.resnet_v1.resnet_v1_152")(
    resnet_utils.of_layers(152, resnet_v1, bottleneck)
)
resnet_v1_200 = tf_export("contrib.slim.nets.resnet_v1.resnet_v1_200")(
    resnet_utils.of_layers(200, resnet_v1, bottleneck)
)
