"""What conditions and loops do to the nodes made in them: CondContext and WhileContext."""

from tenon.python.framework import ops
from tenon.python.ops import control_flow_nodes as nodes


def _within(context, outer):
    """Whether CONTEXT is OUTER or inside of it."""
    while context is not None:
        if context is outer:
            return True
        context = context.outer_context
    return False


class ControlFlowContext:
    """The base: a stack of contexts, and tensors from outside as they are known inside."""

    def __init__(self, values_def=None, import_scope=None):
        self._nested_contexts = []
        self._outer_context = ops.get_default_graph()._get_control_flow_context()
        if self._outer_context is not None:
            self._outer_context._nested_contexts.append(self)
        self._context_stack = []
        self._values = set()  # tensors that count as inside though their node has no context
        self._external_values = {}  # outside tensor: what stands for it inside
        if values_def is not None:
            self._init_values_from_proto(values_def, import_scope)

    def _init_values_from_proto(self, values_def, import_scope):
        graph = ops.get_default_graph()

        def find(name):
            return graph.as_graph_element(ops.prepend_name_scope(name, import_scope))

        for name in values_def.values:
            element = find(name)
            if isinstance(element, ops.Tensor):
                self._values.add(element)
            op = element.op if isinstance(element, ops.Tensor) else element
            if op._get_control_flow_context() is None:
                op._set_control_flow_context(self)
        for key, value in values_def.external_values.items():
            self._external_values[find(key)] = find(value)

    @property
    def name(self):
        """The name of the context."""
        return self._name

    @property
    def outer_context(self):
        """The context around it, or None."""
        return self._outer_context

    @property
    def grad_state(self):
        """None: gradients are made by the core."""
        return None

    @property
    def back_prop(self):
        """Whether gradients go through."""
        return True

    def Enter(self):
        """Makes it the graph's current context."""
        graph = ops.get_default_graph()
        self._context_stack.append(graph._get_control_flow_context())
        graph._set_control_flow_context(self)

    def Exit(self):
        """Leaves it."""
        ops.get_default_graph()._set_control_flow_context(self._context_stack.pop())

    def EnterGradientColocation(self, op, gradient_uid):
        """Nothing: part of the interface."""

    def ExitGradientColocation(self, op, gradient_uid):
        """Nothing: part of the interface."""

    def ExitResult(self, result):
        """Results are known in the context around."""
        if self._outer_context is not None:
            self._outer_context._values.update(result)

    def GetWhileContext(self):
        """The innermost loop that it is in, or None."""
        return self._outer_context.GetWhileContext() if self._outer_context is not None else None

    def GetControlPivot(self):
        """What nodes without inputs wait for."""
        return None

    def IsWhileContext(self):
        """Whether it is a loop."""
        return False

    def IsCondContext(self):
        """Whether it is a branch."""
        return False

    def IsXLAContext(self):
        """False."""
        return False

    def AddName(self, name):
        """Nothing: what is inside is seen from the nodes."""

    def added(self, op):
        """A node was made inside: it may not have a value to fetch."""
        if self._outer_context is not None or op.type not in ("Exit", "RefExit"):
            op.graph.prevent_fetching(op)

    def AddOp(self, op):
        """A node was made inside by other means: nodes that nothing holds inside wait for the pivot."""
        if not op.inputs and not any(_within(c._get_control_flow_context(), self) for c in op.control_inputs):
            op._add_control_input(self.control_pivot.op)
        self.added(op)

    def AddInnerOp(self, op):
        """A node was made in a context inside of this one."""

    def inside(self, tensor):
        """Whether a tensor can be used here as it is."""
        return tensor in self._values or _within(tensor.op._get_control_flow_context(), self)

    def holds(self, inputs):
        """Whether a node about to be made can have the inputs as they are."""
        outside = self._external_values
        return all(x not in outside and self.inside(x) for x in inputs)

    def map_inputs(self, inputs):
        """The tensors that stand here for the inputs of a node about to be made."""
        return [x if x not in self._external_values and self.inside(x) else self.AddValue(x) for x in inputs]

    def _mark_seen(self, tensor):
        context = self
        while context is not None:
            context._values.add(tensor)
            context = context._outer_context

    def _outside(self, value):
        """VALUE as it is known in the context around."""
        return value if self._outer_context is None else self._outer_context.AddValue(value)

    def _in_this(self):
        """The names of tensors made inside."""
        found = {x.name for x in self._values}
        for op in ops.get_default_graph().get_operations():
            if _within(op._get_control_flow_context(), self):
                found.update(x.name for x in op.outputs)
        return found

    def _to_values_def(self, export_scope=None):
        """The ValuesDef message."""
        from tenon.python.framework import proto

        def strip(name):
            return ops.strip_name_scope(name, export_scope)

        message = proto.ValuesDef()
        message.values.extend(strip(name) for name in sorted(self._in_this()))
        for key, value in self._external_values.items():
            message.external_values[strip(key.name)] = strip(value.name)
        return message

    def __str__(self):
        return self.name


