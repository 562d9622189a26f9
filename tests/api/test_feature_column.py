"""tf.feature_column: values, names of variables, gradients, parse specs and errors as TensorFlow's."""

import numpy as np
import pytest

import tenon
from api.both import both, run, same, tensorflow

FEATURES = {
    "a": np.array([1.0, -25.0, 7.5, 0.0, 5.0], "f"),
    "b": np.arange(15, dtype="f").reshape(5, 3) - 4,
    "n": np.array([3, 11, 0, 2, 6], "i8"),
    "w": np.array([b"x", b"z", b"y", b"", b"x"]),
    "m": np.array([[b"x", b"y"], [b"y", b"y"], [b"", b"q"], [b"x", b""], [b"", b""]]),
    "i": np.array([[2, 0, 2], [1, -1, -1], [0, 3, 1], [-1, -1, -1], [3, 3, 0]], "i8"),
    "g": np.array([[0.5, 2.0, -1.0], [1.0, 0.0, 0.0], [0.25, 1.0, 3.0], [0.0, 0.0, 0.0], [0.5, 2.0, 4.0]], "f"),
}


def features(tf):
    return {key: tf.constant(value) for key, value in FEATURES.items()}


def fixed(tf, table):
    """An initializer of known values."""
    return tf.constant_initializer(np.array(table, "f"))


def rows(count, width):
    return (np.arange(count * width).reshape(count, width) * 7 % 11 - 4) / 5.0


def variables(tf):
    model = tf.get_collection(tf.GraphKeys.MODEL_VARIABLES)
    return [{v.name: v.shape.as_list() for v in tf.global_variables()}, [v.name for v in model]]


def words(tf, key, **more):
    return tf.feature_column.categorical_column_with_vocabulary_list(key, ["x", "y", "w"], **more)


def dense(tf):
    """Columns for input_layer, by a name for the test."""
    c = tf.feature_column
    number, whole = c.numeric_column("a"), c.categorical_column_with_identity("i", 4)
    three = c.bucketized_column(c.numeric_column("b", 3), [-1.0, 0, 4.5])
    crossed = c.crossed_column(["m", words(tf, "w"), c.bucketized_column(number, [0.0, 5])], 13)
    return {
        "numeric": c.numeric_column("b", shape=(3,)),
        "normalized": c.numeric_column("a", normalizer_fn=lambda x: (x - 2) / 4),
        "integers": c.numeric_column("n", dtype=tf.int64),
        "bucketized": three,
        "vocabulary": c.indicator_column(words(tf, "m")),
        "default": c.indicator_column(words(tf, "w", default_value=2)),
        "outside": c.indicator_column(words(tf, "m", num_oov_buckets=3)),
        "identity": c.indicator_column(whole),
        "clipped": c.indicator_column(c.categorical_column_with_identity("i", 3, default_value=1)),
        "numbers": c.indicator_column(c.categorical_column_with_vocabulary_list("n", [3, 2, 0])),
        "hashed": c.indicator_column(c.categorical_column_with_hash_bucket("m", 7)),
        "hashed numbers": c.indicator_column(c.categorical_column_with_hash_bucket("i", 5, tf.int64)),
        "crossed": c.indicator_column(crossed),
        "keyed": c.indicator_column(c.crossed_column(["w", "m"], 11, hash_key=5)),
        "crossed again": c.indicator_column(c.crossed_column([crossed, "w"], 9)),
        "weighted": c.indicator_column(c.weighted_categorical_column(whole, "g")),
        "mean": c.embedding_column(whole, 2, initializer=fixed(tf, rows(4, 2))),
        "sum": c.embedding_column(words(tf, "m"), 3, "sum", initializer=fixed(tf, rows(3, 3))),
        "sqrtn": c.embedding_column(whole, 2, "sqrtn", initializer=fixed(tf, rows(4, 2)), max_norm=0.5),
        "frozen": c.embedding_column(words(tf, "w"), 1, initializer=fixed(tf, rows(3, 1)), trainable=False),
        "weighted mean": c.embedding_column(
            c.weighted_categorical_column(whole, "g"), 2, initializer=fixed(tf, rows(4, 2))
        ),
        "of ranges": c.embedding_column(three, 2, initializer=fixed(tf, rows(12, 2))),
    }


