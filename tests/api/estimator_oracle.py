"""The package tensorflow-estimator 2.15, whose tf.estimator is that of 1.x, over TensorFlow 2.21.

What 2.21 no longer has, and Estimators on one machine do not use (TPUs, its own list of names, distribution
strategies), is stood in for before the package is imported.
"""

import sys
import types
from functools import cache
from unittest import mock

from api.both import tensorflow


class _NoExport:
    """The decorator that registers public names, without a registry."""

    def __init__(self, *_, **__):
        pass

    def __call__(self, thing):
        return thing

    def export_constant(self, *_):
        """Nothing."""


def _module(name, **members):
    module = types.ModuleType(name)
    vars(module).update(members)
    sys.modules[name] = module
    return module


@cache
def estimator():
    """tf.estimator of TensorFlow 1."""
    tensorflow()
    import tensorflow.python.distribute as distribute
    import tensorflow.python.tpu as tpu

    distribute.estimator_training = _module(
        "tensorflow.python.distribute.estimator_training", init_run_config=lambda *_: None,
        should_run_distribute_coordinator=lambda *_: False,
    )  # fmt: skip
    _module("tensorflow_estimator.python.estimator.estimator_export", estimator_export=_NoExport)
    for name in ("tpu_embedding", "tpu_embedding_gradient", "session_support"):
        stand_in = mock.MagicMock(__name__=name, __path__=[], __spec__=None)
        sys.modules[f"tensorflow.python.tpu.{name}"] = stand_in
        setattr(tpu, name, stand_in)
    from tensorflow_estimator._api.v1 import estimator as found

    return found


def of(tf):
    """tf.estimator of either package."""
    return tf.estimator if tf is not tensorflow() else estimator()
