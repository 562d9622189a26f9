"""A linear model and a network side by side: wide and deep."""

from tenon.python.estimator.canned import dnn, linear, optimizers
from tenon.python.estimator.canned import head as head_lib
from tenon.python.estimator.estimator import Estimator
from tenon.python.feature_column.base import columns_of
from tenon.python.framework import ops
from tenon.python.ops import control_flow_ops, nn_ops, partitioned_variables, state_ops, variable_scope
from tenon.python.ops.losses import losses_impl
from tenon.python.training import training_util
from tenon.python.util.tf_export import tf_export

_SUM = losses_impl.Reduction.SUM
_LINEAR_LEARNING_RATE, _DNN_LEARNING_RATE = 0.005, 0.001


def _network(features, mode, head, config, dnn_part):
    """(logits, the scope's name) of the network."""
    units, columns, activation_fn, dropout, batch_norm, input_cut = dnn_part
    servers = config.num_ps_replicas if config else 0
    cut = partitioned_variables.min_max_variable_partitioner(max_partitions=servers)
    with variable_scope.variable_scope("dnn", values=tuple(features.values()), partitioner=cut) as scope:
        logit_fn = dnn.dnn_logit_fn_builder(
            head.logits_dimension, units, columns, activation_fn, dropout, input_cut, batch_norm
        )
        return logit_fn(features=features, mode=mode), scope.name


def combined_model_fn(features, labels, mode, head, config, linear_part, dnn_part):
    """The EstimatorSpec of both parts, either of which may be None, with the optimizers that train them."""
    dnn.checked_features(features)
    logits, steps = [], []
    if dnn_part is not None:
        optimizer = optimizers.get_optimizer_instance(dnn_part[0], learning_rate=_DNN_LEARNING_RATE)
        made, name = _network(features, mode, head, config, dnn_part[1:])
        logits.append(made)
        steps.append((optimizer, name))
    if linear_part is not None:
        opt, columns, combiner, cut = linear_part
        rate = linear.fitted_rate(columns, _LINEAR_LEARNING_RATE)
        optimizer = optimizers.get_optimizer_instance(opt, learning_rate=rate)
        with variable_scope.variable_scope("linear", values=tuple(features.values()), partitioner=cut) as scope:
            logit_fn = linear.linear_logit_fn_builder(head.logits_dimension, columns, combiner)
            logits.append(logit_fn(features=features))
            steps.append((optimizer, scope.name))

    def train_op_fn(loss):
        step = training_util.get_global_step()
        made = [
            optimizer.minimize(loss, var_list=ops.get_collection(ops.GraphKeys.TRAINABLE_VARIABLES, scope=name))
            for optimizer, name in steps
        ]
        with ops.control_dependencies([control_flow_ops.group(*made)]):
            return state_ops.assign_add(step, 1).op

    total = logits[0] if len(logits) == 1 else logits[0] + logits[1]
    return head.create_estimator_spec(
        features=features, mode=mode, labels=labels, train_op_fn=train_op_fn, logits=total
    )


class _Combined(Estimator):
    """Both parts with a head."""

    def __init__(self, head, model_dir, linear_part, dnn_part, input_layer_partitioner, config, warm_start_from):
        linear_optimizer, linear_columns, combiner = linear_part
        dnn_optimizer, units, dnn_columns, activation_fn, dropout, batch_norm = dnn_part
        if not linear_columns and not dnn_columns:
            raise ValueError("Either linear_feature_columns or dnn_feature_columns must be defined.")
        if dnn_columns and not units:
            raise ValueError("dnn_hidden_units must be defined when dnn_feature_columns is specified.")

        def model_fn(features, labels, mode, config):
            cut = linear.default_partitioner(config, input_layer_partitioner)
            wide = deep = None
            if linear_columns:
                wide = linear_optimizer, columns_of(linear_columns), combiner, cut
            if dnn_columns:
                deep = dnn_optimizer, units, columns_of(dnn_columns), activation_fn, dropout, batch_norm, cut
            return combined_model_fn(features, labels, mode, head, config, wide, deep)

        super().__init__(model_fn=model_fn, model_dir=model_dir, config=config, warm_start_from=warm_start_from)


@tf_export("estimator.DNNLinearCombinedClassifier")
class DNNLinearCombinedClassifier(_Combined):
    """Says which of N_CLASSES an example is of, by both parts."""

    def __init__(self, model_dir=None, linear_feature_columns=None, linear_optimizer="Ftrl", dnn_feature_columns=None,
                 dnn_optimizer="Adagrad", dnn_hidden_units=None, dnn_activation_fn=nn_ops.relu, dnn_dropout=None,
                 n_classes=2, weight_column=None, label_vocabulary=None, input_layer_partitioner=None, config=None,
                 warm_start_from=None, loss_reduction=_SUM, batch_norm=False,
                 linear_sparse_combiner="sum"):  # fmt: skip
        super().__init__(
            head_lib.classifier_head(n_classes, weight_column, label_vocabulary, loss_reduction), model_dir,
            (linear_optimizer, linear_feature_columns, linear_sparse_combiner),
            (dnn_optimizer, dnn_hidden_units, dnn_feature_columns, dnn_activation_fn, dnn_dropout, batch_norm),
            input_layer_partitioner, config, warm_start_from,
        )  # fmt: skip


@tf_export("estimator.DNNLinearCombinedRegressor")
class DNNLinearCombinedRegressor(_Combined):
    """Gives LABEL_DIMENSION numbers, by both parts."""

    def __init__(self, model_dir=None, linear_feature_columns=None, linear_optimizer="Ftrl", dnn_feature_columns=None,
                 dnn_optimizer="Adagrad", dnn_hidden_units=None, dnn_activation_fn=nn_ops.relu, dnn_dropout=None,
                 label_dimension=1, weight_column=None, input_layer_partitioner=None, config=None, warm_start_from=None,
                 loss_reduction=_SUM, batch_norm=False, linear_sparse_combiner="sum"):  # fmt: skip
        super().__init__(
            head_lib.regressor_head(label_dimension, weight_column, loss_reduction), model_dir,
            (linear_optimizer, linear_feature_columns, linear_sparse_combiner),
            (dnn_optimizer, dnn_hidden_units, dnn_feature_columns, dnn_activation_fn, dnn_dropout, batch_norm),
            input_layer_partitioner, config, warm_start_from,
        )  # fmt: skip


@tf_export("estimator.DNNLinearCombinedEstimator")
class DNNLinearCombinedEstimator(_Combined):
    """Both parts with any head."""

    def __init__(self, head, model_dir=None, linear_feature_columns=None, linear_optimizer="Ftrl",
                 dnn_feature_columns=None, dnn_optimizer="Adagrad", dnn_hidden_units=None,
                 dnn_activation_fn=nn_ops.relu, dnn_dropout=None, input_layer_partitioner=None, config=None,
                 batch_norm=False, linear_sparse_combiner="sum"):  # fmt: skip
        super().__init__(
            head, model_dir, (linear_optimizer, linear_feature_columns, linear_sparse_combiner),
            (dnn_optimizer, dnn_hidden_units, dnn_feature_columns, dnn_activation_fn, dnn_dropout, batch_norm),
            input_layer_partitioner, config, None,
        )  # fmt: skip
