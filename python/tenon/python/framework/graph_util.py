"""Taking GraphDefs apart: what some nodes need, variables as constants, what only training needs."""

import re

from tenon.python.framework import dtypes, ops, tensor_util
from tenon.python.framework.proto import AttrValue, GraphDef, NodeDef
from tenon.python.platform import tf_logging as logging
from tenon.python.util.tf_export import tf_export

_VARIABLES = ("Variable", "VariableV2", "AutoReloadVariable", "VarHandleOp", "ReadVariableOp")


@tf_export("graph_util.must_run_on_cpu")
def must_run_on_cpu(node, pin_variables_on_cpu=False):
    """True if a node (NodeDef or Operation) can't run on a GPU: strings, and int32 constants."""
    definition = node if isinstance(node, NodeDef) else node.node_def
    if pin_variables_on_cpu and definition.op in _VARIABLES[:3]:
        return True
    string, int32 = dtypes.string.number, dtypes.int32.number
    if definition.op == "Const":
        return definition.attr["dtype"].type in (string, int32)
    if definition.op in ("DynamicStitch", "ParameterizedTruncatedNormal"):
        return definition.attr["T"].type in (int32,)
    if definition.op in ("Cast",):
        return definition.attr["SrcT"].type in (int32,)
    return any(attr.type == string for attr in definition.attr.values())


def _node_name(text):
    """The name of the node that an input names."""
    return text.lstrip("^").split(":")[0]


def _check(graph_def, what="graph_def"):
    if not isinstance(graph_def, GraphDef):
        raise TypeError(f"{what} must be a graph_pb2.GraphDef proto, but got type {type(graph_def)}.")


@tf_export("graph_util.extract_sub_graph")
def extract_sub_graph(graph_def, dest_nodes):
    """The GraphDef of what the nodes called DEST_NODES need."""
    _check(graph_def)
    if isinstance(dest_nodes, str):
        raise TypeError(f"dest_nodes must be an iterable of strings, but got type {type(dest_nodes)}.")
    nodes = {node.name: node for node in graph_def.node}
    for name in dest_nodes:
        if name not in nodes:
            raise AssertionError(f"{name} is not in graph")
    wanted, left = set(), list(dest_nodes)
    while left:
        name = left.pop()
        if name in wanted:
            continue
        if name not in nodes:
            raise AssertionError(f"{name} is not in graph")
        wanted.add(name)
        left.extend(_node_name(text) for text in nodes[name].input)
    out = GraphDef()
    out.node.extend(node for node in graph_def.node if node.name in wanted)
    out.library.CopyFrom(graph_def.library)
    out.versions.CopyFrom(graph_def.versions)
    return out


@tf_export("graph_util.tensor_shape_from_node_def_name")
def tensor_shape_from_node_def_name(graph, input_name):
    """The static shape of the tensor that a NodeDef's input names."""
    name = input_name if ":" in input_name else input_name + ":0"
    return graph.get_tensor_by_name(re.sub(r"^\^", "", name)).get_shape()


def _constant(name, dtype, value):
    node = NodeDef(op="Const", name=name)
    node.attr["dtype"].CopyFrom(dtype)
    tensor = tensor_util.make_tensor_proto(value, dtype=dtype.type, shape=value.shape)
    node.attr["value"].CopyFrom(AttrValue(tensor=tensor))
    return node


def _handle_of(nodes, name):
    """The VarHandleOp that a resource comes from."""
    node = nodes[_node_name(name)]
    while node.op in ("Identity", "Enter", "Switch", "RefEnter"):
        node = nodes[_node_name(node.input[0])]
    return node


def _fetch(sess, node):
    """What to fetch for a variable's value."""
    if node.op != "VarHandleOp":
        return node.name + ":0"
    handle = sess.graph.get_tensor_by_name(node.name + ":0")
    for op in handle.consumers():
        if op.type == "ReadVariableOp":
            return op.outputs[0]
    from tenon.python.ops import gen_ops

    with sess.graph.as_default(), ops.name_scope(None):
        return gen_ops.read_variable_op(handle, handle.op.get_attr("dtype"))


