"""contrib.learn's ready models: linear ones, networks, and both, over old or new feature columns."""

import math

from tenon.contrib.layers import core as layers
from tenon.contrib.layers import feature_column_ops, optimizers
from tenon.contrib.learn import head as head_lib
from tenon.contrib.learn.estimator import BaseEstimator
from tenon.contrib.learn.model_fn import ModeKeys, PredictionKey
from tenon.python.estimator.canned import linear_sdca, sdca_model
from tenon.python.feature_column import feature_column
from tenon.python.feature_column.base import FeatureColumn, FeatureTransformationCache
from tenon.python.framework import ops
from tenon.python.ops import clip_ops, control_flow_ops, gradients_impl, nn_ops, partitioned_variables, variable_scope
from tenon.python.summary import summary
from tenon.python.training import training_util
from tenon.python.util.tf_export import tf_export

_DNN_RATE, _LINEAR_RATE = 0.05, 0.2


def _dict(features):
    """FEATURES by name; one tensor has the name ""."""
    if not isinstance(features, dict):
        return {"": features}
    return {"" if key is None else key: value for key, value in features.items()}


def _made(optimizer):
    """OPTIMIZER, which may be a function that makes one."""
    return optimizer() if callable(optimizer) and not hasattr(optimizer, "apply_gradients") else optimizer


def _all_new(columns):
    return all(isinstance(column, FeatureColumn) for column in columns)


class _Deep:
    """The network of a model."""

    def __init__(self, hidden_units, columns, activation_fn, dropout, optimizer, min_slice_size=None):
        self.hidden_units, self.columns = hidden_units, tuple(columns or ())
        self.activation_fn, self.dropout, self.min_slice_size = activation_fn, dropout, min_slice_size
        self.optimizer = optimizer or "Adagrad"
        self.rate, self.scope = _DNN_RATE, "dnn"

    def scoped(self, features, servers):
        """The scope of its variables."""
        cut = partitioned_variables.min_max_variable_partitioner(max_partitions=servers)
        return variable_scope.variable_scope(self.scope, values=tuple(features.values()), partitioner=cut)

    def _input(self, features, servers):
        cut = partitioned_variables.min_max_variable_partitioner(
            max_partitions=servers, min_slice_size=self.min_slice_size or 64 << 20
        )
        with variable_scope.variable_scope(
            "input_from_feature_columns", values=tuple(features.values()), partitioner=cut
        ) as scope:
            if _all_new(self.columns):
                return feature_column.input_layer_with(FeatureTransformationCache(features), self.columns)
            return feature_column_ops.input_from_feature_columns(
                features, self.columns, weight_collections=[self.scope], scope=scope
            )

    def logits(self, features, mode, size, servers):
        """The logits; to be called inside of its scope."""
        net = self._input(features, servers)
        for i, count in enumerate(self.hidden_units):
            with variable_scope.variable_scope(f"hiddenlayer_{i}", values=(net,)) as scope:
                net = layers.fully_connected(
                    net, count, activation_fn=self.activation_fn, variables_collections=[self.scope], scope=scope
                )
                if self.dropout is not None and mode == ModeKeys.TRAIN:
                    net = layers.dropout(net, keep_prob=1.0 - self.dropout)
            summary.histogram(f"{scope.name}/activation", net)
        with variable_scope.variable_scope("logits", values=(net,)) as scope:
            return layers.fully_connected(
                net, size, activation_fn=None, variables_collections=[self.scope], scope=scope
            )


