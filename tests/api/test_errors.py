"""What users get wrong, and how they are told: the kind of error and its text, the line that made the node."""

import os
import re
import sys

import numpy as np
import pytest

import tenon
from api.both import both, run, tensorflow


def told(tf, program):
    """(the error's class by name, its message) of what PROGRAM raises."""
    with pytest.raises(Exception) as caught:
        run(tf, program)
    error = caught.value
    return type(error).__name__, getattr(error, "message", None) or str(error)


def step(fetch, feed=None):
    """A program that runs what FETCH(tf) makes, with what FEED(tf, it) feeds."""

    def program(tf):
        made = fetch(tf)
        with tf.Session() as session:
            return session.run(
                made, feed and {tf.get_default_graph().get_tensor_by_name(k): v for k, v in feed.items()}
            )

    return program


def twice(name):
    def program(tf):
        tf.get_variable("v", [2])
        with tf.variable_scope("", reuse=name != "exists"):
            shape = [3] if name == "shape" else [2]
            tf.get_variable("w" if name == "missing" else "v", shape, dtype=tf.int32 if name == "type" else tf.float32)

    return program


def finalized(tf):
    tf.get_default_graph().finalize()
    tf.constant(1)


def of_nothing(tf):
    tf.Variable(1.0, name="v")
    return tf.train.GradientDescentOptimizer(0.1).minimize(tf.constant(1.0))


def given_none(tf):
    v, w = tf.Variable(1.0, name="v"), tf.Variable(2.0, name="w")
    tf.train.GradientDescentOptimizer(0.1).apply_gradients([(None, v), (None, w)])


def after_the_end(tf):
    session = tf.Session()
    made = tf.constant(1)
    session.close()
    session.run(made)


def lost(tf):
    tf.Variable(1.0)
    with tf.Session() as session:
        tf.train.Saver().restore(session, "/nowhere/x")


# The same text as TensorFlow's.
SAME = {
    "two dtypes": lambda tf: tf.add(tf.zeros([2]), tf.zeros([2], tf.int32)),
    "two dtypes by an operator": lambda tf: tf.zeros([2]) + tf.zeros([2], tf.int32),
    "None as a tensor": lambda tf: tf.convert_to_tensor(None),
    "a feed too large": step(lambda tf: tf.placeholder(tf.int8, [], name="x"), {"x:0": 1000}),
    "an empty graph": lambda tf: tf.Session().run("a"),
    "no variables": lambda tf: tf.train.GradientDescentOptimizer(0.1).minimize(tf.constant(1.0)),
    "no gradient": of_nothing,
    "None for every gradient": given_none,
    "a variable twice": twice("exists"),
    "a variable to reuse that is missing": twice("missing"),
    "a variable of another shape": twice("shape"),
    "a variable of another dtype": twice("type"),
    "a finalized graph": finalized,
    "a tensor's name that is an operation's": lambda tf: tf.get_default_graph().get_tensor_by_name("a"),
    "an operation that is not there": lambda tf: tf.get_default_graph().get_operation_by_name("a"),
    "no file": lambda tf: tf.gfile.GFile("/nowhere/x").read(),
    "no checkpoint": lost,
    "nothing to save": lambda tf: tf.train.Saver(),
    "labels of a wrong rank": lambda tf: tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[[1]], logits=[[1.0]]),
    "two shapes of a loss": lambda tf: tf.losses.mean_squared_error(tf.ones([2]), tf.ones([3])),
    "a loop whose shape changes": lambda tf: tf.while_loop(lambda i: i < 3, lambda i: tf.stack([i, i]), [0]),
    "a closed session": after_the_end,
    "no such saved model": lambda tf: tf.saved_model.loader.load(tf.Session(), ["serve"], "/nowhere"),
}  # fmt: skip


