"""Metrics of the K best predictions: precision, recall and average precision."""

from tenon.python.framework import dtypes, ops, sparse_tensor
from tenon.python.ops import array_ops, gen_ops, math_ops, nn_ops, state_ops
from tenon.python.ops import metrics_impl as impl
from tenon.python.util.tf_export import tf_export

__all__ = [
    "average_precision_at_k", "precision_at_k", "precision_at_top_k", "recall_at_k", "recall_at_top_k",
    "sparse_average_precision_at_k", "sparse_precision_at_k",
]  # fmt: skip


def _dense_labels(labels, predictions_idx):
    """Labels [..., n] of int64; missing ones are -1."""
    if isinstance(labels, sparse_tensor.SparseTensor):
        values = math_ops.cast(labels.values, dtypes.int64)
        return gen_ops.sparse_to_dense(
            labels.indices, labels.dense_shape, values, ops.convert_to_tensor(-1, dtypes.int64), validate_indices=False
        )
    labels = math_ops.cast(ops.convert_to_tensor(labels), dtypes.int64)
    if labels.get_shape().ndims is not None and labels.get_shape().ndims == predictions_idx.get_shape().ndims - 1:
        labels = array_ops.expand_dims(labels, -1)
    return labels


def _matches(a, b):
    """For each element of a's last dimension whether b's has it."""
    same = math_ops.equal(array_ops.expand_dims(a, -1), array_ops.expand_dims(b, -2))
    return math_ops.reduce_any(same, axis=-1)


def _first(labels):
    """Which labels did not come before in their row: sets have each once."""
    same = math_ops.equal(array_ops.expand_dims(labels, -1), array_ops.expand_dims(labels, -2))
    earlier = gen_ops.matrix_band_part(math_ops.cast(same, dtypes.float32), -1, 0)
    return math_ops.equal(math_ops.reduce_sum(earlier, axis=-1), 1.0)


def _number(hits, weights):
    """How many of each row, weighted, in all."""
    rows = math_ops.reduce_sum(math_ops.cast(hits, dtypes.float64), axis=-1)
    if weights is not None:
        weights = math_ops.cast(weights, dtypes.float64)
        rows = gen_ops.mul(rows, weights + array_ops.zeros_like(rows))
    return math_ops.reduce_sum(rows)


def _stream(name, value):
    variable = impl.metric_variable([], dtypes.float64, name=name)
    return variable, state_ops.assign_add(variable, value, name="update")


def _of_class(values, class_id):
    return True if class_id is None else math_ops.equal(values, math_ops.cast(class_id, dtypes.int64))


def _and(a, b):
    return a if b is True else gen_ops.logical_and(a, b)


def _at_k_name(name, k=None, class_id=None):
    return f"{name}_at_{'k' if k is None else k}{'' if class_id is None else f'_class{class_id}'}"


def _at_top_k(which, labels, predictions_idx, class_id, weights, metrics_collections, updates_collections, k, scope):
    labels = _dense_labels(labels, predictions_idx)
    top = math_ops.cast(predictions_idx, dtypes.int64)
    hits = _and(_matches(top, labels), _of_class(top, class_id))
    tp, new_tp = _stream(_at_k_name("true_positive", k, class_id), _number(hits, weights))
    if which == "recall":
        missed = gen_ops.logical_and(gen_ops.logical_not(_matches(labels, top)), _first(labels))
        missed = _and(gen_ops.logical_and(missed, labels >= ops.convert_to_tensor(0, dtypes.int64)),
                      _of_class(labels, class_id))  # fmt: skip
        other, new_other = _stream(_at_k_name("false_negative", k, class_id), _number(missed, weights))
    else:
        wrong = _and(gen_ops.logical_not(_matches(top, labels)), _of_class(top, class_id))
        other, new_other = _stream(_at_k_name("false_positive", k, class_id), _number(wrong, weights))
    value = math_ops.div(tp, math_ops.add(tp, other), name=scope)
    update = math_ops.div(new_tp, math_ops.add(new_tp, new_other), name="update")
    return impl._done(value, update, metrics_collections, updates_collections)


@tf_export("metrics.recall_at_top_k")
def recall_at_top_k(labels, predictions_idx, k=None, class_id=None, weights=None, metrics_collections=None,
                    updates_collections=None, name=None):  # fmt: skip
    """The part of the labels that is among the best predictions, which are given by number."""
    with ops.name_scope(name, _at_k_name("recall", k, class_id), (predictions_idx, labels, weights)) as scope:
        predictions_idx = ops.convert_to_tensor(predictions_idx)
        return _at_top_k("recall", labels, predictions_idx, class_id, weights, metrics_collections,
                         updates_collections, k, scope)  # fmt: skip