@pytest.mark.parametrize("name", list(dense(tenon)))
def test_input_layer(name):
    def program(tf):
        layer = tf.feature_column.input_layer(features(tf), dense(tf)[name])
        trained = tf.trainable_variables()
        gradients = tf.gradients(tf.reduce_sum(tf.square(layer)), trained)
        known = [tf.convert_to_tensor(g) for g in gradients]
        return [layer, variables(tf), [v.name for v in trained], known, layer.shape.as_list()]

    both(program)


def test_input_layer_of_many():
    def program(tf):
        columns = dense(tf)
        chosen = [columns[k] for k in ("numeric", "vocabulary", "normalized", "mean", "sum", "crossed")]
        made, outputs = {}, {}
        layer = tf.feature_column.input_layer(features(tf), chosen, cols_to_vars=made, cols_to_output_tensors=outputs,
                                              weight_collections=["mine"])  # fmt: skip
        again = tf.feature_column.input_layer(features(tf), chosen, trainable=False)
        return [layer, again, variables(tf), {c.name: [v.name for v in vs] for c, vs in made.items()},
                {c.name: value for c, value in outputs.items()}, [v.name for v in tf.trainable_variables()],
                [v.name for v in tf.get_collection("mine")]]  # fmt: skip

    both(program)


def test_shared_embeddings():
    def program(tf):
        c = tf.feature_column
        columns = c.shared_embedding_columns([words(tf, "w"), words(tf, "m")], 2, initializer=fixed(tf, rows(3, 2)))
        named = c.shared_embedding_columns(
            [c.weighted_categorical_column(c.categorical_column_with_identity("i", 4), "g"),
             c.categorical_column_with_identity("n", 4, default_value=0)], 2, "sum",
            shared_embedding_collection_name="table", initializer=fixed(tf, rows(4, 2)))  # fmt: skip
        layer = c.input_layer(features(tf), [*columns, *named])
        again = c.input_layer(features(tf), columns[:1])
        gradients = tf.gradients(tf.reduce_sum(tf.square(layer)), tf.trainable_variables())
        return [layer, again, variables(tf), [tf.convert_to_tensor(g) for g in gradients], [x.name for x in columns]]

    both(program)


def test_linear_model():
    def program(tf):
        c, columns = tf.feature_column, dense(tf)
        chosen = [columns[k] for k in ("numeric", "normalized", "bucketized", "vocabulary", "mean")]
        chosen += [words(tf, "w"), c.categorical_column_with_hash_bucket("m", 7), c.crossed_column(["w", "m"], 5),
                   c.weighted_categorical_column(c.categorical_column_with_identity("i", 4), "g")]  # fmt: skip
        results = []
        for combiner in ("sum", "mean", "sqrtn"):
            made = {}
            logits = c.linear_model(features(tf), chosen, units=2, sparse_combiner=combiner, cols_to_vars=made)
            trained = tf.trainable_variables()
            gradients = tf.gradients(tf.reduce_sum(tf.square(logits - [[1.0, -2.0]])), trained)
            update = [v.assign_sub(0.1 * tf.convert_to_tensor(g)) for v, g in zip(trained, gradients) if g is not None]
            names = {getattr(k, "name", k): [v.name for v in vs] for k, vs in made.items()}
            results.append([logits, [tf.convert_to_tensor(g) for g in gradients if g is not None], names])
            assert len(update) == len(trained) // len(results)
        return [results, variables(tf)]

    both(program)


def test_linear_model_in_partitions():
    def program(tf):
        with tf.variable_scope("linear", partitioner=tf.fixed_size_partitioner(2)):
            logits = tf.feature_column.linear_model(features(tf), [words(tf, "m"), dense(tf)["numeric"]], units=2)
            column = tf.feature_column.categorical_column_with_identity("i", 4)
            column = tf.feature_column.embedding_column(column, 2, initializer=tf.ones_initializer())
            layer = tf.feature_column.input_layer(features(tf), column)
        return [logits, layer, variables(tf)]

    both(program)


