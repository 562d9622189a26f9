"""Batches of examples that are alike, such as sequences of about one length."""

import functools

import numpy as np

from tenon.python.framework import dtypes, errors, ops, tensor_shape, tensor_util
from tenon.python.ops import control_flow_ops, data_flow_ops, math_ops
from tenon.python.summary import summary
from tenon.python.training import input as input_py
from tenon.python.training import queue_runner_impl as queue_runner
from tenon.python.util.tf_export import tf_export

_ENDS = (errors.OutOfRangeError, errors.CancelledError)


def _static(batch_sizes):
    """The sizes as numbers where they are known."""
    made = []
    for size in batch_sizes:
        tensor = ops.convert_to_tensor(size, dtype=dtypes.int32, name="batch_size")
        known = tensor_util.constant_value(tensor)
        made.append(tensor if known is None else int(known))
    return made


def _add_runners(queues, top_queue, to_top, into_buckets):
    """Queue runners that fill the buckets, and that move full batches out of them."""

    def runner(queue, operations, closed):
        closes = [control_flow_ops.group(*[q.close(cancel_pending_enqueues=cancel) for q in closed])
                  for cancel in (False, True)]  # fmt: skip
        queue_runner.add_queue_runner(queue_runner.QueueRunner(
            queue, operations, close_op=closes[0], cancel_op=closes[1], queue_closed_exception_types=_ENDS
        ))  # fmt: skip

    runner(queues[0], to_top, [top_queue])
    runner(top_queue, into_buckets, queues)


@tf_export("contrib.training.bucket")
def bucket(tensors, which_bucket, batch_size, num_buckets, num_threads=1, capacity=32, bucket_capacities=None,
           shapes=None, dynamic_pad=False, allow_smaller_final_batch=False, keep_input=True, shared_name=None,
           name=None):  # fmt: skip
    """(the number of a bucket, a batch of TENSORS from it): WHICH_BUCKET says where an example belongs.

    BATCH_SIZE may be a list, of one for each bucket.
    """
    same_size = not isinstance(batch_size, (list, tuple))
    sizes = [batch_size] * num_buckets if same_size else list(batch_size)
    if len(sizes) != num_buckets:
        raise ValueError("If batch_size is a list it must have num_buckets elements")
    capacities = [capacity] * num_buckets if bucket_capacities is None else bucket_capacities
    if len(capacities) != num_buckets:
        raise ValueError(
            f"The list bucket_capacities ({capacities}) must have exactly num_buckets ({num_buckets}) elements."
        )
    flat = input_py._as_tensor_list(tensors)
    with ops.name_scope(name, "bucket", flat):
        if not flat:
            raise ValueError("Expected at least one tensor in bucket().")
        flat = input_py._check(flat)
        keep = input_py._check_keep_input(keep_input, False)
        [flat], kinds = input_py._store_sparse([flat], False)
        kinds = [kind and (*kind, False) for kind in kinds]
        sizes = _static(sizes)
        types = input_py._types_of([flat])
        shapes = input_py._shapes_of([flat], shapes, False)
        which = ops.convert_to_tensor(which_bucket, dtype=dtypes.int32, name="which_bucket")
        kind = data_flow_ops.PaddingFIFOQueue if dynamic_pad else data_flow_ops.FIFOQueue
        queues = [
            kind(capacity=capacities[i], dtypes=types, shapes=shapes, name=f"bucket_queue_{i}",
                 shared_name=None if shared_name is None else f"{shared_name}_{i}") for i in range(num_buckets)
        ]  # fmt: skip
        static = sizes[0] if same_size and not allow_smaller_final_batch and isinstance(sizes[0], int) else None
        out_shapes = [tensor_shape.TensorShape([static]).concatenate(shape) for shape in queues[0].shapes]
        top_queue = data_flow_ops.PaddingFIFOQueue(
            capacity=capacity, dtypes=[dtypes.int32, *types], shapes=[tensor_shape.TensorShape([]), *out_shapes],
            shared_name=shared_name, name="top_queue",
        )  # fmt: skip
        into = _into_buckets(queues, flat, which, keep)
        take = "dequeue_up_to" if allow_smaller_final_batch else "dequeue_many"
        to_top = []
        for i, (queue, size) in enumerate(zip(queues, sizes)):
            batch = getattr(queue, take)(size, name=f"read_bucket_{i}")
            parts = list(batch) if isinstance(batch, (list, tuple)) else [batch]
            to_top.append(top_queue.enqueue([ops.convert_to_tensor(i), *parts], name=f"enqueue_from_bucket_{i}"))
        _add_runners(queues, top_queue, to_top, [into] * num_threads)
        for queue in queues:
            summary.scalar(f"bucket/{queue.name}/size", math_ops.cast(queue.size(), dtypes.float32))
        full = math_ops.cast(top_queue.size(), dtypes.float32) * (1.0 / capacity)
        summary.scalar(f"bucket/{top_queue.name}/fraction_of_{capacity}_full", full)
        number, *batch = top_queue.dequeue(name="dequeue_top")
        batch = input_py._restore_sparse(batch, kinds)
        return number, input_py._as_original_type(tensors, batch)


