"""tf.train.Saver, and graphs written with what is needed to go on training."""

import contextlib
import os
import time

from tenon import _core
from tenon.python.client import session as session_lib
from tenon.python.framework import errors, meta_graph, ops
from tenon.python.framework import proto as messages
from tenon.python.lib.io import anywhere
from tenon.python.ops import variables
from tenon.python.platform import tf_logging as logging
from tenon.python.training import checkpoint_management, fencing, training_util
from tenon.python.training.saver_builder import BaseSaverBuilder, BulkSaverBuilder
from tenon.python.util.tf_export import tf_export

checkpoint_exists = checkpoint_management.checkpoint_exists
get_checkpoint_state = checkpoint_management.get_checkpoint_state
latest_checkpoint = checkpoint_management.latest_checkpoint
update_checkpoint_state = checkpoint_management.update_checkpoint_state
generate_checkpoint_state_proto = checkpoint_management.generate_checkpoint_state_proto


def saver_from_object_based_checkpoint(*arguments, **options):
    """2.x's checkpoints of objects; not in 1.x's Saver."""
    raise NotImplementedError("checkpoints of objects, as TensorFlow 2 writes them, are not read by Saver")


@tf_export("train.Saver")
class Saver:
    """Saves and restores variables.

    VAR_LIST is a list of variables or a dict from keys to variables (None: all that can be saved). The newest
    MAX_TO_KEEP checkpoints stay (None or 0: all), and one for every KEEP_CHECKPOINT_EVERY_N_HOURS hours.
    """

    def __init__(
        self,
        var_list=None,
        reshape=False,
        sharded=False,
        max_to_keep=5,
        keep_checkpoint_every_n_hours=10000.0,
        name=None,
        restore_sequentially=False,
        saver_def=None,
        builder=None,
        defer_build=False,
        allow_empty=False,
        write_version=messages.SaverDef.V2,
        pad_step_number=False,
        save_relative_paths=False,
        filename=None,
    ):
        if defer_build and var_list:
            raise ValueError("If `var_list` is provided then build cannot be deferred. Either set defer_build=False "
                             "or var_list=None.")  # fmt: skip
        self._var_list, self._reshape, self._sharded = var_list, reshape, sharded
        self._max_to_keep, self._keep_hours = max_to_keep, keep_checkpoint_every_n_hours
        self._name, self._restore_sequentially, self._filename = name, restore_sequentially, filename
        self._builder, self._allow_empty = builder, allow_empty
        if write_version == messages.SaverDef.V1:
            logging.warning("TensorFlow's V1 checkpoint format has been deprecated. Consider switching to the more "
                            "efficient V2 format: `tf.train.Saver(write_version=tf.train.SaverDef.V2)`, now on by "
                            "default.")  # fmt: skip
        self._write_version = write_version
        self._pad_step_number, self._save_relative_paths = pad_step_number, save_relative_paths
        self.saver_def = saver_def
        self._is_built = self._is_empty = False
        self._last_checkpoints, self._checkpoints_to_be_deleted = [], []
        if not defer_build:
            self.build()
        if self.saver_def:
            self._check_saver_def()
            self._write_version = self.saver_def.version

    def build(self):
        """Adds the ops, of what can be saved now, to the default graph."""
        if self._is_built:
            return
        self._is_built = True
        if not self.saver_def:
            if self._builder is None:
                self._builder = BulkSaverBuilder(self._write_version)
            if self._var_list is None:
                self._var_list = variables._all_saveable_objects()
            if not self._var_list:
                if not self._allow_empty:
                    raise ValueError("No variables to save")
                self._is_empty = True
                return
            self.saver_def = self._builder.build(
                self._var_list,
                reshape=self._reshape,
                sharded=self._sharded,
                max_to_keep=self._max_to_keep,
                keep_checkpoint_every_n_hours=self._keep_hours,
                name=self._name,
                restore_sequentially=self._restore_sequentially,
                **({} if self._filename is None else {"filename": self._filename}),
            )
        elif self._name:
            for field in ("filename_tensor_name", "save_tensor_name", "restore_op_name"):
                setattr(self.saver_def, field, ops.prepend_name_scope(getattr(self.saver_def, field), self._name))
        self._check_saver_def()
        self._next_checkpoint_time = time.time() + self.saver_def.keep_checkpoint_every_n_hours * 3600

    def _check_saver_def(self):
        if not isinstance(self.saver_def, messages.SaverDef):
            raise ValueError(f"saver_def must be a saver_pb2.SaverDef: {self.saver_def}")
        if not self.saver_def.save_tensor_name:
            raise ValueError(f"saver_def must specify the save_tensor_name: {self.saver_def}")
        if not self.saver_def.restore_op_name:
            raise ValueError(f"saver_def must specify the restore_op_name: {self.saver_def}")

    # --- which checkpoints there are ---

    @property
    def last_checkpoints(self):
        """The prefixes of the checkpoints that are kept, the oldest first."""
        return [path for path, _ in self._last_checkpoints]

    def set_last_checkpoints(self, last_checkpoints):
        """Sets the list of kept checkpoints, as of now."""
        if not isinstance(last_checkpoints, list):
            raise TypeError("last_checkpoints must be a list")
        self._last_checkpoints = [(path, float("inf")) for path in last_checkpoints]

    def set_last_checkpoints_with_time(self, last_checkpoints_with_time):
        """Sets the list of (prefix, time)."""
        if not isinstance(last_checkpoints_with_time, list):
            raise TypeError("last_checkpoints_with_time must be a list")
        self._last_checkpoints = list(last_checkpoints_with_time)

    def recover_last_checkpoints(self, checkpoint_paths):
        """Takes over the checkpoints of CHECKPOINT_PATHS (the oldest first) that still exist."""
        existing = [path for path in checkpoint_paths if checkpoint_exists(path)]
        times = checkpoint_management.get_checkpoint_mtimes(existing)
        self.set_last_checkpoints_with_time(list(zip(existing, times)))

    def _record(self, path):
        if not self.saver_def.max_to_keep:
            return
        self._last_checkpoints = [pair for pair in self._last_checkpoints if pair[0] != path]
        self._last_checkpoints.append((path, time.time()))
        if len(self._last_checkpoints) > self.saver_def.max_to_keep:
            self._checkpoints_to_be_deleted.append(self._last_checkpoints.pop(0))

    def _delete_old(self, meta_graph_suffix="meta", lease=None):
        if not self._checkpoints_to_be_deleted:
            return
        path, written = self._checkpoints_to_be_deleted.pop(0)
        if written > self._next_checkpoint_time:
            self._next_checkpoint_time += self.saver_def.keep_checkpoint_every_n_hours * 3600
            return
        try:
            own = lease and fencing.place(os.path.dirname(path)) == lease.folder
            checkpoint_management.remove_checkpoint_internal(
                path, self.saver_def.version, meta_graph_suffix, lease.remove if own else anywhere.remove
            )
        except OSError as error:
            logging.warning("Ignoring: %s", error)

    # --- saving and restoring ---

    def save(
        self,
        sess,
        save_path,
        global_step=None,
        latest_filename=None,
        meta_graph_suffix="meta",
        write_meta_graph=True,
        write_state=True,
        strip_default_attrs=False,
        save_debug_info=False,
    ):
        """Writes the checkpoint SAVE_PATH[-GLOBAL_STEP] and returns its prefix; the graph goes beside it (.meta)."""
        self._check_built("save")
        save_path = os.fsdecode(save_path)
        latest_filename = latest_filename or "checkpoint"
        if os.path.split(latest_filename)[0]:
            raise ValueError("'latest_filename' must not contain path components")
        if global_step is not None:
            if not isinstance(global_step, int):
                try:
                    global_step = int(global_step)
                except (TypeError, ValueError):
                    global_step = training_util.global_step(sess, global_step)
            prefix = f"{save_path}-{global_step:08d}" if self._pad_step_number else f"{save_path}-{global_step}"
        else:
            prefix = save_path
            if os.path.basename(save_path) == latest_filename and not self.saver_def.sharded:
                raise ValueError(f"'latest_filename' collides with 'save_path': '{latest_filename}' and '{save_path}'")
        if not isinstance(sess, session_lib.BaseSession):
            raise TypeError(f"'sess' must be a Session; {sess}")
        folder = os.path.dirname(save_path)
        if folder and not anywhere.isdir(folder) and anywhere.exists(folder):
            raise ValueError(f"Parent directory of {save_path} doesn't exist, can't save.")
        path, lease = None, fencing.lease_of(folder)
        with lease.one_at_a_time if lease else contextlib.nullcontext():
            if not self._is_empty:
                path = self._save_variables(sess, prefix, lease)
                if write_state:
                    self._record(path)
                    checkpoint_management.update_checkpoint_state_internal(
                        folder or ".", path, self.last_checkpoints, latest_filename, self._save_relative_paths,
                        all_model_checkpoint_timestamps=None, lease=lease,
                    )  # fmt: skip
                    self._delete_old(meta_graph_suffix, lease)
            if write_meta_graph:
                self._write_meta_graph(sess, prefix, meta_graph_suffix, strip_default_attrs, lease)
        return path

    def _write_meta_graph(self, sess, prefix, suffix, strip_default_attrs, lease):
        path = checkpoint_management.meta_graph_filename(prefix, suffix)
        name = os.path.basename(path)
        with sess.graph.as_default():
            self.export_meta_graph(lease.staged(name) if lease else path, strip_default_attrs=strip_default_attrs)
        if lease:
            lease.publish(name)

    def _save_variables(self, sess, prefix, lease):
        """Runs the save; returns the checkpoint's name. With a lease it is written beside its place and moved there."""
        name = os.path.basename(prefix)
        written = lease.staged(name) if lease else prefix
        _core.fault("saving")
        try:
            path = sess.run(self.saver_def.save_tensor_name, {self.saver_def.filename_tensor_name: written})
        except errors.OpError as error:
            if lease:
                lease.check()
            folder = os.path.dirname(prefix)
            missing = isinstance(error, (errors.FailedPreconditionError, errors.NotFoundError))
            if missing and folder and not anywhere.isdir(folder):
                raise ValueError(f"Parent directory of {prefix} doesn't exist, can't save.") from error
            raise
        path = path.decode() if isinstance(path, bytes) else str(path)
        if lease:
            lease.publish_checkpoint(name)
        return path.replace(written, prefix, 1)

    def _check_built(self, what):
        if not self._is_built and self.saver_def is None:
            raise RuntimeError(f"`build()` should be called before {what} if defer_build==True")

    def restore(self, sess, save_path):
        """Puts the values of checkpoint SAVE_PATH into the variables of the session."""
        if self._is_empty:
            return
        if save_path is None:
            raise ValueError("Can't load save_path when it is None.")
        self._check_built("restore")
        prefix = os.fsdecode(save_path)
        if not checkpoint_exists(prefix):
            raise ValueError(f"The passed save_path is not a valid checkpoint: {prefix}")
        logging.info("Restoring parameters from %s", prefix)
        try:
            sess.run(self.saver_def.restore_op_name, {self.saver_def.filename_tensor_name: prefix})
        except errors.NotFoundError as error:
            raise _explained(error, "a Variable name or other graph key that is missing") from error
        except errors.InvalidArgumentError as error:
            raise _explained(error, "a mismatch between the current graph and the graph") from error

    # --- the graph ---

    def as_saver_def(self):
        """The SaverDef."""
        return self.saver_def

    def to_proto(self, export_scope=None):
        """The SaverDef, with its names made relative to EXPORT_SCOPE; None where it is outside."""
        if export_scope is None:
            return self.saver_def
        fields = ("filename_tensor_name", "save_tensor_name", "restore_op_name")
        if not all(getattr(self.saver_def, field).startswith(export_scope) for field in fields):
            return None
        made = messages.SaverDef()
        made.CopyFrom(self.saver_def)
        for field in fields:
            setattr(made, field, ops.strip_name_scope(getattr(made, field), export_scope))
        return made

    @staticmethod
    def from_proto(saver_def, import_scope=None):
        """The Saver of a SaverDef."""
        return Saver(saver_def=saver_def, name=import_scope)

    def export_meta_graph(
        self,
        filename=None,
        collection_list=None,
        as_text=False,
        export_scope=None,
        clear_devices=False,
        clear_extraneous_savers=False,
        strip_default_attrs=False,
        save_debug_info=False,
    ):
        """The MetaGraphDef of the default graph with this saver, written to FILENAME if given."""
        return export_meta_graph(
            filename=filename,
            graph_def=ops.get_default_graph().as_graph_def(add_shapes=True),
            saver_def=self.saver_def,
            collection_list=collection_list,
            as_text=as_text,
            export_scope=export_scope,
            clear_devices=clear_devices,
            clear_extraneous_savers=clear_extraneous_savers,
            strip_default_attrs=strip_default_attrs,
        )


