"""Models over contrib.layers' feature columns: their values side by side, and weighted sums of them."""

from tenon.contrib.layers import feature_column as fc
from tenon.contrib.layers.scattered_column import _ScatteredEmbeddingColumn
from tenon.python.feature_column import base as new_columns
from tenon.python.feature_column import feature_column as new_layers
from tenon.python.feature_column import learnt
from tenon.python.feature_column.sequence import SequenceCategoricalColumn
from tenon.python.framework import ops
from tenon.python.ops import array_ops, init_ops, math_ops, nn_ops, parsing_ops, variable_scope
from tenon.python.training import checkpoint_utils
from tenon.python.util.tf_export import tf_export


class _State(new_columns.ScopeState):
    """State whose table of vectors is called `weights`, and may be shared by several columns."""

    def __init__(self, old, trainable, collections):
        super().__init__(trainable, collections)
        self._old = old

    def create_variable(self, column, name, shape, dtype=None, trainable=True, use_resource=True, initializer=None):
        shared = self._old.shared_embedding_name
        if shared is None:
            return super().create_variable(column, "weights", shape, dtype, trainable, use_resource, initializer)
        tables = ops.get_collection_ref("_shared_table_" + shared)
        if not tables:
            made = super().create_variable(column, "weights", shape, dtype, trainable, use_resource, initializer)
            tables.append(made)
        self.use_variable(column, "weights", tables[0])
        return tables[0]

    def get_variable(self, column, name):
        return super().get_variable(column, "weights")


def _named(column):
    """The scope of a column; one of no name stands for the only feature, as arrays have none."""
    if isinstance(column, fc._EmbeddingColumn) and column.shared_embedding_name:
        return column.shared_embedding_name
    return column.name


class _Scope:
    """variable_scope(None, default_name=NAME), also for a column without a name: then `scope//`, as 1.x called it."""

    def __init__(self, name, values):
        if name:
            self._inner = variable_scope.variable_scope(None, default_name=name, values=values)
        else:
            self._inner = variable_scope.variable_scope("", auxiliary_name_scope=False)

    def __enter__(self):
        return self._inner.__enter__()

    def __exit__(self, *error):
        return self._inner.__exit__(*error)


def _features(columns_to_tensors):
    return {"" if key is None else key: value for key, value in columns_to_tensors.items()}


def _ordered(feature_columns):
    """The columns by what they are, each once. ValueError for what is no column."""
    check_feature_columns(feature_columns)
    return sorted(set(feature_columns), key=lambda column: column.key)


@tf_export("contrib.layers.check_feature_columns")
def check_feature_columns(feature_columns):
    """ValueError for two columns of one name, and for what is no column."""
    if isinstance(feature_columns, dict):
        raise ValueError("Expected feature_columns to be iterable, found dict.")
    seen = {}
    for column in feature_columns:
        if not isinstance(column, fc._Column):
            raise ValueError(f"feature_columns must be of contrib.layers' columns. Given: {column}")
        if column.name in seen and seen[column.name] != column:
            raise ValueError(f"Duplicate feature column key found for column: {column.name}. This usually means that "
                             "the "
                             "column is almost identical to another column, and one must be discarded.")  # fmt: skip
        seen[column.name] = column


def _dense_of(column, cache, trainable, collections):
    """A column's numbers [batch, n]."""
    if fc.is_sparse(column):
        raise ValueError(f"Error creating input layer for column: {column.name}.\nSparse columns need a "
                         "one_hot_column or "
                         "embedding_column around them.")  # fmt: skip
    inner = column.inner
    learns = isinstance(column, (fc._EmbeddingColumn, _ScatteredEmbeddingColumn))
    state = _State(column, trainable, collections) if learns else None
    if state is not None:
        inner.create_state(state)
    value = inner.get_dense_tensor(cache, state)
    return array_ops.reshape(value, [-1, inner.variable_shape.num_elements()])


@tf_export("contrib.layers.input_from_feature_columns")
def input_from_feature_columns(columns_to_tensors, feature_columns, weight_collections=None, trainable=True,
                               scope=None, cols_to_outs=None):  # fmt: skip
    """The columns, ordered by what they are, side by side: [batch, sum of their sizes]."""
    cache = new_columns.FeatureTransformationCache(_features(columns_to_tensors))
    with variable_scope.variable_scope(scope, default_name="input_from_feature_columns", values=cache.tensors()):
        outputs = []
        for column in _ordered(feature_columns):
            with _Scope(_named(column), cache.tensors()):
                outputs.append(_dense_of(column, cache, trainable, weight_collections))
            if cols_to_outs is not None:
                cols_to_outs[column] = outputs[-1]
        return array_ops.concat(outputs, 1)


