"""tf.estimator.experimental's and tf.contrib.estimator's recurrent networks, and SequenceFeatures.

Both packages train from the same checkpoint on the same data, step by step. Of tf.contrib.estimator, which is in no
TensorFlow any more, the other side is a model function of 1.15's parts.
"""

import re

import numpy as np
import pytest

import tenon
from api import both
from api.both import same, tensorflow
from api.estimator_oracle import of
from api.test_canned_estimators import Losses

COUNT, TIME = 7, 5  # a batch holds all; the third sequence has one moment, the last one all five
LENGTHS = np.array([2, 4, 1, 3, 2, 4, 5])
PLACES = [(i, t) for i, n in enumerate(LENGTHS) for t in range(n)]


def data(tf):
    random = np.random.RandomState(5)
    total = len(PLACES)
    twice = [(i, 2 * t + k) for i, t in PLACES for k in range(2)]
    return {
        "n": tf.SparseTensor(twice, random.randn(2 * total).astype("f"), [COUNT, 2 * TIME]),
        "i": tf.SparseTensor(PLACES, random.randint(0, 5, total), [COUNT, TIME]),
        "x": tf.constant(random.randn(COUNT, 2).astype("f")),
        "weight": tf.constant(random.rand(COUNT).astype("f") + 0.5),
        "weights": tf.constant(random.rand(COUNT, TIME).astype("f") + 0.5),
    }  # fmt: skip


def columns(tf):
    c = tf.feature_column
    ids = c.sequence_categorical_column_with_identity("i", 5)
    return [c.sequence_numeric_column("n", 2), c.embedding_column(ids, 3), c.indicator_column(ids)]


def context(tf):
    return [tf.feature_column.numeric_column("x", 2)]


def labels(name):
    random = np.random.RandomState(8)
    if name == "each moment":
        return random.randint(0, 3, (COUNT, TIME))
    if name == "numbers":
        return random.randn(COUNT, 2).astype("f")
    return np.array([b"low", b"mid", b"high"])[random.randint(0, 3, COUNT)]


WORDS = {"n_classes": 3, "label_vocabulary": ["low", "mid", "high"], "weight_column": "weight"}


def two_cells(tf):
    return lambda: [tf.keras.layers.SimpleRNNCell(3), tf.keras.layers.SimpleRNNCell(2)]


MODELS = {
    "words": lambda tf, module, settings: module.RNNClassifier(
        columns(tf), context(tf), units=[4, 3], cell_type="lstm", **WORDS, **settings),
    "numbers": lambda tf, module, settings: module.RNNEstimator(
        of(tf).RegressionHead(label_dimension=2), columns(tf), context(tf), units=5, cell_type="gru",
        optimizer=lambda: tf.keras.optimizers.Adam(0.01), **settings),
    "each moment": lambda tf, module, settings: module.RNNClassifier(
        columns(tf), rnn_cell_fn=two_cells(tf), return_sequences=True, n_classes=3, weight_column="weights",
        sequence_mask="there", optimizer="SGD", **settings),
}  # fmt: skip


def experimental(tf):
    """Where RNNClassifier and RNNEstimator stand."""
    if tf is tenon:
        return tf.estimator.experimental
    of(tf)
    from tensorflow_estimator.python.estimator.canned import rnn

    return rnn


def settings(tf, folder):
    return {"model_dir": str(folder), "config": of(tf).RunConfig(tf_random_seed=1, save_summary_steps=0)}


def ours(name):
    """The name in 1.15, whose recurrent layers have no scopes for their cells, of what TensorFlow 2.21 calls NAME."""
    return re.sub(r"/(?:stacked_rnn_cells/)?(?:simple_rnn|lstm|gru)_cell(_\d)?/(\w+)", r"/\2\1", name)


def begin_at(folder, start):
    """Writes the first checkpoint in START, by our names, into FOLDER."""
    reader = tenon.train.load_checkpoint(str(start / "model.ckpt-0"))
    with tenon.Graph().as_default(), tenon.Session() as session:
        for name in reader.get_variable_to_shape_map():
            tenon.Variable(reader.get_tensor(name), name=ours(name))
        session.run(tenon.global_variables_initializer())
        tenon.train.Saver().save(session, str(folder / "model.ckpt"), global_step=0, write_meta_graph=False)


