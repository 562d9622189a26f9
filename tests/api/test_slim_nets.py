"""The networks of contrib.slim: parameters and names of variables as published, and gradients that flow."""

import numpy as np
import pytest

import tenon as tf

# name: (module, arg scope, image size, trained parameters with 1000 classes (None: not published), some variables)
NETS = {
    "alexnet_v2": ("alexnet", "alexnet_v2_arg_scope", 224, 50303912, ["conv1/weights", "fc8/biases"]),
    "vgg_16": ("vgg", "vgg_arg_scope", 224, 138357544, ["conv5/conv5_3/weights", "fc6/weights"]),
    "vgg_19": ("vgg", "vgg_arg_scope", 224, 143667240, ["conv5/conv5_4/weights", "fc8/biases"]),
    "inception_v1": ("inception", "inception_v1_arg_scope", 224, None,
                     ["Mixed_5b/Branch_2/Conv2d_0a_3x3/weights", "Logits/Conv2d_0c_1x1/biases"]),
    "inception_v2": ("inception", "inception_v2_arg_scope", 224, None,
                     ["Conv2d_1a_7x7/depthwise_weights", "Mixed_4a/Branch_1/Conv2d_1a_3x3/BatchNorm/beta"]),
    "inception_v3": ("inception", "inception_v3_arg_scope", 299, None,
                     ["Mixed_5c/Branch_1/Conv_1_0c_5x5/weights", "AuxLogits/Conv2d_2b_1x1/biases"]),
    "inception_v4": ("inception", "inception_v4_arg_scope", 299, None,
                     ["Mixed_3a/Branch_1/Conv2d_0a_3x3/weights", "Logits/Logits/weights"]),
    "resnet_v1_50": ("resnet_v1", "resnet_arg_scope", 224, 25557032,
                     ["block1/unit_1/bottleneck_v1/shortcut/weights", "logits/biases"]),
    "resnet_v2_50": ("resnet_v2", "resnet_arg_scope", 224, 25568360,
                     ["block4/unit_3/bottleneck_v2/preact/gamma", "postnorm/beta"]),
    "mobilenet_v1": ("mobilenet_v1", "mobilenet_v1_arg_scope", 224, 4231976,
                     ["Conv2d_13_depthwise/depthwise_weights", "Logits/Conv2d_1c_1x1/weights"]),
}  # fmt: skip


def build(name, size, classes, **options):
    module, scope = NETS[name][:2]
    space = getattr(tf.contrib.slim.nets, module)
    with tf.contrib.slim.arg_scope(getattr(space, scope)()):
        return getattr(space, name)(tf.placeholder(tf.float32, [2, size, size, 3], name="images"), classes, **options)


@pytest.mark.parametrize("name", NETS)
def test_parameters(name):
    """Counts and names are those of the published checkpoints."""
    _, _, size, parameters, names = NETS[name]
    with tf.Graph().as_default():
        logits, end_points = build(name, size, 1000)
        assert logits.shape.as_list()[0] == 2 and logits.shape.as_list()[-1] == 1000
        assert parameters in (None, count(tf.trainable_variables()))
        made = {v.op.name.split("/", 1)[1] for v in tf.global_variables()}
        assert set(names) <= made, sorted(made)[:40]
        assert end_points


def count(variables):
    return sum(int(np.prod(v.shape.as_list())) for v in variables)


@pytest.mark.parametrize(
    ("name", "size", "published"),
    [("inception_v1", 224, 5607184), ("inception_v2", 224, 10173112), ("inception_v3", 299, 21802784)],
)
def test_parameters_of_the_bases(name, size, published):
    """Model variables, moving averages among them, without the classifiers."""
    with tf.Graph().as_default():
        with tf.contrib.slim.arg_scope(getattr(tf.contrib.slim.nets.inception, name + "_arg_scope")()):
            getattr(tf.contrib.slim.nets.inception, name + "_base")(tf.zeros([1, size, size, 3]))
        assert count(tf.contrib.slim.get_model_variables()) == published


def test_parameters_of_inception_v4():
    """The published count is of a form whose normalisations also scale: one more number a channel."""
    with tf.Graph().as_default():
        build("inception_v4", 299, 1000, create_aux_logits=False)
        trained = tf.trainable_variables()
        assert count(trained) + count(v for v in trained if v.op.name.endswith("beta")) == 42679816


@pytest.mark.parametrize(("name", "size"), [("resnet_v2_50", 32), ("mobilenet_v1", 32), ("inception_v1", 64)])
def test_training_lowers_the_loss(name, size):
    with tf.Graph().as_default():
        tf.set_random_seed(1)
        options = {"spatial_squeeze": False} if name == "inception_v1" else {}
        logits, _ = build(name, size, 3, is_training=True, **options)
        logits = tf.reduce_mean(tf.reshape(logits, [2, -1, 3]), 1)
        loss = tf.losses.sparse_softmax_cross_entropy([0, 2], logits)
        train = tf.contrib.slim.learning.create_train_op(loss, tf.train.GradientDescentOptimizer(0.01))
        images = np.random.RandomState(0).rand(2, size, size, 3).astype("f")
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            losses = [session.run(train, {"images:0": images}) for _ in range(6)]
        assert np.isfinite(losses).all() and losses[-1] < losses[0]


def test_lenet():
    with tf.Graph().as_default():
        with tf.contrib.slim.arg_scope(tf.contrib.slim.nets.lenet.lenet_arg_scope(0.01)):
            logits, end_points = tf.contrib.slim.nets.lenet.lenet(tf.zeros([5, 28, 28, 1]))
        assert logits.shape.as_list() == [5, 10] and end_points["Predictions"].shape.as_list() == [5, 10]
        assert [v.op.name for v in tf.trainable_variables()][:2] == ["LeNet/conv1/weights", "LeNet/conv1/biases"]


def test_output_stride_dilates():
    with tf.Graph().as_default():
        space = tf.contrib.slim.nets.resnet_v1
        with tf.contrib.slim.arg_scope(space.resnet_arg_scope()):
            net, end_points = space.resnet_v1_50(tf.zeros([1, 65, 65, 3]), global_pool=False, output_stride=8)
        assert net.shape.as_list() == [1, 9, 9, 2048]
        assert end_points["resnet_v1_50/block4"].shape.as_list() == [1, 9, 9, 2048]
        with pytest.raises(ValueError, match="multiple of 4"):
            space.resnet_v1_50(tf.zeros([1, 65, 65, 3]), output_stride=6, scope="other")


def test_a_final_endpoint():
    with tf.Graph().as_default():
        base = tf.contrib.slim.nets.inception.inception_v3_base
        net, end_points = base(tf.zeros([1, 299, 299, 3]), "Mixed_6a")
        assert net.shape.as_list() == [1, 17, 17, 768] and "Mixed_6b" not in end_points
        with pytest.raises(ValueError, match="endpoint"):
            base(tf.zeros([1, 299, 299, 3]), "nothing", scope="again")


def test_the_short_name():
    from tenon import slim

    assert slim.conv2d is tf.contrib.slim.conv2d and tf.slim.learning.train is tf.contrib.slim.learning.train
    assert slim.nets.inception.inception_v3 is tf.contrib.slim.nets.inception.inception_v3
