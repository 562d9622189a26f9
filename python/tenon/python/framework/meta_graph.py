"""MetaGraphDefs: a graph with its collections, so that another program can go on with it."""

import os
import re

from tenon import _core
from tenon.python.framework import ops, proto_text
from tenon.python.framework import proto as messages
from tenon.python.platform import tf_logging as logging
from tenon.python.util.tf_export import tf_export

_UNBOUND_INPUT_PREFIX = "$unbound_inputs_"
_VERSION = "1.15.0"


@tf_export("contrib.util.ops_used_by_graph_def")
def ops_used_by_graph_def(graph_def):
    """The names of the ops that a GraphDef uses, also in the functions that it calls."""
    functions = {function.signature.name: function for function in graph_def.library.function}
    used, left = set(), [node.op for node in graph_def.node]
    while left:
        name = left.pop()
        if name not in used:
            used.add(name)
            left.extend(node.op for node in (functions[name].node_def if name in functions else ()))
    return used - set(functions)


@tf_export("contrib.util.stripped_op_list_for_graph")
def stripped_op_list_for_graph(graph_def):
    """The OpDefs, without documentation, of the ops that a GraphDef uses."""
    found = messages.get("tensorflow.OpList")()
    for name in sorted(ops_used_by_graph_def(graph_def) & set(_core.op_names())):
        op_def = messages.get("tensorflow.OpDef").FromString(_core.op_def(name))
        op_def.ClearField("summary")
        op_def.ClearField("description")
        for argument in (*op_def.input_arg, *op_def.output_arg, *op_def.attr):
            argument.ClearField("description")
        found.op.add().CopyFrom(op_def)
    return found


def strip_graph_default_valued_attrs(meta_graph_def):
    """Removes attributes that are as their op's definition says, so that older programs read the graph."""
    definitions = {}
    for op in meta_graph_def.meta_info_def.stripped_op_list.op:
        definitions[op.name] = {attr.name: attr.default_value for attr in op.attr if attr.HasField("default_value")}
    graph_def = meta_graph_def.graph_def
    for nodes in (graph_def.node, *(function.node_def for function in graph_def.library.function)):
        for node in nodes:
            for name, default in definitions.get(node.op, {}).items():
                if name in node.attr and node.attr[name] == default:
                    del node.attr[name]
    meta_graph_def.meta_info_def.stripped_default_attrs = True


# --- collections ------------------------------------------------------------------------------------------------------


def _register():
    """Makes sure that all that can stand in collections is known: variables, queue runners, conditions, savers."""
    from tenon.python.ops import control_flow_context, variables
    from tenon.python.training import queue_runner_impl, saver

    if ops.get_to_proto_function(ops.GraphKeys.GLOBAL_VARIABLES) is None:
        keys = ops.GraphKeys
        for key in (keys.GLOBAL_VARIABLES, keys.TRAINABLE_VARIABLES, keys.MOVING_AVERAGE_VARIABLES, keys.EVAL_STEP,
                    keys.LOCAL_VARIABLES, keys.MODEL_VARIABLES, keys.METRIC_VARIABLES, keys.GLOBAL_STEP):  # fmt: skip
            ops.register_proto_function(
                key,
                proto_type=messages.get("tensorflow.VariableDef"),
                to_proto=lambda variable, export_scope=None: variable.to_proto(export_scope=export_scope),
                from_proto=variables.VariableV1.from_proto,
            )
    return control_flow_context, queue_runner_impl, saver


def _kind_of(item):
    if isinstance(item, (str, bytes)):
        return "bytes_list"
    if isinstance(item, int):
        return "int64_list"
    if isinstance(item, messages.get("google.protobuf.Any")):
        return "any_list"
    return "float_list" if isinstance(item, float) else "node_list"


def _in_scope(name, export_scope):
    return not export_scope or name.startswith(export_scope)


