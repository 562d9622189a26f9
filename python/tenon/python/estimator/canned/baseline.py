"""Models that do not look at the features: what any other one should be better than."""

from tenon.python.estimator.canned import head as head_lib
from tenon.python.estimator.canned import optimizers
from tenon.python.estimator.canned.dnn import checked_features
from tenon.python.estimator.estimator import Estimator
from tenon.python.framework import ops, sparse_tensor
from tenon.python.ops import array_ops, check_ops, init_ops, math_ops, variable_scope
from tenon.python.ops.losses import losses_impl
from tenon.python.training import training_util
from tenon.python.util.tf_export import tf_export

_SUM = losses_impl.Reduction.SUM
_LEARNING_RATE = 0.3


def _batch_size(features):
    """The number of examples, which must be the same in all features."""
    if not features:
        raise ValueError("features cannot be empty; expected at least one feature.")
    with ops.name_scope("Batch_size"):
        sizes = []
        for key, value in features.items():
            if isinstance(value, sparse_tensor.SparseTensor):
                sizes.append(math_ops.cast(value.dense_shape[0], "int32"))
                continue
            value = ops.convert_to_tensor(value)
            with ops.control_dependencies([check_ops.assert_rank_at_least(value, 1, message=f"Input tensor {key}")]):
                sizes.append(array_ops.shape(value)[0])
        checks = [check_ops.assert_equal(sizes[0], other) for other in sizes[1:]]
        with ops.control_dependencies(checks):
            return array_ops.identity(sizes[0])


class _Baseline(Estimator):
    """A bias with a head."""

    def __init__(self, head, model_dir, optimizer, config):
        def model_fn(features, labels, mode):
            checked_features(features)
            made = optimizers.get_optimizer_instance(optimizer, learning_rate=_LEARNING_RATE)
            count = head.logits_dimension
            size = _batch_size(features)
            with variable_scope.variable_scope("baseline", values=features.values()):
                bias = variable_scope.get_variable("bias", initializer=init_ops.Zeros(), shape=[count])
                logits = math_ops.multiply(bias, array_ops.ones([size, count]))

            def train_op_fn(loss):
                return made.minimize(loss, global_step=training_util.get_global_step())

            return head.create_estimator_spec(
                features=features, mode=mode, logits=logits, labels=labels, train_op_fn=train_op_fn
            )

        super().__init__(model_fn=model_fn, model_dir=model_dir, config=config)


@tf_export("estimator.BaselineClassifier")
class BaselineClassifier(_Baseline):
    """Learns how frequent each of N_CLASSES is."""

    def __init__(self, model_dir=None, n_classes=2, weight_column=None, label_vocabulary=None, optimizer="Ftrl",
                 config=None, loss_reduction=_SUM):  # fmt: skip
        head = head_lib.classifier_head(n_classes, weight_column, label_vocabulary, loss_reduction)
        super().__init__(head, model_dir, optimizer, config)


@tf_export("estimator.BaselineRegressor")
class BaselineRegressor(_Baseline):
    """Learns the mean of the labels."""

    def __init__(self, model_dir=None, label_dimension=1, weight_column=None, optimizer="Ftrl", config=None,
                 loss_reduction=_SUM):  # fmt: skip
        head = head_lib.regressor_head(label_dimension, weight_column, loss_reduction)
        super().__init__(head, model_dir, optimizer, config)


@tf_export("estimator.BaselineEstimator")
class BaselineEstimator(_Baseline):
    """A bias with any head."""

    def __init__(self, head, model_dir=None, optimizer="Ftrl", config=None):
        super().__init__(head, model_dir, optimizer, config)
