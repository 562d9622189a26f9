"""A stock TensorFlow client on Tenon's servers, and Tenon's client on TensorFlow's: the same programs on both."""

import contextlib
import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from api.both import tensorflow
from cluster.tasks import TENON, TENSORFLOW, cluster_of, running, serving

import tenon
from tenon.examples.tutorials.mnist import input_data

DATA = Path(os.environ.get("TENON_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data")
PATIENCE = 300


@pytest.fixture(scope="module")
def tenon_cluster():
    cluster = cluster_of()
    with running(TENON, cluster):
        yield cluster


@pytest.fixture(scope="module")
def tensorflow_cluster():
    cluster = cluster_of()
    with running(TENSORFLOW, cluster):
        yield cluster


@pytest.fixture(params=["TensorFlow_on_Tenon", "Tenon_on_TensorFlow", "Tenon_on_Tenon"])
def sides(request):
    """The client's tf, and the target of a worker."""
    client, server = request.param.split("_on_")
    cluster = request.getfixturevalue(f"{server.lower()}_cluster")
    tf = tensorflow() if client == "TensorFlow" else tenon
    target = f"grpc://{cluster['worker'][0]}"
    tf.Session.reset(target)
    return tf, target


def linear(tf):
    """A regression whose variables are on the parameter server and whose loss is on a worker."""
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    y = tf.placeholder(tf.float32, [None], name="y")
    with tf.device("/job:ps/task:0"):
        w = tf.Variable([0.0, 0.0, 0.0], name="w")
        b = tf.Variable(0.0, name="b")
    with tf.device("/job:worker/task:1"):
        loss = tf.reduce_mean(tf.square(tf.reduce_sum(x * w, 1) + b - y))
        step = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    return x, y, w, b, loss, step


def data():
    generator = np.random.RandomState(0)
    x = generator.rand(50, 3).astype("f")
    return x, (x @ np.array([1.0, -2.0, 3.0], "f") + 0.5).astype("f")


def test_training(sides):
    tf, target = sides
    with tf.Graph().as_default():
        x, y, w, b, loss, step = linear(tf)
        init = tf.global_variables_initializer()
        with tf.Session(target) as session:
            names = sorted(device.name for device in session.list_devices() if device.device_type == "CPU")
            assert len(names) == 3
            session.run(init)
            values = dict(zip((x, y), data()))
            first = session.run(loss, values)
            for _ in range(200):
                _, last = session.run([step, loss], values)
            assert last < first / 100
            learned = session.run([w, b])
        # Variables stay when the session goes.
        with tf.Session(target) as session:
            np.testing.assert_array_equal(session.run(w), learned[0])


def test_the_graph_grows(sides):
    tf, target = sides
    with tf.Graph().as_default(), tf.Session(target) as session:
        with tf.device("/job:ps/task:0"):
            v = tf.Variable(2.0)
        session.run(v.initializer)
        assert session.run(v) == 2
        with tf.device("/job:worker/task:1"):
            more = tf.square(v) + 1
        assert session.run(more) == 5
        with tf.device("/job:ps/task:0"):
            assert session.run(tf.assign_add(v, more)) == 7


def test_large_and_odd_values(sides):
    tf, target = sides
    generator = np.random.RandomState(1)
    with tf.Graph().as_default(), tf.Session(target) as session:
        for value in (generator.rand(1021, 517).astype("f"), generator.rand(3), np.zeros((0, 7), "f"),
                      np.arange(12, dtype="i8").reshape(3, 4), np.array([True, False]), np.float16([1.5, np.inf]),
                      np.array([b"a", b"", b"\0\xff"], object)):  # fmt: skip
            p = tf.placeholder(tf.as_dtype(tf.string if value.dtype == object else value.dtype))
            with tf.device("/job:ps/task:0"):
                there = tf.identity(p)
            with tf.device("/job:worker/task:1"):
                back = tf.identity(there)
            got = session.run(back, {p: value})
            np.testing.assert_array_equal(got, value)


def test_errors(sides):
    tf, target = sides
    with tf.Graph().as_default(), tf.Session(target) as session:
        with tf.device("/job:ps/task:0"):
            v = tf.Variable([1.0, 2.0], name="never")
            bad = tf.reshape(v.initial_value, tf.placeholder_with_default([3], [1]))
        with pytest.raises(tf.errors.FailedPreconditionError, match="never"):
            session.run(v)
        with pytest.raises(tf.errors.InvalidArgumentError):
            session.run(bad)
        session.run(v.initializer)
        np.testing.assert_array_equal(session.run(v), [1, 2])


def test_what_waits_can_be_ended(sides):
    tf, target = sides
    with tf.Graph().as_default():
        with tf.device("/job:ps/task:0"):
            queue = tf.FIFOQueue(3, [tf.float32], shared_name="waiting")
        taken = queue.dequeue()
        put = queue.enqueue([4.0])
        with tf.Session(target) as session:
            with pytest.raises(tf.errors.DeadlineExceededError):
                session.run(taken, options=tf.RunOptions(timeout_in_ms=200))
        with tf.Session(target) as session:
            thread = threading.Thread(target=lambda: (time.sleep(0.3), session.run(put)))
            thread.start()
            assert session.run(taken) == 4
            thread.join()


def test_partial_runs(sides):
    tf, target = sides
    with tf.Graph().as_default(), tf.Session(target) as session:
        a, b = tf.placeholder(tf.float32, []), tf.placeholder(tf.float32, [])
        with tf.device("/job:worker/task:1"):
            twice = a * 2
        total = twice + b
        handle = session.partial_run_setup([twice, total], [a, b])
        assert session.partial_run(handle, twice, {a: 3.0}) == 6
        assert session.partial_run(handle, total, {b: 1.0}) == 7


def test_callables(sides):
    tf, target = sides
    with tf.Graph().as_default(), tf.Session(target) as session:
        a = tf.placeholder(tf.float32, [])
        with tf.device("/job:worker/task:1"):
            square = tf.square(a)
        call = session.make_callable(square, [a])
        assert [float(call(np.float32(i))) for i in range(4)] == [0, 1, 4, 9]


def test_queue_runners_of_the_client(sides):
    tf, target = sides
    with tf.Graph().as_default():
        with tf.device("/job:ps/task:0"):
            queue = tf.FIFOQueue(10, [tf.int32], shapes=[[]], shared_name="runner")
            count = tf.Variable(0, name="count")
            enqueue = queue.enqueue(tf.assign_add(count, 1))
        tf.train.add_queue_runner(tf.train.QueueRunner(queue, [enqueue] * 2))
        taken = queue.dequeue()
        with tf.Session(target) as session:
            session.run(count.initializer)
            coordinator = tf.train.Coordinator()
            threads = tf.train.start_queue_runners(session, coordinator)
            found = {int(session.run(taken)) for _ in range(20)}
            assert len(found) >= 10
            coordinator.request_stop()
            session.run(queue.close(cancel_pending_enqueues=True))
            coordinator.join(threads)


def test_conditions_and_loops_on_one_task(sides):
    tf, target = sides
    with tf.Graph().as_default(), tf.Session(target) as session:
        n = tf.placeholder(tf.int32, [])
        with tf.device("/job:worker/task:1"):
            total = tf.while_loop(lambda i, s: i < n, lambda i, s: (i + 1, s + i), [0, 0])[1]
            chosen = tf.cond(n > 3, lambda: total + 100, lambda: total - 100)
        assert session.run(chosen, {n: 5}) == 110
        assert session.run(chosen, {n: 2}) == -99


def test_closing(sides):
    tf, target = sides
    with tf.Graph().as_default():
        c = tf.constant(1.0)
        session = tf.Session(target)
        assert session.run(c) == 1
        session.close()
        with pytest.raises(RuntimeError):
            session.run(c)


def test_closing_ends_what_waits(sides):
    """A step of another thread that waits for ever ends when its session is closed."""
    tf, target = sides
    with tf.Graph().as_default():
        with tf.device("/job:ps/task:0"):
            queue = tf.FIFOQueue(3, [tf.float32], shared_name="closed")
        entered, taken = tf.FIFOQueue(1, [tf.int32], shared_name="entered"), queue.dequeue()
        with tf.control_dependencies([entered.enqueue([1])]):
            waiting = tf.group(taken)
        begun = entered.dequeue()
        session, found = tf.Session(target), []

        def wait():
            try:
                session.run(waiting)
            except (tf.errors.OpError, RuntimeError) as error:
                found.append(error)

        thread = threading.Thread(target=wait)
        thread.start()
        with tf.Session(target) as other:
            assert other.run(begun, options=tf.RunOptions(timeout_in_ms=PATIENCE * 1000)) == 1
        session.close()
        thread.join(PATIENCE)
        assert not thread.is_alive()
        assert isinstance(found[0], (tf.errors.CancelledError, tf.errors.AbortedError, RuntimeError)), found


def test_reset(sides):
    """Variables are gone, and so are the sessions that were open."""
    tf, target = sides
    with tf.Graph().as_default():
        with tf.device("/job:ps/task:0"):
            v = tf.Variable(3.0, name="kept")
        before = tf.Session(target)
        before.run(v.initializer)
        tf.Session.reset(target)
        with pytest.raises((tf.errors.AbortedError, tf.errors.CancelledError)):
            before.run(v)
        with tf.Session(target) as session:
            with pytest.raises(tf.errors.FailedPreconditionError, match="kept"):
                session.run(v)
            session.run(v.initializer)
            assert session.run(v) == 3


def test_mnist(sides):
    """In-graph replication: both workers compute, the parameter server holds the variables, one client trains."""
    if not (DATA / "mnist").is_dir():
        pytest.skip("no MNIST")
    tf, target = sides
    mnist = input_data.read_data_sets(str(DATA / "mnist"))
    with tf.Graph().as_default():
        tf.set_random_seed(1)
        x, y = tf.placeholder(tf.float32, [None, 784]), tf.placeholder(tf.int64, [None])
        with tf.device("/job:ps/task:0"):
            w1 = tf.Variable(tf.random_normal([784, 32], stddev=0.05, seed=2), name="w1")
            b1, b2 = tf.Variable(tf.zeros([32]), name="b1"), tf.Variable(tf.zeros([10]), name="b2")
            w2 = tf.Variable(tf.random_normal([32, 10], stddev=0.1, seed=3), name="w2")
            step = tf.train.get_or_create_global_step()

        def logits(images):
            return tf.matmul(tf.nn.relu(tf.matmul(images, w1) + b1), w2) + b2

        losses = []
        for i, (images, labels) in enumerate(zip(tf.split(x, 2), tf.split(y, 2))):
            with tf.device(f"/job:worker/task:{i}"):
                given = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits(images))
                losses.append(tf.reduce_mean(given))
        loss = tf.add_n(losses) / 2
        train = tf.train.GradientDescentOptimizer(0.3).minimize(loss, step, colocate_gradients_with_ops=True)
        with tf.device("/job:worker/task:1"):
            right = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits(x), 1), y), tf.float32))
        with tf.Session(target) as session:
            session.run(tf.global_variables_initializer())
            for _ in range(300):
                images, labels = mnist.train.next_batch(100)
                session.run(train, {x: images, y: labels})
            assert session.run(step) == 300
            assert session.run(right, {x: mnist.test.images[:2000], y: mnist.test.labels[:2000]}) > 0.85
            assert np.isfinite(session.run(w1)).all() and session.run(b2).any()


