"""Lookup tables in the graph."""

import collections
import functools
import uuid

from tenon.python.framework import dtypes, ops
from tenon.python.framework.sparse_tensor import SparseTensor
from tenon.python.framework.tensor_shape import TensorShape
from tenon.python.ops import array_ops, control_flow_ops, gen_ops, math_ops
from tenon.python.util.deprecation import deprecated
from tenon.python.util.tf_export import tf_export

TF_EXPORTS = {
    "contrib.lookup.HashTable": "HashTable",
    "contrib.lookup.KeyValueTensorInitializer": "KeyValueTensorInitializer",
    "contrib.lookup.TextFileInitializer": "TextFileInitializer",
    "contrib.lookup.TextFileIdTableInitializer": "TextFileIdTableInitializer",
    "contrib.lookup.TextFileStringTableInitializer": "TextFileStringTableInitializer",
    "contrib.lookup.TextFileIndex": "TextFileIndex",
    "contrib.lookup.LookupInterface": "LookupInterface",
    "contrib.lookup.TableInitializerBase": "TableInitializerBase",
    "contrib.lookup.HasherSpec": "HasherSpec",
    "contrib.lookup.FastHashSpec": "FastHashSpec",
    "contrib.lookup.StrongHashSpec": "StrongHashSpec",
    "contrib.lookup.IdTableWithHashBuckets": "IdTableWithHashBuckets",
    "contrib.lookup.index_table_from_file": "index_table_from_file",
    "contrib.lookup.index_to_string_table_from_file": "index_to_string_table_from_file",
    "contrib.lookup.string_to_index": "string_to_index",
    "contrib.lookup.index_to_string": "index_to_string",
}


@tf_export("initialize_all_tables")
@deprecated(None, "Use `tf.tables_initializer` instead.")
def initialize_all_tables(name="init_all_tables"):
    """The old tables_initializer."""
    return tables_initializer(name)


@tf_export("initializers.tables_initializer", "tables_initializer")
def tables_initializer(name="init_all_tables"):
    """An operation that fills all tables of the graph."""
    found = ops.get_collection(ops.GraphKeys.TABLE_INITIALIZERS)
    return control_flow_ops.group(*found, name=name) if found else control_flow_ops.no_op(name=name)


def _on_values(function):
    """Makes FUNCTION(self, keys, ...) take sparse keys: their values are looked up."""

    @functools.wraps(function)
    def call(self, keys, *args, **kwargs):
        if not isinstance(keys, SparseTensor):
            return function(self, keys, *args, **kwargs)
        return SparseTensor(keys.indices, function(self, keys.values, *args, **kwargs), keys.dense_shape)

    return call


class LookupInterface:
    """From keys to values."""

    def __init__(self, key_dtype, value_dtype):
        self._key_dtype = dtypes.as_dtype(key_dtype)
        self._value_dtype = dtypes.as_dtype(value_dtype)

    key_dtype = property(lambda self: self._key_dtype, doc="The DType of the keys.")
    value_dtype = property(lambda self: self._value_dtype, doc="The DType of the values.")

    @property
    def name(self):
        """The name of the table."""
        return NotImplementedError

    def __getitem__(self, keys):
        return self.lookup(keys)


class _Table(LookupInterface):
    """What has a handle."""

    def __init__(self, handle, key_dtype, value_dtype, default_value=None):
        super().__init__(key_dtype, value_dtype)
        self._handle = handle
        self._default_value = (
            None if default_value is None else ops.convert_to_tensor(default_value, dtype=self._value_dtype)
        )

    resource_handle = property(lambda self: self._handle, doc="The handle, a resource Tensor.")
    table_ref = property(lambda self: self._handle, doc="The same.")
    default_value = property(lambda self: self._default_value, doc="The value of keys that are not there.")

    @property
    def name(self):
        return self._handle.op.name.split("/")[-1]

    def _keys(self, keys):
        keys = ops.convert_to_tensor(keys, dtype=None if hasattr(keys, "dtype") else self._key_dtype)
        if keys.dtype.base_dtype != self._key_dtype:
            raise TypeError(f"Dtype of argument `keys` must be {self._key_dtype}, received: {keys.dtype}")
        return keys

    @_on_values
    def lookup(self, keys, name=None):
        """The values of KEYS, a Tensor of any shape or a SparseTensor: the default where there are none."""
        keys = self._keys(keys)
        with ops.name_scope(name, f"{self.name}_Lookup", (self._handle, keys, self._default_value)):
            values = gen_ops.lookup_table_find_v2(self._handle, keys, self._default_value)
        values.set_shape(self._value_shape_of(keys))
        return values

    def _value_shape_of(self, keys):
        return keys.get_shape().concatenate(self._default_value.get_shape())

    def size(self, name=None):
        """The number of keys, an int64 scalar."""
        with ops.name_scope(name, f"{self.name}_Size", [self._handle]):
            return gen_ops.lookup_table_size_v2(self._handle)


