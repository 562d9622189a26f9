"""Starting the variables of a model from a checkpoint of another one."""

import collections
import re

import numpy as np

from tenon.python.framework import ops
from tenon.python.lib.io import anywhere
from tenon.python.ops import array_ops, init_ops
from tenon.python.ops import variables as variables_lib
from tenon.python.platform import tf_logging as logging
from tenon.python.training import checkpoint_utils
from tenon.python.util.tf_export import tf_export


@tf_export("train.VocabInfo", "estimator.VocabInfo")
class VocabInfo(collections.namedtuple("VocabInfo", [
    "new_vocab", "new_vocab_size", "num_oov_buckets", "old_vocab", "old_vocab_size", "backup_initializer", "axis",
])):  # fmt: skip
    """Two vocabularies of a variable, so that its rows (axis 0) or columns (1) find their words."""

    def __new__(cls, new_vocab, new_vocab_size, num_oov_buckets, old_vocab, old_vocab_size=-1, backup_initializer=None,
                axis=0):  # fmt: skip
        if axis not in (0, 1):
            raise ValueError(f"The only supported values for the axis argument are 0 and 1.  Provided axis: {axis}")
        return super().__new__(cls, new_vocab, new_vocab_size, num_oov_buckets, old_vocab, old_vocab_size,
                               backup_initializer, axis)  # fmt: skip


def _grouped(names_or_list):
    """{name: [parts]} of the variables that VARS_TO_WARM_START says."""
    if isinstance(names_or_list, str) or names_or_list is None:
        found = ops.get_collection(ops.GraphKeys.TRAINABLE_VARIABLES, scope=names_or_list)
    elif all(isinstance(item, str) for item in names_or_list):
        found = []
        for pattern in names_or_list:
            found += [v for v in ops.get_collection(ops.GraphKeys.GLOBAL_VARIABLES) if re.match(pattern, v.op.name)]
    elif all(isinstance(item, variables_lib.Variable) for item in names_or_list):
        found = list(names_or_list)
    else:
        raise ValueError("If `vars_to_warm_start` is a list, it must be all `Variable` or all `str`.  Given types are "
                         f"{[type(item) for item in names_or_list]}")  # fmt: skip
    groups = {}
    for variable in found:
        if isinstance(variable, variables_lib.PartitionedVariable):
            groups.setdefault(variable.name, []).extend(variable)
        else:
            info = variable._save_slice_info
            groups.setdefault(info.full_name if info else variable.op.name, []).append(variable)
    return groups


def _words(path, size):
    words = anywhere.read(path, "utf-8").split("\n")
    words = words[:-1] if not words[-1] else words
    return words[:size] if size and size > 0 else words


def _with_vocabulary(parts, checkpoint, name, info):
    """Initializers of PARTS: the values of words that both vocabularies have, the backup initializer's for others."""
    old = {word: i for i, word in enumerate(_words(info.old_vocab, info.old_vocab_size))}
    new = _words(info.new_vocab, info.new_vocab_size)
    source = [old.get(word, -1) for word in new] + [-1] * info.num_oov_buckets
    values = checkpoint_utils.load_variable(checkpoint, name)
    for part in parts:
        shape = part.get_shape().as_list()
        spec = part._save_slice_info
        offset = spec.var_offset if spec else [0] * len(shape)
        axis = info.axis
        rows = source[offset[axis] : offset[axis] + shape[axis]]
        initializer = info.backup_initializer
        if initializer is None:
            initializer = init_ops.zeros_initializer()
        backup = initializer(shape, dtype=part.dtype.base_dtype)
        known = [i for i, row in enumerate(rows) if row >= 0]
        taken = np.take(values, [rows[i] for i in known], axis=axis)
        if axis == 1 and offset[0]:
            taken = taken[offset[0] : offset[0] + shape[0]]
        whole = np.zeros(shape, part.dtype.base_dtype.as_numpy_dtype)
        mask = np.zeros(shape, bool)
        index = (np.array(known, int),) if axis == 0 else (slice(None), np.array(known, int))
        whole[index], mask[index] = taken, True
        part._initializer_op = part.assign(array_ops.where(mask, ops.convert_to_tensor(whole), backup)).op


@tf_export("train.warm_start")
def warm_start(ckpt_to_initialize_from, vars_to_warm_start=".*", var_name_to_vocab_info=None,
               var_name_to_prev_var_name=None):  # fmt: skip
    """Makes the initializers of variables read a checkpoint (or the newest of a folder)."""
    vocabularies, previous = var_name_to_vocab_info or {}, var_name_to_prev_var_name or {}
    logging.info("Warm-starting from: %s", ckpt_to_initialize_from)
    used, plain = set(), {}
    for name, parts in _grouped(vars_to_warm_start).items():
        old = previous.get(name, name)
        used.add(name)
        if name in vocabularies:
            _with_vocabulary(parts, ckpt_to_initialize_from, old, vocabularies[name])
        else:
            plain[old] = parts if len(parts) > 1 or parts[0]._save_slice_info else parts[0]
    checkpoint_utils.init_from_checkpoint(ckpt_to_initialize_from, plain)
    for given, what in ((previous, "var_name_to_prev_var_name"), (vocabularies, "var_name_to_vocab_info")):
        unused = set(given) - used
        if unused:
            raise ValueError(f"You provided the following variables in {what} that were not used: {sorted(unused)}.  "
                             f"Perhaps you "
                             "misspelled them?")  # fmt: skip
