"""tenon.keras: scikit-learn's way of using models, and models whose batches are split."""

import numpy as np
import pytest

import tenon

K = tenon.keras
RNG = np.random.RandomState(0)
X = RNG.rand(60, 4)
Y = (X[:, 0] > X[:, 1]).astype(int)


def classifier(units=8, loss="categorical_crossentropy"):
    model = K.Sequential([K.layers.Dense(units, activation="relu", input_shape=(4,)),
                          K.layers.Dense(2, activation="softmax")])  # fmt: skip
    model.compile(K.optimizers.Adam(0.02), loss, metrics=["acc"])
    return model


def regressor():
    model = K.Sequential([K.layers.Dense(1, input_shape=(4,))])
    model.compile("sgd", "mse")
    return model


def test_scikit_learn():
    wrap = K.wrappers.scikit_learn
    with tenon.Graph().as_default():
        tenon.set_random_seed(1)
        made = wrap.KerasClassifier(build_fn=classifier, units=16, epochs=40, batch_size=10, verbose=0)
        assert made.get_params()["units"] == 16
        history = made.fit(X, np.array(["no", "yes"])[Y])
        assert len(history.epoch) == 40 and made.n_classes_ == 2
        assert set(made.predict(X)) <= {"no", "yes"} and made.predict_proba(X).shape == (60, 2)
        assert made.score(X, np.array(["no", "yes"])[Y]) > 0.85
        made.set_params(epochs=1)
        assert len(made.fit(X, Y, epochs=2).epoch) == 2
        with pytest.raises(ValueError, match="not a legal parameter"):
            made.set_params(colour="red")
        number = wrap.KerasRegressor(regressor, epochs=3, verbose=0)
        number.fit(X, X.sum(1))
        assert number.predict(X).shape == (60,) and number.score(X, X.sum(1)) < 0


def test_parts_of_batches():
    with tenon.Graph().as_default():
        model = classifier()
        split = K.utils.multi_gpu_model(model, 2)
        np.testing.assert_allclose(split.predict(X[:7]), model.predict(X[:7]), rtol=1e-5, atol=1e-6)
        split.compile("sgd", "categorical_crossentropy")
        before = model.get_weights()[0]
        split.fit(X, np.eye(2)[Y], verbose=0)
        assert np.abs(model.get_weights()[0] - before).max() > 0
        with pytest.raises(ValueError, match="gpus >= 2"):
            K.utils.multi_gpu_model(model, 1)
