"""tenon.tflearn: networks learn, predict, come back from files; what is said while they do."""

import glob
import os

import numpy as np
import pytest

import tenon as tf


@pytest.fixture(autouse=True)
def graph():
    import tenon.tflearn  # noqa: F401

    with tf.Graph().as_default():
        tf.set_random_seed(1)
        np.random.seed(1)
        yield


RNG = np.random.RandomState(0)
X = RNG.rand(120, 8, 8, 1).astype("f")
Y = np.eye(2, dtype="f")[(X[:, :4].mean((1, 2, 3)) > X[:, 4:].mean((1, 2, 3))).astype(int)]


def network(tflearn, **kwargs):
    net = tflearn.input_data([None, 8, 8, 1], **kwargs)
    net = tflearn.max_pool_2d(tflearn.conv_2d(net, 4, 3, activation="relu", regularizer="L2"), 2)
    net = tflearn.dropout(tflearn.fully_connected(net, 16, activation="tanh"), 0.9)
    net = tflearn.fully_connected(net, 2, activation="softmax")
    return tflearn.regression(net, optimizer="adam", learning_rate=0.01, loss="categorical_crossentropy")


def test_a_network_learns(tmp_path, capsys):
    from tenon import tflearn

    model = tflearn.DNN(network(tflearn), tensorboard_dir=str(tmp_path / "logs"))
    model.fit(X, Y, n_epoch=40, validation_set=0.1, show_metric=True, batch_size=24, run_id="one")
    assert model.evaluate(X, Y)[0] > 0.8
    text = capsys.readouterr().out
    assert "Run id: one" in text and "Training samples: 108" in text and "Validation samples: 12" in text
    assert (
        "| Adam | epoch: 040 | loss: " in text and "- acc: " in text and "val_acc" in text and "iter: 108/108" in text
    )
    before = model.predict(X)
    assert (model.predict_label(X)[:, 0] == before.argmax(1)).all()
    model.save(str(tmp_path / "m"))
    model.fit(X, Y, n_epoch=1, snapshot_epoch=False)
    assert np.abs(model.predict(X) - before).max() > 0
    model.load(str(tmp_path / "m"))
    np.testing.assert_array_equal(model.predict(X), before)
    keys = sorted(k for k, _ in tf.train.list_variables(str(tmp_path / "m")))
    assert {"Conv2D/W", "Conv2D/b", "FullyConnected/W", "FullyConnected_1/b", "is_training",
            "Conv2D/W/Adam_1"} <= set(keys)  # fmt: skip
    assert glob.glob(str(tmp_path / "logs" / "one" / "events*"))


def test_snapshots_and_callbacks(tmp_path):
    from tenon import tflearn

    class Notes(tflearn.callbacks.Callback):
        def __init__(self):
            self.said = []

        def on_train_begin(self, training_state):
            self.said.append("begin")

        def on_batch_end(self, training_state, snapshot=False):
            self.said.append((training_state.step, snapshot))

        def on_epoch_end(self, training_state):
            self.said.append(("epoch", training_state.epoch, training_state.val_acc is not None))

        def on_train_end(self, training_state):
            self.said.append("end")

    notes = Notes()
    model = tflearn.DNN(network(tflearn), tensorboard_dir=str(tmp_path), checkpoint_path=str(tmp_path / "ck"),
                        best_checkpoint_path=str(tmp_path / "best"), max_checkpoints=2)  # fmt: skip
    model.fit(X, Y, n_epoch=2, validation_set=(X[:20], Y[:20]), batch_size=60, snapshot_step=1, callbacks=notes)
    assert notes.said == ["begin", (1, True), (2, True), ("epoch", 1, True), (3, True), (4, True), ("epoch", 2, True),
                          "end"]  # fmt: skip
    found = sorted(os.path.basename(f) for f in glob.glob(str(tmp_path / "ck-*.index")))
    assert found == ["ck-3.index", "ck-4.index"]
    assert glob.glob(str(tmp_path / "best*.index"))
    with pytest.raises(Exception, match="invalid Callback"):
        model.fit(X, Y, callbacks=[1])


def test_gradients_are_clipped_and_penalties_count(tmp_path):
    """The first steps are those of plain gradient descent with a global norm of at most 1."""
    from tenon import tflearn

    x, y = RNG.rand(8, 3).astype("f"), 100 * RNG.rand(8, 2).astype("f")
    net = tflearn.fully_connected(tflearn.input_data([None, 3]), 2, regularizer="L2", weight_decay=0.5)
    w = net.W
    net = tflearn.regression(net, optimizer="sgd", learning_rate=0.1, loss="mean_square", metric=None, batch_size=8)
    model = tflearn.DNN(net, clip_gradients=1.0, tensorboard_dir=str(tmp_path))
    before = model.get_weights(w)
    model.fit(x, y, n_epoch=1, shuffle=False, snapshot_epoch=False)
    error = x @ before - y
    gw, gb = 2 * x.T @ error / error.size + 0.5 * before, 2 * error.sum(0) / error.size
    norm = np.sqrt((gw**2).sum() + (gb**2).sum())
    np.testing.assert_allclose(model.get_weights(w), before - 0.1 * gw / max(norm, 1.0), rtol=1e-4, atol=1e-6)
    model.set_weights(w, np.ones((3, 2)))
    assert model.get_weights(w).sum() == 6
    loss = model.fit_batch(x, y)
    assert loss > 0 and model.get_weights(w).sum() != 6


