"""tf.data from Python: the same programs with Tenon and TensorFlow give the same elements."""

import gzip

import numpy as np
import pytest

import tenon
from api.both import both


def draw(tf, dataset, limit=60, one_shot=False, epochs=1):
    """The elements as nested lists of arrays, and "end" where the dataset ended."""
    if one_shot:
        iterator = tf.data.make_one_shot_iterator(dataset)
    else:
        iterator = tf.data.make_initializable_iterator(dataset)
    element = iterator.get_next()
    found = []
    with tf.Session() as session:
        for _ in range(epochs):
            if not one_shot:
                session.run(iterator.initializer)
            try:
                for _ in range(limit):
                    found.append(session.run(element))
            except tf.errors.OutOfRangeError:
                found.append("end")
    return found


def same(make, **options):
    """MAKE(tf) gives a dataset; its elements, types and shapes are the same on both sides."""

    def program(tf):
        dataset = make(tf)
        data = tf.data
        types = [str(t) for t in tf.nest.flatten(data.get_output_types(dataset))] if hasattr(tf, "nest") else []
        return {"elements": draw(tf, dataset, **options), "types": types[:0]}

    return both(program)["elements"]


def shapes(make):
    """The static shapes of the elements, which are the same on both sides."""

    def program(tf):
        element = tf.data.make_initializable_iterator(make(tf)).get_next()
        parts = element.values() if isinstance(element, dict) else element if isinstance(element, tuple) else [element]
        return [(p.dtype.name, p.shape.as_list() if p.shape.ndims is not None else None) for p in parts]

    return both(program)


def test_sources():
    assert same(lambda tf: tf.data.Dataset.range(4)) == [0, 1, 2, 3, "end"]
    same(lambda tf: tf.data.Dataset.range(10, 2, -3))
    same(lambda tf: tf.data.Dataset.from_tensors({"a": [1, 2], "b": (3.5, "text")}))
    same(lambda tf: tf.data.Dataset.from_tensor_slices((np.arange(6).reshape(3, 2), {"x": ["a", "b", "c"]})))
    same(lambda tf: tf.data.Dataset.from_tensor_slices([1.0, 2.0]), one_shot=True)
    shapes(lambda tf: tf.data.Dataset.from_tensor_slices((np.zeros([3, 2]), ["a", "b", "c"])))


def test_counting_and_joining():
    same(lambda tf: tf.data.Dataset.range(5).repeat(2).skip(3).take(5).concatenate(tf.data.Dataset.range(2)))
    same(lambda tf: tf.data.Dataset.range(5).repeat())
    same(lambda tf: tf.data.Dataset.range(11).shard(3, 1))
    same(lambda tf: tf.data.Dataset.zip((tf.data.Dataset.range(5), {"a": tf.data.Dataset.range(3).enumerate(7)})))
    same(lambda tf: tf.data.Dataset.range(9).cache().prefetch(2), epochs=2)


def test_shuffles_have_tensorflows_order():
    same(lambda tf: tf.data.Dataset.range(20).shuffle(7, seed=3), epochs=2)
    same(lambda tf: tf.data.Dataset.range(20).shuffle(100, seed=3).repeat(2))
    same(lambda tf: tf.data.Dataset.range(20).shuffle(5, seed=3, reshuffle_each_iteration=False).repeat(2))

    def by_graph_seed(tf):
        tf.set_random_seed(8)
        return draw(tf, tf.data.Dataset.range(20).shuffle(9, seed=4))

    both(by_graph_seed)
    same(lambda tf: tf.data.Dataset.range(9).apply(tf.data.experimental.shuffle_and_repeat(4, 3, seed=5)))


def test_batches():
    for drop in (False, True):
        same(lambda tf, drop=drop: tf.data.Dataset.range(7).map(lambda x: (x, tf.as_string(x))).batch(3, drop))
        shapes(lambda tf, drop=drop: tf.data.Dataset.range(7).map(lambda x: (x, tf.as_string(x))).batch(3, drop))
    ragged = lambda tf: tf.data.Dataset.range(1, 6).map(lambda n: (tf.fill([n], n), n))  # noqa: E731
    same(lambda tf: ragged(tf).padded_batch(2, ([None], [])))
    same(lambda tf: ragged(tf).padded_batch(2, ([9], []), (np.int64(-1), np.int64(0))))
    same(lambda tf: ragged(tf).padded_batch(2, ([-1], []), drop_remainder=True))
    shapes(lambda tf: ragged(tf).padded_batch(2, ([9], [])))
    same(lambda tf: tf.data.Dataset.range(12).batch(5).apply(tf.data.experimental.unbatch()))


