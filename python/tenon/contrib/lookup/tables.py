"""Tables of tf.contrib.lookup whose arguments differ from tf.lookup's."""

from tenon.python.framework import dtypes, ops
from tenon.python.ops import lookup_ops
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.lookup.InitializableLookupTableBase")
class InitializableLookupTableBase(lookup_ops.StaticHashTable):
    """A table that INITIALIZER fills once."""

    def __init__(self, default_value, initializer):
        super().__init__(initializer, default_value)


@tf_export("contrib.lookup.MutableHashTable")
class MutableHashTable(lookup_ops.MutableHashTable):
    """A table that changes. Values have the shape of DEFAULT_VALUE. CHECKPOINT: savers keep what it holds."""

    def __init__(self, key_dtype, value_dtype, default_value, name="MutableHashTable", checkpoint=True):
        super().__init__(key_dtype, value_dtype, default_value, name=name, checkpoint=checkpoint)


@tf_export("contrib.lookup.MutableDenseHashTable")
class MutableDenseHashTable(lookup_ops.DenseHashTable):
    """A table that changes; EMPTY_KEY and DELETED_KEY may not be used."""

    def __init__(self, key_dtype, value_dtype, default_value, empty_key, deleted_key, initial_num_buckets=None,
                 name="MutableDenseHashTable", checkpoint=True):  # fmt: skip
        super().__init__(key_dtype, value_dtype, default_value, empty_key, deleted_key, initial_num_buckets, name=name,
                         checkpoint=checkpoint)  # fmt: skip


def _needed(mapping):
    if mapping is None:
        raise ValueError("mapping must be specified.")
    return mapping


@tf_export("contrib.lookup.index_table_from_tensor")
def index_table_from_tensor(mapping, num_oov_buckets=0, default_value=-1, hasher_spec=lookup_ops.FastHashSpec,
                            dtype=dtypes.string, name=None):  # fmt: skip
    """A table from what is in MAPPING to its place; others go to buckets, or to DEFAULT_VALUE if there are none."""
    return lookup_ops.index_table_from_tensor(
        _needed(mapping), num_oov_buckets, default_value, hasher_spec, dtype, name
    )


@tf_export("contrib.lookup.index_to_string_table_from_tensor")
def index_to_string_table_from_tensor(mapping, default_value="UNK", name=None):
    """A table from places to what is there in MAPPING."""
    return lookup_ops.index_to_string_table_from_tensor(_needed(mapping), default_value, name)


@tf_export("contrib.lookup.string_to_index_table_from_file")
def string_to_index_table_from_file(vocabulary_file=None, num_oov_buckets=0, vocab_size=None, default_value=-1,
                                    hasher_spec=lookup_ops.FastHashSpec, name=None):  # fmt: skip
    """index_table_from_file of strings."""
    return lookup_ops.index_table_from_file(
        vocabulary_file, num_oov_buckets, vocab_size, default_value, hasher_spec, dtypes.string, name
    )


@tf_export("contrib.lookup.string_to_index_table_from_tensor")
def string_to_index_table_from_tensor(mapping, num_oov_buckets=0, default_value=-1,
                                      hasher_spec=lookup_ops.FastHashSpec, name=None):  # fmt: skip
    """index_table_from_tensor of strings."""
    mapping = ops.convert_to_tensor(_needed(mapping))
    if mapping.dtype.base_dtype != dtypes.string:
        raise ValueError("string_to_index_table_from_tensor requires string.")
    return index_table_from_tensor(mapping, num_oov_buckets, default_value, hasher_spec, name=name)
