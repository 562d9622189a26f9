"""Operations, their tensors, and IndexedSlices."""

import os
import sys

from tenon import _core
from tenon.python.framework import errors
from tenon.python.framework.dtypes import _BY_NUMBER
from tenon.python.framework.tensor_shape import TensorShape, as_shape
from tenon.python.util.tf_export import tf_export

_FRAMES = 8  # how many callers an operation remembers
_OWN = (os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep, "<op ")


def callers():
    """The (code, instruction) pairs of who is calling, innermost first: cheap to take, lines are found later.

    Frames of this package are left out, but for calls within calls from outside.
    """
    frame = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename.startswith(_OWN):
        frame = frame.f_back
    found = []
    while frame is not None and len(found) < _FRAMES:
        found.append((frame.f_code, frame.f_lasti))
        frame = frame.f_back
    return found


def _line(code, instruction):
    for i, position in enumerate(code.co_positions()):
        if i == instruction // 2:
            return position[0] or code.co_firstlineno
    return code.co_firstlineno


@tf_export("Operation")
class Operation:
    """A node of a graph."""

    def __init__(self, graph, id, name, dtypes):
        self._graph = graph
        self._id = id
        self._name = name
        self._callers = ()
        self._control_flow_context = None
        self._type = None
        tensor = graph._tensor_class
        self._outputs = [tensor(self, i, _BY_NUMBER[number]) for i, number in enumerate(dtypes)]

    @property
    def graph(self):
        """The Graph that the operation is in."""
        return self._graph

    @property
    def name(self):
        """The name, with its scopes."""
        return self._name

    @property
    def type(self):
        """The op type, as "MatMul"."""
        if self._type is None:
            self._type = self._graph.node_info(self._id)[1]
        return self._type

    @property
    def device(self):
        """The device that was asked for, "" for none."""
        return self._graph.node_info(self._id)[2]

    def _set_device(self, device):
        from tenon.python.framework.device import device_text

        self._graph.set_device(self._id, device_text(device) or None)

    @property
    def inputs(self):
        """The Tensors that it reads."""
        tensor = self._graph._tensor
        return InputList(tensor(ref) for ref in self._graph.node_info(self._id)[3])

    @property
    def _inputs(self):
        return self.inputs

    @property
    def control_inputs(self):
        """The Operations that run before it."""
        return [self._graph._operation(i) for i in self._graph.node_info(self._id)[4]]

    @property
    def _control_outputs(self):
        return [op for op in self._graph.get_operations() if self in op.control_inputs]

    @property
    def outputs(self):
        """The list of its Tensors."""
        return self._outputs

    @property
    def _output_types(self):
        return [output.dtype.number for output in self._outputs]

    @property
    def _input_types(self):
        return [tensor.dtype.base for tensor in self.inputs]

    @property
    def op_def(self):
        """The OpDef of its type."""
        from tenon.python.framework.proto import OpDef

        return OpDef.FromString(_core.op_def(self.type))

    @property
    def node_def(self):
        """The NodeDef."""
        from tenon.python.framework.proto import NodeDef

        return NodeDef.FromString(self._graph.node_def(self._id))

    @property
    def traceback(self):
        """The calls that made it, outermost first, as a traceback.StackSummary."""
        import traceback

        frames = [traceback.FrameSummary(code.co_filename, _line(code, at), code.co_name, lookup_line=False)
                  for code, at in reversed(self._callers)]  # fmt: skip
        return traceback.StackSummary.from_list(frames)

    def _traceback_lines(self):
        return self.traceback.format()

    def colocation_groups(self):
        """The groups of operations (b"loc:@name") that share a device with it."""
        return self._graph._colocation_of(self)

    def values(self):
        """The Tensors that it computes."""
        return tuple(self._outputs)

    def get_attr(self, name):
        """The value of attribute NAME. ValueError if there is none."""
        return self._graph._get_attr(self, name)

    def _get_attr_type(self, name):
        return self.get_attr(name)

    def _set_attr(self, name, value):
        """Sets an attribute that begins with '_' to an AttrValue."""
        self._graph.set_attr(self._id, name, value.SerializeToString())

    def _add_control_input(self, op):
        self._add_control_inputs([op])

    def _add_control_inputs(self, ops):
        for op in ops:
            op = op if isinstance(op, Operation) else op.op
            try:
                self._graph.add_control(op._id, self._id)
            except errors.InvalidArgumentError as error:
                raise ValueError(error.message) from None

    def _update_input(self, index, tensor):
        """Closes a loop: the tensor of a NextIteration becomes input INDEX of this Merge."""
        if tensor.graph is not self._graph:
            raise ValueError(f"{tensor} must be from the same graph as {self}.")
        self._graph.set_back_edge(self._id, index, tensor._ref)

    def run(self, feed_dict=None, session=None):
        """Runs the operation in the default session, or in SESSION."""
        from tenon.python.framework import ops

        ops._run_using_default_session(self, feed_dict, self._graph, session)

    def _get_control_flow_context(self):
        return self._control_flow_context

    def _set_control_flow_context(self, context):
        self._control_flow_context = context

    def _as_graph_element(self):
        return self

    def __repr__(self):
        return f"<tf.Operation '{self._name}' type={self.type}>"

    def __str__(self):
        return str(self.node_def)