def add_collection_def(meta_graph_def, key, graph=None, export_scope=None, exclude_nodes=None, override_contents=None):
    """Puts collection KEY of a graph into a MetaGraphDef; what cannot be written is left out with a warning."""
    _register()
    graph = graph or ops.get_default_graph()
    items = override_contents if override_contents else graph.get_collection(key)
    if exclude_nodes:
        items = [item for item in items if getattr(item, "name", None) not in exclude_nodes]
    if not items:
        return
    try:
        made = messages.get("tensorflow.CollectionDef")()
        to_proto = ops.get_to_proto_function(key)
        if to_proto:
            values = [to_proto(item, export_scope=export_scope) for item in items]
            made.bytes_list.value.extend([value.SerializeToString() for value in values if value is not None])
        elif _kind_of(items[0]) == "node_list":
            names = [item.name for item in items if _in_scope(item.name, export_scope)]
            made.node_list.value.extend([ops.strip_name_scope(name, export_scope) for name in names])
        elif _kind_of(items[0]) == "bytes_list":
            made.bytes_list.value.extend([item.encode() if isinstance(item, str) else item for item in items])
        else:
            getattr(made, _kind_of(items[0])).value.extend(items)
    except (AttributeError, TypeError, ValueError) as error:
        logging.warning("Issue encountered when serializing %s.\nType is unsupported, or the types of the items don't "
                        "match field type in CollectionDef. Note this is a warning and probably safe to ignore.\n%s",
                        key, error)  # fmt: skip
        return
    meta_graph_def.collection_def[key].CopyFrom(made)


def _restore_collection(graph, key, definition, scope, made):
    """Adds what DEFINITION says to collection KEY; MADE keeps variables, which are in several collections, the same."""
    kind = definition.WhichOneof("kind")
    if kind is None:
        logging.error("Cannot identify data type for collection %s. Skipping.", key)
        return
    values = getattr(definition, kind).value
    from_proto = ops.get_from_proto_function(key)
    if from_proto and kind == "bytes_list":
        proto_type = ops.get_collection_proto_type(key)
        shared = key in ops.GraphKeys._VARIABLE_COLLECTIONS
        for value in values:
            item = made.get(value) if shared else None
            if item is None:
                item = from_proto(proto_type.FromString(value), import_scope=scope)
                if shared:
                    made[value] = item
            graph.add_to_collection(key, item)
        return
    for value in values:
        if kind == "node_list":
            value = graph.as_graph_element(ops.prepend_name_scope(value, scope))
        elif kind == "bytes_list" and scope:
            value = ops.prepend_name_scope(value.decode(), scope)
        graph.add_to_collection(key, value)


# --- reading ----------------------------------------------------------------------------------------------------------


def read_meta_graph_file(filename):
    """The MetaGraphDef of a file, of bytes or of text."""
    from tenon.python.lib.io import anywhere

    if not anywhere.exists(filename):
        raise OSError(f"File {filename} does not exist.")
    data = anywhere.read(filename)
    try:
        return messages.MetaGraphDef.FromString(data)
    except messages.DecodeError:
        pass
    try:
        return proto_text.Merge(data.decode("utf-8"), messages.MetaGraphDef())
    except (proto_text.ParseError, UnicodeDecodeError) as error:
        raise OSError(f"Cannot parse file {filename}: {error}.") from None


def import_scoped_meta_graph(meta_graph_or_file, clear_devices=False, graph=None, import_scope=None, input_map=None,
                             unbound_inputs_col_name="unbound_inputs",
                             restore_collections_predicate=lambda key: True):  # fmt: skip
    """Adds the graph and collections of a MetaGraphDef to a graph; {name: variable} of its variables."""
    return import_scoped_meta_graph_with_return_elements(
        meta_graph_or_file, clear_devices, graph, import_scope, input_map, unbound_inputs_col_name,
        restore_collections_predicate,
    )[0]  # fmt: skip


