"""The ops that a Saver adds to a graph, with TensorFlow's names."""

import uuid

from tenon.python.framework import ops
from tenon.python.framework import proto as messages
from tenon.python.framework.device import device_text
from tenon.python.ops import array_ops, control_flow_ops, gen_ops
from tenon.python.training.saving import saveable_object, saveable_object_util
from tenon.python.training.saving.saveable_object_util import set_cpu0


class BaseSaverBuilder:
    """Makes the save and restore ops of a list of saveables. Programs subclass it to save in other ways."""

    SaveSpec = saveable_object.SaveSpec
    SaveableObject = saveable_object.SaveableObject
    VariableSaveable = saveable_object_util.ReferenceVariableSaveable
    ResourceVariableSaveable = saveable_object_util.ResourceVariableSaveable

    def __init__(self, write_version=messages.SaverDef.V2):
        self._write_version = write_version

    def save_op(self, filename_tensor, saveables):
        """The op that writes SAVEABLES to the prefix FILENAME_TENSOR."""
        names, slices, tensors = [], [], []
        for saveable in saveables:
            for spec in saveable.specs:
                names.append(spec.name)
                slices.append(spec.slice_spec)
                tensors.append(spec.tensor)
        save = gen_ops.save_slices if self._write_version == messages.SaverDef.V1 else gen_ops.save_v2
        return save(filename_tensor, names, slices, tensors)

    def bulk_restore(self, filename_tensor, saveables, preferred_shard, restore_sequentially):
        """The tensors of all specs of SAVEABLES, in order."""
        specs = [spec for saveable in saveables for spec in saveable.specs]
        with ops.device("cpu:0"):
            return gen_ops.restore_v2(
                filename_tensor,
                [spec.name for spec in specs],
                [spec.slice_spec for spec in specs],
                [spec.dtype.base_dtype for spec in specs],
            )

    def sharded_filename(self, filename_tensor, shard, num_shards):
        """The name of one shard of a checkpoint."""
        return gen_ops.sharded_filename(filename_tensor, shard, num_shards)

    def _save_ops(self, filename_tensor, saveables):
        save = self.save_op(filename_tensor, saveables)
        return control_flow_ops.with_dependencies([save], filename_tensor)

    def _sharded_save_ops_v1(self, filename, per_device):
        count = ops.convert_to_tensor(len(per_device), name="num_shards")
        saves = []
        for shard, (device, saveables) in enumerate(per_device):
            with ops.device(device):
                saves.append(self._save_ops(self.sharded_filename(filename, shard, count), saveables))
        with ops.control_dependencies([save.op for save in saves]):
            return gen_ops.sharded_filespec(filename, count)

    def _sharded_save_ops(self, prefix, per_device):
        if self._write_version == messages.SaverDef.V1:
            return self._sharded_save_ops_v1(prefix, per_device)
        # All shards go to a temporary folder; the merge puts them in place, so that no checkpoint is seen in parts.
        shard_prefix = gen_ops.string_join([prefix, f"_temp_{uuid.uuid4().hex}/part"])
        count = ops.convert_to_tensor(len(per_device), name="num_shards")
        prefixes, saves = [], []
        for shard, (device, saveables) in enumerate(per_device):
            with ops.device(set_cpu0(device)):
                prefixes.append(self.sharded_filename(shard_prefix, shard, count))
                saves.append(self._save_ops(prefixes[-1], saveables))
        with ops.control_dependencies([save.op for save in saves]), ops.device(set_cpu0(per_device[-1][0])):
            merge = gen_ops.merge_v2_checkpoints(prefixes, prefix, delete_old_dirs=True)
            with ops.control_dependencies([merge]):
                return array_ops.identity(prefix)

    def _restore_ops(self, filename, saveables, restore_sequentially, reshape, preferred_shard=-1, name="restore_all"):
        tensors = self.bulk_restore(filename, saveables, preferred_shard, restore_sequentially)
        assigns, at = [], 0
        for saveable in saveables:
            count = len(saveable.specs)
            shapes = None
            if reshape:
                shapes = [
                    spec.tensor.get_shape().as_list()
                    if spec.tensor.get_shape().is_fully_defined()
                    else array_ops.shape(spec.tensor)
                    for spec in saveable.specs
                ]
            assigns.append(saveable.restore(list(tensors[at : at + count]), shapes))
            at += count
        return control_flow_ops.group(*assigns, name=name)

    def _sharded_restore_ops(self, filename, per_device, restore_sequentially, reshape):
        restores = []
        for shard, (device, saveables) in enumerate(per_device):
            with ops.device(device):
                restores.append(
                    self._restore_ops(filename, saveables, restore_sequentially, reshape, shard, "restore_shard")
                )
        return control_flow_ops.group(*restores, name="restore_all")

    def _by_device(self, saveables):
        """[(device, saveables)], by device."""
        found = {}
        for saveable in saveables:
            devices = {device_text(spec.device) for spec in saveable.specs}
            if len(devices) > 1:
                raise ValueError(f"All tensors of a saveable object must be on the same device: {saveable.name}")
            found.setdefault(devices.pop(), []).append(saveable)
        return sorted(found.items())

    def build(self, names_to_saveables, reshape=False, sharded=False, max_to_keep=5,
              keep_checkpoint_every_n_hours=10000.0, name=None, restore_sequentially=False,
              filename="model"):  # fmt: skip
        """Adds the ops to the default graph; returns the SaverDef that names them."""
        return self._build_internal(
            names_to_saveables, reshape, sharded, max_to_keep, keep_checkpoint_every_n_hours, name,
            restore_sequentially, filename,
        )  # fmt: skip

    def _build_internal(self, names_to_saveables, reshape=False, sharded=False, max_to_keep=5,
                        keep_checkpoint_every_n_hours=10000.0, name=None, restore_sequentially=False,
                        filename="model", build_save=True, build_restore=True):  # fmt: skip
        saveables = saveable_object_util.validate_and_slice_inputs(names_to_saveables)
        save_tensor = restore_op = None
        with ops.name_scope(name, "save", [saveable.op for saveable in saveables]):
            placed = gen_ops.placeholder_with_default(filename or "model", shape=(), name="filename")
            # The tensor that is fed has been called Const since the first release.
            placed = gen_ops.placeholder_with_default(placed, shape=(), name="Const")
            if sharded:
                per_device = self._by_device(saveables)
                if build_save:
                    save_tensor = self._sharded_save_ops(placed, per_device)
                if build_restore:
                    restore_op = self._sharded_restore_ops(placed, per_device, restore_sequentially, reshape)
            else:
                if build_save:
                    save_tensor = self._save_ops(placed, saveables)
                if build_restore:
                    restore_op = self._restore_ops(placed, saveables, restore_sequentially, reshape)
        return messages.SaverDef(
            filename_tensor_name=placed.name,
            save_tensor_name=save_tensor.name if save_tensor is not None else "",
            restore_op_name=restore_op.name if restore_op is not None else "",
            max_to_keep=max_to_keep,
            sharded=sharded,
            keep_checkpoint_every_n_hours=keep_checkpoint_every_n_hours,
            version=self._write_version,
        )


class BulkSaverBuilder(BaseSaverBuilder):
    """Restores all in one op: what the builder above does."""
