"""fuse_op: a part of a GraphDef as one node."""

import copy

from tenon.python.framework import dtypes
from tenon.python.framework.graph_util import _node_name
from tenon.python.framework.proto import GraphDef, NodeDef
from tenon.python.util.tf_export import tf_export


def _ancestors(names, nodes):
    """NAMES and all that they need."""
    found, left = set(), list(names)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left.extend(_node_name(text) for text in nodes[name].input)
    return found


def _check_inside(nodes, start, before, inputs):
    """TypeError if what START needs leaves the part elsewhere than at INPUTS."""
    seen, left = set(), [start]
    while left:
        name = left.pop()
        if name in seen or name in inputs:
            continue
        seen.add(name)
        if name in before:
            raise TypeError(f"Node {start} uses input {name} not in input_nodes.")
        left.extend(_node_name(text) for text in nodes[name].input)


@tf_export("contrib.framework.fuse_op")
def fuse_op(graph_def, input_nodes, output_nodes, output_dtypes, output_quantized, op_name, op_type):
    """GRAPH_DEF in which what lies between INPUT_NODES and OUTPUT_NODES is one node, called OP_NAME, of type OP_TYPE.

    Each output node stays, with an output of the new node as its only input.
    """
    if not isinstance(graph_def, GraphDef):
        raise TypeError("graph_def must be a graph_pb2.GraphDef proto.")
    for what, names in (("input_nodes", input_nodes), ("output_nodes", output_nodes)):
        if isinstance(names, str):
            raise TypeError(f"{what} must be a list.")
    nodes = {_node_name(node.name): node for node in graph_def.node}
    for name in [*input_nodes, *output_nodes]:
        if name not in nodes:
            raise AssertionError(f"{name} is not in graph")
    before, up_to = _ancestors(input_nodes, nodes), _ancestors(output_nodes, nodes)
    inputs = set(input_nodes)
    for name in nodes:
        if name in up_to and name not in before and name not in output_nodes:
            _check_inside(nodes, name, before, inputs)
    out = GraphDef()
    out.node.extend(copy.deepcopy(node) for name, node in nodes.items() if name in before)
    fused = NodeDef(name=op_name, op=op_type, input=list(input_nodes))
    fused.attr["_output_types"].list.type.extend(dtypes.as_dtype(dtype).as_datatype_enum for dtype in output_dtypes)
    fused.attr["_output_quantized"].b = output_quantized
    out.node.append(fused)
    for index, name in enumerate(output_nodes):
        node = copy.deepcopy(nodes[name])
        if len(node.input) != 1:
            raise AssertionError(f"output node {name} must have one input, but has {len(node.input)}")
        node.input[0] = f"{op_name}:{index}" if index else op_name
        out.node.append(node)
    out.node.extend(copy.deepcopy(node) for name, node in nodes.items() if name not in up_to | before)
    out.library.CopyFrom(graph_def.library)
    out.versions.CopyFrom(graph_def.versions)
    return out
