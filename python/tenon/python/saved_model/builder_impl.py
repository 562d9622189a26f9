"""tf.saved_model.builder: writes SavedModels."""

import os

from tenon.python.framework import ops, proto_text, tensor_util
from tenon.python.framework import proto as messages
from tenon.python.lib.io import anywhere
from tenon.python.ops import variables
from tenon.python.platform import tf_logging as logging
from tenon.python.saved_model import constants, utils_impl
from tenon.python.training import saver as tf_saver
from tenon.python.util.tf_export import tf_export


@tf_export("saved_model.Builder", "saved_model.builder.SavedModelBuilder")
class SavedModelBuilder:
    """Collects graphs, each under its tags, and the variables of the first; save() writes them to EXPORT_DIR."""

    def __init__(self, export_dir):
        self._export_dir = os.fspath(export_dir)
        if anywhere.isdir(self._export_dir) and anywhere.listdir(self._export_dir):
            raise AssertionError(
                f"Export directory {export_dir} already exists, and isn't empty. Please choose a different export "
                "directory, or delete all the contents of the specified directory."
            )
        anywhere.makedirs(self._export_dir)
        self._saved_model = messages.get("tensorflow.SavedModel")(
            saved_model_schema_version=constants.SAVED_MODEL_SCHEMA_VERSION
        )
        self._has_saved_variables = False

    def add_meta_graph_and_variables(self, sess, tags, signature_def_map=None, assets_collection=None,
                                     legacy_init_op=None, clear_devices=False, main_op=None,
                                     strip_default_attrs=False, saver=None):  # fmt: skip
        """Adds the default graph and the session's variables; once, and first."""
        if self._has_saved_variables:
            raise AssertionError("Graph state including variables and assets has already been saved. Please invoke "
                                 "`add_meta_graph()` instead.")  # fmt: skip
        _validate_signatures(signature_def_map)
        with sess.graph.as_default():
            self._save_assets(assets_collection)
            _add_main_op(main_op if main_op is not None else legacy_init_op)
            path = utils_impl.get_variables_path(self._export_dir)
            anywhere.makedirs(os.path.dirname(path))
            saver = saver or _new_saver()
            saver.save(sess, path, write_meta_graph=False, write_state=False)
            self._add(saver, tags, signature_def_map, clear_devices, strip_default_attrs)
        self._has_saved_variables = True

    def add_meta_graph(self, tags, signature_def_map=None, assets_collection=None, legacy_init_op=None,
                       clear_devices=False, main_op=None, strip_default_attrs=False, saver=None):  # fmt: skip
        """Adds the default graph under other tags; it uses the variables that were saved."""
        if not self._has_saved_variables:
            raise AssertionError("Graph state including variables and assets has not been saved yet. Please invoke "
                                 "`add_meta_graph_and_variables()` first.")  # fmt: skip
        _validate_signatures(signature_def_map)
        self._save_assets(assets_collection)
        _add_main_op(main_op if main_op is not None else legacy_init_op)
        self._add(saver or _new_saver(), tags, signature_def_map, clear_devices, strip_default_attrs)

    def _add(self, saver, tags, signatures, clear_devices, strip_default_attrs):
        meta = saver.export_meta_graph(clear_devices=clear_devices, strip_default_attrs=strip_default_attrs)
        meta.meta_info_def.tags.extend([tags] if isinstance(tags, str) else tags)
        for key, signature in (signatures or {}).items():
            meta.signature_def[key].CopyFrom(signature)
        for held in ops.get_collection(constants.ASSETS_KEY):
            held.Unpack(meta.asset_file_def.add())
        self._saved_model.meta_graphs.append(meta)

    def _save_assets(self, collection):
        """Copies the files that the tensors of COLLECTION name and notes which tensor is which file."""
        if not collection:
            return
        folder = utils_impl.get_assets_dir(self._export_dir)
        anywhere.makedirs(folder)
        taken = {}
        for tensor in collection:
            if not isinstance(tensor, ops.Tensor):
                raise TypeError(f"Asset proto filepath must be a Tensor. Found {type(tensor)}.")
            value = tensor_util.constant_value(tensor)
            if value is None:
                raise TypeError(f"Asset filepath tensor {tensor} must be a constant.")
            path = value.item() if hasattr(value, "item") else value
            path = path.decode() if isinstance(path, bytes) else path
            if not path:
                raise ValueError("Invalid asset filepath tensor.")
            name = os.path.basename(path)
            if taken.setdefault(name, path) != path:  # two files of one name
                base, number = name, 1
                while taken.setdefault(name, path) != path:
                    name = f"{base}_{number}"
                    number += 1
            asset = messages.get("tensorflow.AssetFileDef")(filename=name)
            asset.tensor_info.name = tensor.name
            held = messages.get("google.protobuf.Any")()
            held.Pack(asset)
            ops.add_to_collection(constants.ASSETS_KEY, held)
            anywhere.copyfile(path, os.path.join(folder, name))

    def save(self, as_text=False):
        """Writes the model, as bytes or text; returns the path of the file."""
        name = constants.SAVED_MODEL_FILENAME_PBTXT if as_text else constants.SAVED_MODEL_FILENAME_PB
        path = os.path.join(self._export_dir, name)
        model = self._saved_model
        data = proto_text.MessageToString(model).encode() if as_text else model.SerializeToString()
        anywhere.atomic_write(path, data)
        logging.info("SavedModel written to: %s", path)
        return path.encode()


def _new_saver():
    return tf_saver.Saver(variables._all_saveable_objects(), sharded=True, allow_empty=True)


def _add_main_op(main_op):
    if main_op is not None:
        if not isinstance(main_op, ops.Operation):
            raise TypeError(f"Expected {main_op} to be an Operation but got type {type(main_op)} instead.")
        ops.add_to_collection(constants.MAIN_OP_KEY, main_op)


def _validate_signatures(signatures):
    for signature in (signatures or {}).values():
        for kind, infos in (("input", signature.inputs), ("output", signature.outputs)):
            for name, info in infos.items():
                encoding = info.WhichOneof("encoding")
                if encoding is None:
                    raise AssertionError("All TensorInfo protos used in the SignatureDefs must have one of the "
                                         "'encoding' "
                                         f"fields (e.g., name or coo_sparse) set: {kind} {name}")  # fmt: skip
                if info.dtype == 0:
                    raise AssertionError("All TensorInfo protos used in the SignatureDefs must have the dtype field "
                                         "set: "
                                         f"{kind} {name}")  # fmt: skip


@tf_export("saved_model.simple_save")
def simple_save(session, export_dir, inputs, outputs, legacy_init_op=None):
    """Saves a graph that serves: INPUTS and OUTPUTS are dicts of tensors."""
    from tenon.python.saved_model import signature_def_utils_impl

    signature = signature_def_utils_impl.predict_signature_def(inputs, outputs)
    builder = SavedModelBuilder(export_dir)
    builder.add_meta_graph_and_variables(
        session,
        tags=[constants.SERVING],
        signature_def_map={constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY: signature},
        assets_collection=ops.get_collection(ops.GraphKeys.ASSET_FILEPATHS),
        main_op=legacy_init_op,
        clear_devices=True,
    )
    builder.save()