def test_vocabulary_file(tmp_path):
    path = tmp_path / "words"
    path.write_text("y\nx\nq\n")

    def program(tf):
        make = tf.feature_column.categorical_column_with_vocabulary_file
        columns = [make("m", str(path)), make("w", str(path), 2, num_oov_buckets=2)]
        numbers = tmp_path / "numbers"
        numbers.write_text("3\n0\n")
        columns.append(make("n", str(numbers), dtype=tf.int64, default_value=1))
        return [tf.feature_column.input_layer(features(tf), [tf.feature_column.indicator_column(x)]) for x in columns]

    both(program)


def test_table_from_a_checkpoint(tmp_path):
    with tenon.Graph().as_default(), tenon.Session() as session:
        tenon.get_variable("t", initializer=rows(4, 2).astype("f"))
        session.run(tenon.global_variables_initializer())
        saved = tenon.train.Saver().save(session, str(tmp_path / "model"))

    def program(tf):
        column = tf.feature_column.categorical_column_with_identity("i", 4)
        made = tf.feature_column.embedding_column(column, 2, ckpt_to_load_from=saved, tensor_name_in_ckpt="t")
        return tf.feature_column.input_layer(features(tf), made)

    both(program)


def test_sparse_and_unknown_shapes():
    def program(tf):
        sparse = tf.SparseTensor([[0, 0], [2, 0], [2, 1]], ["x", "y", "none"], [4, 2])
        weights = tf.SparseTensor([[0, 0], [2, 0], [2, 1]], [0.5, 0.0, 2.0], [4, 2])
        flat = tf.SparseTensor([[0], [3]], ["w", "y"], [4])
        unknown = tf.placeholder_with_default([1.0, 2.0, 3.0], None)
        c = tf.feature_column
        given = {"s": sparse, "g": weights, "f": flat, "u": unknown}
        columns = [c.indicator_column(words(tf, "s")), c.indicator_column(words(tf, "f")),
                   c.embedding_column(words(tf, "s"), 2, initializer=fixed(tf, rows(3, 2)))]  # fmt: skip
        weighted = c.weighted_categorical_column(words(tf, "s"), "g")
        return [c.input_layer(given, columns), c.linear_model(given, [weighted]),
                c.input_layer(given, c.numeric_column("u")),
                c.input_layer({"s": tf.zeros([0, 3])}, c.numeric_column("s", 3))]  # fmt: skip

    both(program)


def test_parse_specs_and_fields():
    def program(tf):
        c, columns = tf.feature_column, dense(tf)
        chosen = [c.numeric_column("a", (2, 1), [[1], [2]]), columns["bucketized"], columns["crossed"],
                  columns["weighted"], columns["numbers"],
                  c.sequence_numeric_column("s", 2),
                  c.sequence_categorical_column_with_hash_bucket("q", 4)]  # fmt: skip
        spec = c.make_parse_example_spec([*chosen[1:5], chosen[6]])
        told = {key: [type(f).__name__, f.dtype.name, list(getattr(f, "shape", [])), getattr(f, "default_value", None)]
                for key, f in spec.items()}  # fmt: skip
        first = c.make_parse_example_spec(chosen[:1])["a"]
        every = [*chosen, *columns.values(), words(tf, "w"), c.crossed_column(["b", "a"], 3)]
        return [told, list(first.shape), first.default_value, [x.name for x in every],
                [[type(x).__name__, list(x._fields)] for x in every]]  # fmt: skip

    both(program)


def test_parsed_examples():
    def program(tf):
        c = tf.feature_column
        columns = [c.numeric_column("a", 2, default_value=[5.0, 6.0]), c.indicator_column(words(tf, "w"))]
        feature = tf.train.Feature
        one = tf.train.Example(features=tf.train.Features(feature={
            "a": feature(float_list=tf.train.FloatList(value=[1, 2])),
            "w": feature(bytes_list=tf.train.BytesList(value=[b"y", b"y", b"none"]))}))  # fmt: skip
        texts = [one.SerializeToString(), b""]
        return c.input_layer(tf.parse_example(texts, c.make_parse_example_spec(columns)), columns)

    both(program)


