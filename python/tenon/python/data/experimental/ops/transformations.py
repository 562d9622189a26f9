"""Transformations for Dataset.apply: tf.data.experimental, and what was tf.contrib.data."""

import numpy as np

from tenon.python.data.ops import dataset_ops
from tenon.python.data.ops.dataset_ops import Dataset, get_seed, int64
from tenon.python.data.ops.reduce import merge_state
from tenon.python.data.ops.structured_function import StructuredFunction
from tenon.python.data.util import nest, structure
from tenon.python.framework import dtypes, ops, tensor_util
from tenon.python.framework.tensor_shape import TensorShape
from tenon.python.ops import gen_ops
from tenon.python.util.tf_export import tf_export


@tf_export("data.experimental.map_and_batch", "contrib.data.map_and_batch")
def map_and_batch(map_func, batch_size, num_parallel_batches=None, drop_remainder=False, num_parallel_calls=None):
    """Batches of what MAP_FUNC makes of the elements."""
    if num_parallel_batches is not None and num_parallel_calls is not None:
        raise ValueError("`map_and_batch_with_legacy_function` allows only one of `num_parallel_batches` and "
                         "`num_parallel_calls` to be set, but both were set.")  # fmt: skip

    def apply(dataset):
        f = StructuredFunction(map_func, "Dataset_map_and_batch", dataset._structure)
        calls = num_parallel_calls
        if calls is None:
            calls = (num_parallel_batches or 1) * batch_size
        size = int64(batch_size, "batch_size")
        drop = ops.convert_to_tensor(drop_remainder, dtype=dtypes.bool, name="drop_remainder")
        known = tensor_util.constant_value(size) if tensor_util.constant_value(drop) else None
        spec = nest.map_structure(lambda s: s.batched(None if known is None else int(known)), f.output)
        return dataset._derive(gen_ops.map_and_batch_dataset, spec, other_arguments=f.captured, batch_size=size,
                               num_parallel_calls=int64(calls, "num_parallel_calls"), drop_remainder=drop,
                               f=f.name)  # fmt: skip

    return apply


@tf_export("data.experimental.shuffle_and_repeat", "contrib.data.shuffle_and_repeat")
def shuffle_and_repeat(buffer_size, count=None, seed=None):
    """The dataset COUNT times over, each time in random order."""

    def apply(dataset):
        a, b = get_seed(seed)
        return dataset._derive(gen_ops.shuffle_and_repeat_dataset, buffer_size=int64(buffer_size, "buffer_size"),
                               seed=a, seed2=b, count=int64(-1 if count is None else count, "count"))  # fmt: skip

    return apply


@tf_export("data.experimental.parallel_interleave", "contrib.data.parallel_interleave")
def parallel_interleave(map_func, cycle_length, block_length=1, sloppy=False, buffer_output_elements=None,
                        prefetch_input_elements=None):  # fmt: skip
    """The datasets that MAP_FUNC makes, CYCLE_LENGTH at a time, each with a thread of its own."""

    def apply(dataset):
        f = dataset_ops._dataset_function(dataset, map_func, "parallel_interleave")
        buffer = 2 * block_length if buffer_output_elements is None else buffer_output_elements
        ahead = 2 * cycle_length if prefetch_input_elements is None else prefetch_input_elements
        return dataset._derive(
            gen_ops.parallel_interleave_dataset, f.output.element, other_arguments=f.captured,
            cycle_length=int64(cycle_length, "cycle_length"), block_length=int64(block_length, "block_length"),
            sloppy=ops.convert_to_tensor(sloppy, dtype=dtypes.bool), buffer_output_elements=int64(buffer, "buffer"),
            prefetch_input_elements=int64(ahead, "prefetch"), f=f.name,
        )  # fmt: skip

    return apply


sloppy_interleave = parallel_interleave
tf_export("contrib.data.sloppy_interleave").export_constant(__name__, "sloppy_interleave")


@tf_export("data.experimental.group_by_window", "contrib.data.group_by_window")
def group_by_window(key_func, reduce_func, window_size=None, window_size_func=None):
    """What REDUCE_FUNC(key, window) makes of windows of elements with one key."""
    if (window_size is None) == (window_size_func is None):
        raise ValueError("Must pass either window_size or window_size_func.")
    if window_size_func is None:

        def window_size_func(_):
            return ops.convert_to_tensor(window_size, dtype=dtypes.int64)

    def as_int64(function):
        return lambda *args: gen_ops.cast(ops.convert_to_tensor(function(*args)), dtypes.int64)

    def apply(dataset):
        key = StructuredFunction(as_int64(key_func), "Dataset_group_key", dataset._structure)
        number = structure.TensorSpec([], dtypes.int64)
        size = StructuredFunction(as_int64(window_size_func), "Dataset_group_size", number)
        parts = (number, structure.DatasetSpec(dataset._structure))
        reduce = StructuredFunction(reduce_func, "Dataset_group_reduce", parts, several=True)
        if not isinstance(reduce.output, structure.DatasetSpec):
            raise TypeError("`reduce_func` must return a `Dataset` object.")
        return dataset._derive(
            gen_ops.group_by_window_dataset, reduce.output.element, key_func_other_arguments=key.captured,
            reduce_func_other_arguments=reduce.captured, window_size_func_other_arguments=size.captured,
            key_func=key.name, reduce_func=reduce.name, window_size_func=size.name,
        )  # fmt: skip

    return apply


