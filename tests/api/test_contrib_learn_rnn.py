"""contrib.learn's recurrent estimators, and what they are made of."""

import numpy as np
import pytest

import tenon as tf

learn, layers = tf.contrib.learn, tf.contrib.layers
common = learn.estimators.rnn_common
SINGLE, MULTIPLE = common.PredictionType.SINGLE_VALUE, common.PredictionType.MULTIPLE_VALUE
CLASSES, NUMBERS = learn.ProblemType.CLASSIFICATION, learn.ProblemType.LINEAR_REGRESSION


@pytest.fixture(autouse=True)
def close_writers():
    yield
    tf.summary.FileWriterCache.clear()


RANDOM = np.random.RandomState(3)
LENGTHS = RANDOM.randint(2, 6, 32)
X = RANDOM.randn(32, 6, 1).astype("f")
CONTEXT = RANDOM.choice([-1.0, 1.0], (32, 1)).astype("f")
# Whether the step before had the sign of the context.
SIDES = (np.concatenate([np.zeros((32, 1)), X[:, :-1, 0]], 1) * CONTEXT > 0).astype(np.int64)


def features_and(labels, length=True):
    features = {"x": tf.constant(X), "c": tf.constant(CONTEXT)}
    if length:
        features["sequence_length"] = tf.constant(LENGTHS.astype(np.int32))
    return features, tf.constant(labels)


def made(problem, prediction, tmp_path, **options):
    given = {"num_units": 8, "cell_type": "gru", "optimizer": "Adam", "learning_rate": 0.03, **options}
    return learn.DynamicRnnEstimator(problem, prediction, [layers.real_valued_column("x")],
                                     [layers.real_valued_column("c")], model_dir=str(tmp_path),
                                     config=learn.RunConfig(tf_random_seed=1), **given)  # fmt: skip


def once(pair):
    return {key: tf.train.limit_epochs(value, num_epochs=1) for key, value in pair[0].items()}


def test_a_class_for_each_step(tmp_path):
    model = made(CLASSES, MULTIPLE, tmp_path, num_classes=2, predict_probabilities=True)
    model.fit(input_fn=lambda: features_and(SIDES), steps=150)
    found = model.evaluate(input_fn=lambda: features_and(SIDES), steps=1)
    said = model.predict(input_fn=lambda: once(features_and(SIDES)), as_iterable=False)
    mask = np.arange(6) < LENGTHS[:, None]
    assert found["accuracy"] == pytest.approx((said["classes"] == SIDES)[mask].mean()) and found["accuracy"] > 0.85
    assert said["probabilities"].shape == (32, 6, 2) and said["rnn_cell_state_0"].shape == (32, 8)
    np.testing.assert_array_equal(said["probabilities"].argmax(2), said["classes"])
    np.testing.assert_allclose(found["loss"], -np.log(np.take_along_axis(said["probabilities"], SIDES[..., None], 2))[
        mask].mean(), rtol=1e-4)  # fmt: skip
    # The state that is fed in goes on: the second half after the first is the whole.
    whole = model.predict(input_fn=lambda: once(features_and(SIDES)), as_iterable=False)

    def half(begin, end, state=None):
        part = {"x": tf.constant(X[:, begin:end]), "c": tf.constant(CONTEXT)}
        if state is not None:
            part["rnn_cell_state_0"] = tf.constant(state)
        return once((part, None))

    first = model.predict(input_fn=lambda: half(0, 3), as_iterable=False)
    second = model.predict(input_fn=lambda: half(3, 6, first["rnn_cell_state_0"]), as_iterable=False)
    both = np.concatenate([first["probabilities"], second["probabilities"]], 1)
    np.testing.assert_allclose(both, whole["probabilities"], atol=1e-5)


def test_a_number_for_each_sequence(tmp_path):
    last = np.take_along_axis(X[..., 0], LENGTHS[:, None] - 1, 1)
    model = made(NUMBERS, SINGLE, tmp_path, cell_type="basic_rnn", optimizer="Momentum", momentum=0.9,
                 dropout_keep_probabilities=[1.0, 1.0])  # fmt: skip
    model.fit(input_fn=lambda: features_and(last), steps=100)
    found = model.evaluate(input_fn=lambda: features_and(last), steps=1)
    said = model.predict(input_fn=lambda: once(features_and(last)), as_iterable=False)["scores"]
    assert found["loss"] == pytest.approx(np.square(said - last[:, 0]).mean(), rel=1e-4) and found["loss"] < 0.2


def test_mistakes(tmp_path):
    for arguments, options in (
        ((NUMBERS, 7), {}), ((7, SINGLE), {}), ((CLASSES, SINGLE), {}), ((NUMBERS, SINGLE), {"num_units": None}),
        ((NUMBERS, SINGLE), {"predict_probabilities": True}),
        ((NUMBERS, SINGLE), {"cell_type": tf.nn.rnn_cell.GRUCell(3)}),
    ):  # fmt: skip
        with pytest.raises(ValueError):
            made(*arguments, tmp_path, **options)
    with pytest.raises(ValueError, match="supported cell types"):
        common.construct_rnn_cell(3, "none")
    with pytest.raises(ValueError, match="one greater"):
        common.construct_rnn_cell([3, 4], "lstm", [0.5, 0.5])
    with pytest.raises(ValueError, match="num_unroll"):
        learn.StateSavingRnnEstimator(NUMBERS, 0, 2, [layers.real_valued_column("x")], num_units=3)


