"""Features by their names as tensors, by feature columns: of examples, and of sequences."""

import re

import tenon as tf
from tenon.python.feature_column import base, feature_column, serialization
from tenon.python.keras.engine.base_layer import Layer
from tenon.python.util.tf_export import tf_export


class _LayerState:
    """The state of columns, kept by a layer: its variables are the layer's weights."""

    def __init__(self, layer):
        self._layer, self._variables = layer, {}

    def create_variable(self, column, name, shape, dtype=None, trainable=True, use_resource=True, initializer=None):
        """Makes the variable NAME of COLUMN in the scope that is open."""
        if (column, name) in self._variables:
            raise ValueError("Variable already exists.")
        made = tf.get_variable(name, shape, dtype or tf.float32, initializer, use_resource=use_resource,
                               trainable=self._layer.trainable and trainable)  # fmt: skip
        for part in made if hasattr(made, "_get_variable_list") else [made]:
            self._layer._track_variable(part)
        self._variables[column, name] = made
        return made

    def get_variable(self, column, name):
        """The variable NAME of COLUMN."""
        if (column, name) not in self._variables:
            raise ValueError("Variable does not exist.")
        return self._variables[column, name]


class _Features(Layer):
    """What both layers are: columns, ordered by name, whose variables the first call makes."""

    _kind = None

    def __init__(self, feature_columns, trainable, name, partitioner=None, **kwargs):
        super().__init__(name=name, trainable=trainable, **kwargs)
        self._feature_columns = base.sorted_columns(feature_columns)
        self._state, self._partitioner = _LayerState(self), partitioner
        for column in self._feature_columns:
            if not isinstance(column, self._kind):
                raise ValueError(f"Items of feature_columns must be a {self._kind}. You can wrap a categorical column "
                                 f"with an embedding_column or indicator_column. Given: {column}")  # fmt: skip

    def build(self, _):
        """Makes the columns' variables, each under the layer's and its column's name."""
        for column in self._feature_columns:
            with tf.variable_scope(self.name, partitioner=self._partitioner):
                with tf.variable_scope(re.sub(r"[^A-Za-z0-9_.\-]", "_", column.name)):
                    column.create_state(self._state)
        self.built = True

    def compute_output_shape(self, input_shape):
        """As many numbers as all columns together make."""
        return self._shape(input_shape, sum(c.variable_shape.num_elements() for c in self._feature_columns))

    def _flat(self, column, tensor):
        return tf.reshape(tensor, self._shape(tf.shape(tensor), column.variable_shape.num_elements()))

    def _side_by_side(self, tensors):
        feature_column.check_same_batch(tensors, self._feature_columns)
        return tf.concat(tensors, -1)

    def get_config(self):
        """The arguments that make it again."""
        columns = [serialization.serialize_feature_column(column) for column in self._feature_columns]
        return {**super().get_config(), "feature_columns": columns, "partitioner": self._partitioner}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The layer that get_config described."""
        columns = [serialization.deserialize_feature_column(c, custom_objects) for c in config["feature_columns"]]
        return cls(**{**config, "feature_columns": columns})

    @staticmethod
    def _cache(features):
        if not isinstance(features, dict):
            raise ValueError("We expected a dictionary here. Instead we got: ", features)
        return base.FeatureTransformationCache(features)


@tf_export("keras.layers.DenseFeatures")
class DenseFeatures(_Features):
    """Features, a dict of tensors by their names, as one tensor [batch, sum of the columns' sizes]."""

    _kind = base.DenseColumn

    def __init__(self, feature_columns, trainable=True, name=None, partitioner=None, **kwargs):
        super().__init__(feature_columns, trainable, name, partitioner, **kwargs)

    @staticmethod
    def _shape(shape, size):
        return shape[0], size

    def call(self, features, cols_to_output_tensors=None, training=None):
        """The columns side by side; each one's tensor is also put into COLS_TO_OUTPUT_TENSORS."""
        cache, outputs = self._cache(features), []
        for column in self._feature_columns:
            with tf.name_scope(column.name):
                outputs.append(self._flat(column, column.get_dense_tensor(cache, self._state)))
            if cols_to_output_tensors is not None:
                cols_to_output_tensors[column] = outputs[-1]
        return self._side_by_side(outputs)


@tf_export("keras.experimental.SequenceFeatures")
class SequenceFeatures(_Features):
    """Features of sequences, a dict of sparse tensors by their names, as one tensor, and the sequences' lengths."""

    _kind = base.SequenceDenseColumn

    def __init__(self, feature_columns, trainable=True, name=None, **kwargs):
        super().__init__(feature_columns, trainable, name, **kwargs)

    @staticmethod
    def _shape(shape, size):
        return shape[0], shape[1], size

    def call(self, features, training=None):
        """([batch, time, sum of the columns' sizes], lengths [batch]); the columns' lengths have to agree."""
        cache, outputs, lengths = self._cache(features), [], []
        for column in self._feature_columns:
            with tf.name_scope(column.name):
                values, length = column.get_sequence_dense_tensor(cache, self._state)
                outputs.append(self._flat(column, values))
            lengths.append(length)
        feature_column.check_same_batch(lengths, self._feature_columns)
        return self._side_by_side(outputs), feature_column.agreed(lengths)
