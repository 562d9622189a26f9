"""tenon.keras: recurrent layers, their cells and the wrappers give what TensorFlow's give."""

import numpy as np
import pytest

import tenon
from api.both import both

pytestmark = pytest.mark.filterwarnings("ignore")
RNG = np.random.RandomState(11)
X = RNG.rand(4, 5, 3).astype("f") - 0.4
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 1, 0, 1, 1], [0, 0, 0, 0, 0]], bool)


def fill(thing, seed=3):
    """The same weights in both packages."""
    rng = np.random.RandomState(seed)
    thing.set_weights([(rng.rand(*w.shape) - 0.4).astype("f") for w in thing.get_weights()])
    return thing


def value(tf, tensors, feed=None):
    return tf.keras.backend.get_session().run(tensors, feed)


CELLS = [("SimpleRNNCell", {}), ("GRUCell", {"implementation": 2}), ("GRUCell", {"reset_after": True}),
         ("LSTMCell", {"unit_forget_bias": False, "use_bias": False}),
         ("LSTMCell", {"recurrent_activation": "sigmoid", "activation": "relu"})]  # fmt: skip


@pytest.mark.parametrize("mode", [{}, {"return_sequences": True, "return_state": True}, {"go_backwards": True},
                                  {"unroll": True, "return_sequences": True}])  # fmt: skip
def test_cells_and_stacks(mode):
    def program(tf):
        k, found = tf.keras, []
        for masked, names in ((False, CELLS[2:3]), (True, CELLS[:2] + CELLS[3:4]), (True, CELLS[4:])):
            cells = [getattr(k.layers, n)(4, **kwargs) for n, kwargs in names]
            layer = k.layers.RNN(cells if len(cells) > 1 else cells[0], **mode)
            x = tf.constant(X)
            y = layer(x, mask=tf.constant(MASK) if masked else None)
            fill(layer)
            flat = list(tf.nest.flatten(y))
            found.append([value(tf, flat + tf.gradients(flat[0], [x, *layer.trainable_weights])),
                          [s.shape.as_list() for s in flat]])  # fmt: skip
        return found

    both(program, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["SimpleRNN", "GRU", "LSTM"])
def test_stateful(name):
    def program(tf):
        k = tf.keras
        model = fill(k.Sequential([getattr(k.layers, name)(3, stateful=True, return_sequences=True,
                                                           batch_input_shape=(2, 4, 3)),
                                   getattr(k.layers, name)(2, stateful=True)]))  # fmt: skip
        model.compile("sgd", "mse")
        x = X[:, :4]
        found = [model.predict(x, batch_size=2), model.predict(x, batch_size=2)]
        model.reset_states()
        found.append(model.predict(x, batch_size=2))
        losses = model.fit(x, np.ones((4, 2)), batch_size=2, epochs=3, shuffle=False, verbose=0).history["loss"]
        count = len(tf.nest.flatten(model.layers[1].states))
        model.layers[1].reset_states([np.full((2, 2), 0.5, "f")] * count)
        found.append(model.predict(x, batch_size=2))
        return [found, [float(v) for v in losses], model.stateful, len(model.state_updates)]

    both(program, rtol=1e-4, atol=1e-5)


def test_states_between_layers():
    def program(tf):
        k = tf.keras
        a, b = k.Input((5, 3), name="a"), k.Input((None, 3), name="b")
        _, h, c = k.layers.LSTM(4, return_state=True, name="encoder")(a)
        y = k.layers.LSTM(4, return_sequences=True, name="decoder")(b, initial_state=[h, c])
        model = fill(k.Model([a, b], k.layers.Dense(2)(y)))
        again = k.Model.from_config(model.get_config())
        again.set_weights(model.get_weights())
        copy = k.models.clone_model(model)
        copy.set_weights(model.get_weights())
        g = k.layers.GRU(4)
        z = g(tf.constant(X), initial_state=tf.constant(X[:, 0, :1]) * tf.ones([1, 4]))
        fill(g)
        return [m.predict([X, X[:, :2]]) for m in (model, again, copy)] + [value(tf, z)]

    both(program, rtol=1e-4, atol=1e-5)