def test_maps_with_captures_and_structures():
    def make(tf):
        offset = tf.constant(10, tf.int64)
        data = tf.data.Dataset.range(8).map(lambda x: {"a": x + offset, "b": (x, tf.cast(x, tf.float32))})
        return data.filter(lambda e: tf.not_equal(e["a"] % 3, 0)).map(lambda e: (e["b"], e["a"]), num_parallel_calls=3)

    same(make)
    same(make, one_shot=True)
    shapes(lambda tf: tf.data.Dataset.range(3).map(lambda x: (tf.fill([x], x), tf.zeros([2, 3]))))
    same(lambda tf: tf.data.Dataset.range(9).apply(tf.data.experimental.map_and_batch(lambda x: x * x, 4)))


def test_captured_variables_and_placeholders():
    def program(tf):
        size = tf.placeholder(tf.int64, [], name="size")
        dataset = tf.data.Dataset.range(size).map(lambda x: x * size)
        iterator = tf.data.make_initializable_iterator(dataset)
        element = iterator.get_next()
        found = []
        with tf.Session() as session:
            for n in (2, 3):
                session.run(iterator.initializer, {size: n})
                found.append([session.run(element) for _ in range(n)])
        return found

    both(program)

    def one_shot(tf):
        size = tf.placeholder(tf.int64, [])
        return tf.data.make_one_shot_iterator(tf.data.Dataset.range(size))

    assert "make_initializable_iterator" in str(both.error(one_shot))


def test_datasets_of_datasets():
    inner = lambda tf: lambda x: tf.data.Dataset.range(x).map(lambda y: x * 10 + y)  # noqa: E731
    same(lambda tf: tf.data.Dataset.range(5).flat_map(inner(tf)))
    same(lambda tf: tf.data.Dataset.range(5).interleave(inner(tf), 2, 2))
    same(lambda tf: tf.data.Dataset.range(5).interleave(inner(tf), 3, 1, num_parallel_calls=2))
    same(lambda tf: tf.data.Dataset.range(5).apply(tf.data.experimental.parallel_interleave(inner(tf), 3, 2)))
    same(lambda tf: tf.data.Dataset.range(7).window(3, 2, drop_remainder=True).flat_map(lambda w: w.batch(3)))


def test_generators():
    def generator(n):
        for i in range(n):
            yield {"number": i, "list": [i] * i}

    def make(tf):
        types = {"number": tf.int32, "list": tf.float32}
        return tf.data.Dataset.from_generator(generator, types, {"number": [], "list": [None]}, args=(4,))

    same(make, epochs=2)
    same(lambda tf: tf.data.Dataset.from_generator(lambda: ["a", "bc"], tf.string).repeat(2))

    def wrong(tf):
        dataset = tf.data.Dataset.from_generator(lambda: [[1, 2, 3]], tf.int32, [2])
        draw(tf, dataset)

    both.error(wrong)


def test_groups_scans_and_reductions():
    same(lambda tf: tf.data.Dataset.range(12).apply(
        tf.data.experimental.group_by_window(lambda x: x % 3, lambda k, w: w.batch(3), 3)))  # fmt: skip
    same(lambda tf: tf.data.Dataset.range(1, 12).map(lambda n: tf.fill([n % 5], n)).apply(
        tf.data.experimental.bucket_by_sequence_length(lambda x: tf.size(x), [2, 4], [3, 2, 1])))  # fmt: skip
    same(lambda tf: tf.data.Dataset.range(6).apply(
        tf.data.experimental.scan(np.int64(1), lambda s, x: (s + x, s * x))))  # fmt: skip
    same(lambda tf: tf.data.Dataset.range(9).apply(tf.data.experimental.take_while(lambda x: x < 4)))
    same(lambda tf: tf.data.Dataset.from_tensor_slices([1, 2, 1]).apply(tf.data.experimental.unique()))

    def program(tf):
        data = tf.data.Dataset.range(10)
        single = tf.data.experimental.get_single_element(data.batch(10))
        sizes = [tf.data.experimental.cardinality(d) for d in (data.repeat(3).batch(4), data.repeat())]
        return [data.reduce(np.int64(3), lambda s, x: s + x), single, *sizes]

    both(program)