class InputList(tuple):
    """The inputs of an operation: a tuple that also equals a list of the same."""

    __slots__ = ()
    __hash__ = tuple.__hash__

    def __eq__(self, other):
        return tuple.__eq__(self, tuple(other)) if isinstance(other, (list, tuple)) else NotImplemented

    def __ne__(self, other):
        return not self == other

    def __add__(self, other):
        return list(self) + list(other)

    def __radd__(self, other):
        return list(other) + list(self)


class _TensorLike:
    """What Tensor, SparseTensor and IndexedSlices have in common; libraries ask for it by this name."""


@tf_export("Tensor")
class Tensor(_TensorLike):
    """An output of an Operation: what it will hold once a session runs it."""

    __array_priority__ = 100
    OVERLOADABLE_OPERATORS = frozenset(
        "__add__ __radd__ __sub__ __rsub__ __mul__ __rmul__ __div__ __rdiv__ __truediv__ __rtruediv__ __floordiv__ "
        "__rfloordiv__ __mod__ __rmod__ __lt__ __le__ __gt__ __ge__ __and__ __rand__ __or__ __ror__ __xor__ __rxor__ "
        "__getitem__ __pow__ __rpow__ __invert__ __neg__ __abs__ __matmul__ __rmatmul__".split()
    )

    def __init__(self, op, value_index, dtype):
        self._op = op
        self._value_index = value_index
        self._dtype = dtype
        self._ref = (op._id, value_index)

    @property
    def op(self):
        """The Operation that computes it."""
        return self._op

    @property
    def dtype(self):
        """The DType of its elements."""
        return self._dtype

    @property
    def graph(self):
        """The Graph that it is in."""
        return self._op._graph

    @property
    def name(self):
        """The operation's name, ":" and the number of the output."""
        return f"{self._op._name}:{self._value_index}"

    @property
    def device(self):
        """The device that was asked for, "" for none."""
        return self._op.device

    @property
    def value_index(self):
        """Which of the operation's outputs it is."""
        return self._value_index

    @property
    def shape(self):
        """The static shape, a TensorShape."""
        return TensorShape._of(self._op._graph.get_shape(self._ref))

    @property
    def _shape(self):
        return self.shape

    @property
    def ndim(self):
        """The static rank, None if it is not known."""
        return self.shape.rank

    def get_shape(self):
        """The static shape, a TensorShape."""
        return TensorShape._of(self._op._graph.get_shape(self._ref))

    def _shape_tuple(self):
        return self._op._graph.get_shape(self._ref)

    def _rank(self):
        return self.shape.rank

    def set_shape(self, shape):
        """Adds what is known about the static shape. ValueError if it does not agree with what was known."""
        shape = as_shape(shape)
        try:
            self._op._graph.set_shape(self._ref, shape._dims)
        except errors.InvalidArgumentError as error:
            self.shape.assert_is_compatible_with(shape)
            raise ValueError(error.message) from None

    def consumers(self):
        """The list of Operations that read it."""
        return self._op._graph._consumers(self._ref)

    def eval(self, feed_dict=None, session=None):
        """Its value in the default session, or in SESSION, as a NumPy array."""
        from tenon.python.framework import ops

        return ops._eval_using_default_session(self, feed_dict, self.graph, session)

    def experimental_ref(self):
        """Something that can be a key for this tensor."""
        return Reference(self)

    ref = experimental_ref

    def _as_tf_output(self):
        return self._ref

    def _as_graph_element(self):
        return self

    def _as_node_def_input(self):
        return self._op._name if self._value_index == 0 else self.name

    def __iter__(self):
        from tenon.python.framework import ops

        if not ops.executing_eagerly_with(self):
            raise TypeError("Tensor objects are only iterable when eager execution is enabled. To iterate over this "
                            "tensor use tf.map_fn.")  # fmt: skip
        return (self[i] for i in range(self.shape._dims[0]))

    def __bool__(self):
        raise TypeError("Using a `tf.Tensor` as a Python `bool` is not allowed. Use `if t is not None:` instead of "
                        "`if t:` to test if a tensor is defined, and use TensorFlow ops such as tf.cond to execute "
                        "subgraphs conditioned on the value of a tensor.")  # fmt: skip

    __nonzero__ = __bool__

    def __array__(self, dtype=None, copy=None):
        raise NotImplementedError(f"Cannot convert a symbolic Tensor ({self.name}) to a numpy array.")

    def __float__(self):
        raise TypeError(f"Cannot convert a symbolic Tensor ({self.name}) to a float: run it in a session.")

    def __int__(self):
        raise TypeError(f"Cannot convert a symbolic Tensor ({self.name}) to an int: run it in a session.")

    def __index__(self):
        raise TypeError(f"'Tensor' object cannot be interpreted as an integer ({self.name})")

    def __copy__(self):
        return self

    def __hash__(self):
        return id(self)

    def __eq__(self, other):
        return self is other

    def __ne__(self, other):
        return self is not other

    def __repr__(self):
        return f"<tf.Tensor '{self.name}' shape={self.shape} dtype={self._dtype.name}>"

    def __str__(self):
        shape = self.shape
        known = f", shape={shape}" if shape._dims is not None else ""
        device = f", device={self.device}" if self.device else ""
        return f'Tensor("{self.name}"{known}, dtype={self._dtype.name}{device})'

    @staticmethod
    def _override_operator(operator, func):
        setattr(Tensor, operator, func)


