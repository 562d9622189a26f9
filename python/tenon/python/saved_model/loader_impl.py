"""tf.saved_model.loader: reads SavedModels."""

import os

from tenon.python.framework import ops, proto_text
from tenon.python.framework import proto as messages
from tenon.python.lib.io import anywhere
from tenon.python.ops import control_flow_ops, resources, variables
from tenon.python.saved_model import constants, utils_impl
from tenon.python.training import saver as tf_saver
from tenon.python.util.tf_export import tf_export


def parse_saved_model(export_dir):
    """The SavedModel of a folder. OSError where there is none or it cannot be read."""
    folder = os.fsdecode(export_dir)
    binary = os.path.join(folder, constants.SAVED_MODEL_FILENAME_PB)
    text = os.path.join(folder, constants.SAVED_MODEL_FILENAME_PBTXT)
    kind = messages.get("tensorflow.SavedModel")
    if anywhere.exists(binary):
        try:
            return kind.FromString(anywhere.read(binary))
        except messages.DecodeError as error:
            raise OSError(f"Cannot parse file {binary}: {error}.") from None
    if anywhere.exists(text):
        try:
            return proto_text.Merge(anywhere.read(text, "utf-8"), kind())
        except proto_text.ParseError as error:
            raise OSError(f"Cannot parse file {text}: {error}.") from None
    raise OSError(f"SavedModel file does not exist at: {folder}/{{{constants.SAVED_MODEL_FILENAME_PBTXT}|"
                  f"{constants.SAVED_MODEL_FILENAME_PB}}}")  # fmt: skip


@tf_export(
    "saved_model.maybe_saved_model_directory",
    "saved_model.contains_saved_model",
    "saved_model.loader.maybe_saved_model_directory",
)
def maybe_saved_model_directory(export_dir):
    """Whether a folder looks like a SavedModel."""
    names = constants.SAVED_MODEL_FILENAME_PB, constants.SAVED_MODEL_FILENAME_PBTXT
    return any(anywhere.exists(os.path.join(os.fsdecode(export_dir), name)) for name in names)


def get_asset_tensors(export_dir, meta_graph_def, import_scope=None):
    """{name of the tensor: path} of the assets of a graph."""
    folder = utils_impl.get_assets_dir(export_dir)
    found, assets = {}, list(meta_graph_def.asset_file_def)
    if not assets and constants.ASSETS_KEY in meta_graph_def.collection_def:
        for held in meta_graph_def.collection_def[constants.ASSETS_KEY].any_list.value:
            assets.append(messages.get("tensorflow.AssetFileDef")())
            held.Unpack(assets[-1])
    for asset in assets:
        found[ops.prepend_name_scope(asset.tensor_info.name, import_scope)] = os.path.join(folder, asset.filename)
    return found


def _init_op(meta_graph_def, import_scope=None):
    """The operation that a graph asks to be run after its variables were restored, or None."""
    graph = ops.get_default_graph()
    if constants.INIT_OP_SIGNATURE_KEY in meta_graph_def.signature_def:
        outputs = meta_graph_def.signature_def[constants.INIT_OP_SIGNATURE_KEY].outputs
        name = ops.prepend_name_scope(outputs[constants.INIT_OP_SIGNATURE_KEY].name, import_scope)
        return graph.as_graph_element(name)
    for key in (constants.MAIN_OP_KEY, constants.LEGACY_INIT_OP_KEY):
        if key in meta_graph_def.collection_def:
            found = ops.get_collection(key)
            if len(found) > 1:
                raise RuntimeError(f"Expected exactly one {key}; got {len(found)}")
            if found:
                return found[0]
    return None


class SavedModelLoader:
    """Loads graphs of one SavedModel."""

    def __init__(self, export_dir):
        self._export_dir = os.fsdecode(export_dir)
        self._variables_path = utils_impl.get_variables_path(export_dir)
        self._saved_model = parse_saved_model(export_dir)

    @property
    def export_dir(self):
        """The folder."""
        return self._export_dir

    @property
    def variables_path(self):
        """The prefix of the variables' checkpoint."""
        return self._variables_path

    @property
    def saved_model(self):
        """The SavedModel message."""
        return self._saved_model

    def get_meta_graph_def_from_tags(self, tags):
        """The MetaGraphDef with exactly these tags."""
        wanted, available = set(tags), []
        for meta in self._saved_model.meta_graphs:
            available.append(set(meta.meta_info_def.tags))
            if available[-1] == wanted:
                return meta
        raise RuntimeError(f"MetaGraphDef associated with tags {str(tags).strip('[]')} could not be found in "
                           f"SavedModel, "
                           f"with available tags '{available}'. To inspect available tag-sets in the SavedModel, "
                           f"please "
                           "use the SavedModel CLI: `saved_model_cli`.")  # fmt: skip

    def load_graph(self, graph, tags, import_scope=None, **saver_kwargs):
        """Adds the graph of TAGS; (Saver, what return_elements names)."""
        with graph.as_default():
            return tf_saver._import_meta_graph_with_return_elements(
                self.get_meta_graph_def_from_tags(tags), import_scope=import_scope, **saver_kwargs
            )

    def restore_variables(self, sess, saver, import_scope=None):
        """Restores the variables, if there are any."""
        with sess.graph.as_default():
            if saver is None and not variables._all_saveable_objects(scope=import_scope):
                return
            if isinstance(saver, tf_saver.Saver):
                saver.restore(sess, self._variables_path)
            else:
                raise ValueError("No tf.train.Saver object was passed to the function "
                                 "`SavedModelLoader.restore_variables`. "
                                 "Since there are variables in the graph, a saver is required.")  # fmt: skip

    def run_init_ops(self, sess, tags, import_scope=None):
        """Runs what the graph asks for, with the paths of its assets."""
        meta = self.get_meta_graph_def_from_tags(tags)
        with sess.graph.as_default():
            operation = _init_op(meta, import_scope)
            if operation is not None:
                sess.run(operation, feed_dict=get_asset_tensors(self._export_dir, meta, import_scope))

    def load(self, sess, tags, import_scope=None, **saver_kwargs):
        """Graph, variables and initialisation; the MetaGraphDef."""
        saver, _ = self.load_graph(sess.graph, tags, import_scope, **saver_kwargs)
        self.restore_variables(sess, saver, import_scope)
        self.run_init_ops(sess, tags, import_scope)
        return self.get_meta_graph_def_from_tags(tags)


@tf_export("saved_model.load", "saved_model.loader.load")
def load(sess, tags, export_dir, import_scope=None, **saver_kwargs):
    """Loads the graph with these tags into the session's graph and restores its variables; the MetaGraphDef."""
    return SavedModelLoader(export_dir).load(sess, tags, import_scope, **saver_kwargs)


@tf_export("saved_model.main_op.main_op")
def main_op():
    """An operation that initialises variables and tables."""
    return control_flow_ops.group(
        variables.global_variables_initializer(), variables.local_variables_initializer(), resources.initialize_tables()
    )


@tf_export("saved_model.main_op_with_restore", "saved_model.main_op.main_op_with_restore")
def main_op_with_restore(restore_op_name):
    """main_op, and then the operation of this name."""
    with ops.control_dependencies([main_op()]):
        return control_flow_ops.group([restore_op_name])
