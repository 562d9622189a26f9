"""What a graph keeps beside its nodes: collections, and the scopes that apply to nodes as they are made."""

import re
from contextlib import contextmanager

from tenon.python.framework.device import device_text, merge_device
from tenon.python.framework.tensor import Operation, Tensor

_SCOPE_NAME = re.compile(r"^[A-Za-z0-9_.\\/>-]*$").match
_FIRST_SCOPE_NAME = re.compile(r"^[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*$").match


class Collections:
    """Lists by name."""

    def _init_collections(self):
        self._collections = {}

    @property
    def collections(self):
        """The names of all collections."""
        return list(self._collections)

    def add_to_collection(self, name, value):
        """Appends VALUE to the collection called NAME."""
        self._check_not_finalized()
        self._collections.setdefault(name, []).append(value)

    def add_to_collections(self, names, value):
        """Appends VALUE to each of the collections NAMES."""
        names = (names,) if isinstance(names, str) else dict.fromkeys(names)
        for name in names:
            self.add_to_collection(name, value)

    def get_collection_ref(self, name):
        """The collection called NAME itself, which may be changed."""
        return self._collections.setdefault(name, [])

    def get_collection(self, name, scope=None):
        """A copy of the collection; with SCOPE (a regular expression) only items whose names begin so."""
        items = self._collections.get(name, [])
        if scope is None:
            return list(items)
        match = re.compile(scope).match
        return [item for item in items if hasattr(item, "name") and match(item.name)]

    def get_all_collection_keys(self):
        """The names of all collections, for programs: not those that begin with "__"."""
        return [name for name in self._collections if isinstance(name, str)]

    def clear_collection(self, name):
        """Empties the collection called NAME."""
        self._check_not_finalized()
        self._collections.pop(name, None)


class _ControlScope:
    """Operations that later ones wait for, but for those that already depend on one made in this scope (SEEN)."""

    __slots__ = ("clear", "context", "graph", "operations", "seen")

    def __init__(self, graph, operations, clear):
        self.graph = graph
        self.operations = operations
        self.seen = set()
        self.clear = clear
        self.context = None

    def __enter__(self):
        graph = self.graph
        if self.clear:  # no dependencies, and outside of loops and conditions
            self.context = graph._control_flow_context
            graph._control_flow_context = None
        graph._control_stack.append(self)
        graph._refresh()

    def __exit__(self, *_):
        graph = self.graph
        if not graph._control_stack or graph._control_stack.pop() is not self:
            raise AssertionError("control_dependencies: scopes must be left in the order in which they were entered")
        if self.clear:
            graph._control_flow_context = self.context
        graph._refresh()


class _NameScope:
    """A name scope of a graph."""

    __slots__ = ("graph", "name")

    def __init__(self, graph, name):
        self.graph = graph
        self.name = name

    def __enter__(self):
        return self.graph._enter_name_scope(self.name)

    def __exit__(self, *_):
        self.graph.pop_name_scope()


class _Colocation:
    """Later operations go where OPERATION is; with IGNORE whatever the blocks around say."""

    __slots__ = ("before", "graph", "ignore", "operation")

    def __init__(self, graph, operation, ignore):
        self.graph = graph
        self.operation = operation
        self.ignore = ignore

    def __enter__(self):
        graph = self.graph
        self.before = graph._colocation_stack, graph._device_stack
        stack = [] if self.ignore else graph._colocation_stack
        if self.operation is not None:  # its device is taken, not that of the scopes
            graph._colocation_stack = [*stack, self.operation]
            graph._device_stack = [*graph._device_stack, None]
            graph._devices_changed()
        else:
            graph._colocation_stack = stack
            graph._refresh()

    def __exit__(self, *_):
        graph = self.graph
        graph._colocation_stack, graph._device_stack = self.before
        graph._devices_changed()


class _DeviceScope:
    """Later operations are placed by ENTRY: a function, a canonical name, or None for no device."""

    __slots__ = ("before", "entry", "graph")

    def __init__(self, graph, entry):
        self.graph = graph
        self.entry = entry

    def __enter__(self):
        graph = self.graph
        self.before = graph._device_stack
        graph._device_stack = [*self.before, self.entry]
        graph._devices_changed()

    def __exit__(self, *_):
        self.graph._device_stack = self.before
        self.graph._devices_changed()


