"""contrib.session_bundle.exporter: exports as they were before SavedModel, a folder for each step."""

import os

from tenon.python.framework import ops
from tenon.python.framework import proto as messages
from tenon.python.lib.io import file_io
from tenon.python.util.tf_export import tf_export

INIT_OP_KEY, SIGNATURES_KEY = "serving_init_op", "serving_signatures"
VERSION_FORMAT, META_GRAPH_NAME, CHECKPOINT_NAME = "%08d", "export.meta", "export"
_ANY = "type.googleapis.com/"


def _message(name):
    return messages.get(f"tensorflow.serving.{name}")


@tf_export("contrib.session_bundle.exporter.generic_signature")
def generic_signature(name_tensor_map):
    """The Signature of tensors by name."""
    made = _message("Signature")()
    for key, tensor in name_tensor_map.items():
        made.generic_signature.map[key].tensor_name = tensor.name
    return made


@tf_export("contrib.session_bundle.exporter.regression_signature")
def regression_signature(input_tensor, output_tensor):
    """The Signature of a model that gives numbers."""
    made = _message("Signature")()
    made.regression_signature.input.tensor_name = input_tensor.name
    made.regression_signature.output.tensor_name = output_tensor.name
    return made


@tf_export("contrib.session_bundle.exporter.classification_signature")
def classification_signature(input_tensor, classes_tensor=None, scores_tensor=None):
    """The Signature of a model that gives classes, scores, or both."""
    made = _message("Signature")()
    made.classification_signature.input.tensor_name = input_tensor.name
    if classes_tensor is not None:
        made.classification_signature.classes.tensor_name = classes_tensor.name
    if scores_tensor is not None:
        made.classification_signature.scores.tensor_name = scores_tensor.name
    return made


@tf_export("contrib.session_bundle.exporter.Exporter")
class Exporter:
    """Writes folders NUMBER with export.meta and a checkpoint of SAVER's variables called export."""

    def __init__(self, saver):
        self._saver, self._signatures = saver, None

    def init(self, graph_def=None, init_op=None, clear_devices=False, default_graph_signature=None,
             named_graph_signatures=None):  # fmt: skip
        """Says what is exported: INIT_OP runs after the variables are there; the signatures name the tensors."""
        if self._signatures is not None:
            raise RuntimeError("init() already done; create a new Exporter object.")
        self._graph_def, self._clear_devices, self._init_op = graph_def, clear_devices, init_op
        self._signatures = _message("Signatures")()
        if default_graph_signature is not None:
            self._signatures.default_signature.CopyFrom(default_graph_signature)
        for name, signature in (named_graph_signatures or {}).items():
            self._signatures.named_signatures[name].CopyFrom(signature)

    def _meta_graph(self):
        made = self._saver.export_meta_graph(clear_devices=self._clear_devices)
        if self._graph_def is not None:
            made.graph_def.CopyFrom(self._graph_def)
        value = made.collection_def[SIGNATURES_KEY].any_list.value.add()
        value.type_url = _ANY + "tensorflow.serving.Signatures"
        value.value = self._signatures.SerializeToString()
        if self._init_op is not None:
            made.collection_def[INIT_OP_KEY].node_list.value.append(self._init_op.name)
        return made

    def export(self, export_dir_base, global_step_tensor, sess=None, exports_to_keep=None):
        """Writes the folder of the present step, and removes all but the newest EXPORTS_TO_KEEP; its path."""
        if self._signatures is None:
            raise RuntimeError("init() must be called first.")
        session = sess or ops.get_default_session()
        step = int(session.run(global_step_tensor))
        folder = os.path.join(str(export_dir_base), VERSION_FORMAT % step)
        if file_io.file_exists(folder):
            raise RuntimeError(f"Overwriting exports can cause corruption and are not allowed. Duplicate export dir: "
                               f"{folder}")  # fmt: skip
        begun = folder + "-tmp"
        file_io.recursive_create_dir(begun)
        self._saver.save(session, os.path.join(begun, CHECKPOINT_NAME), meta_graph_suffix="meta",
                         write_meta_graph=False)  # fmt: skip
        with file_io.FileIO(os.path.join(begun, META_GRAPH_NAME), "wb") as file:
            file.write(self._meta_graph().SerializeToString())
        file_io.rename(begun, folder)
        if exports_to_keep:
            _remove_old(str(export_dir_base), exports_to_keep)
        return folder


def _remove_old(base, keep):
    numbers = sorted((int(name), name) for name in file_io.list_directory(base) if name.isdigit())
    for _, name in numbers[:-keep]:
        file_io.delete_recursively(os.path.join(base, name))
