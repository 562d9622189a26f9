"""Inception v4 (Szegedy et al., 2016, arXiv 1602.07261)."""

from tenon.contrib import slim
from tenon.contrib.slim.nets import inception_tables as tables
from tenon.contrib.slim.nets.inception_tables import conv, inception_arg_scope, pool
from tenon.python.ops import nn_ops
from tenon.python.ops import variable_scope as vs
from tenon.python.util.tf_export import tf_export

_VALID = {"padding": "VALID"}
_HALVE = {"stride": 2, "padding": "VALID"}


def _a(scope):
    return scope, [
        [conv("Conv2d_0a_1x1", 96)],
        [conv("Conv2d_0a_1x1", 64), conv("Conv2d_0b_3x3", 96)],
        [conv("Conv2d_0a_1x1", 64), conv("Conv2d_0b_3x3", 96), conv("Conv2d_0c_3x3", 96)],
        [pool("AvgPool_0a_3x3"), conv("Conv2d_0b_1x1", 96)],
    ]


def _b(scope):
    return scope, [
        [conv("Conv2d_0a_1x1", 384)],
        [conv("Conv2d_0a_1x1", 192), conv("Conv2d_0b_1x7", 224), conv("Conv2d_0c_7x1", 256)],
        [conv("Conv2d_0a_1x1", 192), conv("Conv2d_0b_7x1", 192), conv("Conv2d_0c_1x7", 224),
         conv("Conv2d_0d_7x1", 224), conv("Conv2d_0e_1x7", 256)],
        [pool("AvgPool_0a_3x3"), conv("Conv2d_0b_1x1", 128)],
    ]  # fmt: skip


def _c(scope):
    return scope, [
        [conv("Conv2d_0a_1x1", 256)],
        [conv("Conv2d_0a_1x1", 384), [conv("Conv2d_0b_1x3", 256), conv("Conv2d_0c_3x1", 256)]],
        [conv("Conv2d_0a_1x1", 384), conv("Conv2d_0b_3x1", 448), conv("Conv2d_0c_1x3", 512),
         [conv("Conv2d_0d_1x3", 256), conv("Conv2d_0e_3x1", 256)]],
        [pool("AvgPool_0a_3x3"), conv("Conv2d_0b_1x1", 256)],
    ]  # fmt: skip


_TABLE = [
    conv("Conv2d_1a_3x3", 32, **_HALVE), conv("Conv2d_2a_3x3", 32, **_VALID), conv("Conv2d_2b_3x3", 64),
    ("Mixed_3a", [[pool("MaxPool_0a_3x3", **_HALVE)], [conv("Conv2d_0a_3x3", 96, **_HALVE)]]),
    ("Mixed_4a", [
        [conv("Conv2d_0a_1x1", 64), conv("Conv2d_1a_3x3", 96, **_VALID)],
        [conv("Conv2d_0a_1x1", 64), conv("Conv2d_0b_1x7", 64), conv("Conv2d_0c_7x1", 64),
         conv("Conv2d_1a_3x3", 96, **_VALID)],
    ]),
    ("Mixed_5a", [[conv("Conv2d_1a_3x3", 192, **_HALVE)], [pool("MaxPool_1a_3x3", **_HALVE)]]),
    *(_a(f"Mixed_5{letter}") for letter in "bcde"),
    ("Mixed_6a", [
        [conv("Conv2d_1a_3x3", 384, **_HALVE)],
        [conv("Conv2d_0a_1x1", 192), conv("Conv2d_0b_3x3", 224), conv("Conv2d_1a_3x3", 256, **_HALVE)],
        [pool("MaxPool_1a_3x3", **_HALVE)],
    ]),
    *(_b(f"Mixed_6{letter}") for letter in "bcdefgh"),
    ("Mixed_7a", [
        [conv("Conv2d_0a_1x1", 192), conv("Conv2d_1a_3x3", 192, **_HALVE)],
        [conv("Conv2d_0a_1x1", 256), conv("Conv2d_0b_1x7", 256), conv("Conv2d_0c_7x1", 320),
         conv("Conv2d_1a_3x3", 320, **_HALVE)],
        [pool("MaxPool_1a_3x3", **_HALVE)],
    ]),
    *(_c(f"Mixed_7{letter}") for letter in "bcd"),
]  # fmt: skip


@tf_export("contrib.slim.nets.inception.inception_v4_base")
def inception_v4_base(inputs, final_endpoint="Mixed_7d", scope=None):
    """The network up to FINAL_ENDPOINT: (tensor, end points)."""
    with vs.variable_scope(scope, "InceptionV4", [inputs]):
        with slim.arg_scope([slim.conv2d, slim.max_pool2d, slim.avg_pool2d], stride=1, padding="SAME"):
            return tables.body(inputs, _TABLE, lambda d: d, final_endpoint)


@tf_export("contrib.slim.nets.inception.inception_v4")
def inception_v4(inputs, num_classes=1001, is_training=True, dropout_keep_prob=0.8, reuse=None, scope="InceptionV4",
                 create_aux_logits=True):  # fmt: skip
    """Images [batch, 299, 299, 3] to logits [batch, NUM_CLASSES], and the end points."""
    with vs.variable_scope(scope, "InceptionV4", [inputs], reuse=reuse) as entered:
        with slim.arg_scope([slim.batch_norm, slim.dropout], is_training=is_training):
            net, end_points = inception_v4_base(inputs, scope=entered)
            with slim.arg_scope([slim.conv2d, slim.max_pool2d, slim.avg_pool2d], stride=1, padding="SAME"):
                if create_aux_logits and num_classes:
                    with vs.variable_scope("AuxLogits"):
                        aux = slim.avg_pool2d(end_points["Mixed_6h"], [5, 5], stride=3, padding="VALID",
                                              scope="AvgPool_1a_5x5")  # fmt: skip
                        aux = slim.conv2d(aux, 128, [1, 1], scope="Conv2d_1b_1x1")
                        aux = slim.conv2d(aux, 768, aux.get_shape()[1:3].as_list(), padding="VALID", scope="Conv2d_2a")
                        end_points["AuxLogits"] = slim.fully_connected(
                            slim.flatten(aux), num_classes, activation_fn=None, scope="Aux_logits"
                        )
                with vs.variable_scope("Logits"):
                    size = net.get_shape()[1:3].as_list()
                    net = slim.avg_pool2d(net, size, padding="VALID", scope="AvgPool_1a")
                    end_points["global_pool"] = net
                    if not num_classes:
                        return net, end_points
                    net = slim.dropout(net, dropout_keep_prob, scope="Dropout_1b")
                    net = slim.flatten(net, scope="PreLogitsFlatten")
                    end_points["PreLogitsFlatten"] = net
                    logits = slim.fully_connected(net, num_classes, activation_fn=None, scope="Logits")
                    end_points["Logits"] = logits
                    end_points["Predictions"] = nn_ops.softmax(logits, name="Predictions")
    return logits, end_points


inception_v4.default_image_size = 299


@tf_export("contrib.slim.nets.inception.inception_v4_arg_scope")
def inception_v4_arg_scope(weight_decay=0.00004, use_batch_norm=True, batch_norm_decay=0.9997,
                           batch_norm_epsilon=0.001):  # fmt: skip
    """The defaults to build it with."""
    return inception_arg_scope(weight_decay, use_batch_norm, batch_norm_decay, batch_norm_epsilon)
