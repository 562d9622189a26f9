"""tf.estimator's boosted trees, against gradient boosting in NumPy: the same trees, losses and explanations.

TensorFlow 2.21 no longer has these estimators; the keys of their checkpoints are those of 1.15.
"""

import collections
import os

import numpy as np
import pytest

import tenon as tf
from oracle import trees

COUNT = 300
EPSILON = 0.05  # 20 buckets


def data(count=COUNT):
    random = np.random.RandomState(5)
    x = random.randn(count, 2).astype("f")
    w = np.array([b"red", b"green", b"blue", b"gray", b"pink"])[random.randint(0, 5, count)]
    z = random.randn(count).astype("f")
    label = ((x[:, 0] > 0.2) ^ (x[:, 1] > 0) | (w == b"red")).astype("i4")
    label = np.where(random.rand(count) < 0.25, 1 - label, label).astype("i4")  # no node is pure: no gains are the same
    return {"x": x, "w": w, "z": z}, label, (x[:, 0] - 2 * (w == b"blue") + z * x[:, 1]).astype("f")


def columns(numbers=True):
    c = tf.feature_column
    found = [
        c.indicator_column(c.categorical_column_with_vocabulary_list("w", ["red", "green", "blue"])),
        c.bucketized_column(c.numeric_column("z"), [-1.0, -0.25, 0.5]),
    ]
    return [*found, c.numeric_column("x", 2)] if numbers else found


def buckets(features, numbers=True, boundaries=None):
    """(bucket of each example, number of buckets) of each feature, by the names of the columns."""
    hot = [(features["w"] == name).astype("i4") for name in (b"red", b"green", b"blue")]
    found = [(ids, 2) for ids in hot]
    if numbers:
        for ids, bounds in zip(features["x"].T, boundaries):
            found.append((np.minimum(np.searchsorted(bounds, ids), len(bounds) - 1).astype("i4"), 21))
    found.append((np.searchsorted(np.float32([-1, -0.25, 0.5]), features["z"], side="right").astype("i4"), 4))
    return found


def logistic(logits, y):
    p = 1 / (1 + np.exp(-logits.astype(np.float64)))
    return (p - y) / len(y), p * (1 - p) / len(y)


def squared(logits, y):
    return 2 * (logits.astype(np.float64) - y) / len(y), np.full(len(y), 2 / len(y))


def boost(features, labels, derivatives, n_trees, depth, rate, center=False, pruning=0, weights=1.0, **regular):
    """The ensemble that grows by layers on all examples at once, as a trees.Forest."""
    forest, ids = trees.Forest(), [f[0] for f in features]
    regularize = {k: regular[k] for k in ("l1", "l2") if k in regular}
    while center:
        g, h = derivatives(forest.predict(ids)[:, 0], labels)
        center = forest.center((g * weights).mean(), (h * weights).mean(), **regularize)
    for _ in range(2 * n_trees * depth):
        nothing = np.zeros(len(labels), "i4")
        logits, _, nodes = forest.training_predict(nothing, nothing - 1, ids)
        g, h = (x * weights for x in derivatives(logits[:, 0], labels))
        first, last = forest.states()[4]
        found = []
        for f, (bucket, count) in enumerate(features):
            stats = trees.make_stats(nodes, g[:, None], h[:, None], [bucket], (1 << depth) - 1, count)[0]
            columns_ = trees.best_gains((first, last), [stats], **regular)
            found += [(n, s, f, 0, t, a, b, trees.LEFT) for n, s, t, a, b in zip(*columns_)]
        forest.grow(found, depth, rate, pruning)
        if forest.states()[2] >= n_trees:
            return forest
    return forest


def whole(features, labels):
    return lambda: tf.data.Dataset.from_tensors((features, labels)).repeat()


def in_batches(features, labels, size):
    return lambda: tf.data.Dataset.from_tensor_slices((features, labels)).batch(size).repeat()


def once(features, labels, size=40):
    return lambda: tf.data.Dataset.from_tensor_slices((features, labels)).batch(size)


def saved(estimator):
    """(ensemble message, boundaries) of the last checkpoint."""
    message = trees.message("TreeEnsemble")()
    message.ParseFromString(bytes(estimator.get_variable_value("boosted_trees:0_serialized")))
    names = sorted(n for n in estimator.get_variable_names() if "_bucket_boundaries_" in n)
    return message, [estimator.get_variable_value(name) for name in names]


