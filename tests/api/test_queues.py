"""Queues, readers and Python functions against TensorFlow: names, shapes, values, errors."""

import numpy as np
import pytest

import tenon
from api.both import both, tensorflow

X = np.arange(12, dtype=np.float32).reshape(4, 3)


def steps(tf, build, config=None):
    """The values of the steps that BUILD(tf) lists, one after the other."""
    with tf.Graph().as_default(), tf.Session() as session:
        return [session.run(step) for step in build(tf)]


def test_fifo():
    def build(tf):
        q = tf.FIFOQueue(10, [tf.float32, tf.string], shapes=[[3], []])
        put = q.enqueue_many([X, [b"a", b"b", b"c", b"d"]])
        return [put, q.dequeue(), q.dequeue_many(2), q.enqueue([X[0], "e"]), q.size(), q.close(), q.is_closed(),
                q.dequeue_up_to(9)]  # fmt: skip

    ours = steps(tenon, build)
    both(lambda tf: [r for r in (steps(tf, build)) if r is not None])
    assert ours[4] == 2


def test_names_and_shapes():
    def program(tf):
        queues = [
            tf.FIFOQueue(10, tf.int32, names="x"), tf.PaddingFIFOQueue(3, [tf.float32], [[None, 2]]),
            tf.RandomShuffleQueue(20, 5, [tf.int32, tf.int64], shapes=[(), (2,)], seed=3),
            tf.PriorityQueue(5, tf.string, shapes=[[]]),
        ]  # fmt: skip
        found = []
        for q in queues[1:]:
            one, many, some = q.dequeue(), q.dequeue_many(4), q.dequeue_up_to(4)
            for t in (one, many, some):
                t = t if isinstance(t, list) else [t]
                found.append([(x.op.name, x.get_shape(), x.dtype) for x in t])
            found.append([q.name, q.size().op.name, q.close().name, q.is_closed().op.name, q.dtypes, q.shapes, q.names])
        put = queues[0].enqueue({"x": 3})
        found += [
            put.name,
            put.inputs[1].op.name,
            list(queues[0].dequeue()),
            queues[0].enqueue_many({"x": [1, 2]}).name,
        ]
        return found

    both(program)


def test_seeds():
    def program(tf):
        tf.set_random_seed(5)
        a, b = (
            tf.RandomShuffleQueue(50, 0, tf.int32, shapes=[[]], seed=s, shared_name=n)
            for s, n in ((7, None), (None, "n"))
        )
        with tf.Session() as session:
            for q in (a, b):
                session.run(q.enqueue_many([np.arange(40, dtype=np.int32)]))
            return session.run([a.dequeue_many(20), b.dequeue_many(20)])

    both(program)


@pytest.mark.parametrize(
    "program",
    [
        lambda tf: tf.FIFOQueue(3, [tf.int32, tf.int32], names=["a"]),
        lambda tf: tf.FIFOQueue(3, tf.int32, shapes=[[None]]),
        lambda tf: tf.PaddingFIFOQueue(3, [tf.int32, tf.int32], shapes=[[2]]),
        lambda tf: tf.FIFOQueue(3, tf.int32, shapes=[[2]]).enqueue([[1, 2, 3]]),
        lambda tf: tf.FIFOQueue(3, tf.int32).enqueue({"a": 1}),
        lambda tf: tf.FIFOQueue(3, tf.int32, names="a").enqueue(1),
        lambda tf: tf.FIFOQueue(3, tf.int32, names="a").enqueue({"b": 1}),
        lambda tf: tf.FIFOQueue(3, [tf.int32, tf.int32]).enqueue_many([[1, 2], [1]]),
    ],
)
def test_mistakes(program):
    both.error(program)


