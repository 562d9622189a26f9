"""contrib.learn.Estimator: fit, evaluate and predict, on arrays too; tf.estimator's does the work."""

import collections
import inspect

import numpy as np

from tenon.contrib.learn import exporting, feeding, model_fn, monitors
from tenon.contrib.learn.run_config import RunConfig
from tenon.python.estimator import estimator as core
from tenon.python.estimator.export.export import ServingInputReceiver, TensorServingInputReceiver
from tenon.python.estimator.model_fn import EstimatorSpec
from tenon.python.framework import ops
from tenon.python.ops import array_ops
from tenon.python.saved_model import tag_constants
from tenon.python.training import basic_session_run_hooks
from tenon.python.util.tf_export import tf_export


def _input_fn(x, y, input_fn, batch_size, shuffle, epochs):
    """INPUT_FN, or one over arrays. ValueError for both, or none."""
    if input_fn is None:
        if x is None:
            raise ValueError("Either x or input_fn must be provided.")
        return feeding.input_fn_of(x, y, batch_size, shuffle, epochs)
    if x is not None or y is not None:
        raise ValueError("Can not provide both input_fn and x or y.")
    if batch_size is not None:
        raise ValueError("Can not provide both input_fn and batch_size.")
    return input_fn


@tf_export("contrib.learn.NotFittedError")
class NotFittedError(ValueError, AttributeError):
    """A model was used that has not been trained."""


# What is done with a graph before it is exported for TAGS; TRANSFORMS are those of TensorFlow's graph_transforms tool.
GraphRewriteSpec = collections.namedtuple("GraphRewriteSpec", ["tags", "transforms"])
_AS_IT_IS = (GraphRewriteSpec((tag_constants.SERVING,), ()),)


@tf_export("contrib.learn.Trainable")
class Trainable:
    """What can be fitted."""

    @property
    def model_dir(self):
        """The folder."""
        raise NotImplementedError("Trainable.model_dir is for subclasses")

    def fit(self, x=None, y=None, input_fn=None, steps=None, batch_size=None, monitors=None, max_steps=None):
        """Trains."""
        raise NotImplementedError("Trainable.fit is for subclasses")


@tf_export("contrib.learn.Evaluable")
class Evaluable:
    """What can be evaluated."""

    @property
    def model_dir(self):
        """The folder."""
        raise NotImplementedError("Evaluable.model_dir is for subclasses")

    def evaluate(self, x=None, y=None, input_fn=None, feed_fn=None, batch_size=None, steps=None, metrics=None,
                 name=None, checkpoint_path=None, hooks=None):  # fmt: skip
        """Evaluates."""
        raise NotImplementedError("Evaluable.evaluate is for subclasses")


