"""tf.sparse and tf.sets against TensorFlow."""

import numpy as np
import pytest

from api.both import both

A = ([[0, 1], [1, 0], [1, 3], [2, 2]], [1.0, -2.0, 3.0, 4.0], [3, 4])
B = ([[0, 1], [0, 2], [2, 2]], [5.0, 6.0, -4.0], [3, 4])
DENSE = np.arange(12, dtype=np.float32).reshape(4, 3) - 5


def parts(value):
    return [value.indices, value.values, value.dense_shape] if hasattr(value, "indices") else value


def two(tf):
    return (
        tf.SparseTensor(*A),
        tf.SparseTensorValue(np.array(A[0]), np.array(A[1], "f"), np.array(A[2])),
        tf.SparseTensor(*B),
    )


PROGRAMS = {
    "add": lambda tf, a, v, b: [tf.sparse_add(a, b), tf.sparse.add(a, b, threshold=0.5), tf.sparse_add(a, DENSE.T)],
    "concat": lambda tf, a, v, b: [
        tf.sparse_concat(0, [a, b]),
        tf.sparse.concat(1, [a, b]),
        tf.sparse_concat(-1, [a, tf.SparseTensor([[4, 0]], [1.0], [5, 1])], expand_nonconcat_dim=True),
    ],
    "split": lambda tf, a, v, b: tf.sparse_split(sp_input=a, num_split=2, axis=1),
    "slice": lambda tf, a, v, b: [tf.sparse_slice(a, [1, 0], [2, 3]), tf.sparse.slice(a, [0, 1], [9, 9])],
    "reorder": lambda tf, a, v, b: [
        tf.sparse_reorder(tf.SparseTensor([[2, 0], [0, 1]], [1, 2], [3, 3])),
        tf.sparse_reshape(a, [2, -1]),
        tf.sparse_transpose(a),
        tf.sparse.transpose(a, [1, 0]),
        tf.sparse.expand_dims(a, 1),
        tf.sparse.expand_dims(a),
    ],
    "shapes": lambda tf, a, v, b: [
        tf.sparse_reset_shape(a, [5, 6]),
        tf.sparse_reset_shape(a),
        tf.sparse_retain(a, [True, False, False, True]),
        *tf.sparse_fill_empty_rows(tf.SparseTensor([[0, 0], [2, 1]], [1.0, 2.0], [4, 3]), 9.0),
    ],
    "reduce": lambda tf, a, v, b: [
        tf.sparse_reduce_sum(a),
        tf.sparse_reduce_sum(a, 0),
        tf.sparse.reduce_sum(a, axis=1, keepdims=True),
        tf.sparse_reduce_sum(a, reduction_axes=[0, 1]),
        tf.sparse_reduce_max(a, 1),
        tf.sparse_reduce_sum_sparse(a, 0),
        tf.sparse.reduce_max_sparse(a, 1, keepdims=True),
    ],
    "dense": lambda tf, a, v, b: [
        tf.sparse_tensor_to_dense(a),
        tf.sparse.to_dense(v, default_value=-1.0),
        tf.sparse_to_dense([[0, 1], [2, 0]], [3, 2], [7, 8], 1),
        tf.sparse.from_dense([[0, 5], [6, 0]]),
        tf.sparse.from_dense([["", "a"]]),
        tf.sparse_to_indicator(tf.SparseTensor([[0, 0], [1, 0], [1, 1]], [2, 0, 1], [2, 2]), 4),
        tf.sparse.eye(3, 2),
    ],
    "product": lambda tf, a, v, b: [
        tf.sparse_tensor_dense_matmul(a, DENSE),
        tf.sparse.sparse_dense_matmul(a, DENSE.T, adjoint_b=True),
        tf.sparse.matmul(v, DENSE[:3], adjoint_a=True),
        a * 2.0,
        a / [[2.0], [4.0], [8.0]],
        tf.sparse_softmax(a),
        tf.sparse_maximum(a, b),
        tf.sparse.minimum(a, b),
    ],
    "merge": lambda tf, a, v, b: tf.sparse_merge(
        tf.SparseTensor([[0, 0], [1, 0], [1, 1]], [5, 9, 2], [2, 2]),
        tf.SparseTensor([[0, 0], [1, 0], [1, 1]], [1.0, 2.0, 3.0], [2, 2]), 10,
    ),
    "strings": lambda tf, a, v, b: [
        tf.deserialize_many_sparse(tf.serialize_many_sparse(a), tf.float32),
        tf.shape(tf.io.serialize_sparse(a)),
    ],
    "cross": lambda tf, a, v, b: [
        tf.sparse.cross([tf.constant([["a", "b"], ["c", "d"]]), tf.constant([[1], [2]])]),
        tf.sparse.cross_hashed([tf.SparseTensor([[0, 0], [1, 0]], ["a", "b"], [2, 1]), tf.constant([["x"], ["y"]])], 9),
    ],
    "sets": lambda tf, a, v, b: [
        tf.sets.set_size(tf.SparseTensor([[0, 0], [0, 1], [1, 0]], [1, 1, 2], [2, 2])),
        tf.sets.set_intersection([[1, 2, 3]], [[2, 3, 4]]),
        tf.sets.set_difference([[1, 2, 3]], [[2, 3, 4]], aminusb=False),
        tf.sets.union([["a", "b"]], tf.SparseTensor([[0, 0]], ["c"], [1, 1])),
        tf.sets.set_difference(tf.SparseTensor([[0, 0]], ["c"], [1, 1]), [["a", "b"]]),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_values(name):
    def program(tf):
        found = PROGRAMS[name](tf, *two(tf))
        return [parts(x) for x in found] if isinstance(found, list) else parts(found)

    both(program)


def test_gradients():
    def program(tf):
        values, dense = tf.constant(A[1]), tf.constant(DENSE)
        a = tf.SparseTensor(A[0], values, A[2])
        product = tf.sparse_tensor_dense_matmul(a, dense)
        outputs = [
            tf.sparse_reduce_sum(a, 1), tf.sparse_softmax(a).values, tf.sparse_add(a, tf.SparseTensor(*B)).values,
            (a * dense[:3, :1]).values, tf.sparse_tensor_to_dense(tf.sparse_reorder(a)),
        ]  # fmt: skip
        return tf.gradients(product**2, [values, dense]), [tf.gradients(y**2, values) for y in outputs]

    both(program)


def test_what_is_not_sparse():
    both.error(lambda tf: tf.sparse_reorder([1, 2]))
    both.error(lambda tf: tf.sparse_add(tf.constant(1), tf.constant(2)))
    both.error(lambda tf: tf.sparse_split(tf.SparseTensor(*A), 2, 1))
