"""tenon.tflearn: what each layer, loss and metric computes, and the names of its variables."""

import numpy as np
import pytest

import tenon as tf


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default():
        tf.set_random_seed(1)
        np.random.seed(1)
        yield


def run(values, training=False, feed=None):
    from tenon import tflearn

    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), tf.tables_initializer()])
        tflearn.is_training(training, session)
        return session.run(values, feed)


def names():
    return [v.op.name for v in tf.global_variables() if v.op.name != "is_training"]


X4 = np.random.RandomState(0).rand(2, 6, 6, 3).astype("f")
X3 = np.random.RandomState(1).rand(3, 5, 4).astype("f")
X2 = np.random.RandomState(2).rand(4, 6).astype("f")


def test_dense_layers():
    from tenon import tflearn

    x = tf.constant(X2)
    y = tflearn.fully_connected(x, 3, activation="relu", weights_init="xavier", bias_init="normal")
    z = tflearn.highway(tf.constant(X2), 6, activation="elu")
    s = tflearn.single_unit(tf.constant(X2[:, 0]))
    a, w, b, h, wt, hw, line, sw, sb = run([y, y.W, y.b, z, z.W_t, z.W, s, s.W, s.b])
    np.testing.assert_allclose(a, np.maximum(X2 @ w + b, 0), rtol=1e-5, atol=1e-6)
    gate = 1 / (1 + np.exp(-(X2 @ wt - 1)))
    inner = X2 @ hw
    inner = np.where(inner > 0, inner, np.expm1(inner))
    np.testing.assert_allclose(h, inner * gate + X2 * (1 - gate), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(line, X2[:, 0] * sw + sb, rtol=1e-5)
    assert names() == ["FullyConnected/W", "FullyConnected/b", "FullyConnectedHighway/W", "FullyConnectedHighway/b",
                       "FullyConnectedHighway/W_T", "FullyConnectedHighway/b_T", "Linear/W", "Linear/b"]  # fmt: skip
    assert tflearn.get_layer_variables_by_name("FullyConnected") == [y.W, y.b]
    assert tflearn.utils.get_layer_by_name("FullyConnected") is y


def test_scopes_share_variables():
    from tenon import tflearn

    x = tf.constant(X2)
    a = tflearn.fully_connected(x, 3, scope="it")
    b = tflearn.fully_connected(x, 3, scope="it", reuse=True)
    assert names() == ["it/W", "it/b"]
    np.testing.assert_array_equal(*run([a, b]))
    t = tflearn.time_distributed(tf.constant(X3), tflearn.fully_connected, [7], scope="each")
    assert t.shape.as_list() == [3, 5, 7] and names()[2:] == ["each/W", "each/b"]


CONVS = [
    ("conv_2d", X4, (4, 3), {"strides": 2}, (2, 3, 3, 4)), ("conv_2d", X4, (4, [2, 3]), {"padding": "valid"}, (2, 5, 4, 4)),  # noqa: E501
    ("atrous_conv_2d", X4, (4, 3), {"rate": 2, "padding": "valid"}, (2, 2, 2, 4)),
    ("grouped_conv_2d", X4, (2, 3), {}, (2, 6, 6, 6)), ("conv_1d", X3, (6, 3), {}, (3, 5, 6)),
    ("conv_1d", X3, (6, 2), {"strides": 2, "padding": "valid", "bias": False}, (3, 2, 6)),
    ("conv_3d", X4[..., None], (2, 2), {"padding": "valid"}, (2, 5, 5, 2, 2)),
    ("conv_2d_transpose", X4, (5, 3, [12, 12]), {"strides": 2}, (2, 12, 12, 5)),
    ("conv_3d_transpose", X4[..., None], (2, 3, [6, 6, 3]), {}, (2, 6, 6, 3, 2)),
    ("max_pool_2d", X4, (2,), {}, (2, 3, 3, 3)), ("avg_pool_2d", X4, (3,), {"strides": 1}, (2, 6, 6, 3)),
    ("max_pool_1d", X3, (2,), {}, (3, 3, 4)), ("avg_pool_1d", X3, (2,), {"padding": "valid"}, (3, 2, 4)),
    ("max_pool_3d", X4[..., None], (2,), {"strides": 2}, (2, 3, 3, 2, 1)),
    ("avg_pool_3d", X4[..., None], (2,), {}, (2, 6, 6, 3, 1)), ("global_avg_pool", X4, (), {}, (2, 3)),
    ("global_max_pool", X4, (), {}, (2, 3)), ("upsample_2d", X4, (2,), {}, (2, 12, 12, 3)),
    ("upscore_layer", X4, (3,), {"shape": [2, 12, 12, 3]}, (2, 12, 12, 3)),
    ("residual_block", X4, (2, 8), {"downsample": True}, (2, 3, 3, 8)),
    ("residual_bottleneck", X4, (2, 2, 8), {}, (2, 6, 6, 8)), ("resnext_block", X4, (1, 8, 4), {}, (2, 6, 6, 8)),
    ("densenet_block", X4, (2, 4), {}, (2, 3, 3, 11)), ("highway_conv_2d", X4, (3, 3), {}, (2, 6, 6, 3)),
    ("highway_conv_1d", X3, (4, 3), {}, (3, 5, 4)), ("local_response_normalization", X4, (), {}, (2, 6, 6, 3)),
    ("l2_normalize", X3, (2,), {}, (3, 5, 4)), ("batch_normalization", X4, (), {}, (2, 6, 6, 3)),
]  # fmt: skip


@pytest.mark.parametrize("name, x, args, kwargs, shape", CONVS)
def test_shapes(name, x, args, kwargs, shape):
    from tenon import tflearn

    y = getattr(tflearn, name)(tf.constant(x), *args, **kwargs)
    value, *grads = run([y, *tf.gradients(tf.reduce_sum(tf.square(y)), tf.trainable_variables())], training=True)
    assert value.shape == shape and np.isfinite(value).all()
    assert y.shape.as_list()[1:] == list(shape[1:]) or name == "upscore_layer"
    assert all(np.isfinite(g).all() for g in grads)


def test_convolutions_are_tensorflows():
    from tenon import tflearn

    x = tf.constant(X4)
    y = tflearn.conv_2d(x, 4, 3, strides=2, activation="tanh")
    t = tflearn.conv_1d(tf.constant(X3), 2, 3)
    plain = tf.tanh(tf.nn.conv2d(x, y.W, [1, 2, 2, 1], "SAME") + y.b)
    line = tf.nn.conv1d(tf.constant(X3), t.W[:, 0], 1, "SAME") + t.b
    up = tflearn.upsample_2d(x, (2, 3))
    a, b, c, d, u, block = run([y, plain, t, line, up, tflearn.residual_block(x, 1, 3, batch_norm=False, bias=False)])
    np.testing.assert_allclose(a, b, rtol=1e-5)
    np.testing.assert_allclose(c, d, rtol=1e-5)
    np.testing.assert_array_equal(u, X4.repeat(2, 1).repeat(3, 2))
    assert block.shape == X4.shape
    assert {"Conv2D/W", "Conv1D/W", "ResidualBlock/Conv2D/W", "ResidualBlock/Conv2D_1/W"} <= set(names())


def test_batch_normalization_in_training_and_use():
    from tenon import tflearn

    x = tf.constant(X4)
    y = tflearn.batch_normalization(x, decay=0.5, stddev=0.0, epsilon=0.01)
    mean, var = X4.mean((0, 1, 2)), X4.var((0, 1, 2))
    moving = [v for v in tf.global_variables() if "moving" in v.op.name]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        np.testing.assert_allclose(session.run(y), X4 / np.sqrt(1.01), rtol=1e-5)
        tflearn.is_training(True, session)
        np.testing.assert_allclose(session.run(y), (X4 - mean) / np.sqrt(var + 0.01), rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(session.run(moving[0]), mean / 2, rtol=1e-5)
        np.testing.assert_allclose(session.run(moving[1]), 0.5 + var / 2, rtol=1e-5)
    assert names() == [f"BatchNormalization/{n}" for n in ("beta", "gamma", "moving_mean", "moving_variance")]


def _lstm(x, matrix, bias, lengths=None):
    n = matrix.shape[1] // 4
    h = c = np.zeros((len(x), n))
    outputs = []
    sigmoid = lambda v: 1 / (1 + np.exp(-v))  # noqa: E731
    for t in range(x.shape[1]):
        i, j, f, o = np.split(np.concatenate([x[:, t], h], 1) @ matrix + bias, 4, 1)
        new_c = c * sigmoid(f + 1) + sigmoid(i) * np.tanh(j)
        new_h = np.tanh(new_c) * sigmoid(o)
        live = np.ones((len(x), 1), bool) if lengths is None else (t < np.asarray(lengths))[:, None]
        c, h = np.where(live, new_c, c), np.where(live, new_h, h)
        outputs.append(np.where(live, new_h, 0))
    return np.stack(outputs, 1), h, c


@pytest.mark.parametrize("dynamic", [False, True])
def test_lstm(dynamic):
    from tenon import tflearn

    x = X3.copy()
    x[1, 3:] = 0
    lengths = [5, 3, 5] if dynamic else None
    every, state = tflearn.lstm(tf.constant(x), 3, return_seq=True, return_state=True, dynamic=dynamic,
                                weights_init="xavier")  # fmt: skip
    last = tflearn.lstm(tf.constant(x), 3, dynamic=dynamic, scope="again")
    if not dynamic:
        every = tf.stack(every, axis=1)
    variables = tf.trainable_variables()
    a, s, m, b, last, m2, b2 = run([every, state, *variables[:2], last, *variables[2:]])
    outputs, h, c = _lstm(x, m, b, lengths)
    np.testing.assert_allclose(a, outputs, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(s.h, h, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(s.c, c, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(last, _lstm(x, m2, b2, lengths)[1], rtol=1e-4, atol=1e-5)
    assert names()[:2] == ["LSTM/LSTM/BasicLSTMCell/Linear/Matrix", "LSTM/LSTM/BasicLSTMCell/Linear/Bias"]


def test_gru_simple_and_dropout():
    from tenon import tflearn

    x = tf.constant(X3)
    g, r = tflearn.gru(x, 2), tflearn.simple_rnn(x, 2, activation="relu", bias=False)
    stacked = tflearn.lstm(tflearn.lstm(x, 2, dropout=0.5, return_seq=True), 2, dropout=(0.5, 0.5))
    by_name = {v.op.name: v for v in tf.trainable_variables()}
    lead = "GRU/GRU/GRUCell/"
    wanted = [by_name[lead + n] for n in ("Gates/Linear/Matrix", "Gates/Linear/Bias", "Candidate/Linear/Matrix",
                                          "Candidate/Linear/Bias")]  # fmt: skip
    a, gm, gb, cm, cb, b, rm, plain = run([g, *wanted, r, by_name["SimpleRNN/SimpleRNN/BasicRNNCell/Linear/Matrix"],
                                           stacked])  # fmt: skip
    h, k = np.zeros((3, 2)), np.zeros((3, 2))
    for t in range(5):
        rz = 1 / (1 + np.exp(-(np.concatenate([X3[:, t], h], 1) @ gm + gb)))
        c = np.tanh(np.concatenate([X3[:, t], rz[:, :2] * h], 1) @ cm + cb)
        h = rz[:, 2:] * h + (1 - rz[:, 2:]) * c
        k = np.maximum(np.concatenate([X3[:, t], k], 1) @ rm, 0)
    np.testing.assert_allclose(a, h, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(b, k, rtol=1e-4, atol=1e-5)
    assert np.abs(run(stacked, training=True) - plain).max() > 0


def test_bidirectional_and_embedding():
    from tenon import tflearn

    ids = np.array([[1, 2, 3, 0], [4, 0, 0, 0]])
    e = tflearn.embedding(tf.constant(ids), 7, 4)
    cells = [tflearn.BasicLSTMCell(3) for _ in range(4)]
    y = tflearn.bidirectional_rnn(e, cells[0], cells[1], dynamic=True)
    z = tflearn.bidirectional_rnn(e, cells[2], cells[3], return_seq=True, scope="other")
    multi = tflearn.recurrent._rnn_template(e, tflearn.MultiRNNCell([tflearn.GRUCell(3), tflearn.GRUCell(2)]))
    table, rows, lengths, last, every, m = run([e.W, e, e.seq_length, y, z, multi])
    np.testing.assert_array_equal(rows, table[ids])
    np.testing.assert_array_equal(lengths, [3, 1])
    assert last.shape == (2, 6) and np.shape(every) == (4, 2, 6) and m.shape == (2, 2)
    assert names()[0] == "Embedding/W"


def test_merges_and_reshapes():
    from tenon import tflearn

    a, b = tf.constant(X2), tf.constant(X2 * 2)
    kinds = ["concat", "elemwise_sum", "elemwise_mul", "sum", "mean", "prod", "max", "min"]
    both = np.concatenate([X2, X2 * 2], 1)
    wanted = [both, X2 * 3, X2 * X2 * 2, both.sum(1), both.mean(1), both.prod(1), both.max(1), both.min(1)]
    for found, value in zip(run([tflearn.merge([a, b], k) for k in kinds]), wanted):
        np.testing.assert_allclose(found, value, rtol=1e-5)
    with pytest.raises(Exception, match="Unknown merge mode"):
        tflearn.merge([a, b], "glue")
    flat, other, hot, own = run([tflearn.flatten(tf.constant(X4)), tflearn.reshape(a, [-1, 2, 3]),
                                 tflearn.one_hot_encoding(tf.constant([1, 0]), 3),
                                 tflearn.custom_layer(a, lambda x, k: x * k, k=2.0)])  # fmt: skip
    np.testing.assert_array_equal(flat, X4.reshape(2, -1))
    assert other.shape == (4, 2, 3) and hot.tolist() == [[0, 1, 0], [1, 0, 0]]
    np.testing.assert_array_equal(own, X2 * 2)


def test_activations():
    from tenon import tflearn

    x = np.linspace(-3, 8, 12).reshape(3, 4).astype("f")
    e = np.exp(x - x.max(1, keepdims=True))
    wanted = {
        "linear": x, "tanh": np.tanh(x), "sigmoid": 1 / (1 + np.exp(-x)), "softmax": e / e.sum(1, keepdims=True),
        "softplus": np.log1p(np.exp(x)), "softsign": x / (1 + abs(x)), "relu": np.maximum(x, 0),
        "relu6": np.clip(x, 0, 6), "leaky_relu": np.where(x > 0, x, 0.1 * x), "prelu": np.maximum(x, 0),
        "elu": np.where(x > 0, x, np.expm1(x)), "crelu": np.concatenate([np.maximum(x, 0), np.maximum(-x, 0)], 1),
    }  # fmt: skip
    found = run({k: tflearn.activation(tf.constant(x), k) for k in wanted})
    for k, value in wanted.items():
        np.testing.assert_allclose(found[k], value, rtol=1e-4, atol=1e-6, err_msg=k)
    with pytest.raises(Exception, match="Invalid activation"):
        tflearn.activation(tf.constant(x), "swoosh")


def test_objectives_and_metrics():
    from tenon import tflearn

    o, m = tflearn.objectives, tflearn.metrics
    p = np.array([[0.2, 0.6, 0.2], [0.5, 0.3, 0.4], [0.1, 0.1, 0.9]], "f")
    t = np.eye(3, dtype="f")[[1, 1, 2]]
    P, T = tf.constant(p), tf.constant(t)
    q = p / p.sum(1, keepdims=True)
    soft = np.exp(p) / np.exp(p).sum(1, keepdims=True)
    sig = 1 / (1 + np.exp(-p))
    wanted = [-(t * np.log(q)).sum(1).mean(), -(t * np.log(soft)).sum(1).mean(), ((p - t) ** 2).mean(),
              -(t * np.log(sig) + (1 - t) * np.log(1 - sig)).mean(), np.maximum(1 - t * p, 0).mean(),
              -(2 * t * np.log(sig) + (1 - t) * np.log(1 - sig)).mean(), 2 / 3, 1.0,
              1 - ((t - p) ** 2).sum() / ((t - t.mean()) ** 2).sum(), 2 / 3, 0.5]  # fmt: skip
    found = run([
        o.categorical_crossentropy(P, T), o.softmax_categorical_crossentropy(P, T), o.mean_square(P, T),
        o.binary_crossentropy(P, T), o.hinge_loss(P, T), o.weighted_crossentropy(P, T, 2.0), m.accuracy_op(P, T),
        m.top_k_op(P, T, 3), m.r2_op(P, T), m.sparse_accuracy_op(P, tf.constant([1, 1, 2])),
        m.binary_accuracy_op(tf.constant([0.7, 0.2]), tf.constant([1.0, 1.0])),
    ])  # fmt: skip
    np.testing.assert_allclose(found, wanted, rtol=1e-4)
    for name in ("nothing", "get", "_EPSILON"):
        with pytest.raises(Exception, match="Invalid objective"):
            o.get(name)


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adam", "momentum", "nesterov", "adagrad", "ftrl", "adadelta",
                                  "proximaladagrad"])  # fmt: skip
def test_optimizers_lower_a_loss(name):
    from tenon import tflearn

    w = tf.Variable([3.0, -2.0])
    loss = tf.reduce_sum(tf.square(w))
    step = tf.Variable(0.0, trainable=False)
    cls = tflearn.optimizers.get(name)
    made = cls(learning_rate=0.1, lr_decay=0.9, decay_step=2) if name in ("sgd", "momentum", "nesterov") else cls(0.1)
    made.build(step)
    train = made.get_tensor().minimize(loss, global_step=step)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        first = session.run(loss)
        for _ in range(5):
            session.run(train)
        assert session.run(loss) < first
        if name == "sgd":
            np.testing.assert_allclose(session.run(made.learning_rate), 0.1 * 0.9 ** (5 / 2), rtol=1e-5)


def test_initializations_and_variables():
    from tenon import tflearn

    init = tflearn.initializations
    kinds = [init.zeros(), init.uniform(minval=1, maxval=2), init.uniform_scaling(), init.normal(stddev=3.0),
             init.truncated_normal(), init.xavier(), init.variance_scaling()]  # fmt: skip
    made = [tflearn.variable(f"v{i}", shape=[200, 50], initializer=k) for i, k in enumerate(kinds)]
    z, u, s, n, t, x, v = run(made)
    assert not z.any() and u.min() >= 1 and u.max() < 2 and abs(n.std() - 3) < 0.1 and abs(t).max() < 0.0401
    assert abs(s).max() <= np.sqrt(3 / 200) and abs(x).max() <= np.sqrt(6 / 250) and abs(v.std() - 0.1) < 0.02
    kept = tflearn.variable("kept", shape=[2], regularizer="L2", restore=False)
    assert tf.get_collection(tf.GraphKeys.EXCL_RESTORE_VARS) == [kept]
    assert len(tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)) == 1
    tflearn.add_weights_regularizer(kept, "L1", 0.1)
    assert len(tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)) == 2