@tf_export("data.experimental.bucket_by_sequence_length", "contrib.data.bucket_by_sequence_length")
def bucket_by_sequence_length(element_length_func, bucket_boundaries, bucket_batch_sizes, padded_shapes=None,
                              padding_values=None, pad_to_bucket_boundary=False, no_padding=False,
                              drop_remainder=False):  # fmt: skip
    """Padded batches of elements of like length."""
    if len(bucket_batch_sizes) != len(bucket_boundaries) + 1:
        raise ValueError("len(bucket_batch_sizes) must equal len(bucket_boundaries) + 1")
    sizes = np.array(bucket_batch_sizes, np.int64)
    low = np.array([np.iinfo(np.int32).min, *bucket_boundaries], np.int32)
    high = np.array([*bucket_boundaries, np.iinfo(np.int32).max], np.int32)

    def bucket_of(*args):
        length = gen_ops.cast(ops.convert_to_tensor(element_length_func(*args)), dtypes.int32)
        inside = gen_ops.logical_and(gen_ops.less_equal(ops.convert_to_tensor(low), length),
                                     gen_ops.less(length, ops.convert_to_tensor(high)))  # fmt: skip
        return gen_ops.min(gen_ops.where(inside), [0, 1])

    def size_of(bucket):
        return gen_ops.gather_v2(ops.convert_to_tensor(sizes), bucket, 0)

    def batches(bucket, window):
        size = size_of(bucket)
        if no_padding:
            return window.batch(size, drop_remainder=drop_remainder)
        shapes = padded_shapes if padded_shapes is not None else window.output_shapes
        if pad_to_bucket_boundary:
            boundary = ops.convert_to_tensor(np.array([*bucket_boundaries, 0], np.int64))
            edge = gen_ops.sub(gen_ops.gather_v2(boundary, bucket, 0), ops.convert_to_tensor(1, dtypes.int64))

            def filled(shape):
                dims = getattr(shape, "_dims", shape)
                return [edge if d is None else d for d in dims]

            shapes = nest.map_structure_up_to(window.output_types, filled, shapes)
        return window.padded_batch(size, shapes, padding_values, drop_remainder=drop_remainder)

    def apply(dataset):
        return dataset.apply(group_by_window(bucket_of, batches, window_size_func=size_of))

    return apply


@tf_export("data.experimental.scan", "contrib.data.scan")
def scan(initial_state, scan_func):
    """What SCAN_FUNC(state, element) gives beside the next state."""

    def apply(dataset):
        state = structure.normalize(initial_state)
        spec = structure.structure_of(state)
        while True:
            f = StructuredFunction(scan_func, "Dataset_scan", (spec, dataset._structure), several=True)
            if not isinstance(f.output, tuple) or len(f.output) != 2:
                raise TypeError("The scan function must return a pair comprising the new state and the output value.")
            merged = merge_state(spec, f.output[0])
            if str(merged) == str(spec):
                break
            spec = merged
        return dataset._derive(gen_ops.scan_dataset, f.output[1], initial_state=structure.to_tensors(spec, state),
                               other_arguments=f.captured, f=f.name, preserve_cardinality=True)  # fmt: skip

    return apply


@tf_export("data.experimental.unbatch", "contrib.data.unbatch")
def unbatch():
    """The rows of the elements."""
    return lambda dataset: dataset.unbatch()


@tf_export("data.experimental.unique", "contrib.data.unique")
def unique():
    """The elements, each once."""
    return lambda dataset: dataset.unique()


@tf_export("data.experimental.take_while")
def take_while(predicate):
    """The elements up to the first for which PREDICATE does not hold."""
    return lambda dataset: dataset.take_while(predicate)


@tf_export("data.experimental.ignore_errors", "contrib.data.ignore_errors")
def ignore_errors(log_warning=False):
    """The elements that come without an error."""
    return lambda dataset: dataset._derive(gen_ops.ignore_errors_dataset)