def _nested(context, message, export_scope):
    for inner in context._nested_contexts:
        inner_def = message.nested_contexts.add()
        inner.to_control_flow_context_def(inner_def, export_scope)


def from_control_flow_context_def(context_def, import_scope=None):
    """The context that a ControlFlowContextDef describes."""
    if context_def.HasField("cond_ctxt"):
        return CondContext.from_proto(context_def.cond_ctxt, import_scope=import_scope)
    if context_def.HasField("while_ctxt"):
        return WhileContext.from_proto(context_def.while_ctxt, import_scope=import_scope)
    raise NotImplementedError("Unknown ControlFlowContextDef field")


class CondContext(ControlFlowContext):
    """One branch of a condition: tensors from outside come in through a Switch."""

    def __init__(self, pred=None, pivot=None, branch=None, name="cond_text", context_def=None, import_scope=None):
        graph = ops.get_default_graph()
        if context_def is not None:
            self._name = ops.prepend_name_scope(context_def.context_name, import_scope)
            find = graph.as_graph_element
            self._pred = find(ops.prepend_name_scope(context_def.pred_name, import_scope))
            self._pivot = find(ops.prepend_name_scope(context_def.pivot_name, import_scope))
            self._branch = context_def.branch
            super().__init__(context_def.values_def, import_scope)
            return
        self._name = graph.unique_name(name)
        super().__init__()
        self._pred = pred
        self._pivot = pivot
        self._branch = branch
        self._values.update((pred, pivot))
        self._external_values[pred] = pred
        pivot.op._set_control_flow_context(self)

    pred = property(lambda self: self._pred, doc="The condition.")
    pivot = property(lambda self: self._pivot, doc="What nodes without inputs wait for.")
    branch = property(lambda self: self._branch, doc="1 where the condition holds, 0 where not.")
    control_pivot = property(lambda self: self._pivot, doc="What nodes without inputs wait for.")

    def IsCondContext(self):
        """True."""
        return True

    def AddValue(self, val):
        """VAL, through a Switch if it comes from outside."""
        if val in self._external_values:
            return self._external_values[val]
        if self.inside(val):
            return val
        result = self._outside(val)
        self._values.add(val)
        if result is not val:
            self._values.add(result)
            self._external_values[result] = result
        with ops.control_dependencies(None):
            result = nodes._SwitchRefOrTensor(result, self._pred)[self._branch]
        result.graph.prevent_fetching(result.op)
        self._mark_seen(result)
        self._external_values[val] = result
        return result

    def map_controls(self, inputs, controls):
        """The control inputs of a node: outside ones only where no loop is between; the pivot for one
        without inputs."""
        loop = self.GetWhileContext()
        if loop is not None:
            controls = [c for c in controls if _within(c._get_control_flow_context(), loop)]
        if not inputs and not any(_within(c._get_control_flow_context(), self) for c in controls):
            controls = [*controls, self._pivot.op]
        return controls

    def BuildCondBranch(self, fn):
        """(what FN returned, the list of tensors of this branch)."""
        from tenon.python.util import nest

        before = len(ops.get_collection(ops.GraphKeys._SUMMARY_COLLECTION))
        original = fn()
        after = ops.get_collection(ops.GraphKeys._SUMMARY_COLLECTION)
        if len(after) > before:  # summaries made in the branch are computed with it
            with ops.control_dependencies([s.op for s in after[before:]]):
                if original is None:
                    from tenon.python.ops import gen_ops

                    return gen_ops.no_op(), None
                original = nest.map_structure(_identity, original, expand_composites=True)
        if original is None:
            return None, None
        original = nest.map_structure(_known, original, expand_composites=True)
        result = [self._branch_tensor(v) for v in nest.flatten(original, expand_composites=True)]
        return original, result

    def _branch_tensor(self, value):
        if isinstance(value, ops.Operation):
            return nodes.with_dependencies([value], self._pivot)
        tensor = ops.internal_convert_to_tensor(nodes._convert_tensorarray_to_flow(value), as_ref=True)
        if tensor in self._external_values or not self.inside(tensor):
            return self.AddValue(tensor)
        return tensor

    def to_proto(self, export_scope=None):
        """The CondContextDef message; None outside of EXPORT_SCOPE."""
        from tenon.python.framework import proto

        if export_scope is not None and not self.name.startswith(export_scope):
            return None
        message = proto.CondContextDef(
            context_name=ops.strip_name_scope(self.name, export_scope),
            pred_name=ops.strip_name_scope(self._pred.name, export_scope),
            pivot_name=ops.strip_name_scope(self._pivot.name, export_scope), branch=self._branch,
        )  # fmt: skip
        message.values_def.MergeFrom(self._to_values_def(export_scope))
        _nested(self, message, export_scope)
        return message

    def to_control_flow_context_def(self, context_def, export_scope=None):
        """Writes it into a ControlFlowContextDef."""
        context_def.cond_ctxt.CopyFrom(self.to_proto(export_scope=export_scope))

    @staticmethod
    def from_proto(context_def, import_scope=None):
        """The context that a CondContextDef describes."""
        context = CondContext(context_def=context_def, import_scope=import_scope)
        context.Enter()
        for inner in context_def.nested_contexts:
            from_control_flow_context_def(inner, import_scope)
        context.Exit()
        return context


