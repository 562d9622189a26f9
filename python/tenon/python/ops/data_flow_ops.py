"""Queues in the graph."""

import hashlib

from tenon.python.framework import dtypes as _dtypes
from tenon.python.framework import ops, random_seed, tensor_util
from tenon.python.framework.tensor_shape import TensorShape, as_shape
from tenon.python.ops import gen_ops
from tenon.python.util.tf_export import tf_export


def _as_type_list(dtypes):
    """One dtype or several as a list."""
    return [_dtypes.as_dtype(d) for d in (dtypes if isinstance(dtypes, (list, tuple)) else [dtypes])]


def _as_shape_list(shapes, dtypes, unknown_dim_allowed=False, unknown_rank_allowed=False):
    """One shape or several as a list of TensorShapes, None where none are given."""
    if shapes is None:
        return None
    one = isinstance(shapes, TensorShape) or not isinstance(shapes, (list, tuple))
    if one or (len(dtypes) == 1 and any(s is None or isinstance(s, int) for s in shapes)) or shapes in ((), []):
        shapes = [shapes] if one or len(dtypes) == 1 else shapes
    shapes = [as_shape(shape) for shape in shapes]
    if not unknown_rank_allowed and any(shape.ndims is None for shape in shapes):
        raise ValueError(f"All shapes must have a defined rank: {shapes}")
    if not unknown_dim_allowed and any(not shape.is_fully_defined() for shape in shapes):
        raise ValueError(f"All shapes must be fully defined: {shapes}")
    return shapes


def _as_name_list(names, dtypes):
    """One name or several as a list, None where none are given. ValueError unless there is one for each dtype."""
    if names is None:
        return None
    names = list(names) if isinstance(names, (list, tuple)) else [names]
    if len(names) != len(dtypes):
        raise ValueError(f"List of names must have the same length as the list of dtypes. Received len(names)="
                         f"{len(names)},len(dtypes)={len(dtypes)}.")  # fmt: skip
    return names


