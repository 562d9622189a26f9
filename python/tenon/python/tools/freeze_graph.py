"""Graphs whose variables became constants: a GraphDef or SavedModel and a checkpoint in, one GraphDef out."""

from tenon.python.client import session
from tenon.python.framework import graph_util, importer, ops, proto_text
from tenon.python.framework import proto as messages
from tenon.python.lib.io import anywhere
from tenon.python.saved_model import loader_impl
from tenon.python.training import checkpoint_management
from tenon.python.training import saver as saver_lib


def _parse(path, binary, kind):
    data = anywhere.read(path)
    return kind.FromString(data) if binary else proto_text.Merge(data.decode("utf-8"), kind())


def freeze_graph_with_def_protos(input_graph_def, input_saver_def, input_checkpoint, output_node_names,
                                 restore_op_name, filename_tensor_name, output_graph, clear_devices,
                                 initializer_nodes, variable_names_whitelist="", variable_names_blacklist="",
                                 input_meta_graph_def=None, input_saved_model_dir=None, saved_model_tags=None,
                                 checkpoint_version=2):  # fmt: skip
    """The frozen GraphDef, written to OUTPUT_GRAPH if given; node names are separated by commas."""
    if not input_saved_model_dir and not checkpoint_management.checkpoint_exists(input_checkpoint):
        raise ValueError(f"Input checkpoint '{input_checkpoint}' doesn't exist!")
    if not output_node_names:
        raise ValueError("You need to supply the name of a node to --output_node_names.")
    source = input_meta_graph_def.graph_def if input_meta_graph_def else input_graph_def
    with ops.Graph().as_default() as graph, session.Session(graph=graph) as sess:
        if input_meta_graph_def:
            saver_lib.import_meta_graph(input_meta_graph_def, clear_devices=clear_devices).restore(
                sess, input_checkpoint
            )
        elif input_saved_model_dir:
            source = loader_impl.load(sess, saved_model_tags, input_saved_model_dir).graph_def
        else:
            if clear_devices:
                cleared = messages.GraphDef()
                cleared.CopyFrom(source)
                for node in cleared.node:
                    node.device = ""
                source = cleared
            importer.import_graph_def(source, name="")
            if input_saver_def:
                saver_lib.Saver(saver_def=input_saver_def).restore(sess, input_checkpoint)
            elif any(node.op == "RestoreV2" for node in source.node) and restore_op_name:
                sess.run([restore_op_name], {filename_tensor_name: input_checkpoint})
            else:
                raise ValueError("The graph has no op that restores: give a saver or a meta graph.")
            if initializer_nodes:
                sess.run(initializer_nodes.replace(" ", "").split(","))
        frozen = graph_util.convert_variables_to_constants(
            sess,
            source,
            output_node_names.replace(" ", "").split(","),
            variable_names_whitelist=variable_names_whitelist.replace(" ", "").split(",")
            if variable_names_whitelist
            else None,
            variable_names_blacklist=variable_names_blacklist.replace(" ", "").split(",")
            if variable_names_blacklist
            else None,
        )
    if output_graph:
        anywhere.atomic_write(output_graph, frozen.SerializeToString())
    return frozen


def freeze_graph(input_graph, input_saver, input_binary, input_checkpoint, output_node_names, restore_op_name,
                 filename_tensor_name, output_graph, clear_devices, initializer_nodes, variable_names_whitelist="",
                 variable_names_blacklist="", input_meta_graph=None, input_saved_model_dir=None,
                 saved_model_tags="serve", checkpoint_version=2):  # fmt: skip
    """The same with the names of files; INPUT_BINARY says whether they are bytes or text."""
    graph_def = _parse(input_graph, input_binary, messages.GraphDef) if input_graph else None
    meta = _parse(input_meta_graph, input_binary, messages.MetaGraphDef) if input_meta_graph else None
    saver_def = _parse(input_saver, input_binary, messages.SaverDef) if input_saver else None
    return freeze_graph_with_def_protos(
        graph_def, saver_def, input_checkpoint, output_node_names, restore_op_name, filename_tensor_name, output_graph,
        clear_devices, initializer_nodes, variable_names_whitelist, variable_names_blacklist, meta,
        input_saved_model_dir, saved_model_tags.replace(" ", "").split(","), checkpoint_version,
    )  # fmt: skip