@pytest.mark.parametrize("what", SAME)
def test_the_same_text(what):
    ours, theirs = told(tenon, SAME[what]), told(tensorflow(), SAME[what])
    # Lines of programs stand in both, each its own.
    assert (ours[0], ours[1].split("\n")[0]) == (theirs[0], theirs[1].split("\n")[0])


X = "x:0"
# TensorFlow's kind of error; the text as a pattern: it names the op, the node, what was expected and what came.
KIND = {
    "a product": (lambda tf: tf.matmul(tf.zeros([2, 3]), tf.zeros([4, 5]), name="p"),
                  r"MatMul 'p': dimensions must be equal, but are 3 and 4, with input shapes: \[2,3\], \[4,5\]"),
    "a sum": (lambda tf: tf.add(tf.zeros([2, 3]), tf.zeros([4]), name="s"), r"AddV2 's': .*\[2,3\] .*\[4\]"),
    "a convolution": (lambda tf: tf.nn.conv2d(tf.ones([1, 5, 5, 3]), tf.ones([3, 3, 2, 1]), [1] * 4, "SAME", name="c"),
                      r"Conv2D 'c': depth of input \(3\).*with input shapes: \[1,5,5,3\], \[3,3,2,1\]"),
    "a small picture": (lambda tf: tf.nn.conv2d(tf.ones([1, 2, 2, 1]), tf.ones([3, 3, 1, 1]), [1] * 4, "VALID"),
                        "negative dimension size"),
    "a reshape": (lambda tf: tf.reshape(tf.zeros([6]), [4, 2], name="r"), r"Reshape 'r': cannot resh.*\[6\].*\[4,2\]"),
    "an index": (lambda tf: tf.ones([3])[5], "slice index 5 of dimension 0 out of bounds"),
    "an assignment": (lambda tf: tf.assign(tf.Variable([1.0]), [1.0, 2.0]), r"equal.*\[1\].*\[2\]"),
    "a dimension": (lambda tf: tf.argmax(tf.ones([2, 2]), 5), r"[Dd]imension.*5.*\[-2, ?2\)"),
    "text as a number": (lambda tf: tf.convert_to_tensor("a", tf.float32), "Expected float32.*str"),
    "a name": (lambda tf: tf.constant(1, name="a b"), "'a b'.*not a valid node name"),
    "branches of two dtypes": (lambda tf: tf.cond(tf.constant(True), lambda: tf.constant(1), lambda: tf.constant(1.0)),
                               "must have the same type.*int32.*float32"),
    "a missing feed": (step(lambda tf: tf.placeholder(tf.float32, [2], name="x") * 2.0),
                       r"You must feed a value for placeholder.* 'x' with dtype float32 and shape \[2\]"),
    "a feed's shape": (step(lambda tf: tf.placeholder(tf.float32, [2], name="x"), {X: [1, 2, 3]}),
                       r"Cannot feed value of shape \(3,\) for Tensor 'x:0', which has shape '\(2,\)'"),
    "a feed's dtype": (step(lambda tf: tf.placeholder(tf.float32, [2], name="x"), {X: ["a", "b"]}),
                       "could not convert string to float: 'a'"),
    "a fetch": (step(lambda tf: [tf.constant(1), 3]), "Fetch argument 3 has invalid type"),
    "no fetch": (step(lambda tf: [tf.constant(1), None]), "Fetch argument None has invalid type"),
    "a variable without value": (step(lambda tf: tf.Variable(1.0, name="v")), "uninitialized value v"),
    "shapes of a step": (step(lambda tf: tf.matmul(tf.placeholder(tf.float32, name="x"), tf.ones([3, 2]), name="p"),
                              {X: np.ones([2, 4])}), r"'p'.*\[2,4\].*\[3,2\]"),
    "a row that is not there": (step(lambda tf: tf.gather([1.0, 2.0], [7], name="g")), r"'g': indices\[0\] = 7 is not"),
    "a label that is no class": (
        step(lambda tf: tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[5], logits=[[1.0, 2.0]], name="n")),
        r"'n.*label.* 5 .*\[0, 2\)"),
    "no number": (step(lambda tf: tf.check_numerics(tf.log([-1.0]), "told", name="n")), "'n': told : Tensor had NaN"),
    "an assertion": (step(lambda tf: tf.Assert(tf.constant(False), [tf.constant("told")])), r"failed: \[told\]"),
    "a feature": (step(lambda tf: tf.parse_single_example(b"", {"a": tf.FixedLenFeature([], tf.int64)})["a"]),
                  r"Feature: a \(data type: int64\) is required but could not be found"),
    "a field of CSV": (step(lambda tf: tf.decode_csv("1,2,3", [[0], [0]])[0]), "Expect 2 fields but have 3 in record"),
    "a closed queue": (step(lambda tf: closed(tf)), "FIFOQueue '.*q' is closed and has insufficient elements "
                       r"\(requested 1, current size 0\)"),
    "Python's own error": (step(lambda tf: tf.py_func(lambda: int("no"), [], tf.int64)), "ValueError: invalid literal"),
    "no picture": (step(lambda tf: tf.image.decode_jpeg(b"not a picture", name="d")), "DecodeJpeg 'd'.*JPEG"),
    "half a picture": (step(lambda tf: tf.image.decode_jpeg(picture()[:60], name="d")), "DecodeJpeg 'd': Invalid JPEG"),
    "no PNG": (step(lambda tf: tf.image.decode_png(b"not a picture", name="d")), "DecodePng 'd'.*PNG"),
    "a device": (step(lambda tf: on_nothing(tf)), "Cannot assign a device for operation.*/device:GPU:7"),
}  # fmt: skip