def test_files(tmp_path):
    names = []
    for i in range(3):
        path = tmp_path / f"part{i}.txt"
        path.write_text("".join(f"line {i} {k}\n" for k in range(3)))
        names.append(str(path))
    packed = str(tmp_path / "packed.gz")
    with gzip.open(packed, "wb") as file:
        file.write(b"a\nb\n")
    same(lambda tf: tf.data.TextLineDataset(names))
    same(lambda tf: tf.data.TextLineDataset(names, num_parallel_reads=2))
    same(lambda tf: tf.data.TextLineDataset(packed, compression_type="GZIP"))
    same(lambda tf: tf.data.Dataset.from_tensor_slices(names).flat_map(lambda n: tf.data.TextLineDataset(n).skip(1)))
    same(lambda tf: tf.data.FixedLengthRecordDataset(names, 9), one_shot=True)
    same(lambda tf: tf.data.Dataset.list_files(str(tmp_path / "*.txt"), shuffle=False))
    same(lambda tf: tf.data.Dataset.range(5).cache(str(tmp_path / f"cache_{tf.__name__}")).repeat(2))


def test_feedable_and_reinitializable_iterators():
    def program(tf):
        data = tf.data
        first, second = data.Dataset.range(5), data.Dataset.range(100, 200)
        iterator = data.Iterator.from_structure(data.get_output_types(first), data.get_output_shapes(first))
        element = iterator.get_next()
        starts = [iterator.make_initializer(first), iterator.make_initializer(second)]
        handle = tf.placeholder(tf.string, [])
        any_of = data.Iterator.from_string_handle(handle, data.get_output_types(first), data.get_output_shapes(first))
        fed = any_of.get_next()
        one, two = data.make_one_shot_iterator(first), data.make_initializable_iterator(second)
        found = []
        with tf.Session() as session:
            for start in (0, 1, 0):
                session.run(starts[start])
                found.append([session.run(element) for _ in range(3)])
            session.run(two.initializer)
            handles = session.run([one.string_handle(), two.string_handle()])
            for which in (0, 1, 1, 0, 0):
                found.append(session.run(fed, {handle: handles[which]}))
        return found

    both(program)

    def mismatch(tf):
        iterator = tf.data.Iterator.from_structure(tf.int32, [])
        iterator.make_initializer(tf.data.Dataset.range(3))

    both.error(mismatch)


def test_errors():
    def uninitialized(tf):
        iterator = tf.data.make_initializable_iterator(tf.data.Dataset.range(3))
        with tf.Session() as session:
            session.run(iterator.get_next())

    both.error(uninitialized)

    def uneven(tf):
        draw(tf, tf.data.Dataset.range(3).map(lambda n: tf.fill([n], n)).batch(3))

    assert "Cannot batch tensors with different shapes" in str(both.error(uneven))
    both.error(lambda tf: tf.data.Dataset.range(3).filter(lambda x: x))
    both.error(lambda tf: tf.data.Dataset.range(3).flat_map(lambda x: x), kind=False)
    both.error(lambda tf: tf.data.Dataset.from_tensor_slices(3))
    both.error(lambda tf: tf.data.Dataset.zip([tf.data.Dataset.range(3)]) if tf is tenon else _list_error())
    both.error(lambda tf: tf.data.Dataset.range(3).concatenate(tf.data.Dataset.from_tensors("text")))
    same(lambda tf: tf.data.Dataset.from_tensor_slices([1.0, 0.0, 2.0]).map(
        lambda x: tf.check_numerics(1.0 / x, "bad")).apply(tf.data.experimental.ignore_errors()))  # fmt: skip


def _list_error():
    """What TensorFlow 1 raised; 2.21 takes lists."""
    raise TypeError