def train(tf, made, answers, folder, start, steps=6):
    """(losses, shapes, evaluation, predictions, variables) of a model that begins at the checkpoint in START."""
    if start is not None:
        begin_at(folder, start)

    def input_fn():
        return data(tf), tf.constant(answers)

    hook = Losses.hook(tf)
    made.train(input_fn, steps=steps, hooks=[hook])
    found = made.evaluate(input_fn, steps=1)
    shapes = {key: list(shape) for key, shape in tf.train.list_variables(str(folder))}
    said = made.predict(lambda: tf.data.Dataset.from_tensors(0).map(lambda _: data(tf)), yield_single_examples=False)
    values = {ours(key): made.get_variable_value(key) for key in shapes}
    return hook.found, {ours(key): shape for key, shape in shapes.items()}, found, list(said), values


def compare(found, wanted):
    assert found[1] == wanted[1], "names and shapes in the checkpoint"
    for mine, other in zip(found, wanted, strict=True):
        same(mine, other, rtol=2e-4, atol=2e-4)
    tenon.summary.FileWriterCache.clear()


@pytest.mark.parametrize("name", list(MODELS))
def test_trains_as_tensorflow_does(name, tmp_path):
    found = {}
    for tf, folder in ((tensorflow(), "theirs"), (tenon, "ours")):
        made = MODELS[name](tf, experimental(tf), settings(tf, tmp_path / folder))
        start = tmp_path / "theirs" if tf is tenon else None
        found[folder] = train(tf, made, labels(name), tmp_path / folder, start)
    compare(found["ours"], found["theirs"])


def contrib_model_fn(tf):
    """1.15's tf.contrib.estimator.RNNClassifier(columns, context, [4, 3], "lstm", **WORDS) of its parts."""
    of(tf)
    from tensorflow_estimator.python.estimator.canned import head as head_lib

    head = head_lib._binary_logistic_or_multi_class_head(
        loss_reduction=tf.losses.Reduction.SUM_OVER_BATCH_SIZE, **WORDS
    )

    def train_op_fn(loss):
        optimizer = tf.train.AdagradOptimizer(0.05)
        gradients, variables = zip(*optimizer.compute_gradients(loss))
        pairs = zip(tf.clip_by_global_norm(gradients, 5.0)[0], variables)
        return optimizer.apply_gradients(pairs, tf.train.get_global_step())

    def model_fn(features, labels, mode):
        with tf.variable_scope("rnn", partitioner=tf.min_max_variable_partitioner(max_partitions=0)):
            with tf.variable_scope("sequence_input_layer"):
                layer = tf.keras.experimental.SequenceFeatures(columns(tf), name="sequence_input_layer")
                inputs, lengths = layer(features)
                beside = tf.feature_column.input_layer(features, context(tf))
            beside = tf.tile(beside[:, None], [1, tf.shape(inputs)[1], 1])
            cell = tf.nn.rnn_cell.MultiRNNCell([tf.nn.rnn_cell.BasicLSTMCell(n) for n in (4, 3)])
            outputs, _ = tf.nn.dynamic_rnn(cell, tf.concat([inputs, beside], 2), lengths, dtype=tf.float32)
            last = tf.gather_nd(outputs, tf.stack([tf.range(COUNT), tf.cast(lengths, tf.int32) - 1], 1))
            with tf.variable_scope("logits"):
                logits = tf.layers.dense(last, 3)
            return head.create_estimator_spec(features, mode, logits, labels, train_op_fn=train_op_fn)

    return model_fn


