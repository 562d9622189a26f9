"""Heads of numbers: by squared error, of counts, and of probabilities."""

from tenon.python.estimator.export.export_output import PredictOutput, RegressionOutput
from tenon.python.estimator.head import base_head
from tenon.python.estimator.head.measures import Measure
from tenon.python.framework import dtypes, ops
from tenon.python.ops import check_ops, gen_ops, math_ops, nn_impl
from tenon.python.ops.losses import losses_impl
from tenon.python.saved_model import constants
from tenon.python.util.tf_export import tf_export


@tf_export("estimator.RegressionHead")
class RegressionHead(base_head.SingleHead):
    """LABEL_DIMENSION numbers, by their squared error; INVERSE_LINK_FN makes predictions of logits."""

    _per_logit_weights = True

    def __init__(self, label_dimension=1, weight_column=None, loss_reduction="sum_over_batch_size", loss_fn=None,
                 inverse_link_fn=None, name=None):  # fmt: skip
        super().__init__(name, weight_column, loss_reduction, loss_fn)
        if label_dimension < 1:
            raise ValueError(f"Invalid label_dimension {label_dimension}.")
        self._dimension, self._inverse_link_fn = label_dimension, inverse_link_fn

    @property
    def logits_dimension(self):
        """How many numbers."""
        return self._dimension

    def _labels(self, labels, logits):
        labels = base_head.checked_labels(labels, logits, self._dimension)
        return math_ops.cast(labels, dtypes.float32)

    def _loss_of_examples(self, labels, logits):
        return losses_impl.mean_squared_error(labels=labels, predictions=logits, reduction=losses_impl.Reduction.NONE)

    def predictions(self, logits):
        """{name: tensor}: predictions, and the logits if these are others."""
        logits = self._logits(logits)
        if self._inverse_link_fn is None:
            return {"predictions": logits}
        with ops.name_scope(None, "predictions", [logits]):
            return {"predictions": self._inverse_link_fn(logits), "logits": logits}

    def _measures(self):
        return {"prediction/mean": Measure("mean"), "label/mean": Measure("mean")}

    def _inputs(self, labels, predictions):
        return {"prediction/mean": (predictions["predictions"],), "label/mean": (labels,)}

    def _export_outputs(self, predictions):
        numbers = RegressionOutput(value=predictions["predictions"])
        return {
            constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY: numbers,
            base_head.REGRESS: numbers,
            base_head.PREDICT: PredictOutput(predictions),
        }


@tf_export("estimator.PoissonRegressionHead")
class PoissonRegressionHead(RegressionHead):
    """Counts, whose logarithm the logits are; the loss is that of a Poisson distribution."""

    def __init__(self, label_dimension=1, weight_column=None, loss_reduction="sum_over_batch_size",
                 compute_full_loss=True, name=None):  # fmt: skip
        self._compute_full_loss = compute_full_loss
        super().__init__(label_dimension, weight_column, loss_reduction, self._poisson, math_ops.exp, name)

    def _poisson(self, labels, logits):
        return nn_impl.log_poisson_loss(targets=labels, log_input=logits, compute_full_loss=self._compute_full_loss)


def _logistic(labels, logits):
    inside = "Labels must be in range [0, 1]"
    checks = [check_ops.assert_greater_equal(labels, 0.0, message=inside),
              check_ops.assert_less_equal(labels, 1.0, message=inside)]  # fmt: skip
    with ops.control_dependencies(checks):
        return nn_impl.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)


@tf_export("estimator.LogisticRegressionHead")
class LogisticRegressionHead(RegressionHead):
    """A probability: labels are from 0 to 1, the loss is the cross-entropy of the sigmoid."""

    def __init__(self, weight_column=None, loss_reduction="sum_over_batch_size", name=None):
        super().__init__(1, weight_column, loss_reduction, _logistic, gen_ops.sigmoid, name)