@tf_export("queue.QueueBase", "io.QueueBase", "QueueBase")
class QueueBase:
    """A queue of tuples of tensors. Elements are dicts where the components have names."""

    def __init__(self, dtypes, shapes, names, queue_ref):
        self._dtypes = dtypes
        if shapes is not None and len(shapes) != len(dtypes):
            raise ValueError(f"Queue shapes must have the same length as dtypes, received len(shapes)={len(shapes)}, "
                             f"len(dtypes)={len(dtypes)}.")  # fmt: skip
        self._shapes = [TensorShape(None) for _ in dtypes] if shapes is None else [as_shape(s) for s in shapes]
        if names is not None and len(names) != len(dtypes):
            raise ValueError(f"Queue names must have the same length as dtypes, received len(names)={len(names)}, "
                             f"len(dtypes)={len(dtypes)}.")  # fmt: skip
        self._names = names or None
        self._queue_ref = queue_ref
        self._name = queue_ref.op.name.split("/")[-1]

    @staticmethod
    def from_list(index, queues):
        """QUEUES[INDEX], with INDEX a tensor: the queue that a step chooses. All have the same dtypes and names."""
        from tenon.python.ops import array_ops

        if not queues or not isinstance(queues, list) or not all(isinstance(q, QueueBase) for q in queues):
            raise TypeError("A list of queues expected")
        first = queues[0]
        if any(q.dtypes != first.dtypes for q in queues):
            raise TypeError("Queues do not have matching component dtypes.")
        if any(q.names != first.names for q in queues):
            raise TypeError("Queues do not have matching component names.")
        shapes = [s if all(q.shapes[i] == s for q in queues) else TensorShape(None) for i, s in enumerate(first.shapes)]
        ref = array_ops.gather(array_ops.stack([q.queue_ref for q in queues]), index)
        return QueueBase(first.dtypes, shapes, first.names, ref)

    queue_ref = property(lambda self: self._queue_ref, doc="The handle, a resource Tensor.")
    name = property(lambda self: self._queue_ref.op.name, doc="The name of the node.")
    dtypes = property(lambda self: self._dtypes, doc="The list of the components' DTypes.")
    shapes = property(lambda self: self._shapes, doc="The list of the components' TensorShapes.")
    names = property(lambda self: self._names, doc="The list of the components' names, or None.")

    def _check(self, values):
        """The components of an element, as a list."""
        if isinstance(values, dict):
            if not self._names:
                raise ValueError("Queue must have names to enqueue a dictionary")
            if sorted(self._names, key=str) != sorted(values, key=str):
                raise ValueError(f"Keys in dictionary to enqueue do not match names of Queue.  Dictionary: "
                                 f"{sorted(values)},Queue: {sorted(self._names)}")  # fmt: skip
            values = [values[name] for name in self._names]
        else:
            if self._names:
                raise ValueError("You must enqueue a dictionary in a Queue with names")
            values = list(values) if isinstance(values, (list, tuple)) else [values]
        return [
            ops.convert_to_tensor(v, dtype=d, name=f"component_{i}")
            for i, (v, d) in enumerate(zip(values, self._dtypes, strict=len(values) != len(self._dtypes)))
        ]

    def _result(self, tensors, prefix=()):
        """TENSORS as a step gets them: alone, in a list, or in a dict. PREFIX: sizes before those of the shapes."""
        tensors = list(tensors) if isinstance(tensors, (list, tuple)) else [tensors]
        for tensor, shape in zip(tensors, self._shapes):
            tensor.set_shape(TensorShape(list(prefix)).concatenate(shape))
        if self._names:
            return dict(zip(self._names, tensors))
        return tensors[0] if len(tensors) == 1 else tensors

    def _values(self, values):
        return list(values.values()) if isinstance(values, dict) else values

    def enqueue(self, vals, name=None):
        """An operation that puts an element in, once there is room."""
        scope = ops.name_scope(name, f"{self._name}_enqueue", [self._values(vals)])
        with scope as scope_name:
            vals = self._check(vals)
            for value, shape in zip(vals, self._shapes):
                value.get_shape().assert_is_compatible_with(shape)
            return gen_ops.queue_enqueue_v2(self._queue_ref, vals, name=scope_name)

    def enqueue_many(self, vals, name=None):
        """An operation that puts in as many elements as VALS have rows."""
        scope = ops.name_scope(name, f"{self._name}_EnqueueMany", [self._values(vals)])
        with scope as scope_name:
            vals = self._check(vals)
            rows = vals[0].get_shape().with_rank_at_least(1)[0]
            for value, shape in zip(vals, self._shapes):
                rows = rows.merge_with(value.get_shape().with_rank_at_least(1)[0])
                value.get_shape()[1:].assert_is_compatible_with(shape)
            return gen_ops.queue_enqueue_many_v2(self._queue_ref, vals, name=scope_name)

    def dequeue(self, name=None):
        """The next element, once there is one. OutOfRangeError if the queue is closed and empty."""
        return self._result(
            gen_ops.queue_dequeue_v2(self._queue_ref, self._dtypes, name=name or f"{self._name}_Dequeue")
        )

    def dequeue_many(self, n, name=None):
        """The next N elements as one batch: each component has a dimension 0 of size N."""
        name = name or f"{self._name}_DequeueMany"
        found = gen_ops.queue_dequeue_many_v2(self._queue_ref, n=n, component_types=self._dtypes, name=name)
        first = found[0] if isinstance(found, (list, tuple)) else found
        known = tensor_util.constant_value(first.op.inputs[1])
        return self._result(found, [None if known is None else int(known)])

    def dequeue_up_to(self, n, name=None):
        """dequeue_many that gives fewer elements where the queue is closed and has no more."""
        name = name or f"{self._name}_DequeueUpTo"
        found = gen_ops.queue_dequeue_up_to_v2(self._queue_ref, n=n, component_types=self._dtypes, name=name)
        return self._result(found, [None])

    def close(self, cancel_pending_enqueues=False, name=None):
        """An operation after which nothing more can be put in."""
        return gen_ops.queue_close_v2(self._queue_ref, cancel_pending_enqueues=cancel_pending_enqueues,
                                      name=name or f"{self._name}_Close")  # fmt: skip

    def is_closed(self, name=None):
        """Whether the queue was closed, a bool scalar."""
        return gen_ops.queue_is_closed_v2(self._queue_ref, name=name or f"{self._name}_Is_Closed")

    def size(self, name=None):
        """The number of elements, an int32 scalar."""
        return gen_ops.queue_size_v2(self._queue_ref, name=name or f"{self._name}_Size")


