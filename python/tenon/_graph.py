"""Graphs, their nodes and tensors: a thin skin over the extension module."""

from tenon import _core
from tenon._proto import op_info
from tenon.python.framework import errors
from tenon.python.framework.dtypes import _BY_NUMBER, as_dtype


def _lazy(name):
    """A function of tenon._convert, loaded with NumPy when it is called first."""

    def call(*args):
        from tenon import _convert

        return getattr(_convert, name)(*args)

    return call


_core.set_hooks(errors.make, _lazy("convert"), _lazy("strings"))


class Tensor:
    """An output of a node. There is one object for each, so they compare by identity."""

    __slots__ = ("__weakref__", "graph", "ref")

    def __init__(self, graph, ref):
        self.graph = graph
        self.ref = ref

    @property
    def op(self):
        return Operation(self.graph, self.ref[0])

    @property
    def name(self):
        return f"{self.graph.node_name(self.ref[0])}:{self.ref[1]}"

    @property
    def dtype(self):
        return _BY_NUMBER[self.graph.node_dtypes(self.ref[0])[self.ref[1]]]

    @property
    def shape(self):
        """The static shape: None, or a tuple with None for sizes that are not known."""
        return self.graph.get_shape(self.ref)

    def set_shape(self, shape):
        """Adds what is known about the static shape."""
        self.graph.set_shape(self.ref, shape)

    def __repr__(self):
        return f"<tenon.Tensor {self.name!r} shape={self.shape} dtype={self.dtype.name}>"


class Operation:
    """A node of a graph."""

    __slots__ = ("graph", "id")

    def __init__(self, graph, id):
        self.graph = graph
        self.id = id

    @property
    def ref(self):
        return (self.id, -1)

    @property
    def name(self):
        return self.graph.node_name(self.id)

    @property
    def type(self):
        return self.graph.node_info(self.id)[1]

    @property
    def device(self):
        return self.graph.node_info(self.id)[2]

    @property
    def inputs(self):
        return tuple(self.graph.tensor_at(ref) for ref in self.graph.node_info(self.id)[3])

    @property
    def control_inputs(self):
        return tuple(Operation(self.graph, i) for i in self.graph.node_info(self.id)[4])

    @property
    def outputs(self):
        return self.graph.outputs_of(self.id)

    @property
    def node_def(self):
        """The serialised NodeDef."""
        return self.graph.node_def(self.id)

    def __hash__(self):
        return hash((id(self.graph), self.id))

    def __eq__(self, other):
        return isinstance(other, Operation) and self.graph is other.graph and self.id == other.id

    def __repr__(self):
        return f"<tenon.Operation {self.name!r} type={self.type}>"


class IndexedSlices:
    """A gradient that is zero but for some rows: Tensors of their values, their numbers, and of the whole's shape."""

    __slots__ = ("dense_shape", "indices", "values")

    def __init__(self, values, indices, dense_shape):
        self.values = values
        self.indices = indices
        self.dense_shape = dense_shape

    def __iter__(self):
        return iter((self.values, self.indices, self.dense_shape))


class _Scope:
    """Something that a `with` block enters and leaves."""

    __slots__ = ("enter", "leave")

    def __init__(self, enter, leave):
        self.enter = enter
        self.leave = leave

    def __enter__(self):
        self.enter()

    def __exit__(self, *_):
        self.leave()


def _one(kind, value):
    """A single attribute value in the form that the extension takes."""
    if kind == "type":
        return as_dtype(value).number
    if kind == "string":
        return value.encode() if isinstance(value, str) else bytes(value)
    if kind == "tensor" and not isinstance(value, _core.Value):
        from tenon._convert import infer

        array, dtype = infer(value)
        return _core.Value(array, dtype.number)
    return value


def _attribute(kind, value):
    if kind.startswith("list("):
        return [_one(kind[5:-1], item) for item in value]
    return _one(kind, value)


def _guess_kind(value):
    """The kind of an attribute that the op does not define (such begin with '_')."""
    kinds = ((bool, "bool"), (int, "int"), (float, "float"), ((str, bytes), "string"), (_core.Value, "tensor"))
    for types, kind in kinds:
        if isinstance(value, types):
            return kind
    if isinstance(value, (list, tuple)):
        return f"list({_guess_kind(value[0]) if value else 'int'})"
    return "type"


