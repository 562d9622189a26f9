"""What all heads are: the end of a model, which makes predictions of logits, and of labels the loss and the metrics."""

from tenon.python.estimator import model_fn, util
from tenon.python.estimator.head import measures
from tenon.python.estimator.mode_keys import ModeKeys
from tenon.python.feature_column import base as columns
from tenon.python.feature_column import dense
from tenon.python.framework import dtypes, ops, sparse_tensor
from tenon.python.ops import array_ops, check_ops, control_flow_ops, gen_ops, math_ops
from tenon.python.ops.losses import losses_impl
from tenon.python.summary import summary
from tenon.python.training import optimizer as optimizer_lib
from tenon.python.training import training_util
from tenon.python.util.tf_export import tf_export

CLASSIFY, REGRESS, PREDICT = "classification", "regression", "predict"
# What losses are put together by in Keras, and what that is in tf.losses.
REDUCTIONS = {
    "sum": losses_impl.Reduction.SUM,
    "sum_over_batch_size": losses_impl.Reduction.SUM_OVER_BATCH_SIZE,
    **{name: name for name in losses_impl.Reduction.all() if name != losses_impl.Reduction.NONE},
}


@tf_export("estimator.Head")
class Head:
    """The end of a model. Subclasses say what it predicts, its loss for each example, and what is measured."""

    _v1 = False  # canned estimators of 1.x measure with tf.metrics, heads that programs make with Keras' metrics

    @property
    def name(self):
        """Its name, which follows the names of its metrics; None."""
        raise NotImplementedError("Head.name is for subclasses")

    @property
    def logits_dimension(self):
        """The size of the last dimension of the logits."""
        raise NotImplementedError("Head.logits_dimension is for subclasses")

    @property
    def loss_reduction(self):
        """How the losses of examples become one."""
        raise NotImplementedError("Head.loss_reduction is for subclasses")

    def loss(self, labels, logits, features=None, mode=None, regularization_losses=None):
        """The loss, a scalar."""
        raise NotImplementedError("Head.loss is for subclasses")

    def predictions(self, logits, keys=None):
        """{name: tensor} of what the model says."""
        raise NotImplementedError("Head.predictions is for subclasses")

    def metrics(self, regularization_losses=None):
        """{name: Keras metric}."""
        raise NotImplementedError("Head.metrics is for subclasses")

    def update_metrics(self, eval_metrics, features, logits, labels, mode=None, regularization_losses=None):
        """Gives the metrics a batch; returns them."""
        raise NotImplementedError("Head.update_metrics is for subclasses")

    def create_estimator_spec(self, features, mode, logits, labels=None, optimizer=None, trainable_variables=None,
                              train_op_fn=None, update_ops=None, regularization_losses=None):  # fmt: skip
        """The EstimatorSpec of a model function whose logits these are."""
        with ops.name_scope(self.name, "head"):
            predictions = self.predictions(logits)
            if mode == ModeKeys.PREDICT:
                outputs = self._export_outputs(predictions)
                return model_fn.EstimatorSpec(mode=mode, predictions=predictions, export_outputs=outputs)
            loss = self.loss(labels, logits, features, mode, regularization_losses)
            if mode == ModeKeys.EVAL:
                found = self._eval_metric_ops(features, logits, labels, regularization_losses)
                return model_fn.EstimatorSpec(mode=mode, predictions=predictions, loss=loss, eval_metric_ops=found)
            if self._v1:
                train_op = self._train_op(loss, optimizer, trainable_variables, train_op_fn, update_ops)
        if not self._v1:
            with ops.name_scope("training"):
                train_op = self._train_op(loss, optimizer, trainable_variables, train_op_fn, update_ops)
        self._summarize(loss, features, logits, labels, regularization_losses)
        return model_fn.EstimatorSpec(mode=ModeKeys.TRAIN, loss=loss, train_op=train_op, predictions=predictions)

    def _train_op(self, loss, optimizer, trainable_variables, train_op_fn, update_ops):
        if optimizer is not None and train_op_fn is not None:
            raise ValueError("train_op_fn and optimizer cannot both be set.")
        if train_op_fn is not None:
            made = train_op_fn(loss)
        elif optimizer is None:
            raise ValueError("train_op_fn and optimizer cannot both be None.")
        elif isinstance(optimizer, optimizer_lib.Optimizer):
            made = optimizer.minimize(loss, var_list=trainable_variables, global_step=training_util.get_global_step())
        else:
            if trainable_variables is None:
                raise ValueError("trainable_variables cannot be None. Given None")
            made = optimizer.get_updates(loss, trainable_variables)[0]
        if update_ops is None and self._v1:
            update_ops = ops.get_collection(ops.GraphKeys.UPDATE_OPS)
        return control_flow_ops.group(made, *update_ops) if update_ops else made


