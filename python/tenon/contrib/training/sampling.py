"""Drawing examples: with a chance, by classes, at rates."""

from tenon.python.framework import dtypes, ops, tensor_shape
from tenon.python.ops import (
    array_ops,
    check_ops,
    control_flow_ops,
    logging_ops,
    math_ops,
    random_ops,
    variable_scope,
    variables,
)  # fmt: skip
from tenon.python.training import input as input_ops
from tenon.python.training import moving_averages
from tenon.python.util.tf_export import tf_export

_SMOOTHING = 10  # what each class counts before any was seen


def _one_by_one(tensors, threads, capacity):
    """Batches [n, ...] as single examples, from a queue."""
    batched = input_ops.batch(tensors, batch_size=1, num_threads=threads, capacity=capacity, enqueue_many=True)
    batched = batched if isinstance(batched, list) else [batched]
    return [array_ops.squeeze(x, [0]) for x in batched]


@tf_export("contrib.training.rejection_sample")
def rejection_sample(tensors, accept_prob_fn, batch_size, queue_threads=1, enqueue_many=False, prebatch_capacity=16,
                     prebatch_threads=1, runtime_checks=False, name=None):  # fmt: skip
    """Batches of examples that are each kept with the chance ACCEPT_PROB_FN(example)."""
    with variable_scope.variable_scope(name, "rejection_sample", tensors):
        kept = ops.convert_n_to_tensor_or_indexed_slices(tensors)
        if enqueue_many:
            for tensor in kept:
                shape = tensor.get_shape().with_rank_at_least(1)
                tensor_shape.dimension_at_index(shape, 0).assert_is_compatible_with(kept[0].get_shape()[0])
            kept = _one_by_one(kept, prebatch_threads, prebatch_capacity)
        chance = accept_prob_fn(kept)
        if runtime_checks:
            checks = [check_ops.assert_less_equal(0.0, chance), check_ops.assert_less_equal(chance, 1.0)]
            with ops.control_dependencies(checks):
                chance = array_ops.identity(chance, name="prob_with_checks")
        batch = input_ops.maybe_batch(
            kept, keep_input=random_ops.random_uniform([]) < chance, batch_size=batch_size, num_threads=queue_threads
        )
        return [batch] if isinstance(batch, ops.Tensor) else batch


def _checked_probabilities(probabilities):
    """Probabilities that are checked to be none below 0 and to add up to 1."""
    probabilities.get_shape().assert_is_fully_defined()
    probabilities.get_shape().assert_has_rank(1)
    total = math_ops.reduce_sum(probabilities)
    checks = [check_ops.assert_non_negative(probabilities), check_ops.assert_less(total, 1.0 + 1e-6),
              check_ops.assert_less(1.0 - 1e-6, total)]  # fmt: skip
    return control_flow_ops.with_dependencies(checks, probabilities)


def _checked_labels(labels, classes, tensors):
    """LABELS [n], checked to be classes, and TENSORS, checked to have as many rows."""
    labels.get_shape().assert_has_rank(1)
    for tensor in tensors:
        shape = tensor.get_shape().with_rank_at_least(1)
        tensor_shape.dimension_at_index(shape, 0).assert_is_compatible_with(labels.get_shape()[0])
    rows = array_ops.shape(labels)[0]
    some = check_ops.assert_positive(rows)
    tensors = [
        control_flow_ops.with_dependencies([some, check_ops.assert_equal(array_ops.shape(x)[0], rows)], x)
        for x in tensors
    ]
    checks = [some, check_ops.assert_integer(labels), check_ops.assert_non_negative(labels),
              check_ops.assert_less(labels, math_ops.cast(classes, labels.dtype))]  # fmt: skip
    return control_flow_ops.with_dependencies(checks, labels), tensors


def _estimate_data_distribution(labels, num_classes):
    """The shares of the classes as seen so far; variable `class_count`."""
    count = variables.VariableV1([_SMOOTHING] * num_classes, trainable=False, name="class_count", dtype=dtypes.int64)
    seen = count.assign_add(math_ops.reduce_sum(array_ops.one_hot(labels, num_classes, dtype=dtypes.int64), 0)) + 0
    return math_ops.cast(math_ops.truediv(seen, math_ops.reduce_sum(seen)), dtypes.float32)


def _acceptance(init_probs, target_probs):
    """The chances to keep an example of each class, the greatest of them 1."""
    ratio = target_probs / init_probs
    ratio = array_ops.where(math_ops.is_nan(ratio), array_ops.zeros_like(ratio), ratio)
    return ratio / math_ops.reduce_max(ratio)


