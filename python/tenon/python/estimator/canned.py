"""Estimators that are ready: networks and linear models over feature columns."""

from tenon.python.estimator.estimator import Estimator
from tenon.python.estimator.model_fn import EstimatorSpec, ModeKeys
from tenon.python.feature_column import feature_column
from tenon.python.framework import dtypes
from tenon.python.layers import core as layers
from tenon.python.ops import array_ops, gen_ops, init_ops, math_ops, metrics_impl, nn_ops, variable_scope
from tenon.python.ops.losses import losses_impl
from tenon.python.training import adagrad, training_util
from tenon.python.util.tf_export import tf_export


def _spec(mode, logits, labels, classes, optimizer, rate):
    """The head: classes (None: a number) over LOGITS."""
    if classes:
        best = math_ops.argmax(logits, 1)
        ids = array_ops.expand_dims(best, 1)
        predictions = {"logits": logits, "probabilities": nn_ops.softmax(logits), "class_ids": ids,
                       "classes": gen_ops.as_string(ids)}  # fmt: skip
    else:
        predictions = {"predictions": logits}
    if mode == ModeKeys.PREDICT:
        return EstimatorSpec(mode, predictions=predictions)
    if classes:
        labels = array_ops.reshape(math_ops.cast(labels, dtypes.int64), [-1])
        loss = losses_impl.sparse_softmax_cross_entropy(labels, logits)
        metrics = {"accuracy": metrics_impl.accuracy(labels, best)}
    else:
        labels = array_ops.reshape(math_ops.cast(labels, dtypes.float32), array_ops.shape(logits))
        loss = losses_impl.mean_squared_error(labels, logits)
        metrics = {}
    metrics["average_loss"] = metrics_impl.mean(loss)
    train = None
    if mode == ModeKeys.TRAIN:
        made = optimizer() if callable(optimizer) else optimizer or adagrad.AdagradOptimizer(rate)
        train = made.minimize(loss, global_step=training_util.get_global_step())
    return EstimatorSpec(mode, predictions, loss, train, metrics)


class _DNN(Estimator):
    """A network of dense layers."""

    def __init__(self, hidden_units, columns, outputs, classes, model_dir, optimizer, activation_fn, dropout, config):
        def model_fn(features, labels, mode):
            with variable_scope.variable_scope("dnn"):
                with variable_scope.variable_scope("input_from_feature_columns"):
                    net = feature_column.input_layer(features, columns)
                for i, units in enumerate(hidden_units):
                    net = layers.dense(net, units, activation=activation_fn, name=f"hiddenlayer_{i}",
                                       kernel_initializer=init_ops.glorot_uniform_initializer())  # fmt: skip
                    if dropout is not None and mode == ModeKeys.TRAIN:
                        net = layers.dropout(net, rate=dropout, training=True)
                logits = layers.dense(net, outputs, name="logits")
            return _spec(mode, logits, labels, classes, optimizer, 0.05)

        super().__init__(model_fn, model_dir, config)


@tf_export("estimator.DNNClassifier", "contrib.learn.DNNClassifier")
class DNNClassifier(_DNN):
    """A network that says which of N_CLASSES an example is of."""

    def __init__(self, hidden_units, feature_columns, model_dir=None, n_classes=2, optimizer=None,
                 activation_fn=nn_ops.relu, dropout=None, config=None):  # fmt: skip
        super().__init__(hidden_units, feature_columns, n_classes, n_classes, model_dir, optimizer, activation_fn,
                         dropout, config)  # fmt: skip


@tf_export("estimator.DNNRegressor", "contrib.learn.DNNRegressor")
class DNNRegressor(_DNN):
    """A network that gives LABEL_DIMENSION numbers."""

    def __init__(self, hidden_units, feature_columns, model_dir=None, label_dimension=1, optimizer=None,
                 activation_fn=nn_ops.relu, dropout=None, config=None):  # fmt: skip
        super().__init__(hidden_units, feature_columns, label_dimension, None, model_dir, optimizer, activation_fn,
                         dropout, config)  # fmt: skip