@tf_export("contrib.layers.sequence_input_from_feature_columns")
def sequence_input_from_feature_columns(columns_to_tensors, feature_columns, weight_collections=None, trainable=True,
                                        scope=None):  # fmt: skip
    """The columns of sequences side by side: [batch, time, sum of their sizes]."""
    features = _features(columns_to_tensors)
    cache = new_columns.FeatureTransformationCache(features)
    with variable_scope.variable_scope(scope, default_name="sequence_input_from_feature_columns",
                                       values=cache.tensors()):  # fmt: skip
        outputs = []
        for column in _ordered(feature_columns):
            with _Scope(_named(column), cache.tensors()):
                if isinstance(column, fc._RealValuedColumn):
                    value = ops.convert_to_tensor(features[column.column_name])
                    if column.normalizer is not None:
                        value = column.normalizer(value)
                    shape = array_ops.shape(value)
                    outputs.append(array_ops.reshape(math_ops.cast(value, "float32"),
                                                     [shape[0], shape[1], column.dimension]))  # fmt: skip
                    continue
                if not isinstance(column, (fc._EmbeddingColumn, fc._OneHotColumn)):
                    raise ValueError(f"Column {column.name} can not be used for sequences.")
                inner = column.inner
                inner = inner._replace(categorical_column=SequenceCategoricalColumn(inner.categorical_column))
                state = (
                    _State(column, trainable, weight_collections) if isinstance(column, fc._EmbeddingColumn) else None
                )
                if state is not None:
                    inner.create_state(state)
                outputs.append(inner.get_sequence_dense_tensor(cache, state)[0])
        return array_ops.concat(outputs, 2)


def _weights(name, rows, num_outputs, trainable, collections):
    return variable_scope.get_variable(
        name, [rows, num_outputs], initializer=init_ops.zeros_initializer(), trainable=trainable,
        collections=new_columns.with_model_variables(collections),
    )  # fmt: skip


def _weighted(column, cache, num_outputs, trainable, collections):
    """(a column's part of a sum [batch, num_outputs], its weights)."""
    if isinstance(column, (fc._EmbeddingColumn, fc._OneHotColumn)):
        value = _dense_of(column, cache, trainable, collections)
        weights = _weights("weights", value.get_shape()[1].value, num_outputs, trainable, collections)
        return math_ops.matmul(value, _whole(weights)), weights
    inner = column.inner
    if isinstance(column, fc._RealValuedColumn):
        value = array_ops.reshape(inner.get_dense_tensor(cache, None), [-1, column.dimension])
        weights = _weights("weight", column.dimension, num_outputs, trainable, collections)
        return math_ops.matmul(value, _whole(weights), name="matmul"), weights
    ids, given = inner.get_sparse_tensors(cache, None)
    weights = _weights("weights", inner.num_buckets, num_outputs, trainable, collections)
    if getattr(column, "ckpt_to_load_from", None) is not None:
        checkpoint_utils.init_from_checkpoint(column.ckpt_to_load_from, {column.tensor_name_in_ckpt: weights})
    return learnt.sparse_sum(ids, given, weights, column.combiner, column.name or None), weights


def _whole(variable):
    return ops.convert_to_tensor(variable) if hasattr(variable, "_get_variable_list") else variable


def _listed(variable):
    return list(variable) if hasattr(variable, "_get_variable_list") else [variable]


@tf_export("contrib.layers.weighted_sum_from_feature_columns")
def weighted_sum_from_feature_columns(columns_to_tensors, feature_columns, num_outputs, weight_collections=None,
                                      trainable=True, scope=None):  # fmt: skip
    """(a linear prediction [batch, NUM_OUTPUTS], {column: [its weights]}, the bias)."""
    cache = new_columns.FeatureTransformationCache(_features(columns_to_tensors))
    with variable_scope.variable_scope(scope, default_name="weighted_sum_from_feature_columns",
                                       values=cache.tensors()):  # fmt: skip
        parts, found = [], {}
        for column in _ordered(feature_columns):
            with _Scope(_named(column), cache.tensors()):
                part, weights = _weighted(column, cache, num_outputs, trainable, weight_collections)
            parts.append(part)
            found[column] = _listed(weights)
        total = math_ops.add_n(parts)
        bias = variable_scope.get_variable(
            "bias_weight", [num_outputs], initializer=init_ops.zeros_initializer(), trainable=trainable,
            collections=new_columns.with_model_variables(weight_collections),
        )  # fmt: skip
        return nn_ops.bias_add(total, _whole(bias)), found, bias


