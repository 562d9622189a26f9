"""What both kinds of residual networks are made of."""

import collections

from tenon.contrib import slim
from tenon.python.ops import array_ops, math_ops, nn_ops
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


def _root_block(net, output_stride, first):
    """(a strided convolution and pool, what is left of OUTPUT_STRIDE); FIRST: defaults of the convolution."""
    if output_stride is not None:
        if output_stride % 4:
            raise ValueError("The output_stride needs to be a multiple of 4.")
        output_stride //= 4
    with slim.arg_scope([slim.conv2d], **first):
        net = conv2d_same(net, 64, 7, stride=2, scope="conv1")
    return slim.max_pool2d(net, [3, 3], stride=2, scope="pool1"), output_stride


def network(bottleneck, inputs, blocks, options, first=None, last=None):
    """A network of BLOCKS of BOTTLENECKs: (tensor, end points).

    OPTIONS: the arguments of resnet_v1 or resnet_v2, with the scope's default NAME. FIRST: defaults of the first
    convolution; LAST: what follows the blocks.
    """
    num_classes, output_stride = options["num_classes"], options["output_stride"]
    with vs.variable_scope(options["scope"], options["name"], [inputs], reuse=options["reuse"]) as entered:
        collection = entered.original_name_scope + "_end_points"
        with slim.arg_scope([slim.conv2d, bottleneck, stack_blocks_dense], outputs_collections=collection):
            with slim.arg_scope([slim.batch_norm], is_training=options["is_training"]):
                net = inputs
                if options["include_root_block"]:
                    net, output_stride = _root_block(net, output_stride, first or {})
                net = stack_blocks_dense(net, blocks, output_stride)
                net = last(net) if last else net
                if options["global_pool"]:
                    net = math_ops.reduce_mean(net, [1, 2], name="pool5", keepdims=True)
                if num_classes is not None:
                    net = slim.conv2d(net, num_classes, [1, 1], activation_fn=None, normalizer_fn=None, scope="logits")
                end_points = slim.utils.convert_collection_to_dict(collection)
                if num_classes is not None:
                    end_points["predictions"] = slim.softmax(net, scope="predictions")
                return net, end_points


def of_layers(layers, resnet, bottleneck):
    """The function that builds RESNET with as many LAYERS."""
    name = f"{resnet.__name__}_{layers}"

    def build(inputs, num_classes=None, is_training=True, global_pool=True, output_stride=None, reuse=None, scope=name):
        blocks = four_blocks(bottleneck, UNITS[layers])
        return resnet(inputs, blocks, num_classes, is_training, global_pool, output_stride, reuse=reuse, scope=scope)

    build.__name__ = name
    build.__doc__ = f"A residual network of {layers} layers: (tensor, end points)."
    build.default_image_size = 224
    return build