def test_contrib_trains_as_it_did(tmp_path):
    answers, tf = labels("words"), tensorflow()
    made = of(tf).Estimator(contrib_model_fn(tf), **settings(tf, tmp_path / "theirs"))
    theirs = train(tf, made, answers, tmp_path / "theirs", None)
    module = tenon.contrib.estimator
    made = module.RNNClassifier(columns(tenon), context(tenon), [4, 3], "lstm", **WORDS,
                                **settings(tenon, tmp_path / "ours"))  # fmt: skip
    compare(train(tenon, made, answers, tmp_path / "ours", tmp_path / "theirs"), theirs)


def test_contrib_gives_all_moments(tmp_path):
    """Over all moments, and over the last ones, from the same weights; a sequence without moments has zeros."""
    module, given = tenon.contrib.estimator, {"units": 2}

    def features():
        return {"n": tenon.SparseTensor([[0, 0], [0, 1], [0, 2], [2, 0]], [1.0, 2.0, 3.0, 4.0], [3, 3])}

    def made(each):
        head = tenon.estimator.RegressionHead(label_dimension=2)
        column = tenon.feature_column.sequence_numeric_column("n")
        cell = lambda mode: tenon.nn.rnn_cell.GRUCell(given["units"])  # noqa: E731
        return module.RNNEstimator(head, [column], rnn_cell_fn=cell, return_sequences=each, optimizer="Adam",
                                   **settings(tenon, tmp_path))  # fmt: skip

    made(False).train(lambda: (features(), tenon.zeros([3, 2])), steps=2)
    said = {}
    for each in (False, True):
        input_fn = lambda: tenon.data.Dataset.from_tensors(0).map(lambda _: features())  # noqa: E731
        (found,) = made(each).predict(input_fn, yield_single_examples=False)
        said[each] = found["predictions"]
    assert said[True].shape == (3, 3, 2)
    np.testing.assert_allclose(said[False][0], said[True][0, 2], rtol=1e-6)
    np.testing.assert_allclose(said[False][2], said[True][2, 0], rtol=1e-6)
    bias = made(False).get_variable_value("rnn/logits/dense/bias")
    np.testing.assert_allclose(said[False][1], bias, rtol=1e-6)


def test_gradients_are_clipped_together():
    with tenon.Graph().as_default(), tenon.Session() as session:
        a, b = tenon.Variable([0.0, 0.0]), tenon.Variable(0.0)
        loss = 3.0 * a[0] + 4.0 * b
        descent = tenon.train.GradientDescentOptimizer(1.0)
        steps = [tenon.contrib.estimator.clip_gradients_by_norm(descent, n).minimize(loss) for n in (1.0, 10.0)]
        session.run(tenon.global_variables_initializer())
        session.run(steps[0])
        np.testing.assert_allclose(session.run(a), [-0.6, 0.0], rtol=1e-6)
        np.testing.assert_allclose(session.run(b), -0.8, rtol=1e-6)
        session.run(steps[1])
        np.testing.assert_allclose(session.run(b), -4.8, rtol=1e-6)


def test_layers_of_features():
    def program(tf):
        features, out = data(tf), {}
        sequences = tf.keras.experimental.SequenceFeatures(columns(tf)[::2], name="named")
        values, lengths = sequences(features)
        c = tf.feature_column
        ids = c.categorical_column_with_hash_bucket("w", 7)
        start = tf.constant_initializer(np.arange(21.0).reshape(7, 3))
        dense = tf.keras.layers.DenseFeatures([c.numeric_column("x", 2), c.embedding_column(ids, 3, initializer=start)])
        given = {"x": features["x"], "w": tf.constant([["a"], ["b"], ["a"], ["c"], ["d"], ["e"], ["f"]])}
        once, twice = dense(given, cols_to_output_tensors=out), dense(given)
        names = [w.name for w in dense.trainable_weights]
        shapes = [dense.compute_output_shape((7, 2)), sequences.compute_output_shape((7, 5, 2))]
        return [values, lengths, once, twice, sorted(k.name for k in out), names, list(map(list, shapes))]

    both.both(program)