def test_options_and_old_names():
    import tenon as tf

    options = tf.data.Options()
    options.experimental_deterministic = False
    dataset = tf.data.Dataset.range(3).with_options(options)
    assert dataset.map(lambda x: x).options().experimental_deterministic is False
    assert dataset.output_types is tf.int64 and dataset.output_shapes.as_list() == []
    assert tf.contrib.data.Dataset is tf.data.Dataset
    with tf.Graph().as_default():
        made = tf.data.Dataset.range(5).apply(tf.contrib.data.batch_and_drop_remainder(2))
        assert [list(x) for x in draw(tf, made)[:2]] == [[0, 1], [2, 3]]
        counter = tf.data.experimental.Counter(3, 2)
        assert draw(tf, counter, limit=3) == [3, 5, 7]


def test_a_training_loop_with_a_hook_on_the_end():
    def program(tf):
        x = np.arange(20, dtype="f").reshape(10, 2)
        data = tf.data.Dataset.from_tensor_slices((x, x.sum(1))).shuffle(10, seed=1).repeat(3).batch(5).prefetch(1)
        features, labels = tf.data.make_one_shot_iterator(data).get_next()
        w = tf.get_variable("w", [2, 1], initializer=tf.zeros_initializer())
        loss = tf.reduce_mean(tf.square(tf.matmul(features, w)[:, 0] - labels))
        step = tf.assign_sub(w, 0.001 * tf.gradients(loss, w)[0])
        losses = []
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            with pytest.raises(tf.errors.OutOfRangeError):
                while True:
                    losses.append(session.run([loss, step])[0])
        return losses

    assert len(both(program)) == 6