class _Wide:
    """The linear part of a model."""

    def __init__(self, columns, optimizer, joint_weights):
        self.columns, self.joint = tuple(columns or ()), joint_weights
        self.rate = min(_LINEAR_RATE, 1.0 / math.sqrt(max(len(self.columns), 1)))
        self.optimizer = optimizer or "Ftrl"
        self.scope = "linear"

    def scoped(self, features, servers):
        """The scope of its variables."""
        cut = partitioned_variables.min_max_variable_partitioner(max_partitions=servers, min_slice_size=64 << 20)
        return variable_scope.variable_scope(self.scope, values=tuple(features.values()), partitioner=cut)

    def logits(self, features, mode, size, servers):
        """The logits; to be called inside of its scope."""
        if _all_new(self.columns):
            self.variables = {}
            logits, self.bias = feature_column.linear_model_with(
                FeatureTransformationCache(features), self.columns, units=size, weight_collections=[self.scope],
                cols_to_vars=self.variables,
            )  # fmt: skip
            self.variables.pop("bias")
            return logits
        function = (feature_column_ops.joint_weighted_sum_from_feature_columns if self.joint
                    else feature_column_ops.weighted_sum_from_feature_columns)  # fmt: skip
        scope = variable_scope.get_variable_scope()
        logits, made, self.bias = function(features, self.columns, size, weight_collections=[self.scope], scope=scope)
        self.variables = {column.inner: found for column, found in made.items() if hasattr(column, "inner")}
        return logits

    def dual_model(self, head, features, labels):
        """The SdcaModel that trains the logits just made, of a model with HEAD."""
        if len(self.variables) < len(self.columns) or self.joint:
            raise ValueError("SDCAOptimizer does not support all of these columns, or joint weights.")
        return self.optimizer.model_of(self.variables, self.bias, head.weight_column_name, _dual_loss(head), features,
                                       labels)  # fmt: skip


def _dual_loss(head):
    """The loss by which dual coordinate ascent trains a model with HEAD."""
    kinds = {head_lib._SvmHead: "hinge_loss", head_lib._BinaryHead: "logistic_loss",
             head_lib._RegressionHead: "squared_loss"}  # fmt: skip
    if type(head) not in kinds or head.logits_dimension != 1:
        raise ValueError(f"Unsupported head type: {head}")
    return kinds[type(head)]


class _Canned(BaseEstimator):
    """Parts whose logits are added, with a head."""

    _default_prediction = None

    def __init__(self, head, parts, model_dir, config, feature_engineering_fn, clip):
        self._head, self._parts, self._clip = head, parts, clip
        self._feature_engineering_fn = feature_engineering_fn or (lambda features, labels: (features, labels))
        super().__init__(model_dir=model_dir, config=config)

    def _columns_to_parse(self):
        return {column for part in self._parts for column in part.columns}

    def _get_model_ops(self, features, labels, mode):
        features, labels = self._feature_engineering_fn(_dict(features), labels)
        servers, size = self._core.config.num_ps_replicas, self._head.logits_dimension
        if len(self._parts) == 1:  # the head's variables are inside of the only part's scope
            (part,) = self._parts
            with part.scoped(features, servers):
                logits = part.logits(features, mode, size, servers)
                if isinstance(part.optimizer, linear_sdca.SdcaOptimizerBase):
                    return self._dual_ops(part, features, labels, mode, logits)
                return self._head.create_model_fn_ops(features, mode, labels, self._train_op, logits=logits)
        made = []
        for part in self._parts:
            with part.scoped(features, servers):
                made.append(part.logits(features, mode, size, servers))
        return self._head.create_model_fn_ops(features, mode, labels, self._train_op, logits=made[0] + made[1])

    def _dual_ops(self, part, features, labels, mode, logits):
        """The ModelFnOps of a linear part that dual coordinate ascent trains."""
        hooks = []

        def train(unused_loss):
            model = part.dual_model(self._head, features, labels)
            train_op = model.minimize(global_step=training_util.get_global_step())
            hooks.append(sdca_model.UpdateWeightsHook(model, train_op))
            return train_op

        made = self._head.create_model_fn_ops(features, mode, labels, train, logits=logits)
        return made._replace(training_chief_hooks=(*made.training_chief_hooks, *hooks))

    def _train_op(self, loss):
        """One step of every part's optimizer, which sees that part's variables only."""
        if len(self._parts) == 1 and isinstance(self._parts[0], _Wide):
            return self._linear_train_op(loss, self._parts[0])
        step, made = training_util.get_global_step(), []
        for i, part in enumerate(self._parts):
            made.append(
                optimizers.optimize_loss(
                    loss=loss, global_step=step, learning_rate=part.rate, optimizer=_made(part.optimizer),
                    clip_gradients=self._clip, name=part.scope, summaries=[], increment_global_step=i == 0,
                    variables=ops.get_collection(ops.GraphKeys.TRAINABLE_VARIABLES, scope=part.scope + "/"),
                )
            )  # fmt: skip
        return made[0] if len(made) == 1 else control_flow_ops.group(*made)

    def _linear_train_op(self, loss, part):
        variables = ops.get_collection(ops.GraphKeys.TRAINABLE_VARIABLES)
        found = gradients_impl.gradients(loss, variables)
        if self._clip:
            found, _ = clip_ops.clip_by_global_norm(found, self._clip)
        optimizer = _made(part.optimizer)
        if isinstance(optimizer, str):
            optimizer = optimizers.OPTIMIZER_CLS_NAMES[optimizer](learning_rate=part.rate)
        return optimizer.apply_gradients(list(zip(found, variables)), global_step=training_util.get_global_step())

    def predict(self, x=None, input_fn=None, batch_size=None, outputs=None, as_iterable=True, iterate_batches=False):
        """The predictions; without OUTPUTS only the classes, or the numbers."""
        if outputs is not None:
            return super().predict(x, input_fn, batch_size, outputs, as_iterable, iterate_batches)
        return self._one(self._default_prediction, x, input_fn, batch_size, as_iterable)

    def _one(self, key, x, input_fn, batch_size, as_iterable):
        found = super().predict(x, input_fn, batch_size, [key], as_iterable)
        return (one[key] for one in found) if as_iterable else found[key]


