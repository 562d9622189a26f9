"""contrib.learn.SVM and LogisticRegressor."""

from tenon.contrib.learn import canned, head
from tenon.contrib.learn.estimator import BaseEstimator, Estimator
from tenon.contrib.learn.model_fn import ModeKeys, ModelFnOps, PredictionKey, ProblemType
from tenon.contrib.linear_optimizer.sdca_optimizer import SDCAOptimizer
from tenon.python.framework import dtypes
from tenon.python.ops import math_ops, metrics_at_thresholds, metrics_impl
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.learn.SVM")
class SVM(canned._Canned):
    """A linear support vector machine, trained by dual coordinate ascent.

    The features need EXAMPLE_ID_COLUMN, strings that tell the examples apart.
    """

    predict = BaseEstimator.predict

    def __init__(self, example_id_column, feature_columns, weight_column_name=None, model_dir=None,
                 l1_regularization=0.0, l2_regularization=0.0, num_loss_partitions=1, kernels=None, config=None,
                 feature_engineering_fn=None):  # fmt: skip
        if kernels is not None:
            raise ValueError("Kernel SVMs are not currently supported.")
        optimizer = SDCAOptimizer(example_id_column, num_loss_partitions, symmetric_l1_regularization=l1_regularization,
                                  symmetric_l2_regularization=l2_regularization)  # fmt: skip
        wide = canned._Wide(feature_columns, optimizer, joint_weights=False)
        super().__init__(head.binary_svm_head(weight_column_name=weight_column_name), [wide], model_dir, config,
                         feature_engineering_fn, clip=None)  # fmt: skip

    def predict_classes(self, x=None, input_fn=None, batch_size=None, as_iterable=True):
        """The classes."""
        return self._one(PredictionKey.CLASSES, x, input_fn, batch_size, as_iterable)


def _logistic_metrics(labels, predictions, thresholds):
    labels = math_ops.cast(labels, dtypes.float32)
    found = {
        "labels/prediction_mean": metrics_impl.mean(predictions),
        "labels/actual_label_mean": metrics_impl.mean(labels),
        "accuracy/baseline_label_mean": metrics_impl.mean(labels),
        "auc": metrics_at_thresholds.auc(labels, predictions),
    }
    found.update(head._at_thresholds(thresholds, labels, predictions, None))
    return found


@tf_export("contrib.learn.LogisticRegressor")
def LogisticRegressor(model_fn, thresholds=None, model_dir=None, config=None, feature_engineering_fn=None):
    """An Estimator of probabilities, with the metrics of them: MODEL_FN gives predictions, loss and train_op."""
    kept = tuple(thresholds or (0.5,))

    def with_metrics(features, labels, mode):
        predictions, loss, train_op = model_fn(features, labels, mode)
        metrics = None if mode == ModeKeys.INFER else _logistic_metrics(labels, predictions, kept)
        alternatives = {"head": (ProblemType.LOGISTIC_REGRESSION, {PredictionKey.SCORES: predictions})}
        return ModelFnOps(mode=mode, predictions=predictions, loss=loss, train_op=train_op, eval_metric_ops=metrics,
                          output_alternatives=alternatives)  # fmt: skip

    return Estimator(model_fn=with_metrics, model_dir=model_dir, config=config,
                     feature_engineering_fn=feature_engineering_fn)  # fmt: skip
