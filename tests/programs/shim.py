"""Runs programs for TensorFlow 1.x with what TensorFlow 2 has left of it, on one thread.

usage: shim.py     reads lines "PROGRAM<tab>FOLDER" and writes the exit status of each, run in FOLDER with its output in
FOLDER/stdout and FOLDER/stderr. Loading TensorFlow takes seconds, so that is done once and each program is a fork.

What went from tf.contrib to tf_slim, or has another public name now, is found under its old one; tf.estimator comes
from the package that it went to.
"""

import os
import runpy
import sys
import traceback
import types
from pathlib import Path

import numpy as np
import tensorflow as tf2

np.set_printoptions(legacy="1.25")  # numbers print as they did in those years
tf2.config.threading.set_intra_op_parallelism_threads(1)
tf2.config.threading.set_inter_op_parallelism_threads(1)
tf = tf2.compat.v1
tf.disable_v2_behavior()
tf.logging.set_verbosity(tf.logging.ERROR)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from api.estimator_oracle import estimator

tf.estimator = estimator()
sys.modules["tensorflow"] = tf


def module(name, **contents):
    """A module of that name, found as an attribute of its parent too."""
    made = sys.modules[name] = types.ModuleType(name)
    made.__dict__.update(contents, __path__=[])
    parent, _, last = name.rpartition(".")
    setattr(sys.modules[parent], last, made)


def old_places():
    """The names of before that have others now."""
    import tf_slim
    from tensorflow.python.framework import graph_util

    graph_util.convert_variables_to_constants = tf.graph_util.convert_variables_to_constants
    module("tensorflow.contrib")
    for name in ("slim", "layers", "framework"):
        module(f"tensorflow.contrib.{name}", **{**vars(tf_slim.layers), **vars(tf_slim)})
    cells = {name: getattr(tf.nn.rnn_cell, name) for name in dir(tf.nn.rnn_cell) if name[0] != "_"}
    module("tensorflow.contrib.rnn", static_rnn=tf.nn.static_rnn,
           static_bidirectional_rnn=tf.nn.static_bidirectional_rnn, **cells)  # fmt: skip


def child(path, folder):
    """Ends with the status of the program at PATH."""
    os.chdir(folder)
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.argv = [path]
    status = 0
    try:
        sys.path.insert(0, os.path.dirname(path))
        runpy.run_path(path, run_name="__main__")
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def main():
    old_places()
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            child(*line.rstrip("\n").split("\t"))
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