@tf_export("metrics.recall_at_k")
def recall_at_k(labels, predictions, k, class_id=None, weights=None, metrics_collections=None,
                updates_collections=None, name=None):  # fmt: skip
    """The part of the labels that is among the K best predictions."""
    with ops.name_scope(name, _at_k_name("recall", k, class_id), (predictions, labels, weights)) as scope:
        _, top = nn_ops.top_k(predictions, k)
        return recall_at_top_k(labels, top, k, class_id, weights, metrics_collections, updates_collections, scope)


@tf_export("metrics.precision_at_top_k")
def precision_at_top_k(labels, predictions_idx, k=None, class_id=None, weights=None, metrics_collections=None,
                       updates_collections=None, name=None):  # fmt: skip
    """The part of the best predictions, given by number, that is labelled so."""
    with ops.name_scope(name, _at_k_name("precision", k, class_id), (predictions_idx, labels, weights)) as scope:
        predictions_idx = ops.convert_to_tensor(predictions_idx)
        return _at_top_k("precision", labels, predictions_idx, class_id, weights, metrics_collections,
                         updates_collections, k, scope)  # fmt: skip


@tf_export("metrics.precision_at_k")
def precision_at_k(labels, predictions, k, class_id=None, weights=None, metrics_collections=None,
                   updates_collections=None, name=None):  # fmt: skip
    """The part of the K best predictions that is labelled so."""
    with ops.name_scope(name, _at_k_name("precision", k, class_id), (predictions, labels, weights)) as scope:
        _, top = nn_ops.top_k(predictions, k)
        return precision_at_top_k(labels, top, k, class_id, weights, metrics_collections, updates_collections, scope)


@tf_export("metrics.average_precision_at_k")
def average_precision_at_k(labels, predictions, k, weights=None, metrics_collections=None, updates_collections=None,
                           name=None):  # fmt: skip
    """The mean over examples of precision averaged over the places of the right ones among the K best."""
    with ops.name_scope(name, _at_k_name("average_precision", k), (predictions, labels, weights)) as scope:
        _, top = nn_ops.top_k(predictions, k)
        return _average_precision(labels, top, weights, metrics_collections, updates_collections, scope)


def _averages(labels, top):
    """The precision averaged over the places of the right ones among TOP [..., k], of each example."""
    k = top.get_shape().as_list()[-1]
    top = math_ops.cast(top, dtypes.int64)
    sparse = isinstance(labels, sparse_tensor.SparseTensor)
    labels = _dense_labels(labels, top)
    relevant = math_ops.cast(_matches(top, labels), dtypes.float64)
    precisions = math_ops.cumsum(relevant, axis=-1) / math_ops.cast(math_ops.range(1, k + 1), dtypes.float64)
    total = math_ops.reduce_sum(relevant * precisions, axis=-1)
    if sparse:
        there = labels >= ops.convert_to_tensor(0, dtypes.int64)
        count = math_ops.reduce_sum(math_ops.cast(there, dtypes.float64), axis=-1)
    else:
        count = array_ops.zeros_like(total) + math_ops.cast(array_ops.shape(labels)[-1], dtypes.float64)
    return gen_ops.div_no_nan(total, gen_ops.minimum(count, ops.convert_to_tensor(float(k), dtypes.float64)))


def _average_precision(labels, top, weights, metrics_collections, updates_collections, name):
    """average_precision_at_k of the classes TOP [..., k], the best first."""
    with ops.name_scope(name, "average_precision_at_top_k", (top, labels, weights)) as scope:
        average = _averages(labels, top)
        number = math_ops.cast(array_ops.size(average), dtypes.float64)
        if weights is not None:
            weights = math_ops.cast(weights, dtypes.float64) + array_ops.zeros_like(average)
            average, number = gen_ops.mul(average, weights), math_ops.reduce_sum(weights)
        kept = []
        for what, amount in (("max", number), ("total", math_ops.reduce_sum(average))):
            with ops.name_scope(None, what) as inner:
                variable = impl.metric_variable([], dtypes.float64, name=inner)
                kept.append((variable, state_ops.assign_add(variable, amount, name="update")))
        (most, new_most), (sums, new_sums) = kept
        value = gen_ops.div_no_nan(sums, most, name="mean")
        update = gen_ops.div_no_nan(new_sums, new_most, name=scope)
        return impl._done(value, update, metrics_collections, updates_collections)


@tf_export("metrics.sparse_average_precision_at_k")
def sparse_average_precision_at_k(labels, predictions, k, weights=None, metrics_collections=None,
                                  updates_collections=None, name=None):  # fmt: skip
    """The old name of average_precision_at_k."""
    return average_precision_at_k(labels, predictions, k, weights, metrics_collections, updates_collections, name)


@tf_export("metrics.sparse_precision_at_k")
def sparse_precision_at_k(labels, predictions, k, class_id=None, weights=None, metrics_collections=None,
                          updates_collections=None, name=None):  # fmt: skip
    """The old name of precision_at_k."""
    return precision_at_k(labels, predictions, k, class_id, weights, metrics_collections, updates_collections, name)
