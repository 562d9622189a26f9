"""Layers over feature columns: input_layer, linear_model, and what parse_example reads for columns."""

from tenon.python.feature_column import base, learnt
from tenon.python.feature_column.base import (  # noqa: F401, programs take the old names from here
    CategoricalColumn,
    DenseColumn,
    FeatureTransformationCache,
    ScopeState,
    _CategoricalColumn,
    _DenseColumn,
    _FeatureColumn,
    _SequenceDenseColumn,
)
from tenon.python.framework import ops
from tenon.python.ops import array_ops, init_ops, math_ops, nn_ops, variable_scope
from tenon.python.util.tf_export import tf_export


def _made_in(scope_name, before):
    """The variables that were made since BEFORE (a count) in the graph, by what they are part of."""
    found = ops.get_collection(ops.GraphKeys.GLOBAL_VARIABLES)[before:]
    return [variable for variable in found if variable.op.name.startswith(scope_name + "/")]


def check_same_batch(tensors, columns):
    """ValueError where the columns are known to have different numbers of examples."""
    expected = None
    for i, tensor in enumerate(tensors):
        size = tensor.get_shape().dims[0].value
        if expected is None:
            expected, first = size, i
        elif size is not None and size != expected:
            raise ValueError("Batch size (first dimension) of each feature must be same. Batch size of columns "
                             f"({columns[first].name}, {columns[i].name}): ({expected}, {size})")  # fmt: skip


def input_layer_with(cache, feature_columns, weight_collections=None, trainable=True, cols_to_vars=None,
                     cols_to_output_tensors=None, scope=None, default_name="input_layer"):  # fmt: skip
    """input_layer over features whose values are cached."""
    columns = base.sorted_columns(feature_columns)
    for column in columns:
        if not isinstance(column, DenseColumn):
            raise ValueError("Items of feature_columns must be a _DenseColumn. You can wrap a categorical column with "
                             f"an embedding_column or indicator_column. Given: {column}")  # fmt: skip
    outputs = []
    with variable_scope.variable_scope(scope, default_name=default_name, values=cache.tensors()):
        for column in columns:
            before = len(ops.get_collection(ops.GraphKeys.GLOBAL_VARIABLES))
            with variable_scope.variable_scope(None, default_name=column.var_scope_name) as inner:
                state = ScopeState(trainable, weight_collections)
                column.create_state(state)
                tensor = column.get_dense_tensor(cache, state)
                batch = array_ops.shape(tensor)[0]
                outputs.append(array_ops.reshape(tensor, (batch, column.variable_shape.num_elements())))
            if cols_to_vars is not None:
                cols_to_vars[column] = _made_in(inner.name, before)
            if cols_to_output_tensors is not None:
                cols_to_output_tensors[column] = outputs[-1]
        check_same_batch(outputs, columns)
        return array_ops.concat(outputs, 1)


@tf_export("feature_column.input_layer")
def input_layer(features, feature_columns, weight_collections=None, trainable=True, cols_to_vars=None,
                cols_to_output_tensors=None):  # fmt: skip
    """The columns, ordered by name, side by side: [batch, sum of their sizes]."""
    return input_layer_with(FeatureTransformationCache(features), feature_columns, weight_collections, trainable,
                            cols_to_vars, cols_to_output_tensors)  # fmt: skip


def sequence_input_layer(features, feature_columns, weight_collections=None, trainable=True):
    """([batch, time, sum of the columns' sizes], lengths) of columns of sequences, ordered by name."""
    columns = base.sorted_columns(feature_columns)
    for column in columns:
        if not isinstance(column, base.SequenceDenseColumn):
            raise ValueError("All feature_columns must be of type _SequenceDenseColumn. You can wrap a "
                             "sequence_categorical_column with an embedding_column or indicator_column. Given (type "
                             f"{type(column)}): {column}")  # fmt: skip
    cache = FeatureTransformationCache(features)
    with variable_scope.variable_scope(None, default_name="sequence_input_layer", values=cache.tensors()):
        outputs, lengths = [], []
        for column in columns:
            with variable_scope.variable_scope(None, default_name=column.var_scope_name):
                state = ScopeState(trainable, weight_collections)
                column.create_state(state)
                values, length = column.get_sequence_dense_tensor(cache, state)
                shape = array_ops.shape(values)
                outputs.append(array_ops.reshape(values, [shape[0], shape[1], column.variable_shape.num_elements()]))
                lengths.append(length)
        return array_ops.concat(outputs, -1), agreed(lengths)


def agreed(lengths):
    """One of LENGTHS, which are checked to be the same in the step."""
    from tenon.python.ops import check_ops

    if len(lengths) < 2:
        return lengths[0]
    checks = [check_ops.assert_equal(lengths[0], other) for other in lengths[1:]]
    with ops.control_dependencies(checks):
        return array_ops.identity(lengths[0])