def _into_buckets(queues, tensors, which, keep):
    """The operation that puts an example into its bucket."""

    def enqueue():
        chosen = [
            control_flow_ops.cond(math_ops.equal(which, i), functools.partial(queue.enqueue, tensors),
                                  control_flow_ops.no_op) for i, queue in enumerate(queues)
        ]  # fmt: skip
        return control_flow_ops.group(*chosen, name="group_enqueues")

    known = keep if isinstance(keep, bool) else tensor_util.constant_value(keep)
    if known is None:
        return control_flow_ops.cond(keep, enqueue, control_flow_ops.no_op)
    return enqueue() if known else control_flow_ops.no_op()


def _check_boundaries(boundaries):
    if not isinstance(boundaries, (list, tuple)):
        raise TypeError(f"bucket_boundaries must be a list or tuple, but received: {boundaries}")
    if not boundaries:
        raise ValueError("bucket_boundaries must not be empty")
    for low, high in zip(boundaries, boundaries[1:]):
        if not isinstance(low, int) or not isinstance(high, int):
            raise TypeError(f"bucket boundaries must be integers, but saw: {low} and {high}")
        if low >= high:
            raise ValueError(f"Buckets must contain sequential increasing lengths, but saw: {low} before {high}")


@tf_export("contrib.training.bucket_by_sequence_length")
def bucket_by_sequence_length(input_length, tensors, batch_size, bucket_boundaries, num_threads=1, capacity=32,
                              bucket_capacities=None, shapes=None, dynamic_pad=False,
                              allow_smaller_final_batch=False, keep_input=True, shared_name=None,
                              name=None):  # fmt: skip
    """(lengths, batches) of examples whose INPUT_LENGTH lies between the same two of BUCKET_BOUNDARIES."""
    flat = input_py._as_tensor_list(tensors)
    _check_boundaries(bucket_boundaries)
    with ops.name_scope(name, "bucket_by_sequence_length", [input_length, *flat]):
        length = ops.convert_to_tensor(input_length, dtype=dtypes.int32, name="input_length")
        # As many as there are boundaries that it reaches.
        reached = math_ops.less_equal(np.array(bucket_boundaries, np.int32), length)
        which = math_ops.reduce_sum(math_ops.cast(reached, dtypes.int32))
        _, batch = bucket(
            [length, *flat], which, batch_size, len(bucket_boundaries) + 1, num_threads=num_threads, capacity=capacity,
            bucket_capacities=bucket_capacities, dynamic_pad=dynamic_pad, keep_input=keep_input,
            shapes=None if shapes is None else [tensor_shape.TensorShape([]), *shapes],
            allow_smaller_final_batch=allow_smaller_final_batch, shared_name=shared_name,
        )  # fmt: skip
        return batch[0], input_py._as_original_type(tensors, batch[1:])
