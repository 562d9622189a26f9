"""contrib.learn's SVM and k-means, and dual coordinate ascent, against what is best for the objective."""

import numpy as np
import pytest

import tenon as tf

learn, layers, sdca = tf.contrib.learn, tf.contrib.layers, tf.contrib.linear_optimizer


@pytest.fixture(autouse=True)
def close_writers():
    yield
    tf.summary.FileWriterCache.clear()


RANDOM = np.random.RandomState(0)
X = RANDOM.randn(60, 3).astype("f")
SIDE = (X @ [1.0, -2.0, 0.5] + 0.7 * RANDOM.randn(60) > -0.2).astype("f")
WORDS = np.array(["a", "b"])[(X[:, 0] > 0).astype(int)].reshape(-1, 1)
WEIGHTS = RANDOM.uniform(0.5, 2, 60).astype("f")


def input_fn(labels=SIDE):
    ids = tf.constant([f"example {i}" for i in range(60)])
    return {"x": tf.constant(X), "w": tf.constant(WORDS), "id": ids, "weight": tf.constant(WEIGHTS)}, tf.constant(
        labels.reshape(-1, 1)
    )


# All that a model sees of an example: two categories, the numbers, and 1 for the bias.
ALL = np.concatenate([WORDS == "a", WORDS == "b", X, np.ones((60, 1))], 1).astype("d")


def objective(kind, w, labels, weights, l2):
    said = ALL @ w
    side = 2 * labels - 1
    losses = {
        "hinge": np.maximum(0, 1 - side * said),
        "logistic": np.log1p(np.exp(-side * said)),
        "squared": (labels - said) ** 2 / 2,
    }[kind]
    return (weights * losses).sum() + l2 / 2 * (w**2).sum()


def assert_best(kind, w, labels=SIDE, weights=1.0, l2=1.0):
    """No step from W makes the objective much smaller, which is convex."""
    here, random = objective(kind, w, labels, weights, l2), np.random.RandomState(1)
    for scale in (0.3, 0.1, 0.03):
        for _ in range(200):
            there = objective(kind, w + scale * random.randn(len(w)), labels, weights, l2)
            assert there > here * (1 - 1e-3)


def columns(new=False):
    if new:
        c = tf.feature_column
        return [c.numeric_column("x", 3), c.categorical_column_with_vocabulary_list("w", ["a", "b"])]
    return [layers.real_valued_column("x", 3), layers.sparse_column_with_keys("w", ["a", "b"])]


def weights_of(model, words="linear/w/weights", x="linear/x/weight", bias="linear/bias_weight"):
    return np.concatenate([model.get_variable_value(name).ravel() for name in (words, x, bias)]).astype("d")


def test_svm_finds_the_best_plane(tmp_path):
    model = learn.SVM("id", columns(), weight_column_name="weight", l2_regularization=2.0, model_dir=str(tmp_path))
    assert model.fit(input_fn=input_fn, steps=60) is model
    assert_best("hinge", weights_of(model), weights=WEIGHTS, l2=2.0)
    found = model.evaluate(input_fn=input_fn, steps=1)
    said = ALL @ weights_of(model)
    assert found["accuracy"] == pytest.approx(np.average((said > 0) == SIDE, weights=WEIGHTS), abs=1e-5)
    losses = np.maximum(0, 1 - (2 * SIDE - 1) * said)
    assert found["loss"] == pytest.approx(np.average(losses, weights=WEIGHTS), rel=1e-4)

    def only_once():
        return tuple(map(once, input_fn()))

    np.testing.assert_array_equal(list(model.predict_classes(input_fn=only_once)), said > 0)
    few = learn.SVM("id", columns(), l1_regularization=30.0, l2_regularization=1.0)
    w = weights_of(few.fit(input_fn=input_fn, steps=10))
    assert (w == 0).any() and (w != 0).any()
    with pytest.raises(ValueError, match="Kernel"):
        learn.SVM("id", columns(), kernels=["rbf"])


def once(features):
    def end(value):
        return tf.train.limit_epochs(value, num_epochs=1)

    return {key: end(value) for key, value in features.items()} if isinstance(features, dict) else end(features)


