"""tenon.keras: models are trained, evaluated, saved and described as TensorFlow's Keras does it in graph mode."""

import numpy as np
import pytest

from api.both import both, tensorflow
from tenon.python.framework import ops

pytestmark = pytest.mark.filterwarnings("ignore")
RNG = np.random.RandomState(7)
X = RNG.rand(20, 3).astype("f")
Y = RNG.rand(20, 2).astype("f")
LABELS = RNG.randint(0, 3, (20, 1))
ONE_HOT = np.eye(3, dtype="f")[LABELS[:, 0]]


def fixed(model, seed=0):
    """MODEL with weights from a seed, the same in both packages."""
    rng = np.random.RandomState(seed)
    model.set_weights([(rng.rand(*w.shape) - 0.3).astype("f") for w in model.get_weights()])
    return model


def dense(tf, units=2, activation=None, **kwargs):
    k = tf.keras
    return fixed(k.Sequential([k.layers.Dense(4, activation="relu", input_shape=(3,)),
                               k.layers.Dense(units, activation=activation, **kwargs)]))  # fmt: skip


def numbers(values):
    return {k: [float(v) for v in values[k]] for k in sorted(values)}


def test_sequential_fit_evaluate_predict():
    def program(tf):
        model = dense(tf)
        model.compile("sgd", "mse", metrics=["mae", "accuracy"])
        history = model.fit(X, Y, batch_size=8, epochs=3, shuffle=False, verbose=0, validation_split=0.2)
        more = model.fit(X, Y, epochs=1, shuffle=False, verbose=0, validation_data=(X[:5], Y[:5]))
        return {
            "history": numbers(history.history), "epoch": history.epoch, "more": numbers(more.history),
            "evaluate": [float(v) for v in model.evaluate(X, Y, verbose=0)], "predict": model.predict(X),
            "train": [float(v) for v in model.train_on_batch(X, Y)],
            "test": [float(v) for v in model.test_on_batch(X, Y)], "on_batch": model.predict_on_batch(X),
            "weights": model.get_weights(), "names": model.metrics_names,
            "variables": [v.name for v in tf.global_variables()],
        }  # fmt: skip

    both(program, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("optimizer", ["SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "Adamax", "Nadam", "Ftrl"])
def test_optimizers(optimizer):
    def program(tf):
        module = tf.keras.optimizers
        kinds = [{}, {"decay": 0.1}, {"clipnorm": 0.1}, {"clipvalue": 0.01}]
        kinds += {"SGD": [{"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}], "Adam": [{"amsgrad": True}],
                  "RMSprop": [{"momentum": 0.5}, {"centered": True}, {"momentum": 0.5, "centered": True}],
                  "Ftrl": [{"l1_regularization_strength": 0.01, "l2_shrinkage_regularization_strength": 0.1}],
                  }.get(optimizer, [])  # fmt: skip
        if optimizer == "Nadam":
            del kinds[1]
        found = []
        for kwargs in kinds:
            model = dense(tf)
            made = getattr(module, optimizer)(learning_rate=0.05, **kwargs)
            model.compile(made, "mse")
            losses = model.fit(X, Y, batch_size=10, epochs=3, shuffle=False, verbose=0).history["loss"]
            config = {k: v for k, v in made.get_config().items() if k != "beta"}
            # Keras 2.21 enters the scope `training` twice a model, so that the second one is training_2; here it
            # is training_1. All that comes after the scope must be the same.
            names = [v.name.split("/", 1)[1] for v in made.weights]
            found.append([[float(v) for v in losses], names, config, made.get_weights()])
        return found

    both(program, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "loss",
    "mse mae mape msle hinge squared_hinge categorical_hinge logcosh categorical_crossentropy binary_crossentropy "
    "kullback_leibler_divergence poisson cosine_similarity sparse_categorical_crossentropy".split(),
)
def test_losses_and_accuracy(loss):
    def program(tf):
        activation = "sigmoid" if loss == "binary_crossentropy" else "softmax"
        model = dense(tf, 3, activation)
        model.compile("sgd", loss, metrics=["acc"])
        y = LABELS if loss.startswith("sparse") else ONE_HOT
        found = model.fit(X, y, batch_size=7, epochs=2, shuffle=False, verbose=0).history
        weighted = model.evaluate(X, y, verbose=0, sample_weight=np.arange(20) / 10.0)
        return [numbers(found), [float(v) for v in weighted]]

    both(program, rtol=5e-5, atol=1e-5)


def test_class_weight_sample_weight_and_regularizers():
    def program(tf):
        k = tf.keras
        model = dense(tf, 3, "softmax", kernel_regularizer=k.regularizers.l2(0.1), activity_regularizer="l1",
                      kernel_constraint="unit_norm", bias_constraint=k.constraints.MaxNorm(0.1))  # fmt: skip
        model.compile("sgd", "categorical_crossentropy", weighted_metrics=["acc"])
        first = model.fit(X, ONE_HOT, class_weight={0: 1.0, 1: 2.0, 2: 0.5}, epochs=2, shuffle=False, verbose=0)
        second = model.fit(X, ONE_HOT, sample_weight=np.arange(20) / 7.0, epochs=2, shuffle=False, verbose=0)
        return [numbers(first.history), numbers(second.history), model.get_weights(), len(model.losses)]

    both(program, rtol=5e-5, atol=1e-5)


def two_headed(tf):
    k = tf.keras
    a, b = k.Input((3,), name="a"), k.layers.Input((3,), name="b")
    shared = k.layers.Dense(4, activation="tanh", name="shared")
    joined = k.layers.concatenate([shared(a), shared(b)])
    inner = k.Sequential([k.layers.Dense(5, input_shape=(8,)), k.layers.Activation("relu")], name="inner")
    h = inner(joined)
    return fixed(k.Model([a, b], [k.layers.Dense(2, name="left")(h),
                                  k.layers.Dense(3, activation="softmax", name="right")(h)]))  # fmt: skip


def test_functional_models():
    def program(tf):
        model = two_headed(tf)
        model.compile("sgd", {"left": "mse", "right": "categorical_crossentropy"}, loss_weights=[1.0, 0.5],
                      metrics={"right": "acc", "left": ["mae"]})  # fmt: skip
        history = model.fit({"a": X, "b": X[::-1]}, {"left": Y, "right": ONE_HOT}, epochs=2, batch_size=6,
                            shuffle=False, verbose=0)  # fmt: skip
        return [numbers(history.history), model.metrics_names, model.predict([X, X[::-1]]),
                [v.name for v in model.weights], [layer.name for layer in model.layers],
                [float(v) for v in model.evaluate([X, X], [Y, ONE_HOT], verbose=0)], model.input_names,
                model.output_names, model.count_params(), model.get_layer("shared").get_output_at(1).shape.as_list(),
                list(model.output_shape)]  # fmt: skip

    both(program, rtol=2e-5)


def test_subclassed_models():
    def program(tf):
        class Net(tf.keras.Model):
            def __init__(self):
                super().__init__(name="net")
                self.first = tf.keras.layers.Dense(4, activation="relu")
                self.drop = tf.keras.layers.Dropout(0.5)
                self.last = tf.keras.layers.Dense(2)

            def call(self, inputs, training=None):
                return self.last(self.drop(self.first(inputs), training=training))

        model = Net()
        model.compile("sgd", "mse")
        model.predict(X)
        fixed(model)
        found = model.evaluate(X, Y, verbose=0)
        model.train_on_batch(X, Y)
        return [float(found), [v.name for v in model.weights]]

    both(program)


def test_batch_normalization_learns_its_statistics():
    def program(tf):
        k = tf.keras
        model = fixed(k.Sequential([k.layers.Dense(4, input_shape=(3,)), k.layers.BatchNormalization(momentum=0.7),
                                    k.layers.Dense(2)]))  # fmt: skip
        model.compile("sgd", "mse")
        history = model.fit(X, Y, batch_size=10, epochs=2, shuffle=False, verbose=0)
        return [numbers(history.history), model.get_weights(), model.predict(X), len(model.updates)]

    both(program, rtol=1e-4, atol=1e-5)


def test_streams():
    def program(tf):
        class Batches(tf.keras.utils.Sequence):
            def __len__(self):
                return 4

            def __getitem__(self, i):
                return X[5 * i : 5 * i + 5], Y[5 * i : 5 * i + 5]

        def generate():
            while True:
                for i in range(4):
                    yield X[5 * i : 5 * i + 5], Y[5 * i : 5 * i + 5]

        model = dense(tf)
        model.compile("sgd", "mse", metrics=["mae"])
        found = [model.fit_generator(Batches(), epochs=2, verbose=0, shuffle=False).history,
                 model.fit(generate(), steps_per_epoch=4, epochs=2, verbose=0, validation_data=(X, Y)).history]  # fmt: skip  # noqa: E501
        data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(5).repeat()
        found.append(model.fit(data, steps_per_epoch=4, epochs=2, verbose=0).history)
        results = [model.evaluate_generator(Batches()), model.evaluate(data, steps=4, verbose=0)]
        return [[numbers(h) for h in found], [[float(v) for v in r] for r in results],
                model.predict_generator(Batches()), model.predict(generate(), steps=4)]  # fmt: skip

    both(program, rtol=5e-5, atol=1e-5)


def test_configurations_cross(tmp_path):
    """What one package writes, the other reads: JSON, HDF5 with the optimizer's state, checkpoints."""
    import tenon

    real = tensorflow()
    for writer, reader in ((tenon, real), (real, tenon)):
        with writer.Graph().as_default():
            model = two_headed(writer)
            model.compile(writer.keras.optimizers.Adam(0.01), ["mse", "categorical_crossentropy"], metrics=["mae"])
            model.fit([X, X], [Y, ONE_HOT], verbose=0, shuffle=False)
            path = str(tmp_path / f"{writer.__name__}.h5")
            model.save(path)
            text, expected = model.to_json(), model.predict([X, X])
            model.save_weights(path + ".ckpt", save_format="tf")
            model.fit([X, X], [Y, ONE_HOT], verbose=0, shuffle=False)
            after = model.predict([X, X])
        with reader.Graph().as_default():
            other = reader.keras.models.load_model(path)
            for a, b in zip(other.predict([X, X]), expected):
                np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
            other.fit([X, X], [Y, ONE_HOT], verbose=0, shuffle=False)
            for a, b in zip(other.predict([X, X]), after):
                np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
            again = reader.keras.models.model_from_json(text)
            again.load_weights(path)
            np.testing.assert_allclose(again.predict([X, X])[0], expected[0], rtol=1e-5, atol=1e-6)
            fixed(again, 9)
            again.load_weights(path + ".ckpt")
            np.testing.assert_allclose(again.predict([X, X])[0], expected[0], rtol=1e-5, atol=1e-6)


def test_clone_and_sequential_configuration():
    def program(tf):
        model = dense(tf)
        clone = tf.keras.models.clone_model(model)
        clone.set_weights(model.get_weights())
        again = tf.keras.Sequential.from_config(model.get_config())
        model.pop()
        return [clone.predict(X), [layer.name for layer in again.layers], model.predict(X).shape,
                [v.name for v in clone.weights]]  # fmt: skip

    both(program)


def test_train_optimizers_and_learning_phase():
    def program(tf):
        model = dense(tf)
        model.compile(tf.train.MomentumOptimizer(0.1, 0.9), "mse")
        losses = model.fit(X, Y, epochs=2, shuffle=False, verbose=0).history["loss"]
        k = tf.keras.backend
        layer = tf.keras.layers.Dropout(0.5)
        inputs = tf.keras.Input((3,))
        f = k.function([inputs, k.learning_phase()], [layer(inputs)])
        x = np.ones((50, 3), "f")
        return [[float(v) for v in losses], f([x, 0])[0], sorted(set(f([x, 1])[0].ravel().tolist()))]

    both(program)


def test_metrics_objects():
    def program(tf):
        m = tf.keras.metrics
        model = dense(tf, 1, "sigmoid")
        made = [m.AUC(name="auc"), m.Precision(name="p"), m.Recall(name="r"), m.TruePositives(name="tp"),
                m.FalseNegatives(name="fn"), m.RootMeanSquaredError(name="rmse"), m.BinaryAccuracy(name="ba"),
                m.AUC(curve="PR", name="pr"), m.SensitivityAtSpecificity(0.5, name="ss"),
                m.BinaryCrossentropy(name="bc"), m.CosineSimilarity(name="cs"), m.MeanRelativeError(2.0, name="re")]  # fmt: skip  # noqa: E501
        model.compile("sgd", "binary_crossentropy", metrics=made)
        y = (LABELS > 1).astype("f")
        history = model.fit(X, y, batch_size=6, epochs=2, shuffle=False, verbose=0)
        return [numbers(history.history), model.metrics_names]

    both(program, rtol=1e-4, atol=1e-5)


def test_summary_and_errors(capsys):
    import tenon as tf

    with tf.Graph().as_default():
        model = two_headed(tf)
        lines = []
        model.summary(print_fn=lines.append)
        assert lines[0] == 'Model: "model"' and "shared[0][0]" in "".join(lines)
        assert "Total params: 91" in "".join(lines)
        with pytest.raises(RuntimeError):
            model.fit([X, X], [Y, ONE_HOT])
        model.compile("sgd", "mse")
        with pytest.raises(ValueError, match="dimensions|shape"):  # noqa: RUF043
            model.fit([X, X[:, :2]], [Y, ONE_HOT])
        with pytest.raises(ValueError):
            model.fit([X], [Y, ONE_HOT])
    with tf.Graph().as_default():
        model = dense(tf)
        model.compile("sgd", "mse")
        capsys.readouterr()
        model.fit(X, Y, epochs=2, verbose=1, batch_size=10)
        text = capsys.readouterr().out
        assert "Train on 20 samples" in text and "Epoch 2/2" in text and "[=====" in text and "us/sample" in text
        model.fit(X, Y, verbose=2)
        assert "20/20 - 0s - loss: " in capsys.readouterr().out
    assert ops.get_default_session() is None


def test_compiled_models_inside_of_models():
    """A GAN's way: a compiled model, frozen, inside of another; each trains its own weights."""

    def program(tf):
        k = tf.keras
        judge = dense(tf, 1, "sigmoid")
        judge.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
        maker = fixed(k.Sequential([k.layers.Dense(3, input_shape=(3,))]), 4)
        judge.trainable = False
        z = k.Input((3,))
        whole = k.Model(z, judge(maker(z)))
        whole.compile("sgd", "binary_crossentropy")
        found = []
        for _ in range(3):
            a = judge.train_on_batch(X, (LABELS > 1).astype("f"))
            b = whole.train_on_batch(X, np.ones((20, 1), "f"))
            found.append([float(a[0]), float(a[1]), float(b)])
        return [found, judge.get_weights(), maker.get_weights(), whole.metrics_names]

    both(program, rtol=1e-4, atol=1e-5)
