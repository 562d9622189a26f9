"""slim's data: decoders against tf_slim's, providers, queues, summaries, and evaluating checkpoints."""

import numpy as np
import pytest

import tenon as tf
from api.slim_oracle import both

slim = tf.contrib.slim
PIXELS = np.random.RandomState(0).randint(0, 255, (4, 3, 3)).astype("u1")


def example(tf, **features):
    """A serialised Example: bytes, integers or floats by the first value."""
    made = tf.train.Example()
    for key, values in features.items():
        kind = {bytes: "bytes_list", int: "int64_list", float: "float_list"}[type(values[0])]
        getattr(made.features.feature[key.replace("__", "/")], kind).value.extend(values)
    return made.SerializeToString()


def encoded(image_format):
    with tf.Graph().as_default(), tf.Session() as session:
        encode = {"png": tf.image.encode_png, "jpeg": tf.image.encode_jpeg}[image_format]
        return session.run(encode(tf.constant(PIXELS)))


def decode(tf, slim, features, handlers, **values):
    decoder = slim.tfexample_decoder.TFExampleDecoder(features, handlers)
    assert list(decoder.list_items()) == list(handlers)
    return decoder.decode(tf.constant(example(tf, **values)), list(handlers))


def test_tensors():
    def program(tf, slim):
        d = slim.tfexample_decoder
        features = {
            "one": tf.FixedLenFeature([], tf.int64, default_value=0), "four": tf.FixedLenFeature([4], tf.float32),
            "many": tf.VarLenFeature(tf.int64), "h": tf.FixedLenFeature([1], tf.int64), "w": tf.VarLenFeature(tf.int64),
            "none": tf.VarLenFeature(tf.int64), "words": tf.VarLenFeature(tf.string),
        }  # fmt: skip
        table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(tf.constant(["a", "b"]), tf.constant([5, 7], tf.int64)), -1
        )
        handlers = {
            "plain": d.Tensor("one"), "shaped": d.Tensor("four", shape=[2, 2]), "dense": d.Tensor("many"),
            "by keys": d.Tensor("many", shape_keys=["h", "w"]), "sparse shaped": d.Tensor("many", shape=[3, 2]),
            "backup": d.BackupHandler(d.Tensor("none"), d.Tensor("many")),
            "no backup": d.BackupHandler(d.Tensor("many"), d.Tensor("none")),
            "looked up": d.LookupTensor("words", table),
            "called": d.ItemHandlerCallback(["one", "four"], lambda t: t["four"] * tf.cast(t["one"], tf.float32)),
        }  # fmt: skip
        return decode(tf, slim, features, handlers, one=[3], four=[1.0, 2.0, 3.0, 4.0], many=[1, 2, 3, 4, 5, 6],
                      h=[2], w=[3], words=[b"b", b"x", b"a"])  # fmt: skip

    both(program)


def test_boxes_and_sparse():
    def program(tf, slim):
        d = slim.tfexample_decoder
        features = {f"box/{key}": tf.VarLenFeature(tf.float32) for key in ("ymin", "xmin", "ymax", "xmax")}
        features.update(indices=tf.VarLenFeature(tf.int64), values=tf.VarLenFeature(tf.float32),
                        shape=tf.FixedLenFeature([1], tf.int64))  # fmt: skip
        handlers = {"boxes": d.BoundingBox(prefix="box/"), "sparse": d.SparseTensor(shape=[5], densify=True),
                    "sparse by key": d.SparseTensor(shape_key="shape", densify=True, default_value=-1.0)}  # fmt: skip
        sides = {f"box__{key}": [0.1 * i, 0.2 * i] for i, key in enumerate(("ymin", "xmin", "ymax", "xmax"))}
        return decode(tf, slim, features, handlers, indices=[1, 3], values=[2.0, 4.0], shape=[6], **sides)

    both(program)
    with pytest.raises(ValueError, match="4 keys"):
        slim.tfexample_decoder.BoundingBox(["a"])
    with pytest.raises(ValueError, match="both shape_keys and shape"):
        slim.tfexample_decoder.Tensor("a", shape_keys="b", shape=[1])
    with pytest.raises(ValueError, match="Backup handler"):
        slim.tfexample_decoder.BackupHandler(slim.tfexample_decoder.Tensor("a"), None)