def test_readers(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_bytes(b"head\none\ntwo\n")

    def program(tf):
        reader = tf.TextLineReader(skip_header_lines=1)
        q = tf.FIFOQueue(3, tf.string, shapes=[[]])
        key, value = reader.read(q)
        names = [key.op.name, value.get_shape(), reader.reader_ref.op.name, reader.supports_serialize]
        count = reader.num_records_produced()
        with tf.Session() as session:
            session.run([q.enqueue([str(path)])])
            session.run(q.close())
            values = [session.run([key, value]), session.run(reader.read_up_to(q, 5)), session.run(count)]
            with pytest.raises(tf.errors.OutOfRangeError):
                session.run(key)
        return names, values, tf.read_file(str(path)), tf.matching_files(str(tmp_path / "*.txt"))

    both(program)


def test_records(tmp_path):
    records = [b"one", b"", bytes(range(256)) * 10]
    for kind in ("", "ZLIB", "GZIP"):
        path = str(tmp_path / f"records{kind}")
        with tenon.python_io.TFRecordWriter(path, tenon.python_io.TFRecordOptions(kind or None)) as writer:
            for record in records:
                writer.write(record)
        options = tensorflow().python_io.TFRecordOptions(kind or None)
        assert list(tensorflow().python_io.tf_record_iterator(path, options)) == records
        assert list(tenon.python_io.tf_record_iterator(path, tenon.python_io.TFRecordOptions(kind))) == records
    content = (tmp_path / "records").read_bytes()
    (tmp_path / "records").write_bytes(content[:-10] + b"!" + content[-9:])
    with pytest.raises(tenon.errors.DataLossError, match=r"records: corrupted record at 35"):
        list(tenon.python_io.tf_record_iterator(str(tmp_path / "records")))
    with pytest.raises(tenon.errors.NotFoundError):
        tenon.python_io.tf_record_iterator(str(tmp_path / "nothing"))


def test_py_func():
    def program(tf):
        x = tf.constant(X)
        total, text = tf.py_func(lambda a: (a.sum(0), b"text"), [x], [tf.float32, tf.string])
        one = tf.numpy_function(lambda a, b: a * b, [x, 2.0], tf.float32, name="product")
        return total, text, one, total.op.name, one.op.name, one.get_shape(), total.dtype

    both(program)


@pytest.mark.parametrize(
    "function", [lambda: 1 / 0, lambda: np.float64(1), lambda: [1.0, 2.0], lambda: {}["x"], lambda: int("x")]
)
def test_py_func_mistakes(function):
    both.error(lambda tf: tf.py_func(function, [], tf.float32))


def test_accumulators():
    def program(tf):
        dense = tf.ConditionalAccumulator(tf.float32, shape=[3])
        rows = tf.SparseConditionalAccumulator(tf.float32, shape=[4, 3])
        put, take = dense.apply_grad(X[0], local_step=1), dense.take_grad(2)
        slices = tf.IndexedSlices(tf.constant(X[:2]), tf.constant([1, 3]), tf.constant([4, 3]))
        names = [
            take.get_shape(),
            dense.num_accumulated().op.name,
            dense.accumulator_ref.op.name,
            rows.name,
            dense.dtype,
        ]
        with tf.Session() as session:
            for step in (put, put, dense.apply_grad(X[1], 5), rows.apply_indexed_slices_grad(slices)):
                session.run(step)
            values = [session.run(dense.num_accumulated()), session.run(take), session.run(rows.num_accumulated())]
            values += [*session.run(rows.take_grad(1)), session.run(dense.set_global_step(7)) is None]
            session.run(put)
            return names, values, session.run(dense.num_accumulated())

    both(program)


def test_session_tensors():
    def program(tf):
        a, b = tf.constant(X), tf.constant([2.0, 1.0, 0.5])
        with tf.Session() as session:
            kept = session.run(tf.get_session_handle(tf.multiply(a, b)))
            holder, tensor = tf.get_session_tensor(kept.handle, tf.float32)
            doubled = session.run(tensor * 2, {holder: kept.handle})
            again, fed = kept.eval(), session.run(a + 1, {a: kept})
            forget_holder, forget = tf.delete_session_tensor(kept.handle)
            session.run(forget, {forget_holder: kept.get_raw_handle()})
            with pytest.raises(tf.errors.InvalidArgumentError):
                session.run(tensor, {holder: kept.handle})
            return doubled, again, fed, type(kept).__name__

    both(program)