class SingleHead(Head):
    """A head over one tensor of logits."""

    def __init__(self, name, weight_column, loss_reduction, loss_fn):
        if loss_reduction not in REDUCTIONS:
            raise ValueError(f"Invalid loss_reduction: {loss_reduction}. See `losses.Reduction` for options")
        if loss_fn is not None:
            _check_loss_fn(loss_fn)
        self._name, self._weight_column = name, weight_column
        self._loss_reduction, self._loss_fn = loss_reduction, loss_fn

    @property
    def name(self):
        """Its name."""
        return self._name

    @property
    def loss_reduction(self):
        """How the losses of examples become one."""
        return self._loss_reduction

    def _key(self, name):
        """NAME of a metric, with that of the head."""
        return f"{name}/{self._name}" if self._name else name

    def _logits(self, logits):
        return checked_logits(logits, self.logits_dimension)

    def _losses(self, labels, logits, features):
        """(the loss of each example [batch, n], weights that broadcast to it); LABELS and LOGITS are processed."""
        weights = weights_of(features, self._weight_column, logits, self._per_logit_weights)
        if self._loss_fn is not None:
            return call_loss_fn(self._loss_fn, labels, logits, features, self.logits_dimension), weights
        return self._loss_of_examples(labels, logits), weights

    _per_logit_weights = False

    def loss(self, labels, logits, features=None, mode=None, regularization_losses=None):
        """The loss, a scalar, with what regularizes it."""
        with ops.name_scope(None, "losses", [logits, labels]):
            logits = self._logits(logits)
            losses, weights = self._losses(self._labels(labels, logits), logits, features)
            total = losses_impl.compute_weighted_loss(
                losses, weights=weights, reduction=REDUCTIONS[self._loss_reduction]
            )
            extra = math_ops.add_n(regularization_losses) if regularization_losses is not None else None
            return total if extra is None else total + extra

    def _all_measures(self, regularization_losses):
        found = {"average_loss": measures.Measure("mean"), **self._measures()}
        if regularization_losses is not None:
            found["regularization_loss"] = measures.Measure("mean")
        return found

    def metrics(self, regularization_losses=None):
        """{name: Keras metric}."""
        with ops.name_scope(None, "metrics"):
            found = self._all_measures(regularization_losses)
            return {self._key(key): measures.keras_metric(m, self._key(key)) for key, m in found.items()}

    def _measured(self, features, logits, labels, regularization_losses):
        """{name: (inputs, weights)} of what is measured."""
        logits = self._logits(logits)
        labels = self._labels(labels, logits)
        losses, weights = self._losses(labels, logits, features)
        found = {"average_loss": ((losses,), weights)}
        found.update((key, (inputs, weights)) for key, inputs in self._inputs(labels, self.predictions(logits)).items())
        if regularization_losses is not None:
            found["regularization_loss"] = (math_ops.add_n(regularization_losses),), 1.0
        return found

    def update_metrics(self, eval_metrics, features, logits, labels, regularization_losses=None):
        """Gives the metrics a batch; returns them."""
        kinds = self._all_measures(regularization_losses)
        for key, (inputs, weights) in self._measured(features, logits, labels, regularization_losses).items():
            measures.update_keras(eval_metrics[self._key(key)], kinds[key], inputs, weights)
        return eval_metrics

    def _eval_metric_ops(self, features, logits, labels, regularization_losses):
        if not self._v1:
            made = self.metrics(regularization_losses)
            return self.update_metrics(made, features, logits, labels, regularization_losses=regularization_losses)
        kinds = self._all_measures(regularization_losses)
        with ops.name_scope(None, "metrics"):
            found = self._measured(features, logits, labels, regularization_losses)
            return {self._key(key): measures.of_tensors(kinds[key], *found[key]) for key in found}

    def _summarize(self, loss, features, logits, labels, regularization_losses):
        with ops.name_scope(""):
            summary.scalar(self._key("loss"), loss)
            if self._v1 and self._loss_reduction == losses_impl.Reduction.SUM:
                logits = self._logits(logits)
                losses, weights = self._losses(self._labels(labels, logits), logits, features)
                count = math_ops.reduce_sum(weights * array_ops.ones_like(losses))
                summary.scalar(self._key("average_loss"), math_ops.reduce_sum(losses * weights) / count)
            if regularization_losses is not None:
                summary.scalar(self._key("regularization_loss"), math_ops.add_n(regularization_losses))