@tf_export("contrib.learn.BaseEstimator")
class BaseEstimator(Evaluable, Trainable):
    """fit, evaluate and predict; subclasses say what the model is (_get_model_ops)."""

    def __init__(self, model_dir=None, config=None):
        self._eval_metrics = self._serving_key = self._labels = None
        self._core = core.Estimator(self._core_model_fn, model_dir=model_dir, config=config or RunConfig())
        self._config = self._core.config

    def _core_model_fn(self, features, labels, mode, config):
        if mode == model_fn.ModeKeys.INFER:
            labels = self._like_the_labels()
        elif isinstance(labels, ops.Tensor):
            self._labels = labels.dtype, [None, *labels.get_shape().as_list()[1:]]
        made = self._get_model_ops(features, labels, mode)
        if isinstance(made, EstimatorSpec):
            spec, predictions = made, made.predictions
        else:
            spec, predictions = made.estimator_spec(self._serving_key), made.predictions
        if mode != model_fn.ModeKeys.EVAL:
            return spec
        metrics = {**spec.eval_metric_ops}
        metrics.update(model_fn.metric_ops(self._eval_metrics, features, labels, predictions))
        # tf.estimator has a metric called loss, the mean over batches; a model's own is over examples.
        return spec._replace(eval_metric_ops={_renamed(key): value for key, value in metrics.items()})

    def _like_the_labels(self):
        """A placeholder like the labels of the training, as model functions may build their loss to predict, too."""
        return None if self._labels is None else array_ops.placeholder(*self._labels)

    @property
    def config(self):
        """The RunConfig."""
        return self._core.config

    @property
    def model_dir(self):
        """The folder."""
        return self._core.model_dir

    def fit(self, x=None, y=None, input_fn=None, steps=None, batch_size=None, monitors=None, max_steps=None):
        """Trains on arrays X and Y in random order, or on what INPUT_FN gives; returns self."""
        if steps is not None and max_steps is not None:
            raise ValueError("Can not provide both steps and max_steps.")
        function = _input_fn(x, y, input_fn, batch_size, shuffle=True, epochs=None)
        self._core.train(function, hooks=self._hooks(monitors), steps=steps, max_steps=max_steps)
        return self

    def _hooks(self, given):
        return monitors.replace_monitors_with_hooks(given or [], self)

    def partial_fit(self, x=None, y=None, input_fn=None, steps=1, batch_size=None, monitors=None):
        """Trains on."""
        return self.fit(x, y, input_fn, steps, batch_size, monitors)

    def evaluate(self, x=None, y=None, input_fn=None, feed_fn=None, batch_size=None, steps=None, metrics=None,
                 name=None, checkpoint_path=None, hooks=None, log_progress=True):  # fmt: skip
        """{metric: value}, with METRICS (functions or MetricSpecs by name) besides the model's own."""
        if metrics is not None and not isinstance(metrics, dict):
            raise ValueError(f"Metrics argument should be None or dict. Got {metrics}.")
        if feed_fn is not None:
            hooks = [*(hooks or []), basic_session_run_hooks.FeedFnHook(feed_fn)]
        function = _input_fn(x, y, input_fn, batch_size, shuffle=False, epochs=1)
        self._eval_metrics = metrics
        try:
            found = self._core.evaluate(function, steps=steps, hooks=hooks, checkpoint_path=checkpoint_path, name=name)
        finally:
            self._eval_metrics = None
        if _OWN_LOSS in found:
            found["loss"] = found.pop(_OWN_LOSS)
        return found

    def predict(self, x=None, input_fn=None, batch_size=None, outputs=None, as_iterable=True, iterate_batches=False):
        """The predictions: one by one as they are asked for, or, without AS_ITERABLE, arrays of all."""
        function = _input_fn(x, None, input_fn, batch_size, shuffle=False, epochs=1)
        keys = None if outputs is None else list(outputs)
        found = self._core.predict(function, predict_keys=keys, yield_single_examples=not iterate_batches)
        if as_iterable:
            return found
        found = list(found)
        if iterate_batches:
            return found
        if found and isinstance(found[0], dict):
            return {key: np.stack([one[key] for one in found]) for key in found[0]}
        return np.stack(found) if found else np.zeros(0)

    def get_variable_names(self):
        """The names of the variables in the newest checkpoint."""
        return self._core.get_variable_names()

    def get_variable_value(self, name):
        """The value of a variable in the newest checkpoint."""
        return self._core.get_variable_value(name[:-2] if name.endswith(":0") else name)

    def export_savedmodel(self, export_dir_base, serving_input_fn, default_output_alternative_key=None,
                          assets_extra=None, as_text=False, checkpoint_path=None,
                          graph_rewrite_specs=_AS_IT_IS,
                          strip_default_attrs=False):  # fmt: skip
        """Writes a SavedModel; SERVING_INPUT_FN gives InputFnOps or a ServingInputReceiver."""
        for spec in graph_rewrite_specs:
            if spec.transforms or tuple(spec.tags) != (tag_constants.SERVING,):
                raise NotImplementedError(f"contrib.learn: graph_rewrite_specs can only be the default, got {spec}")

        def receiver_fn():
            made = serving_input_fn()
            if isinstance(made, model_fn.InputFnOps):
                kind = ServingInputReceiver if isinstance(made.features, dict) else TensorServingInputReceiver
                return kind(made.features, made.default_inputs)
            return made

        self._serving_key = default_output_alternative_key
        try:
            return self._core.export_savedmodel(
                export_dir_base, receiver_fn, assets_extra=assets_extra, as_text=as_text,
                checkpoint_path=checkpoint_path, strip_default_attrs=strip_default_attrs,
            )  # fmt: skip
        finally:
            self._serving_key = None

    not_fitted = NotFittedError

    def _columns_to_parse(self):
        """The feature columns by which examples are read; None if it has none."""
        return None

    def export(self, export_dir, input_fn=exporting.default_input_fn, input_feature_key=None,
               use_deprecated_input_fn=True, signature_fn=None, prediction_key=None, default_batch_size=1,
               exports_to_keep=None):  # fmt: skip
        """Writes an export from before SavedModel; its path. NotFittedError where there is no checkpoint.

        INPUT_FN(estimator, examples), or (without USE_DEPRECATED_INPUT_FN) INPUT_FN(), makes the features;
        SIGNATURE_FN(examples, features, predictions) the signatures.
        """

        def predictions_of(features):
            made = self._get_model_ops(features, self._like_the_labels(), model_fn.ModeKeys.INFER)
            return made.predictions

        return exporting.export(self, predictions_of, export_dir, input_fn, input_feature_key, use_deprecated_input_fn,
                                signature_fn, prediction_key, default_batch_size, exports_to_keep)  # fmt: skip

    def get_params(self, deep=True):
        """The arguments of the constructor that are attributes, as scikit-learn asks for them."""
        names = [name for name in inspect.signature(type(self).__init__).parameters if name != "self"]
        return {name: getattr(self, name) for name in names if hasattr(self, name)}

    def set_params(self, **params):
        """Sets attributes, as scikit-learn does; returns self."""
        for name, value in params.items():
            setattr(self, name, value)
        return self


