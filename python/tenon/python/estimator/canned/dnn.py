"""Networks of dense layers over feature columns."""

from tenon.python.estimator.canned import head as head_lib
from tenon.python.estimator.canned import optimizers
from tenon.python.estimator.canned.linear import default_partitioner
from tenon.python.estimator.estimator import Estimator
from tenon.python.estimator.mode_keys import ModeKeys
from tenon.python.feature_column import feature_column
from tenon.python.feature_column.base import FeatureTransformationCache, columns_of
from tenon.python.layers import core as layers
from tenon.python.layers import normalization
from tenon.python.ops import init_ops, nn_impl, nn_ops, partitioned_variables, variable_scope
from tenon.python.ops.losses import losses_impl
from tenon.python.summary import summary
from tenon.python.util.tf_export import tf_export

_SUM = losses_impl.Reduction.SUM
LEARNING_RATE = 0.05


def _summarize(value, tag):
    summary.scalar(f"{tag}/fraction_of_zero_values", nn_impl.zero_fraction(value))
    summary.histogram(f"{tag}/activation", value)


@tf_export("estimator.experimental.dnn_logit_fn_builder")
def dnn_logit_fn_builder(units, hidden_units, feature_columns, activation_fn, dropout, input_layer_partitioner,
                         batch_norm):  # fmt: skip
    """A function of features and mode that makes the logits of a network; UNITS numbers, or for each of a list."""
    if not isinstance(units, (int, list)):
        raise ValueError(f"units must be an int or list.  Given type: {type(units)}")

    def hidden(net, i, count, training):
        with variable_scope.variable_scope(f"hiddenlayer_{i}", values=(net,)) as scope:
            net = layers.dense(net, units=count, activation=activation_fn, name=scope,
                               kernel_initializer=init_ops.glorot_uniform_initializer())  # fmt: skip
            if dropout is not None and training:
                net = layers.dropout(net, rate=dropout, training=True)
            if batch_norm:
                net = normalization.batch_normalization(net, momentum=0.999, training=training, name=f"batchnorm_{i}")
        _summarize(net, scope.name)
        return net

    def one_layer(net, count, name):
        with variable_scope.variable_scope(name, values=(net,)) as scope:
            logits = layers.dense(net, units=count, activation=None, name=scope,
                                  kernel_initializer=init_ops.glorot_uniform_initializer())  # fmt: skip
        _summarize(logits, scope.name)
        return logits

    def dnn_logit_fn(features, mode):
        training = mode == ModeKeys.TRAIN
        with variable_scope.variable_scope("input_from_feature_columns", values=tuple(features.values()),
                                           partitioner=input_layer_partitioner):  # fmt: skip
            net = feature_column.input_layer_with(FeatureTransformationCache(features), feature_columns)
        for i, count in enumerate(hidden_units):
            net = hidden(net, i, count, training)
        if isinstance(units, int):
            return one_layer(net, units, "logits")
        return [one_layer(net, count, f"logits_{i}" if i else "logits") for i, count in enumerate(units)]

    return dnn_logit_fn


def checked_features(features):
    """ValueError unless FEATURES are a dict."""
    if not isinstance(features, dict):
        raise ValueError(f"features should be a dictionary of `Tensor`s. Given type: {type(features)}")


class _DNN(Estimator):
    """A network with a head."""

    def __init__(self, head, hidden_units, feature_columns, model_dir, optimizer, activation_fn, dropout,
                 input_layer_partitioner, config, warm_start_from, batch_norm):  # fmt: skip
        def model_fn(features, labels, mode, config):
            checked_features(features)
            made = optimizers.get_optimizer_instance(optimizer, learning_rate=LEARNING_RATE)
            servers = config.num_ps_replicas if config else 0
            cut = partitioned_variables.min_max_variable_partitioner(max_partitions=servers)
            with variable_scope.variable_scope("dnn", values=tuple(features.values()), partitioner=cut):
                logit_fn = dnn_logit_fn_builder(
                    head.logits_dimension, hidden_units, columns_of(feature_columns), activation_fn, dropout,
                    default_partitioner(config, input_layer_partitioner), batch_norm,
                )  # fmt: skip
                logits = logit_fn(features=features, mode=mode)
                return head.create_estimator_spec(
                    features=features, mode=mode, labels=labels, optimizer=made, logits=logits
                )

        super().__init__(model_fn=model_fn, model_dir=model_dir, config=config, warm_start_from=warm_start_from)


@tf_export("estimator.DNNClassifier")
class DNNClassifier(_DNN):
    """A network that says which of N_CLASSES an example is of."""

    def __init__(self, hidden_units, feature_columns, model_dir=None, n_classes=2, weight_column=None,
                 label_vocabulary=None, optimizer="Adagrad", activation_fn=nn_ops.relu, dropout=None,
                 input_layer_partitioner=None, config=None, warm_start_from=None, loss_reduction=_SUM,
                 batch_norm=False):  # fmt: skip
        head = head_lib.classifier_head(n_classes, weight_column, label_vocabulary, loss_reduction)
        super().__init__(head, hidden_units, feature_columns, model_dir, optimizer, activation_fn, dropout,
                         input_layer_partitioner, config, warm_start_from, batch_norm)  # fmt: skip


@tf_export("estimator.DNNRegressor")
class DNNRegressor(_DNN):
    """A network that gives LABEL_DIMENSION numbers."""

    def __init__(self, hidden_units, feature_columns, model_dir=None, label_dimension=1, weight_column=None,
                 optimizer="Adagrad", activation_fn=nn_ops.relu, dropout=None, input_layer_partitioner=None,
                 config=None, warm_start_from=None, loss_reduction=_SUM, batch_norm=False):  # fmt: skip
        head = head_lib.regressor_head(label_dimension, weight_column, loss_reduction)
        super().__init__(head, hidden_units, feature_columns, model_dir, optimizer, activation_fn, dropout,
                         input_layer_partitioner, config, warm_start_from, batch_norm)  # fmt: skip


@tf_export("estimator.DNNEstimator")
class DNNEstimator(_DNN):
    """A network with any head."""

    def __init__(self, head, hidden_units, feature_columns, model_dir=None, optimizer="Adagrad",
                 activation_fn=nn_ops.relu, dropout=None, input_layer_partitioner=None, config=None,
                 warm_start_from=None, batch_norm=False):  # fmt: skip
        super().__init__(head, hidden_units, feature_columns, model_dir, optimizer, activation_fn, dropout,
                         input_layer_partitioner, config, warm_start_from, batch_norm)  # fmt: skip
