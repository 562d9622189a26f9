"""tf.compat.v2: the functions under the names and with the arguments of TensorFlow 2."""

import inspect

import numpy as np
import pytest

import tenon
import tenon.compat.v2 as tf2
from api.both import both
from api.parity import plain, signature
from tenon.python import compat_v2_names

X = np.array([[1.0, 5.0, 2.0], [4.0, 0.0, 6.0]], "f")


def test_it_is_a_namespace():
    from tenon.compat.v2 import math

    assert tenon.compat.v2 is tf2 and tf2.math is math
    assert tf2.optimizers.Adam is tenon.keras.optimizers.Adam and tf2.data.Dataset is tenon.data.Dataset
    assert {"reduce_sum", "where", "math", "keras", "Variable"} <= set(dir(tf2))
    for name in ("placeholder", "Session", "get_variable", "to_float"):
        assert not hasattr(tf2, name) and hasattr(tenon, name)
        assert name not in dir(tf2)
    with pytest.raises(ModuleNotFoundError):
        __import__("tenon.compat.v2.nothing")


def test_signatures():
    """Of each line of the table, against TensorFlow's, without what came after 1.15."""
    import tensorflow

    later = (", layout=None", ", bad_indices_policy=''", ", allow_fast_lookup=False")
    wrong = []
    for name in compat_v2_names._table():
        theirs, ours = tensorflow, tf2
        for part in name.split("."):
            theirs, ours = getattr(theirs, part), getattr(ours, part)
        wanted = plain(signature(theirs))
        for text in later:
            wanted = wanted.replace(text, "")
        if name in ("shape", "size"):
            wanted = wanted.replace("out_type=None", "out_type=tf.int32")
        got = str(inspect.signature(ours))
        if signature(ours) != wanted:
            wrong.append(f"{name}: {got} should be ({wanted})")
    assert not wrong, "\n".join(wrong)


def test_values():
    """Each called by place, in the order of version 2."""

    def program(tf):
        if tf is tenon:
            v2 = tf2
        else:
            import tensorflow as v2
        found = [
            v2.reduce_sum(X, 1, True), v2.argmax(X, 1, v2.int32), v2.where(X > 2, X, 0.0), v2.where(X > 2),
            v2.gather(X, [1, 0], None, 1), v2.transpose(X, [1, 0], False), v2.expand_dims(X, 0), v2.zeros_like(X),
            v2.ones_like(X, v2.int64), v2.shape(X, v2.int64), v2.size(X), v2.boolean_mask(X, [True, False], 1 - 1),
            v2.nn.softmax(X, 0), v2.nn.moments(X, [0], None, True), v2.nn.dropout(X, 0.0), v2.pad(X, [[1, 0], [0, 1]]),
            v2.math.count_nonzero(X, 1, True), v2.math.in_top_k([1, 0], X, 1), v2.strings.length(["a", "bb"], "BYTE"),
            v2.strings.split("a b c"),
            v2.nn.embedding_lookup([v2.constant(X[:, 0]), v2.constant(X[:, 1])], [0, 2, 3]), v2.fill([2], 3.0),
            v2.cond(v2.constant(True), lambda: 1, lambda: 2), v2.norm(X, 2, 1), v2.squeeze(X[None], 0),
            v2.while_loop(lambda i: i < 5, lambda i: (i + 1,), (v2.constant(0),)), v2.nn.crelu(X, 0),
            v2.nn.max_pool(np.ones((1, 4, 4, 1), "f"), 2, 2, "SAME"), v2.math.confusion_matrix([0, 1], [1, 1], 2),
            v2.nn.conv2d(np.ones((1, 4, 4, 1), "f"), np.ones((2, 2, 1, 1), "f"), 1, "SAME", "NHWC"),
            v2.nn.softmax_cross_entropy_with_logits(X, X), v2.gradients(v2.square(v2.constant(X)), [])
        ]  # fmt: skip
        return [list(f) if isinstance(f, tuple) else f for f in found]

    both(program)


def test_what_libraries_ask_of_it():
    """Seeds of any size, and the static values of what is no tensor."""

    def program(tf):
        x = tf.random_normal([3], seed=2**200 + 5)
        return [x, tf.get_static_value(3), tf.get_static_value(None), tf.get_static_value(True) is True,
                tf.get_static_value(tf.constant([1, 2]))]  # fmt: skip

    both(program)