def _known(value):
    return (
        value
        if isinstance(value, ops.Operation) or nodes.is_tensor_array(value)
        else (ops.internal_convert_to_tensor(value, as_ref=True))
    )


def _identity(value):
    from tenon.python.ops import array_ops

    if isinstance(value, ops.Operation):
        return nodes.group(value)
    if nodes.is_tensor_array(value):
        return value.identity()
    return array_ops.identity(value)


class WhileContext(ControlFlowContext):
    """A loop: tensors from outside come in through an Enter."""

    def __init__(self, maximum_iterations=None, parallel_iterations=10, back_prop=True, swap_memory=False,
                 name="while_context", grad_state=None, context_def=None, import_scope=None):  # fmt: skip
        graph = ops.get_default_graph()
        self._pivot_for_pred = self._pivot_for_body = self._pivot = None
        self._loop_exits = []
        self._loop_enters = []
        self._maximum_iterations = maximum_iterations
        if context_def is not None:
            self._from_def(context_def, import_scope)
            return
        super().__init__()
        self._name = graph.unique_name(name)
        self._parallel_iterations = parallel_iterations
        self._back_prop = back_prop
        self._swap_memory = swap_memory

    def _from_def(self, context_def, import_scope):
        def find(name):
            return ops.get_default_graph().as_graph_element(ops.prepend_name_scope(name, import_scope))

        self._name = ops.prepend_name_scope(context_def.context_name, import_scope)
        if context_def.maximum_iterations_name:
            self._maximum_iterations = find(context_def.maximum_iterations_name)
        self._parallel_iterations = context_def.parallel_iterations
        self._back_prop = context_def.back_prop
        self._swap_memory = context_def.swap_memory
        self._pivot_for_pred = find(context_def.pivot_for_pred_name)
        self._pivot_for_body = find(context_def.pivot_for_body_name)
        self._pivot = find(context_def.pivot_name)
        self._loop_exits = [find(name) for name in context_def.loop_exit_names]
        self._loop_enters = [find(name) for name in context_def.loop_enter_names]
        super().__init__(context_def.values_def, import_scope)

    maximum_iterations = property(lambda self: self._maximum_iterations, doc="The most iterations, or None.")
    parallel_iterations = property(lambda self: self._parallel_iterations, doc="How many may run at once.")
    back_prop = property(lambda self: self._back_prop, doc="Whether gradients go through.")
    swap_memory = property(lambda self: self._swap_memory, doc="Whether memory may be swapped.")
    pivot = property(lambda self: self._pivot, doc="The LoopCond.")
    loop_enters = property(lambda self: self._loop_enters, doc="The Enters of the loop variables.")
    loop_exits = property(lambda self: self._loop_exits, doc="The Exits of the loop variables.")
    control_pivot = property(lambda self: self.GetControlPivot(), doc="What nodes without inputs wait for.")

    def IsWhileContext(self):
        """True."""
        return True

    def GetWhileContext(self):
        """Itself."""
        return self

    def GetControlPivot(self):
        """What nodes without inputs wait for."""
        return self._pivot_for_pred if self._pivot_for_body is None else self._pivot_for_body

    def AddValue(self, val):
        """VAL, through an Enter if it comes from outside."""
        if val in self._external_values:
            return self._external_values[val]
        if self.inside(val):
            return val
        result = self._outside(val)
        self._values.add(val)
        with ops.control_dependencies(None):
            enter = nodes._Enter(result, self._name, is_constant=True, parallel_iterations=self._parallel_iterations)
            enter.graph.prevent_feeding(enter)
        self._fix_enters([enter])
        self._values.add(enter)
        self._external_values[val] = enter
        return enter

    def _fix_enters(self, enters):
        """Enters wait for what their inputs would wait for outside, and count as inside."""
        graph = ops.get_default_graph()
        for enter in enters:
            controls = graph._control_dependencies_for_inputs([enter.op.inputs[0].op])
            outer = [c for c in controls if _within(self.outer_context, c._get_control_flow_context())
                     or c._get_control_flow_context() is None]  # fmt: skip
            enter.op._set_control_flow_context(self)
            if outer:
                enter.op._add_control_inputs(outer)

    def map_controls(self, inputs, controls):
        """The control inputs of a node: those inside as they are, those outside through an Identity of an output."""
        from tenon.python.ops import array_ops

        inside = [c for c in controls if _within(c._get_control_flow_context(), self)]
        outside = [c for c in controls if c not in inside]
        if not inputs and not inside:
            inside.append(self.GetControlPivot().op)
        outputs = [c.outputs[0] for c in outside if c.outputs]
        if outputs:
            with ops.control_dependencies(None):
                self.Enter()
                inside += [array_ops.identity(x).op for x in outputs]
                self.Exit()
        return inside

    def BuildLoop(self, pred, body, loop_vars, shape_invariants, return_same_structure):
        """Makes the loop; what it returns has the structure of what BODY returned."""
        from tenon.python.ops.while_builder import build

        return build(self, pred, body, loop_vars, shape_invariants, return_same_structure)

    def to_proto(self, export_scope=None):
        """The WhileContextDef message; None outside of EXPORT_SCOPE."""
        from tenon.python.framework import proto

        if export_scope is not None and not self.name.startswith(export_scope):
            return None

        def strip(name):
            return ops.strip_name_scope(name, export_scope)

        message = proto.WhileContextDef(
            context_name=strip(self.name), parallel_iterations=self._parallel_iterations, back_prop=self._back_prop,
            swap_memory=self._swap_memory, pivot_for_pred_name=strip(self._pivot_for_pred.name),
            pivot_for_body_name=strip(self._pivot_for_body.name), pivot_name=strip(self._pivot.name),
        )  # fmt: skip
        if self._maximum_iterations is not None:
            message.maximum_iterations_name = strip(self._maximum_iterations.name)
        message.loop_exit_names.extend(strip(x.name) for x in self._loop_exits)
        message.loop_enter_names.extend(strip(x.name) for x in self._loop_enters)
        message.values_def.MergeFrom(self._to_values_def(export_scope))
        _nested(self, message, export_scope)
        return message

    def to_control_flow_context_def(self, context_def, export_scope=None):
        """Writes it into a ControlFlowContextDef."""
        context_def.while_ctxt.CopyFrom(self.to_proto(export_scope=export_scope))

    @staticmethod
    def from_proto(context_def, import_scope=None):
        """The context that a WhileContextDef describes."""
        context = WhileContext(context_def=context_def, import_scope=import_scope)
        context.Enter()
        for inner in context_def.nested_contexts:
            from_control_flow_context_def(inner, import_scope)
        context.Exit()
        return context


def _register():
    from tenon.python.framework import proto

    for key, message, kind in (
        (ops.GraphKeys.COND_CONTEXT, proto.CondContextDef, CondContext),
        (ops.GraphKeys.WHILE_CONTEXT, proto.WhileContextDef, WhileContext),
    ):
        ops.register_proto_function(key, proto_type=message, to_proto=kind.to_proto, from_proto=kind.from_proto)
