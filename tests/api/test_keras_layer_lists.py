"""Layers in lists and dicts that are attributes of a layer or model, also those that are put in later."""

import numpy as np

import tenon
from api.both import both


def _keras(tf):
    if tf.__name__ == "tenon":
        return tf.keras
    import tf_keras

    return tf_keras


def test_in_the_order_of_tensorflow():
    def program(tf):
        K = _keras(tf)

        def dense(n):
            return K.layers.Dense(n, kernel_initializer="ones")

        class Block(K.layers.Layer):
            def __init__(self, sizes):
                super().__init__()
                self.parts = []
                for n in sizes:
                    self.parts.append(dense(n))

            def call(self, x):
                for part in self.parts:
                    x = part(x)
                return x

        class Net(K.Model):
            def __init__(self):
                super().__init__(name="net")
                self.numbers = [1, 2, 3]
                self.blocks = []
                self.last = dense(2)
                self.heads = {}
                for sizes in ([3, 4], [5]):
                    self.blocks.append(Block(sizes))
                self.heads["a"] = dense(6)
                self.nested = [[dense(7)], {"x": [dense(8)]}]

            def call(self, x):
                for block in self.blocks:
                    x = block(x)
                out = self.heads["a"](self.last(x))
                return self.nested[1]["x"][0](self.nested[0][0](out))

        net = Net()
        y = net(tf.constant(np.ones((2, 3), "f")))
        shapes = [tuple(v.shape) for v in net.get_weights()]
        return [y, len(net.layers), shapes, len(net.blocks[0].trainable_weights), len(net.trainable_variables)]

    both(program)


def test_training_reaches_them():
    K = tenon.keras

    class Net(K.Model):
        def __init__(self):
            super().__init__()
            self.parts = []

        def call(self, x):
            for part in self.parts:
                x = part(x)
            return x

    with tenon.Graph().as_default():
        net = Net()
        for _ in range(2):
            net.parts.append(K.layers.Dense(2, kernel_initializer=K.initializers.Constant(0.5)))
        net.compile(K.optimizers.SGD(0.1), "mse")
        x = np.arange(12).reshape(6, 2).astype("f") / 12
        losses = net.fit(x, x[:, ::-1], batch_size=3, epochs=20, shuffle=False, verbose=0).history["loss"]
        assert losses[-1] < 0.2 * losses[0] and len(net.get_weights()) == 4
        assert not any(np.allclose(w, 0.5) or not w.any() for w in net.get_weights())