def import_scoped_meta_graph_with_return_elements(
    meta_graph_or_file, clear_devices=False, graph=None, import_scope=None, input_map=None,
    unbound_inputs_col_name="unbound_inputs", restore_collections_predicate=lambda key: True, return_elements=None,
):  # fmt: skip
    """The same, and the tensors and operations that RETURN_ELEMENTS names."""
    from tenon.python.framework import importer

    _register()
    definition = meta_graph_or_file
    if not isinstance(definition, messages.MetaGraphDef):
        definition = read_meta_graph_file(definition)
    if unbound_inputs_col_name and unbound_inputs_col_name in definition.collection_def:
        unbound = sorted(v.decode() for v in definition.collection_def[unbound_inputs_col_name].bytes_list.value)
        if unbound and unbound != sorted(input_map or ()):
            raise ValueError(f"Graph contains unbound inputs: {', '.join(unbound)}. Must provide these inputs through "
                             "input_map.")  # fmt: skip
    graph = graph or ops.get_default_graph()
    with graph.as_default():
        graph_def = definition.graph_def
        if clear_devices:
            graph_def = messages.GraphDef()
            graph_def.CopyFrom(definition.graph_def)
            for node in graph_def.node:
                node.device = ""
        scope = graph.unique_name(import_scope or "", mark_as_used=False)
        op_list = (
            definition.meta_info_def.stripped_op_list if definition.meta_info_def.HasField("stripped_op_list") else None
        )
        elements = importer.import_graph_def(
            graph_def, name=import_scope or scope, input_map=input_map, producer_op_list=op_list,
            return_elements=return_elements,
        )  # fmt: skip
        made = {}
        for key in sorted(definition.collection_def):
            if key != unbound_inputs_col_name and restore_collections_predicate(key):
                _restore_collection(graph, key, definition.collection_def[key], scope, made)
        found = graph.get_collection(ops.GraphKeys.GLOBAL_VARIABLES, scope=scope)
    return {ops.strip_name_scope(variable.name, scope): variable for variable in found}, elements


# --- writing ----------------------------------------------------------------------------------------------------------


def create_meta_graph_def(meta_info_def=None, graph_def=None, saver_def=None, collection_list=None, graph=None,
                          export_scope=None, exclude_nodes=None, clear_extraneous_savers=False,
                          strip_default_attrs=False):  # fmt: skip
    """The MetaGraphDef of these parts; the graph's own where a part is not given."""
    for value, kind, name in (
        (meta_info_def, messages.MetaGraphDef.MetaInfoDef, "MetaInfoDef"),
        (graph_def, messages.GraphDef, "GraphDef"),
        (saver_def, messages.SaverDef, "SaverDef"),
    ):
        if value is not None and not isinstance(value, kind):
            raise TypeError(f"{name.lower()} must be of type {name}, not {type(value)}")
    graph = graph or ops.get_default_graph()
    made = messages.MetaGraphDef()
    if meta_info_def is not None:
        made.meta_info_def.MergeFrom(meta_info_def)
    made.meta_info_def.tensorflow_version = _VERSION
    made.meta_info_def.tensorflow_git_version = "tenon"
    made.graph_def.MergeFrom(graph_def if graph_def is not None else graph.as_graph_def(add_shapes=True))
    if not made.meta_info_def.HasField("stripped_op_list"):
        made.meta_info_def.stripped_op_list.MergeFrom(stripped_op_list_for_graph(made.graph_def))
    if strip_default_attrs:
        strip_graph_default_valued_attrs(made)
    if saver_def is not None:
        made.saver_def.MergeFrom(saver_def)
    for key in collection_list if collection_list is not None else graph.get_all_collection_keys():
        if not isinstance(key, str):
            continue  # keys of programs' own, which no other program could ask for
        contents = None
        if clear_extraneous_savers and saver_def is not None and key == ops.GraphKeys.SAVERS:
            from tenon.python.training import saver as saver_lib

            contents = [saver_lib.Saver.from_proto(saver_def)]
        add_collection_def(made, key, graph, export_scope, exclude_nodes, contents)
    return made


