"""Linear models over feature columns."""

import math

from tenon.python.estimator.canned import head as head_lib
from tenon.python.estimator.canned import linear_sdca, optimizers
from tenon.python.estimator.estimator import Estimator
from tenon.python.feature_column import feature_column
from tenon.python.feature_column.base import FeatureTransformationCache, columns_of
from tenon.python.framework import ops
from tenon.python.ops import array_ops, math_ops, partitioned_variables, variable_scope
from tenon.python.ops.losses import losses_impl
from tenon.python.summary import summary
from tenon.python.util.tf_export import tf_export

_SUM = losses_impl.Reduction.SUM
_LEARNING_RATE = 0.2
_MIN_SLICE = 64 << 20


def fitted_rate(feature_columns, most):
    """A learning rate that falls with the number of columns, and is MOST at most."""
    return min(most, 1.0 / math.sqrt(len(feature_columns)))


def default_partitioner(config, partitioner):
    """PARTITIONER, or one that cuts large variables for the parameter servers that CONFIG has."""
    if partitioner is not None:
        return partitioner
    servers = config.num_ps_replicas if config else 0
    return partitioned_variables.min_max_variable_partitioner(max_partitions=servers, min_slice_size=_MIN_SLICE)


def _fraction_of_zeros(variables):
    """Which part of all weights is zero."""
    zeros = math_ops.add_n([math_ops.reduce_sum(math_ops.cast(math_ops.equal(v, 0.0), "float32")) for v in variables])
    return zeros / float(sum(v.get_shape().num_elements() for v in variables))


@tf_export("estimator.experimental.linear_logit_fn_builder")
def linear_logit_fn_builder(units, feature_columns, sparse_combiner="sum"):
    """A function of features that makes the logits of a linear model."""
    return _logit_fn(units, feature_columns, sparse_combiner, {})


def _logit_fn(units, feature_columns, sparse_combiner, made):
    """The function, which leaves {column: its variables} in MADE."""

    def linear_logit_fn(features):
        columns = columns_of(feature_columns)
        logits, bias = feature_column.linear_model_with(
            FeatureTransformationCache(features),
            columns,
            units=units,
            sparse_combiner=sparse_combiner,
            cols_to_vars=made,
        )
        bias = ops.convert_to_tensor(bias)
        if units > 1:
            summary.histogram("bias", bias)
        else:
            summary.scalar("bias", array_ops.reshape(bias, []))
        weights = [v for key, found in made.items() if key != "bias" for v in found]
        summary.scalar("fraction_of_zero_weights", _fraction_of_zeros(weights))
        return logits

    return linear_logit_fn


def linear_model_fn(features, labels, mode, head, feature_columns, optimizer, partitioner, config,
                    sparse_combiner="sum"):  # fmt: skip
    """The EstimatorSpec of a linear model."""
    if not isinstance(features, dict):
        raise ValueError(f"features should be a dictionary of `Tensor`s. Given type: {type(features)}")
    columns = columns_of(feature_columns)
    dual = isinstance(optimizer, linear_sdca.LinearSDCA)
    if dual and sparse_combiner != "sum":
        raise ValueError(f"sparse_combiner must be sum with LinearSDCA. Found: {sparse_combiner}")
    if not dual:
        optimizer = optimizers.get_optimizer_instance(optimizer or "Ftrl", fitted_rate(columns, _LEARNING_RATE))
    with variable_scope.variable_scope(
        "linear", values=tuple(features.values()), partitioner=default_partitioner(config, partitioner)
    ):
        made = {}
        logits = _logit_fn(head.logits_dimension, columns, sparse_combiner, made)(features=features)
        if dual:
            return linear_sdca.estimator_spec(head, features, mode, labels, logits, optimizer, made)
        return head.create_estimator_spec(
            features=features, mode=mode, labels=labels, optimizer=optimizer, logits=logits
        )


class _Linear(Estimator):
    """A linear model with a head."""

    def __init__(self, head, feature_columns, model_dir, optimizer, config, partitioner, warm_start_from,
                 sparse_combiner):  # fmt: skip
        def model_fn(features, labels, mode, config):
            return linear_model_fn(features, labels, mode, head, tuple(feature_columns or []), optimizer, partitioner,
                                   config, sparse_combiner)  # fmt: skip

        super().__init__(model_fn=model_fn, model_dir=model_dir, config=config, warm_start_from=warm_start_from)


@tf_export("estimator.LinearClassifier")
class LinearClassifier(_Linear):
    """Says which of N_CLASSES an example is of, by a weighted sum of its features."""

    def __init__(self, feature_columns, model_dir=None, n_classes=2, weight_column=None, label_vocabulary=None,
                 optimizer="Ftrl", config=None, partitioner=None, warm_start_from=None, loss_reduction=_SUM,
                 sparse_combiner="sum"):  # fmt: skip
        head = head_lib.classifier_head(n_classes, weight_column, label_vocabulary, loss_reduction)
        super().__init__(head, feature_columns, model_dir, optimizer, config, partitioner, warm_start_from,
                         sparse_combiner)  # fmt: skip


@tf_export("estimator.LinearRegressor")
class LinearRegressor(_Linear):
    """Gives LABEL_DIMENSION numbers that are weighted sums of the features."""

    def __init__(self, feature_columns, model_dir=None, label_dimension=1, weight_column=None, optimizer="Ftrl",
                 config=None, partitioner=None, warm_start_from=None, loss_reduction=_SUM,
                 sparse_combiner="sum"):  # fmt: skip
        head = head_lib.regressor_head(label_dimension, weight_column, loss_reduction)
        super().__init__(head, feature_columns, model_dir, optimizer, config, partitioner, warm_start_from,
                         sparse_combiner)  # fmt: skip


@tf_export("estimator.LinearEstimator")
class LinearEstimator(_Linear):
    """A linear model with any head."""

    def __init__(self, head, feature_columns, model_dir=None, optimizer="Ftrl", config=None, partitioner=None,
                 sparse_combiner="sum", warm_start_from=None):  # fmt: skip
        super().__init__(head, feature_columns, model_dir, optimizer, config, partitioner, warm_start_from,
                         sparse_combiner)  # fmt: skip