def test_a_wrong_node_that_no_step_uses(tenon_cluster):
    """What the client took is no reason to refuse a whole graph: TensorFlow finds it out when the node runs."""
    tf, target = tensorflow(), f"grpc://{tenon_cluster['worker'][0]}"
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32)
        begin = tf.constant([-1])
        wrong = tf.slice(x, begin, [1])
        with tf.Session(target) as session:
            assert session.run(x + 1, {x: 2}) == 3
            with pytest.raises(tf.errors.InvalidArgumentError):
                session.run(wrong, {x: [1, 2]})
            assert session.run(wrong, {x: [1, 2], begin: [1]}) == [2]


@pytest.mark.parametrize("servers", ["Tenon", "TensorFlow"])
def test_mixed_clusters_are_refused(servers):
    """Parameter servers of the one and workers of the other."""
    cluster = cluster_of(1, 1)
    programs = {"ps": TENON, "worker": TENSORFLOW} if servers == "Tenon" else {"ps": TENSORFLOW, "worker": TENON}
    with contextlib.ExitStack() as stack:
        for job in programs:
            stack.enter_context(serving(programs[job], cluster, job))
        for tf in tenon, tensorflow():
            with tf.Graph().as_default(), tf.device("/job:ps/task:0"):
                v = tf.Variable(1.0)
                with tf.Session(f"grpc://{cluster['worker'][0]}") as session:
                    with pytest.raises(
                        tf.errors.UnimplementedError, match="a cluster can't mix its tasks with others'"
                    ):
                        session.run(v.initializer)