class _Classifier(_Canned):
    """Says which class an example is of."""

    _default_prediction = PredictionKey.CLASSES

    def predict_classes(self, x=None, input_fn=None, batch_size=None, as_iterable=True):
        """The classes."""
        return self._one(PredictionKey.CLASSES, x, input_fn, batch_size, as_iterable)

    def predict_proba(self, x=None, input_fn=None, batch_size=None, as_iterable=True):
        """The probabilities of all classes."""
        return self._one(PredictionKey.PROBABILITIES, x, input_fn, batch_size, as_iterable)


class _Regressor(_Canned):
    """Gives numbers."""

    _default_prediction = PredictionKey.SCORES

    def predict_scores(self, x=None, input_fn=None, batch_size=None, as_iterable=True):
        """The numbers."""
        return self._one(PredictionKey.SCORES, x, input_fn, batch_size, as_iterable)


@tf_export("contrib.learn.DNNClassifier")
class DNNClassifier(_Classifier):
    """A network that says which of N_CLASSES an example is of."""

    def __init__(self, hidden_units, feature_columns, model_dir=None, n_classes=2, weight_column_name=None,
                 optimizer=None, activation_fn=nn_ops.relu, dropout=None, gradient_clip_norm=None,
                 enable_centered_bias=False, config=None, feature_engineering_fn=None, embedding_lr_multipliers=None,
                 input_layer_min_slice_size=None, label_keys=None):  # fmt: skip
        self._hidden_units = hidden_units
        head = head_lib.multi_class_head(n_classes, weight_column_name=weight_column_name,
                                         enable_centered_bias=enable_centered_bias, label_keys=label_keys)  # fmt: skip
        deep = _Deep(hidden_units, feature_columns, activation_fn, dropout, optimizer, input_layer_min_slice_size)
        super().__init__(head, [deep], model_dir, config, feature_engineering_fn, gradient_clip_norm)