@pytest.mark.parametrize("kind", ["logistic", "squared"])
def test_linear_models_with_dual_ascent(kind, tmp_path):
    labels = SIDE if kind == "logistic" else (X @ [1.0, -2.0, 0.5]).astype("f")
    old, new = (learn.LinearClassifier, tf.estimator.LinearClassifier) if kind == "logistic" else (
        learn.LinearRegressor, tf.estimator.LinearRegressor)  # fmt: skip
    model = old(columns(), optimizer=sdca.SDCAOptimizer("id", symmetric_l2_regularization=1.5),
                weight_column_name="weight", model_dir=str(tmp_path / "old"))  # fmt: skip
    model.fit(input_fn=lambda: input_fn(labels), steps=60)
    assert_best(kind, weights_of(model), labels, WEIGHTS, 1.5)
    if kind == "squared":  # the best is known
        sums = (ALL * WEIGHTS[:, None]).T @ ALL + 1.5 * np.eye(6)
        best = np.linalg.solve(sums, (ALL * WEIGHTS[:, None]).T @ labels)
        np.testing.assert_allclose(weights_of(model), best, atol=1e-3)
    optimizer = tf.estimator.experimental.LinearSDCA("id", symmetric_l2_regularization=1.5)
    other = new(columns(new=True), optimizer=optimizer,
                weight_column="weight", model_dir=str(tmp_path / "new"))  # fmt: skip
    other.train(lambda: input_fn(labels), steps=60)
    scope = "linear/linear_model"
    found = weights_of(other, f"{scope}/w/weights", f"{scope}/x/weights", f"{scope}/bias_weights")
    np.testing.assert_allclose(found, weights_of(model), atol=5e-3)


def test_sdca_model():
    dense, labels = np.array([[1.0], [-0.5]], "f"), np.array([1.0, 0.0], "f")
    with tf.Graph().as_default(), tf.Session() as session:
        column = sdca.SparseFeatureColumn([0, 1, 1], [1, 0, 2], [1.0, 2.0, 0.5])
        sparse_weights, dense_weights = tf.Variable(tf.zeros([3])), tf.Variable(tf.zeros([1]))
        examples = {"sparse_features": [column], "dense_features": [tf.constant(dense)],
                    "example_labels": tf.constant(labels), "example_weights": tf.constant([1.0, 2.0]),
                    "example_ids": tf.constant(["one", "two"])}  # fmt: skip
        variables = {"sparse_features_weights": [sparse_weights], "dense_features_weights": [dense_weights]}
        options = {"loss_type": "squared_loss", "symmetric_l1_regularization": 0.0, "symmetric_l2_regularization": 1.0,
                   "num_table_shards": 2}  # fmt: skip
        model = sdca.SdcaModel(examples, variables, options)
        step = tf.train.get_or_create_global_step()
        train = model.minimize(global_step=step)
        update = model.update_weights(train)
        session.run(tf.global_variables_initializer())
        x = np.array([[0, 1, 0, 1], [2, 0, 0.5, -0.5]])
        assert session.run(model.unregularized_loss(examples)) == pytest.approx(1 / 6)
        for _ in range(40):
            session.run(update)
        w = np.linalg.solve((x.T * [1, 2]) @ x + np.eye(4), (x.T * [1, 2]) @ labels)
        np.testing.assert_allclose(np.concatenate(session.run([sparse_weights, dense_weights])), w, atol=1e-4)
        np.testing.assert_allclose(session.run(model.predictions(examples)), x @ w, atol=1e-4)
        loss = ([1, 2] * (labels - x @ w) ** 2).sum() / 6
        found = session.run([model.unregularized_loss(examples), model.regularized_loss(examples), step,
                             model.approximate_duality_gap()])  # fmt: skip
        np.testing.assert_allclose(found, [loss, loss + (w**2).sum() / 6, 40, 0.0], atol=1e-4)
    for change, message in (
        ({"loss_type": "none"}, "Unsupported"),
        ({"symmetric_l1_regularization": -1.0}, "negative"),
    ):
        with tf.Graph().as_default(), pytest.raises(ValueError, match=message):
            sdca.SdcaModel(examples, variables, {**options, **change})