@pytest.mark.parametrize("kind", ["png", "jpeg", "raw"])
@pytest.mark.parametrize("shape", [None, [4, 3, 3]])
def test_images(kind, shape):
    if kind == "raw" and shape is None:
        return  # bytes have no shape of their own
    data = PIXELS.tobytes() if kind == "raw" else encoded(kind)

    def program(tf, slim):
        features = {
            "image/encoded": tf.FixedLenFeature([], tf.string),
            "image/format": tf.FixedLenFeature([], tf.string),
        }
        handlers = {"image": slim.tfexample_decoder.Image(shape=shape)}
        return decode(tf, slim, features, handlers, image__encoded=[data], image__format=[kind.encode()])

    with tf.Graph().as_default(), tf.Session() as session:
        made = session.run(program(tf, slim))[0]
    assert made.shape == (4, 3, 3)
    if kind == "jpeg":
        assert np.abs(made.astype(int) - PIXELS).mean() < 60
    else:
        np.testing.assert_array_equal(made, PIXELS)
    both(program)


@pytest.fixture
def files(tmp_path):
    """Two files of ten Examples each."""
    for name in "ab":
        with tf.python_io.TFRecordWriter(str(tmp_path / f"{name}.tfrecord")) as writer:
            for i in range(10):
                writer.write(example(tf, number=[i + 10 * (name == "b")], image__format=[b"raw"]))
    return tmp_path


def dataset(files):
    decoder = slim.tfexample_decoder.TFExampleDecoder(
        {"number": tf.FixedLenFeature([], tf.int64)}, {"n": slim.tfexample_decoder.Tensor("number")}
    )
    return slim.dataset.Dataset(str(files / "*.tfrecord"), tf.TFRecordReader, decoder, 20, {"n": "a number"}, more=1)


@pytest.mark.parametrize("shuffle", [False, True])
def test_provider_gives_every_record_once(files, shuffle):
    with tf.Graph().as_default(), tf.Session() as session:
        data = dataset(files)
        assert data.more == 1 and data.items_to_descriptions == {"n": "a number"}
        provider = slim.dataset_data_provider.DatasetDataProvider(
            data, num_readers=2, shuffle=shuffle, num_epochs=1, common_queue_min=4, seed=1
        )
        assert set(provider.list_items()) == {"n", "record_key"} and provider.num_samples() == 20
        number, key = provider.get(["n", "record_key"])
        with pytest.raises(ValueError, match="invalid"):
            provider.get(["m"])
        with pytest.raises(ValueError, match="list or tuple"):
            provider.get("n")
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        seen = {}
        with slim.queues.QueueRunners(session):
            with pytest.raises(slim.queues.NestedQueueRunnerError), slim.queues.QueueRunners(session):
                pass
            with pytest.raises(tf.errors.OutOfRangeError):
                while True:
                    value, name = session.run([number, key])
                    seen[int(value)] = name
        assert sorted(seen) == list(range(20)) and len(set(seen.values())) == 20


def test_files_and_single_pass(files):
    found = slim.parallel_reader.get_data_files([str(files / "a.tfrecord"), str(files / "b*")])
    assert [path[-10:] for path in found] == ["a.tfrecord", "b.tfrecord"]
    with pytest.raises(ValueError, match="No data files"):
        slim.parallel_reader.get_data_files(str(files / "c*"))
    with tf.Graph().as_default(), tf.Session() as session:
        _, record = slim.parallel_reader.single_pass_read(str(files / "a.tfrecord"), tf.TFRecordReader)
        session.run(tf.local_variables_initializer())
        with slim.queues.QueueRunners(session):
            got = [tf.train.Example.FromString(session.run(record)).features.feature["number"].int64_list.value[0]
                   for _ in range(10)]  # fmt: skip
            with pytest.raises(tf.errors.OutOfRangeError):
                session.run(record)
        assert got == list(range(10))
    with tf.Graph().as_default(), pytest.raises(TypeError, match=r"common_queue\.dtypes"):
        slim.parallel_reader.ParallelReader(tf.TFRecordReader, tf.FIFOQueue(2, [tf.string, tf.int32]))


