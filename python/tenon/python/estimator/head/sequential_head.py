"""Heads over sequences: what stands after the end of a sequence counts neither for the loss nor for the metrics."""

from tenon.python.estimator.head import base_head, multi_head
from tenon.python.estimator.mode_keys import ModeKeys
from tenon.python.framework import dtypes, ops, sparse_tensor
from tenon.python.ops import array_ops, check_ops, math_ops, sparse_ops


class _SequentialHead(base_head.Head):
    """A head over logits [batch, time, n]."""

    @property
    def input_sequence_mask_key(self):
        """The feature that says which moments are there, bool [batch, time]."""
        raise NotImplementedError("_SequentialHead.input_sequence_mask_key is for subclasses")


class SequentialHeadWrapper(_SequentialHead):
    """STATIC_HEAD over all moments that are there, as if each were an example.

    FEATURE_COLUMNS names the features that it needs for each moment: those of weights.
    """

    def __init__(self, static_head, sequence_length_mask="sequence_length_mask", feature_columns=None):
        if not isinstance(sequence_length_mask, str):
            raise TypeError(f"`sequence_mask` column must be a string. Given type: {type(sequence_length_mask)}.")
        names = feature_columns or []
        names = [names] if isinstance(names, str) else names
        if not hasattr(names, "__iter__"):
            raise TypeError("`feature_columns` must be either a string or an iterable of strings got "
                            f"{type(feature_columns)} instead.")  # fmt: skip
        for name in names:
            if not isinstance(name, str):
                raise TypeError(f"Column must a string. Given type: {type(name)}.")
        if isinstance(static_head, multi_head.MultiHead):
            raise ValueError("`MultiHead` is not supported with `SequentialHeadWrapper`.")
        self._sequence_length_mask, self._feature_columns, self._static_head = sequence_length_mask, names, static_head

    @property
    def input_sequence_mask_key(self):
        """The feature that says which moments are there, bool [batch, time]."""
        return self._sequence_length_mask

    @property
    def logits_dimension(self):
        """That of the head inside."""
        return self._static_head.logits_dimension

    @property
    def loss_reduction(self):
        """That of the head inside."""
        return self._static_head.loss_reduction

    @property
    def name(self):
        """The name of the head inside, and `_sequential`; None if that has none."""
        return f"{self._static_head.name}_sequential" if self._static_head.name else None

    @property
    def static_head(self):
        """The head inside."""
        return self._static_head

    def _flatten(self, labels, logits, features):
        """(labels, logits, {name: feature}) of the moments that are there, [moments, ...]."""
        key = self.input_sequence_mask_key
        if key not in features:
            raise ValueError(f"The provided sequence_length_mask key `{key}` should be included in the features "
                             f"dictionary, but was not found. Found keys: {list(features)}.")  # fmt: skip
        mask = features[key]
        if mask.get_shape().ndims != 2:
            raise ValueError(f"Mask is expected to have two dimensions, got {mask.get_shape().ndims} instead.")
        with ops.name_scope("flatten"):
            count = math_ops.reduce_sum(math_ops.cast(mask, dtypes.int32))
            flat_logits, flat_labels = _flattened(logits, mask, count), _flattened(labels, mask, count)
            flat_features = {}
            for column in self._feature_columns:
                if column not in features:
                    raise ValueError(f"`{column}` column expected in features dictionary.")
                flat_features[column] = _flattened(features[column], mask, count)
            return flat_labels, flat_logits, flat_features

    def loss(self, logits, labels, features=None, mode=None, regularization_losses=None):
        """The loss, a scalar, of the moments that are there."""
        labels, logits, features = self._flatten(labels, logits, features)
        return self._static_head.loss(labels, logits, features, mode, regularization_losses)

    def create_estimator_spec(self, features, mode, logits, labels=None, optimizer=None, trainable_variables=None,
                              train_op_fn=None, update_ops=None, regularization_losses=None):  # fmt: skip
        """The EstimatorSpec of a model function whose logits these are; predictions also say what is there."""
        if mode == ModeKeys.PREDICT:
            spec = self._static_head.create_estimator_spec(features=features, mode=mode, logits=logits)
            key = self.input_sequence_mask_key
            return spec._replace(predictions={**spec.predictions, key: features[key]})
        labels, logits, features = self._flatten(labels, logits, features)
        return self._static_head.create_estimator_spec(
            features, mode, logits, labels, optimizer, trainable_variables, train_op_fn, update_ops,
            regularization_losses,
        )  # fmt: skip

    def predictions(self, logits, keys=None):
        """Those of the head inside."""
        return self._static_head.predictions(logits, keys)

    def metrics(self, regularization_losses=None):
        """Those of the head inside."""
        return self._static_head.metrics(regularization_losses)

    def update_metrics(self, eval_metrics, features, logits, labels, regularization_losses=None):
        """Gives the metrics the moments of a batch; returns them."""
        labels, logits, features = self._flatten(labels, logits, features)
        return self._static_head.update_metrics(
            eval_metrics, features, logits, labels, regularization_losses=regularization_losses
        )


def _flattened(tensor, mask, count):
    """The COUNT moments of TENSOR that are there, [count, ...], with at least two dimensions; checked in the step."""
    if not isinstance(tensor, (ops.Tensor, sparse_tensor.SparseTensor)):
        raise ValueError(f"`tensor` expected to be a `Tensor` or  `SparseTensor` got `{tensor}` instead.")
    shape = tensor.get_shape()
    if shape.ndims < 2:
        raise ValueError(f"Input tensor expected to have at least 2 dimensions, got {shape.ndims} instead.")
    rest = [1] if shape.ndims == 2 else array_ops.shape(tensor)[2:]
    if isinstance(tensor, sparse_tensor.SparseTensor):
        # Values stand in the order of their places only once they are sorted.
        values = sparse_ops.sparse_reorder(tensor).values
        flat = array_ops.reshape(values, array_ops.concat([[-1], math_ops.cast(rest, dtypes.int32)], axis=0))
    else:
        flat = array_ops.boolean_mask(tensor, mask)
        flat = array_ops.expand_dims(flat, -1) if shape.ndims == 2 else flat
    wanted = array_ops.concat([[count], math_ops.cast(rest, dtypes.int32)], axis=0)
    same = check_ops.assert_equal(
        array_ops.shape(flat), wanted, message="Tensor shape is incompatible with provided mask."
    )
    with ops.control_dependencies([same]):
        result = array_ops.identity(flat)
    result.set_shape([None, 1] if shape.ndims == 2 else [None, *shape[2:]])
    return result