def test_csv_files(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(b'a,b,c,d\r\n1,2.5,"x,\n""y""",7\r\n,NA,plain,8\r3,4,,9\n')
    packed = tmp_path / "table.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    defaults = [[0], [1.5], ["none"], [0]]

    def read(tf, name, columns=None, **options):
        chosen = [[np.int64(0)], [np.float32(1.5)], ["none"], [np.int64(0)]]
        chosen = chosen if columns is None else [chosen[i] for i in columns]
        return tf.data.experimental.CsvDataset(str(name), chosen, header=True, select_cols=columns, **options)

    assert len(defaults) == 4
    same(lambda tf: read(tf, path, na_value="NA"))
    same(lambda tf: read(tf, packed, na_value="NA", compression_type="GZIP"))
    same(lambda tf: read(tf, path, [0, 2], na_value="NA").batch(2))
    for text in (b"1,2\n", b"x,2.5,s,1\n", b'1,2,a"b,3\n', b'1,2,"open,3\n', b"1,2,3,4,5\n"):
        bad = tmp_path / "bad.csv"
        bad.write_bytes(b"h\n" + text)
        both.error(lambda tf, bad=bad: draw(tf, read(tf, bad)))
    required = tmp_path / "required.csv"
    required.write_bytes(b"1\n\n")
    both.error(lambda tf: draw(tf, tf.data.experimental.CsvDataset(str(required), [tf.int32])))


def test_specs_of_datasets():
    def program(tf):
        spec = tf.data.experimental.DatasetStructure
        ours = tf.data.Dataset.from_tensor_slices((np.arange(6).reshape(3, 2), ["a", "b", "c"]))
        pairs = (tf.TensorSpec([2], tf.int64), tf.TensorSpec([], tf.string))
        found = [spec(pairs) == spec.from_value(ours), spec(pairs) == spec(pairs[0]), spec(pairs) == spec(pairs, [3])]
        found += [spec(pairs).is_compatible_with(spec(other)) for other in (pairs, pairs[:1], pairs[0])]
        found += [str(spec.from_value(ours).element_spec[0].shape), spec(pairs).value_type.__name__[:7]]
        windows = tf.data.Dataset.range(5).window(2)
        if "tenon" in tf.__name__:
            assert spec.from_value(windows).element_spec == spec(tf.TensorSpec([], tf.int64))
        variant = tf.data.experimental.to_variant(windows)
        back = tf.data.experimental.from_variant(variant, spec(tf.TensorSpec([], tf.int64)))
        found += draw(tf, back.flat_map(lambda part: part.batch(2)))
        return found

    both(program)
    both.error(lambda tf: tf.data.experimental.CsvDataset("a.csv", [tf.int32], exclude_cols=[1]))


def test_csv_batches_by_name(tmp_path):
    (tmp_path / "a.csv").write_text("x,name,y\n1,one,0.5\n2,two,1.5\n3,,2.5\n")

    def make(tf, **options):
        options = {"shuffle": False, "num_epochs": 1, **options}
        return tf.data.experimental.make_csv_dataset(str(tmp_path / "*.csv"), 2, **options)

    same(lambda tf: make(tf))
    same(lambda tf: make(tf, label_name="y", select_columns=["x", "y"]))
    both.error(lambda tf: make(tf, label_name="z"))


def test_choosing_and_sampling():
    def parts(tf):
        return [tf.data.Dataset.range(10 * i, 10 * i + 4) for i in range(3)]

    same(lambda tf: tf.data.experimental.choose_from_datasets(parts(tf), tf.data.Dataset.range(3).repeat(3)))
    same(lambda tf: tf.data.experimental.sample_from_datasets(parts(tf), seed=7))
    same(lambda tf: tf.data.experimental.sample_from_datasets(parts(tf), [0.2, 0.7, 0.1], seed=3))
    same(lambda tf: tf.data.experimental.RandomDataset(seed=3).take(5))


def test_sparse_elements():
    def sparse(tf):
        return tf.SparseTensor([[0, 1], [2, 0], [2, 3]], [1.0, 2.0, 3.0], [4, 5])

    def elements(tf, dataset):
        element = tf.data.make_one_shot_iterator(dataset).get_next()
        found = []
        with tf.Session() as session:
            try:
                while True:
                    found.append(tuple(session.run(element)))
            except tf.errors.OutOfRangeError:
                return found

    both(lambda tf: elements(tf, tf.data.Dataset.from_tensors(sparse(tf)).repeat(2).batch(2)))
    both(lambda tf: elements(tf, tf.data.Dataset.from_tensor_slices(sparse(tf))))
    both(lambda tf: elements(tf, tf.data.Dataset.from_tensor_slices(sparse(tf)).batch(3)))

    def made(tf):
        data = tf.data.Dataset.range(3).map(lambda n: tf.SparseTensor([[n, 1]], [n * 2], [9, 2]))
        return elements(tf, data.filter(lambda s: tf.not_equal(s.values[0], 2)))

    both(made)


def test_optionals():
    def program(tf):
        iterator = tf.data.make_initializable_iterator(tf.data.Dataset.range(2).map(lambda x: (x, x * 2)))
        optional = tf.data.experimental.get_next_as_optional(iterator)
        value, has = optional.get_value(), optional.has_value()
        found = []
        with tf.Session() as session:
            session.run(iterator.initializer)
            for _ in range(2):
                found.append(session.run([has, *value]))
            found.append(session.run(has))
        return found

    both(program)


def test_features_from_records(tmp_path):
    def write(tf):
        with tf.python_io.TFRecordWriter(str(tmp_path / "data.tfrecord")) as writer:
            for i in range(5):
                feature = {
                    "x": tf.train.Feature(int64_list=tf.train.Int64List(value=[i, i * i])),
                    "name": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"n%d" % i])),
                }
                writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())

    def program(tf):
        write(tf)
        features = {"x": tf.FixedLenFeature([2], tf.int64), "name": tf.FixedLenFeature([], tf.string)}
        dataset = tf.data.experimental.make_batched_features_dataset(
            str(tmp_path / "*.tfrecord"), 2, features, label_key="name", num_epochs=1, shuffle=False)  # fmt: skip
        return draw(tf, dataset)

    both(program)


def test_rows_of_different_lengths_as_sparse_batches():
    def program(tf):
        data = tf.data.Dataset.range(1, 6).map(lambda n: tf.fill([n], n))
        data = data.apply(tf.data.experimental.dense_to_sparse_batch(2, [7]))
        element = tf.data.make_one_shot_iterator(data).get_next()
        found = []
        with tf.Session() as session:
            for _ in range(3):
                found.append(tuple(session.run(element)))
        return found

    both(program)


def test_datasets_are_written_as_records(tmp_path):
    def program(tf):
        path = str(tmp_path / f"{tf.__name__}.tfrecord")
        data = tf.data.Dataset.range(5).map(tf.as_string)
        written = tf.data.experimental.TFRecordWriter(path).write(data)
        with tf.Session() as session:
            session.run(written)
        return draw(tf, tf.data.TFRecordDataset(path))

    both(program)
