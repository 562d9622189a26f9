"""What parse_example reads for canned estimators: the columns, the label and the weights."""

from tenon.python.feature_column import dense, feature_column
from tenon.python.framework import dtypes
from tenon.python.ops import parsing_ops
from tenon.python.util.tf_export import tf_export


@tf_export("estimator.classifier_parse_example_spec")
def classifier_parse_example_spec(feature_columns, label_key, label_dtype=dtypes.int64, label_default=None,
                                  weight_column=None):  # fmt: skip
    """For a classifier."""
    label = parsing_ops.FixedLenFeature((1,), label_dtype, label_default)
    return _with_label(feature_columns, label_key, label, weight_column)


@tf_export("estimator.regressor_parse_example_spec")
def regressor_parse_example_spec(feature_columns, label_key, label_dtype=dtypes.float32, label_default=None,
                                 label_dimension=1, weight_column=None):  # fmt: skip
    """For a regressor."""
    label = parsing_ops.FixedLenFeature((label_dimension,), label_dtype, label_default)
    return _with_label(feature_columns, label_key, label, weight_column)


def _with_label(feature_columns, label_key, label, weight_column):
    spec = feature_column.make_parse_example_spec(feature_columns)
    if label_key in spec:
        raise ValueError(f"label should not be used as feature. label_key: {label_key}, features: {list(spec)}")
    spec[label_key] = label
    if weight_column is None:
        return spec
    if isinstance(weight_column, str):
        weight_column = dense.numeric_column(weight_column)
    if not isinstance(weight_column, dense.NumericColumn):
        raise ValueError("weight_column should be an instance of tf.feature_column.numeric_column. "
                         f"Given type: {type(weight_column)} value: {weight_column}")  # fmt: skip
    for key, feature in weight_column.parse_example_spec.items():
        if key in spec:
            raise ValueError(f"weight_column should not be used as feature. weight_column: {key}, features: {spec}")
        spec[key] = feature
    return spec
