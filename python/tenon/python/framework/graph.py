"""Graph: nodes with the scopes, devices, dependencies and collections that apply while they are made."""

import threading
import weakref
from contextlib import contextmanager

from tenon import _core
from tenon._graph import _attribute, _guess_kind
from tenon._proto import attr_value, op_info
from tenon.python.framework import errors
from tenon.python.framework.dtypes import _BY_NUMBER
from tenon.python.framework.graph_parts import Collections, Scopes
from tenon.python.framework.tensor import IndexedSlices, Operation, Tensor, callers
from tenon.python.util.tf_export import tf_export


def raw_attr(kind, value):
    """An attribute's value as the extension takes it: shapes may be TensorShapes, functions things with names."""
    if value is not None and kind.startswith("list(") and kind[5:-1] in ("shape", "func"):
        return [raw_attr(kind[5:-1], item) for item in value]
    if kind == "shape":
        from tenon.python.framework.tensor_shape import as_shape

        return as_shape(value)._dims
    if kind == "func":
        return value if isinstance(value, str) else getattr(value, "name", None) or str(value)
    if kind == "tensor" and hasattr(value, "tensor_shape"):  # a TensorProto
        from tenon.python.framework.tensor_util import value_of_proto

        return value_of_proto(value)
    return _attribute(kind, value)


