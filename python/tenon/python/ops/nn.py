"""The names of tf.nn in one module."""

from tenon.python.ops.embedding_ops import *  # noqa: F403
from tenon.python.ops.nn_impl import *  # noqa: F403
from tenon.python.ops.nn_ops import *  # noqa: F403


def __getattr__(name):
    from tenon.python.ops import candidate_sampling_ops, ctc_ops, math_ops, nn_ops, rnn

    if name.startswith("__"):
        raise AttributeError(name)
    for module in (math_ops, nn_ops, candidate_sampling_ops, ctc_ops, rnn):
        if hasattr(module, name):
            return getattr(module, name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
