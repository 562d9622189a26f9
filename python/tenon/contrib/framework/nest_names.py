"""tf.contrib.framework.nest."""

from tenon.python.util import nest

TF_EXPORTS = {
    "contrib.framework.nest.assert_shallow_structure": "assert_shallow_structure",
    "contrib.framework.nest.flatten_dict_items": "flatten_dict_items",
    "contrib.framework.nest.flatten_up_to": "flatten_up_to",
    "contrib.framework.nest.flatten_with_joined_string_paths": "flatten_with_joined_string_paths",
    "contrib.framework.nest.flatten_with_tuple_paths": "flatten_with_tuple_paths",
    "contrib.framework.nest.flatten_with_tuple_paths_up_to": "flatten_with_tuple_paths_up_to",
    "contrib.framework.nest.get_traverse_shallow_structure": "get_traverse_shallow_structure",
    "contrib.framework.nest.is_nested": "is_nested",
    "contrib.framework.nest.is_sequence": "is_sequence",
    "contrib.framework.nest.map_structure_up_to": "map_structure_up_to",
    "contrib.framework.nest.map_structure_with_paths": "map_structure_with_paths",
    "contrib.framework.nest.map_structure_with_tuple_paths": "map_structure_with_tuple_paths",
    "contrib.framework.nest.map_structure_with_tuple_paths_up_to": "map_structure_with_tuple_paths_up_to",
    "contrib.framework.nest.yield_flat_paths": "yield_flat_paths",
}
flatten_dict_items, map_structure_up_to = nest.flatten_dict_items, nest.map_structure_up_to
flatten_with_joined_string_paths = nest.flatten_with_joined_string_paths
flatten_with_tuple_paths = nest.flatten_with_tuple_paths
map_structure_with_paths = nest.map_structure_with_paths


def is_nested(seq):
    """Whether it is a list, tuple, dict or the like, and not a string."""
    return nest.is_nested(seq)


def yield_flat_paths(nest, expand_composites=False):
    """The tuples of keys of the leaves."""
    return _yield_flat_paths(nest, expand_composites)


_yield_flat_paths = nest.yield_flat_paths


def get_traverse_shallow_structure(traverse_fn, structure, expand_composites=False):
    """STRUCTURE down to where TRAVERSE_FN (a bool, or one for each branch) says no; bools stand at its ends."""
    return nest.get_traverse_shallow_structure(traverse_fn, structure)


def _cut(shallow, tree, check_subtrees_length):
    """The branches of TREE that SHALLOW has too, where TREE may have more."""
    if check_subtrees_length or not nest.is_nested(shallow) or not nest.is_nested(tree):
        return tree
    if isinstance(tree, dict):
        kept = {key: _cut(shallow[key], tree[key], False) for key in shallow if key in tree}
        return type(shallow)(kept)
    return nest.pack_sequence_as([0] * len(shallow), [_cut(a, b, False) for a, b in zip(shallow, tree)])


def assert_shallow_structure(shallow_tree, input_tree, check_types=True, expand_composites=False,
                             check_subtrees_length=True):  # fmt: skip
    """Raises where the upper levels of INPUT_TREE are not SHALLOW_TREE's."""
    tree = _cut(shallow_tree, input_tree, check_subtrees_length)
    nest.assert_shallow_structure(shallow_tree, tree, check_types and check_subtrees_length, expand_composites)


def flatten_up_to(shallow_tree, input_tree, check_types=True, expand_composites=False, check_subtrees_length=True):
    """The parts of INPUT_TREE at the leaves of SHALLOW_TREE."""
    tree = _cut(shallow_tree, input_tree, check_subtrees_length)
    return nest.flatten_up_to(shallow_tree, tree, check_types and check_subtrees_length, expand_composites)


def is_sequence(o):
    """Whether it is a list, tuple, dict or the like, and not a string."""
    return nest.is_nested(o)


def flatten_with_tuple_paths_up_to(shallow_tree, input_tree, check_types=True, expand_composites=False,
                                   check_subtrees_length=True):  # fmt: skip
    """(tuple of keys, part of INPUT_TREE) at the leaves of SHALLOW_TREE."""
    parts = flatten_up_to(shallow_tree, input_tree, check_types, expand_composites, check_subtrees_length)
    paths = nest.yield_flat_paths(shallow_tree, expand_composites) if nest.is_nested(shallow_tree) else [()]
    return list(zip(paths, parts))


def map_structure_with_tuple_paths_up_to(shallow_tree, func, *inputs, **kwargs):
    """FUNC of the keys and the parts of INPUTS at the leaves of SHALLOW_TREE, in its form."""
    if not inputs:
        raise ValueError("Cannot map over no sequences")
    check_types = kwargs.pop("check_types", True)
    expand = kwargs.pop("expand_composites", False)
    options = (check_types, expand, kwargs.pop("check_subtrees_length", True))
    flat = [flatten_up_to(shallow_tree, tree, *options) for tree in inputs]
    paths = [path for path, _ in flatten_with_tuple_paths_up_to(shallow_tree, inputs[0], *options)]
    made = [func(path, *parts, **kwargs) for path, parts in zip(paths, zip(*flat))]
    return nest.pack_sequence_as(shallow_tree, made, expand_composites=expand)


def map_structure_with_tuple_paths(func, *structure, **kwargs):
    """map_structure whose function gets the tuple of keys first."""
    return map_structure_with_tuple_paths_up_to(structure[0], func, *structure, **kwargs)