@tf_export("Graph")
class Graph(Collections, Scopes, _core.Graph):
    """A dataflow graph. Operations made inside `with graph.as_default():` belong to it."""

    building_function = False
    _tensor_class = Tensor
    outer_graph = None

    def __init__(self):
        self._lock = threading.RLock()
        self._nodes = []  # Operations by id; None for what C made and nobody asked for yet
        self._finalized = False
        self._init_collections()
        self._init_scopes()
        self._gradients_registered = set()
        self._own_gradients = {}  # functions by name, of this graph alone: they end with it
        self._unfetchable = set()
        self._unfeedable = set()
        self._registered_functions = {}
        self._reader_map = None
        self._container = ""
        self._seed = None

    # --- making nodes ---

    def _make(self, op_type, inputs, attrs, name):
        """A new Operation. INPUTS are Tensors of this graph, ATTRS (name, kind, value) as the extension takes them."""
        if self._finalized:
            raise RuntimeError("Graph is finalized and cannot be modified.")
        if not self._plain:
            return self._make_scoped(op_type, inputs, attrs, name)
        try:
            id, name, dtypes = self.create(op_type, name, [x._ref for x in inputs], attrs, (), None)
        except errors.InvalidArgumentError as error:
            raise self._refused(error) from None
        return self._added(id, name, dtypes)

    @staticmethod
    def _refused(error):
        """What is raised where the core refuses a node's shapes or types."""
        return ValueError(error.message)

    def _added(self, id, name, dtypes):
        operation = Operation(self, id, name, dtypes)
        operation._callers = callers()
        nodes = self._nodes
        if id == len(nodes):
            nodes.append(operation)
        else:
            self._fill(id)[id] = operation
        return operation

    def _make_scoped(self, op_type, inputs, attrs, name):
        """As _make, where devices, dependencies, colocation, attributes or a control-flow context apply."""
        context = self._control_flow_context
        if context is not None and not context.holds(inputs):
            with self.name_scope(name or op_type) as name:  # what brings inputs in is called after the node
                inputs = context.map_inputs(inputs)
        controls = self._controls_for(inputs)
        if context is not None:
            controls = self._controls_in(context, inputs, controls)
        attrs = attrs + self._scope_attrs(op_type, attrs)
        try:
            id, name, dtypes = self.create(op_type, name, [x._ref for x in inputs], attrs,
                                           [c._id for c in controls], self._device_now)  # fmt: skip
        except errors.InvalidArgumentError as error:
            raise self._refused(error) from None
        operation = self._added(id, name, dtypes)
        operation._control_flow_context = context
        if context is not None:
            context.added(operation)
        self._note(operation)
        return operation

    def create_op(self, op_type, inputs, dtypes=None, input_types=None, name=None, attrs=None, op_def=None,
                  compute_shapes=True, compute_device=True):  # fmt: skip
        """A new Operation of OP_TYPE. INPUTS: Tensors; ATTRS: a dict of AttrValues or of plain values."""
        kinds = op_info(op_type).attrs
        triples = []
        for key, value in (attrs or {}).items():
            if hasattr(value, "SerializeToString") and hasattr(value, "WhichOneof"):
                kind, value = attr_value(value.SerializeToString())
                if kind == "tensor":
                    from tenon.python.framework.proto import TensorProto
                    from tenon.python.framework.tensor_util import value_of_proto

                    value = value_of_proto(TensorProto.FromString(value))
                triples.append((key, kinds.get(key, kind), value))
            else:
                kind = kinds.get(key) or _guess_kind(value)
                triples.append((key, kind, raw_attr(kind, value)))
        inputs = [x if x.graph is self else self._outside(x) for x in inputs]
        self._note_gradients(triples)
        return self._make(op_type, inputs, triples, name)

    def _outside(self, tensor):
        """What stands for a tensor of another graph; functions capture it."""
        raise ValueError(f"{tensor!r} must be from the same graph as the operation that uses it.")

    def op(self, op, /, *inputs, name=None, **attrs):
        """Adds a node of any type by its op type: shorthand for the function in gen_ops."""
        from tenon.python.ops import gen_ops

        with self.as_default():
            return gen_ops.by_type(op)(*inputs, name=name, **attrs)

    # --- looking ---

    def _fill(self, id):
        """Makes room in the list of Operations up to ID."""
        nodes = self._nodes
        with self._lock:
            while len(nodes) <= id:
                nodes.append(None)
        return nodes

    def _operation(self, id):
        nodes = self._nodes
        found = nodes[id] if id < len(nodes) else None
        if found is None:
            with self._lock:
                nodes = self._fill(id)
                found = nodes[id]
                if found is None:
                    found = nodes[id] = Operation(self, id, self.node_name(id), self.node_dtypes(id))
        return found

    def _tensor(self, ref):
        return self._operation(ref[0])._outputs[ref[1]]

    def get_operations(self):
        """Every Operation, in the order of creation."""
        return [self._operation(i) for i in range(self.n_nodes())]

    @property
    def operations(self):
        return self.get_operations()

    def get_operation_by_name(self, name):
        """The Operation called NAME. KeyError if there is none."""
        if not isinstance(name, str):
            raise TypeError(f"Operation names are strings (or similar), not {type(name).__name__}.")
        return self.as_graph_element(name, allow_tensor=False, allow_operation=True)

    def get_tensor_by_name(self, name):
        """The Tensor called NAME, as "x:0". KeyError if there is none."""
        if not isinstance(name, str):
            raise TypeError(f"Tensor names are strings (or similar), not {type(name).__name__}.")
        return self.as_graph_element(name, allow_tensor=True, allow_operation=False)

    def _get_operation_by_name_unsafe(self, name):
        return self.get_operation_by_name(name)

    def _get_operation_by_tf_operation(self, id):
        return self._operation(id)

    def as_graph_element(self, obj, allow_tensor=True, allow_operation=True):
        """The Tensor or Operation that OBJ is, stands for, or names."""
        if allow_tensor and allow_operation:
            types = "Tensor or Operation"
        elif allow_tensor or allow_operation:
            types = "Tensor" if allow_tensor else "Operation"
        else:
            raise ValueError("allow_tensor and allow_operation can't both be False.")
        convert = getattr(obj, "_as_graph_element", None)
        found = convert() if convert else None
        obj = obj if found is None else found
        if isinstance(obj, bytes):
            obj = obj.decode()
        if isinstance(obj, str):
            return self._named(obj, allow_tensor, allow_operation, types)
        if isinstance(obj, Tensor) and allow_tensor or isinstance(obj, Operation) and allow_operation:
            if obj.graph is not self:
                raise ValueError(f"{type(obj).__name__} {obj} is not an element of this graph.")
            return obj
        raise TypeError(f"Can not convert a {type(obj).__name__} into a {types}.")

    def _named(self, name, allow_tensor, allow_operation, types):
        if ":" in name and allow_tensor:
            op_name, _, number = name.rpartition(":")
            if not op_name or ":" in op_name or not number.isdigit():
                raise ValueError(f"The name {name!r} looks a like a Tensor name, but is not a valid one. Tensor names "
                                 'must be of the form "<op_name>:<output_index>".')  # fmt: skip
            id = self.find(op_name)
            if id is None:
                raise KeyError(f"The name {name!r} refers to a Tensor which does not exist. The operation, "
                               f"{op_name!r}, does not exist in the graph.")  # fmt: skip
            outputs = self._operation(id)._outputs
            if int(number) >= len(outputs):
                raise KeyError(f"The name {name!r} refers to a Tensor which does not exist. The operation, "
                               f"{op_name!r}, exists but only has {len(outputs)} outputs.")  # fmt: skip
            return outputs[int(number)]
        if ":" in name:
            raise ValueError(f"Name {name!r} appears to refer to a Tensor, not a {types}.")
        id = self.find(name)
        if allow_operation:
            if id is None:
                raise KeyError(f"The name {name!r} refers to an Operation not in the graph.")
            return self._operation(id)
        if id is not None:
            raise ValueError(f"The name {name!r} refers to an Operation, not a {types}. Tensor names must be of the "
                             'form "<op_name>:<output_index>".')  # fmt: skip
        raise ValueError(f"The name {name!r} looks like an (invalid) Operation name, not a {types}. Tensor names must "
                         'be of the form "<op_name>:<output_index>".')  # fmt: skip

    def _consumers(self, ref):
        return [self._operation(id) for id in range(self.n_nodes()) if ref in self.node_info(id)[3]]

    def _get_attr(self, operation, name):
        data = self.get_attr(operation._id, name)
        if data is None:
            raise ValueError(f"Operation '{operation.name}' has no attr named '{name}'.")
        kind, value = attr_value(_inner(data))
        declared = op_info(operation.type).attrs.get(name, kind)
        return _public_attr(declared, value)

    def _colocation_of(self, operation):
        data = self.get_attr(operation._id, "_class")
        if data is None:
            return [b"loc:@" + operation._name.encode()]
        groups = [item for item in attr_value(_inner(data))[1] if item.startswith(b"loc:@")]
        return groups or [b"loc:@" + operation._name.encode()]

    # --- state ---

    def as_default(self):
        """A `with` block in which new operations belong to this graph."""
        from tenon.python.framework import ops

        return ops._default_graph_stack.get_controller(self)

    def finalize(self):
        """Makes the graph read-only."""
        self._finalized = True

    @property
    def finalized(self):
        """True once the graph is read-only."""
        return self._finalized

    def _unsafe_unfinalize(self):
        self._finalized = False

    def _check_not_finalized(self):
        if self._finalized:
            raise RuntimeError("Graph is finalized and cannot be modified.")

    @property
    def version(self):
        """A number that grows as operations are added."""
        return self.n_nodes()

    _last_id = version

    @property
    def seed(self):
        """The graph-level random seed, None if there is none."""
        return self._seed

    @seed.setter
    def seed(self, seed):
        self._seed = seed
        if seed is not None:
            self.set_seed(int(seed))

    @property
    def graph_def_versions(self):
        """The VersionDef that its GraphDef gets."""
        return self.as_graph_def().versions

    def as_graph_def(self, from_version=None, add_shapes=False):
        """The graph as a GraphDef: of operations from number FROM_VERSION on; with ADD_SHAPES also what is known of
        their shapes."""
        from tenon.python.framework.proto import GraphDef

        definition = GraphDef.FromString(self.to_def())
        if from_version is not None:
            del definition.node[:from_version]
        if add_shapes:
            for node in definition.node:
                shapes = [output.shape.as_proto() for output in self.get_operation_by_name(node.name).outputs]
                node.attr["_output_shapes"].list.shape.extend(shapes)
        return definition

    def _as_graph_def(self, from_version=None, add_shapes=False):
        return self.as_graph_def(from_version, add_shapes), self.version

    def switch_to_thread_local(self):
        """Nothing: the stacks of scopes are the graph's."""

    def is_fetchable(self, tensor_or_op):
        """False if it may not be fetched: what only runs where a condition holds."""
        return tensor_or_op not in self._unfetchable

    def prevent_fetching(self, op):
        """Makes fetching OP an error."""
        self._unfetchable.add(op)
        self._unfetchable.update(op.outputs)

    def is_feedable(self, tensor):
        """False if it may not be fed."""
        return tensor not in self._unfeedable

    def prevent_feeding(self, tensor):
        """Makes feeding TENSOR an error."""
        self._unfeedable.add(tensor)

    # --- gradients ---

    def _use_gradient(self, name):
        """Tells the core of the user's gradient called NAME."""
        if name in self._gradients_registered:
            return
        from tenon.python.framework import ops

        if name not in self._own_gradients and ops.gradient_registry.get(name) is None:
            return
        self._gradients_registered.add(name)

        weak = weakref.ref(self)  # the core keeps the function as long as the graph

        def call(node, gradients):
            graph = weak()
            function = graph._own_gradients.get(name) or ops.gradient_registry.get(name)
            return graph._call_gradient(function, graph._operation(node), gradients)

        self.register_gradient(name, call)

    def _call_gradient(self, function, operation, gradients):
        from tenon.python.framework import ops
        from tenon.python.ops import gen_ops

        given = []
        for ref, output in zip(gradients, operation._outputs):
            trainable = output.dtype.base.is_floating or output.dtype.base.is_complex
            given.append(self._tensor(ref) if ref is not None else gen_ops.zeros_like(output) if trainable else None)
        results = function(operation, *given)
        if results is None or isinstance(results, (Tensor, IndexedSlices)):
            results = [results]
        inputs = operation.inputs
        if len(results) != len(inputs):
            raise ValueError(f"Num gradients {len(results)} generated for op {operation.node_def} do not match num "
                             f"inputs {len(inputs)}")  # fmt: skip
        return [None if r is None else ops.convert_to_tensor(r, x.dtype.base)._ref for r, x in zip(results, inputs)]

    def _differentiate(self, ys, xs, grad_ys, stop):
        """The core's gradients of Tensors YS by XS: Tensors, IndexedSlices or None."""
        for name in self._gradient_names:
            self._use_gradient(name)
        first = self.n_nodes()
        with self._scopes_in_core():
            refs = super().gradients([y._ref for y in ys], [x._ref for x in xs],
                                     [None if g is None else g._ref for g in grad_ys], [s._ref for s in stop],
                                     True)  # fmt: skip
        context = self._control_flow_context
        if context is None:
            return [self._gradient(ref) for ref in refs]
        made = [self._operation(id) for id in range(first, self.n_nodes())]
        for operation in made:
            operation._control_flow_context = context
        if all(operation.type == "Enter" or context.holds(operation.inputs) for operation in made):
            for operation in made:
                context.AddOp(operation)
            return [self._gradient(ref) for ref in refs]
        return self._made_inside(made, [self._gradient(ref) for ref in refs])

    def _made_inside(self, made, results):
        """What the core made of tensors outside of a loop or condition, made again with those brought in."""
        again = {}
        for operation in made:
            if operation.type == "Enter":  # the core brought this one in itself
                continue
            if any(ref[0] > operation._id for ref in self.node_info(operation._id)[3]):
                raise NotImplementedError(f"gradients inside a loop of a loop outside of it, at '{operation.name}'")
            inputs = [again.get(x, x) for x in operation.inputs]
            controls = [again.get(op, op) for op in operation.control_inputs]
            with self.control_dependencies(controls), self.name_scope(None):
                attrs = dict(operation.node_def.attr.items())
                copy = self.create_op(operation.type, inputs, name=operation.name, attrs=attrs)
            again[operation] = copy
            again.update(zip(operation._outputs, copy._outputs))

        def mapped(x):
            if isinstance(x, IndexedSlices):
                return IndexedSlices(*(None if p is None else again.get(p, p)
                                       for p in (x.values, x.indices, x.dense_shape)))  # fmt: skip
            return again.get(x, x)

        return [None if x is None else mapped(x) for x in results]

    def _gradient(self, ref):
        if ref is None:
            return None
        if isinstance(ref[0], tuple):
            return IndexedSlices(*(None if part is None else self._tensor(part) for part in ref))
        return self._tensor(ref)

    @contextmanager
    def _scopes_in_core(self):
        """The dependencies and devices of Python's scopes, for nodes that the core makes."""
        pushed = self._control_scopes()
        for scope in pushed:
            self.push_control([op._id for op in scope.operations])
        device = self._device_now
        if device:
            self.push_device(device)
        try:
            yield
        finally:
            if device:
                self.pop_device()
            for _ in pushed:
                self.pop_control()

    def __repr__(self):
        return object.__repr__(self)

    def __reduce__(self):
        raise TypeError("a Graph can't be pickled")


def _inner(data):
    """The message in field 1 of DATA."""
    from tenon._proto import fields

    return next(value for number, value in fields(data))


def _public_attr(kind, value):
    """What get_attr returns for a raw attribute."""
    if kind.startswith("list("):
        return [_public_attr(kind[5:-1], item) for item in value]
    if kind == "type":
        return _BY_NUMBER[value]
    if kind == "string":
        return value
    if kind == "shape":
        from tenon.python.framework.tensor_shape import TensorShape

        return TensorShape._of(value).as_proto()
    if kind == "tensor":
        from tenon.python.framework.proto import TensorProto

        return TensorProto.FromString(value)
    if kind == "func":
        from tenon.python.framework.proto import NameAttrList

        return NameAttrList(name=value)
    return value
