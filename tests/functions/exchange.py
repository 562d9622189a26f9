"""Runs what TensorFlow built on both sides: the graph goes over as a GraphDef, with its functions and datasets."""

import numpy as np

from oracle import tensorflow_side as reference
from tenon import _thin


def tensorflow():
    """TensorFlow's 1.x face."""
    reference.modules()
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    return tf


def carry(graph):
    """A graph of TensorFlow's in Tenon."""
    ours = _thin.Graph()
    ours.import_graph_def(graph.as_graph_def().SerializeToString())
    return ours


def same(got, want, rtol=1e-5, atol=1e-6):
    """Nested lists of arrays are equal; strings and integers to the bit."""
    if isinstance(want, (list, tuple)):
        assert len(got) == len(want), f"{len(got)} values, expected {len(want)}"
        for a, b in zip(got, want):
            same(a, b, rtol, atol)
        return
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape, f"shape {got.shape}, expected {want.shape}"
    if want.dtype.kind == "f":
        np.testing.assert_allclose(got, want, rtol=rtol, atol=atol)
    else:
        np.testing.assert_array_equal(got, want)


def both(build, feeds=()):
    """BUILD(tf) gives tensors: their values are the same on both sides. Returns Tenon's graph and the values."""
    tf = tensorflow()
    graph = tf.Graph()
    with graph.as_default():
        outputs = build(tf)
        with tf.Session(graph=graph) as session:
            want = session.run(outputs, {graph.get_tensor_by_name(k): v for k, v in feeds})
    ours = carry(graph)
    with _thin.Session(ours) as session:
        got = session.run([ours.tensor(o.name) for o in outputs], {ours.tensor(k): v for k, v in feeds})
    same(got, want)
    return ours, got
