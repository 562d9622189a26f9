"""Graphs from GraphDefs."""

from tenon.python.framework import errors, ops
from tenon.python.framework.device import DeviceSpec, device_text
from tenon.python.util.tf_export import tf_export


def _checked(graph_def):
    """GRAPH_DEF as bytes. TypeError."""
    from tenon.python.framework.proto import GraphDef

    if isinstance(graph_def, GraphDef):
        return graph_def, graph_def.SerializeToString()
    if type(graph_def).__name__ == "GraphDef" and hasattr(graph_def, "SerializeToString"):
        data = graph_def.SerializeToString()
        return GraphDef.FromString(data), data
    raise TypeError("graph_def must be a GraphDef proto.")


def _check_input_map(input_map):
    if not isinstance(input_map, dict) or not all(isinstance(k, str) for k in input_map):
        raise TypeError("input_map must be a dictionary mapping strings to Tensor objects.")


def _check_return_elements(return_elements):
    if return_elements is None:
        return None
    return_elements = tuple(return_elements)
    if not all(isinstance(element, str) for element in return_elements):
        raise TypeError("return_elements must be a list of strings.")
    return return_elements


def _tensors(input_map):
    """The values as tensors; those of control inputs stay operations."""
    if all(isinstance(v, ops.Tensor) or k[:1] == "^" for k, v in input_map.items()):
        return input_map
    with ops.name_scope("_inputs"):
        return {k: v if k[:1] == "^" else ops.convert_to_tensor(v) for k, v in input_map.items()}


def _key(name):
    """The name of an input in its short form."""
    return name[:-2] if name.endswith(":0") else name


def _check_used(graph_def, input_map):
    used = {_key(x) for node in graph_def.node for x in node.input} | {node.name for node in graph_def.node}
    used |= {"^" + node.name for node in graph_def.node}
    missing = [name for name in input_map if _key(name) not in used and name.split(":")[0] not in used]
    if missing:
        raise ValueError(f"Attempted to map inputs that were not found in graph_def: [{', '.join(missing)}]")


def _free_names(graph, graph_def, prefix):
    """GRAPH_DEF with names that the graph has already made unique, as bytes; None where none has to change."""
    lead = prefix + "/" if prefix else ""
    taken = [node.name for node in graph_def.node if graph.name_uses(lead + node.name)]
    if not taken:
        return None
    own = {node.name for node in graph_def.node}
    renamed = {}
    for name in taken:
        i = 1
        while graph.name_uses(f"{lead}{name}_{i}") or f"{name}_{i}" in own:
            i += 1
        renamed[name] = f"{name}_{i}"
        own.add(renamed[name])
    for node in graph_def.node:
        node.name = renamed.get(node.name, node.name)
        for i, text in enumerate(node.input):
            name, colon, number = text.lstrip("^").partition(":")
            if name in renamed:
                node.input[i] = f"{'^' if text[0] == '^' else ''}{renamed[name]}{colon}{number}"
    return graph_def.SerializeToString()


def _placed(graph, first):
    """The devices of the scopes, for the operations from number FIRST on."""
    if not graph._device_stack:
        return
    for id in range(first, graph.n_nodes()):
        operation = graph._operation(id)
        if graph._device_functions:
            graph._apply_device_functions(operation)
        elif graph._device_now:
            spec = DeviceSpec.from_string(graph._device_now)
            spec.merge_from(DeviceSpec.from_string(device_text(operation.device)))
            operation._set_device(spec)


def _colocated(graph, graph_def, prefix):
    """What is colocated asks for the device of the first in its groups that asks for one, and for none by itself."""
    lead = prefix + "/" if prefix else ""
    bound = []
    for node in graph_def.node:
        if "_class" in node.attr:
            operation = graph.get_operation_by_name(lead + node.name)
            groups = [name[5:].decode() for name in operation.colocation_groups() if name.startswith(b"loc:@")]
            groups = [name for name in groups if name != operation.name]
            if groups:
                operation._set_device("")
                bound.append((operation, groups))
    for operation, groups in bound:
        devices = (graph.get_operation_by_name(name).device for name in groups)
        operation._set_device(next((device for device in devices if device), ""))


def _returned(graph, elements, prefix):
    lead = prefix + "/" if prefix else ""
    found = []
    for element in elements:
        try:
            found.append(graph.as_graph_element(lead + element))
        except (KeyError, ValueError):
            raise ValueError(f"Requested return_element {element!r} not found in graph_def.") from None
    return found


@tf_export("import_graph_def", "graph_util.import_graph_def")
def import_graph_def(graph_def, input_map=None, return_elements=None, name=None, op_dict=None, producer_op_list=None):
    """Adds the nodes of a GraphDef to the default graph, called NAME/... ("import/..." if NAME is None, as they are if
    it is ""). INPUT_MAP: {name of a tensor in it: tensor to use instead}. Returns the tensors ("x:0") and operations
    ("x") that RETURN_ELEMENTS name."""
    graph_def, data = _checked(graph_def)
    input_map = {} if input_map is None else input_map
    _check_input_map(input_map)
    return_elements = _check_return_elements(return_elements)
    graph = ops.get_default_graph()
    graph._check_not_finalized()
    with ops.name_scope(name, "import", list(input_map.values())) as scope:
        prefix = scope[:-1] if scope else ""
        names, refs = [], []
        if input_map:
            if not scope and not all(isinstance(v, ops.Tensor) for v in input_map.values()):
                raise ValueError("tf.import_graph_def() requires a non-empty `name` if `input_map` contains non-Tensor "
                                 "values. Try calling tf.convert_to_tensor() on `input_map` values before calling "
                                 "tf.import_graph_def().")  # fmt: skip
            mapped = _tensors(input_map)
            _check_used(graph_def, mapped)
            for key, value in mapped.items():
                names.append(key)
                refs.append(value._ref if isinstance(value, ops.Tensor) else (value._id, -1))
    data = _free_names(graph, graph_def, prefix) or data
    first = graph.n_nodes()
    try:
        graph.import_def(data, prefix, tuple(names), refs)
    except errors.InvalidArgumentError as error:
        raise ValueError(error.message) from None
    _placed(graph, first)
    if b"_class" in data:
        _colocated(graph, graph_def, prefix)
    return None if return_elements is None else _returned(graph, return_elements, prefix)


def import_graph_def_for_function(graph_def, name=None):
    """The same, for a function's body."""
    return import_graph_def(graph_def, name=name)
