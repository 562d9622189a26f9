"""tf.estimator's ready models: trained by both packages from the same checkpoint on the same data, step by step."""

import numpy as np
import pytest

import tenon
from api.both import same, tensorflow
from api.estimator_oracle import of

COUNT = 37  # a prime: the last batch is a smaller one


def data():
    random = np.random.RandomState(3)
    x = random.randn(COUNT, 3).astype("f")
    words = np.array([b"red", b"green", b"blue", b"none"])[random.randint(0, 4, COUNT)]
    features = {"x": x, "w": words, "i": random.randint(0, 5, (COUNT, 2)), "weight": random.rand(COUNT).astype("f")}
    score = x[:, 0] - 2 * x[:, 1] + (words == b"red")
    return features, score


def columns(tf):
    c = tf.feature_column
    word = c.categorical_column_with_vocabulary_list("w", ["red", "green", "blue"])
    number = c.categorical_column_with_identity("i", 5)
    return {
        "x": c.numeric_column("x", 3),
        "w": word,
        "i": number,
        "cross": c.crossed_column([word, number], 7),
        "w on": c.indicator_column(word),
        "i in 2": c.embedding_column(number, 2),
    }


def chosen(tf, *names):
    every = columns(tf)
    return [every[name] for name in names]


LINEAR, DEEP = ("x", "w", "i", "cross"), ("x", "w on", "i in 2")


def with_head(tf, head):
    """A model function over a head that is given a training step."""

    def model_fn(features, labels, mode):
        logits = tf.feature_column.linear_model(features, chosen(tf, "x", "w"), units=head.logits_dimension)
        optimizer = tf.train.AdamOptimizer(0.1)
        return head.create_estimator_spec(
            features, mode, logits, labels,
            train_op_fn=lambda loss: optimizer.minimize(loss, global_step=tf.train.get_global_step()),
        )  # fmt: skip

    return model_fn


MODELS = {
    "LinearClassifier": lambda tf, e, s: e.LinearClassifier(chosen(tf, *LINEAR), **s),
    "LinearClassifier of 3": lambda tf, e, s: e.LinearClassifier(
        chosen(tf, *LINEAR), n_classes=3, weight_column="weight", optimizer="Adam", sparse_combiner="mean", **s),
    "LinearRegressor": lambda tf, e, s: e.LinearRegressor(
        chosen(tf, *LINEAR), weight_column=tf.feature_column.numeric_column("weight"), **s),
    "LinearRegressor of 2": lambda tf, e, s: e.LinearRegressor(
        chosen(tf, *LINEAR), label_dimension=2, optimizer="RMSProp",
        loss_reduction=tf.losses.Reduction.SUM_OVER_BATCH_SIZE, **s),
    "DNNClassifier": lambda tf, e, s: e.DNNClassifier([4, 3], chosen(tf, *DEEP), **s),
    "DNNClassifier of 3": lambda tf, e, s: e.DNNClassifier(
        [4], chosen(tf, *DEEP), n_classes=3, optimizer=lambda: tf.train.MomentumOptimizer(0.01, 0.9),
        activation_fn=tf.nn.tanh, batch_norm=True, weight_column="weight", **s),
    "DNNClassifier of words": lambda tf, e, s: e.DNNClassifier(
        [4], chosen(tf, *DEEP), n_classes=3, label_vocabulary=["low", "mid", "high"], **s),
    "DNNRegressor": lambda tf, e, s: e.DNNRegressor(
        [5], chosen(tf, *DEEP), optimizer=tf.train.GradientDescentOptimizer(0.002), **s),
    "DNNLinearCombinedClassifier": lambda tf, e, s: e.DNNLinearCombinedClassifier(
        linear_feature_columns=chosen(tf, *LINEAR), dnn_feature_columns=chosen(tf, *DEEP), dnn_hidden_units=[4], **s),
    "DNNLinearCombinedRegressor": lambda tf, e, s: e.DNNLinearCombinedRegressor(
        linear_feature_columns=chosen(tf, *LINEAR), dnn_feature_columns=chosen(tf, *DEEP), dnn_hidden_units=[4, 2],
        label_dimension=2, dnn_optimizer="Adam", linear_optimizer=tf.train.GradientDescentOptimizer(0.01), **s),
    "deep part only": lambda tf, e, s: e.DNNLinearCombinedRegressor(
        dnn_feature_columns=chosen(tf, *DEEP), dnn_hidden_units=[4], **s),
    "wide part only": lambda tf, e, s: e.DNNLinearCombinedClassifier(linear_feature_columns=chosen(tf, *LINEAR), **s),
    "BaselineClassifier": lambda tf, e, s: e.BaselineClassifier(**s),
    "BaselineClassifier of 3": lambda tf, e, s: e.BaselineClassifier(n_classes=3, weight_column="weight", **s),
    "BaselineRegressor": lambda tf, e, s: e.BaselineRegressor(label_dimension=2, **s),
    "head of many": lambda tf, e, s: e.Estimator(with_head(
        tf, e.MultiLabelHead(3, weight_column="weight", thresholds=[0.3], classes_for_class_based_metrics=[1])), **s),
    "head of counts": lambda tf, e, s: e.Estimator(with_head(tf, e.PoissonRegressionHead()), **s),
    "head of classes": lambda tf, e, s: e.Estimator(with_head(tf, e.MultiClassHead(3, name="named")), **s),
    "DNNLinearCombinedEstimator": lambda tf, e, s: e.DNNLinearCombinedEstimator(
        e.BinaryClassHead(thresholds=[0.25, 0.75]), linear_feature_columns=chosen(tf, *LINEAR),
        dnn_feature_columns=chosen(tf, *DEEP), dnn_hidden_units=[3], **s),
    "BaselineEstimator": lambda tf, e, s: e.BaselineEstimator(e.LogisticRegressionHead(), **s),
}  # fmt: skip