class Graph(_core.Graph):
    """A dataflow graph. `graph.op("MatMul", a, b, transpose_a=True)` adds a node."""

    def __init__(self):
        self._outputs = {}

    # --- building ---

    def op(self, op, /, *inputs, name=None, control_inputs=(), device=None, **attrs):
        """Adds a node of type OP: a Tensor, a tuple of Tensors, or an Operation for an op without outputs.

        What is given for an input may be a Tensor, a list of them where the op takes a list, None to leave it out, or
        anything that makes a constant. Attributes that the inputs determine can be left out.
        """
        node = self._add(op, inputs, name, control_inputs, device, attrs)
        outputs = self.outputs_of(node)
        if not outputs:
            return Operation(self, node)
        return outputs[0] if len(outputs) == 1 and not op_info(op).outputs[0].is_list else outputs

    def _add(self, op, inputs, name, control_inputs, device, attrs):
        info = op_info(op)
        refs = self._inputs(info, inputs, attrs)
        values = []
        for key, value in attrs.items():
            kind = info.attrs.get(key)
            if kind is None:
                if key[0] != "_":
                    raise errors.InvalidArgumentError(f"{op}: no attribute '{key}'; it has {sorted(info.attrs)}")
                kind = _guess_kind(value)
            values.append((key, kind, _attribute(kind, value)))
        controls = [c.ref[0] for c in control_inputs]
        return self.add(op, name, refs, values, controls, device)

    def _inputs(self, info, inputs, attrs):
        refs = []
        known = {}  # type attributes by the tensors so far, and by those that come later
        later = {a.type_attr: x.dtype.base for a, x in zip(info.inputs, inputs) if isinstance(x, Tensor)}
        for i, value in enumerate(inputs):
            argument = info.inputs[i] if i < len(info.inputs) else None
            if isinstance(value, Tensor):
                refs.append(value.ref)
                if argument is not None and argument.type_attr:
                    known.setdefault(argument.type_attr, value.dtype.base)
            elif isinstance(value, (list, tuple)) and (argument is None or argument.is_list):
                refs.extend(self._list(value, argument, attrs, known))
            else:
                refs.append(self._tensor(value, argument, attrs, known, later).ref)
        return refs

    def _list(self, values, argument, attrs, known):
        """The refs of a list argument; numbers in it take the dtype of its first tensor."""
        if argument is not None and argument.type_attr:
            first = next((v.dtype.base for v in values if isinstance(v, Tensor)), None)
            known = {argument.type_attr: first, **known} if first else known
        return [self._tensor(item, argument, attrs, known, {}).ref for item in values]

    def _tensor(self, value, argument, attrs, known, later):
        if isinstance(value, Tensor):
            return value
        if isinstance(value, Operation):
            raise TypeError(f"{value!r} has no output to use")
        dtype = None
        if argument is not None:
            if argument.type:
                dtype = as_dtype(argument.type)
            elif argument.type_attr:
                dtype = attrs.get(argument.type_attr) or known.get(argument.type_attr)
                if dtype is None and not hasattr(value, "dtype"):
                    dtype = later.get(argument.type_attr)
        return self.constant(value, dtype)

    def constant(self, value, dtype=None, name=None):
        """A Const node. Without DTYPE Python ints are int32 and Python floats float32."""
        if isinstance(value, _core.Value):
            content = value
        elif dtype is None:
            from tenon._convert import infer

            array, dtype = infer(value)
            content = _core.Value(array, dtype.number)
        else:
            content = _core.Value(value, as_dtype(dtype).number)
        attrs = [("value", "tensor", content), ("dtype", "type", content.dtype)]
        return self.tensor_at((self.add("Const", name, (), attrs, (), None), 0))

    def placeholder(self, dtype, shape=None, name=None):
        """A tensor that each step is given."""
        attrs = [("dtype", "type", as_dtype(dtype).number), ("shape", "shape", shape)]
        return self.tensor_at((self.add("Placeholder", name, (), attrs, (), None), 0))

    def name_scope(self, name):
        """A `with` block whose nodes are called NAME/..."""
        return _Scope(lambda: self.push_name_scope(name), self.pop_name_scope)

    def device(self, name):
        """A `with` block whose nodes are placed on device NAME."""
        return _Scope(lambda: self.push_device(name), self.pop_device)

    def control_dependencies(self, nodes):
        """A `with` block whose nodes run after NODES."""
        return _Scope(lambda: self.push_control([node.ref[0] for node in nodes]), self.pop_control)

    # --- looking ---

    def outputs_of(self, node):
        """The Tensors of node id NODE."""
        found = self._outputs.get(node)
        if found is None:
            count = len(self.node_dtypes(node))
            found = self._outputs[node] = tuple(Tensor(self, (node, i)) for i in range(count))
        return found

    def tensor_at(self, ref):
        """The Tensor of (node id, index), None for None, the Operation for index -1."""
        if ref is None:
            return None
        return self.outputs_of(ref[0])[ref[1]] if ref[1] >= 0 else Operation(self, ref[0])

    def tensor(self, name):
        """The Tensor called "node:0" or "node"; "^node" is the Operation."""
        return self.tensor_at(self.find_output(name))

    def operation(self, name):
        """The Operation called NAME, None if there is none."""
        node = self.find(name)
        return None if node is None else Operation(self, node)

    @property
    def operations(self):
        return [Operation(self, i) for i in range(self.n_nodes())]

    # --- GraphDef and gradients ---

    def as_graph_def(self):
        """The graph as a serialised GraphDef."""
        return self.to_def()

    def import_graph_def(self, definition, prefix="", input_map=None):
        """Adds the nodes of a serialised GraphDef; INPUT_MAP maps names in it to Tensors of this graph."""
        names = tuple(input_map or ())
        self.import_def(definition, prefix, names, [input_map[name].ref for name in names])

    def gradients(self, ys, xs, grad_ys=None, stop_gradients=(), sparse=False):
        """Adds nodes for d(sum of YS)/dXS: a list of Tensors, None where an x does not matter.

        With SPARSE, gradients through gathers stay IndexedSlices.
        """
        ys = [ys] if isinstance(ys, Tensor) else list(ys)
        xs = [xs] if isinstance(xs, Tensor) else list(xs)
        grad_ys = [grad_ys] if isinstance(grad_ys, Tensor) else list(grad_ys or ())
        refs = super().gradients(
            [y.ref for y in ys], [x.ref for x in xs], [g and g.ref for g in grad_ys], [s.ref for s in stop_gradients],
            sparse or bool(stop_gradients),
        )  # fmt: skip
        return [self._gradient(ref) for ref in refs]

    def _gradient(self, ref):
        if ref is not None and len(ref) == 3:
            return IndexedSlices(*map(self.tensor_at, ref))
        return self.tensor_at(ref)

    def register_gradient(self, name, function):
        """Nodes whose attribute _gradient_op_type is NAME get FUNCTION(operation, *gradients) as their gradient."""

        def call(node, gradients):
            result = function(Operation(self, node), *map(self.tensor_at, gradients))
            result = [result] if result is None or isinstance(result, Tensor) else result
            return [None if g is None else g.ref for g in result]

        super().register_gradient(name, call)
