"""Inception v1, GoogLeNet (Szegedy et al., 2014, arXiv 1409.4842)."""

from tenon.contrib import slim
from tenon.contrib.slim.nets.inception_tables import body, classify, conv, inception_arg_scope, pool, trunc_normal
from tenon.python.ops import variable_scope as vs
from tenon.python.util.tf_export import tf_export


def _block(scope, a, b, c, d, last="Conv2d_0b_3x3"):
    return scope, [
        [conv("Conv2d_0a_1x1", a)],
        [conv("Conv2d_0a_1x1", b[0]), conv("Conv2d_0b_3x3", b[1])],
        [conv("Conv2d_0a_1x1", c[0]), conv(last, c[1])],
        [pool("MaxPool_0a_3x3"), conv("Conv2d_0b_1x1", d)],
    ]


_TABLE = [
    conv("Conv2d_1a_7x7", 64, stride=2), pool("MaxPool_2a_3x3", stride=2), conv("Conv2d_2b_1x1", 64),
    conv("Conv2d_2c_3x3", 192), pool("MaxPool_3a_3x3", stride=2),
    _block("Mixed_3b", 64, (96, 128), (16, 32), 32), _block("Mixed_3c", 128, (128, 192), (32, 96), 64),
    pool("MaxPool_4a_3x3", stride=2),
    _block("Mixed_4b", 192, (96, 208), (16, 48), 64), _block("Mixed_4c", 160, (112, 224), (24, 64), 64),
    _block("Mixed_4d", 128, (128, 256), (24, 64), 64), _block("Mixed_4e", 112, (144, 288), (32, 64), 64),
    _block("Mixed_4f", 256, (160, 320), (32, 128), 128), pool("MaxPool_5a_2x2", stride=2),
    _block("Mixed_5b", 256, (160, 320), (32, 128), 128, last="Conv2d_0a_3x3"),
    _block("Mixed_5c", 384, (192, 384), (48, 128), 128),
]  # fmt: skip


@tf_export("contrib.slim.nets.inception.inception_v1_base")
def inception_v1_base(inputs, final_endpoint="Mixed_5c", scope="InceptionV1"):
    """The network up to FINAL_ENDPOINT: (tensor, end points)."""
    with vs.variable_scope(scope, "InceptionV1", [inputs]):
        with slim.arg_scope([slim.conv2d, slim.fully_connected], weights_initializer=trunc_normal(0.01)):
            with slim.arg_scope([slim.conv2d, slim.max_pool2d], stride=1, padding="SAME"):
                return body(inputs, _TABLE, lambda d: d, final_endpoint)


@tf_export("contrib.slim.nets.inception.inception_v1")
def inception_v1(inputs, num_classes=1000, is_training=True, dropout_keep_prob=0.8, prediction_fn=slim.softmax,
                 spatial_squeeze=True, reuse=None, scope="InceptionV1"):  # fmt: skip
    """Images [batch, 224, 224, 3] to logits [batch, NUM_CLASSES], and the end points."""
    with vs.variable_scope(scope, "InceptionV1", [inputs, num_classes], reuse=reuse) as entered:
        with slim.arg_scope([slim.batch_norm, slim.dropout], is_training=is_training):
            net, end_points = inception_v1_base(inputs, scope=entered)
            names = ("AvgPool_0a_7x7", "Dropout_0b", "Conv2d_0c_1x1")
            logits = classify(net, end_points, num_classes, is_training, dropout_keep_prob, [7, 7], names,
                              spatial_squeeze, prediction_fn)  # fmt: skip
    return logits, end_points


inception_v1.default_image_size = 224


@tf_export("contrib.slim.nets.inception.inception_v1_arg_scope")
def inception_v1_arg_scope(weight_decay=0.00004, use_batch_norm=True, batch_norm_var_collection="moving_vars"):
    """The defaults to build it with."""
    return inception_arg_scope(
        weight_decay, use_batch_norm=use_batch_norm, batch_norm_var_collection=batch_norm_var_collection
    )