CENTERS = np.array([[0, 0], [10, 0], [0, 10]], "f")
POINTS = (CENTERS[np.arange(90) % 3] + RANDOM.randn(90, 2) * 0.5).astype("f")


KINDS = [("random", False, 1), ("kmeans_plus_plus", True, 5), ("given", True, 1), ("function", False, 1)]


@pytest.mark.parametrize("initial, mini_batch, steps", KINDS)
def test_k_means(initial, mini_batch, steps, tmp_path):
    initial = {"given": POINTS[:3], "function": lambda inputs, k: inputs[0][:k]}.get(initial, initial)
    model = learn.KMeansClustering(3, model_dir=str(tmp_path), initial_clusters=initial, random_seed=3,
                                   use_mini_batch=mini_batch, mini_batch_steps_per_iteration=steps)  # fmt: skip
    model.fit(input_fn=lambda: (tf.constant(POINTS), None), steps=11)
    means = np.stack([POINTS[i::3].mean(0) for i in range(3)])
    found = model.clusters()
    order = [int(np.square(found - mean).sum(1).argmin()) for mean in means]
    assert sorted(order) == [0, 1, 2]
    np.testing.assert_allclose(found[order], means, atol=0.05)
    distances = np.square(POINTS[:, None] - found[None]).sum(2)

    def again():
        return once(tf.constant(POINTS)), None

    np.testing.assert_allclose(model.transform(input_fn=again), distances, atol=1e-2)
    assert list(model.predict_cluster_idx(input_fn=again)) == list(distances.argmin(1))
    assert model.score(input_fn=again, steps=1) == pytest.approx(distances.min(1).sum(), rel=1e-3)


def test_k_means_of_tf_estimator(tmp_path):
    points = POINTS + np.float32(3)
    model = tf.estimator.experimental.KMeans(3, model_dir=str(tmp_path), use_mini_batch=False, distance_metric="cosine",
                                             seed=1, relative_tolerance=1e-5)  # fmt: skip
    model.train(lambda: {"a": tf.constant(points[:, :1]), "b": tf.constant(points[:, 1:])}, steps=50)
    assert model.get_variable_value("global_step") < 50  # the tolerance ended it
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    centers = model.cluster_centers()
    np.testing.assert_allclose(np.linalg.norm(centers, axis=1), 1, rtol=1e-5)
    distances = 1 - unit @ centers.T

    def again():
        return {"a": once(tf.constant(points[:, :1])), "b": once(tf.constant(points[:, 1:]))}

    np.testing.assert_allclose(list(model.transform(again)), distances, atol=1e-5)
    assert list(model.predict_cluster_index(again)) == list(distances.argmin(1))
    assert model.score(again) == pytest.approx(distances.min(1).sum(), rel=1e-3)
    for wrong in ({"initial_clusters": "none"}, {"distance_metric": "none"}):
        with pytest.raises(ValueError, match="Unsupported"):
            tf.contrib.factorization.KMeansClustering(3, **wrong)


def test_centers_by_markov_chains():
    with tf.Graph().as_default(), tf.Session() as session:
        made = tf.contrib.factorization.KMeans([tf.constant(POINTS[:40]), tf.constant(POINTS[40:])], 5,
                                               initial_clusters="kmc2", kmc2_chain_length=10)  # fmt: skip
        _, indices, nearest, there, init, step = made.training_graph()
        session.run(tf.global_variables_initializer())
        with pytest.raises(tf.errors.InvalidArgumentError):
            few = tf.contrib.factorization.KMeans(tf.constant(POINTS[:2]), 5, initial_clusters="kmeans_plus_plus")
            graph = few.training_graph()
            session.run(tf.global_variables_initializer())
            session.run(graph[4])
        runs = 0
        while not session.run(there):
            session.run(init)
            runs += 1
        assert runs == 2  # three chains of ten in forty points, and the first by k-means++
        before = sum(map(np.sum, session.run(nearest)))
        for _ in range(5):
            session.run(step)
        assert sum(map(np.sum, session.run(nearest))) < before
        assert {i for part in session.run(indices) for i in part} <= set(range(5))
