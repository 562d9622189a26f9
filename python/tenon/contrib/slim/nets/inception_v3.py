"""Inception v3 (Szegedy et al., 2015, arXiv 1512.00567)."""

from tenon.contrib import slim
from tenon.contrib.slim.nets import inception_tables as tables
from tenon.contrib.slim.nets.inception_tables import conv, inception_arg_scope, pool, trunc_normal
from tenon.python.ops import array_ops
from tenon.python.ops import variable_scope as vs
from tenon.python.util.tf_export import tf_export

_SAME = {"padding": "SAME"}
_HALVE = {"stride": 2, "padding": "VALID"}


def _a(scope, pooled, second=("Conv2d_0a_1x1", "Conv2d_0b_5x5")):
    """35x35: 1x1, 5x5, two 3x3, a pool."""
    return scope, [
        [conv("Conv2d_0a_1x1", 64)],
        [conv(second[0], 48), conv(second[1], 64)],
        [conv("Conv2d_0a_1x1", 64), conv("Conv2d_0b_3x3", 96), conv("Conv2d_0c_3x3", 96)],
        [pool("AvgPool_0a_3x3"), conv("Conv2d_0b_1x1", pooled)],
    ]


def _b(scope, n):
    """17x17: 7x7 in two steps, twice 7x7 in four, a pool."""
    return scope, [
        [conv("Conv2d_0a_1x1", 192)],
        [conv("Conv2d_0a_1x1", n), conv("Conv2d_0b_1x7", n), conv("Conv2d_0c_7x1", 192)],
        [conv("Conv2d_0a_1x1", n), conv("Conv2d_0b_7x1", n), conv("Conv2d_0c_1x7", n), conv("Conv2d_0d_7x1", n),
         conv("Conv2d_0e_1x7", 192)],
        [pool("AvgPool_0a_3x3"), conv("Conv2d_0b_1x1", 192)],
    ]  # fmt: skip


def _c(scope, tall):
    """8x8: wide and tall filters side by side. TALL: what the second branch's tall one is called."""
    return scope, [
        [conv("Conv2d_0a_1x1", 320)],
        [conv("Conv2d_0a_1x1", 384), [conv("Conv2d_0b_1x3", 384), conv(tall, 384)]],
        [conv("Conv2d_0a_1x1", 448), conv("Conv2d_0b_3x3", 384),
         [conv("Conv2d_0c_1x3", 384), conv("Conv2d_0d_3x1", 384)]],
        [pool("AvgPool_0a_3x3"), conv("Conv2d_0b_1x1", 192)],
    ]  # fmt: skip


_STEM = [
    conv("Conv2d_1a_3x3", 32, stride=2), conv("Conv2d_2a_3x3", 32), conv("Conv2d_2b_3x3", 64, **_SAME),
    pool("MaxPool_3a_3x3", stride=2), conv("Conv2d_3b_1x1", 80), conv("Conv2d_4a_3x3", 192),
    pool("MaxPool_5a_3x3", stride=2),
]  # fmt: skip
_BLOCKS = [
    _a("Mixed_5b", 32), _a("Mixed_5c", 64, ("Conv2d_0b_1x1", "Conv_1_0c_5x5")), _a("Mixed_5d", 64),
    ("Mixed_6a", [
        [conv("Conv2d_1a_1x1", 384, kernel=[3, 3], **_HALVE)],
        [conv("Conv2d_0a_1x1", 64), conv("Conv2d_0b_3x3", 96), conv("Conv2d_1a_1x1", 96, kernel=[3, 3], **_HALVE)],
        [pool("MaxPool_1a_3x3", **_HALVE)],
    ]),
    _b("Mixed_6b", 128), _b("Mixed_6c", 160), _b("Mixed_6d", 160), _b("Mixed_6e", 192),
    ("Mixed_7a", [
        [conv("Conv2d_0a_1x1", 192), conv("Conv2d_1a_3x3", 320, **_HALVE)],
        [conv("Conv2d_0a_1x1", 192), conv("Conv2d_0b_1x7", 192), conv("Conv2d_0c_7x1", 192),
         conv("Conv2d_1a_3x3", 192, **_HALVE)],
        [pool("MaxPool_1a_3x3", **_HALVE)],
    ]),
    _c("Mixed_7b", "Conv2d_0b_3x1"), _c("Mixed_7c", "Conv2d_0c_3x1"),
]  # fmt: skip