def _explained(error, reason):
    text = (f"Restoring from checkpoint failed. This is most likely due to {reason} from the checkpoint. Please ensure "
            f"that you have not altered the graph expected based on the checkpoint. Original "
            f"error:\n\n{error.message}")  # fmt: skip
    return type(error)(error.node_def, error.op, text)


@tf_export("train.import_meta_graph")
def import_meta_graph(meta_graph_or_file, clear_devices=False, import_scope=None, **kwargs):
    """Adds the graph of a MetaGraphDef, or of the file with one, to the default graph; its Saver, or None."""
    return _import_meta_graph_with_return_elements(meta_graph_or_file, clear_devices, import_scope, **kwargs)[0]


def _import_meta_graph_with_return_elements(meta_graph_or_file, clear_devices=False, import_scope=None,
                                            return_elements=None, **kwargs):  # fmt: skip
    definition = meta_graph_or_file
    if not isinstance(definition, messages.MetaGraphDef):
        definition = meta_graph.read_meta_graph_file(os.fspath(meta_graph_or_file))
    imported, elements = meta_graph.import_scoped_meta_graph_with_return_elements(
        definition, clear_devices=clear_devices, import_scope=import_scope, return_elements=return_elements, **kwargs
    )
    return _create_saver_from_imported_meta_graph(definition, import_scope, imported), elements