def test_constants_and_a_cell_of_ones_own():
    def program(tf):
        k = tf.keras

        class Cell(k.layers.Layer):
            state_size = 4

            def build(self, shape):
                self.w = self.add_weight(name="w", shape=(shape[-1], 4), initializer="ones")
                self.built = True

            def call(self, inputs, states, constants=None):
                y = tf.matmul(inputs, self.w) + 0.5 * states[0] + constants[0]
                return y, [y]

        a, b = k.Input((5, 3)), k.Input((4,))
        model = fill(k.Model([a, b], k.layers.RNN(Cell())(a, constants=b)))
        return [model.predict([X, X[:, :4, 0]]), [list(w.shape.as_list()) for w in model.weights]]

    both(program)


@pytest.mark.parametrize("merge", ["concat", "sum", "mul", "ave", None])
def test_bidirectional(merge):
    def program(tf):
        k, found = tf.keras, []
        for kwargs in ({}, {"return_sequences": True}, {"return_sequences": True, "return_state": True}):
            layer = k.layers.Bidirectional(k.layers.GRU(3, **kwargs), merge_mode=merge)
            y = layer(tf.constant(X), mask=tf.constant(MASK))
            fill(layer)
            found.append([value(tf, tf.nest.flatten(y)), [w.name.split(":")[0].count("/") for w in layer.weights]])
            if not kwargs.get("return_state"):
                found.append([list(s) for s in tf.nest.flatten(k.layers.deserialize(
                    {"class_name": "Bidirectional", "config": layer.get_config()}).name)])  # fmt: skip
        inputs = k.Input((5, 3))
        states = [k.Input((3,)) for _ in range(2)]
        y = k.layers.Bidirectional(k.layers.SimpleRNN(3), merge_mode="sum")(inputs, initial_state=states)
        model = fill(k.Model([inputs, *states], y))
        found.append(model.predict([X, X[:, 0], X[:, 1]]))
        other = k.layers.Bidirectional(k.layers.LSTM(2), backward_layer=k.layers.GRU(2, go_backwards=True))
        z = other(tf.constant(X))
        fill(other)
        return [found, value(tf, z)]

    both(lambda tf: _without_scopes(program(tf)), rtol=1e-4, atol=1e-5)


def _without_scopes(result):
    """2.21 makes a cell's variables in a scope of the cell; 1.15 did not."""
    result[0] = [r[:1] if isinstance(r, list) and len(r) == 2 and isinstance(r[0], list) else r for r in result[0]]
    return result


def test_time_distributed():
    def program(tf):
        k, found = tf.keras, []
        images = np.random.RandomState(2).rand(2, 3, 6, 6, 1).astype("f")
        model = fill(k.Sequential([k.layers.TimeDistributed(k.layers.Conv2D(2, 3), input_shape=(3, 6, 6, 1)),
                                   k.layers.TimeDistributed(k.layers.Flatten()), k.layers.LSTM(2)]))  # fmt: skip
        found.append([model.predict(images), [w.name for w in model.weights][:2],
                      list(model.layers[0].output_shape)])  # fmt: skip
        masked = fill(k.Sequential([k.layers.Masking(input_shape=(5, 3)), k.layers.TimeDistributed(k.layers.Dense(2)),
                                    k.layers.LSTM(2)]))  # fmt: skip
        x = X * MASK[:, :, None]
        inner = k.Sequential([k.layers.Dense(4, input_shape=(3,)), k.layers.Dropout(0.5)])
        nested = fill(k.Sequential([k.layers.TimeDistributed(inner, input_shape=(5, 3))]))
        regular = k.Sequential([k.layers.TimeDistributed(k.layers.Dense(2, kernel_regularizer="l2"),
                                                         input_shape=(5, 3))])  # fmt: skip
        return [found, masked.predict(x), nested.predict(X), len(regular.losses), len(nested.trainable_weights)]

    both(program, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kwargs", [{}, {"padding": "same", "return_sequences": True},
                                    {"strides": 2, "return_state": True, "go_backwards": True},
                                    {"dilation_rate": 2, "use_bias": False}])  # fmt: skip
