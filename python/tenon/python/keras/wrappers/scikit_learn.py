"""Keras models with scikit-learn's methods: fit, predict, score, get_params, set_params."""

import copy
import inspect

import numpy as np

from tenon.python.keras.engine.sequential import Sequential
from tenon.python.keras.utils import np_utils

TF_EXPORTS = {"keras.wrappers.scikit_learn.KerasClassifier": "KerasClassifier",
              "keras.wrappers.scikit_learn.KerasRegressor": "KerasRegressor"}  # fmt: skip


def _names(function):
    return set(inspect.signature(function).parameters)


class BaseWrapper:
    """What both share: BUILD_FN makes the compiled model of its arguments, which are among those given here."""

    def __init__(self, build_fn=None, **sk_params):
        self.build_fn, self.sk_params = build_fn, sk_params
        self.check_params(sk_params)

    def _maker(self):
        if self.build_fn is None:
            return self.__call__
        return self.build_fn if inspect.isfunction(self.build_fn) or inspect.ismethod(self.build_fn) else (
            self.build_fn.__call__)  # fmt: skip

    def check_params(self, params):
        """ValueError for a name that no method of the model and no argument of BUILD_FN has."""
        legal = {"epochs", "nb_epoch"}
        for function in (Sequential.fit, Sequential.predict, Sequential.predict_classes, Sequential.evaluate,
                         self._maker()):  # fmt: skip
            legal |= _names(function)
        for name in params:
            if name not in legal:
                raise ValueError(f"{name} is not a legal parameter")

    def get_params(self, **_):
        """The arguments."""
        return {**copy.deepcopy(self.sk_params), "build_fn": self.build_fn}

    def set_params(self, **params):
        """Changes arguments."""
        self.check_params(params)
        self.sk_params.update(params)
        return self

    def filter_sk_params(self, fn, override=None):
        """Those of the arguments that a function takes."""
        return {**{k: v for k, v in self.sk_params.items() if k in _names(fn)}, **(override or {})}

    def fit(self, x, y, **kwargs):
        """Makes the model and trains it; a History."""
        maker = self._maker()
        self.model = maker(**self.filter_sk_params(maker))
        loss = self.model.loss
        if getattr(loss, "__name__", loss) == "categorical_crossentropy" and np.ndim(y) != 2:
            y = np_utils.to_categorical(y)
        return self.model.fit(x, y, **self.filter_sk_params(Sequential.fit, kwargs))


class KerasClassifier(BaseWrapper):
    """A model whose outputs are probabilities of classes."""

    def fit(self, x, y, **kwargs):
        """Makes the model and trains it on numbers or names of classes, or on one-hot rows."""
        y = np.array(y)
        if y.ndim == 2 and y.shape[1] > 1:
            self.classes_ = np.arange(y.shape[1])
        elif y.ndim == 1 or y.ndim == 2 and y.shape[1] == 1:
            self.classes_ = np.unique(y)
            y = np.searchsorted(self.classes_, y)
        else:
            raise ValueError("Invalid shape for y: " + str(y.shape))
        self.n_classes_ = len(self.classes_)
        return super().fit(x, y, **kwargs)

    def predict(self, x, **kwargs):
        """The classes."""
        numbers = self.model.predict_classes(x, **self.filter_sk_params(Sequential.predict_classes, kwargs))
        return self.classes_[numbers]

    def predict_proba(self, x, **kwargs):
        """The probabilities, a column for each class."""
        found = self.model.predict(x, **self.filter_sk_params(Sequential.predict, kwargs))
        return np.hstack([1 - found, found]) if found.shape[1] == 1 else found

    def score(self, x, y, **kwargs):
        """The accuracy."""
        y = np.searchsorted(self.classes_, y)
        loss = self.model.loss
        if getattr(loss, "__name__", loss) == "categorical_crossentropy" and y.ndim != 2:
            y = np_utils.to_categorical(y)
        outputs = self.model.evaluate(x, y, **{"verbose": 0, **self.filter_sk_params(Sequential.evaluate, kwargs)})
        for name, value in zip(self.model.metrics_names, outputs if isinstance(outputs, list) else [outputs]):
            if name in ("accuracy", "acc"):
                return value
        raise ValueError("The model is not configured to compute accuracy. You should pass `metrics=[\"accuracy\"]` to "
                         "the `model.compile()` method.")  # fmt: skip


class KerasRegressor(BaseWrapper):
    """A model whose output is a number."""

    def predict(self, x, **kwargs):
        """The numbers."""
        return np.squeeze(self.model.predict(x, **self.filter_sk_params(Sequential.predict, kwargs)))

    def score(self, x, y, **kwargs):
        """Minus the loss."""
        loss = self.model.evaluate(x, y, **{"verbose": 0, **self.filter_sk_params(Sequential.evaluate, kwargs)})
        return -(loss[0] if isinstance(loss, list) else loss)