_LOSS_ARGUMENTS = {"features", "loss_reduction"}


def _check_loss_fn(loss_fn):
    names = set(util.fn_args(loss_fn))
    for needed in ("labels", "logits"):
        if needed not in names:
            raise ValueError(f"loss_fn must contain argument: {needed}. Given arguments: {sorted(names)}")
    unknown = names - {"labels", "logits"} - _LOSS_ARGUMENTS
    if unknown:
        raise ValueError(f"loss_fn has unexpected args: {sorted(unknown)}")


def call_loss_fn(loss_fn, labels, logits, features, expected_loss_dim=1):
    """The losses of examples by the user's function, [batch, EXPECTED_LOSS_DIM] or [batch, 1]."""
    losses = util.call_with_known(
        loss_fn, labels=labels, logits=logits, features=features, loss_reduction=losses_impl.Reduction.NONE
    )
    last = losses.get_shape()[-1].value if losses.get_shape().ndims else None
    if losses.get_shape().ndims != logits.get_shape().ndims or last not in (None, 1, expected_loss_dim):
        raise ValueError(f"loss_fn must return Tensor of shape [D0, D1, ... DN, {expected_loss_dim}]. "
                         f"Given: {losses}")  # fmt: skip
    return losses


def checked_logits(logits, expected):
    """LOGITS as floats [batch, ..., EXPECTED]. ValueError where the last dimension is another."""
    if logits is None:
        raise ValueError("logits cannot be None.")
    logits = math_ops.cast(ops.convert_to_tensor(logits), dtypes.float32, name="logits")
    shape = logits.get_shape()
    if shape.ndims is not None:
        if shape.ndims < 2:
            raise ValueError(f"logits must have rank at least 2.  Received rank {shape.ndims}, shape {shape}")
        if shape[-1].value not in (None, expected):
            raise ValueError(f"logits shape must be [D0, D1, ... DN, logits_dimension], got {shape}.")
        if shape.is_fully_defined():
            return logits
    last = check_ops.assert_equal(
        expected, array_ops.shape(logits)[-1],
        data=["expected_logits_dimension: ", expected, "logits_shape: ", array_ops.shape(logits)],
    )  # fmt: skip
    with ops.control_dependencies([last]):
        return array_ops.identity(logits)


def _wider(value, rank):
    """VALUE with a last dimension of 1 if it lacks one of RANK dimensions."""
    if value.get_shape().ndims is not None and rank is not None:
        return array_ops.expand_dims(value, -1) if value.get_shape().ndims == rank - 1 else value
    return value