@tf_export("contrib.slim.nets.inception.inception_v3_base")
def inception_v3_base(inputs, final_endpoint="Mixed_7c", min_depth=16, depth_multiplier=1.0, scope=None):
    """The network up to FINAL_ENDPOINT: (tensor, end points)."""
    depth = tables.depth_of(depth_multiplier, min_depth)
    layers = [slim.conv2d, slim.max_pool2d, slim.avg_pool2d]
    with vs.variable_scope(scope, "InceptionV3", [inputs]):
        stem = [entry[0] for entry in _STEM]
        last = final_endpoint if final_endpoint in stem else stem[-1]
        with slim.arg_scope(layers, stride=1, padding="VALID"):
            net, end_points = tables.body(inputs, _STEM, depth, last)
        if final_endpoint in stem:
            return net, end_points
        with slim.arg_scope(layers, stride=1, padding="SAME"):
            net, more = tables.body(net, _BLOCKS, depth, final_endpoint)
        return net, {**end_points, **more}


def _auxiliary(end_points, num_classes, depth, spatial_squeeze):
    """The classifier half-way, for training."""
    net = end_points["Mixed_6e"]
    with vs.variable_scope("AuxLogits"):
        net = slim.avg_pool2d(net, [5, 5], stride=3, padding="VALID", scope="AvgPool_1a_5x5")
        net = slim.conv2d(net, depth(128), [1, 1], scope="Conv2d_1b_1x1")
        size = tables.reduced_kernel(net, [5, 5])
        net = slim.conv2d(
            net, depth(768), size, weights_initializer=trunc_normal(0.01), padding="VALID",
            scope="Conv2d_2a_{}x{}".format(*size),
        )  # fmt: skip
        net = slim.conv2d(
            net, num_classes, [1, 1], activation_fn=None, normalizer_fn=None,
            weights_initializer=trunc_normal(0.001), scope="Conv2d_2b_1x1",
        )  # fmt: skip
        if spatial_squeeze:
            net = array_ops.squeeze(net, [1, 2], name="SpatialSqueeze")
    end_points["AuxLogits"] = net


@tf_export("contrib.slim.nets.inception.inception_v3")
def inception_v3(inputs, num_classes=1000, is_training=True, dropout_keep_prob=0.8, min_depth=16, depth_multiplier=1.0,
                 prediction_fn=slim.softmax, spatial_squeeze=True, reuse=None, scope="InceptionV3",
                 create_aux_logits=True):  # fmt: skip
    """Images [batch, 299, 299, 3] to logits [batch, NUM_CLASSES], and the end points (AuxLogits among them)."""
    depth = tables.depth_of(depth_multiplier, min_depth)
    with vs.variable_scope(scope, "InceptionV3", [inputs, num_classes], reuse=reuse) as entered:
        with slim.arg_scope([slim.batch_norm, slim.dropout], is_training=is_training):
            net, end_points = inception_v3_base(
                inputs, scope=entered, min_depth=min_depth, depth_multiplier=depth_multiplier
            )
            with slim.arg_scope([slim.conv2d, slim.max_pool2d, slim.avg_pool2d], stride=1, padding="SAME"):
                if create_aux_logits and num_classes:
                    _auxiliary(end_points, num_classes, depth, spatial_squeeze)
                names = ("AvgPool_1a_{}x{}", "Dropout_1b", "Conv2d_1c_1x1")
                logits = tables.classify(net, end_points, num_classes, is_training, dropout_keep_prob, [8, 8], names,
                                         spatial_squeeze, prediction_fn)  # fmt: skip
    return logits, end_points


inception_v3.default_image_size = 299


@tf_export("contrib.slim.nets.inception.inception_v3_arg_scope")
def inception_v3_arg_scope(weight_decay=0.00004, batch_norm_var_collection="moving_vars", batch_norm_decay=0.9997,
                           batch_norm_epsilon=0.001, updates_collections="update_ops",
                           use_fused_batchnorm=True):  # fmt: skip
    """The defaults to build it with."""
    return inception_arg_scope(
        weight_decay, batch_norm_decay=batch_norm_decay, batch_norm_epsilon=batch_norm_epsilon,
        batch_norm_var_collection=batch_norm_var_collection, updates_collections=updates_collections,
        use_fused_batchnorm=use_fused_batchnorm,
    )  # fmt: skip
