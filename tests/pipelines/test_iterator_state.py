"""Positions of iterators in checkpoints (SerializeIterator, DeserializeIterator): what comes after a restore is what
came after the save."""

import numpy as np
import pytest

import tenon as tf
from tenon.python.ops import gen_ops

DATASETS = {
    "range": lambda: tf.data.Dataset.range(20),
    "shuffled": lambda: tf.data.Dataset.range(20).shuffle(7).repeat(3).batch(3),
    "seeded": lambda: tf.data.Dataset.range(20).shuffle(30, seed=5, reshuffle_each_iteration=False).repeat(2),
    "parallel": lambda: tf.data.Dataset.range(20).shuffle(8).map(lambda x: x * x, num_parallel_calls=2).prefetch(3),
    "random": lambda: tf.data.Dataset.range(20).map(
        lambda x: tf.cast(x, tf.float32) + tf.random_uniform([], seed=3)
    ),
    "zipped": lambda: tf.data.Dataset.zip((tf.data.Dataset.range(9), tf.data.Dataset.range(9).shuffle(9))),
}  # fmt: skip


def rest(session, element):
    """All that still comes."""
    found = []
    try:
        while True:
            found.append(session.run(element))
    except tf.errors.OutOfRangeError:
        return found


def same(ours, theirs):
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", DATASETS)
@pytest.mark.parametrize("drawn", [0, 4])
def test_goes_on_where_it_was(name, drawn, tmp_path):
    def build():
        iterator = tf.data.make_initializable_iterator(DATASETS[name]())
        saveable = tf.data.experimental.make_saveable_from_iterator(iterator)
        return iterator, iterator.get_next(), tf.train.Saver([saveable])

    with tf.Graph().as_default(), tf.Session() as session:
        iterator, element, saver = build()
        session.run(iterator.initializer)
        for _ in range(drawn):
            session.run(element)
        path = saver.save(session, str(tmp_path / "input"))
        wanted = rest(session, element)
        saver.restore(session, path)  # the same iterator, which has ended
        same(rest(session, element), wanted)
    with tf.Graph().as_default(), tf.Session() as session:
        _, element, saver = build()
        saver.restore(session, path)
        same(rest(session, element), wanted)


def test_one_shot_and_variables_together(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        iterator = tf.data.make_one_shot_iterator(tf.data.Dataset.range(6).shuffle(6))
        element, total = iterator.get_next(), tf.get_variable("total", [], tf.int64, tf.zeros_initializer())
        step = tf.assign_add(total, element)
        tf.add_to_collection(tf.GraphKeys.SAVEABLE_OBJECTS, tf.data.experimental.make_saveable_from_iterator(iterator))
        saver = tf.train.Saver()
        session.run(tf.global_variables_initializer())
        session.run([step, step])
        path = saver.save(session, str(tmp_path / "both"))
        rest(session, step)
        assert session.run(total) == 15
        saver.restore(session, path)
        assert session.run(total) < 15
        rest(session, step)
        assert session.run(total) == 15


def test_errors():
    with tf.Graph().as_default(), tf.Session() as session:
        iterator = tf.data.make_initializable_iterator(tf.data.Dataset.range(6).shuffle(6))
        other = tf.data.make_initializable_iterator(tf.data.Dataset.range(6))
        state = gen_ops.serialize_iterator(iterator._iterator_resource)
        with pytest.raises(tf.errors.FailedPreconditionError, match="has not been initialized"):
            session.run(state.op)
        session.run([iterator.initializer, other.initializer])
        with pytest.raises(tf.errors.InvalidArgumentError, match="1 shuffles; this one has 0"):
            session.run(gen_ops.deserialize_iterator(other._iterator_resource, state))
    with pytest.raises(ValueError, match="external_state_policy"):
        tf.data.experimental.make_saveable_from_iterator(iterator, "perhaps")


def test_hook(tmp_path):
    """An Estimator that is trained in two parts sees each element once."""

    def input_fn():
        return tf.data.Dataset.range(12).shuffle(12)

    def model_fn(features, labels, mode):
        seen = tf.get_variable("seen", [12], tf.int64, tf.zeros_initializer())
        step = tf.group(tf.scatter_add(seen, features, 1), tf.assign_add(tf.train.get_global_step(), 1))
        return tf.estimator.EstimatorSpec(mode, loss=tf.constant(0.0), train_op=step)

    config = tf.estimator.RunConfig(model_dir=str(tmp_path), save_checkpoints_steps=3)
    for _ in range(2):
        estimator = tf.estimator.Estimator(model_fn, config=config)
        estimator.train(input_fn, steps=6, hooks=[tf.data.experimental.CheckpointInputPipelineHook(estimator)])
    np.testing.assert_array_equal(estimator.get_variable_value("seen"), np.ones(12))