def checked_labels(labels, logits, expected):
    """LABELS [batch, ..., EXPECTED] for LOGITS. ValueError where they do not fit."""
    if labels is None:
        raise ValueError("You must provide a labels Tensor. Given: None. Suggested troubleshooting steps: Check that "
                         "your "
                         "data contains your label feature. Check that your input_fn properly parses and returns "
                         "labels.")  # fmt: skip
    if isinstance(labels, sparse_tensor.SparseTensor):
        raise ValueError("SparseTensor labels are not supported. labels must be a Tensor of shape [D0, D1, ..., DN, "
                         f"{expected}], e.g. [batch_size, {expected}]. Suggested Fix (1): Check the label feature in "
                         "your data. Each example must contain "
                         f"{expected} value(s). If not, your choice of label was probably incorrect.")  # fmt: skip
    labels = ops.convert_to_tensor(labels)
    rank = logits.get_shape().ndims
    if expected == 1 or labels.get_shape().ndims == (rank or 0) - 1:
        labels = _wider(labels, rank)
    shape = labels.get_shape()
    if shape.ndims is not None:
        if rank is not None and shape.ndims != rank:
            raise ValueError(f"labels must have rank {rank}.  Received rank {shape.ndims}, shape {shape}")
        if shape[-1].value not in (None, expected):
            raise ValueError(f"Mismatched label shape. Expected labels dimension={expected}.  Received "
                             f"{shape[-1]}. Suggested Fix: If your classifier expects one-hot encoding label, check "
                             "your "
                             "n_classes argument to the estimator and/or the shape of your label. Otherwise, check the "
                             "shape of your label.")  # fmt: skip
        lead = logits.get_shape()[:-1]
        if not shape[:-1].is_compatible_with(lead):
            raise ValueError(f"labels and logits have different leading dimensions: {shape} and {logits.get_shape()}")
        if shape.is_fully_defined() and logits.get_shape().is_fully_defined():
            return labels
    wanted = array_ops.concat([array_ops.shape(logits)[:-1], [expected]], axis=0)
    same = check_ops.assert_equal(
        wanted, array_ops.shape(labels),
        data=["expected_labels_shape: ", wanted, "labels_shape: ", array_ops.shape(labels)],
    )  # fmt: skip
    with ops.control_dependencies([same]):
        return array_ops.identity(labels)


def weights_of(features, weight_column, logits, per_logit=False):
    """The weights of the examples [batch, ..., 1] (or, if PER_LOGIT, also like LOGITS); 1.0 without a column."""
    if weight_column is None:
        return 1.0
    if isinstance(weight_column, str):
        weight_column = dense.numeric_column(key=weight_column, shape=(1,))
    if not isinstance(weight_column, dense.NumericColumn):
        raise TypeError("Weight column must be either a string or NumericColumn. "
                        f"Given type: {type(weight_column)}.")  # fmt: skip
    key = weight_column.key
    if features is None or key not in features:
        raise ValueError(f"Feature {key} is not in features dictionary.")
    weights = weight_column.get_dense_tensor(columns.FeatureTransformationCache(features), None)
    if not (weights.dtype.is_floating or weights.dtype.is_integer):
        raise ValueError(f"Weight column should be castable to float. Given dtype: {weights.dtype}")
    weights = _wider(math_ops.cast(weights, dtypes.float32), logits.get_shape().ndims)
    shape, wanted = weights.get_shape(), logits.get_shape()
    if shape.ndims is not None and wanted.ndims is not None:
        last = (None, 1, wanted[-1].value) if per_logit else (None, 1)
        if shape.ndims != wanted.ndims or shape[-1].value not in last or not shape[:-1].is_compatible_with(wanted[:-1]):
            raise ValueError(f"weights must be of shape [D0, D1, ... DN, 1]: weights {shape}, logits {wanted}")
    return weights


def checked_range(labels, n_classes, message):
    """LABELS, which are checked in the step to be from 0 to N_CLASSES - 1."""
    with ops.name_scope(None, "check_label_range"):
        checks = [
            check_ops.assert_less(labels, ops.convert_to_tensor(n_classes, dtype=labels.dtype), message=message),
            check_ops.assert_non_negative(labels, message="Labels must be >= 0"),
        ]
        with ops.control_dependencies(checks):
            return array_ops.identity(labels)


def all_of_batch(values, logits):
    """A vector for every example of LOGITS: [batch, n]."""
    batch = array_ops.shape(logits)[0]
    wide = array_ops.expand_dims(values, 0)
    return gen_ops.tile(wide, [batch, 1])
