"""tf.data.Dataset: sequences of elements, and what can be done with them."""

import numpy as np

from tenon.python.data.ops import iterator_ops
from tenon.python.data.ops.structured_function import StructuredFunction
from tenon.python.data.util import nest, structure
from tenon.python.framework import dtypes, ops, random_seed, tensor_util
from tenon.python.framework.tensor import Tensor
from tenon.python.framework.tensor_shape import TensorShape
from tenon.python.ops import gen_ops
from tenon.python.util.tf_export import tf_export

AUTOTUNE = -1
tf_export("data.experimental.AUTOTUNE", "data.AUTOTUNE", "contrib.data.AUTOTUNE").export_constant(__name__, "AUTOTUNE")
INFINITE_CARDINALITY = -1
UNKNOWN_CARDINALITY = -2
tf_export("data.experimental.INFINITE_CARDINALITY", "data.INFINITE_CARDINALITY").export_constant(
    __name__, "INFINITE_CARDINALITY"
)
tf_export("data.experimental.UNKNOWN_CARDINALITY", "data.UNKNOWN_CARDINALITY").export_constant(
    __name__, "UNKNOWN_CARDINALITY"
)


def int64(value, name):
    """VALUE as a scalar int64 tensor."""
    return ops.convert_to_tensor(value, dtype=dtypes.int64, name=name)


def get_seed(seed):
    """The seeds of a shuffle as int64 tensors; (0, 0) stands for seeds of chance."""
    a, b = random_seed.get_seed(seed)
    a, b = (0, 0) if a is None else (a, b)
    if a == 0 and b == 0 and seed is not None:
        b = 2**31 - 1
    return int64(a, "seed"), int64(b, "seed2")


def _wrap(variant, element, inputs=()):
    """A Dataset on a variant tensor whose elements are as ELEMENT says."""
    made = Dataset.__new__(Dataset)
    made._set(variant, element, inputs)
    return made


