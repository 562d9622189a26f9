"""tenon.tflearn: networks learn, predict, and come back from files."""

import numpy as np

import tenon as tf


def test_a_network_learns(tmp_path):
    import tenon.tflearn as tflearn

    rng = np.random.RandomState(0)
    x = rng.rand(200, 8, 8, 1).astype("f")
    y = np.eye(2, dtype="f")[(x[:, :4].mean((1, 2, 3)) > x[:, 4:].mean((1, 2, 3))).astype(int)]
    with tf.Graph().as_default():
        tf.set_random_seed(1)
        net = tflearn.input_data([None, 8, 8, 1])
        net = tflearn.max_pool_2d(tflearn.conv_2d(net, 4, 3, activation="relu", regularizer="L2"), 2)
        net = tflearn.dropout(tflearn.fully_connected(net, 16, activation="tanh"), 0.9)
        net = tflearn.fully_connected(net, 2, activation="softmax")
        net = tflearn.regression(net, optimizer="adam", learning_rate=0.01, loss="categorical_crossentropy")
        model = tflearn.DNN(net)
        model.fit(x, y, n_epoch=25, validation_set=0.1, show_metric=True, batch_size=32)
        assert model.evaluate(x, y)[0] > 0.8
        before = model.predict(x)
        assert (model.predict_label(x)[:, 0] == before.argmax(1)).all()
        model.save(str(tmp_path / "m"))
        model.fit(x, y, n_epoch=1)
        model.load(str(tmp_path / "m"))
        np.testing.assert_array_equal(model.predict(x), before)


def test_data_utils():
    from tenon.tflearn import data_utils

    np.testing.assert_array_equal(data_utils.to_categorical([1, 0], 2), [[0, 1], [1, 0]])
    np.testing.assert_array_equal(data_utils.pad_sequences([[1, 2], [3]], 3), [[1, 2, 0], [3, 0, 0]])
    a, b = data_utils.shuffle(np.arange(9), np.arange(9) * 2)
    np.testing.assert_array_equal(a * 2, b)
    assert sorted(a.tolist()) == list(range(9))
