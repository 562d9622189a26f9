"""Gradient boosted decision trees, grown layer by layer (Ponomareva et al. 2017, "TF Boosted Trees")."""

from tenon.python.estimator.canned import boosted_trees_explain as explain_lib
from tenon.python.estimator.canned import boosted_trees_features as columns_lib
from tenon.python.estimator.canned import boosted_trees_model as model_lib
from tenon.python.estimator.canned import head as head_lib
from tenon.python.estimator.estimator import Estimator
from tenon.python.estimator.head import base_head, class_heads, regression_head
from tenon.python.estimator.mode_keys import ModeKeys
from tenon.python.framework import dtypes, ops
from tenon.python.ops import array_ops, boosted_trees_ops, control_flow_ops, gen_ops, math_ops
from tenon.python.ops.losses import losses_impl
from tenon.python.training import checkpoint_utils
from tenon.python.util.tf_export import tf_export

_MEAN = losses_impl.Reduction.SUM_OVER_BATCH_SIZE


def _logistic_derivatives(logits, labels):
    """Gradients and Hessians of the mean logistic loss."""
    said = gen_ops.sigmoid(logits)
    share = gen_ops.reciprocal(math_ops.cast(array_ops.size(said), dtypes.float32))
    labels = base_head.checked_labels(math_ops.cast(labels, dtypes.float32), logits, 1)
    return (said - labels) * share, said * (1.0 - said) * share


def _classification_head(n_classes, weight_column, label_vocabulary):
    """(head, its derivatives if they are known)."""
    if n_classes != 2:
        raise ValueError(f"For now only binary classification is supported. n_classes given as {n_classes}")
    head = head_lib.classifier_head(2, weight_column, label_vocabulary, _MEAN)
    plain = weight_column is None and label_vocabulary is None
    return head, _logistic_derivatives if plain else None


def _regression_head(label_dimension, weight_column):
    if label_dimension != 1:
        raise ValueError(f"For now only 1 dimension regression is supported. label_dimension given as "
                         f"{label_dimension}")  # fmt: skip
    return head_lib.regressor_head(1, weight_column, _MEAN)


class _BoostedTrees(Estimator):
    """Trees with a head."""

    def __init__(self, head, feature_columns, params, n_batches_per_layer, model_dir, config, **options):
        self._columns = columns_lib.sorted_columns(feature_columns)
        self._names = columns_lib.names(self._columns)
        self._head, self._tree_params = head, params

        def model_fn(features, labels, mode, config):
            return model_lib.model_fn(
                features, labels, mode, head, feature_columns, params, n_batches_per_layer, config, **options
            )

        super().__init__(model_fn=model_fn, model_dir=model_dir, config=config)

    def experimental_feature_importances(self, normalize=False):
        """OrderedDict {name of a column: how much splits by it gained}, the largest first."""
        serialized = checkpoint_utils.load_checkpoint(self.model_dir).get_tensor(f"{model_lib.NAME}:0_serialized")
        if not serialized:
            raise ValueError("Found empty serialized string for TreeEnsemble. You should only call this method after "
                             "training.")  # fmt: skip
        return explain_lib.feature_importances(bytes(serialized), self._names, normalize)

    def experimental_predict_with_explanations(self, input_fn, predict_keys=None, hooks=None, checkpoint_path=None):
        """As predict; each prediction has `bias`, what the labels say alone, and `dfc`, OrderedDict {name of a column:
        how much it changes that}, the largest change first. The model has to have been made with center_bias."""
        if not self._tree_params.center_bias:
            raise ValueError("center_bias must be enabled during estimator instantiation when using "
                             "experimental_predict_with_explanations.")  # fmt: skip
        classifies = isinstance(self._head, (class_heads.BinaryClassHead, class_heads.MultiClassHead))
        if not classifies and isinstance(self._head, regression_head.RegressionHead):
            if self._head._inverse_link_fn not in (None, array_ops.identity):
                raise ValueError("For now only identity inverse_link_fn in regression_head is supported for "
                                 "experimental_predict_with_explanations.")  # fmt: skip
        return self._explained(input_fn, predict_keys, hooks, checkpoint_path, classifies)

    def _explained(self, input_fn, predict_keys, hooks, checkpoint_path, classifies):
        def model_fn(features, labels, mode):
            return self._explaining_spec(features)

        estimator = Estimator(model_fn=model_fn, model_dir=self.model_dir, config=self.config)
        if predict_keys is not None:
            predict_keys = {predict_keys} if isinstance(predict_keys, str) else set(predict_keys)
            predict_keys = sorted(predict_keys | {explain_lib.DEBUG_KEY})
        for found in estimator.predict(input_fn, predict_keys, hooks, checkpoint_path):
            message = bytes(found.pop(explain_lib.DEBUG_KEY))
            found["bias"], found["dfc"] = explain_lib.explain(message, self._names, classifies)
            yield found

    def _explaining_spec(self, features):
        with ops.name_scope(model_lib.NAME) as name:
            inputs = model_lib.Inputs(features, self._columns, self._tree_params.quantile_sketch_epsilon, name)
            ids = inputs.bucket_ids()
            spec = self._head.create_estimator_spec(
                features=features, mode=ModeKeys.PREDICT, labels=None, train_op_fn=control_flow_ops.no_op,
                logits=inputs.logits(ids, self._head),
            )  # fmt: skip
            spec.predictions[explain_lib.DEBUG_KEY] = boosted_trees_ops.example_debug_outputs(
                inputs.ensemble.resource_handle, bucketized_features=ids,
                logits_dimension=self._head.logits_dimension,
            )  # fmt: skip
        return spec