def closed(tf):
    queue = tf.FIFOQueue(2, tf.float32, name="q")
    with tf.control_dependencies([queue.close()]):
        return queue.dequeue()


def on_nothing(tf):
    with tf.device("/gpu:7"):
        return tf.constant(1.0, name="a") + 1.0


def picture():
    return run(tenon, lambda tf: tf.image.encode_jpeg(np.zeros([9, 9, 3], "uint8")))


@pytest.mark.parametrize("what", KIND)
def test_the_same_kind(what):
    program, pattern = KIND[what]
    error = both.error(program)
    assert re.search(pattern, (getattr(error, "message", None) or str(error)).split("\n")[0]), str(error)


def line_of(text):
    """Where TEXT stands in this file."""
    with open(__file__, encoding="utf-8") as f:
        return next(n for n, line in enumerate(f, 1) if line.strip() == text)


def test_the_line_that_made_the_node():
    with tenon.Graph().as_default(), tenon.Session() as session:
        x = tenon.placeholder(tenon.float32, name="x")
        bad = tenon.matmul(x, tenon.ones([3, 2]), name="product")
        with pytest.raises(tenon.errors.InvalidArgumentError) as caught:
            session.run(tenon.reduce_sum(bad), {x: np.ones([2, 4])})
        assert caught.value.op is bad.op and caught.value.node_def.name == "product"
        line = line_of('bad = tenon.matmul(x, tenon.ones([3, 2]), name="product")')
        assert f'File "{__file__}", line {line}, in test_the_line_that_made_the_node' in str(caught.value)
        assert "tenon/python/ops" not in str(caught.value)


def test_the_line_in_a_loop_and_a_dataset():
    with tenon.Graph().as_default(), tenon.Session() as session:
        x = tenon.placeholder(tenon.float32, name="x")
        loop = tenon.while_loop(lambda i, _: i < 3, lambda i, v: (i + 1, fails(v)), [0, x], name="loop",
                                shape_invariants=[tenon.TensorShape([]), tenon.TensorShape(None)])  # fmt: skip
        with pytest.raises(tenon.errors.InvalidArgumentError, match="loop/within") as caught:
            session.run(loop, {x: np.ones([2])})
        assert f'File "{__file__}", line {line_of("return tenon.gather(v, [9], name=within)")}, in fails' in str(
            caught.value
        )


