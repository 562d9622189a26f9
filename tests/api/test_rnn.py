"""Recurrent cells and networks: outputs, states, variables and gradients against TensorFlow's."""

import numpy as np
import pytest

from api.both import both

X = np.random.RandomState(0).randn(3, 5, 4).astype("f")
LENGTHS = np.array([5, 2, 3], "i")

CELLS = {
    "basic": lambda tf: tf.nn.rnn_cell.BasicRNNCell(6),
    "gru": lambda tf: tf.nn.rnn_cell.GRUCell(6),
    "basic lstm": lambda tf: tf.nn.rnn_cell.BasicLSTMCell(6, forget_bias=0.5),
    "basic lstm joined": lambda tf: tf.nn.rnn_cell.BasicLSTMCell(6, state_is_tuple=False),
    "lstm": lambda tf: tf.nn.rnn_cell.LSTMCell(6),
    "lstm all": lambda tf: tf.nn.rnn_cell.LSTMCell(6, use_peepholes=True, cell_clip=0.5, num_proj=3, proj_clip=0.2),
    "relu": lambda tf: tf.nn.rnn_cell.BasicRNNCell(6, activation=tf.nn.relu),
    "multi": lambda tf: tf.nn.rnn_cell.MultiRNNCell([tf.nn.rnn_cell.GRUCell(5), tf.nn.rnn_cell.BasicLSTMCell(4)]),
    "residual": lambda tf: tf.nn.rnn_cell.ResidualWrapper(tf.nn.rnn_cell.GRUCell(4)),
    "device": lambda tf: tf.nn.rnn_cell.DeviceWrapper(tf.nn.rnn_cell.GRUCell(4), "/cpu:0"),
    "dropout off": lambda tf: tf.nn.rnn_cell.DropoutWrapper(tf.nn.rnn_cell.BasicLSTMCell(6)),
}


def run(tf, fetches):
    """FETCHES with every variable set to small numbers that depend on its shape alone; and the variables' names."""
    sets = [
        tf.assign(v, tf.reshape(tf.linspace(-0.4, 0.5, int(np.prod(v.shape.as_list()))), v.shape))
        for v in tf.global_variables()
    ]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(sets)
        return session.run(fetches), [(v.name, v.shape.as_list()) for v in tf.global_variables()]


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "lengths"])
def test_dynamic_rnn(name, lengths):
    def program(tf):
        x = tf.constant(X)
        outputs, state = tf.nn.dynamic_rnn(CELLS[name](tf), x, sequence_length=lengths, dtype=tf.float32)
        loss = tf.reduce_sum(tf.square(outputs))
        gradients = tf.gradients(loss, [x, *tf.trainable_variables()])
        return run(tf, [outputs, state, loss, gradients]), outputs.name, outputs.shape.as_list()

    both(program, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", CELLS)
def test_static_rnn(name):
    def program(tf):
        steps = tf.unstack(tf.constant(X), axis=1)
        outputs, state = tf.nn.static_rnn(CELLS[name](tf), steps, dtype=tf.float32, sequence_length=LENGTHS)
        return run(tf, [outputs, state, tf.gradients(outputs, tf.trainable_variables())])

    both(program, rtol=1e-4, atol=1e-5)


def test_one_step_of_a_cell():
    def program(tf):
        cell = tf.nn.rnn_cell.BasicLSTMCell(3, name="mine")
        state = cell.zero_state(3, tf.float32)
        output, state = cell(tf.constant(X[:, 0]), state)
        output, state = cell(tf.constant(X[:, 1]), state)
        return run(tf, [output, state]), cell.state_size, cell.output_size, [v.name for v in cell.trainable_weights]

    both(program)


def test_scopes_name_the_variables():
    def program(tf):
        with tf.variable_scope("model"):
            cell = tf.nn.rnn_cell.MultiRNNCell([tf.nn.rnn_cell.BasicLSTMCell(2) for _ in range(2)])
            tf.nn.dynamic_rnn(cell, tf.constant(X), dtype=tf.float32, scope="encoder")
            with tf.variable_scope("RNN"):
                state = cell.zero_state(3, tf.float32)
                for step in range(2):
                    if step > 0:
                        tf.get_variable_scope().reuse_variables()
                    output, state = cell(tf.constant(X[:, step, :]), state)
        return run(tf, [output, state])

    both(program)


def test_time_major_and_initial_state():
    def program(tf):
        cell = tf.nn.rnn_cell.GRUCell(4)
        start = tf.constant(X[:, 0])
        outputs, state = tf.nn.dynamic_rnn(
            cell, tf.constant(X.transpose(1, 0, 2)), initial_state=start, time_major=True, sequence_length=LENGTHS
        )
        return run(tf, [outputs, state])

    both(program)


def test_bidirectional():
    def program(tf):
        cells = tf.nn.rnn_cell.GRUCell(3), tf.nn.rnn_cell.BasicLSTMCell(2)
        outputs, states = tf.nn.bidirectional_dynamic_rnn(
            *cells, tf.constant(X), sequence_length=LENGTHS, dtype=tf.float32
        )
        steps = tf.unstack(tf.constant(X), axis=1)
        cells = tf.nn.rnn_cell.GRUCell(3), tf.nn.rnn_cell.GRUCell(2)
        static = tf.nn.static_bidirectional_rnn(*cells, steps, dtype=tf.float32, scope="static")
        return run(tf, [outputs, states, static])

    both(program)


def test_raw_rnn():
    def program(tf):
        cell = tf.nn.rnn_cell.GRUCell(4)
        inputs = tf.TensorArray(tf.float32, size=5).unstack(tf.constant(X.transpose(1, 0, 2)))

        def loop(time, output, state, loop_state):
            next_state = cell.zero_state(3, tf.float32) if output is None else state
            finished = time >= LENGTHS
            done = tf.reduce_all(finished)
            value = tf.cond(done, lambda: tf.zeros([3, 4]), lambda: inputs.read(time))
            value.set_shape([3, 4])
            return finished, value, next_state, output, None

        arrays, state, _ = tf.nn.raw_rnn(cell, loop)
        return run(tf, [arrays.stack(), state])

    both(program)


def test_dropout_with_seed():
    def program(tf):
        cell = tf.nn.rnn_cell.DropoutWrapper(
            tf.nn.rnn_cell.BasicLSTMCell(6), input_keep_prob=0.7, output_keep_prob=0.6, state_keep_prob=0.8, seed=7
        )
        output, state = cell(tf.constant(X[:, 0]), cell.zero_state(3, tf.float32))
        return run(tf, [output, state])

    both(program)


def test_variational_dropout():
    def program(tf):
        cell = tf.nn.rnn_cell.DropoutWrapper(
            tf.nn.rnn_cell.GRUCell(6), 0.7, 0.6, 0.8, variational_recurrent=True, input_size=4, dtype=tf.float32, seed=3
        )
        outputs, state = tf.nn.dynamic_rnn(cell, tf.constant(X), dtype=tf.float32)
        return run(tf, [outputs, state])

    both(program)


def test_an_unknown_batch_and_length():
    def program(tf):
        x = tf.placeholder(tf.float32, [None, None, 4])
        cell = tf.nn.rnn_cell.MultiRNNCell([tf.nn.rnn_cell.LSTMCell(3), tf.nn.rnn_cell.GRUCell(2)])
        outputs, state = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32)
        gradients = tf.gradients(outputs, tf.trainable_variables())
        sets = [tf.assign(v, tf.fill(v.shape, 0.1)) for v in tf.global_variables()]
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            session.run(sets)
            fed = [X, X[:2, :3], X[:1, :1]]
            return [session.run([outputs, state, gradients], {x: value}) for value in fed], outputs.shape.as_list()

    both(program, rtol=1e-4)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda tf: tf.nn.dynamic_rnn(3, tf.constant(X), dtype=tf.float32),
        lambda tf: tf.nn.dynamic_rnn(tf.nn.rnn_cell.GRUCell(2), tf.constant(X)),
        lambda tf: tf.nn.dynamic_rnn(tf.nn.rnn_cell.GRUCell(2), tf.constant(X[0, 0]), dtype=tf.float32),
        lambda tf: tf.nn.static_rnn(tf.nn.rnn_cell.GRUCell(2), tf.constant(X), dtype=tf.float32),
        lambda tf: tf.nn.static_rnn(tf.nn.rnn_cell.GRUCell(2), [], dtype=tf.float32),
        lambda tf: tf.nn.rnn_cell.MultiRNNCell([]),
        lambda tf: tf.nn.rnn_cell.DropoutWrapper(tf.nn.rnn_cell.GRUCell(2), input_keep_prob=1.5),
    ],
)
def test_errors(wrong):
    both.error(wrong)