@tf_export("estimator.BoostedTreesClassifier")
class BoostedTreesClassifier(_BoostedTrees):
    """Tells one of two classes by boosted trees. A layer grows of N_BATCHES_PER_LAYER batches."""

    def __init__(self, feature_columns, n_batches_per_layer, model_dir=None, n_classes=2, weight_column=None,
                 label_vocabulary=None, n_trees=100, max_depth=6, learning_rate=0.1, l1_regularization=0.0,
                 l2_regularization=0.0, tree_complexity=0.0, min_node_weight=0.0, config=None, center_bias=False,
                 pruning_mode="none", quantile_sketch_epsilon=0.01, train_in_memory=False):  # fmt: skip
        head, closed_form = _classification_head(n_classes, weight_column, label_vocabulary)
        params = model_lib.Params(n_trees, max_depth, learning_rate, l1_regularization, l2_regularization,
                                  tree_complexity, min_node_weight, center_bias, pruning_mode,
                                  quantile_sketch_epsilon)  # fmt: skip
        super().__init__(head, feature_columns, params, n_batches_per_layer, model_dir, config,
                         closed_form=closed_form, weight_column=weight_column,
                         train_in_memory=train_in_memory)  # fmt: skip


@tf_export("estimator.BoostedTreesRegressor")
class BoostedTreesRegressor(_BoostedTrees):
    """Predicts a number by boosted trees. A layer grows of N_BATCHES_PER_LAYER batches."""

    def __init__(self, feature_columns, n_batches_per_layer, model_dir=None, label_dimension=1, weight_column=None,
                 n_trees=100, max_depth=6, learning_rate=0.1, l1_regularization=0.0, l2_regularization=0.0,
                 tree_complexity=0.0, min_node_weight=0.0, config=None, center_bias=False, pruning_mode="none",
                 quantile_sketch_epsilon=0.01, train_in_memory=False):  # fmt: skip
        params = model_lib.Params(n_trees, max_depth, learning_rate, l1_regularization, l2_regularization,
                                  tree_complexity, min_node_weight, center_bias, pruning_mode,
                                  quantile_sketch_epsilon)  # fmt: skip
        super().__init__(_regression_head(label_dimension, weight_column), feature_columns, params,
                         n_batches_per_layer, model_dir, config, weight_column=weight_column,
                         train_in_memory=train_in_memory)  # fmt: skip


@tf_export("estimator.BoostedTreesEstimator", "contrib.estimator.BoostedTreesEstimator")
class BoostedTreesEstimator(_BoostedTrees):
    """Boosted trees with any head of one logit."""

    def __init__(self, feature_columns, n_batches_per_layer, head, model_dir=None, weight_column=None, n_trees=100,
                 max_depth=6, learning_rate=0.1, l1_regularization=0.0, l2_regularization=0.0, tree_complexity=0.0,
                 min_node_weight=0.0, config=None, center_bias=False, pruning_mode="none",
                 quantile_sketch_epsilon=0.01):  # fmt: skip
        params = model_lib.Params(n_trees, max_depth, learning_rate, l1_regularization, l2_regularization,
                                  tree_complexity, min_node_weight, center_bias, pruning_mode,
                                  quantile_sketch_epsilon)  # fmt: skip
        super().__init__(head, feature_columns, params, n_batches_per_layer, model_dir, config,
                         weight_column=weight_column)  # fmt: skip


@tf_export("contrib.estimator.boosted_trees_classifier_train_in_memory",
           "estimator.experimental.boosted_trees_classifier_train_in_memory")  # fmt: skip
def boosted_trees_classifier_train_in_memory(
        train_input_fn, feature_columns, model_dir=None, n_classes=2, weight_column=None, label_vocabulary=None,
        n_trees=100, max_depth=6, learning_rate=0.1, l1_regularization=0.0, l2_regularization=0.0,
        tree_complexity=0.0, min_node_weight=0.0, config=None, train_hooks=None, center_bias=False,
        pruning_mode="none", quantile_sketch_epsilon=0.01):  # fmt: skip
    """A classifier that was trained on the one batch that TRAIN_INPUT_FN gives again and again."""
    made = BoostedTreesClassifier(
        feature_columns, 1, model_dir, n_classes, weight_column, label_vocabulary, n_trees, max_depth, learning_rate,
        l1_regularization, l2_regularization, tree_complexity, min_node_weight, config, center_bias, pruning_mode,
        quantile_sketch_epsilon, train_in_memory=True)  # fmt: skip
    return made.train(input_fn=train_input_fn, hooks=train_hooks)


@tf_export("contrib.estimator.boosted_trees_regressor_train_in_memory",
           "estimator.experimental.boosted_trees_regressor_train_in_memory")  # fmt: skip
def boosted_trees_regressor_train_in_memory(
        train_input_fn, feature_columns, model_dir=None, label_dimension=1, weight_column=None, n_trees=100,
        max_depth=6, learning_rate=0.1, l1_regularization=0.0, l2_regularization=0.0, tree_complexity=0.0,
        min_node_weight=0.0, config=None, train_hooks=None, center_bias=False, pruning_mode="none",
        quantile_sketch_epsilon=0.01):  # fmt: skip
    """A regressor that was trained on the one batch that TRAIN_INPUT_FN gives again and again."""
    made = BoostedTreesRegressor(
        feature_columns, 1, model_dir, label_dimension, weight_column, n_trees, max_depth, learning_rate,
        l1_regularization, l2_regularization, tree_complexity, min_node_weight, config, center_bias, pruning_mode,
        quantile_sketch_epsilon, train_in_memory=True)  # fmt: skip
    return made.train(input_fn=train_input_fn, hooks=train_hooks)