_OWN_LOSS = "loss_of_the_model"


def _renamed(key):
    return _OWN_LOSS if key == "loss" else key


@tf_export("contrib.learn.Estimator")
class Estimator(BaseEstimator):
    """Runs MODEL_FN(features, labels, mode, params, config, model_dir), which takes the first two by position.

    It gives ModelFnOps, an EstimatorSpec, or predictions, loss and train_op.
    """

    def __init__(self, model_fn=None, model_dir=None, config=None, params=None, feature_engineering_fn=None):
        if model_fn is None:
            raise ValueError("model_fn must be provided to Estimator.")
        self._user_model_fn, self.params = model_fn, params
        self._feature_engineering_fn = feature_engineering_fn or (lambda features, labels: (features, labels))
        known = _arguments(model_fn)
        if params is not None and "params" not in known:
            raise ValueError(f"Estimator's model_fn ({model_fn}) does not have a params argument, but params "
                             f"({params}) "
                             "were passed to the Estimator's constructor.")  # fmt: skip
        super().__init__(model_dir=model_dir, config=config)

    def _get_model_ops(self, features, labels, mode):
        features, labels = self._feature_engineering_fn(features, labels)
        known = _arguments(self._user_model_fn)
        extra = {"mode": mode, "params": self.params, "config": self._core.config, "model_dir": self.model_dir}
        made = self._user_model_fn(features, labels, **{key: value for key, value in extra.items() if key in known})
        if isinstance(made, (model_fn.ModelFnOps, EstimatorSpec)):
            return made
        if not isinstance(made, tuple) or len(made) != 3:
            raise ValueError(f"Unrecognized value returned by model_fn, {made}.")
        predictions, loss, train_op = made
        return model_fn.ModelFnOps(mode=mode, predictions=predictions, loss=loss, train_op=train_op)


def _arguments(function):
    return set(inspect.signature(function).parameters)


@tf_export("contrib.learn.SKCompat")
class SKCompat:
    """An Estimator as scikit-learn has them: fit(x, y), score(x, y), predict(x) on arrays."""

    def __init__(self, estimator):
        self._estimator = estimator

    def fit(self, x, y, batch_size=128, steps=None, max_steps=None, monitors=None):
        """Trains; returns self."""
        self._estimator.fit(x=x, y=y, batch_size=batch_size, steps=steps, max_steps=max_steps, monitors=monitors)
        return self

    def score(self, x, y, batch_size=128, steps=None, metrics=None, name=None):
        """{metric: value}."""
        return self._estimator.evaluate(x=x, y=y, batch_size=batch_size, steps=steps, metrics=metrics, name=name)

    def predict(self, x, batch_size=128, outputs=None):
        """The predictions of all, as an array or a dict of arrays."""
        return self._estimator.predict(x=x, batch_size=batch_size, outputs=outputs, as_iterable=False)

    def transform(self, x, batch_size=128, outputs=None):
        """The same as predict."""
        return self.predict(x, batch_size, outputs)

    def get_params(self, deep=True):
        """The estimator's."""
        return self._estimator.get_params(deep)

    def set_params(self, **params):
        """The estimator's; returns self."""
        self._estimator.set_params(**params)
        return self
