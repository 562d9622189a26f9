"""Datasets whose classes come with other shares."""

import numpy as np

from tenon.python.data.experimental.ops import sampling, transformations
from tenon.python.data.ops.dataset_ops import Dataset
from tenon.python.framework import dtypes, ops, tensor_util
from tenon.python.ops import array_ops, control_flow_ops, logging_ops, math_ops, random_ops
from tenon.python.util.tf_export import tf_export

_BATCH, _SMOOTHING = 32, 10


def _chances(initial, target):
    """(the chances to keep an element of each class, the chance to take any element as it comes).

    The mixture of both has the target's shares, and rejects as little as can be.
    """
    ratio = target / (initial + np.finfo(initial.dtype.as_numpy_dtype).tiny)
    least, most = math_ops.reduce_min(ratio), math_ops.reduce_max(ratio)
    return (ratio - least) / (most - least), least


def _estimate(target, classes):
    """A dataset of the shares of the classes as seen so far, one for each element."""
    count = target.shape.as_list()[0]
    start = array_ops.fill([count], np.int64(_SMOOTHING))

    def update(seen, batch):
        seen = seen + math_ops.reduce_sum(array_ops.one_hot(batch, count, dtype=dtypes.int64), 0)
        shares = math_ops.cast(math_ops.truediv(seen, math_ops.reduce_sum(seen)), dtypes.float32)
        return seen, array_ops.tile(array_ops.expand_dims(shares, 0), [_BATCH, 1])

    batches = classes.batch(_BATCH).apply(transformations.scan(start, update))
    return batches.apply(transformations.unbatch())


def _kept(dataset, classes, chances, initial, seed):
    """(class, element) of the elements that are kept by the CHANCES of their classes."""

    def warned(chances, initial):
        rejected = math_ops.reduce_sum((1 - chances) * initial)
        message = "Proportion of examples rejected by sampler is high: "
        return control_flow_ops.cond(
            math_ops.less(rejected, 0.5), lambda: array_ops.identity(chances),
            lambda: logging_ops.Print(chances, [rejected, initial, chances], message=message, first_n=10),
        )  # fmt: skip

    chances = Dataset.zip((chances, initial)).map(warned)
    rows = Dataset.zip((classes, chances, dataset)).map(lambda c, p, x: (c, array_ops.gather(p, c), x))
    kept = rows.filter(lambda c, p, x: random_ops.random_uniform([], seed=seed) < p)
    return kept.map(lambda c, p, x: (c, x)).prefetch(3)


@tf_export("data.experimental.rejection_resample", "contrib.data.rejection_resample")
def rejection_resample(class_func, target_dist, initial_dist=None, seed=None):
    """(class, element) of elements some of which are dropped, so that the classes have the shares TARGET_DIST.

    INITIAL_DIST are their shares in what comes in; they are estimated where not given.
    """

    def apply(dataset):
        target = ops.convert_to_tensor(target_dist, name="target_dist")
        classes = dataset.map(class_func)
        every = Dataset.zip((classes, dataset))
        if initial_dist is None:
            initial = _estimate(target, classes)
            both = initial.map(lambda shares: _chances(shares, target))
            kept = _kept(dataset, classes, both.map(lambda chances, _: chances), initial, seed)
            weights = both.map(lambda _, share: array_ops.stack([share, 1.0 - share]))
            return sampling.sample_from_datasets([every, kept], weights=weights, seed=seed)
        shares = ops.convert_to_tensor(initial_dist, name="initial_dist")
        known = [tensor_util.constant_value(t) for t in (shares, target)]
        least = None if any(value is None for value in known) else np.min(known[1] / known[0])
        if least == 1:
            return every
        chances, share = _chances(shares, target)
        forever = [Dataset.from_tensors(t).repeat() for t in (chances, shares, share)]
        kept = _kept(dataset, classes, forever[0], forever[1], seed)
        if least == 0:
            return kept
        weights = forever[2].map(lambda share: array_ops.stack([share, 1.0 - share]))
        return sampling.sample_from_datasets([every, kept], weights=weights, seed=seed)

    return apply