def test_convolutional_lstm(kwargs):
    def program(tf):
        k = tf.keras
        x = np.random.RandomState(2).rand(2, 3, 7, 6, 2).astype("f")
        inputs = k.Input((3, 7, 6, 2))
        layer = k.layers.ConvLSTM2D(3, (3, 2), **kwargs)
        model = fill(k.Model(inputs, layer(inputs)))
        return [model.predict(x), [w.shape.as_list() for w in model.weights], layer.get_config()["padding"],
                [list(s) if isinstance(s, tuple) else s for s in layer.compute_output_shape((2, 3, 7, 6, 2))]]  # fmt: skip  # noqa: E501

    both(program, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["SimpleRNN", "GRU", "LSTM"])
@pytest.mark.parametrize("implementation", [1, 2])
def test_dropout_holds_for_all_steps(name, implementation):
    tf, k = tenon, tenon.keras
    kwargs = {} if name == "SimpleRNN" else {"implementation": implementation}
    with tf.Graph().as_default():
        tf.set_random_seed(5)
        ones = tf.ones([64, 6, 8])
        for rates in ({"dropout": 0.5}, {"recurrent_dropout": 0.5}):
            layer = getattr(k.layers, name)(4, return_sequences=True, **rates, **kwargs)
            y, plain = layer(ones, training=True), layer(ones, training=False)
            fill(layer)
            a, b, again = value(tf, [y, plain, layer(ones, training=False)])
            np.testing.assert_array_equal(b, again)
            assert np.abs(a - b).max() > 1e-3
        # With a mask for each step, outputs of a layer without recurrence would differ from step to step.
        layer = k.layers.SimpleRNN(4, dropout=0.5, return_sequences=True, activation="linear")
        y = layer(ones, training=True)
        fill(layer)
        layer.set_weights([layer.get_weights()[0], np.zeros((4, 4)), layer.get_weights()[2]])
        y = value(tf, y)
        np.testing.assert_allclose(y, np.repeat(y[:, :1], 6, 1), rtol=1e-6)
        assert len(np.unique(y[:, 0, 0])) > 8


def test_names_are_those_of_15():
    tf, k = tenon, tenon.keras
    with tf.Graph().as_default():
        model = k.Sequential([k.layers.LSTM(2, return_sequences=True, input_shape=(5, 3)),
                              k.layers.Bidirectional(k.layers.GRU(2, return_sequences=True)),
                              k.layers.TimeDistributed(k.layers.Dense(2)),
                              k.layers.RNN([k.layers.LSTMCell(2), k.layers.GRUCell(2)])])  # fmt: skip
        assert [w.name for w in model.weights] == [
            "lstm/kernel:0", "lstm/recurrent_kernel:0", "lstm/bias:0",
            *(f"bidirectional/{d}_gru/{w}:0" for d in ("forward", "backward") for w in
              ("kernel", "recurrent_kernel", "bias")),
            "time_distributed/kernel:0", "time_distributed/bias:0",
            "rnn/kernel:0", "rnn/recurrent_kernel:0", "rnn/bias:0", "rnn/kernel_1:0", "rnn/recurrent_kernel_1:0",
            "rnn/bias_1:0"]  # fmt: skip


def test_what_cannot_be_is_said():
    def wrong_state(tf):
        tf.keras.layers.LSTM(3)(tf.constant(X), initial_state=[tf.zeros([4, 3])])

    def no_batch(tf):
        tf.keras.layers.LSTM(3, stateful=True)(tf.keras.Input((5, 3)))

    def no_steps(tf):
        tf.keras.layers.LSTM(3, unroll=True)(tf.keras.Input((None, 3)))

    def no_cell(tf):
        tf.keras.layers.RNN(3)

    def merge(tf):
        tf.keras.layers.Bidirectional(tf.keras.layers.LSTM(3), merge_mode="max")

    def reset(tf):
        tf.keras.layers.LSTM(3).reset_states()

    for program in (wrong_state, no_batch, no_steps, no_cell, merge, reset):
        assert str(both.error(program))