def _create_saver_from_imported_meta_graph(definition, import_scope, imported):
    if definition.HasField("saver_def"):
        scope = import_scope
        for name, variable in imported.items():  # the import may have made the scope's name unique
            scope = variable.name[: -len(name)]
            break
        saver_def = messages.SaverDef()
        saver_def.CopyFrom(definition.saver_def)
        return Saver(saver_def=saver_def, name=scope)
    if variables._all_saveable_objects(scope=import_scope):
        return Saver()
    return None


@tf_export("train.export_meta_graph")
def export_meta_graph(
    filename=None,
    meta_info_def=None,
    graph_def=None,
    saver_def=None,
    collection_list=None,
    as_text=False,
    graph=None,
    export_scope=None,
    clear_devices=False,
    clear_extraneous_savers=False,
    strip_default_attrs=False,
    save_debug_info=False,
    **kwargs,
):
    """The MetaGraphDef of a graph (the default one) or of one scope of it, written to FILENAME if given."""
    return meta_graph.export_scoped_meta_graph(
        filename=filename,
        meta_info_def=meta_info_def,
        graph_def=graph_def,
        saver_def=saver_def,
        collection_list=collection_list,
        as_text=as_text,
        graph=graph,
        export_scope=export_scope,
        clear_devices=clear_devices,
        clear_extraneous_savers=clear_extraneous_savers,
        strip_default_attrs=strip_default_attrs,
        **kwargs,
    )[0]


ops.register_proto_function(
    ops.GraphKeys.SAVERS, proto_type=messages.SaverDef, to_proto=Saver.to_proto, from_proto=Saver.from_proto
)

__all__ = ["BaseSaverBuilder", "BulkSaverBuilder", "Saver", "export_meta_graph", "import_meta_graph"]