def _overload(operator):
    """An operator of Tensor: the function of ops/operators.py is looked up when it is first used."""

    def call(self, *args):
        from tenon.python.ops import operators

        operators.install(Tensor)
        return getattr(self, operator)(*args)

    call.__name__ = operator
    return call


for _operator in Tensor.OVERLOADABLE_OPERATORS:
    setattr(Tensor, _operator, _overload(_operator))


class Reference:
    """A tensor as a key: equal to what stands for the same tensor."""

    __slots__ = ("_object",)

    def __init__(self, thing):
        self._object = thing

    def deref(self):
        """The tensor."""
        return self._object

    def __hash__(self):
        return id(self._object)

    def __eq__(self, other):
        return isinstance(other, Reference) and self._object is other._object

    def __repr__(self):
        return f"<Reference wrapping {self._object!r}>"


@tf_export("IndexedSlices")
class IndexedSlices(_TensorLike):
    """Some rows of a tensor: their values [n, ...], their numbers [n], and the shape of the whole (or None)."""

    def __init__(self, values, indices, dense_shape=None):
        if not isinstance(values, Tensor) or not isinstance(indices, Tensor):
            from tenon.python.framework import ops

            values, indices = ops.convert_to_tensor(values), ops.convert_to_tensor(indices)
        self._values = values
        self._indices = indices
        self._dense_shape = dense_shape

    @property
    def values(self):
        """The rows."""
        return self._values

    @property
    def indices(self):
        """Their numbers."""
        return self._indices

    @property
    def dense_shape(self):
        """The shape of the whole, None if it is not known."""
        return self._dense_shape

    @property
    def shape(self):
        """The static shape of the whole."""
        from tenon.python.framework import tensor_util

        if self._dense_shape is None:
            return TensorShape(None)
        return tensor_util.constant_value_as_shape(self._dense_shape)

    def get_shape(self):
        """The static shape of the whole."""
        return self.shape

    @property
    def name(self):
        """The name of the values."""
        return self._values.name

    @property
    def device(self):
        """The device of the values."""
        return self._values.device

    @property
    def op(self):
        """The Operation that computes the values."""
        return self._values.op

    @property
    def dtype(self):
        """The DType of the values."""
        return self._values.dtype

    @property
    def graph(self):
        """The Graph that it is in."""
        return self._values.graph

    def consumers(self):
        """The Operations that read one of its parts."""
        parts = [self._values, self._indices, *([] if self._dense_shape is None else [self._dense_shape])]
        return [op for part in parts for op in part.consumers()]

    def __neg__(self):
        return IndexedSlices(-self._values, self._indices, self._dense_shape)

    def __str__(self):
        dense = f", dense_shape={self._dense_shape}" if self._dense_shape is not None else ""
        return f"IndexedSlices(indices={self._indices}, values={self._values}{dense})"