def test_several_inputs_and_outputs(tmp_path):
    from tenon import tflearn

    a, b = tflearn.input_data([None, 3], name="left"), tflearn.input_data([None, 3], name="right")
    both = tflearn.merge([a, b], "concat")
    one = tflearn.regression(tflearn.fully_connected(both, 2, activation="softmax"), name="first", op_name="op1")
    two = tflearn.regression(tflearn.fully_connected(both, 1), loss="mean_square", metric="r2", name="second")
    model = tflearn.DNN(tflearn.merge_outputs([one, two]), tensorboard_dir=str(tmp_path))
    x, y, z = RNG.rand(10, 3), np.eye(2)[RNG.randint(0, 2, 10)], RNG.rand(10, 1)
    model.fit({"left": x, "right": x}, {"first": y, "second": z}, n_epoch=2, show_metric=True)
    model.fit([x, x], [y, z], n_epoch=1)
    assert model.predict([x, x]).shape == (10, 3)
    assert len(model.evaluate([x, x], [y, z])) == 2
    assert [op.name for op in model.train_ops] == ["op1", "Adam"]
    with pytest.raises(ValueError, match="as many samples"):
        model.fit([x, x[:3]], [y, z])


def test_preprocessing_holds_in_training_and_use(tmp_path):
    from tenon import tflearn

    prep = tflearn.ImagePreprocessing()
    prep.add_featurewise_zero_center()
    prep.add_featurewise_stdnorm()
    aug = tflearn.ImageAugmentation()
    aug.add_random_flip_leftright()
    aug.add_random_rotation(10.0)
    model = tflearn.DNN(network(tflearn, data_preprocessing=prep, data_augmentation=aug), tensorboard_dir=str(tmp_path))
    model.fit(X, Y, n_epoch=1)
    plain = (X - X.mean()) / X.std()
    np.testing.assert_allclose(prep.apply(X), plain, rtol=1e-4, atol=1e-5)
    found = model.predict(X)
    np.testing.assert_allclose(found, model.session.run(model.net, {model.inputs[0]: plain}), rtol=1e-4, atol=1e-5)
    model.save(str(tmp_path / "m"))
    with tf.Graph().as_default():
        other = tflearn.ImagePreprocessing()
        other.add_featurewise_zero_center()
        other.add_featurewise_stdnorm()
        again = tflearn.DNN(network(tflearn, data_preprocessing=other), tensorboard_dir=str(tmp_path))
        again.load(str(tmp_path / "m"))
        other.session = again.session
        np.testing.assert_allclose(again.predict(X), found, rtol=1e-5, atol=1e-6)


def test_sequence_generator(tmp_path):
    from tenon import tflearn

    text = "abcabcabc" * 12
    x, y, chars = tflearn.data_utils.string_to_semi_redundant_sequences(text, seq_maxlen=5, redun_step=1)
    assert x.shape == (103, 5, 3) and y.shape == (103, 3) and chars == {"a": 0, "b": 1, "c": 2}
    net = tflearn.lstm(tflearn.input_data([None, 5, 3]), 16)
    net = tflearn.regression(tflearn.fully_connected(net, 3, activation="softmax"), learning_rate=0.05)
    model = tflearn.SequenceGenerator(net, dictionary=chars, seq_maxlen=5, clip_gradients=5.0,
                                      tensorboard_dir=str(tmp_path))  # fmt: skip
    model.fit(x, y, n_epoch=15, batch_size=32)
    assert model.generate(9, temperature=0.1, seq_seed="abcab") == "abcab" + "cabcabcab"


def test_a_trainer_by_hand(tmp_path):
    from tenon import tflearn

    x = tf.placeholder(tf.float32, [None, 3])
    y = tf.placeholder(tf.float32, [None, 2])
    w = tf.Variable(tf.zeros([3, 2]))
    logits = tf.matmul(x, w)
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(logits=logits, labels=y))
    accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), tf.argmax(y, 1)), tf.float32), name="acc")
    op = tflearn.TrainOp(loss=loss, optimizer=tf.train.AdamOptimizer(0.1), metric=accuracy, batch_size=16)
    trainer = tflearn.Trainer(train_ops=op, tensorboard_dir=str(tmp_path))
    inputs = RNG.rand(64, 3)
    labels = np.eye(2)[(inputs[:, 0] > inputs[:, 1]).astype(int)]
    trainer.fit({x: inputs, y: labels}, val_feed_dicts={x: inputs, y: labels}, n_epoch=20, show_metric=True)
    assert trainer.training_state.val_acc > 0.9
    evaluator = tflearn.Evaluator([logits], session=trainer.session)
    assert evaluator.predict({x: inputs}).shape == (64, 2)
    assert evaluator.evaluate({x: inputs, y: labels}, accuracy)[0] > 0.9


def test_switch_of_training():
    from tenon import tflearn

    x = tf.ones([200, 10])
    y = tflearn.dropout(x, 0.5)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        np.testing.assert_array_equal(session.run(y), np.ones((200, 10)))
        tflearn.is_training(True, session=session)
        assert sorted(np.unique(session.run(y))) == [0.0, 2.0]
        assert session.run(tflearn.get_training_mode())
        tflearn.is_training(False)
        np.testing.assert_array_equal(session.run(y), np.ones((200, 10)))


def test_histograms_for_tensorboard(tmp_path):
    from tenon import tflearn

    model = tflearn.DNN(network(tflearn), tensorboard_verbose=3, tensorboard_dir=str(tmp_path))
    model.fit(X, Y, n_epoch=1, batch_size=60, run_id="r", snapshot_epoch=False)
    tags = {value.tag: value.WhichOneof("value") for path in glob.glob(str(tmp_path / "r" / "events*"))
            for event in tf.train.summary_iterator(path) for value in event.summary.value}  # fmt: skip
    assert tags["Adam/Loss"] == "simple_value" and tags["Conv2D/W/weights"] == tags["Conv2D/W/gradient"] == "histo"
    assert any(tag.endswith("/sparsity") for tag in tags) and any(tag.endswith("/activations") for tag in tags)
