"""contrib.layers and contrib.framework: values, variables and collections against tf_slim."""

import numpy as np
import pytest

from api.slim_oracle import both

IMAGE = np.random.RandomState(0).rand(2, 9, 9, 4).astype("f")
VOLUME = np.random.RandomState(1).rand(2, 5, 5, 5, 2).astype("f")
MATRIX = np.random.RandomState(2).rand(3, 6).astype("f")


def names(tf):
    """What a program made: variables, and what is in the collections."""
    kinds = ("variables", "trainable_variables", "model_variables", "moving_average_variables")
    made = {kind: sorted(v.name for v in tf.get_collection(kind)) for kind in kinds}
    made["sizes"] = {v.name: v.get_shape().as_list() for v in tf.global_variables()}
    made["update_ops"] = len(tf.get_collection("update_ops"))
    made["regularization"] = len(tf.get_collection("regularization_losses"))
    return made


def fixed(tf):
    return tf.constant_initializer(np.linspace(-1, 1, 7).astype("f")[3])


LAYERS = {
    "conv2d": lambda tf, s: s.conv2d(IMAGE, 3, [3, 3], weights_initializer=fixed(tf)),
    "conv2d stride rate": lambda tf, s: s.conv2d(IMAGE, 3, 3, stride=2, padding="VALID", activation_fn=None),
    "conv2d rate": lambda tf, s: s.conv2d(IMAGE, 3, 3, rate=2),
    "conv1d": lambda tf, s: s.conv1d(IMAGE[:, 0], 3, 3),
    "conv3d": lambda tf, s: s.conv3d(VOLUME, 3, [2, 2, 2]),
    "transpose": lambda tf, s: s.conv2d_transpose(IMAGE, 3, [3, 3], stride=2),
    "transpose valid": lambda tf, s: s.conv2d_transpose(IMAGE, 3, [3, 3], stride=2, padding="VALID"),
    "transpose3d": lambda tf, s: s.conv3d_transpose(VOLUME, 3, [2, 2, 2], stride=2),
    "in plane": lambda tf, s: s.conv2d_in_plane(tf.constant(IMAGE), [3, 3]),
    "separable": lambda tf, s: s.separable_conv2d(IMAGE, 5, [3, 3], depth_multiplier=2),
    "depthwise": lambda tf, s: s.separable_conv2d(IMAGE, None, [3, 3], depth_multiplier=2, stride=2),
    "dense": lambda tf, s: s.fully_connected(MATRIX, 5),
    "dense normalised": lambda tf, s: s.fully_connected(MATRIX, 5, normalizer_fn=s.batch_norm),
    "dense rank 3": lambda tf, s: s.fully_connected(IMAGE[0], 5, activation_fn=tf.nn.elu),
    "bias": lambda tf, s: s.bias_add(MATRIX),
    "batch norm": lambda tf, s: s.batch_norm(IMAGE),
    "batch norm scale": lambda tf, s: s.batch_norm(IMAGE, scale=True, center=False, decay=0.9),
    "batch norm inference": lambda tf, s: s.batch_norm(IMAGE, is_training=False),
    "batch norm in place": lambda tf, s: s.batch_norm(IMAGE, updates_collections=None),
    "batch norm rank 3": lambda tf, s: s.batch_norm(IMAGE[0]),
    "layer norm": lambda tf, s: s.layer_norm(IMAGE),
    "instance norm": lambda tf, s: s.instance_norm(IMAGE),
    "group norm": lambda tf, s: s.group_norm(IMAGE, groups=2),
    "max pool": lambda tf, s: s.max_pool2d(IMAGE, 2),
    "avg pool": lambda tf, s: s.avg_pool2d(IMAGE, [3, 3], stride=1, padding="SAME"),
    "max pool 3d": lambda tf, s: s.max_pool3d(VOLUME, 2),
    "avg pool 3d": lambda tf, s: s.avg_pool3d(VOLUME, 2),
    "pool": lambda tf, s: s.pool(IMAGE, [3, 3], "AVG", stride=2),
    "flatten": lambda tf, s: s.flatten(IMAGE),
    "one hot": lambda tf, s: s.one_hot_encoding([1, 0, 2], 3),
    "softmax": lambda tf, s: s.softmax(tf.constant(IMAGE)),
    "unit norm": lambda tf, s: s.unit_norm(tf.constant(IMAGE), 3),
    "maxout": lambda tf, s: s.maxout(tf.constant(IMAGE), 2),
    "repeat": lambda tf, s: s.repeat(IMAGE, 2, s.conv2d, 3, [3, 3], scope="block"),
    "stack": lambda tf, s: s.stack(MATRIX, s.fully_connected, [5, 4, 3], scope="fc"),
    "dropout off": lambda tf, s: s.dropout(MATRIX, is_training=False),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name):
    """Values with every variable set to the same small numbers, and the names and sizes of the variables."""

    def program(tf, s):
        made = LAYERS[name](tf, s)
        sets = [
            tf.assign(v, tf.reshape(tf.linspace(0.1, 0.9, int(np.prod(v.shape.as_list()))), v.shape))
            for v in tf.global_variables()
        ]
        with tf.control_dependencies(sets):
            done = tf.no_op()
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            session.run(done)
            return session.run(made), names(tf)

    both(program, rtol=2e-5, atol=1e-5)