def test_sequences():
    from tenon.python.feature_column.feature_column import sequence_input_layer

    indices = [[0, 0], [0, 1], [2, 0], [2, 1], [2, 2]]

    def given(tf):
        return {"w": tf.SparseTensor(indices, ["x", "w", "y", "q", "x"], [4, 3]),
                "v": tf.SparseTensor([[*i, 0] for i in indices], ["x", "w", "y", "q", "x"], [4, 3, 1]),
                "n": tf.SparseTensor([[0, 0], [0, 1], [0, 2], [0, 3], [2, 0], [2, 1], [2, 2], [2, 3], [2, 4], [2, 5]],
                                     np.arange(10, dtype="f"), [4, 6])}  # fmt: skip

    def columns(tf):
        c = tf.feature_column
        make = c.sequence_categorical_column_with_vocabulary_list
        return [c.sequence_numeric_column("n", 2, default_value=-1.0, normalizer_fn=lambda x: x / 2),
                c.embedding_column(make("w", ["x", "y", "w"]), 2, initializer=fixed(tf, rows(3, 2))),
                c.indicator_column(make("v", ["x", "y", "w"]))]  # fmt: skip

    def ours(tf):
        return [*sequence_input_layer(given(tf), columns(tf)), tf.trainable_variables()[0].name]

    def theirs(tf):
        values, lengths = tf.keras.experimental.SequenceFeatures(columns(tf))(given(tf))
        return [values, lengths, "sequence_input_layer/w_embedding/embedding_weights:0"]

    same(run(tenon, ours), run(tensorflow(), theirs))

    def wrong(tf):
        return tf.feature_column.input_layer(given(tf), columns(tf)[1])

    both.error(wrong)


@pytest.mark.parametrize("value", [3, -2])
def test_numbers_that_are_no_categories(value):
    """1.15 fails in the step; TensorFlow 2.21 reads past the table instead."""
    with tenon.Graph().as_default(), tenon.Session() as session:
        c = tenon.feature_column
        given = tenon.placeholder(tenon.int64, [None, 1])
        layer = c.input_layer({"i": given}, c.indicator_column(c.categorical_column_with_identity("i", 3)))
        with pytest.raises(tenon.errors.InvalidArgumentError, match=r"ucket index for categorical column .*i"):
            session.run(layer, {given: [[0], [value]]})


