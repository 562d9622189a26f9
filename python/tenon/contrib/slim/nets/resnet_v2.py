"""Residual networks with activation before the weights (He et al., 2016, arXiv 1603.05027)."""

from tenon.contrib import slim
from tenon.contrib.slim.nets import resnet_utils
from tenon.python.ops import nn_ops
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


def _postnorm(net):
    return slim.batch_norm(net, activation_fn=nn_ops.relu, scope="postnorm")


@tf_export("contrib.slim.nets.resnet_v2.resnet_v2")
def resnet_v2(inputs, blocks, num_classes=None, is_training=True, global_pool=True, output_stride=None,
              include_root_block=True, reuse=None, scope=None):  # fmt: skip
    """A residual network of BLOCKS: (tensor, end points)."""
    options = {**locals(), "name": "resnet_v2"}
    # The first convolution's normalisation is the first unit's.
    bare = {"activation_fn": None, "normalizer_fn": None}
    return resnet_utils.network(bottleneck, inputs, blocks, options, bare, _postnorm)


resnet_v2.default_image_size = 224


@tf_export("contrib.slim.nets.resnet_v2.resnet_v2_block")
def resnet_v2_block(scope, base_depth, num_units, stride):
    return resnet_utils.block(bottleneck, scope, base_depth, num_units, stride)


resnet_v2_50 = tf_export("contrib.slim.nets.resnet_v2.resnet_v2_50")(resnet_utils.of_layers(50, resnet_v2, bottleneck))
resnet_v2_101 = tf_export("contrib.slim.nets.resnet_v2.resnet_v2_101")(
    resnet_utils.of_layers(101, resnet_v2, bottleneck)
)
resnet_v2_152 = tf_export("contrib.slim.nets.resnet_v2.resnet_v2_152")(
    resnet_utils.of_layers(152, resnet_v2, bottleneck)
)
resnet_v2_200 = tf_export("contrib.slim.nets.resnet_v2.resnet_v2_200")(
    resnet_utils.of_layers(200, resnet_v2, bottleneck)
)