@tf_export("contrib.learn.DNNRegressor")
class DNNRegressor(_Regressor):
    """A network that gives LABEL_DIMENSION numbers."""

    def __init__(self, hidden_units, feature_columns, model_dir=None, weight_column_name=None, optimizer=None,
                 activation_fn=nn_ops.relu, dropout=None, gradient_clip_norm=None, enable_centered_bias=False,
                 config=None, feature_engineering_fn=None, label_dimension=1, embedding_lr_multipliers=None,
                 input_layer_min_slice_size=None):  # fmt: skip
        head = head_lib.regression_head(weight_column_name=weight_column_name, label_dimension=label_dimension,
                                        enable_centered_bias=enable_centered_bias)  # fmt: skip
        deep = _Deep(hidden_units, feature_columns, activation_fn, dropout, optimizer, input_layer_min_slice_size)
        super().__init__(head, [deep], model_dir, config, feature_engineering_fn, gradient_clip_norm)


@tf_export("contrib.learn.DNNEstimator")
class DNNEstimator(_Canned):
    """A network with any head."""

    predict = BaseEstimator.predict

    def __init__(self, head, hidden_units, feature_columns, model_dir=None, optimizer=None, activation_fn=nn_ops.relu,
                 dropout=None, gradient_clip_norm=None, config=None, feature_engineering_fn=None,
                 embedding_lr_multipliers=None, input_layer_min_slice_size=None):  # fmt: skip
        deep = _Deep(hidden_units, feature_columns, activation_fn, dropout, optimizer, input_layer_min_slice_size)
        super().__init__(head, [deep], model_dir, config, feature_engineering_fn, gradient_clip_norm)


@tf_export("contrib.learn.LinearClassifier")
class LinearClassifier(_Classifier):
    """Says which of N_CLASSES an example is of, by a weighted sum of its features."""

    def __init__(self, feature_columns, model_dir=None, n_classes=2, weight_column_name=None, optimizer=None,
                 gradient_clip_norm=None, enable_centered_bias=False, _joint_weight=False, config=None,
                 feature_engineering_fn=None, label_keys=None):  # fmt: skip
        head = head_lib.multi_class_head(n_classes, weight_column_name=weight_column_name,
                                         enable_centered_bias=enable_centered_bias, label_keys=label_keys)  # fmt: skip
        wide = _Wide(feature_columns, optimizer, _joint_weight)
        super().__init__(head, [wide], model_dir, config, feature_engineering_fn, gradient_clip_norm)


@tf_export("contrib.learn.LinearRegressor")
class LinearRegressor(_Regressor):
    """Gives LABEL_DIMENSION numbers that are weighted sums of the features."""

    def __init__(self, feature_columns, model_dir=None, weight_column_name=None, optimizer=None,
                 gradient_clip_norm=None, enable_centered_bias=False, label_dimension=1, _joint_weights=False,
                 config=None, feature_engineering_fn=None):  # fmt: skip
        head = head_lib.regression_head(weight_column_name=weight_column_name, label_dimension=label_dimension,
                                        enable_centered_bias=enable_centered_bias)  # fmt: skip
        wide = _Wide(feature_columns, optimizer, _joint_weights)
        super().__init__(head, [wide], model_dir, config, feature_engineering_fn, gradient_clip_norm)


@tf_export("contrib.learn.LinearEstimator")
class LinearEstimator(_Canned):
    """A linear model with any head."""

    predict = BaseEstimator.predict

    def __init__(self, feature_columns, head, model_dir=None, weight_column_name=None, optimizer=None,
                 gradient_clip_norm=None, _joint_weights=False, config=None, feature_engineering_fn=None):  # fmt: skip
        wide = _Wide(feature_columns, optimizer, _joint_weights)
        super().__init__(head, [wide], model_dir, config, feature_engineering_fn, gradient_clip_norm)


def _both(linear, deep):
    """The parts that there are. ValueError for none, and for a network without layers."""
    parts = ([deep] if deep.columns else []) + ([linear] if linear.columns else [])
    if not parts:
        raise ValueError("Either linear_feature_columns or dnn_feature_columns must be defined.")
    if deep.columns and not deep.hidden_units:
        raise ValueError("dnn_hidden_units must be defined when dnn_feature_columns is specified.")
    return parts