within = "within"


def fails(v):
    return tenon.gather(v, [9], name=within)


def corrupt(path):
    """A file of records, the second of which is broken, and where that begins."""
    with tenon.python_io.TFRecordWriter(path) as writer:
        for text in (b"first", b"second", b"third"):
            writer.write(text)
    with open(path, "r+b") as f:
        content = bytearray(f.read())
        first = 8 + 4 + 5 + 4
        content[first + 12] ^= 1
        f.seek(0)
        f.write(content)
    return first


def by_reader(path):
    queue = tenon.train.string_input_producer([path], num_epochs=1)
    return tenon.TFRecordReader().read(queue).value


def by_dataset(path):
    return tenon.data.TFRecordDataset(path).make_one_shot_iterator().get_next()


@pytest.mark.parametrize("read", [by_reader, by_dataset])
def test_a_corrupt_record(read, tmp_path):
    path = str(tmp_path / "broken.tfrecord")
    place = corrupt(path)
    with tenon.Graph().as_default(), tenon.Session() as session:
        record = read(path)
        session.run(tenon.local_variables_initializer())
        threads = tenon.train.start_queue_runners(session, coordinator := tenon.train.Coordinator())
        assert session.run(record) == b"first"
        with pytest.raises(tenon.errors.DataLossError, match=f"{path}: corrupted record at {place}"):
            session.run(record)
        coordinator.request_stop()
        coordinator.join(threads)


def test_a_corrupt_record_in_python(tmp_path):
    path = str(tmp_path / "broken.tfrecord")
    place = corrupt(path)
    records = tenon.python_io.tf_record_iterator(path)
    assert next(records) == b"first"
    with pytest.raises(tenon.errors.DataLossError, match=f"{path}: corrupted record at {place}"):
        next(records)


def test_none_gradients_are_none():
    def program(tf):
        v, w = tf.Variable(1.0, name="v"), tf.Variable(2.0, name="w")
        pairs = tf.train.GradientDescentOptimizer(0.1).compute_gradients(v * 2.0)
        return [(gradient is None, variable.op.name) for gradient, variable in pairs], tf.gradients(v, w)

    both(program)


def test_a_broken_picture_in_a_pipeline(tmp_path):
    for name, content in (("good.jpg", picture()), ("bad.jpg", picture()[:60])):
        (tmp_path / name).write_bytes(content)
    with tenon.Graph().as_default(), tenon.Session() as session:
        paths = tenon.data.Dataset.from_tensor_slices([str(tmp_path / name) for name in ("good.jpg", "bad.jpg")])
        pictures = paths.map(lambda path: tenon.image.decode_jpeg(tenon.read_file(path), name="decoded"))
        element = pictures.make_one_shot_iterator().get_next()
        assert session.run(element).shape == (9, 9, 3)
        with pytest.raises(tenon.errors.InvalidArgumentError, match="DecodeJpeg 'decoded': Invalid JPEG data"):
            session.run(element)


def test_a_whole_program_tells_its_line(tmp_path):
    """An error that nobody catches ends with the line of the program that made the node."""
    import subprocess

    path = tmp_path / "program.py"
    path.write_text(
        'import tensorflow as tf\nx = tf.placeholder(tf.float32, [2], name="features")\n'
        'y = tf.reduce_sum(x * 2.0, name="total")\nprint(tf.Session().run(y))\n'
    )
    python = os.path.join(os.path.dirname(__file__), "..", "..", "python")
    done = subprocess.run([sys.executable, "-m", "tenon.compat", str(path)], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "PYTHONPATH": python})  # fmt: skip
    assert done.returncode == 1 and done.stdout == ""
    assert "You must feed a value for placeholder 'features' with dtype float32 and shape [2]" in done.stderr
    assert f'File "{path}", line 2, in <module>' in done.stderr and f'File "{path}", line 4, in <module>' in done.stderr