def _scoped_node(node, export_scope, unbound, clear_devices):
    """A copy of NODE as it is called outside of EXPORT_SCOPE; inputs from elsewhere become unbound ones."""
    made = messages.NodeDef()
    made.CopyFrom(node)
    if clear_devices:
        made.device = ""
    if not export_scope:
        return made
    made.name = ops.strip_name_scope(node.name, export_scope)
    for i, name in enumerate(node.input):
        if name.lstrip("^").startswith(export_scope):
            made.input[i] = ops.strip_name_scope(name, export_scope)
        else:
            short = re.sub(
                r"([\^]|loc:@|^)(.*)",
                r"\1" + _UNBOUND_INPUT_PREFIX + r"\2",
                name.split(":")[0] if ":" in name else name,
            )
            made.input[i] = short
            unbound.append(short)
    if "_class" in made.attr:
        kept = [value for value in node.attr["_class"].list.s
                if value.startswith(b"loc:@" + export_scope.encode()) or not value.startswith(b"loc:@")]  # fmt: skip
        made.attr["_class"].list.s[:] = [ops.strip_name_scope(value.decode(), export_scope).encode() for value in kept]
        if not kept:
            del made.attr["_class"]
    return made


def export_scoped_meta_graph(filename=None, graph_def=None, graph=None, export_scope=None, as_text=False,
                             unbound_inputs_col_name="unbound_inputs", clear_devices=False, saver_def=None,
                             clear_extraneous_savers=False, strip_default_attrs=False, save_debug_info=False,
                             **kwargs):  # fmt: skip
    """(MetaGraphDef, {name: variable}) of a graph or of one scope of it, written to FILENAME if given."""
    graph = graph or ops.get_default_graph()
    scope = export_scope + "/" if export_scope and not export_scope.endswith("/") else export_scope
    source = graph_def if graph_def is not None else graph.as_graph_def(add_shapes=True)
    excluded, unbound = set(), []
    if scope or clear_extraneous_savers or clear_devices:
        if clear_extraneous_savers:
            excluded = _savers_nodes(graph, saver_def)
        made = messages.GraphDef(versions=source.versions)
        if source.HasField("library"):
            made.library.CopyFrom(source.library)
        for node in source.node:
            if _in_scope(node.name, scope) and node.name not in excluded:
                made.node.append(_scoped_node(node, scope, unbound, clear_devices))
        source = made
    meta = create_meta_graph_def(
        graph_def=source, graph=graph, export_scope=scope, exclude_nodes=excluded, saver_def=saver_def,
        clear_extraneous_savers=clear_extraneous_savers, strip_default_attrs=strip_default_attrs, **kwargs,
    )  # fmt: skip
    if unbound and unbound_inputs_col_name:
        meta.collection_def[unbound_inputs_col_name].bytes_list.value[:] = [
            name.encode() for name in sorted(set(unbound))
        ]
    found = graph.get_collection(ops.GraphKeys.GLOBAL_VARIABLES, scope=scope)
    names = {ops.strip_name_scope(variable.name, scope): variable for variable in found}
    if filename:
        from tenon.python.training import training_util

        folder, name = os.path.split(os.fspath(filename))
        training_util.write_graph(meta, folder or ".", name, as_text=as_text)
    return meta, names


def _savers_nodes(graph, saver_def):
    """The names of the nodes of all savers of a graph but SAVER_DEF's."""
    names = set()
    keep = os.path.dirname(saver_def.save_tensor_name) if saver_def is not None else None
    for saver in graph.get_collection(ops.GraphKeys.SAVERS):
        prefix = os.path.dirname(saver.saver_def.save_tensor_name)
        if prefix and prefix != keep:
            names.update(
                operation.name for operation in graph.get_operations() if operation.name.startswith(prefix + "/")
            )
    return names