def labels(name, score):
    if "Estimator" in name:
        return (score > 0).astype("i4")
    if name.startswith("head of"):
        return {
            "many": np.stack([score > 0, score > 1, score < -1], 1).astype("i8"),
            "counts": np.maximum(np.round(score), 0).astype("f"),
            "classes": (score > 0).astype("i8") + (score > 1),
        }[name[8:]]
    if "Regressor" in name or name == "deep part only":
        two = "of 2" in name or name in ("DNNLinearCombinedRegressor", "BaselineRegressor")
        return np.stack([score, -score], 1).astype("f") if two else score.astype("f")
    ids = (score > 0).astype("i8") + (score > 1)
    if "of words" in name:
        return np.array([b"low", b"mid", b"high"])[ids]
    return ids if "of 3" in name else (score > 0).astype("i4")


class Losses:
    """Collects the loss of every step."""

    @staticmethod
    def hook(tf):
        class Hook(tf.train.SessionRunHook):
            found = []

            def begin(self):
                (self.loss,) = tf.get_collection(tf.GraphKeys.LOSSES)[-1:]

            def before_run(self, run_context):
                return tf.train.SessionRunArgs(self.loss)

            def after_run(self, run_context, run_values):
                self.found.append(float(run_values.results))

        made = Hook()
        made.found = []
        return made


def settings(tf, folder):
    return {"model_dir": str(folder), "config": of(tf).RunConfig(tf_random_seed=1, save_summary_steps=0)}


def train(tf, name, folder, start, steps):
    """(losses, shapes, evaluation, predictions, variables) of a model that begins at the checkpoint in START."""
    module = of(tf)
    features, score = data()
    y = labels(name, score)
    made = MODELS[name](tf, module, settings(tf, folder))
    make = module.inputs.numpy_input_fn
    if start is not None:
        folder.mkdir(exist_ok=True)
        for path in start.glob("model.ckpt-0.*"):
            (folder / path.name).write_bytes(path.read_bytes())
        (folder / "checkpoint").write_text('model_checkpoint_path: "model.ckpt-0"\n')
    hook = Losses.hook(tf)
    made.train(make(features, y, 10, None, shuffle=False), steps=steps, hooks=[hook])
    found = made.evaluate(make(features, y, 10, shuffle=False))
    shapes = dict(tf.train.list_variables(str(folder)))
    predictions = list(made.predict(make(features, batch_size=10, shuffle=False)))
    values = {key: made.get_variable_value(key) for key in shapes}
    return hook.found, {k: list(v) for k, v in shapes.items()}, found, predictions, values


@pytest.mark.parametrize("name", list(MODELS))
def test_trains_as_tensorflow_does(name, tmp_path):
    steps = 100 if name in ("LinearClassifier", "DNNClassifier", "DNNLinearCombinedClassifier") else 25
    theirs = train(tensorflow(), name, tmp_path / "theirs", None, steps)
    start = tmp_path / "theirs"
    ours = train(tenon, name, tmp_path / "ours", start, steps)
    assert len(ours[0]) == len(theirs[0]) == steps
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-4, atol=1e-4)
    assert ours[1] == theirs[1], "names and shapes in the checkpoint"
    same(ours[2], theirs[2], rtol=2e-3, atol=2e-3)
    same(ours[3], theirs[3], rtol=1e-3, atol=1e-3)
    same(ours[4], theirs[4], rtol=1e-3, atol=1e-3)
    tenon.summary.FileWriterCache.clear()