@tf_export("data.Dataset", "contrib.data.Dataset")
class Dataset:
    """A sequence of elements, each a nested structure of tensors."""

    def __init__(self, variant_tensor=None):
        if not isinstance(variant_tensor, Tensor):
            raise TypeError("a Dataset is made by its static methods, as Dataset.from_tensors")
        self._set(variant_tensor, None)

    def _set(self, variant, element, inputs=()):
        self._variant_tensor = variant
        self._structure = element
        self._sources = inputs
        self._options = None

    def _derive(self, op, element=None, name=None, **arguments):
        """The dataset that OP makes of this one; ELEMENT None: of the same elements."""
        element = self._structure if element is None else element
        variant = op(self._variant_tensor, **arguments, name=name, **structure.flat(element))
        return _wrap(variant, element, (self,))

    def _as_variant_tensor(self):
        return self._variant_tensor

    def _inputs(self):
        return list(self._sources)

    @property
    def element_spec(self):
        """The nested specs of the elements."""
        return self._structure

    _element_structure = element_spec

    @property
    def output_types(self):
        """Nested dtypes of the elements."""
        return structure.types_of(self._structure)

    @property
    def output_shapes(self):
        """Nested shapes of the elements."""
        return structure.shapes_of(self._structure)

    @property
    def output_classes(self):
        """Nested classes of the elements' components."""
        return structure.classes_of(self._structure)

    def __iter__(self):
        if ops.executing_eagerly():
            from tenon.python.eager.iterator import Iterator

            return Iterator(self)
        raise RuntimeError("dataset.__iter__() is only supported when eager execution is enabled.")

    def __bool__(self):
        return True

    def __repr__(self):
        return f"<{type(self).__name__} shapes: {self.output_shapes}, types: {self.output_types}>"

    # --- iterators ---

    def make_initializable_iterator(self, shared_name=None):
        """An Iterator that its `initializer` starts."""
        return iterator_ops.initializable(self, shared_name)

    def make_one_shot_iterator(self):
        """An Iterator that needs no initializer. ValueError if the dataset depends on placeholders or variables."""
        return iterator_ops.one_shot(self)

    # --- sources ---

    @staticmethod
    def from_tensors(tensors, name=None):
        """A dataset of one element."""
        with ops.name_scope("tensors"):
            element = structure.normalize(tensors)
        spec = structure.structure_of(element)
        variant = gen_ops.tensor_dataset(structure.to_tensors(spec, element),
                                         output_shapes=structure.flat(spec)["output_shapes"], name=name)  # fmt: skip
        return _wrap(variant, spec)

    @staticmethod
    def from_tensor_slices(tensors, name=None):
        """A dataset of the slices along dimension 0."""
        with ops.name_scope("tensors"):
            element = structure.normalize(tensors)
        specs = [structure.spec_of(leaf) for leaf in nest.flatten(element)]
        for spec in specs:
            if spec.shape.rank == 0:
                raise ValueError("Unbatching a tensor is only supported for rank >= 1")
        size = TensorShape([None])
        for spec in specs:
            if spec.shape._dims is not None:
                size = size.merge_with(spec.shape[:1])
        spec = nest.pack_sequence_as(element, [s.unbatched() for s in specs])
        rows = []
        for s, leaf in zip(specs, nest.flatten(element)):
            if isinstance(s, structure.RaggedTensorSpec):
                rows.append(s.rows(leaf))
            else:
                rows.append(_sparse_rows(leaf) if isinstance(s, structure.SparseTensorSpec) else s.to_tensor(leaf))
        variant = gen_ops.tensor_slice_dataset(rows, output_shapes=structure.flat(spec)["output_shapes"], name=name)
        return _wrap(variant, spec)

    @staticmethod
    def from_sparse_tensor_slices(sparse_tensor):
        """A dataset of the rank-0 slices of a SparseTensor of rank 1 or more: (indices, values, shape) of each row."""
        variant = gen_ops.sparse_tensor_slice_dataset(sparse_tensor.indices, sparse_tensor.values,
                                                      sparse_tensor.dense_shape)  # fmt: skip
        rank = sparse_tensor.dense_shape.shape._dims
        rank = None if rank is None or rank[0] is None else rank[0] - 1
        spec = (structure.TensorSpec([None, rank], dtypes.int64),
                structure.TensorSpec([None], sparse_tensor.dtype),
                structure.TensorSpec([rank], dtypes.int64))  # fmt: skip
        return _wrap(variant, spec)

    @staticmethod
    def range(*args, **kwargs):
        """The numbers of Python's range(*args), int64 scalars."""
        if not 1 <= len(args) <= 3:
            raise ValueError(f"Invalid args: {args}. The length of args should be between 1 and 3.")
        dtype = dtypes.as_dtype(kwargs.pop("output_type", dtypes.int64))
        start, stop, step = (0, args[0], 1) if len(args) == 1 else (*args, 1)[:3]
        spec = structure.TensorSpec([], dtype)
        variant = gen_ops.range_dataset(int64(start, "start"), int64(stop, "stop"), int64(step, "step"),
                                        name=kwargs.pop("name", None), **structure.flat(spec))  # fmt: skip
        return _wrap(variant, spec)

    @staticmethod
    def from_generator(generator, output_types=None, output_shapes=None, args=None, output_signature=None, name=None):
        """A dataset of what GENERATOR(*args), a Python callable that gives an iterable, yields."""
        from tenon.python.data.ops import from_generator

        if output_signature is not None:
            output_types = nest.map_structure(lambda spec: spec.dtype, output_signature)
            output_shapes = nest.map_structure(lambda spec: spec.shape, output_signature)
        return from_generator.make(generator, output_types, output_shapes, args, name)

    @staticmethod
    def list_files(file_pattern, shuffle=None, seed=None, name=None):
        """A dataset of the names of files that match a glob pattern, or one of several."""
        from tenon.python.data.ops import list_files

        return list_files.make(file_pattern, shuffle, seed)

    @staticmethod
    def zip(*args, datasets=None, name=None):
        """A dataset of elements put together from one of each dataset of a nested structure."""
        if not args and datasets is None:
            raise TypeError("Must pass at least one dataset to `zip`.")
        if args and datasets is not None:
            raise TypeError("Both `*args` and `datasets` cannot be set.")
        if args:
            datasets = args[0] if len(args) == 1 else args
        flat = nest.flatten(datasets)
        for dataset in flat:
            if not isinstance(dataset, Dataset):
                kind = "list" if isinstance(dataset, list) else type(dataset).__name__
                raise TypeError(f"The argument to `Dataset.zip()` must be a nested structure of `Dataset` objects. "
                                f"Nested structures do not support Python lists; please use a tuple instead. Got "
                                f"{kind}.")  # fmt: skip
        spec = nest.pack_sequence_as(datasets, [d._structure for d in flat])
        variant = gen_ops.zip_dataset([d._variant_tensor for d in flat], name=name, **structure.flat(spec))
        return _wrap(variant, spec, tuple(flat))

    # --- order and number ---

    def concatenate(self, dataset, name=None):
        """This dataset, then another one."""
        if str(self.output_types) != str(dataset.output_types):
            raise TypeError(f"Two datasets to concatenate have different types {self.output_types} and "
                            f"{dataset.output_types}")  # fmt: skip
        if self.output_classes != dataset.output_classes:
            raise TypeError(f"Two datasets to concatenate have different classes {self.output_classes} and "
                            f"{dataset.output_classes}")  # fmt: skip
        spec = nest.map_structure(lambda a, b: a.merged(b), self._structure, dataset._structure)
        variant = gen_ops.concatenate_dataset(self._variant_tensor, dataset._variant_tensor, name=name,
                                              **structure.flat(spec))  # fmt: skip
        return _wrap(variant, spec, (self, dataset))

    def repeat(self, count=None, name=None):
        """The dataset COUNT times over; for ever with None or -1."""
        return self._derive(gen_ops.repeat_dataset, count=int64(-1 if count is None else count, "count"), name=name)

    def take(self, count, name=None):
        """At most COUNT elements; all with -1."""
        return self._derive(gen_ops.take_dataset, count=int64(count, "count"), name=name)

    def skip(self, count, name=None):
        """What comes after the first COUNT elements; nothing with -1."""
        return self._derive(gen_ops.skip_dataset, count=int64(count, "count"), name=name)

    def shard(self, num_shards, index, name=None):
        """Every NUM_SHARDS-th element from number INDEX on."""
        shards, at = (tensor_util.constant_value(x) if isinstance(x, Tensor) else x for x in (num_shards, index))
        if shards is not None and shards < 1:
            raise ValueError(f"num_shards must be >= 1; got {num_shards}")
        if shards is not None and at is not None and at >= shards:
            raise ValueError(f"index must be < num_shards; got {index} and {num_shards}")
        if at is not None and at < 0:
            raise ValueError(f"index must be >= 0; got {index}")
        return self._derive(gen_ops.shard_dataset, num_shards=int64(num_shards, "num_shards"),
                            index=int64(index, "index"), name=name)  # fmt: skip

    def shuffle(self, buffer_size, seed=None, reshuffle_each_iteration=None, name=None):
        """The elements in random order, drawn from a buffer of BUFFER_SIZE."""
        seed, seed2 = get_seed(seed)
        again = True if reshuffle_each_iteration is None else reshuffle_each_iteration
        return self._derive(gen_ops.shuffle_dataset, buffer_size=int64(buffer_size, "buffer_size"), seed=seed,
                            seed2=seed2, reshuffle_each_iteration=again, name=name)  # fmt: skip

    def cache(self, filename="", name=None):
        """The elements, kept in memory or in files called FILENAME once they were all computed."""
        filename = ops.convert_to_tensor(filename, dtype=dtypes.string, name="filename")
        return self._derive(gen_ops.cache_dataset, filename=filename, name=name)

    def prefetch(self, buffer_size, name=None):
        """The elements, BUFFER_SIZE of which are made ahead of time by a thread."""
        size = AUTOTUNE if buffer_size is None else buffer_size
        return self._derive(gen_ops.prefetch_dataset, buffer_size=int64(size, "buffer_size"), name=name)

    def enumerate(self, start=0, name=None):
        """Pairs of a number, from START on, and an element."""
        return Dataset.zip((Dataset.range(start, np.iinfo(np.int64).max), self))

    # --- batches ---

    def batch(self, batch_size, drop_remainder=False, num_parallel_calls=None, deterministic=None, name=None):
        """Batches of BATCH_SIZE elements; the last one may be smaller, or dropped."""
        size = int64(batch_size, "batch_size")
        drop = ops.convert_to_tensor(drop_remainder, dtype=dtypes.bool, name="drop_remainder")
        known = tensor_util.constant_value(size) if tensor_util.constant_value(drop) else None
        spec = nest.map_structure(lambda s: s.batched(None if known is None else int(known)), self._structure)
        return self._derive(gen_ops.batch_dataset_v2, spec, batch_size=size, drop_remainder=drop, name=name)

    def padded_batch(self, batch_size, padded_shapes=None, padding_values=None, drop_remainder=False, name=None):
        """Batches of elements that are padded to one shape: -1 or None in it means the largest in the batch."""
        from tenon.python.data.ops import padded_batch

        return padded_batch.make(self, batch_size, padded_shapes, padding_values, drop_remainder, name)

    def unbatch(self, name=None):
        """The rows of the elements."""
        spec = nest.map_structure(lambda s: s.unbatched(), self._structure)
        return self._derive(gen_ops.unbatch_dataset, spec, name=name)

    def window(self, size, shift=None, stride=1, drop_remainder=False, name=None):
        """Datasets of SIZE elements each, every STRIDE-th, that begin SHIFT (SIZE) elements apart."""
        spec = nest.map_structure(structure.DatasetSpec, self._structure)
        return self._derive(gen_ops.window_dataset, spec, size=int64(size, "size"),
                            shift=int64(size if shift is None else shift, "shift"), stride=int64(stride, "stride"),
                            drop_remainder=ops.convert_to_tensor(drop_remainder, dtype=dtypes.bool),
                            name=name)  # fmt: skip

    # --- functions ---

    def _traced(self, func, what):
        return StructuredFunction(func, f"Dataset_{what}", self._structure)

    def map(self, map_func, num_parallel_calls=None, deterministic=None, synchronous=None,
            use_unbounded_threadpool=False, name=None):  # fmt: skip
        """What MAP_FUNC makes of each element, NUM_PARALLEL_CALLS at a time."""
        f = self._traced(map_func, "map")
        if num_parallel_calls is None:
            return self._derive(gen_ops.map_dataset, f.output, other_arguments=f.captured, f=f.name,
                                preserve_cardinality=False, name=name)  # fmt: skip
        calls = ops.convert_to_tensor(num_parallel_calls, dtype=dtypes.int32, name="num_parallel_calls")
        return self._derive(gen_ops.parallel_map_dataset, f.output, other_arguments=f.captured,
                            num_parallel_calls=calls, f=f.name, preserve_cardinality=False, name=name)  # fmt: skip

    def map_with_legacy_function(
        self, map_func, num_parallel_calls=None, deterministic=None, use_unbounded_threadpool=False
    ):
        """The same as map."""
        return self.map(map_func, num_parallel_calls)

    def flat_map(self, map_func, name=None):
        """The datasets that MAP_FUNC makes of the elements, one after the other."""
        f = _dataset_function(self, map_func, "flat_map")
        return self._derive(gen_ops.flat_map_dataset, f.output.element, other_arguments=f.captured, f=f.name,
                            name=name)  # fmt: skip

    def interleave(self, map_func, cycle_length=None, block_length=None, num_parallel_calls=None, deterministic=None,
                   name=None):  # fmt: skip
        """The datasets that MAP_FUNC makes of the elements, CYCLE_LENGTH of them at a time, BLOCK_LENGTH elements of
        each in turn."""
        f = _dataset_function(self, map_func, "interleave")
        cycle = int64(AUTOTUNE if cycle_length is None else cycle_length, "cycle_length")
        arguments = {"other_arguments": f.captured, "cycle_length": cycle,
                     "block_length": int64(block_length or 1, "block_length"), "f": f.name, "name": name}  # fmt: skip
        if num_parallel_calls is None:
            return self._derive(gen_ops.interleave_dataset, f.output.element, **arguments)
        return self._derive(gen_ops.parallel_interleave_dataset_v2, f.output.element, **arguments,
                            num_parallel_calls=int64(num_parallel_calls, "num_parallel_calls"))  # fmt: skip

    def filter(self, predicate, name=None):
        """The elements for which PREDICATE holds."""
        f = self._traced(predicate, "filter")
        if nest.is_nested(f.output) or f.output.dtype is not dtypes.bool or f.output.shape.rank not in (0, None):
            raise ValueError("`predicate` return type must be convertible to a scalar boolean tensor. Was "
                             f"{f.output}.")  # fmt: skip
        return self._derive(gen_ops.filter_dataset, other_arguments=f.captured, predicate=f.name, name=name)

    def filter_with_legacy_function(self, predicate):
        """The same as filter."""
        return self.filter(predicate)

    def apply(self, transformation_func):
        """TRANSFORMATION_FUNC(self), which must be a dataset."""
        dataset = transformation_func(self)
        if not isinstance(dataset, Dataset):
            raise TypeError(f"`transformation_func` must return a Dataset. Got {dataset}.")
        return dataset

    def reduce(self, initial_state, reduce_func, name=None):
        """The state after REDUCE_FUNC(state, element) has seen all elements."""
        from tenon.python.data.ops import reduce

        return reduce.make(self, initial_state, reduce_func, name)

    def take_while(self, predicate, name=None):
        """The elements up to the first for which PREDICATE does not hold."""
        f = self._traced(predicate, "take_while")
        return self._derive(gen_ops.take_while_dataset, other_arguments=f.captured, predicate=f.name, name=name)

    def unique(self, name=None):
        """The elements, each once."""
        return self._derive(gen_ops.unique_dataset, name=name)

    def cardinality(self):
        """The number of elements, INFINITE_CARDINALITY or UNKNOWN_CARDINALITY, a scalar int64 tensor."""
        return gen_ops.dataset_cardinality(self._variant_tensor)

    def scan(self, initial_state, scan_func, name=None):
        """What SCAN_FUNC(state, element) gives beside the next state."""
        from tenon.python.data.experimental.ops import transformations

        return transformations.scan(initial_state, scan_func)(self)

    def group_by_window(self, key_func, reduce_func, window_size=None, window_size_func=None, name=None):
        """What REDUCE_FUNC(key, window) makes of windows of elements with one key."""
        from tenon.python.data.experimental.ops import transformations

        return transformations.group_by_window(key_func, reduce_func, window_size, window_size_func)(self)

    def bucket_by_sequence_length(self, element_length_func, bucket_boundaries, bucket_batch_sizes, padded_shapes=None,
                                  padding_values=None, pad_to_bucket_boundary=False, no_padding=False,
                                  drop_remainder=False, name=None):  # fmt: skip
        """Padded batches of elements of like length."""
        from tenon.python.data.experimental.ops import transformations

        return transformations.bucket_by_sequence_length(
            element_length_func, bucket_boundaries, bucket_batch_sizes, padded_shapes, padding_values,
            pad_to_bucket_boundary, no_padding, drop_remainder)(self)  # fmt: skip

    def get_single_element(self, name=None):
        """The element of a dataset that has only one."""
        from tenon.python.data.experimental.ops import transformations

        return transformations.get_single_element(self)

    def ignore_errors(self, log_warning=False, name=None):
        """The elements that come without an error."""
        return self._derive(gen_ops.ignore_errors_dataset, name=name)

    @staticmethod
    def random(seed=None, rerandomize_each_iteration=None, name=None):
        """Random numbers of 32 bits, without an end."""
        from tenon.python.data.experimental.ops import sampling

        return sampling.RandomDataset(seed)

    @staticmethod
    def sample_from_datasets(datasets, weights=None, seed=None, stop_on_empty_dataset=False,
                             rerandomize_each_iteration=None):  # fmt: skip
        """Elements of DATASETS by chance, according to WEIGHTS."""
        from tenon.python.data.experimental.ops import sampling

        return sampling.sample_from_datasets(datasets, weights, seed, stop_on_empty_dataset)

    @staticmethod
    def choose_from_datasets(datasets, choice_dataset, stop_on_empty_dataset=True):
        """An element of the dataset that each number of CHOICE_DATASET names."""
        from tenon.python.data.experimental.ops import sampling

        return sampling.choose_from_datasets(datasets, choice_dataset, stop_on_empty_dataset)

    # --- options ---

    def options(self):
        """The Options of this dataset and what it is made of."""
        from tenon.python.data.ops.options import Options

        merged = Options()
        for source in self._sources:
            merged = merged.merge(source.options())
        return merged if self._options is None else merged.merge(self._options)

    def with_options(self, options, name=None):
        """The same dataset with OPTIONS."""
        made = _wrap(self._variant_tensor, self._structure, (self,))
        made._options = options
        return made