@tf_export("contrib.training.stratified_sample")
def stratified_sample(tensors, labels, target_probs, batch_size, init_probs=None, enqueue_many=False,
                      queue_capacity=16, threads_per_queue=1, name=None):  # fmt: skip
    """(tensors, labels) of batches in which classes have the shares TARGET_PROBS.

    INIT_PROBS are their shares in what comes in; they are estimated where not given.
    """
    with ops.name_scope(name, "stratified_sample", [*tensors, labels]):
        kept = ops.convert_n_to_tensor_or_indexed_slices(tensors)
        labels = ops.convert_to_tensor(labels)
        target_probs = ops.convert_to_tensor(target_probs, dtype=dtypes.float32)
        if not enqueue_many:
            kept = [array_ops.expand_dims(tensor, 0) for tensor in kept]
            labels = array_ops.expand_dims(labels, 0)
        classes = target_probs.get_shape().num_elements()
        if init_probs is None:
            init_probs = _estimate_data_distribution(labels, classes)
        init_probs = ops.convert_to_tensor(init_probs, dtype=dtypes.float32)
        init_probs, target_probs = _checked_probabilities(init_probs), _checked_probabilities(target_probs)
        if init_probs.get_shape().num_elements() != classes:
            raise ValueError("Probability parameters must have the same length.")
        labels, kept = _checked_labels(labels, classes, kept)
        chances = _checked_chances(init_probs, target_probs)
        *kept, label = _one_by_one([*kept, labels], threads_per_queue, queue_capacity)
        chance = array_ops.gather(chances, label)
        *batch, label = input_ops.maybe_batch(
            [*kept, label], keep_input=random_ops.random_uniform([]) < chance, batch_size=batch_size,
            num_threads=threads_per_queue,
        )  # fmt: skip
        return batch, label


def _checked_chances(init_probs, target_probs):
    """The chances to keep, with a note where they reject much. An error where a class that never comes is wanted."""
    possible = math_ops.logical_or(math_ops.not_equal(init_probs, 0), math_ops.equal(target_probs, 0))
    told = ["All classes with zero initial probability must also have zero target probability: ", init_probs,
            target_probs]  # fmt: skip
    check = control_flow_ops.Assert(math_ops.reduce_all(possible), told)
    init_probs = control_flow_ops.with_dependencies([check], init_probs)
    chances = _acceptance(init_probs, target_probs)
    rejected = math_ops.reduce_sum((1 - chances) * init_probs)
    message = "Proportion of examples rejected by sampler is high."
    return control_flow_ops.cond(
        math_ops.less(rejected, 0.5), lambda: array_ops.identity(chances),
        lambda: logging_ops.Print(chances, [chances], message=message, first_n=10),
    )  # fmt: skip


def _repeat_range(counts):
    """0 COUNTS[0] times, 1 COUNTS[1] times, ..."""
    most = math_ops.maximum(math_ops.reduce_max(counts), 0)
    mask = array_ops.sequence_mask(counts, most)
    return math_ops.cast(array_ops.where(mask)[:, 0], dtypes.int32)


@tf_export("contrib.training.resample_at_rate")
def resample_at_rate(inputs, rates, scope=None, seed=None, back_prop=False):
    """Each row of INPUTS as often as a Poisson variable with its rate says."""
    with ops.name_scope(scope, default_name="resample_at_rate", values=[*inputs, rates]):
        rates = ops.convert_to_tensor(rates, name="rates")
        counts = math_ops.cast(random_ops.random_poisson(rates, (), rates.dtype, seed=seed), dtypes.int32)
        rows = _repeat_range(counts)
        if not back_prop:
            rows = array_ops.stop_gradient(rows)
        return [array_ops.gather(x, rows) for x in inputs]


@tf_export("contrib.training.weighted_resample")
def weighted_resample(inputs, weights, overall_rate, scope=None, mean_decay=0.999, seed=None):
    """(rows of INPUTS drawn by WEIGHTS, the rates of those rows); OVERALL_RATE rows come out for each that goes in.

    The mean of the weights is a moving average: local variable `estimated_mean`.
    """
    with ops.name_scope(scope, "weighted_resample", inputs) as entered:
        weights = ops.convert_to_tensor(weights)
        with variable_scope.variable_scope(scope, "estimate_mean", inputs):
            mean = variable_scope.get_local_variable(
                "estimated_mean", initializer=math_ops.cast(0, weights.dtype), dtype=weights.dtype
            )
            batch = math_ops.reduce_mean(weights)
            mean = moving_averages.assign_moving_average(mean, batch, mean_decay)
        rates = weights * overall_rate / mean
        made = resample_at_rate([rates, *inputs], rates, scope=entered, seed=seed, back_prop=False)
        return made[1:], made[0]