class LinearModel:
    """A sum over columns of their values times weights, and a bias; made by linear_model."""

    def __init__(self, columns, units, combiner, collections_, trainable):
        self.columns, self.units, self.combiner, self.trainable = columns, units, combiner, trainable
        self.collections = base.with_model_variables(collections_)
        self.cols_to_vars, self.bias = {}, None

    def _weights(self, name, rows):
        return variable_scope.get_variable(
            name, rows, initializer=init_ops.zeros_initializer(), trainable=self.trainable,
            collections=self.collections,
        )  # fmt: skip

    def _column(self, column, cache):
        """COLUMN's part of the sum, [batch, units]."""
        state = ScopeState(self.trainable, self.collections)
        if isinstance(column, CategoricalColumn):
            table = self._weights("weights", [column.num_buckets, self.units])
            column.create_state(state)
            ids, weights = column.get_sparse_tensors(cache, state)
            return learnt.sparse_sum(ids, weights, table, self.combiner, "weighted_sum")
        size = column.variable_shape.num_elements()
        table = self._weights("weights", [size, self.units])
        column.create_state(state)
        tensor = column.get_dense_tensor(cache, state)
        tensor = array_ops.reshape(tensor, (array_ops.shape(tensor)[0], size))
        return math_ops.matmul(tensor, _whole(table), name="weighted_sum")

    def __call__(self, cache, names):
        parts = []
        for column, name in zip(self.columns, names):
            before = len(ops.get_collection(ops.GraphKeys.GLOBAL_VARIABLES))
            with variable_scope.variable_scope(None, default_name=name) as inner:
                parts.append(self._column(column, cache))
            self.cols_to_vars[column] = _made_in(inner.name, before)
        check_same_batch(parts, self.columns)
        total = math_ops.add_n(parts, name="weighted_sum_no_bias")
        self.bias = self._weights("bias_weights", [self.units])
        self.cols_to_vars["bias"] = _listed(self.bias)
        return nn_ops.bias_add(total, _whole(self.bias), name="weighted_sum")


def _whole(variable):
    return ops.convert_to_tensor(variable) if hasattr(variable, "_get_variable_list") else variable


def _listed(variable):
    return list(variable) if hasattr(variable, "_get_variable_list") else [variable]


def linear_model_with(cache, feature_columns, units=1, sparse_combiner="sum", weight_collections=None, trainable=True,
                      cols_to_vars=None, default_name="linear_model"):  # fmt: skip
    """(logits, bias) of linear_model over features whose values are cached."""
    columns = base.sorted_columns(feature_columns)
    for column in columns:
        if not isinstance(column, (DenseColumn, CategoricalColumn)):
            raise ValueError("Items of feature_columns must be either a _DenseColumn or _CategoricalColumn. Given: "
                             f"{column}")  # fmt: skip
    model = LinearModel(columns, units, sparse_combiner, weight_collections, trainable)
    names = []
    with variable_scope.variable_scope(None, default_name=default_name, values=cache.tensors()) as scope:
        pass
    for column in columns:  # 1.15 makes the names of columns unique outside of the model's own scope
        with variable_scope.variable_scope(None, default_name=column.var_scope_name) as inner:
            names.append(inner.name.rpartition("/")[2])
    with variable_scope.variable_scope(scope):
        logits = model(cache, names)
    if cols_to_vars is not None:
        cols_to_vars.update(model.cols_to_vars)
    return logits, model.bias


@tf_export("feature_column.linear_model")
def linear_model(features, feature_columns, units=1, sparse_combiner="sum", weight_collections=None, trainable=True,
                 cols_to_vars=None):  # fmt: skip
    """A linear prediction [batch, UNITS] from all columns: weights of zeros at first, and a bias."""
    logits, _ = linear_model_with(FeatureTransformationCache(features), feature_columns, units, sparse_combiner,
                                  weight_collections, trainable, cols_to_vars)  # fmt: skip
    return logits


@tf_export("feature_column.make_parse_example_spec")
def make_parse_example_spec(feature_columns):
    """What parse_example reads for the columns. ValueError where two columns read a feature in different ways."""
    result = {}
    for column in feature_columns:
        if not isinstance(column, base.FeatureColumn):
            raise ValueError(f"All feature_columns must be _FeatureColumn instances. Given: {column}")
        for key, value in column.parse_example_spec.items():
            if key in result and result[key] != value:
                raise ValueError(f"feature_columns contain different parse_spec for key {key}. Given {value} and "
                                 f"{result[key]}")  # fmt: skip
            result[key] = value
    return result
