"""How the Inception networks are written down here, and what builds them.

A branch is a row of steps; a step is (scope, filters, options). The kernel's size stands at the end of the scope,
unless the options name another `kernel`; a scope that begins with MaxPool or AvgPool is a pool. A list among the steps
holds steps that all take the same input and are joined.
"""

import re

from tenon.contrib import slim
from tenon.python.ops import array_ops, init_ops
from tenon.python.ops import variable_scope as vs


def trunc_normal(stddev):
    return init_ops.truncated_normal_initializer(0.0, stddev)


def conv(scope, filters, **options):
    return scope, filters, options


def pool(scope, **options):
    return scope, None, options


def kernel_of(scope):
    """[3, 3] for Conv2d_0b_3x3."""
    return [int(size) for size in re.search(r"_(\d+)x(\d+)$", scope).groups()]


def one(net, step, depth):
    """NET after one step; DEPTH maps the written number of filters to the real one."""
    scope, filters, options = step
    options = dict(options)
    kernel = options.pop("kernel", None) or kernel_of(scope)
    if scope.startswith(("MaxPool", "AvgPool")):
        layer = slim.max_pool2d if scope.startswith("Max") else slim.avg_pool2d
        return layer(net, kernel, scope=scope, **options)
    return slim.conv2d(net, depth(filters), kernel, scope=scope, **options)


def steps(net, row, depth):
    for step in row:
        if isinstance(step, list):
            net = array_ops.concat([one(net, part, depth) for part in step], 3)
        else:
            net = one(net, step, depth)
    return net


def mixed(net, scope, branches, depth):
    """An Inception block: BRANCHES side by side, joined along the channels."""
    with vs.variable_scope(scope):
        made = []
        for i, row in enumerate(branches):
            with vs.variable_scope(f"Branch_{i}"):
                made.append(steps(net, row, depth))
        return array_ops.concat(made, 3)


def body(net, table, depth, final_endpoint):
    """(NET after FINAL_ENDPOINT, {scope: tensor}). TABLE: single steps, and (scope, branches) for blocks."""
    end_points = {}
    for entry in table:
        if isinstance(entry[1], list):
            name, net = entry[0], mixed(net, entry[0], entry[1], depth)
        else:
            name, net = entry[0], one(net, entry, depth)
        end_points[name] = net
        if name == final_endpoint:
            return net, end_points
    raise ValueError(f"Unknown final endpoint {final_endpoint}")


def depth_of(depth_multiplier, min_depth):
    """The function from written to real numbers of filters."""
    if depth_multiplier <= 0:
        raise ValueError("depth_multiplier is not greater than zero.")
    return lambda d: max(int(d * depth_multiplier), min_depth)


def reduced_kernel(net, kernel):
    """KERNEL, cut down to NET's size where that is smaller."""
    shape = net.get_shape().as_list()
    if shape[1] is None or shape[2] is None:
        return kernel
    return [min(shape[1], kernel[0]), min(shape[2], kernel[1])]


def batch_norm_params(decay, epsilon, collection, fused=True, updates_collections="update_ops"):
    return {
        "decay": decay, "epsilon": epsilon, "updates_collections": updates_collections, "fused": fused,
        "variables_collections": {"beta": None, "gamma": None, "moving_mean": [collection],
                                  "moving_variance": [collection]},
    }  # fmt: skip


def inception_arg_scope(weight_decay=0.00004, use_batch_norm=True, batch_norm_decay=0.9997, batch_norm_epsilon=0.001,
                        batch_norm_var_collection="moving_vars", updates_collections="update_ops",
                        use_fused_batchnorm=True):  # fmt: skip
    """The defaults of all Inception networks: regularised weights, batch normalisation, ReLU."""
    params = batch_norm_params(
        batch_norm_decay, batch_norm_epsilon, batch_norm_var_collection, use_fused_batchnorm, updates_collections
    )
    normalizer = {"normalizer_fn": slim.batch_norm, "normalizer_params": params} if use_batch_norm else {}
    with slim.arg_scope([slim.conv2d, slim.fully_connected], weights_regularizer=slim.l2_regularizer(weight_decay)):
        with slim.arg_scope(
            [slim.conv2d], weights_initializer=slim.variance_scaling_initializer(), **normalizer
        ) as scope:
            return scope


def classify(net, end_points, num_classes, is_training, keep_prob, kernel, names, spatial_squeeze, prediction_fn):
    """Pools, drops out and classifies: NAMES are the scopes of the pool, the dropout and the convolution."""
    with vs.variable_scope("Logits"):
        size = reduced_kernel(net, kernel)
        scope = names[0].format(*size)
        net = slim.avg_pool2d(net, size, stride=1, padding="VALID", scope=scope)
        if num_classes is None:
            return net
        net = slim.dropout(net, keep_prob=keep_prob, is_training=is_training, scope=names[1])
        end_points["PreLogits"] = net
        logits = slim.conv2d(net, num_classes, [1, 1], activation_fn=None, normalizer_fn=None, scope=names[2])
        if spatial_squeeze:
            logits = array_ops.squeeze(logits, [1, 2], name="SpatialSqueeze")
    end_points["Logits"] = logits
    end_points["Predictions"] = prediction_fn(logits, scope="Predictions")
    return logits