@tf_export("contrib.learn.DNNLinearCombinedClassifier")
class DNNLinearCombinedClassifier(_Classifier):
    """Says which of N_CLASSES an example is of, by a linear model and a network."""

    def __init__(self, model_dir=None, n_classes=2, weight_column_name=None, linear_feature_columns=None,
                 linear_optimizer=None, _joint_linear_weights=False, dnn_feature_columns=None, dnn_optimizer=None,
                 dnn_hidden_units=None, dnn_activation_fn=nn_ops.relu, dnn_dropout=None, gradient_clip_norm=None,
                 enable_centered_bias=False, config=None, feature_engineering_fn=None, embedding_lr_multipliers=None,
                 input_layer_min_slice_size=None, label_keys=None,
                 fix_global_step_increment_bug=False):  # fmt: skip
        head = head_lib.multi_class_head(n_classes, weight_column_name=weight_column_name,
                                         enable_centered_bias=enable_centered_bias, label_keys=label_keys)  # fmt: skip
        deep = _Deep(dnn_hidden_units, dnn_feature_columns, dnn_activation_fn, dnn_dropout, dnn_optimizer,
                     input_layer_min_slice_size)  # fmt: skip
        wide = _Wide(linear_feature_columns, linear_optimizer, _joint_linear_weights)
        super().__init__(head, _both(wide, deep), model_dir, config, feature_engineering_fn, gradient_clip_norm)


@tf_export("contrib.learn.DNNLinearCombinedRegressor")
class DNNLinearCombinedRegressor(_Regressor):
    """Gives LABEL_DIMENSION numbers, by a linear model and a network."""

    def __init__(self, model_dir=None, weight_column_name=None, linear_feature_columns=None, linear_optimizer=None,
                 _joint_linear_weights=False, dnn_feature_columns=None, dnn_optimizer=None, dnn_hidden_units=None,
                 dnn_activation_fn=nn_ops.relu, dnn_dropout=None, gradient_clip_norm=None, enable_centered_bias=False,
                 label_dimension=1, config=None, feature_engineering_fn=None, embedding_lr_multipliers=None,
                 input_layer_min_slice_size=None, fix_global_step_increment_bug=False):  # fmt: skip
        head = head_lib.regression_head(weight_column_name=weight_column_name, label_dimension=label_dimension,
                                        enable_centered_bias=enable_centered_bias)  # fmt: skip
        deep = _Deep(dnn_hidden_units, dnn_feature_columns, dnn_activation_fn, dnn_dropout, dnn_optimizer,
                     input_layer_min_slice_size)  # fmt: skip
        wide = _Wide(linear_feature_columns, linear_optimizer, _joint_linear_weights)
        super().__init__(head, _both(wide, deep), model_dir, config, feature_engineering_fn, gradient_clip_norm)


@tf_export("contrib.learn.DNNLinearCombinedEstimator")
class DNNLinearCombinedEstimator(_Canned):
    """A linear model and a network with any head."""

    predict = BaseEstimator.predict

    def __init__(self, head, model_dir=None, linear_feature_columns=None, linear_optimizer=None,
                 _joint_linear_weights=False, dnn_feature_columns=None, dnn_optimizer=None, dnn_hidden_units=None,
                 dnn_activation_fn=None, dnn_dropout=None, gradient_clip_norm=None, config=None,
                 feature_engineering_fn=None, embedding_lr_multipliers=None,
                 fix_global_step_increment_bug=False, input_layer_partitioner=None):  # fmt: skip
        deep = _Deep(
            dnn_hidden_units, dnn_feature_columns, dnn_activation_fn or nn_ops.relu, dnn_dropout, dnn_optimizer
        )
        wide = _Wide(linear_feature_columns, linear_optimizer, _joint_linear_weights)
        super().__init__(head, _both(wide, deep), model_dir, config, feature_engineering_fn, gradient_clip_norm)