def test_seeded_initializers():
    def program(tf, s):
        return [
            s.xavier_initializer(seed=3)([5, 4]),
            s.xavier_initializer(uniform=False, seed=3)([3, 3, 2, 4]),
            s.variance_scaling_initializer(seed=5)([7, 2]),
            s.variance_scaling_initializer(factor=1.0, mode="FAN_OUT", uniform=True, seed=5)([7]),
        ]

    both(program)


def test_regularizers():
    def program(tf, s):
        w = tf.constant(MATRIX)
        s.fully_connected(MATRIX, 3, weights_regularizer=s.l2_regularizer(0.5), scope="a",
                          weights_initializer=fixed(tf))  # fmt: skip
        return [
            s.l1_regularizer(0.1)(w),
            s.l2_regularizer(0.1)(w),
            s.l1_l2_regularizer(0.1, 0.2)(w),
            s.sum_regularizer([s.l1_regularizer(0.3), s.l2_regularizer(0.2)])(w),
            s.apply_regularization(s.l2_regularizer(0.3), [w, w]),
            tf.add_n(tf.get_collection("regularization_losses")),
        ]

    both(program)


def test_batch_norm_learns_its_averages():
    def program(tf, s):
        x = tf.placeholder(tf.float32, [None, 4])
        training = tf.placeholder(tf.bool, [])
        y = s.batch_norm(x, decay=0.5, is_training=training, scale=True)
        updates = tf.get_collection("update_ops")
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            rows = np.random.RandomState(3).rand(6, 4).astype("f")
            for _ in range(3):
                session.run([y, *updates], {x: rows, training: True})
            kept = session.run(tf.global_variables())
            session.run([y, *updates], {x: rows * 9, training: False})
            return kept, session.run(tf.global_variables()), session.run(y, {x: rows, training: False})

    both(program, rtol=1e-4)


def test_arg_scope():
    def program(tf, s):
        with s.arg_scope([s.conv2d, s.fully_connected], activation_fn=None, weights_initializer=fixed(tf)):
            with s.arg_scope([s.conv2d], padding="VALID") as inner:
                a = s.conv2d(IMAGE, 2, [3, 3], scope="one")
            b = s.conv2d(IMAGE, 2, [3, 3], padding="SAME", stride=3, scope="two")
            c = s.fully_connected(MATRIX, 2)
        with s.arg_scope(inner):
            d = s.conv2d(IMAGE, 2, [3, 3], scope="three")
        return [a, b, c, d], sorted(v.name for v in tf.global_variables()), s.has_arg_scope(s.conv2d)

    both(program)


def test_variables_by_name():
    def program(tf, s):
        with tf.variable_scope("net"):
            s.model_variable("w", [2], initializer=tf.ones_initializer(), regularizer=s.l2_regularizer(0.5))
            s.variable("v", [3], initializer=tf.zeros_initializer(), trainable=False)
        s.local_variable(1.0, name="l")

        def listed(found):
            return [v.op.name for v in found]

        return [
            listed(s.get_variables()), listed(s.get_model_variables()), listed(s.get_local_variables()),
            listed(s.get_variables("net")), listed(s.get_variables_by_suffix("w")),
            listed(s.get_variables_by_name("v")),
            listed(s.get_variables_to_restore(exclude=["net/v"])), s.get_unique_variable("net/w").op.name,
            s.get_or_create_global_step().op.name, s.get_global_step().op.name,
        ]  # fmt: skip

    both(program)