DatasetV1 = DatasetV2 = Dataset


def _dataset_function(dataset, func, what):
    f = dataset._traced(func, what)
    if not isinstance(f.output, structure.DatasetSpec):
        raise TypeError(f"`map_func` must return a `Dataset` object. Got {f.output}.")
    return f


def _sparse_rows(sparse):
    return gen_ops.serialize_many_sparse(sparse.indices, sparse.values, sparse.dense_shape)


@tf_export("data.make_one_shot_iterator")
def make_one_shot_iterator(dataset):
    """An Iterator that needs no initializer."""
    return dataset.make_one_shot_iterator()


@tf_export("data.make_initializable_iterator")
def make_initializable_iterator(dataset, shared_name=None):
    """An Iterator that its `initializer` starts."""
    return dataset.make_initializable_iterator(shared_name)


@tf_export("data.get_output_types", "compat.v1.data.get_output_types")
def get_output_types(dataset_or_iterator):
    """Nested dtypes of the elements."""
    return dataset_or_iterator.output_types


@tf_export("data.get_output_shapes")
def get_output_shapes(dataset_or_iterator):
    """Nested shapes of the elements."""
    return dataset_or_iterator.output_shapes


@tf_export("data.get_output_classes")
def get_output_classes(dataset_or_iterator):
    """Nested classes of the elements' components."""
    return dataset_or_iterator.output_classes
