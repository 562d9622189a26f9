"""Ragged tensors against TensorFlow: every value as its flat values and splits."""

import numpy as np
import pytest

import tenon
from api.both import both


def parts(value):
    """Ragged and sparse tensors in VALUE as lists of tensors."""
    if isinstance(value, dict):
        return {k: parts(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)) and not hasattr(value, "dense_shape"):
        return [parts(v) for v in value]
    if hasattr(value, "nested_row_splits"):
        return ["ragged", value.flat_values, *value.nested_row_splits]
    return [value.indices, value.values, value.dense_shape] if hasattr(value, "dense_shape") else value


class Some:
    """The ragged tensors that the programs use."""

    def __init__(self, tf):
        self.tf = tf
        self.r = tf.ragged.constant([[1, 2], [], [3], [4, 5, 6]])
        self.f = tf.cast(self.r, tf.float32)
        self.deep = tf.ragged.constant([[[1, 2], [3]], [], [[4, 5, 6], [], [7]]])
        self.d = tf.constant([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
        self.pairs = tf.ragged.constant([[[1, 2], [3, 4]], [], [[5, 6]]], inner_shape=(2,))
        self.w = tf.ragged.constant([["a", "bb"], ["c"], [], ["dd \u00e9", "e"]])
        self.rows = tf.RaggedTensor.from_row_splits(self.d[0], [0, 1, 3])


PROGRAMS = {
    "constants": lambda s, tf, R: [
        tf.ragged.constant(v, **k) for v, k in (
            ([[1, 2], []], {}), ([], {"ragged_rank": 1}), ([[]], {}), ([[[1], [2, 3]], []], {}), ([1, 2], {}),
            ([[1.5], [2]], {"dtype": tf.float64}), ([[b"a"], ["b", "c"]], {}), ([[[1, 2], [3, 4]], [[5, 6]]],
            {"ragged_rank": 1}),
            ([[[1, 2]], []], {"inner_shape": (2,)}), ([[2**40]], {}), ([[True], []], {}),
            ([[1], [2, 3]], {"row_splits_dtype": tf.int32}), (np.array([[1, 2]]), {}), (5, {}),
        )
    ],
    "constructors": lambda s, tf, R: [
        R.from_value_rowids([1, 2, 3], [0, 0, 3], nrows=5), R.from_value_rowids([1, 2, 3], [0, 0, 3]),
        R.from_value_rowids(tf.zeros([0]), tf.constant([], tf.int64)),
        R.from_row_splits([1, 2, 3], [0, 2, 2, 3]), R.from_row_splits([[1, 2], [3, 4]], [0, 1, 2]),
        R.from_row_lengths([1, 2, 3], [2, 0, 1]), R.from_row_starts([1, 2, 3], [0, 0, 2]),
        R.from_row_limits([1, 2, 3], [0, 2, 3]), R.from_uniform_row_length([1, 2, 3, 4], 2),
        R.from_uniform_row_length(tf.zeros([0]), 0, nrows=3),
        R.from_nested_row_lengths([1, 2, 3], [[1, 0, 2], [1, 2, 0]]),
        R.from_nested_value_rowids([1, 2, 3], [[0, 1, 1], [0, 2, 2]], [3, 3]),
        R.from_nested_row_splits([1, 2, 3], [[0, 2], [0, 1, 3]]), R.from_row_splits(s.r, [0, 2, 4]),
    ],
    "dense": lambda s, tf, R: [
        s.r.to_tensor(), s.r.to_tensor(9), s.r.to_tensor(9, shape=[None, 2]), s.r.to_tensor(shape=[5, 4]),
        s.deep.to_tensor(shape=[2, None, 4]), s.pairs.to_tensor([7, 8]), s.w.to_tensor(), s.w.to_tensor("-"),
        R.from_tensor(s.d), R.from_tensor(s.d, lengths=[1, 5]), R.from_tensor(s.d, lengths=[-1, 2]),
        R.from_tensor([[1, 0, 0], [0, 2, 0], [0, 0, 0]], padding=0), R.from_tensor(tf.ones([2, 3, 2]), ragged_rank=2),
        R.from_tensor([[[1, 0], [0, 0]], [[0, 2], [0, 0]]], padding=[0, 0]),
        R.from_tensor(tf.reshape(tf.range(12), [2, 3, 2]), lengths=(tf.constant([1, 3]), tf.constant([2, 0, 1, 2]))),
        R.from_tensor(tf.zeros([0, 3])), R.from_tensor(tf.zeros([2, 0, 4])),
    ],
    "sparse": lambda s, tf, R: [
        s.r.to_sparse(), s.deep.to_sparse(), s.pairs.to_sparse(), s.w.to_sparse(),
        R.from_sparse(tf.SparseTensor([[0, 0], [0, 1], [2, 0]], [1, 2, 3], [4, 5])),
    ],
    "properties": lambda s, tf, R: [
        [rt.value_rowids(), rt.nrows(), rt.nrows(tf.int32), rt.row_starts(), rt.row_limits(), rt.row_lengths(),
         list(rt.nested_row_lengths()), list(rt.nested_value_rowids()), rt.bounding_shape(), rt.bounding_shape(1),
         rt.ragged_rank, rt.shape.as_list(), rt.dtype, rt.values, rt.flat_values, rt.row_splits,
         rt.with_flat_values(rt.flat_values), rt.with_row_splits_dtype(tf.int32)]
        for rt in (s.r, s.deep, s.pairs, R.from_tensor(s.d))
    ] + [s.deep.row_lengths(2), s.pairs.row_lengths(2), s.deep.merge_dims(1, 2), s.deep.merge_dims(0, 1),
    s.deep.merge_dims(0, 2),
         s.pairs.merge_dims(1, 2), bool(s.r.consumers())],
    "arithmetic": lambda s, tf, R: [
        s.r + s.r, s.r + 1, 1 - s.r, s.f * tf.ragged.constant([[1.0, 2.0], [], [3.0], [1.0, 1.0, 1.0]]), s.f / 2.0,
        s.r // 2, s.r % 2, s.f**2.0, -s.r, abs(-s.r), 2.0 * s.f, tf.constant(3) - s.r, s.r / 2,
        (s.r > 1) & (s.r < 5), (s.r > 1) | (s.r >= 5), ~(s.r <= 2), (s.r > 1) ^ (s.r < 5), tf.constant(3) < s.r,
        s.r + tf.constant([[10], [20], [30], [40]]), s.r + tf.constant([5]), s.deep + tf.constant([[[1]], [[2]],
        [[3]]]),
        s.pairs + tf.constant([10, 20]), R.from_tensor([[1], [2], [3], [4]]) + s.r, s.r + tf.expand_dims(s.r, 0),
    ],
    "elementwise": lambda s, tf, R: [
        tf.equal(s.r, 3), tf.add_n([s.r, s.r, s.r]), tf.zeros_like(s.r), tf.ones_like(s.f), tf.identity(s.r),
        tf.clip_by_value(s.r, 2, 4), tf.sqrt(s.f), tf.exp(s.f), tf.maximum(s.f, 3.0), tf.squared_difference(s.f, 1.0),
        tf.math.floormod(s.r, 3), tf.cast(s.r, tf.bool), tf.bitwise.bitwise_and(s.r, 1), tf.nn.relu(s.f - 3.0),
        tf.one_hot(s.r, 3), tf.nn.embedding_lookup(tf.constant([[0.0, 1.0], [2.0, 3.0]] * 4), s.r),
        tf.ragged.map_flat_values(tf.add, s.r, s.r), tf.ragged.map_flat_values(tf.add, s.r, 1),
        tf.ragged.map_flat_values(lambda x: x, 3), tf.saturate_cast(s.r, tf.uint8),
    ],
    "reductions": lambda s, tf, R: [
        [f(x, a) for x in (s.f, tf.cast(s.deep, tf.float32)) for a in (None, 0, 1, -1, [0, 1])]
        for f in (tf.reduce_sum, tf.reduce_max, tf.reduce_min, tf.reduce_prod, tf.reduce_mean)
    ] + [
        tf.reduce_sum(s.deep, 2), tf.reduce_sum(s.deep, [1, 2]), tf.reduce_sum(s.r, 1, keepdims=True),
        tf.reduce_sum(s.pairs, 2), tf.reduce_sum(s.pairs, 1), tf.reduce_any(s.r > 4, 1), tf.reduce_all(s.r > 0, 0),
        tf.math.reduce_variance(s.f, 1), tf.math.reduce_std(s.f, 1), tf.size(s.r), tf.rank(s.deep),
        tf.unsorted_segment_sum(s.r, [0, 1, 0, 1], 2), tf.unsorted_segment_max(s.f, s.r, 8),
        tf.unsorted_segment_mean(s.f, s.r, 8), tf.strings.reduce_join(s.w, 1, separator=","),
        tf.strings.reduce_join(s.w, 0),
        tf.strings.unsorted_segment_join(["a", "b", "c"], [1, 0, 1], 3, separator=":"),
    ],
    "joining": lambda s, tf, R: [
        [f([x, x], a) for a in range(k)] for f, k, x in (
            (tf.concat, 2, s.r), (tf.stack, 3, s.r), (tf.concat, 3, s.deep), (tf.stack, 4, s.deep), (tf.concat, 3,
            s.pairs))
    ] + [
        tf.concat([s.r, tf.constant([[9], [8], [7], [6]])], 1), tf.ragged.stack([tf.constant([1, 2]),
        tf.constant([3])]),
        tf.ragged.stack([s.d, s.d[:1]]), tf.concat([s.w, s.w], -1), tf.concat([s.d, s.d[:1]], 0),
        tf.ragged.stack([s.r]),
        tf.tile(s.r, [2, 3]), tf.tile(s.deep, [2, 1, 2]), tf.tile(s.r, [2, 0]), tf.tile(s.pairs, [1, 2, 2]),
        [tf.expand_dims(s.r, a) for a in (0, 1, 2, -1)], tf.squeeze(tf.expand_dims(s.r, 1), 1),
        tf.squeeze(tf.expand_dims(s.r, 0), 0),
    ],
    "gather": lambda s, tf, R: [
        tf.gather(s.r, [3, 0, 0]), tf.gather(s.r, [[3], [0]]), tf.gather(s.deep, [2, 0]), tf.gather(s.pairs, [2, 0]),
        tf.gather(tf.constant([10, 20, 30, 40]), tf.ragged.constant([[3, 0], [1]])), tf.gather(s.r, 3),
        tf.gather(s.r, tf.ragged.constant([[3, 0], [1]])), tf.batch_gather(s.r, tf.ragged.constant([[0], [], [0], [2,
        1]])),
        tf.gather_nd(s.r, [[3, 1], [0, 0]]), tf.gather_nd(s.r, [[3], [0]]), tf.gather_nd(s.deep, [[2, 0, 1], [0, 0,
        0]]),
        tf.gather_nd(s.deep, [[2, 0], [0, 0]]), tf.gather_nd(s.pairs, [[0, 1, 1]]), tf.gather_nd(s.pairs, [0, 1]),
        tf.where(s.r > 2), tf.where(s.r > 2, s.r, -s.r), tf.where([True, False, True, False], s.r, -s.r),
        tf.where_v2(s.r > 2, s.r, 0), tf.where(s.deep > 3),
        tf.ragged.boolean_mask(s.r, s.r > 2), tf.ragged.boolean_mask(s.r, [True, False, False, True]),
        tf.ragged.boolean_mask(s.d, [[True, False, True], [False, False, True]]), tf.ragged.boolean_mask(s.deep,
        s.deep > 2),
        tf.ragged.boolean_mask(s.d, [True, False]), tf.ragged.boolean_mask(s.pairs, tf.ragged.constant([[True, False],
        [], [True]])),
        tf.ragged.stack_dynamic_partitions([1, 2, 3, 4], [1, 0, 3, 1], 5), tf.ragged.stack_dynamic_partitions(s.r, [1,
        0, 1, 1], 3),
    ],
    "slices": lambda s, tf, R: [
        s.r[0], s.r[-1], s.r[3, 1], s.deep[2, 0], s.deep[2, 0, 1], s.r[1:3], s.r[::2], s.r[::-1], s.r[5:], s.r[:0],
        s.r[:],
        s.r[:, 1:], s.r[:, :-1], s.r[:, -2:], s.r[:, ::2], s.r[:, ::-1], s.r[:, 1:2], s.r[:, -1:0:-1], s.r[None],
        s.r[:, None],
        s.deep[..., :1], s.deep[:, :1, 1:], s.deep[2, :, :2], s.deep[1:, 1:], s.pairs[:, :, 1], s.pairs[:, 0:1, ::-1],
        s.pairs[0, 1], s.r[tf.constant(2)], s.r[tf.constant(1):], s.w[3, 0], R.from_tensor(s.d)[:, 1],
        R.from_tensor(s.d)[:, 1:],
    ],
    "ranges": lambda s, tf, R: [
        tf.ragged.range([3, 0, 2]), tf.ragged.range([1, 2], [4, 9], 2), tf.ragged.range(0.0, [1.0, 2.0], 0.5),
        tf.ragged.range([3], dtype=tf.int64), tf.ragged.range([5], [0], [-2], row_splits_dtype=tf.int32),
        tf.ragged.row_splits_to_segment_ids([0, 2, 2, 5]), tf.ragged.segment_ids_to_row_splits([0, 0, 2, 2, 4]),
        tf.ragged.segment_ids_to_row_splits([0, 0, 2], 7), tf.ragged.row_splits_to_segment_ids(tf.constant([0, 1, 3])),
        tf.ragged.row_splits_to_segment_ids([0, 0], out_type=tf.int32),
    ],
    "words": lambda s, tf, R: [
        tf.strings.split(["a b", "", "c  d e"], result_type="RaggedTensor"), tf.strings.split("a b",
        result_type="RaggedTensor"),
        tf.strings.split([["a,b"], ["c"]], ",", 1, result_type="RaggedTensor"),
        tf.string_split(["a b", "", "c  d e"], result_type="RaggedTensor"), tf.strings.bytes_split(["ab", "", "cde"]),
        tf.strings.bytes_split("abc"), tf.strings.bytes_split(s.w), tf.strings.length(s.w), tf.strings.substr(s.w, 0,
        1),
        tf.strings.upper(s.w), tf.strings.join([s.w, s.w], "-"), tf.strings.join(["x", s.w]), tf.strings.as_string(s.r),
        tf.strings.to_hash_bucket_fast(s.w, 10), tf.strings.regex_replace(s.w, "[a-c]", "X"), tf.strings.strip(s.w),
        tf.strings.ngrams(s.w, 2), tf.strings.ngrams(["a", "b", "c"], 2), tf.strings.ngrams([["a", "b", "c"], ["d",
        "e", "f"]], 2),
        tf.strings.ngrams(s.w, [1, 2], pad_values=("<", ">"), separator="|"), tf.strings.ngrams(s.w, 3,
        pad_values="-", padding_width=1),
        tf.strings.ngrams(s.w, 2, preserve_short_sequences=True),
    ],
    "characters": lambda s, tf, R: [
        tf.strings.unicode_decode(["a\u00e9", "", "x"], "UTF-8"), tf.strings.unicode_decode("a\u00e9", "UTF-8"),
        tf.strings.unicode_decode([["a\u00e9"], ["z"]], "UTF-8"), tf.strings.unicode_decode(s.w, "UTF-8"),
        list(tf.strings.unicode_decode_with_offsets(["a\u00e9b", "", "x"], "UTF-8")),
        tf.strings.unicode_decode([b"a\xffb"], "UTF-8", "replace", 63), tf.strings.unicode_decode([b"a\xffb"],
        "UTF-8", "ignore"),
        tf.strings.unicode_split(["a\u00e9b", "", "x"], "UTF-8"), tf.strings.unicode_split("a\u00e9", "UTF-8"),
        tf.strings.unicode_split(s.w, "UTF-8"),
        list(tf.strings.unicode_split_with_offsets(["a\u00e9b", "", "x"], "UTF-8")),
        tf.strings.unicode_encode(tf.ragged.constant([[97, 233], [98]]), "UTF-8"), tf.strings.unicode_encode([97, 98],
        "UTF-8"),
        tf.strings.unicode_encode([[97, 98], [99, 100]], "UTF-16-BE"), tf.strings.unicode_encode([[[97], [98]], [[99],
        [100]]], "UTF-8"),
        tf.strings.unicode_encode(tf.ragged.constant([[[97, 233], [98]], [[99]]]), "UTF-8"),
        tf.strings.unicode_transcode(s.w, "UTF-8", "UTF-16-BE"),
    ],
    "gradients": lambda s, tf, R: [
        tf.gradients(tf.reduce_sum(tf.square(y)), s.d) for y in (
            tf.reduce_sum(s.rows, 1), s.rows.to_tensor(), s.rows.to_tensor(shape=[1, 1]), tf.gather(s.rows, [1, 1,
            0]).flat_values,
            s.rows.to_sparse().values, tf.concat([s.rows, s.rows * 2.0], 1).flat_values, s.rows[:, :1].flat_values,
            (s.rows + tf.constant([[1.0], [2.0]])).flat_values, tf.reduce_mean(s.rows, 0))
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_values(name):
    both(lambda tf: parts(PROGRAMS[name](Some(tf), tf, tf.RaggedTensor)))


ERRORS = {
    "private": lambda s, tf: tf.RaggedTensor([1], [0, 1]),
    "depths": lambda s, tf: tf.ragged.constant([1, [2]]),
    "ragged_rank": lambda s, tf: tf.ragged.constant([[1]], ragged_rank=2),
    "inner shape": lambda s, tf: tf.ragged.constant([[[1], [2, 3]]], ragged_rank=1),
    "no splits": lambda s, tf: tf.RaggedTensor.from_row_splits([1], []),
    "splits begin": lambda s, tf: tf.RaggedTensor.from_row_splits([1, 2], [1, 2]).row_splits,
    "scalar": lambda s, tf: tf.RaggedTensor.from_row_splits(1, [0, 1]),
    "lengths and padding": lambda s, tf: tf.RaggedTensor.from_tensor([[1]], lengths=[1], padding=0),
    "rank of sparse": lambda s, tf: tf.RaggedTensor.from_sparse(tf.SparseTensor([[0]], [1], [2])),
    "no sparse": lambda s, tf: tf.RaggedTensor.from_sparse(3),
    "column": lambda s, tf: s.r[:, 0],
    "row": lambda s, tf: s.r[7],
    "text": lambda s, tf: s.r["a"],
    "truth": lambda s, tf: bool(s.r),
    "axis": lambda s, tf: tf.reduce_sum(s.r, 2),
    "squeeze": lambda s, tf: tf.squeeze(s.r),
    "mask": lambda s, tf: tf.ragged.boolean_mask(s.r, True),
    "ranks": lambda s, tf: tf.concat([s.r, s.deep], 0),
    "other rows": lambda s, tf: (s.r + tf.ragged.constant([[1], [2], [3], [4]])).flat_values,
    "in the middle": lambda s, tf: tf.strings.split("a", result_type="Tensor"),
    "list": lambda s, tf: s.r.to_list(),
    "padding width": lambda s, tf: tf.strings.ngrams(s.w, 2, padding_width=1),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    both.error(lambda tf: ERRORS[name](Some(tf), tf))


def test_a_ragged_tensor_is_no_tensor():
    with pytest.raises(TypeError, match="to_tensor"):
        tenon.convert_to_tensor(tenon.ragged.constant([[1]]))
    with pytest.raises(TypeError, match="to_tensor"):
        tenon.matmul(tenon.ragged.constant([[1.0]]), [[1.0]])


def test_fetched_and_fed():
    def program(tf):
        x = tf.ragged.placeholder(tf.int32, 2, [])
        y = tf.ragged.placeholder(tf.float32, 1, value_shape=[2])
        with tf.Session() as session:
            a, (b, n) = session.run(
                [x * 2, (y, tf.size(x))],
                {x: tf.ragged.constant_value([[[1], [2, 3]], []], dtype=np.int32), y: tf.ragged.constant_value(
                    [[[1, 2]], []], np.float32, inner_shape=(2,))},
            )  # fmt: skip
            assert type(a).__name__ == "RaggedTensorValue"
            c = (y + 1.0).eval({y: b}) if hasattr(y, "eval") else session.run(y + 1.0, {y: b})
            with pytest.raises(Exception):  # noqa: B017  TensorFlow's is an AttributeError, ours a TypeError
                session.run(x, {x: [[1]]})
        return [a.to_list(), b.to_list(), int(n), c.to_list(), a.ragged_rank, list(b.shape), str(b.dtype), repr(a)[:21]]

    both(program)


def test_specs():
    def program(tf):
        rt = tf.ragged.constant([[1, 2], []])
        spec = tf.RaggedTensorSpec.from_value(rt)
        other = tf.RaggedTensorSpec([None, None], tf.int32)
        found = [spec.is_compatible_with(rt), other.is_compatible_with(rt), other == spec,
        spec == tf.type_spec_from_value(rt)
                 if hasattr(tf, "type_spec_from_value") else True,
                 tf.RaggedTensorSpec([None, None], tf.float32).is_compatible_with(rt),
                 other.value_type is tf.RaggedTensor]  # fmt: skip
        for bad in (lambda: tf.RaggedTensorSpec(None), lambda: tf.RaggedTensorSpec([2], ragged_rank=1)):
            with pytest.raises(ValueError):
                bad()
        return found

    both(program)


def test_elements_of_datasets():
    def program(tf):
        rt = tf.ragged.constant([[1, 2], [], [3], [4, 5, 6], [7]])
        deep = tf.ragged.constant([[[1, 2], [3]], [], [[4]]])
        found = []
        for make in (
            lambda: tf.data.Dataset.from_tensor_slices(rt),
            lambda: tf.data.Dataset.from_tensor_slices(rt).batch(2),
            lambda: tf.data.Dataset.from_tensor_slices({"a": rt, "b": tf.range(5)}).batch(3, drop_remainder=True),
            lambda: tf.data.Dataset.from_tensors(deep).repeat(2),
            lambda: tf.data.Dataset.from_tensor_slices(deep).batch(2),
            lambda: tf.data.Dataset.from_tensors(rt).map(lambda x: x * 2).map(lambda x: tf.reduce_sum(x, 1)),
            lambda: tf.data.Dataset.from_tensor_slices(["a b", "c", ""]).map(
                lambda x: tf.strings.split([x], result_type="RaggedTensor")
            ),
        ):
            dataset = make()
            step = tf.data.make_one_shot_iterator(dataset).get_next()
            with tf.Session() as session:
                while True:
                    try:
                        value = session.run(step)
                    except tf.errors.OutOfRangeError:
                        break
                    value = list(value.values()) if isinstance(value, dict) else [value]
                    found.append([v.to_list() if hasattr(v, "to_list") else v.tolist() for v in value])
        return found

    both(program)


def test_crosses():
    def program(tf):
        words = tf.ragged.constant([["a"], ["b", "c"], []], row_splits_dtype=tf.int64)
        numbers = tf.ragged.constant([[1, 2], [3], [4]], dtype=tf.int32)
        sparse = tf.SparseTensor([[0, 0], [1, 0], [1, 1]], ["x", "y", "z"], [3, 2])
        dense = tf.constant([[7, 8], [9, 10], [11, 12]])
        return [
            *parts(tf.ragged.cross([words, numbers, dense])),
            *parts(tf.ragged.cross([sparse, words])),
            *parts(tf.ragged.cross_hashed([words, sparse, dense])),
            *parts(tf.ragged.cross_hashed([words, dense], num_buckets=11, hash_key=2**64 - 5)),
        ]

    both(program)
    both.error(lambda tf: tf.ragged.cross(tf.constant([[1]])))
    both.error(lambda tf: tf.ragged.cross([tf.constant([[1.5]])]))
    both.error(lambda tf: tf.ragged.cross([tf.ragged.constant([[[1]]])]))