@tf_export("lookup.StaticHashTable", v1=["lookup.StaticHashTable"])
class StaticHashTable(_Table):
    """A table that INITIALIZER fills once."""

    def __init__(self, initializer, default_value, shared_name=None, name=None, experimental_is_anonymous=False):
        self._initializer = initializer
        shared_name = shared_name or initializer._shared_name or f"hash_table_{uuid.uuid4()}"
        handle = gen_ops.hash_table_v2(shared_name=shared_name, key_dtype=initializer.key_dtype,
                                       value_dtype=initializer.value_dtype, name=name or "hash_table")  # fmt: skip
        super().__init__(handle, initializer.key_dtype, initializer.value_dtype, default_value)
        self._default_value.get_shape().assert_is_compatible_with(TensorShape([]))
        self._init_op = initializer.initialize(self)

    init = property(lambda self: self._init_op, doc="The operation that fills it.")
    initializer = property(lambda self: self._init_op, doc="The operation that fills it.")

    def export(self, name=None):
        """(keys, values): all of it."""
        with ops.name_scope(name, f"{self.name}_Export", [self._handle]):
            return gen_ops.lookup_table_export_v2(self._handle, Tkeys=self._key_dtype, Tvalues=self._value_dtype)


class HashTable(StaticHashTable):
    """The same under its old name."""


# --- what fills tables ---


class TableInitializerBase:
    """What fills a table."""

    def __init__(self, key_dtype, value_dtype):
        self._key_dtype = dtypes.as_dtype(key_dtype)
        self._value_dtype = dtypes.as_dtype(value_dtype)

    key_dtype = property(lambda self: self._key_dtype, doc="The DType of the keys.")
    value_dtype = property(lambda self: self._value_dtype, doc="The DType of the values.")
    _shared_name = ""

    def initialize(self, table):
        """The operation that fills TABLE."""
        raise NotImplementedError

    def _check(self, table):
        if table.key_dtype.base_dtype != self._key_dtype or table.value_dtype.base_dtype != self._value_dtype:
            raise TypeError(f"Invalid dtypes of the table: {table.key_dtype} to {table.value_dtype}, expected "
                            f"{self._key_dtype} to {self._value_dtype}")  # fmt: skip


@tf_export("lookup.KeyValueTensorInitializer")
class KeyValueTensorInitializer(TableInitializerBase):
    """Fills a table with the pairs of two vectors."""

    def __init__(self, keys, values, key_dtype=None, value_dtype=None, name=None):
        with ops.name_scope(name, "key_value_init", [keys, values]) as self._name:
            self._keys = ops.convert_to_tensor(keys, dtype=key_dtype, name="keys")
            self._values = ops.convert_to_tensor(values, dtype=value_dtype, name="values")
        super().__init__(self._keys.dtype, self._values.dtype)

    def initialize(self, table):
        """The operation that fills TABLE."""
        self._check(table)
        with ops.name_scope(self._name, values=(table.resource_handle, self._keys, self._values)):
            fill = gen_ops.lookup_table_import_v2(table.resource_handle, self._keys, self._values)
        ops.add_to_collection(ops.GraphKeys.TABLE_INITIALIZERS, fill)
        return fill


@tf_export("lookup.TextFileIndex")
class TextFileIndex:
    """What of a line is a key or a value, where it is no column."""

    WHOLE_LINE = -2
    LINE_NUMBER = -1