def _shared(name):
    return "" if name is None else name


@tf_export("queue.FIFOQueue", "FIFOQueue")
class FIFOQueue(QueueBase):
    """A queue that gives its elements in the order in which they came."""

    def __init__(self, capacity, dtypes, shapes=None, names=None, shared_name=None, name="fifo_queue"):
        dtypes = _as_type_list(dtypes)
        shapes = _as_shape_list(shapes, dtypes)
        names = _as_name_list(names, dtypes)
        ref = gen_ops.fifo_queue_v2(component_types=dtypes, shapes=shapes or [], capacity=capacity,
                                    shared_name=_shared(shared_name), name=name)  # fmt: skip
        super().__init__(dtypes, shapes, names, ref)


@tf_export("queue.RandomShuffleQueue", "io.RandomShuffleQueue", "RandomShuffleQueue")
class RandomShuffleQueue(QueueBase):
    """A queue that gives one of its elements at random, and keeps MIN_AFTER_DEQUEUE as long as it is open."""

    def __init__(self, capacity, min_after_dequeue, dtypes, shapes=None, names=None, seed=None, shared_name=None,
                 name="random_shuffle_queue"):  # fmt: skip
        dtypes = _as_type_list(dtypes)
        shapes = _as_shape_list(shapes, dtypes)
        names = _as_name_list(names, dtypes)
        seed1, seed2 = random_seed.get_seed(seed)
        if seed1 is None and seed2 is None:
            seed1, seed2 = 0, 0
        elif seed is None and shared_name is not None:
            # Whoever shares the queue has the same seeds.
            digest = hashlib.md5((str(seed1) + shared_name).encode(), usedforsecurity=False).hexdigest()
            seed2 = int(digest[:8], 16) & 0x7FFFFFFF
        ref = gen_ops.random_shuffle_queue_v2(
            component_types=dtypes, shapes=shapes or [], capacity=capacity, min_after_dequeue=min_after_dequeue,
            seed=seed1, seed2=seed2, shared_name=_shared(shared_name), name=name)  # fmt: skip
        super().__init__(dtypes, shapes, names, ref)


@tf_export("queue.PaddingFIFOQueue", "io.PaddingFIFOQueue", "PaddingFIFOQueue")
class PaddingFIFOQueue(QueueBase):
    """A FIFOQueue whose shapes may have unknown dimensions: batches are padded with zeros to the largest of each."""

    def __init__(self, capacity, dtypes, shapes, names=None, shared_name=None, name="padding_fifo_queue"):
        dtypes = _as_type_list(dtypes)
        shapes = _as_shape_list(shapes, dtypes, unknown_dim_allowed=True)
        names = _as_name_list(names, dtypes)
        if shapes is None or len(dtypes) != len(shapes):
            raise ValueError("Shapes must be provided for all components, but received shapes="
                             f"{shapes} and dtypes={dtypes}.")  # fmt: skip
        ref = gen_ops.padding_fifo_queue_v2(component_types=dtypes, shapes=shapes, capacity=capacity,
                                            shared_name=_shared(shared_name), name=name)  # fmt: skip
        super().__init__(dtypes, shapes, names, ref)


@tf_export("queue.PriorityQueue", "io.PriorityQueue", "PriorityQueue")
class PriorityQueue(QueueBase):
    """A queue that gives the element with the least first component, an int64 scalar before those of TYPES."""

    def __init__(self, capacity, types, shapes=None, names=None, shared_name=None, name="priority_queue"):
        types = _as_type_list(types)
        shapes = _as_shape_list(shapes, types)
        ref = gen_ops.priority_queue_v2(component_types=types, shapes=shapes or [], capacity=capacity,
                                        shared_name=_shared(shared_name), name=name)  # fmt: skip
        shapes = [TensorShape([]), *shapes] if shapes else shapes
        super().__init__([_dtypes.int64, *types], shapes, names, ref)


