"""Runs a program for TensorFlow 1.x with what TensorFlow 2 has left of it, on one thread: python shim.py PROGRAM."""

import runpy
import sys

import tensorflow as tf2

tf2.config.threading.set_intra_op_parallelism_threads(1)
tf2.config.threading.set_inter_op_parallelism_threads(1)
tf = tf2.compat.v1
tf.disable_v2_behavior()
tf.logging.set_verbosity(tf.logging.ERROR)
sys.modules["tensorflow"] = tf
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
