"""Accumulators and SyncReplicasOptimizer against TensorFlow's."""

import numpy as np

from api.both import both


def test_accumulators():
    def program(tf):
        dense = tf.ConditionalAccumulator(tf.float32, [2], reduction_type="MEAN")
        sparse = tf.SparseConditionalAccumulator(tf.float32, [3, 2])
        x = tf.placeholder(tf.float32, [2])
        apply, count, take = dense.apply_grad(x, local_step=1), dense.num_accumulated(), dense.take_grad(2)
        slices = tf.IndexedSlices(tf.constant([[1.0, 2.0]]), tf.constant([1], tf.int64), tf.constant([3, 2], tf.int64))
        put, taken = sparse.apply_indexed_slices_grad(slices), sparse.take_indexed_slices_grad(1)
        out = [dense.name, take.shape.as_list(), dense.dtype.name]
        with tf.Session() as session:
            for value in ([1.0, 2.0], [3.0, 4.0]):
                session.run(apply, {x: value})
            out += [session.run(count), session.run(take), session.run(count)]
            session.run(dense.set_global_step(5))
            session.run(apply, {x: [1.0, 1.0]})  # of a step long gone
            out.append(session.run(count))
            session.run(put)
            got = session.run(taken)
            out += [got.indices, got.values]
        return out

    both(program)


def test_one_worker_trains():
    def program(tf):
        x = tf.placeholder(tf.float32, [None, 2])
        w = tf.get_variable("w", [2, 1], initializer=tf.constant_initializer([[0.5], [-0.25]]))
        loss = tf.reduce_mean(tf.square(tf.matmul(x, w) - 1.0))
        step = tf.train.get_or_create_global_step()
        optimizer = tf.train.SyncReplicasOptimizer(tf.train.GradientDescentOptimizer(0.1), 1, 1)
        train = optimizer.minimize(loss, global_step=step)
        hook = optimizer.make_session_run_hook(True)
        hooks = [hook, tf.train.StopAtStepHook(last_step=4)]
        # The thread that updates waits for gradients that do not come any more.
        with tf.train.MonitoredTrainingSession(hooks=hooks, stop_grace_period_secs=1) as session:
            while not session.should_stop():
                value = session.run([loss, train], {x: np.ones((4, 2))})[0]
        return value < 0.3

    assert both(program)