class Barrier:
    """Elements by key, whose components come one by one; the complete ones come out in the order of their keys."""

    def __init__(self, types, shapes=None, shared_name=None, name="barrier"):
        self._types = _as_type_list(types)
        shapes = _as_shape_list(shapes, self._types)
        for i, shape in enumerate(shapes or []):
            if shape.num_elements() == 0:
                raise ValueError(f"Empty tensors are not supported, but received shape '{shape}' at index {i}")
        self._shapes = shapes or [TensorShape(None) for _ in self._types]
        self._barrier_ref = gen_ops.barrier(component_types=self._types, shapes=self._shapes,
                                            shared_name=_shared(shared_name), name=name)  # fmt: skip
        self._name = self._barrier_ref.op.name.split("/")[-1]

    barrier_ref = property(lambda self: self._barrier_ref, doc="The handle.")
    name = property(lambda self: self._barrier_ref.op.name, doc="The operation's name.")

    def insert_many(self, component_index, keys, values, name=None):
        """An operation that gives the elements of KEYS one of their components."""
        return gen_ops.barrier_insert_many(self._barrier_ref, keys, values, component_index=component_index,
                                           name=name or f"{self._name}_BarrierInsertMany")  # fmt: skip

    def take_many(self, num_elements, allow_small_batch=False, timeout=None, name=None):
        """(insertion indices, keys, list of components) of elements, once there are as many."""
        indices, keys, values = gen_ops.barrier_take_many(
            self._barrier_ref, num_elements, component_types=self._types, allow_small_batch=allow_small_batch,
            timeout_ms=-1 if timeout is None else timeout, name=name or f"{self._name}_BarrierTakeMany",
        )  # fmt: skip
        count = None if allow_small_batch else tensor_util.constant_value(ops.convert_to_tensor(num_elements))
        count = None if count is None else int(count)
        indices.set_shape([count])
        keys.set_shape([count])
        for value, shape in zip(values, self._shapes):
            value.set_shape(TensorShape([count]).concatenate(shape))
        return indices, keys, values

    def close(self, cancel_pending_enqueues=False, name=None):
        """An operation after which no new keys come in."""
        return gen_ops.barrier_close(self._barrier_ref, cancel_pending_enqueues=cancel_pending_enqueues,
                                     name=name or f"{self._name}_BarrierClose")  # fmt: skip

    def ready_size(self, name=None):
        """The number of complete elements."""
        return gen_ops.barrier_ready_size(self._barrier_ref, name=name or f"{self._name}_BarrierReadySize")

    def incomplete_size(self, name=None):
        """The number of those that lack components."""
        return gen_ops.barrier_incomplete_size(self._barrier_ref, name=name or f"{self._name}_BarrierIncompleteSize")


# --- accumulators of gradients ---


@tf_export("ConditionalAccumulatorBase")
class ConditionalAccumulatorBase:
    """Adds up gradients until enough have come; those of steps before its own are dropped."""

    def __init__(self, dtype, shape, accumulator_ref):
        self._dtype = dtype
        self._shape = TensorShape(None) if shape is None else as_shape(shape)
        self._accumulator_ref = accumulator_ref
        self._name = accumulator_ref.op.name.split("/")[-1]
        self._kind = "ResourceAccumulator" if accumulator_ref.dtype == _dtypes.resource else "Accumulator"

    accumulator_ref = property(lambda self: self._accumulator_ref, doc="The handle.")
    name = property(lambda self: self._name, doc="The name of the node.")
    dtype = property(lambda self: self._dtype, doc="The DType of the gradients.")

    def _op(self, what, *inputs, name, **attrs):
        return gen_ops.by_type(self._kind + what)(self._accumulator_ref, *inputs, name=name, **attrs)

    def num_accumulated(self, name=None):
        """How many gradients have come, an int32 scalar."""
        return self._op("NumAccumulated", name=name or f"{self._name}_NumAccumulated")

    def set_global_step(self, new_global_step, name=None):
        """An operation after which gradients of steps before NEW_GLOBAL_STEP are dropped."""
        from tenon.python.ops import math_ops

        step = math_ops.cast(ops.convert_to_tensor(new_global_step), _dtypes.int64)
        return self._op("SetGlobalStep", step, name=name)


