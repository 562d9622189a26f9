"""LinearSDCA: dual coordinate ascent as the optimizer of a linear model over feature columns."""

from tenon.python.estimator.canned import sdca_model
from tenon.python.estimator.head import class_heads, regression_head
from tenon.python.feature_column.base import CategoricalColumn, FeatureTransformationCache, ScopeState
from tenon.python.framework import dtypes
from tenon.python.ops import array_ops, gen_ops, math_ops
from tenon.python.training import training_util
from tenon.python.util.tf_export import tf_export


def _sparse(ids, weights):
    """A SparseFeatureColumn of IDS; what is unknown is left out, what comes twice in one example is added up."""
    examples = array_ops.reshape(ids.indices[:, 0], [-1])
    features = math_ops.cast(array_ops.reshape(ids.values, [-1]), dtypes.int64)
    values = (array_ops.ones([array_ops.shape(ids.indices)[0]], dtypes.float32) if weights is None
              else array_ops.reshape(math_ops.cast(weights.values, dtypes.float32), [-1]))  # fmt: skip
    known = features >= 0
    examples, features, values = (array_ops.boolean_mask(part, known) for part in (examples, features, values))
    width = math_ops.reduce_max(features) + 1
    both, places = gen_ops.unique(width * examples + features, out_idx=dtypes.int32)
    count = array_ops.shape(both)[0]
    first = gen_ops.unsorted_segment_min(examples, places, count)
    total = gen_ops.unsorted_segment_sum(values, places, count)
    return sdca_model.SparseFeatureColumn(first, both - width * first, total)


def _only(column, found):
    if len(found) != 1:
        raise ValueError(f"LinearSDCA needs the weights of a column in one variable; {column} has {len(found)}")
    return found[0]


class SdcaOptimizerBase:
    """What is common to the optimizers of tf.estimator and of contrib."""

    def __init__(self, example_id_column, num_loss_partitions=1, num_table_shards=None,
                 symmetric_l1_regularization=0.0, symmetric_l2_regularization=1.0, adaptive=True):  # fmt: skip
        self._example_id_column = example_id_column
        self._options = {
            "num_loss_partitions": num_loss_partitions, "num_table_shards": num_table_shards, "adaptive": adaptive,
            "symmetric_l1_regularization": symmetric_l1_regularization,
            "symmetric_l2_regularization": symmetric_l2_regularization,
        }  # fmt: skip

    def get_name(self):
        """Its name."""
        return "SDCAOptimizer"

    @property
    def example_id_column(self):
        """The feature that holds the ids of examples."""
        return self._example_id_column

    def model_of(self, variables_of, bias, weight_column, loss_type, features, labels):
        """The SdcaModel of a linear model: {column: its variables} and the bias, None if there is none."""
        cache, state = FeatureTransformationCache(features), ScopeState()
        sparse, dense = [], []
        for column in sorted(variables_of, key=lambda one: one.name):
            variable = _only(column, variables_of[column])
            if isinstance(column, CategoricalColumn):
                ids, weights = column.get_sparse_tensors(cache, state)
                sparse.append((_sparse(ids, weights), variable))
            else:
                value = column.get_dense_tensor(cache, state)
                dense.append((array_ops.reshape(value, [-1, column.variable_shape.num_elements()]), variable))
        labels = math_ops.cast(array_ops.reshape(labels, [-1]), dtypes.float32)
        if bias is not None:
            bias = _only("the bias", list(bias)) if hasattr(bias, "_get_variable_list") else bias
            dense.append((array_ops.ones_like(array_ops.expand_dims(labels, 1)), bias))
        weights = array_ops.ones_like(labels)
        if weight_column is not None:
            given = features[weight_column] if isinstance(weight_column, str) else cache.get(weight_column)
            weights = math_ops.cast(array_ops.reshape(given, [-1]), dtypes.float32)
        ids = array_ops.reshape(features[self._example_id_column], [-1])
        return sdca_model.SdcaModel(
            examples={"sparse_features": [one for one, _ in sparse], "dense_features": [one for one, _ in dense],
                      "example_labels": labels, "example_weights": weights, "example_ids": ids},
            variables={"sparse_features_weights": [variable for _, variable in sparse],
                       "dense_features_weights": [variable for _, variable in dense]},
            options={**self._options, "loss_type": loss_type},
        )  # fmt: skip


@tf_export("estimator.experimental.LinearSDCA")
class LinearSDCA(SdcaOptimizerBase):
    """Dual coordinate ascent, for LinearClassifier, LinearRegressor and LinearEstimator of tf.estimator.

    The features need EXAMPLE_ID_COLUMN, strings that tell the examples apart.
    """

    def __init__(self, example_id_column, num_loss_partitions=1, num_table_shards=None,
                 symmetric_l1_regularization=0.0, symmetric_l2_regularization=1.0, adaptive=False):  # fmt: skip
        super().__init__(example_id_column, num_loss_partitions, num_table_shards, symmetric_l1_regularization,
                         symmetric_l2_regularization, adaptive)  # fmt: skip


def _loss_of(head):
    """The loss that HEAD stands for. ValueError for one that dual coordinate ascent doesn't know."""
    if isinstance(head, class_heads.BinaryClassHead):
        return "logistic_loss"
    if isinstance(head, regression_head.PoissonRegressionHead):
        return "poisson_loss"
    if isinstance(head, regression_head.RegressionHead) and head.logits_dimension == 1:
        return "squared_loss"
    raise ValueError(f"Unsupported head type: {type(head)}")


def estimator_spec(head, features, mode, labels, logits, optimizer, variables_of):
    """The EstimatorSpec of a linear model that dual coordinate ascent trains; VARIABLES_OF has its "bias", too."""
    hooks = []

    def train(unused_loss):
        own = {column: found for column, found in variables_of.items() if column != "bias"}
        bias = variables_of.get("bias")
        model = optimizer.model_of(own, bias[0] if bias else None, head._weight_column, _loss_of(head), features,
                                   head._labels(labels, logits))  # fmt: skip
        train_op = model.minimize(global_step=training_util.get_global_step())
        hooks.append(sdca_model.UpdateWeightsHook(model, train_op))
        return train_op

    _loss_of(head)
    spec = head.create_estimator_spec(features=features, mode=mode, labels=labels, train_op_fn=train, logits=logits)
    return spec._replace(training_chief_hooks=(*spec.training_chief_hooks, *hooks)) if hooks else spec