def test_prefetch_queue():
    with tf.Graph().as_default(), tf.Session() as session:
        counter = tf.train.range_input_producer(5, shuffle=False, num_epochs=2).dequeue()
        lists = slim.prefetch_queue.prefetch_queue([counter, counter * 2], capacity=3)
        named = slim.prefetch_queue.prefetch_queue({"x": tf.constant([1.0, 2.0]), "y": tf.constant(3)}, num_threads=2)
        one, two = lists.dequeue()
        session.run(tf.local_variables_initializer())
        with slim.queues.QueueRunners(session):
            assert [tuple(session.run([one, two])) for _ in range(4)] == [(0, 0), (1, 2), (2, 4), (3, 6)]
            assert session.run(named.dequeue())["x"].tolist() == [1, 2]
        tags = [op.name for op in tf.get_default_graph().get_operations() if op.type == "ScalarSummary"]
        assert any(tag.endswith("fraction_of_3_full") for tag in tags)


def test_summaries():
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant([[0.0, 1.0]], name="x")
        image = tf.zeros([1, 2, 2, 3], name="image")
        made = [
            slim.summaries.add_histogram_summary(x, prefix="p"), slim.summaries.add_zero_fraction_summary(x),
            slim.summaries.add_scalar_summary(tf.constant(2.0, name="y"), print_summary=True),
            slim.summaries.add_image_summary(image, "shown"),
            *slim.summaries.add_histogram_summaries([x]), *slim.summaries.add_scalar_summaries([tf.constant(1.0)], "q"),
            *slim.summaries.add_image_summaries([image]), *slim.summaries.add_zero_fraction_summaries([x], "r"),
        ]  # fmt: skip
        assert len(tf.get_collection(tf.GraphKeys.SUMMARIES)) == len(made) == 8
        values = [value for text in session.run(made) for value in tf.Summary.FromString(text).value]
        tags = [value.tag for value in values]
        assert tags[:4] == ["p/x", "x/Fraction_of_Zero_Values", "y_1", "shown/image/0"]
        assert values[1].simple_value == 0.5 and values[2].simple_value == 2


def trained(folder, value, step):
    with tf.Graph().as_default(), tf.Session() as session:
        tf.get_variable("v", initializer=value)
        tf.train.get_or_create_global_step()
        session.run(tf.global_variables_initializer())
        return tf.train.Saver().save(session, str(folder / "model"), global_step=step)


def test_evaluation(tmp_path):
    """The mean over three runs with a checkpoint's value; summaries of it are written; then the loop."""
    path = trained(tmp_path, 2.0, 5)

    def graph():
        v = tf.get_variable("v", initializer=0.0)
        tf.train.get_or_create_global_step()
        value, update = tf.metrics.mean(v * 3)
        tf.summary.scalar("mean", value)
        return value, update

    with tf.Graph().as_default():
        value, update = graph()
        made = slim.evaluation.evaluate_once(
            "", path, str(tmp_path / "log"), num_evals=3, eval_op=[update], final_op=value
        )
        assert made == 6
    events = [event for file in (tmp_path / "log").iterdir() for event in tf.train.summary_iterator(str(file))]
    assert [value.simple_value for event in events for value in event.summary.value] == [6]
    with tf.Graph().as_default():
        value, update = graph()
        made = slim.evaluation.evaluation_loop(
            "", str(tmp_path), str(tmp_path / "log2"), eval_op=[update], final_op=value, summary_op=None,
            max_number_of_evaluations=1,
        )  # fmt: skip
        assert made == 6
        assert slim.evaluation.wait_for_new_checkpoint(str(tmp_path)) == path
        assert slim.evaluation.wait_for_new_checkpoint(str(tmp_path), path, timeout=0) is None
    newer = trained(tmp_path, 4.0, 6)
    assert list(slim.evaluation.checkpoints_iterator(str(tmp_path), timeout=0)) == [newer]


def test_overfeat():
    with tf.Graph().as_default():
        with slim.arg_scope(slim.nets.overfeat.overfeat_arg_scope()):
            logits, ends = slim.nets.overfeat.overfeat(
                tf.placeholder(tf.float32, [2, 231, 231, 3]), 7, is_training=False
            )
        assert logits.shape.as_list() == [2, 7]
        names = [v.op.name for v in tf.global_variables()]
        layers = [f"conv{i}" for i in range(1, 6)] + ["fc6", "fc7", "fc8"]
        assert names == [f"overfeat/{layer}/{part}" for layer in layers for part in ("weights", "biases")]
        sizes = {v.op.name: v.shape.as_list() for v in tf.global_variables()}
        assert sizes["overfeat/fc6/weights"] == [6, 6, 1024, 3072]
        assert ends["overfeat/pool5"].shape.as_list() == [2, 6, 6, 1024] and ends["overfeat/fc8"] is logits
