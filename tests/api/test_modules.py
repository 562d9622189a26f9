"""tf.Module, tf.function, and functions of rows."""

import pytest

import tenon
from api.both import both, run


def test_module():
    def program(tf):
        class Dense(tf.Module):
            def __init__(self, size, name=None):
                super().__init__(name=name)
                self.w = tf.Variable(tf.ones([size, 2]), use_resource=True)
                self.fixed = tf.Variable(1.0, trainable=False, use_resource=True)

            def __call__(self, x):
                return tf.matmul(x, self.w) * self.fixed

        class TwoLayers(tf.Module):
            def __init__(self):
                super().__init__()
                self.layers = [Dense(3), {"b": Dense(2, name="named")}]

            def __call__(self, x):
                return self.layers[1]["b"](self.layers[0](x))

        net = TwoLayers()
        return [net(tf.ones([1, 3])), len(net.variables), len(net.trainable_variables), net.name,
                [m.name for m in net.submodules], len(net.non_trainable_variables)]  # fmt: skip

    both(program)
    with pytest.raises(ValueError, match="identifiers"):
        tenon.Module(name="not a name")


def test_function():
    @tenon.function
    def double(x):
        return x * 2.0

    @tenon.function(input_signature=[tenon.TensorSpec([None], tenon.float32)])
    def total(x):
        return tenon.reduce_sum(x)

    assert run(tenon, lambda tf: [double(tf.constant(2.0)), total([1, 2])]) == [4.0, 3.0]
    with pytest.raises(ValueError, match="input_signature"):
        total([[1.0]])
    wrapped = tenon.wrap_function(lambda x: x + 1.0, [tenon.TensorSpec([], tenon.float32)])
    assert run(tenon, lambda tf: wrapped(1.0)) == 2.0


def test_vectorized_map_and_sparse_mask():
    def program(tf):
        x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
        slices = tf.IndexedSlices(x, tf.constant([3, 5]), tf.constant([9, 2]))
        left = tf.sparse_mask(slices, [5])
        pair = tf.vectorized_map(lambda ab: (ab[0] * ab[1], tf.reduce_sum(ab[0])), (x, x))
        return [tf.vectorized_map(lambda v: v * v[0], x), list(pair), left.values, left.indices]

    both(program)