def describe(message):
    """The splits and leaves of an ensemble, for comparing."""
    rows = []
    for tree in message.trees:
        for node in tree.nodes:
            if node.WhichOneof("node") == "leaf":
                rows.append((node.leaf.scalar,))
            else:
                split = node.bucketized_split
                rows.append((split.feature_id, split.threshold, split.left_id, split.right_id, node.metadata.gain))
    return rows


def same_trees(got, forest):
    want = trees.message("TreeEnsemble")()
    want.ParseFromString(forest.bytes().item())
    got, want = describe(got), describe(want)
    assert [len(row) for row in got] == [len(row) for row in want]
    assert [row[:-1] for row in got] == [row[:-1] for row in want]
    np.testing.assert_allclose([row[-1] for row in got], [row[-1] for row in want], rtol=2e-3, atol=2e-5)


def config():
    return tf.estimator.RunConfig(tf_random_seed=1, save_summary_steps=None, log_step_count_steps=None)


VARIANTS = {
    "plain": ({}, {}),
    "regularized": (
        {"l1_regularization": 0.002, "l2_regularization": 0.01, "min_node_weight": 0.01},
        {"l1": 0.002, "l2": 0.01, "least": 0.01}),
    "pruned before": ({"tree_complexity": 0.002, "pruning_mode": "pre"}, {"complexity": 0.002, "pruning": 1}),
    "pruned after": ({"tree_complexity": 0.01, "pruning_mode": "post"}, {"complexity": 0.01, "pruning": 2}),
    "centered": ({"center_bias": True}, {"center": True}),
}  # fmt: skip


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("way", ["in memory", "in batches"])
def test_classifier(variant, way, tmp_path):
    """The same splits and leaves as NumPy's, whether data come at once or in three batches."""
    features, labels, _ = data()
    options, regular = VARIANTS[variant]
    memory = way == "in memory"
    estimator = tf.estimator.BoostedTreesClassifier(
        columns(), 1 if memory else 3, str(tmp_path), n_trees=3, max_depth=2, learning_rate=0.4, config=config(),
        train_in_memory=memory, quantile_sketch_epsilon=EPSILON, **options,
    )  # fmt: skip
    estimator.train(whole(features, labels) if memory else in_batches(features, labels, COUNT // 3))
    message, boundaries = saved(estimator)
    forest = boost(buckets(features, True, boundaries), labels, logistic, 3, 2, 0.4, **regular)
    same_trees(message, forest)
    logits = forest.predict([f[0] for f in buckets(features, True, boundaries)])[:, 0]
    found = estimator.evaluate(once(features, labels))
    losses = np.logaddexp(0, logits) - logits * labels
    np.testing.assert_allclose(found["average_loss"], losses.mean(), rtol=1e-4)
    assert found["accuracy"] == pytest.approx(((logits > 0) == labels).mean())
    said = [p["logits"][0] for p in estimator.predict(once(features, labels))]
    np.testing.assert_allclose(said, logits, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("weighted", [False, True])
def test_regressor(weighted, tmp_path):
    features, _, score = data()
    features["weight"] = (np.arange(COUNT) % 3 + 1).astype("f")
    estimator = tf.estimator.BoostedTreesRegressor(
        columns(False), 2, str(tmp_path), n_trees=4, max_depth=2, learning_rate=0.5, config=config(),
        weight_column="weight" if weighted else None,
    )  # fmt: skip
    estimator.train(in_batches(features, score, COUNT // 2))
    seen = buckets(features, False)
    weights = features["weight"].astype(np.float64) if weighted else 1.0
    forest = boost(seen, score, squared, 4, 2, 0.5, weights=weights)
    message, _ = saved(estimator)
    same_trees(message, forest)
    errors = (forest.predict([f[0] for f in seen])[:, 0] - score) ** 2
    found = estimator.evaluate(once(features, score))
    np.testing.assert_allclose(found["average_loss"], np.average(errors, weights=weights + np.zeros(COUNT)), rtol=1e-4)


def test_training_goes_on_from_a_checkpoint(tmp_path):
    """Stopped in the middle of a tree and begun anew: the trees of one training."""
    features, labels, _ = data()

    def make():
        return tf.estimator.BoostedTreesClassifier(
            columns(), 2, str(tmp_path), n_trees=3, max_depth=2, learning_rate=0.4, config=config(),
            quantile_sketch_epsilon=EPSILON,
        )  # fmt: skip

    make().train(in_batches(features, labels, COUNT // 2), steps=7)
    estimator = make().train(in_batches(features, labels, COUNT // 2))
    message, boundaries = saved(estimator)
    same_trees(message, boost(buckets(features, True, boundaries), labels, logistic, 3, 2, 0.4))


def test_explanations_and_importances(tmp_path):
    features, labels, score = data()
    classifier = tf.contrib.estimator.boosted_trees_classifier_train_in_memory(
        whole(features, labels), columns(), str(tmp_path / "c"), n_trees=2, max_depth=3, center_bias=True,
        config=config(),
    )  # fmt: skip
    regressor = tf.contrib.estimator.boosted_trees_regressor_train_in_memory(
        whole(features, score), columns(), str(tmp_path / "r"), n_trees=2, max_depth=3, center_bias=True,
        config=config(),
    )  # fmt: skip
    for estimator, y, mean in ((classifier, labels, labels.mean()), (regressor, score, score.mean())):
        found = list(estimator.experimental_predict_with_explanations(once(features, y)))
        key = "logistic" if estimator is classifier else "predictions"
        assert len(found) == COUNT
        for one in found:
            assert isinstance(one["dfc"], collections.OrderedDict)
            assert set(one["dfc"]) == {"w", "x", "z_bucketized"}
            np.testing.assert_allclose(one["bias"], mean, atol=1e-3)
            np.testing.assert_allclose(one["bias"] + sum(one["dfc"].values()), one[key][0], atol=1e-5)
            sizes = [abs(v) for v in one["dfc"].values()]
            assert sizes == sorted(sizes, reverse=True)
        gains = collections.Counter()
        for tree in saved(estimator)[0].trees:
            for node in tree.nodes:
                if node.WhichOneof("node") != "leaf":
                    name = ["w", "w", "w", "x", "x", "z_bucketized"][node.bucketized_split.feature_id]
                    gains[name] += node.metadata.gain
        found = estimator.experimental_feature_importances()
        assert list(found.values()) == sorted(found.values(), reverse=True)
        for name, gain in found.items():
            assert gain == pytest.approx(gains[name], rel=1e-5, abs=1e-7)
        assert sum(estimator.experimental_feature_importances(normalize=True).values()) == pytest.approx(1)
        some = next(estimator.experimental_predict_with_explanations(once(features, y), predict_keys=[key]))
        assert set(some) == {key, "bias", "dfc"}


def test_keys_of_the_checkpoint(tmp_path):
    features, labels, _ = data()
    estimator = tf.estimator.BoostedTreesClassifier(
        columns(), 1, str(tmp_path), n_trees=1, max_depth=1, config=config()
    )
    estimator.train(whole(features, labels))
    streams = [f"boosted_trees/QuantileAccumulator:0_bucket_boundaries_{i}" for i in range(2)]
    assert sorted(estimator.get_variable_names()) == sorted([
        "boosted_trees:0_stamp", "boosted_trees:0_serialized", *streams, "boosted_trees/are_boundaries_ready",
        "boosted_trees/center_bias_needed", "global_step"])  # fmt: skip


def test_any_head(tmp_path):
    """BoostedTreesEstimator with a classifier's head makes the classifier's trees."""
    features, labels, _ = data()
    head = tf.estimator.BinaryClassHead()
    estimator = tf.estimator.BoostedTreesEstimator(
        columns(False), 1, head, str(tmp_path), n_trees=2, max_depth=2, learning_rate=0.3, config=config()
    )
    estimator.train(whole(features, labels))
    same_trees(saved(estimator)[0], boost(buckets(features, False), labels, logistic, 2, 2, 0.3))


def test_exported_model(tmp_path):
    """A SavedModel says what the estimator says."""
    features, labels, _ = data()
    estimator = tf.estimator.BoostedTreesClassifier(
        columns(), 1, str(tmp_path / "m"), n_trees=2, max_depth=2, config=config()
    )
    estimator.train(whole(features, labels))
    want = [p["probabilities"][1] for p in estimator.predict(once(features, labels))]
    spec = tf.feature_column.make_parse_example_spec(columns())
    folder = estimator.export_saved_model(
        str(tmp_path / "s"), tf.estimator.export.build_parsing_serving_input_receiver_fn(spec)
    )

    def example(i):
        f = tf.train.Feature
        return tf.train.Example(features=tf.train.Features(feature={
            "x": f(float_list=tf.train.FloatList(value=features["x"][i])),
            "z": f(float_list=tf.train.FloatList(value=features["z"][i : i + 1])),
            "w": f(bytes_list=tf.train.BytesList(value=[features["w"][i]]))})).SerializeToString()  # fmt: skip

    with tf.Session(graph=tf.Graph()) as session:
        signature = tf.saved_model.loader.load(session, ["serve"], os.fsdecode(folder)).signature_def["predict"]
        feed = {signature.inputs["examples"].name: [example(i) for i in range(COUNT)]}
        got = session.run(signature.outputs["probabilities"].name, feed)[:, 1]
    np.testing.assert_allclose(got, want, rtol=1e-5)


def test_mistakes(tmp_path):
    c, features, labels = tf.feature_column, *data()[:2]
    make = tf.estimator.BoostedTreesClassifier
    with pytest.raises(ValueError, match="only binary classification"):
        make(columns(), 1, n_classes=3)
    with pytest.raises(ValueError, match="only 1 dimension regression"):
        tf.estimator.BoostedTreesRegressor(columns(), 1, label_dimension=2)
    word = c.categorical_column_with_hash_bucket("w", 3)
    for column in (word, c.embedding_column(word, 2)):
        with pytest.raises(ValueError, match="bucketized_column, indicator_column, numeric_column"):
            make([column], 1)
    with pytest.raises(ValueError, match="shape less than 2"):
        make([c.numeric_column("x", (2, 2))], 1)
    for options, message in (
        ({"pruning_mode": "late"}, "pruning_mode mode must be one of: none, post, pre. Found: late"),
        ({"pruning_mode": "pre"}, "tree_complexity must be positive"),
        ({"tree_complexity": 1.0}, "have no effect unless pruning mode"),
    ):
        with pytest.raises(ValueError, match=message):
            make(columns(), 1, str(tmp_path), **options).train(whole(features, labels), steps=1)
    with pytest.raises(AssertionError, match="n_batches_per_layer should be set as 1"):
        make(columns(), 2, str(tmp_path), train_in_memory=True).train(whole(features, labels), steps=1)
    with pytest.raises(ValueError, match="center_bias must be enabled"):
        make(columns(), 1, str(tmp_path)).experimental_predict_with_explanations(once(features, labels))


@pytest.mark.parametrize("count", [7, 500, 3001])
def test_boundaries_are_quantiles(count):
    """Of numbers in batches: a boundary's rank is off by less than epsilon and 1/buckets of all of the weight."""
    random = np.random.RandomState(count)
    values, weights = random.lognormal(size=count).astype("f"), random.randint(1, 4, count).astype("f")
    epsilon, wanted = 0.01, 20
    with tf.Graph().as_default(), tf.Session() as session:
        from tenon.python.ops import boosted_trees_ops, resources

        streams = boosted_trees_ops.QuantileAccumulator(epsilon, 1, wanted)
        batch, of_batch = tf.placeholder(tf.float32, [None]), tf.placeholder(tf.float32, [None])
        add, flush, bounds = streams.add_summaries([batch], of_batch), streams.flush(), streams.get_bucket_boundaries()
        session.run(resources.initialize_resources(resources.shared_resources()))
        for part in np.array_split(np.arange(count), 5):
            session.run(add, {batch: values[part], of_batch: weights[part]})
        session.run(flush)
        found = session.run(bounds[0])
    assert found[0] == values.min() and found[-1] == values.max()
    assert (np.diff(found) > 0).all() and np.isin(found, values).all()
    assert len(found) >= min(wanted, len(np.unique(values)))
    order = np.argsort(values)
    below = np.concatenate([[0], np.cumsum(weights[order])])[np.searchsorted(values[order], found)] / weights.sum()
    own = np.array([weights[values == v].sum() for v in found]) / weights.sum()
    assert (np.diff(below) - own[:-1] <= 2 / wanted + 2 * epsilon).all()