def test_layers_of_features_again():
    """Layers made from what get_config says, which is what TensorFlow says, do the same."""

    def program(tf):
        c, layers = tf.feature_column, tf.keras.layers
        start = tf.constant_initializer(0.5)
        hashed = c.categorical_column_with_hash_bucket("w", 7)
        buckets = c.bucketized_column(c.numeric_column("x", 2, normalizer_fn=abs), [0.0, 0.5])
        crossed = c.crossed_column([c.categorical_column_with_identity("v", 4), "w"], 5)
        vectors = c.embedding_column(hashed, 3, "sqrtn", start)
        dense = layers.DenseFeatures([buckets, c.indicator_column(crossed), vectors])
        config = dense.get_config()
        for column in config["feature_columns"]:
            column["config"].pop("initializer", None)
        again = layers.DenseFeatures.from_config(dense.get_config(), {"abs": abs})
        given = {"x": data(tf)["x"], "w": tf.constant([["a"], ["b"], ["a"], ["c"], ["d"], ["e"], ["f"]]),
                 "v": tf.constant([[0], [1], [2], [3], [0], [1], [2]])}  # fmt: skip
        sequences = tf.keras.experimental.SequenceFeatures([columns(tf)[0], columns(tf)[2]])
        more = tf.keras.experimental.SequenceFeatures.from_config({**sequences.get_config(), "name": "more"})
        configs = [{k: v for k, v in c.items() if k != "dtype"} for c in (config, sequences.get_config())]
        return [configs, again(given), more(data(tf))]

    both.both(program)


BAD = {
    "cells twice": lambda tf, e: experimental(tf).RNNClassifier(columns(tf), units=[3], rnn_cell_fn=two_cells(tf)),
    "kind twice": lambda tf, e: experimental(tf).RNNEstimator(
        e.BinaryClassHead(), columns(tf), cell_type="gru", rnn_cell_fn=two_cells(tf)),
    "head": lambda tf, e: experimental(tf).RNNEstimator(e.BinaryClassHead(), columns(tf), return_sequences=True),
    "classes": lambda tf, e: experimental(tf).RNNClassifier(columns(tf), n_classes=1),
    "weights": lambda tf, e: experimental(tf).RNNClassifier(
        columns(tf), return_sequences=True, weight_column=tf.feature_column.numeric_column("w")),
    "mask": lambda tf, e: experimental(tf).RNNClassifier(columns(tf), return_sequences=True, sequence_mask=3),
    "kind": lambda tf, e: train_once(tf, units=[3], cell_type="none"),
    "optimizer": lambda tf, e: train_once(tf, units=[3], optimizer="none"),
    "old optimizer": lambda tf, e: train_once(tf, units=[3], optimizer=tf.train.AdamOptimizer()),
    "column": lambda tf, e: tf.keras.experimental.SequenceFeatures(context(tf)),
    "sequences": lambda tf, e: tf.keras.layers.DenseFeatures(columns(tf)[:1]),
    "features": lambda tf, e: tf.keras.experimental.SequenceFeatures(columns(tf))(tf.zeros([2, 3])),
    "no dict": lambda tf, e: tf.keras.layers.DenseFeatures(context(tf))(tf.zeros([2, 3])),
}  # fmt: skip


def train_once(tf, **arguments):
    """Calls the model function as train does, without a session."""
    made = experimental(tf).RNNClassifier(columns(tf), **arguments)
    made.model_fn(data(tf), tf.zeros([COUNT], tf.int32), "train", made.config)


@pytest.mark.parametrize("name", list(BAD))
def test_says_what_is_wrong(name):
    both.error(lambda tf: BAD[name](tf, of(tf)))


def test_contrib_says_what_is_wrong():
    made = tenon.contrib.estimator.RNNClassifier(columns(tenon), num_units=[3], cell_type="none")
    with tenon.Graph().as_default(), pytest.raises(ValueError, match=r"Supported cell types are .*got none"):
        made.model_fn(data(tenon), tenon.zeros([COUNT], tenon.int32), "train", made.config)
    with pytest.raises(ValueError, match="num_units and cell_type must not be specified"):
        tenon.contrib.estimator.RNNClassifier(columns(tenon), num_units=[3], rnn_cell_fn=lambda mode: None)
