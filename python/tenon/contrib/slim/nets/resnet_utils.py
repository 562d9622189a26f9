"""What both kinds of residual networks are made of."""

import collections

from tenon.contrib import slim
from tenon.python.ops import array_ops, nn_ops
from tenon.python.ops import variable_scope as vs
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.slim.nets.resnet_utils.Block")
class Block(collections.namedtuple("Block", ["scope", "unit_fn", "args"])):
    """A block: its scope, what builds a unit, and the arguments of each unit."""


@tf_export("contrib.slim.nets.resnet_utils.subsample")
def subsample(inputs, factor, scope=None):
    """Every FACTOR-th pixel."""
    return inputs if factor == 1 else slim.max_pool2d(inputs, [1, 1], stride=factor, scope=scope)


@tf_export("contrib.slim.nets.resnet_utils.conv2d_same")
def conv2d_same(inputs, num_outputs, kernel_size, stride, rate=1, scope=None):
    """A convolution whose padding does not depend on the image's size."""
    if stride == 1:
        return slim.conv2d(inputs, num_outputs, kernel_size, stride=1, rate=rate, padding="SAME", scope=scope)
    total = kernel_size + (kernel_size - 1) * (rate - 1) - 1
    before = total // 2
    inputs = array_ops.pad(inputs, [[0, 0], [before, total - before], [before, total - before], [0, 0]])
    return slim.conv2d(inputs, num_outputs, kernel_size, stride=stride, rate=rate, padding="VALID", scope=scope)


@tf_export("contrib.slim.nets.resnet_utils.stack_blocks_dense")
@slim.add_arg_scope
def stack_blocks_dense(net, blocks, output_stride=None, outputs_collections=None):
    """All units of BLOCKS; once the image is OUTPUT_STRIDE times smaller, units dilate instead of striding."""
    current, rate = 1, 1
    for block in blocks:
        with vs.variable_scope(block.scope, "block", [net]) as entered:
            for i, unit in enumerate(block.args):
                if output_stride is not None and current > output_stride:
                    raise ValueError("The target output_stride cannot be reached.")
                with vs.variable_scope(f"unit_{i + 1}", values=[net]):
                    if output_stride is not None and current == output_stride:
                        net = block.unit_fn(net, rate=rate, **dict(unit, stride=1))
                        rate *= unit.get("stride", 1)
                    else:
                        net = block.unit_fn(net, rate=1, **unit)
                        current *= unit.get("stride", 1)
            net = slim.utils.collect_named_outputs(outputs_collections, entered.name, net)
    if output_stride is not None and current != output_stride:
        raise ValueError("The target output_stride cannot be reached.")
    return net


@tf_export("contrib.slim.nets.resnet_utils.resnet_arg_scope", "contrib.slim.nets.resnet_v1.resnet_arg_scope",
           "contrib.slim.nets.resnet_v2.resnet_arg_scope")  # fmt: skip
def resnet_arg_scope(weight_decay=0.0001, batch_norm_decay=0.997, batch_norm_epsilon=1e-5, batch_norm_scale=True):
    """The defaults to build residual networks with."""
    params = {"decay": batch_norm_decay, "epsilon": batch_norm_epsilon, "scale": batch_norm_scale,
              "updates_collections": "update_ops"}  # fmt: skip
    with slim.arg_scope(
        [slim.conv2d], weights_regularizer=slim.l2_regularizer(weight_decay),
        weights_initializer=slim.variance_scaling_initializer(), activation_fn=nn_ops.relu,
        normalizer_fn=slim.batch_norm, normalizer_params=params,
    ), slim.arg_scope([slim.batch_norm], **params):  # fmt: skip
        with slim.arg_scope([slim.max_pool2d], padding="SAME") as scope:
            return scope


def block(unit_fn, scope, base_depth, num_units, stride):
    """A block of bottlenecks; the last unit strides."""
    unit = {"depth": base_depth * 4, "depth_bottleneck": base_depth, "stride": 1}
    return Block(scope, unit_fn, [unit] * (num_units - 1) + [dict(unit, stride=stride)])


def four_blocks(unit_fn, units):
    depths, strides = (64, 128, 256, 512), (2, 2, 2, 1)
    return [block(unit_fn, f"block{i + 1}", depths[i], units[i], strides[i]) for i in range(4)]


# The number of units in each block, by the number of layers.
UNITS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3), 200: (3, 24, 36, 3)}
