"""What can be saved and restored."""

from tenon.python.util.tf_export import tf_export


class SaveSpec:
    """One tensor of a checkpoint: the tensor (or a function that makes it), the slice ("": all) and the key."""

    def __init__(self, tensor, slice_spec, name, dtype=None, device=None):
        self._tensor = tensor
        self.slice_spec = slice_spec
        self.name = name
        self.dtype = dtype if dtype is not None else tensor.dtype
        self.device = device if device is not None else ("" if callable(tensor) else tensor.device)

    @property
    def tensor(self):
        """The tensor that is saved; made on first use where the spec holds a function."""
        return self._tensor() if callable(self._tensor) and not hasattr(self._tensor, "graph") else self._tensor


@tf_export("train.SaveableObject")
class SaveableObject:
    """Something that is saved as the tensors of SPECS and can restore itself. OP stands for it, with its device."""

    def __init__(self, op, specs, name):
        self.op, self.specs, self.name = op, specs, name

    @property
    def device(self):
        """The device of its tensors."""
        return self.specs[0].device

    @property
    def optional_restore(self):
        """Whether a checkpoint may lack it."""
        return False

    def restore(self, restored_tensors, restored_shapes):
        """An operation that puts RESTORED_TENSORS, one for each spec, back."""
        raise ValueError("Calling an abstract method.")