@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "Adagrad", "RMSProp", "Momentum", "Ftrl"])
def test_optimize_loss(optimizer):
    def program(tf, s):
        w = tf.get_variable("w", initializer=tf.constant([1.0, -2.0, 3.0]))
        step = tf.train.get_or_create_global_step()
        loss = tf.reduce_sum(tf.square(w))
        train = s.optimize_loss(
            loss, step, 0.1, optimizer, clip_gradients=1.5, summaries=["loss"],
            learning_rate_decay_fn=lambda rate, n: tf.train.exponential_decay(rate, n, 2, 0.5),
        )  # fmt: skip
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for _ in range(5):  # the loss itself may be read before or after the update
                session.run(train)
            return session.run([w, step]), sorted(v.name for v in tf.global_variables())

    both(program, rtol=1e-4)


def test_losses():
    def program(tf, s):
        predictions, labels = tf.constant(np.abs(MATRIX)), tf.constant(np.round(np.abs(MATRIX[::-1])).clip(0, 1))
        weights = tf.constant([[0.5], [0.0], [2.0]])
        lost = s.losses
        made = [
            lost.absolute_difference(predictions, labels, weights),
            lost.mean_squared_error(predictions, labels),
            lost.mean_pairwise_squared_error(predictions, labels),
            lost.log_loss(predictions / 5, labels, weights),
            lost.hinge_loss(predictions, labels),
            lost.cosine_distance(predictions, labels, axis=1),
            lost.sigmoid_cross_entropy(predictions, labels, label_smoothing=0.1),
            lost.softmax_cross_entropy(predictions, labels),
            lost.sparse_softmax_cross_entropy(predictions, tf.constant([1, 0, 5])),
        ]
        return made, len(lost.get_losses()), lost.get_total_loss()

    both(program)


def test_train_op():
    """create_train_op with multipliers, clipping and the updates of batch normalisation."""

    def program(tf, s):
        x = tf.constant(MATRIX)
        net = s.fully_connected(x, 4, normalizer_fn=s.batch_norm, weights_initializer=fixed(tf), scope="a")
        net = s.fully_connected(net + x[:, :4], 1, activation_fn=None, weights_initializer=fixed(tf), scope="b")
        loss = tf.reduce_mean(tf.square(net - 1.0))
        train = s.learning.create_train_op(
            loss, tf.train.GradientDescentOptimizer(0.1), clip_gradient_norm=0.5,
            gradient_multipliers={"b/biases": 2.0},
        )  # fmt: skip
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for _ in range(4):
                session.run(train)
            return session.run(tf.global_variables()), [v.name for v in tf.global_variables()]

    both(program, rtol=1e-4)


def test_training_loop(tmp_path):
    import tenon as tf

    slim = tf.contrib.slim
    with tf.Graph().as_default():
        w = tf.get_variable("w", initializer=4.0)
        loss = tf.square(w)
        tf.summary.scalar("loss", loss)
        train = slim.learning.create_train_op(loss, tf.train.GradientDescentOptimizer(0.1))
        last = slim.learning.train(train, str(tmp_path), number_of_steps=20, save_summaries_secs=1, log_every_n_steps=5)
        assert last < 1.0
    newest = tf.train.latest_checkpoint(str(tmp_path))
    assert newest.endswith("-20")
    with tf.Graph().as_default():
        w = tf.get_variable("w", shape=[])
        restore = slim.assign_from_checkpoint_fn(newest, [w])
        with tf.Session() as session:
            restore(session)
            assert abs(session.run(w) - 4.0 * 0.8**20) < 1e-4


def test_sizes_of_models(capsys):
    import tenon as tf

    slim = tf.contrib.slim
    with tf.Graph().as_default():
        slim.fully_connected(MATRIX, 4)
        assert slim.model_analyzer.analyze_vars(tf.global_variables(), print_info=True) == (28, 112)
    assert "fully_connected/weights" in capsys.readouterr().out
