"""Looking into checkpoints, and starting variables from them."""

import os

from tenon.python.framework import ops
from tenon.python.lib.io import anywhere
from tenon.python.ops import variable_scope as vs
from tenon.python.ops import variables
from tenon.python.platform import tf_logging as logging
from tenon.python.training import checkpoint_management
from tenon.python.training.py_checkpoint_reader import NewCheckpointReader
from tenon.python.util.tf_export import tf_export


@tf_export("train.load_checkpoint")
def load_checkpoint(ckpt_dir_or_file):
    """A reader of a checkpoint, or of the newest one in a folder."""
    found = _get_checkpoint_filename(ckpt_dir_or_file)
    if found is None:
        raise ValueError(f"Couldn't find 'checkpoint' file or checkpoints in given directory {ckpt_dir_or_file}")
    return NewCheckpointReader(found)


def _get_checkpoint_filename(ckpt_dir_or_file):
    path = os.fspath(ckpt_dir_or_file)
    return checkpoint_management.latest_checkpoint(path) if anywhere.isdir(path) else path


@tf_export("train.load_variable")
def load_variable(ckpt_dir_or_file, name):
    """The value of a variable in a checkpoint."""
    return load_checkpoint(ckpt_dir_or_file).get_tensor(name[:-2] if name.endswith(":0") else name)


@tf_export("train.list_variables")
def list_variables(ckpt_dir_or_file):
    """[(name, shape)] of what a checkpoint holds, by name."""
    return sorted(load_checkpoint(ckpt_dir_or_file).get_variable_to_shape_map().items())


@tf_export("train.init_from_checkpoint")
def init_from_checkpoint(ckpt_dir_or_file, assignment_map):
    """Makes the initializers of variables read a checkpoint.

    ASSIGNMENT_MAP maps names or scopes (`scope/`) of the checkpoint to variables, names, lists of parts or scopes of
    the graph; it may be a list of such pairs. `/` is the scope that holds all.
    """
    path = _get_checkpoint_filename(ckpt_dir_or_file)
    reader = load_checkpoint(ckpt_dir_or_file)
    shapes = reader.get_variable_to_shape_map()
    pairs = assignment_map.items() if isinstance(assignment_map, dict) else assignment_map
    for name, current in sorted(pairs, key=lambda pair: str(pair[0])):
        variable = _find_variable(current)
        if variable is None:
            _init_scope(path, shapes, name, current)
        else:
            _init_variable(path, shapes, name, variable)


def _is_variable(thing):
    return isinstance(thing, variables.Variable)


def _find_variable(current):
    """The variable, or list of the parts of one, that CURRENT says; None for a scope."""
    if _is_variable(current) or (isinstance(current, (list, tuple)) and all(_is_variable(part) for part in current)):
        return current
    if hasattr(current, "_get_variable_list"):
        return list(current._get_variable_list())
    store = vs._get_default_variable_store()._vars
    if current in store:
        return store[current]
    return _collect_partitioned_variable(current, store)


def _collect_partitioned_variable(name, store):
    parts = []
    while f"{name}/part_{len(parts)}" in store:
        parts.append(store[f"{name}/part_{len(parts)}"])
    return parts or None


def _full(variable):
    """(name, shape) of a variable, or of the whole that parts make."""
    if isinstance(variable, (list, tuple)):
        info = variable[0]._save_slice_info
        return info.full_name if info else variable[0].op.name, list(info.full_shape)
    return variable.op.name, variable.get_shape().as_list()


def _init_variable(path, shapes, name, variable):
    own, shape = _full(variable)
    if name not in shapes:
        raise ValueError(f"Tensor {name} is not found in {path} checkpoint {shapes}")
    if list(shapes[name]) != shape:
        raise ValueError(f"Shape of variable {own} ({shape}) doesn't match with shape of tensor {name} "
                         f"({shapes[name]}) "
                         "from checkpoint reader.")  # fmt: skip
    for part in variable if isinstance(variable, (list, tuple)) else [variable]:
        _set_checkpoint_initializer(part, path, name, part._save_slice_info.spec if part._save_slice_info else "")
    logging.debug("Initialize variable %s from checkpoint %s with %s", own, path, name)


def _init_scope(path, shapes, name, scope):
    if "/" not in (name[-1:], scope[-1:]) or not (name.endswith("/") and scope.endswith("/")):
        raise ValueError(f"Assignment map with scope only name {scope} should map to scope only {name}. Should be "
                         "'scope/': 'other_scope/'.")  # fmt: skip
    prefix, wanted = name.rstrip("/"), scope.rstrip("/")
    store = vs._get_default_variable_store()._vars
    done = set()
    for own in sorted(store):
        if wanted and not own.startswith(wanted + "/"):
            continue
        whole = own.rpartition("/part_")[0] if "/part_" in own else own
        if whole in done:
            continue
        done.add(whole)
        inner = whole[len(wanted) :].lstrip("/") if wanted else whole
        key = f"{prefix}/{inner}" if prefix else inner
        if key not in shapes:
            raise ValueError(f"Tensor {key} ({inner} in {wanted or '/'}) is not found in {path} checkpoint")
        _init_variable(path, shapes, key, store[own] if whole == own else _collect_partitioned_variable(whole, store))


def _set_checkpoint_initializer(variable, path, tensor_name, slice_spec, name="checkpoint_initializer"):
    """The initializer of VARIABLE becomes one that restores; its initial value too."""
    from tenon.python.ops import gen_ops

    dtype = variable.dtype.base_dtype
    with ops.device(variable.device), ops.device("/cpu:0"):
        restored = gen_ops.restore_v2(path, [tensor_name], [slice_spec], [dtype], name=name)[0]
        restored.set_shape(variable.get_shape())
        initializer = variable.assign(restored, read_value=False)
    variable._initializer_op = getattr(initializer, "op", None) or initializer
    variable._initial_value = restored