@tf_export("graph_util.convert_variables_to_constants")
def convert_variables_to_constants(sess, input_graph_def, output_node_names, variable_names_whitelist=None,
                                   variable_names_blacklist=None):  # fmt: skip
    """The GraphDef of what OUTPUT_NODE_NAMES need, its variables constants with their values in SESS."""
    inference = extract_sub_graph(input_graph_def, output_node_names)
    nodes = {node.name: node for node in inference.node}
    frozen = {}
    for node in inference.node:
        if node.op not in ("Variable", "VariableV2", "VarHandleOp", "AutoReloadVariable"):
            continue
        if variable_names_whitelist is not None and node.name not in variable_names_whitelist:
            continue
        if variable_names_blacklist is not None and node.name in variable_names_blacklist:
            continue
        frozen[node.name] = _fetch(sess, node)
    values = dict(zip(frozen, sess.run(list(frozen.values())) if frozen else []))
    logging.info("Froze %d variables.", len(values))
    out = GraphDef()
    for node in inference.node:
        if node.name in values:
            out.node.add().CopyFrom(_constant(node.name, node.attr["dtype"], values[node.name]))
            continue
        copy = out.node.add()
        copy.CopyFrom(node)
        if node.op == "ReadVariableOp" and _handle_of(nodes, node.input[0]).name in values:
            copy.Clear()
            copy.op, copy.name = "Identity", node.name
            copy.input.extend(node.input)
            copy.attr["T"].CopyFrom(node.attr["dtype"])
        elif node.op == "ResourceGather" and _handle_of(nodes, node.input[0]).name in values:
            _as_gather(out, copy, node)
        elif node.op in ("Enter", "Switch", "Identity") and node.attr["T"].type == dtypes.resource.number:
            handle = _handle_of(nodes, node.input[0])
            if handle.name in values:
                copy.attr["T"].CopyFrom(handle.attr["dtype"])
    out.library.CopyFrom(inference.library)
    logging.info("Converted %d variables to const ops.", len(values))
    return out


def _as_gather(out, copy, node):
    """A gather from a resource as one from a tensor."""
    axis = out.node.add()
    axis.CopyFrom(_constant(node.name + "/axis", AttrValue(type=dtypes.int32.number), _zero()))
    copy.Clear()
    copy.op, copy.name = "GatherV2", node.name
    copy.input.extend([*node.input, axis.name])
    copy.attr["Tparams"].CopyFrom(node.attr["dtype"])
    copy.attr["Tindices"].CopyFrom(node.attr["Tindices"])
    copy.attr["Taxis"].CopyFrom(AttrValue(type=dtypes.int32.number))


def _zero():
    import numpy as np

    return np.array(0, np.int32)


def _without(graph_def, protected):
    """GRAPH_DEF without CheckNumerics, and without Identity nodes that nothing needs as they are."""
    controls = {_node_name(text) for node in graph_def.node for text in node.input if text[:1] == "^"}
    spliced = {}
    for node in graph_def.node:
        kind = node.op == "CheckNumerics" or node.op == "Identity"
        if not kind or node.name in protected or (node.op == "Identity" and node.name in controls):
            continue
        data = [text for text in node.input if text[:1] != "^"]
        if len(node.input) != len(data) or not data:
            continue
        if len(data) == 1 and node.name not in controls:
            spliced[node.name] = data[0]
    return spliced


@tf_export("graph_util.remove_training_nodes")
def remove_training_nodes(input_graph, protected_nodes=None):
    """The GraphDef without CheckNumerics and Identity nodes, but for those called PROTECTED_NODES."""
    _check(input_graph, "input_graph")
    spliced = _without(input_graph, set(protected_nodes or ()))

    def source(text):
        seen = set()
        while text.lstrip("^") in spliced and text not in seen:
            seen.add(text)
            text = spliced[text.lstrip("^")]
        return text

    out = GraphDef()
    for node in input_graph.node:
        if node.name in spliced:
            continue
        copy = out.node.add()
        copy.CopyFrom(node)
        del copy.input[:]
        for text in node.input:
            found = source(text)
            copy.input.append(found)
    out.library.CopyFrom(input_graph.library)
    out.versions.CopyFrom(input_graph.versions)
    return out