def sums(session, capacity=2, sizes=(5, 2, 7, 1)):
    """Sequences whose states are the sums of what came before; (what each step said, until the end)."""
    number = tf.train.range_input_producer(len(sizes), num_epochs=1, shuffle=False).dequeue()
    steps = tf.cast(tf.range(tf.gather(tf.constant(sizes), number)) + 10 * number, tf.float32)
    batch = tf.contrib.training.batch_sequences_with_states(
        tf.as_string(number), {"x": tf.reshape(steps, [-1, 1])}, {"c": number}, None, {"s": tf.zeros([1])},
        num_unroll=3, batch_size=2, num_threads=1, capacity=capacity,
    )  # fmt: skip
    assert batch.sequences["x"].shape.as_list() == [None, 3, 1]
    new = batch.state("s") + tf.reduce_sum(batch.sequences["x"], 1)
    fetches = [batch.key, batch.next_key, batch.length, batch.total_length, batch.sequence, batch.sequence_count,
               batch.context["c"], new, batch.batch_size, batch.save_state("s", new)]  # fmt: skip
    with pytest.raises(KeyError):
        batch.save_state("none", new)
    session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
    coordinator = tf.train.Coordinator()
    threads = tf.train.start_queue_runners(session, coord=coordinator)
    found = []
    with pytest.raises(tf.errors.OutOfRangeError):
        while True:
            found.append(session.run(fetches)[:-1])
    coordinator.request_stop()
    coordinator.join(threads)
    return found


def test_sequences_in_pieces():
    with tf.Graph().as_default(), tf.Session() as session:
        found = sums(session)
    assert [list(step[0]) for step in found] == [
        [b"00000_of_00002:0", b"00000_of_00001:1"], [b"00001_of_00002:0", b"00000_of_00003:2"],
        [b"00001_of_00003:2", b"00000_of_00001:3"], [b"00002_of_00003:2"],
    ]  # fmt: skip
    assert [list(step[1]) for step in found][-1] == [b"STOP:2"] and list(found[0][1]) == [
        b"00001_of_00002:0",
        b"STOP:1",
    ]
    assert [list(step[2]) for step in found] == [[3, 2], [2, 3], [3, 1], [1]]
    assert [list(step[3]) for step in found] == [[5, 2], [5, 7], [7, 1], [7]]
    assert [list(step[4]) for step in found] == [[0, 0], [1, 0], [1, 0], [2]]
    assert [step[8] for step in found] == [2, 2, 2, 1]
    assert found[-1][7].tolist() == [[20 * 7 + 21.0]] and found[1][7][0].tolist() == [10.0]


def test_pieces_are_checked():
    def saver(**change):
        given = {"batch_size": 1, "num_unroll": 2, "input_length": 2, "input_key": "k", "input_context": {},
                 "input_sequences": {"x": tf.zeros([4, 1])}, "initial_states": {"s": tf.zeros([1])}}  # fmt: skip
        return tf.contrib.training.SequenceQueueingStateSaver(**{**given, **change})

    with tf.Graph().as_default(), tf.Session() as session:
        ok = saver()
        assert ok.num_unroll == 2 and ok.batch_size == 1
        session.run(ok.prefetch_op)
        assert session.run([ok.barrier.ready_size(), ok.barrier.incomplete_size()]) == [1, 1]
        session.run(ok.close())
        with pytest.raises(tf.errors.CancelledError):
            session.run(ok.prefetch_op)
        for change in ({"input_length": 5}, {"input_sequences": {"x": tf.zeros([3, 1])}}):
            with pytest.raises(tf.errors.InvalidArgumentError):
                session.run(saver(**change).prefetch_op)
        for change, kind in (
            ({"capacity": 0}, ValueError), ({"num_unroll": 1.5}, TypeError), ({"input_sequences": {}}, ValueError),
            ({"input_context": {"c": tf.placeholder("float32", [None])}}, ValueError),
            ({"initial_states": 3}, TypeError),
        ):  # fmt: skip
            with pytest.raises(kind):
                saver(**change)


def test_states_are_kept(tmp_path):
    """Whether the sign of the first step, which is pieces ago, was positive."""
    first = (X[:, 0, 0] > 0).astype(np.int64)

    def one(labels=True):
        number = tf.train.range_input_producer(32, shuffle=False, num_epochs=None if labels else 1).dequeue()
        features = {"x": tf.gather(X, number)}
        return features, (tf.fill([6], tf.gather(first, number)) if labels else None)

    model = learn.StateSavingRnnEstimator(
        CLASSES, 3, 32, [layers.real_valued_column("x")], num_classes=2, num_units=[8],
        cell_type="lstm", optimizer_type="Adam", learning_rate=0.02, predict_probabilities=True,
        model_dir=str(tmp_path),
        config=learn.RunConfig(tf_random_seed=1), num_threads=1, queue_capacity=32,
    )  # fmt: skip
    model.fit(input_fn=one, steps=120)
    found = model.evaluate(input_fn=one, steps=2)
    assert found["accuracy"] > 0.85
