"""Inception v2: with batch normalisation (Ioffe, Szegedy, 2015, arXiv 1502.03167)."""

from tenon.contrib import slim
from tenon.contrib.slim.nets import inception_tables as tables
from tenon.contrib.slim.nets.inception_tables import conv, inception_arg_scope, pool, trunc_normal
from tenon.python.ops import variable_scope as vs
from tenon.python.util.tf_export import tf_export


def _block(scope, a, b, c, d, pooled="AvgPool_0a_3x3"):
    small = {"weights_initializer": trunc_normal(0.09)}
    return scope, [
        [conv("Conv2d_0a_1x1", a)],
        [conv("Conv2d_0a_1x1", b[0], **small), conv("Conv2d_0b_3x3", b[1])],
        [conv("Conv2d_0a_1x1", c[0], **small), conv("Conv2d_0b_3x3", c[1]), conv("Conv2d_0c_3x3", c[1])],
        [pool(pooled), conv("Conv2d_0b_1x1", d, weights_initializer=trunc_normal(0.1))],
    ]


def _reduction(scope, a, b):
    small = {"weights_initializer": trunc_normal(0.09)}
    return scope, [
        [conv("Conv2d_0a_1x1", a[0], **small), conv("Conv2d_1a_3x3", a[1], stride=2)],
        [conv("Conv2d_0a_1x1", b[0], **small), conv("Conv2d_0b_3x3", b[1]), conv("Conv2d_1a_3x3", b[1], stride=2)],
        [pool("MaxPool_1a_3x3", stride=2)],
    ]


_TABLE = [
    pool("MaxPool_2a_3x3", stride=2), conv("Conv2d_2b_1x1", 64, weights_initializer=trunc_normal(0.1)),
    conv("Conv2d_2c_3x3", 192), pool("MaxPool_3a_3x3", stride=2),
    _block("Mixed_3b", 64, (64, 64), (64, 96), 32), _block("Mixed_3c", 64, (64, 96), (64, 96), 64),
    _reduction("Mixed_4a", (128, 160), (64, 96)),
    _block("Mixed_4b", 224, (64, 96), (96, 128), 128), _block("Mixed_4c", 192, (96, 128), (96, 128), 128),
    _block("Mixed_4d", 160, (128, 160), (128, 160), 96), _block("Mixed_4e", 96, (128, 192), (160, 192), 96),
    _reduction("Mixed_5a", (128, 192), (192, 256)),
    _block("Mixed_5b", 352, (192, 320), (160, 224), 128),
    _block("Mixed_5c", 352, (192, 320), (192, 224), 128, pooled="MaxPool_0a_3x3"),
]  # fmt: skip


@tf_export("contrib.slim.nets.inception.inception_v2_base")
def inception_v2_base(inputs, final_endpoint="Mixed_5c", min_depth=16, depth_multiplier=1.0, scope=None):
    """The network up to FINAL_ENDPOINT: (tensor, end points)."""
    depth = tables.depth_of(depth_multiplier, min_depth)
    with vs.variable_scope(scope, "InceptionV2", [inputs]):
        with slim.arg_scope([slim.conv2d, slim.max_pool2d, slim.avg_pool2d, slim.separable_conv2d], stride=1,
                            padding="SAME"):  # fmt: skip
            multiplier = min(int(depth(64) / 3), 8)
            net = slim.separable_conv2d(
                inputs, depth(64), [7, 7], depth_multiplier=multiplier, stride=2,
                weights_initializer=trunc_normal(1.0), scope="Conv2d_1a_7x7",
            )  # fmt: skip
            if final_endpoint == "Conv2d_1a_7x7":
                return net, {"Conv2d_1a_7x7": net}
            made, end_points = tables.body(net, _TABLE, depth, final_endpoint)
            return made, {"Conv2d_1a_7x7": net, **end_points}


@tf_export("contrib.slim.nets.inception.inception_v2")
def inception_v2(inputs, num_classes=1000, is_training=True, dropout_keep_prob=0.8, min_depth=16, depth_multiplier=1.0,
                 prediction_fn=slim.softmax, spatial_squeeze=True, reuse=None, scope="InceptionV2"):  # fmt: skip
    """Images [batch, 224, 224, 3] to logits [batch, NUM_CLASSES], and the end points."""
    with vs.variable_scope(scope, "InceptionV2", [inputs, num_classes], reuse=reuse) as entered:
        with slim.arg_scope([slim.batch_norm, slim.dropout], is_training=is_training):
            net, end_points = inception_v2_base(
                inputs, scope=entered, min_depth=min_depth, depth_multiplier=depth_multiplier
            )
            names = ("AvgPool_1a_{}x{}", "Dropout_1b", "Conv2d_1c_1x1")
            logits = tables.classify(net, end_points, num_classes, is_training, dropout_keep_prob, [7, 7], names,
                                     spatial_squeeze, prediction_fn)  # fmt: skip
    return logits, end_points


inception_v2.default_image_size = 224


@tf_export("contrib.slim.nets.inception.inception_v2_arg_scope")
def inception_v2_arg_scope(weight_decay=0.00004, batch_norm_var_collection="moving_vars"):
    """The defaults to build it with."""
    return inception_arg_scope(weight_decay, batch_norm_var_collection=batch_norm_var_collection)