@tf_export("lookup.TextFileInitializer")
class TextFileInitializer(TableInitializerBase):
    """Fills a table with the lines of a file: with columns, whole lines, or their numbers."""

    def __init__(self, filename, key_dtype, key_index, value_dtype, value_index, vocab_size=None, delimiter="\t",
                 name=None, value_index_offset=0):  # fmt: skip
        if not isinstance(filename, ops.Tensor) and not filename:
            raise ValueError("`filename` argument required for TextFileInitializer")
        for what, index, dtype in (("Key", key_index, key_dtype), ("Value", value_index, value_dtype)):
            dtype = dtypes.as_dtype(dtype)
            if index < -2:
                raise ValueError(f"{what} index should be >= -2, received: {index}")
            if index == TextFileIndex.LINE_NUMBER and dtype != dtypes.int64:
                raise ValueError(f"{what} dtype must be int64 for line numbers, received: {dtype}")
            if index == TextFileIndex.WHOLE_LINE and not dtype.is_integer and dtype != dtypes.string:
                raise ValueError(f"{what} dtype should be string or integer for whole lines, received: {dtype}")
        if vocab_size is not None and vocab_size <= 0:
            raise ValueError(f"`vocab_size` should be > 0, received: {vocab_size}")
        self._filename = filename
        self._key_index, self._value_index = key_index, value_index
        self._vocab_size, self._delimiter, self._offset = vocab_size, delimiter, value_index_offset
        self._name = name or "text_file_init"
        super().__init__(key_dtype, value_dtype)

    @property
    def _shared_name(self):
        size = "" if self._vocab_size is None else f"_{self._vocab_size}"
        offset = f"_{self._offset}" if self._offset else ""
        return f"hash_table_{self._filename}{size}_{self._key_index}_{self._value_index}{offset}"

    def initialize(self, table):
        """The operation that fills TABLE."""
        self._check(table)
        with ops.name_scope(self._name, values=(table.resource_handle,)):
            filename = ops.convert_to_tensor(self._filename, dtypes.string, name="asset_filepath")
            fill = gen_ops.initialize_table_from_text_file_v2(
                table.resource_handle, filename, self._key_index, self._value_index,
                -1 if self._vocab_size is None else self._vocab_size, self._delimiter, self._offset)  # fmt: skip
        ops.add_to_collection(ops.GraphKeys.TABLE_INITIALIZERS, fill)
        if filename.op.type == "Const":
            ops.add_to_collection(ops.GraphKeys.ASSET_FILEPATHS, filename)
        return fill


class TextFileStringTableInitializer(TextFileInitializer):
    """Lines by their numbers."""

    def __init__(self, filename, key_column_index=TextFileIndex.LINE_NUMBER,
                 value_column_index=TextFileIndex.WHOLE_LINE, vocab_size=None, delimiter="\t",
                 name="text_file_string_table_init"):  # fmt: skip
        super().__init__(filename, dtypes.int64, key_column_index, dtypes.string, value_column_index, vocab_size,
                         delimiter, name)  # fmt: skip


class TextFileIdTableInitializer(TextFileInitializer):
    """Numbers of lines by what is in these."""

    def __init__(self, filename, key_column_index=TextFileIndex.WHOLE_LINE,
                 value_column_index=TextFileIndex.LINE_NUMBER, vocab_size=None, delimiter="\t",
                 name="text_file_id_table_init", key_dtype=dtypes.string):  # fmt: skip
        super().__init__(filename, key_dtype, key_column_index, dtypes.int64, value_column_index, vocab_size, delimiter,
                         name)  # fmt: skip


# --- words outside of the vocabulary go into buckets by their hash ---


class HasherSpec(collections.namedtuple("HasherSpec", ["hasher", "key"])):
    """How words are hashed."""

    __slots__ = ()


FastHashSpec = HasherSpec("fasthash", None)


class StrongHashSpec(HasherSpec):
    """A hash with a key of two numbers, which nobody can foresee."""

    __slots__ = ()

    def __new__(cls, key):
        if len(key) != 2:
            raise ValueError(f"Argument `key` must be a list of two integers, received: {key}")
        return super().__new__(cls, "stronghash", list(key))


def _bucket(spec, text, count):
    if not isinstance(spec, HasherSpec):
        raise TypeError(f"Argument `hasher_spec` must be of type HasherSpec, received: {spec!r}")
    if spec.hasher == "fasthash":
        return gen_ops.string_to_hash_bucket_fast(text, num_buckets=count, name="hash_bucket")
    if spec.hasher == "legacy":
        return gen_ops.string_to_hash_bucket(text, num_buckets=count, name="hash_bucket")
    if spec.hasher == "stronghash":
        return gen_ops.string_to_hash_bucket_strong(text, num_buckets=count, key=spec.key, name="hash_bucket")
    raise ValueError(f"Found unknown hasher {spec.hasher} in `hasher_spec`")


