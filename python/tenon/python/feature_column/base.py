"""What feature columns are: the parts of a model's input that are told by name, and what remembers their values.

A column's value is made of the features once and kept in a FeatureTransformationCache; what it learns or looks up
(weights, tables) is asked of a state manager, so that a layer can own it.
"""

from tenon.python.framework import dtypes, ops, sparse_tensor
from tenon.python.ops import array_ops, check_ops, control_flow_ops, gen_ops, math_ops, variable_scope

# What columns of programs from before 1.13 define, by what it is called now; and the other way round.
_OLD = {"transform_feature": "_transform_feature", "parse_example_spec": "_parse_example_spec",
        "variable_shape": "_variable_shape", "num_buckets": "_num_buckets", "get_dense_tensor": "_get_dense_tensor",
        "get_sparse_tensors": "_get_sparse_tensors"}  # fmt: skip
_OTHER = {**_OLD, **{old: new for new, old in _OLD.items()}}


class FeatureColumn:
    """A column: a name, what is read from examples for it, and how its value comes from the features."""

    __slots__ = ()

    def __getattr__(self, name):
        other = _OTHER.get(name)
        if other is None or not hasattr(type(self), other):
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        found = getattr(self, other)
        if not callable(found):
            return found
        if other == "_transform_feature":
            return lambda cache, state_manager=None: found(cache)
        if other in _OLD:
            return lambda cache, *_, **__: found(cache, ScopeState())
        return lambda cache, state: found(cache, state.collections, state.trainable)

    @property
    def var_scope_name(self):
        """The scope of its variables."""
        return self.name

    @property
    def parents(self):
        """The columns and the names of features that its value is made of."""
        return [self.key]

    def create_state(self, state_manager):
        """Makes the variables that it needs."""

    def __lt__(self, other):
        return str(self) < str(other)

    def __gt__(self, other):
        return str(self) > str(other)


class DenseColumn(FeatureColumn):
    """A column that gives numbers: get_dense_tensor(cache, state) is [batch, *variable_shape]."""

    __slots__ = ()


class CategoricalColumn(FeatureColumn):
    """A column that gives numbers below num_buckets: get_sparse_tensors(cache, state) is (ids, weights or None)."""

    __slots__ = ()


class SequenceDenseColumn(FeatureColumn):
    """A column of sequences: get_sequence_dense_tensor(cache, state) is (values [batch, time, ...], lengths)."""

    __slots__ = ()


# What programs from before 1.13 call them.
_FeatureColumn, _DenseColumn, _CategoricalColumn = FeatureColumn, DenseColumn, CategoricalColumn
_SequenceDenseColumn = SequenceDenseColumn


def with_model_variables(collections):
    """The collections of a column's variables."""
    found = list(collections or [])
    every = (ops.GraphKeys.GLOBAL_VARIABLES, ops.GraphKeys.MODEL_VARIABLES)
    return found + [name for name in every if name not in found]


class ScopeState:
    """The state of columns that are built where they are used: variables by get_variable in the scope that is open."""

    def __init__(self, trainable=True, collections=None):
        self.trainable, self.collections, self._variables = trainable, with_model_variables(collections), {}

    def create_variable(self, column, name, shape, dtype=None, trainable=True, use_resource=True, initializer=None):
        """Makes (or finds) the variable NAME of COLUMN."""
        made = variable_scope.get_variable(
            name, shape, dtype or dtypes.float32, initializer, trainable=self.trainable and trainable,
            collections=self.collections,
        )  # fmt: skip
        self._variables[column, name] = made
        return made

    def use_variable(self, column, name, variable):
        """Takes a variable that is there already for NAME of COLUMN."""
        self._variables[column, name] = variable

    def get_variable(self, column, name):
        """The variable NAME of COLUMN."""
        if (column, name) not in self._variables:
            raise ValueError("Could not find variable.")
        return self._variables[column, name]


class FeatureTransformationCache:
    """The features, and the values of columns made of them so far."""

    def __init__(self, features):
        self._features, self._made = dict(features), {}

    def get(self, key, state_manager=None):
        """The value of KEY: a column, or the name of a feature, which gets a last dimension if it is a vector."""
        if key in self._made:
            return self._made[key]
        if isinstance(key, str):
            if key not in self._features:
                raise ValueError(f"Feature {key} is not in features dictionary.")
            value = self._raw(key)
        elif isinstance(key, FeatureColumn):
            value = key.transform_feature(self, state_manager)
            if value is None:
                raise ValueError(f"Column {key.name} is not supported.")
        else:
            raise TypeError(f'"key" must be either a "str" or "FeatureColumn". Provided: {key}')
        self._made[key] = value
        return value

    def tensors(self):
        """The features, for the names of scopes."""
        return [value for value in self._features.values() if isinstance(value, ops.Tensor)]

    def _raw(self, key):
        value = sparse_tensor.convert_to_tensor_or_sparse_tensor(self._features[key])
        sparse = isinstance(value, sparse_tensor.SparseTensor)
        rank = (value.dense_shape.get_shape().as_list() or [None])[0] if sparse else value.get_shape().ndims
        if rank is not None:
            if rank == 0:
                raise ValueError(f"Feature (key: {key}) cannot have rank 0. Given: {value}")
            return value if rank != 1 else _wider(value, sparse)
        at_least = check_ops.assert_positive(
            array_ops.rank(value), message=f"Feature (key: {key}) cannot have rank 0. Given: {value}"
        )
        with ops.control_dependencies([at_least]):
            if not sparse:
                return control_flow_ops.cond(
                    math_ops.equal(1, array_ops.rank(value)), lambda: _wider(value, False), lambda: value
                )
        return value