def _step(local_step):
    from tenon.python.ops import math_ops

    return math_ops.cast(ops.convert_to_tensor(local_step), _dtypes.int64)


@tf_export("ConditionalAccumulator")
class ConditionalAccumulator(ConditionalAccumulatorBase):
    """Adds up gradients of one shape."""

    def __init__(self, dtype, shape=None, shared_name=None, name="conditional_accumulator", reduction_type="MEAN"):
        dtype = _dtypes.as_dtype(dtype)
        ref = gen_ops.resource_conditional_accumulator(
            dtype=dtype, shape=TensorShape(shape), shared_name=_shared(shared_name), reduction_type=reduction_type,
            name=name)  # fmt: skip
        super().__init__(dtype, shape, ref)

    def apply_grad(self, grad, local_step=0, name=None):
        """An operation that adds GRAD, unless LOCAL_STEP is too old."""
        grad = ops.convert_to_tensor(grad, self._dtype)
        grad.get_shape().assert_is_compatible_with(self._shape)
        return self._op("ApplyGradient", _step(local_step), grad, name=name)

    def take_grad(self, num_required, name=None):
        """The mean of the gradients once NUM_REQUIRED have come; none are left."""
        out = self._op("TakeGradient", num_required, name=name, dtype=self._dtype)
        out.set_shape(self._shape)
        return out


@tf_export("sparse.SparseConditionalAccumulator", "SparseConditionalAccumulator")
class SparseConditionalAccumulator(ConditionalAccumulatorBase):
    """Adds up rows of gradients, IndexedSlices."""

    def __init__(self, dtype, shape=None, shared_name=None, name="sparse_conditional_accumulator",
                 reduction_type="MEAN"):  # fmt: skip
        dtype = _dtypes.as_dtype(dtype)
        ref = gen_ops.sparse_conditional_accumulator(
            dtype=dtype, shape=TensorShape(shape), shared_name=_shared(shared_name), reduction_type=reduction_type,
            name=name)  # fmt: skip
        super().__init__(dtype, shape, ref)

    def apply_indexed_slices_grad(self, grad, local_step=0, name=None):
        """An operation that adds GRAD, IndexedSlices, unless LOCAL_STEP is too old."""
        return self.apply_grad(grad.indices, grad.values, grad.dense_shape, local_step, name)

    def apply_grad(self, grad_indices, grad_values, grad_shape=None, local_step=0, name=None):
        """An operation that adds rows GRAD_VALUES at GRAD_INDICES, unless LOCAL_STEP is too old."""
        from tenon.python.ops import math_ops

        indices = math_ops.cast(ops.convert_to_tensor(grad_indices), _dtypes.int64)
        shape = [] if grad_shape is None else math_ops.cast(ops.convert_to_tensor(grad_shape), _dtypes.int64)
        return gen_ops.sparse_accumulator_apply_gradient(
            self._accumulator_ref, local_step=_step(local_step), gradient_indices=indices, gradient_values=grad_values,
            gradient_shape=ops.convert_to_tensor(shape, _dtypes.int64), has_known_shape=grad_shape is not None,
            name=name)  # fmt: skip

    def take_grad(self, num_required, name=None):
        """(indices, values, shape) of the mean of the gradients once NUM_REQUIRED have come; none are left."""
        return gen_ops.sparse_accumulator_take_gradient(self._accumulator_ref, num_required, dtype=self._dtype,
                                                        name=name)  # fmt: skip

    def take_indexed_slices_grad(self, num_required, name=None):
        """The same as IndexedSlices."""
        found = self.take_grad(num_required, name)
        return ops.IndexedSlices(indices=found.indices, values=found.values, dense_shape=found.shape)