class IdTableWithHashBuckets(LookupInterface):
    """TABLE (or None) with NUM_OOV_BUCKETS more numbers behind its own, for keys that it does not hold."""

    def __init__(self, table, num_oov_buckets, hasher_spec=FastHashSpec, name=None, key_dtype=None):
        if table is None and num_oov_buckets <= 0:
            raise ValueError("`oov_buckets` must be > 0 if no `table` is supplied.")
        key_dtype = dtypes.as_dtype(key_dtype or (table.key_dtype if table else dtypes.string))
        if not key_dtype.is_integer and key_dtype != dtypes.string:
            raise TypeError(f"Invalid `key_dtype`, expected integer or string, received {key_dtype}.")
        super().__init__(key_dtype, dtypes.int64)
        self._table, self._buckets, self._hasher_spec = table, num_oov_buckets, hasher_spec
        self._name = name

    @property
    def name(self):
        return self._name or (self._table.name if self._table else "table")

    init = initializer = property(lambda self: self._table.initializer if self._table else control_flow_ops.no_op(),
                                  doc="The operation that fills it.")  # fmt: skip

    @property
    def resource_handle(self):
        """The handle of the table, or None."""
        return self._table.resource_handle if self._table else None

    def size(self, name=None):
        """How many numbers there are, an int64 scalar."""
        with ops.name_scope(name, f"{self.name}_Size"):
            return (self._table.size() if self._table else math_ops.cast(0, dtypes.int64)) + self._buckets

    @_on_values
    def lookup(self, keys, name=None):
        """The numbers of KEYS."""
        keys = ops.convert_to_tensor(keys)
        if keys.dtype.base_dtype != self._key_dtype:
            raise TypeError(f"Dtype of argument `keys` must be {self._key_dtype}, received: {keys.dtype}")
        inner = keys
        if self._table and self._table.key_dtype != keys.dtype.base_dtype:
            inner = math_ops.cast(keys, self._table.key_dtype)
        if not self._buckets:
            return self._table.lookup(inner, name=name)
        with ops.name_scope(name, f"{self.name}_Lookup"):
            text = keys if keys.dtype == dtypes.string else gen_ops.as_string(keys)
            buckets = _bucket(self._hasher_spec, text, self._buckets)
            if not self._table:
                return buckets
            ids = self._table.lookup(inner)
            known = math_ops.not_equal(ids, self._table.default_value)
            return array_ops.where(known, ids, math_ops.add(buckets, self._table.size()))


@tf_export("lookup.StaticVocabularyTable", v1=["lookup.StaticVocabularyTable"])
class StaticVocabularyTable(IdTableWithHashBuckets):
    """Numbers of the words that INITIALIZER (of int64 values) gives, and buckets for others."""

    def __init__(self, initializer, num_oov_buckets, lookup_key_dtype=None, name=None, experimental_is_anonymous=False):
        if num_oov_buckets <= 0:
            raise ValueError("`num_oov_buckets` must be > 0.")
        table = StaticHashTable(initializer, default_value=-1, name=name) if initializer else None
        super().__init__(table, num_oov_buckets, FastHashSpec, name, lookup_key_dtype)


# --- vocabularies ---


def _id_table(initializer, default_value, num_oov_buckets, hasher_spec, key_dtype, shared_name=None):
    table = StaticHashTable(initializer, default_value, shared_name=shared_name)
    if not num_oov_buckets:
        return table
    return IdTableWithHashBuckets(table, num_oov_buckets, hasher_spec, key_dtype=key_dtype)