def _wider(value, sparse):
    if sparse:
        from tenon.python.ops import sparse_ops

        return sparse_ops.sparse_reshape(value, [array_ops.shape(value)[0], 1])
    return array_ops.expand_dims(value, -1)


def to_sparse(value, ignore_value=None):
    """VALUE as a sparse tensor; of a dense one the values that mean nothing ("" and -1) are left out."""
    value = sparse_tensor.convert_to_tensor_or_sparse_tensor(value)
    if isinstance(value, sparse_tensor.SparseTensor):
        return value
    with ops.name_scope(None, "to_sparse_input", [value, ignore_value]):
        if ignore_value is None:
            ignore_value = "" if value.dtype == dtypes.string else value.dtype.as_numpy_dtype(-1)
        ignored = math_ops.cast(ignore_value, value.dtype, name="ignore_value")
        indices = array_ops.where(math_ops.not_equal(value, ignored), name="indices")
        return sparse_tensor.SparseTensor(
            indices=indices,
            values=array_ops.gather_nd(value, indices, name="values"),
            dense_shape=gen_ops.shape(value, out_type=dtypes.int64, name="dense_shape"),
        )


def check_integer_or_string(name, dtype):
    """ValueError unless DTYPE is of words or whole numbers."""
    if dtype != dtypes.string and not dtype.is_integer:
        raise ValueError(f"{name} dtype must be string or integer. dtype: {dtype}.")


def check_same_kind(name, dtype, found):
    """ValueError unless FOUND are words or numbers as DTYPE says."""
    if dtype.is_integer != found.dtype.is_integer:
        raise ValueError(f"Column dtype and SparseTensors dtype must be compatible. key: {name}, column dtype: "
                         f"{dtype}, tensor dtype: {found.dtype}")  # fmt: skip
    check_integer_or_string(f"SparseTensor of column {name}:", found.dtype)


def checked_key(key):
    """KEY, which has to be the name of a feature."""
    if not isinstance(key, str):
        what = "must be a string." if not isinstance(key, FeatureColumn) else "must not be a feature column."
        raise ValueError(f"key {what} key: {key} (type {type(key)})")
    return key


def columns_of(feature_columns):
    """A list of columns as programs give them: one, or any collection; ValueError for what is none."""
    if isinstance(feature_columns, FeatureColumn):
        feature_columns = [feature_columns]
    if isinstance(feature_columns, dict):
        raise ValueError("Expected feature_columns to be iterable, found dict.")
    columns = list(feature_columns or [])
    for column in columns:
        if not isinstance(column, FeatureColumn):
            raise ValueError("Items of feature_columns must be a FeatureColumn. "
                             f"Given (type {type(column)}): {column}.")  # fmt: skip
    if not columns:
        raise ValueError("feature_columns must not be empty.")
    return columns


def sorted_columns(feature_columns):
    """The columns by name. ValueError where two of them have one name."""
    columns, names = columns_of(feature_columns), {}
    for column in columns:
        if column.name in names:
            raise ValueError(f"Duplicate feature column name found for columns: {column} and {names[column.name]}. "
                             "This usually means that these columns refer to same base feature. Either one must be "
                             "discarded or a duplicated but renamed item must be inserted in features "
                             "dict.")  # fmt: skip
        names[column.name] = column
    return sorted(columns, key=lambda column: column.name)


def not_for_sequences(column, categorical_column, what):
    """ValueError where the column of a sequence is used as one of a single value."""
    return ValueError(f"In {what}: {column.name}. categorical_column must not be of type SequenceCategoricalColumn. "
                      "Suggested fix A: If you wish to use DenseFeatures, use a non-sequence "
                      "categorical_column_with_*. Suggested fix B: If you wish to create sequence input, use "
                      f"SequenceFeatures instead of DenseFeatures. Given (type {type(categorical_column)}): "
                      f"{categorical_column}")  # fmt: skip
