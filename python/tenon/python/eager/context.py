"""Eager execution: a graph whose operations run as soon as they are made."""

import contextlib
import threading

from tenon import _core
from tenon._convert import to_numpy
from tenon.python.framework import errors, ops
from tenon.python.framework.graph import Graph
from tenon.python.framework.tensor import Tensor
from tenon.python.framework.tensor_shape import TensorShape
from tenon.python.util.tf_export import tf_export

DEVICE_PLACEMENT_EXPLICIT, DEVICE_PLACEMENT_WARN, DEVICE_PLACEMENT_SILENT = 0, 1, 2
SYNC, ASYNC = 0, 1
_UNSEEN = ("resource", "variant")  # dtypes of what has no array


class EagerTensor(Tensor):
    """A tensor with its value."""

    def __init__(self, op, value_index, dtype):
        super().__init__(op, value_index, dtype)
        self._known = None

    @property
    def _value(self):
        if self._known is None:
            self.graph._evaluate([self])
        return self._known

    def numpy(self):
        """The value as a NumPy array (a scalar for rank 0)."""
        return to_numpy(self._value)

    def eval(self, feed_dict=None, session=None):
        """NotImplementedError: use numpy()."""
        raise NotImplementedError("eval is not supported when eager execution is enabled, is .numpy() what you're "
                                  "looking for?")  # fmt: skip

    @property
    def shape(self):
        """The shape, a TensorShape."""
        return super().shape if self._dtype.name in _UNSEEN else TensorShape._of(tuple(self._value.shape))

    def get_shape(self):
        """The shape, a TensorShape."""
        return self.shape

    def _shape_tuple(self):
        return self.shape._dims

    def cpu(self):
        """The tensor itself."""
        return self

    def gpu(self, gpu_index=0):
        """The tensor itself."""
        return self

    def __array__(self, dtype=None, copy=None):
        import numpy as np

        return np.asarray(self.numpy(), dtype=dtype)

    def __bool__(self):
        return bool(self.numpy())

    __nonzero__ = __bool__

    def __int__(self):
        return int(self.numpy())

    def __float__(self):
        return float(self.numpy())

    def __index__(self):
        return self.numpy().__index__()

    def __len__(self):
        if not self.shape.ndims:
            raise TypeError("Scalar tensor has no `len()`")
        return self.shape._dims[0]

    def __format__(self, spec):
        return self.numpy().__format__(spec)

    def __hash__(self):
        return id(self)

    def __eq__(self, other):
        return self is other

    def __repr__(self):
        return (f"<tf.Tensor: id={self._op._id}, shape={self.shape}, dtype={self._dtype.name}, "
                f"numpy={self.numpy()!r}>")  # fmt: skip

    def __str__(self):
        return f"tf.Tensor({self.numpy()}, shape={self.shape}, dtype={self._dtype.name})"


class EagerGraph(Graph):
    """Operations run when they are made, with the values of their inputs; control inputs have run before."""

    _tensor_class = EagerTensor

    def __init__(self):
        super().__init__()
        self._session = _core.Session(self, 0, 0, None, False, True)
        self._running = threading.RLock()

    def _make(self, op_type, inputs, attrs, name):
        if op_type in ("Placeholder", "PlaceholderV2"):
            raise RuntimeError("tf.placeholder() is not compatible with eager execution.")
        with self._running:
            operation = super()._make(op_type, inputs, attrs, name)
            if op_type == "Const":
                operation._outputs[0]._known = next(value for key, _, value in attrs if key == "value")
            else:
                self._run(operation, inputs)
        return operation

    @staticmethod
    def _refused(error):
        return error

    def _controls_for(self, inputs):
        return []

    def _run(self, operation, inputs):
        fed = list(dict.fromkeys(inputs))
        values = [x._value for x in fed]
        self._step([x._ref for x in fed], values, [operation], operation._outputs)

    def _step(self, feeds, values, operations, outputs):
        fetches = [x._ref for x in outputs] or [(op._id, -1) for op in operations]
        try:
            results = self._session.make_callable(feeds, fetches, ()).run(*values)
        except errors.OpError as error:
            id = self.find(error.node_name) if error.node_name else None
            error._op = None if id is None else self._operation(id)
            raise
        for output, value in zip(outputs, results):
            output._known = value

    def _evaluate(self, tensors):
        """Gives TENSORS, which the core made, their values: from those that are known."""
        fed, seen, left = {}, set(), [x._op for x in tensors]
        while left:
            operation = left.pop()
            if operation._id in seen:
                continue
            seen.add(operation._id)
            for x in operation.inputs:
                if x._known is not None:
                    fed[x._ref] = x._known
                else:
                    left.append(x._op)
        with self._running:
            self._step(list(fed), list(fed.values()), [], tensors)