def _difference(inputs, outputs):
    return inputs - outputs


def test_wrappers_from_their_configs():
    def program(tf):
        cells = tf.nn.rnn_cell
        found = []
        made = [
            cells.DropoutWrapper(cells.GRUCell(4), 0.5, output_keep_prob=0.25, seed=3),
            cells.DropoutWrapper(cells.BasicLSTMCell(4), 0.5, seed=4, dropout_state_filter_visitor=lambda s: False),
            cells.ResidualWrapper(cells.GRUCell(3)),
            cells.ResidualWrapper(cells.GRUCell(3), residual_fn=lambda i, o: i - o),
            cells.ResidualWrapper(cells.GRUCell(3), residual_fn=_difference),
            cells.DeviceWrapper(cells.GRUCell(4), "/cpu:0"),
        ]
        for number, wrapper in enumerate(made):
            config = wrapper.get_config()
            inside = config["cell"]["class_name"]
            found.append([inside, sorted(k for k in config if not k.startswith("_"))])
            try:
                type(wrapper).from_config(config)
            except ValueError as error:
                found.append(str(error))
            config["cell"] = cells.GRUCell(4 if inside == "GRUCell" and number in (0, 5) else 3)
            again = type(wrapper).from_config(config, custom_objects={"_difference": _difference})
            found.append([type(again).__name__, sorted(k for k in again.get_config() if not k.startswith("_"))])
            if number in (2, 3, 4):
                tf.set_random_seed(5)
                with tf.variable_scope(f"of_{number}", initializer=tf.constant_initializer(0.3)):
                    found.append(again(tf.constant(X[:, 0, :3]), tf.constant(X[:, 1, :3]))[0])
        with tf.variable_scope("built", initializer=tf.constant_initializer(0.3)):
            wrapper = cells.DropoutWrapper(cells.GRUCell(4, dtype=tf.float32))
            wrapper.build(tf.TensorShape([None, 3]))
            found.append([wrapper.built, sorted(v.op.name for v in tf.global_variables("built"))])
        return found

    both(program)