def index_table_from_file(vocabulary_file=None, num_oov_buckets=0, vocab_size=None, default_value=-1,
                          hasher_spec=FastHashSpec, key_dtype=dtypes.string, name=None,
                          key_column_index=TextFileIndex.WHOLE_LINE, value_column_index=TextFileIndex.LINE_NUMBER,
                          delimiter="\t"):  # fmt: skip
    """A table from words to the numbers of their lines in a file."""
    if vocabulary_file is None or (isinstance(vocabulary_file, (str, bytes)) and not vocabulary_file):
        raise ValueError("`vocabulary_file` must be specified.")
    if num_oov_buckets < 0:
        raise ValueError(f"num_oov_buckets must be greater or equal than 0, got {num_oov_buckets}.")
    if vocab_size is not None and vocab_size < 1:
        raise ValueError(f"`vocab_size` must be greater than 0, got {vocab_size}.")
    key_dtype = dtypes.as_dtype(key_dtype)
    if key_dtype != dtypes.string and not key_dtype.is_integer:
        raise TypeError(f"Dtype for `keys` should be one of [tf.string, integer types], received: {key_dtype}")
    with ops.name_scope(name, "string_to_index"):
        inner = dtypes.int64 if key_dtype.is_integer else key_dtype
        init = TextFileIdTableInitializer(vocabulary_file, key_column_index, value_column_index, vocab_size, delimiter,
                                          "table_init", inner)  # fmt: skip
        return _id_table(init, default_value, num_oov_buckets, hasher_spec, key_dtype)


def index_table_from_tensor(vocabulary_list, num_oov_buckets=0, default_value=-1, hasher_spec=FastHashSpec,
                            dtype=dtypes.string, name=None):  # fmt: skip
    """A table from words to their places in a vector."""
    if vocabulary_list is None:
        raise ValueError("`vocabulary_list` must be specified.")
    if num_oov_buckets < 0:
        raise ValueError(f"`num_oov_buckets` must be greater or equal than 0, got {num_oov_buckets}.")
    dtype = dtypes.as_dtype(dtype)
    if dtype != dtypes.string and not dtype.is_integer:
        raise TypeError(f"`dtype` must either be integer or string, but received: {dtype}")
    with ops.name_scope(name, "string_to_index"):
        keys = ops.convert_to_tensor(vocabulary_list)
        if keys.dtype.is_integer != dtype.is_integer:
            raise ValueError(
                f"Invalid `dtype`: Expected {'integer' if dtype.is_integer else 'string'}, got {keys.dtype}."
            )
        if dtype.is_integer:
            keys = math_ops.cast(keys, dtypes.int64)
        values = math_ops.cast(math_ops.range(array_ops.size(keys)), dtypes.int64)
        init = KeyValueTensorInitializer(keys, values, keys.dtype, dtypes.int64, name="table_init")
        return _id_table(init, default_value, num_oov_buckets, hasher_spec, dtype)


def index_to_string_table_from_file(vocabulary_file, vocab_size=None, default_value="UNK", name=None,
                                    key_column_index=TextFileIndex.LINE_NUMBER,
                                    value_column_index=TextFileIndex.WHOLE_LINE, delimiter="\t"):  # fmt: skip
    """A table from the numbers of lines to what is in these."""
    if not isinstance(vocabulary_file, ops.Tensor) and not vocabulary_file:
        raise ValueError("`vocabulary_file` must be specified.")
    if vocab_size is not None and vocab_size < 1:
        raise ValueError(f"`vocab_size` must be greater than 0, got {vocab_size}.")
    with ops.name_scope(name, "index_to_string"):
        init = TextFileStringTableInitializer(vocabulary_file, key_column_index, value_column_index, vocab_size,
                                              delimiter, "table_init")  # fmt: skip
        return StaticHashTable(init, default_value)


def index_to_string_table_from_tensor(vocabulary_list, default_value="UNK", name=None):
    """A table from places in a vector to the words there."""
    if vocabulary_list is None:
        raise ValueError("`vocabulary_list` argument must be specified.")
    with ops.name_scope(name, "index_to_string"):
        values = ops.convert_to_tensor(vocabulary_list, dtypes.string)
        keys = math_ops.cast(math_ops.range(array_ops.size(values)), dtypes.int64)
        init = KeyValueTensorInitializer(keys, values, dtypes.int64, dtypes.string, name="table_init")
        return StaticHashTable(init, default_value)


def string_to_index(tensor, mapping, default_value=-1, name=None):
    """The places in MAPPING of the strings of TENSOR."""
    return index_table_from_tensor(mapping, default_value=default_value, name=name).lookup(tensor)