@tf_export("data.experimental.enumerate_dataset", "contrib.data.enumerate_dataset")
def enumerate_dataset(start=0):
    """Pairs of a number, from START on, and an element."""
    return lambda dataset: dataset.enumerate(start)


@tf_export("data.experimental.assert_cardinality")
def assert_cardinality(expected_cardinality):
    """The dataset, which must have so many elements."""
    return lambda dataset: dataset._derive(
        gen_ops.assert_cardinality_dataset, cardinality=int64(expected_cardinality, "cardinality")
    )


@tf_export("data.experimental.cardinality")
def cardinality(dataset):
    """The number of elements, -1 without an end, -2 where it is not known: a scalar int64 tensor."""
    return dataset.cardinality()


@tf_export("data.experimental.get_single_element", "contrib.data.get_single_element")
def get_single_element(dataset):
    """The element of a dataset that has only one."""
    if not isinstance(dataset, Dataset):
        raise TypeError("`dataset` must be a `tf.data.Dataset` object.")
    tensors = gen_ops.dataset_to_single_element(dataset._variant_tensor, **structure.flat(dataset._structure))
    return structure.from_tensors(dataset._structure, tensors)


@tf_export("data.experimental.get_structure")
def get_structure(dataset_or_iterator):
    """The nested specs of the elements."""
    return dataset_or_iterator.element_spec


@tf_export("contrib.data.batch_and_drop_remainder")
def batch_and_drop_remainder(batch_size):
    """Batches of BATCH_SIZE elements; what is left over is dropped."""
    return lambda dataset: dataset.batch(batch_size, drop_remainder=True)


@tf_export("contrib.data.padded_batch_and_drop_remainder")
def padded_batch_and_drop_remainder(batch_size, padded_shapes, padding_values=None):
    """Padded batches; what is left over is dropped."""
    return lambda dataset: dataset.padded_batch(batch_size, padded_shapes, padding_values, drop_remainder=True)


@tf_export("data.experimental.dense_to_sparse_batch", "contrib.data.dense_to_sparse_batch")
def dense_to_sparse_batch(batch_size, row_shape):
    """Batches of elements of different lengths as SparseTensors of shape [batch, *ROW_SHAPE]; None: the largest."""
    from tenon.python.framework.sparse_tensor import SparseTensor
    from tenon.python.framework.tensor_shape import as_shape

    rows = as_shape(row_shape)

    def sparse(x):
        x = ops.convert_to_tensor(x)
        own = gen_ops.shape(x, out_type=dtypes.int64)
        sizes = np.array([-1 if d is None else d for d in rows._dims], np.int64)
        known = gen_ops.less_equal(np.int64(0), ops.convert_to_tensor(sizes))
        shape = gen_ops.select(known, ops.convert_to_tensor(sizes), own)
        everywhere = gen_ops.where(gen_ops.fill(own, ops.convert_to_tensor(True)))
        return SparseTensor(everywhere, gen_ops.reshape(x, [-1]), shape)

    return lambda dataset: dataset.map(sparse).batch(batch_size)


@tf_export("contrib.data.assert_element_shape")
def assert_element_shape(expected_shapes):
    """The elements, which must have these shapes."""

    def apply(dataset):
        def check(*args):
            element = args if isinstance(dataset._structure, tuple) else args[0]
            leaves = nest.flatten(element)
            shapes = nest.flatten_up_to(dataset._structure, expected_shapes)
            made = [gen_ops.ensure_shape(x, shape=TensorShape(s)) for x, s in zip(leaves, shapes)]
            return nest.pack_sequence_as(dataset._structure, made)

        return dataset.map(check)

    return apply


@tf_export("data.experimental.map_and_batch_with_legacy_function")
def map_and_batch_with_legacy_function(map_func, batch_size, num_parallel_batches=None, drop_remainder=False,
                                       num_parallel_calls=None):  # fmt: skip
    """map_and_batch: all functions are of one kind here."""
    return map_and_batch(map_func, batch_size, num_parallel_batches, drop_remainder, num_parallel_calls)


@tf_export("data.experimental.prefetch_to_device", "contrib.data.prefetch_to_device")
def prefetch_to_device(device, buffer_size=None):
    """The elements, made ahead of time; here all devices are the CPU."""
    return lambda dataset: dataset.prefetch(buffer_size)


@tf_export("data.experimental.Counter", "contrib.data.Counter")
def Counter(start=0, step=1, dtype=dtypes.int64):
    """START, START + STEP, and so on without an end."""
    start, step = ops.convert_to_tensor(start, dtype=dtype), ops.convert_to_tensor(step, dtype=dtype)
    return Dataset.from_tensors(0).repeat().apply(
        scan(start, lambda state, _: (gen_ops.add_v2(state, step), state))
    )  # fmt: skip