class Scopes:
    """The stacks of scopes of a graph."""

    def _init_scopes(self):
        self._control_stack = []
        self._device_stack = []  # (what was given, function or canonical name or None to clear)
        self._device_now = None
        self._device_functions = False
        self._colocation_stack = []
        self._attr_scopes = {}
        self._override_map = {}
        self._label_map = {}
        self._gradient_names = set()
        self._control_flow_context = None
        self._default_original_op = None
        self._plain = self._attrs_plain = True

    def _refresh(self):
        """Whether new nodes need no look at the scopes."""
        self._attrs_plain = not (self._colocation_stack or self._attr_scopes or self._override_map or self._label_map
                                 or self._container)  # fmt: skip
        self._plain = self._attrs_plain and not (
            self._control_stack or self._device_stack or self._control_flow_context is not None
        )

    def _get_control_flow_context(self):
        return self._control_flow_context

    def _set_control_flow_context(self, context):
        self._control_flow_context = context
        self._refresh()

    # --- names ---

    @property
    def _name_stack(self):
        return self.name_scope_now()

    def get_name_scope(self):
        """The present name scope, without a '/' at its end."""
        return self.name_scope_now()

    def unique_name(self, name, mark_as_used=True):
        """The name, with the scope before it, that an operation asking for NAME would get; taken with MARK_AS_USED."""
        if mark_as_used:
            return super().unique_name(name)
        scope = self.name_scope_now()
        full = f"{scope}/{name}" if scope else name
        i = self.name_uses(full)
        if not i:
            return full
        while self.name_uses(f"{full}_{i}"):
            i += 1
        return f"{full}_{i}"

    def name_scope(self, name):
        """A `with` block whose operations are called NAME/...; yields the scope. None or "" is the root; a name that
        ends in '/' is taken as it is."""
        return _NameScope(self, name)

    def _enter_name_scope(self, name):
        """Enters a name scope; returns it, with a '/' at its end."""
        if not name:
            self.push_name_scope(None)
            return ""
        if isinstance(name, bytes):
            name = name.decode()
        valid = _SCOPE_NAME if self.name_scope_now() else _FIRST_SCOPE_NAME
        if not valid(name):
            raise ValueError(f"'{name}' is not a valid scope name")
        return self.push_name_scope(name) + "/"

    # --- dependencies ---

    def control_dependencies(self, control_inputs):
        """A `with` block whose operations run after CONTROL_INPUTS; None takes all dependencies away."""
        if control_inputs is None:
            return _ControlScope(self, [], True)
        operations = []
        current = {op for scope in self._control_scopes() for op in scope.operations}
        for item in control_inputs:
            if not isinstance(item, (Tensor, Operation)):
                if hasattr(item, "values") and hasattr(item, "indices") and hasattr(item, "op"):
                    item = item.op  # IndexedSlices
                elif hasattr(item, "_as_graph_element"):
                    item = item._as_graph_element()
                item = self.as_graph_element(item)
            elif item.graph is not self:
                item = self.as_graph_element(item) if not self.building_function else None
                if item is None:
                    continue
            operation = item.op if isinstance(item, Tensor) else item
            if operation not in current:
                operations.append(operation)
                current.add(operation)
        return _ControlScope(self, operations, False)

    def _control_scopes(self):
        """The scopes that count now, outermost first."""
        stack = self._control_stack
        for i in range(len(stack) - 1, -1, -1):
            if stack[i].clear:
                return stack[i:]
        return stack

    def _control_dependencies_for_inputs(self, input_ops):
        found = []
        for scope in self._control_scopes():
            if not any(op in scope.seen for op in input_ops):
                found += [op for op in scope.operations if op not in input_ops]
        return found

    def _controls_for(self, inputs):
        return self._control_dependencies_for_inputs([x._op for x in inputs]) if self._control_stack else []

    def _current_control_dependencies(self):
        return {op for scope in self._control_scopes() for op in scope.operations}

    def _controls_in(self, context, inputs, controls):
        """The control inputs of a node in a condition or loop: those inside, and its pivot where nothing ties it."""
        mapper = getattr(context, "map_controls", None)
        if mapper is not None:
            return mapper(inputs, controls)
        inside = [op for op in controls if _within(op._control_flow_context, context)]
        pivot = getattr(context, "control_pivot", None)
        if not inputs and not inside and pivot is not None:
            inside = [pivot.op if isinstance(pivot, Tensor) else pivot]
        return inside

    def _note(self, operation):
        for scope in self._control_scopes():
            scope.seen.add(operation)
        if self._colocation_stack:
            for other in self._colocation_stack:
                if other.device:
                    operation._set_device(other.device)
        if self._device_functions:
            self._apply_device_functions(operation)

    # --- devices ---

    def device(self, device_name_or_function):
        """A `with` block for operations on a device: a name, a function of the operation, or None."""
        given = device_name_or_function
        if given is not None and (isinstance(given, str) or not callable(given) or hasattr(given, "to_string")):
            given = device_text(given)
        return _DeviceScope(self, given)

    def _devices_changed(self):
        now, functions = "", False
        for entry in self._device_stack:
            if entry is None:
                now, functions = "", False
            elif callable(entry):
                functions = True
            elif not functions:
                now = merge_device(now)(entry) if now else entry
        self._device_functions = functions
        self._device_now = None if functions else now or None
        self._refresh()

    def _apply_device_functions(self, operation):
        """From the innermost scope outwards, as each may look at what the inner ones decided."""
        for entry in reversed(self._device_stack):
            if entry is None:
                break
            if callable(entry):
                chosen = entry(operation)
                operation._set_device(chosen if chosen is not None else "")
            else:
                operation._set_device(merge_device(entry)(operation))

    # --- colocation and attributes ---

    def colocate_with(self, op, ignore_existing=False):
        """A `with` block whose operations go where OP is; with IGNORE_EXISTING only there."""
        if op is None and not ignore_existing:
            raise ValueError("Trying to reset colocation (op is None) but ignore_existing is not True")
        if op is not None and not isinstance(op, Operation):
            op = getattr(op, "op", None) or self.as_graph_element(op).op
        return _Colocation(self, op, ignore_existing)

    def _scope_attrs(self, op_type, attrs):
        """The attributes that scopes add to a new node."""
        added = []
        if self._attrs_plain:
            return added
        names = {triple[0] for triple in attrs}
        if self._colocation_stack and "_class" not in names:
            groups = {group for op in self._colocation_stack for group in op.colocation_groups()}
            added.append(("_class", "list(string)", sorted(groups)))
        override = self._override_map.get(op_type)
        if override is not None and "_gradient_op_type" not in names:
            added.append(("_gradient_op_type", "string", override.encode()))
        label = self._label_map.get(op_type)
        if label is not None:
            added.append(("_kernel", "string", label.encode()))
        if self._container and "container" not in names:
            from tenon._proto import op_info

            if "container" in op_info(op_type).attrs:
                added.append(("container", "string", self._container.encode()))
        for name, value in self._attr_scopes.items():
            if name not in names and value is not None and all(name != triple[0] for triple in added):
                added.append(value)
        self._note_gradients(added)
        return added

    def _note_gradients(self, attrs):
        """The names of the users' gradients that ATTRS ask for."""
        for name, _, value in attrs:
            if name == "_gradient_op_type":
                self._gradient_names.add(value.decode())

    def _scope_attr(self, name, value):
        from tenon._graph import _attribute, _guess_kind
        from tenon._proto import attr_value

        if hasattr(value, "SerializeToString"):
            kind, value = attr_value(value.SerializeToString())
        else:
            kind = _guess_kind(value)
            value = _attribute(kind, value)
        return name, kind, value

    @contextmanager
    def _merged(self, attribute, extra):
        before = getattr(self, attribute)
        setattr(self, attribute, {**before, **extra})
        self._refresh()
        try:
            yield
        finally:
            setattr(self, attribute, before)
            self._refresh()

    def _attr_scope(self, attr_map):
        raw = {name: None if value is None else self._scope_attr(name, value) for name, value in attr_map.items()}
        return self._merged("_attr_scopes", raw)

    def _kernel_label_map(self, op_to_kernel_label_map):
        return self._merged("_label_map", op_to_kernel_label_map)

    def gradient_override_map(self, op_type_map):
        """A `with` block in which operations of a type get the gradient registered under another name."""
        if not isinstance(op_type_map, dict):
            raise TypeError("op_type_map must be a dictionary mapping strings to strings")
        for key, value in op_type_map.items():
            if not isinstance(key, str) or not isinstance(value, str):
                raise TypeError("op_type_map must be a dictionary mapping strings to strings")
        return self._merged("_override_map", op_type_map)

    @contextmanager
    def container(self, container_name):
        """A `with` block whose variables, queues and tables live in the container called CONTAINER_NAME."""
        before = self._container
        self._container = container_name
        self._refresh()
        try:
            yield container_name
        finally:
            self._container = before
            self._refresh()

    @contextmanager
    def _original_op(self, op):
        before = self._default_original_op
        self._default_original_op = op
        try:
            yield
        finally:
            self._default_original_op = before


def _within(context, outer):
    """True if CONTEXT is OUTER or inside of it."""
    while context is not None:
        if context is outer:
            return True
        context = getattr(context, "outer_context", None)
    return False