def index_to_string(tensor, mapping, default_value="UNK", name=None):
    """The strings of MAPPING at the places that TENSOR says."""
    return index_to_string_table_from_tensor(mapping, default_value, name=name).lookup(tensor)


# --- tables that change ---


@tf_export("lookup.experimental.MutableHashTable")
class MutableHashTable(_Table):
    """A table that changes. Values have the shape of DEFAULT_VALUE. CHECKPOINT: savers keep what it holds."""

    def __init__(self, key_dtype, value_dtype, default_value, shared_name=None, name="MutableHashTable",
                 checkpoint=True, experimental_is_anonymous=False):  # fmt: skip
        default = ops.convert_to_tensor(default_value, dtype=value_dtype)
        shared = "" if shared_name is None else shared_name
        plain = default.get_shape().ndims == 0
        build = gen_ops.mutable_hash_table_v2 if plain else gen_ops.mutable_hash_table_of_tensors_v2
        attrs = {} if plain else {"value_shape": default.get_shape()}
        types = {"key_dtype": dtypes.as_dtype(key_dtype), "value_dtype": dtypes.as_dtype(value_dtype)}
        own_name = bool(checkpoint and shared_name is None)
        handle = build(**types, shared_name=shared, use_node_name_sharing=own_name, name=name, **attrs)
        super().__init__(handle, key_dtype, value_dtype, default)

    def insert(self, keys, values, name=None):
        """An operation that sets the values of KEYS."""
        keys = self._keys(keys)
        with ops.name_scope(name, f"{self.name}_lookup_table_insert", [self._handle, keys, values]):
            values = ops.convert_to_tensor(values, dtype=self._value_dtype)
            return gen_ops.lookup_table_insert_v2(self._handle, keys, values)

    def remove(self, keys, name=None):
        """An operation that removes KEYS."""
        keys = self._keys(keys)
        with ops.name_scope(name, f"{self.name}_lookup_table_remove", [self._handle, keys]):
            return gen_ops.lookup_table_remove_v2(self._handle, keys)

    def lookup(self, keys, dynamic_default_values=None, name=None):
        """The values of KEYS; DYNAMIC_DEFAULT_VALUES may give one for each key that is not there."""
        keys = self._keys(keys)
        with ops.name_scope(name, f"{self.name}_lookup_table_find", (self._handle, keys, self._default_value)):
            default = self._default_value if dynamic_default_values is None else dynamic_default_values
            values = gen_ops.lookup_table_find_v2(self._handle, keys, default)
        values.set_shape(self._value_shape_of(keys))
        return values

    def export(self, name=None):
        """(keys, values): all of it."""
        with ops.name_scope(name, f"{self.name}_lookup_table_export_values", [self._handle]):
            return gen_ops.lookup_table_export_v2(self._handle, Tkeys=self._key_dtype, Tvalues=self._value_dtype)


@tf_export("lookup.experimental.DenseHashTable")
class DenseHashTable(MutableHashTable):
    """A table that changes; EMPTY_KEY and DELETED_KEY may not be used."""

    def __init__(self, key_dtype, value_dtype, default_value, empty_key, deleted_key, initial_num_buckets=None,
                 shared_name=None, name="MutableDenseHashTable", checkpoint=True,
                 experimental_is_anonymous=False):  # fmt: skip
        default = ops.convert_to_tensor(default_value, dtype=value_dtype, name="default_value")
        empty = ops.convert_to_tensor(empty_key, dtype=key_dtype, name="empty_key")
        deleted = ops.convert_to_tensor(deleted_key, dtype=key_dtype, name="deleted_key")
        self._key_shape = empty.get_shape()
        handle = gen_ops.mutable_dense_hash_table_v2(
            empty_key=empty, deleted_key=deleted, shared_name="" if shared_name is None else shared_name,
            value_dtype=dtypes.as_dtype(value_dtype), value_shape=default.get_shape(),
            initial_num_buckets=initial_num_buckets or 131072, name=name,
            use_node_name_sharing=bool(checkpoint and shared_name is None))  # fmt: skip
        _Table.__init__(self, handle, key_dtype, value_dtype, default)

    def _value_shape_of(self, keys):
        rank, own = keys.get_shape().ndims, self._key_shape.ndims
        if rank is None or own is None:
            return TensorShape(None)
        return keys.get_shape()[: rank - own].concatenate(self._default_value.get_shape())