BAD = {
    "duplicate": lambda tf, c: c.input_layer(features(tf), [c.numeric_column("a"), c.numeric_column("a")]),
    "categories": lambda tf, c: c.input_layer(features(tf), words(tf, "w")),
    "no column": lambda tf, c: c.input_layer(features(tf), ["a"]),
    "none": lambda tf, c: c.input_layer(features(tf), []),
    "missing": lambda tf, c: c.input_layer(features(tf), c.numeric_column("nothing")),
    "rank 0": lambda tf, c: c.input_layer({"s": tf.constant(1.0)}, c.numeric_column("s")),
    "batches": lambda tf, c: c.input_layer({"s": tf.zeros([2]), "t": tf.zeros([3])},
                                           [c.numeric_column("s"), c.numeric_column("t")]),
    "words as numbers": lambda tf, c: c.input_layer(features(tf), c.indicator_column(
        c.categorical_column_with_hash_bucket("w", 5, tf.int64))),
    "key": lambda tf, c: c.numeric_column(c.numeric_column("a")),
    "shape": lambda tf, c: c.numeric_column("a", shape=(0,)),
    "shape of floats": lambda tf, c: c.numeric_column("a", shape=1.5),
    "dtype": lambda tf, c: c.numeric_column("a", dtype=tf.string),
    "default": lambda tf, c: c.numeric_column("a", 2, default_value=[1, 2, 3]),
    "default's type": lambda tf, c: c.numeric_column("a", 1, default_value=1.5, dtype=tf.int32),
    "default string": lambda tf, c: c.numeric_column("a", 1, default_value="x"),
    "normalizer": lambda tf, c: c.numeric_column("a", normalizer_fn=3),
    "boundaries": lambda tf, c: c.bucketized_column(c.numeric_column("a"), [1, 1]),
    "no boundaries": lambda tf, c: c.bucketized_column(c.numeric_column("a"), []),
    "source": lambda tf, c: c.bucketized_column(words(tf, "w"), [1]),
    "matrix": lambda tf, c: c.bucketized_column(c.numeric_column("a", (2, 2)), [1]),
    "bucket size": lambda tf, c: c.categorical_column_with_hash_bucket("a", 0),
    "no bucket size": lambda tf, c: c.categorical_column_with_hash_bucket("a", None),
    "float hash": lambda tf, c: c.categorical_column_with_hash_bucket("a", 3, tf.float32),
    "empty list": lambda tf, c: c.categorical_column_with_vocabulary_list("a", []),
    "twice": lambda tf, c: c.categorical_column_with_vocabulary_list("a", ["x", "x"]),
    "both": lambda tf, c: c.categorical_column_with_vocabulary_list("a", ["x"], default_value=0, num_oov_buckets=1),
    "kinds": lambda tf, c: c.categorical_column_with_vocabulary_list("a", ["x"], dtype=tf.int32),
    "no file": lambda tf, c: c.categorical_column_with_vocabulary_file("a", "/nowhere/at/all"),
    "no name": lambda tf, c: c.categorical_column_with_vocabulary_file("a", ""),
    "identity": lambda tf, c: c.categorical_column_with_identity("a", 0),
    "identity's default": lambda tf, c: c.categorical_column_with_identity("a", 3, 3),
    "one key": lambda tf, c: c.crossed_column(["a"], 3),
    "no buckets": lambda tf, c: c.crossed_column(["a", "b"], 0),
    "crossed hash": lambda tf, c: c.crossed_column(["a", c.categorical_column_with_hash_bucket("b", 3)], 3),
    "crossed number": lambda tf, c: c.crossed_column(["a", c.numeric_column("b")], 3),
    "dimension": lambda tf, c: c.embedding_column(words(tf, "w"), 0),
    "half a checkpoint": lambda tf, c: c.embedding_column(words(tf, "w"), 1, ckpt_to_load_from="x"),
    "initializer": lambda tf, c: c.embedding_column(words(tf, "w"), 1, initializer=3),
    "shared sizes": lambda tf, c: c.shared_embedding_columns(
        [words(tf, "w"), words(tf, "m", num_oov_buckets=1)], 2),
    "shared kinds": lambda tf, c: c.shared_embedding_columns(
        [words(tf, "w"), c.categorical_column_with_identity("i", 3)], 2),
    "weights' type": lambda tf, c: c.weighted_categorical_column(words(tf, "w"), "g", tf.string),

    "weights": lambda tf, c: c.linear_model(
        features(tf), c.weighted_categorical_column(words(tf, "m"), "n", tf.float32)),
    "specs": lambda tf, c: c.make_parse_example_spec([c.numeric_column("w"), words(tf, "w")]),
    "no spec": lambda tf, c: c.make_parse_example_spec(["w"]),
}  # fmt: skip


@pytest.mark.parametrize("name", list(BAD))
def test_errors(name):
    both.error(lambda tf: BAD[name](tf, tf.feature_column))


def test_columns_of_before_1_13():
    """Libraries bring columns of their own, with the methods of that time, and ask ours for them."""
    from tenon.python.feature_column import feature_column as module

    class Doubled(module._DenseColumn, tuple):
        name, _variable_shape = "doubled", tenon.TensorShape([3])
        _parse_example_spec = {"b": tenon.FixedLenFeature([3], tenon.float32)}

        def _transform_feature(self, inputs):
            return 2 * inputs.get("b")

        def _get_dense_tensor(self, inputs, weight_collections=None, trainable=None):
            return inputs.get(self) * tenon.get_variable("w", initializer=2.0, trainable=trainable)

    with tenon.Graph().as_default(), tenon.Session() as session:
        number = tenon.feature_column.numeric_column("b", [3])
        made = tenon.feature_column.input_layer(features(tenon), [Doubled(), number])
        session.run(tenon.global_variables_initializer())
        b = FEATURES["b"]
        np.testing.assert_array_equal(session.run(made), np.concatenate([b, 4 * b], 1))
        assert [v.op.name for v in tenon.trainable_variables()] == ["input_layer/doubled/w"]
        assert number._variable_shape == [3] and isinstance(number, module._DenseColumn)
        cache = module.FeatureTransformationCache(features(tenon))
        np.testing.assert_array_equal(session.run(number._get_dense_tensor(cache, None, True)), b)
        assert list(tenon.feature_column.make_parse_example_spec([Doubled()])) == ["b"]
        assert not hasattr(number, "_num_buckets")
