"""Runs an example on TensorFlow 2.21: python tests/networks/on_tensorflow.py PROGRAM [ARGUMENT...]

What the program imports as `tenon` is tensorflow.compat.v1, with what TensorFlow has lost put back from tf_slim,
tf_keras and stand_ins.py. Only the reading of the data stays Tenon's. TF_THREADS bounds the threads.
"""

import importlib
import os
import runpy
import sys
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
os.environ.update({"TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""})
sys.path[:0] = [str(ROOT / "python"), str(Path(__file__).parent)]


def tensorflow():
    """tensorflow.compat.v1 as TensorFlow 1."""
    import tensorflow as tf2

    threads = int(os.environ.get("TF_THREADS", "0"))
    tf2.config.threading.set_intra_op_parallelism_threads(threads)
    tf2.config.threading.set_inter_op_parallelism_threads(threads)
    tf = tf2.compat.v1
    tf.disable_v2_behavior()
    tf.logging.set_verbosity(tf.logging.ERROR)
    return tf


def find_legacy_layers():
    """TensorFlow 2.21 looks for tf_keras's old layers where they no longer are."""
    names = ["", ".base", ".convolutional", ".core", ".normalization", ".pooling"]
    for name in names:
        there = importlib.import_module("tf_keras.src.legacy_tf_layers" + name)
        sys.modules["tf_keras.legacy_tf_layers" + name] = there


def contrib(tf):
    """What the examples use of tf.contrib."""
    import stand_ins

    find_legacy_layers()
    import tf_slim
    from tf_slim import nets

    tf_slim.nets = nets
    return types.SimpleNamespace(slim=tf_slim, layers=tf_slim, seq2seq=stand_ins.seq2seq(tf), rnn=tf.nn.rnn_cell)


class Tenon(types.ModuleType):
    """The module that the program gets."""

    def __init__(self, tf, **parts):
        super().__init__("tenon")
        self.__dict__.update(parts, _tf=tf, __path__=[])

    def __getattr__(self, name):
        return getattr(self._tf, name)


def main():
    # The examples' data is read by Tenon, which is loaded before its name is given away.
    from tenon.examples import data  # noqa: F401
    from tenon.examples.tutorials.mnist import input_data  # noqa: F401

    examples = sys.modules["tenon.examples"]
    tf = tensorflow()
    parts = contrib(tf)
    sys.modules["tenon"] = Tenon(tf, contrib=parts, slim=parts.slim, examples=examples)
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