@tf_export("contrib.layers.joint_weighted_sum_from_feature_columns")
def joint_weighted_sum_from_feature_columns(columns_to_tensors, feature_columns, num_outputs, weight_collections=None,
                                            trainable=True, scope=None):  # fmt: skip
    """weighted_sum_from_feature_columns, of columns of categories only, whose weights are one variable."""
    cache = new_columns.FeatureTransformationCache(_features(columns_to_tensors))
    columns = _ordered(feature_columns)
    with variable_scope.variable_scope(scope, default_name="joint_weighted_sum_from_feature_columns",
                                       values=cache.tensors()):  # fmt: skip
        sizes = [column.inner.num_buckets for column in columns]
        table = _weights("weights", sum(sizes), num_outputs, trainable, weight_collections)
        whole, first, parts = _whole(table), 0, []
        for column, size in zip(columns, sizes):
            ids, given = column.inner.get_sparse_tensors(cache, None)
            parts.append(learnt.sparse_sum(ids, given, whole[first : first + size], column.combiner, None))
            first += size
        bias = variable_scope.get_variable(
            "bias_weight", [num_outputs], initializer=init_ops.zeros_initializer(), trainable=trainable,
            collections=new_columns.with_model_variables(weight_collections),
        )  # fmt: skip
        total = nn_ops.bias_add(math_ops.add_n(parts), _whole(bias))
        return total, {column: _listed(table) for column in columns}, bias


@tf_export("contrib.layers.transform_features")
def transform_features(features, feature_columns):
    """{column: its value before weights}."""
    cache = new_columns.FeatureTransformationCache(_features(features))
    return {column: cache.get(column.inner) for column in _ordered(feature_columns)}


@tf_export("contrib.layers.parse_feature_columns_from_examples")
def parse_feature_columns_from_examples(serialized, feature_columns, name=None, example_names=None):
    """The values of columns from serialised Examples: {column: value}."""
    check_feature_columns(feature_columns)
    spec = fc.create_feature_spec_for_parsing(feature_columns)
    return transform_features(parsing_ops.parse_example(serialized, spec, name, example_names), feature_columns)


@tf_export("contrib.layers.parse_feature_columns_from_sequence_examples")
def parse_feature_columns_from_sequence_examples(serialized, context_feature_columns, sequence_feature_columns,
                                                 name=None, example_name=None):  # fmt: skip
    """({name: feature} of the context, {name: features of the moments}) of a serialised SequenceExample."""
    context = list(context_feature_columns or [])
    sequence = list(sequence_feature_columns or [])
    check_feature_columns([*context, *sequence])
    moments = {
        key: parsing_ops.FixedLenSequenceFeature(feature.shape, feature.dtype) if hasattr(feature, "shape") else feature
        for key, feature in fc.create_feature_spec_for_parsing(sequence).items()
    }
    return parsing_ops.parse_single_sequence_example(
        serialized, fc.create_feature_spec_for_parsing(context), moments, example_name, name
    )


@tf_export("contrib.layers.make_place_holder_tensors_for_base_features")
def make_place_holder_tensors_for_base_features(feature_columns):
    """{name: placeholder} of what the columns are made of."""
    made = {}
    for key, feature in fc.create_feature_spec_for_parsing(feature_columns).items():
        if isinstance(feature, parsing_ops.FixedLenFeature):
            made[key] = array_ops.placeholder(feature.dtype, [None, *feature.shape], name=f"Placeholder_{key}")
        else:
            made[key] = array_ops.sparse_placeholder(feature.dtype, name=f"Placeholder_{key}")
    return made


@tf_export("contrib.layers.infer_real_valued_columns")
def infer_real_valued_columns(features):
    """Columns of numbers for tensors [batch, n]: a dict of them, or one, whose column has no name."""

    def column_of(name, tensor):
        tensor = ops.convert_to_tensor(tensor)
        if not (tensor.dtype.is_floating or tensor.dtype.is_integer):
            raise ValueError(f"Non supported dtype for feature {name}: {tensor.dtype}")
        shape = tensor.get_shape().as_list()
        return fc.real_valued_column(name, dimension=shape[1] if len(shape) > 1 else 1, dtype=tensor.dtype)

    if not isinstance(features, dict):
        return [column_of("", features)]
    return [column_of(name, tensor) for name, tensor in features.items()]


@tf_export("contrib.feature_column.sequence_input_layer")
def sequence_input_layer(features, feature_columns, weight_collections=None, trainable=True):
    """([batch, time, sum of the columns' sizes], lengths) of tf.feature_column's columns of sequences."""
    return new_layers.sequence_input_layer(features, feature_columns, weight_collections, trainable)