def enabled():
    """True if eager execution is on."""
    return ops.EagerTensor != ()


@tf_export("enable_eager_execution", "contrib.eager.enable_eager_execution")
def enable_eager_execution(config=None, device_policy=None, execution_mode=None):
    """From now on operations run at once, and tensors have numpy(). To be called before anything else."""
    if enabled():
        return
    if device_policy not in (None, 0, 1, 2, 3):
        raise ValueError("device_policy must be one of None, tf.contrib.eager.DEVICE_PLACEMENT_*")
    if execution_mode not in (None, SYNC, ASYNC):
        raise ValueError("execution_mode must be one of None, tf.contrib.eager.SYNC, tf.contrib.eager.ASYNC")
    shared = ops._DefaultGraphStack.shared
    if shared is not None and shared.n_nodes():
        raise ValueError("tf.enable_eager_execution must be called at program startup.")
    from tenon.python.ops import operators, resource_variable_ops, variable_scope

    ops.EagerTensor = EagerTensor
    graph = ops._DefaultGraphStack.shared = EagerGraph()
    graph.seed = shared.seed if shared is not None else None
    variable_scope.enable_resource_variables()
    operators.install(Tensor)
    resource_variable_ops.ResourceVariable.numpy = lambda self: self.read_value().numpy()


@tf_export("disable_eager_execution")
def disable_eager_execution():
    """Builds graphs again; that is what happens from the start."""
    if enabled():
        ops.EagerTensor = ()
        ops._DefaultGraphStack.shared = None
        from tenon.python.ops import variable_scope

        variable_scope.disable_resource_variables()


@contextlib.contextmanager
def graph_mode():
    """A `with` block in which graphs are built, also where eager execution is on."""
    if not enabled():
        yield
        return
    kept, ops.EagerTensor = ops.EagerTensor, ()
    shared, ops._DefaultGraphStack.shared = ops._DefaultGraphStack.shared, Graph()
    from tenon.python.ops import variable_scope

    variable_scope.disable_resource_variables()
    try:
        yield
    finally:
        variable_scope.enable_resource_variables()
        ops.EagerTensor, ops._DefaultGraphStack.shared = kept, shared


@contextlib.contextmanager
def eager_mode():
    """A `with` block in which operations run at once."""
    if enabled():
        yield
        return
    shared, ops._DefaultGraphStack.shared = ops._DefaultGraphStack.shared, None
    from tenon.python.ops import variable_scope

    resources = variable_scope.resource_variables_enabled()
    enable_eager_execution()
    try:
        yield
    finally:
        disable_eager_execution()
        ops._DefaultGraphStack.shared = shared
        if resources:
            variable_scope.enable_resource_variables()


def num_gpus():
    """How many GPUs there are."""
    return 0


def executing_eagerly():
    """True where operations run at once."""
    return ops.executing_eagerly()


in_eager_mode = executing_eagerly


def list_devices():
    """The names of the devices."""
    return ["/job:localhost/replica:0/task:0/device:CPU:0"]


TF_EXPORTS = {
    "contrib.eager.executing_eagerly": "executing_eagerly", "contrib.eager.in_eager_mode": "in_eager_mode",
    "contrib.eager.num_gpus": "num_gpus", "contrib.eager.list_devices": "list_devices",
    "contrib.eager.SYNC": "SYNC", "contrib.eager.ASYNC": "ASYNC",
    "contrib.eager.DEVICE_PLACEMENT_EXPLICIT": "DEVICE_PLACEMENT_EXPLICIT",
    "contrib.eager.DEVICE_PLACEMENT_WARN": "DEVICE_PLACEMENT_WARN",
    "contrib.eager.DEVICE_PLACEMENT_SILENT": "DEVICE_PLACEMENT_SILENT",
}  # fmt: skip
