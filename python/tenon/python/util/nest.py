"""Structures of lists, tuples, named tuples and dicts: flattening, packing, mapping, comparing."""

from collections import abc as _abc

from tenon.python.util.tf_export import tf_export

_LEAVES = (str, bytes, bytearray, memoryview)


def _is_dict(value):
    return isinstance(value, _abc.Mapping)


def _is_named(value):
    return isinstance(value, tuple) and hasattr(value, "_fields")


def _is_attrs(value):
    return hasattr(type(value), "__attrs_attrs__")


def _composite(value):
    """Whether VALUE is tensors in one: a SparseTensor or IndexedSlices."""
    return hasattr(value, "dense_shape") and hasattr(value, "indices") and hasattr(value, "values") and (
        type(value).__name__ in ("SparseTensor", "IndexedSlices"))  # fmt: skip


def _parts(value):
    """The tensors of a composite one, in TensorFlow's order."""
    if type(value).__name__ == "SparseTensor":
        return [value.indices, value.values, value.dense_shape]
    return [value.values, value.indices] + ([] if value.dense_shape is None else [value.dense_shape])


def _rebuild(value, parts):
    return type(value)(*parts)


@tf_export("nest.is_nested")
def is_nested(structure):
    """Whether it is a list, tuple, dict or the like, and not a string."""
    if isinstance(structure, _LEAVES):
        return False
    return isinstance(structure, (list, tuple)) or _is_dict(structure) or _is_attrs(structure)


is_sequence = is_nested


def is_nested_or_composite(structure):
    """is_nested, or tensors in one."""
    return is_nested(structure) or _composite(structure)


is_sequence_or_composite = is_nested_or_composite


def _keys(mapping):
    try:
        return sorted(mapping)
    except TypeError:
        raise TypeError("nest only supports dicts with sortable keys.") from None


def _items(structure):
    """(key, value) pairs of one level, dicts by sorted key."""
    if _is_dict(structure):
        return [(key, structure[key]) for key in _keys(structure)]
    if _is_named(structure):
        return [(name, getattr(structure, name)) for name in structure._fields]
    if _is_attrs(structure):
        return [(a.name, getattr(structure, a.name)) for a in type(structure).__attrs_attrs__]
    return list(enumerate(structure))


def _values(structure):
    return [value for _, value in _items(structure)]


def _like(structure, values):
    """VALUES in a structure of one level of the same kind."""
    if _is_dict(structure):
        by_key = dict(zip(_keys(structure), values))
        if isinstance(structure, dict) and type(structure).__name__ == "defaultdict":
            result = type(structure)(structure.default_factory)
            result.update((key, by_key[key]) for key in structure)
            return result
        return type(structure)((key, by_key[key]) for key in structure)
    if _is_named(structure) or _is_attrs(structure):
        return type(structure)(*values)
    kind = type(structure)
    if kind in (list, tuple):
        return kind(values)
    try:
        return kind(values)
    except TypeError:
        return (list if isinstance(structure, list) else tuple)(values)


def _flatten(structure, out, expand):
    if is_nested(structure):
        for value in _values(structure):
            _flatten(value, out, expand)
    elif expand and _composite(structure):
        out.extend(_parts(structure))
    else:
        out.append(structure)


@tf_export("nest.flatten", "contrib.framework.nest.flatten")
def flatten(structure, expand_composites=False):
    """The leaves as a list."""
    out = []
    _flatten(structure, out, expand_composites)
    return out


def _pack(structure, flat, place, expand):
    if is_nested(structure):
        values = []
        for value in _values(structure):
            packed, place = _pack(value, flat, place, expand)
            values.append(packed)
        return _like(structure, values), place
    if expand and _composite(structure):
        count = len(_parts(structure))
        return _rebuild(structure, flat[place : place + count]), place + count
    return flat[place], place + 1


@tf_export("nest.pack_sequence_as", "contrib.framework.nest.pack_sequence_as")
def pack_sequence_as(structure, flat_sequence, expand_composites=False):
    """A flat list in the form of STRUCTURE."""
    if not is_nested(flat_sequence):
        raise TypeError(f"Attempted to pack value:\n  {flat_sequence}\ninto a structure, but found incompatible type "
                        f"`{type(flat_sequence)}` instead.")  # fmt: skip
    flat = list(flat_sequence)
    if not is_nested(structure) and not (expand_composites and _composite(structure)):
        if len(flat) != 1:
            raise ValueError(f"The target structure is of type `{type(structure)}`\n  {structure}\nHowever the "
                             f"input is "
                             f"a sequence ({type(flat_sequence)}) of length {len(flat)}.\nnest cannot guarantee "
                             f"that it "
                             "is safe to map one to the other.")  # fmt: skip
        return flat[0]
    wanted = len(flatten(structure, expand_composites))
    if len(flat) != wanted:
        raise ValueError(f"Could not pack sequence. Structure had {wanted} atoms, but flat_sequence had {len(flat)} "
                         f"items.  Structure: {structure}, flat_sequence: {flat_sequence}.")  # fmt: skip
    return _pack(structure, flat, 0, expand_composites)[0]


def _assert_same(a, b, check_types, expand):
    nested_a, nested_b = is_nested(a), is_nested(b)
    if expand:
        composite_a, composite_b = _composite(a), _composite(b)
        if composite_a or composite_b:
            if composite_a != composite_b or type(a) is not type(b) and check_types:
                raise TypeError(f"The two structures don't have the same sequence type: {type(a)} and {type(b)}")
            return
    if nested_a != nested_b:
        raise ValueError(f"The two structures don't have the same nested structure: "
                         f"{'nested' if nested_a else 'a single value'} {a!r} and {b!r}")  # fmt: skip
    if not nested_a:
        return
    if check_types and type(a) is not type(b):
        named = _is_named(a) and _is_named(b) and type(a).__name__ == type(b).__name__ and a._fields == b._fields
        if not named and not (_is_dict(a) and _is_dict(b)):
            raise TypeError(f"The two structures don't have the same sequence type. First structure has type "
                            f"{type(a)}, "
                            f"while second structure has type {type(b)}.")  # fmt: skip
    if _is_dict(a) and _is_dict(b) and set(a) != set(b):
        raise ValueError(f"The two dictionaries don't have the same set of keys. First structure has keys {list(a)}, "
                         f"while second structure has keys {list(b)}.")  # fmt: skip
    left, right = _values(a), _values(b)
    if len(left) != len(right):
        raise ValueError(f"The two structures don't have the same number of elements: {len(left)} and {len(right)}")
    for x, y in zip(left, right):
        _assert_same(x, y, check_types, expand)


@tf_export("nest.assert_same_structure", "contrib.framework.nest.assert_same_structure")
def assert_same_structure(nest1, nest2, check_types=True, expand_composites=False):
    """Raises ValueError or TypeError where the two are not nested in the same way."""
    try:
        _assert_same(nest1, nest2, check_types, expand_composites)
    except (ValueError, TypeError) as error:
        raise type(error)(f"The two structures don't have the same nested structure.\n\nFirst structure: {nest1}\n\n"
                          f"Second structure: {nest2}\n\nMore specifically: {error}") from None  # fmt: skip


@tf_export("nest.map_structure", "contrib.framework.nest.map_structure")
def map_structure(func, *structure, **kwargs):
    """FUNC of the leaves of one or more structures, in the form of the first."""
    if not callable(func):
        raise TypeError(f"func must be callable, got: {func}")
    if not structure:
        raise ValueError("Must provide at least one structure")
    check_types = kwargs.pop("check_types", True)
    expand = kwargs.pop("expand_composites", False)
    if kwargs:
        raise ValueError(f"Only valid keyword arguments are `check_types` and `expand_composites`, not: {list(kwargs)}")
    for other in structure[1:]:
        assert_same_structure(structure[0], other, check_types=check_types, expand_composites=expand)
    flat = [flatten(s, expand) for s in structure]
    return pack_sequence_as(structure[0], [func(*x) for x in zip(*flat)], expand_composites=expand)


def flatten_with_joined_string_paths(structure, separator="/", expand_composites=False):
    """(path, leaf) pairs."""
    return [
        (separator.join(map(str, path)), leaf) for path, leaf in flatten_with_tuple_paths(structure, expand_composites)
    ]


def flatten_with_tuple_paths(structure, expand_composites=False):
    """(tuple of keys, leaf) pairs."""
    out = []

    def walk(value, path):
        if is_nested(value):
            for key, inner in _items(value):
                walk(inner, (*path, key))
        elif expand_composites and _composite(value):
            out.extend(((*path, i), part) for i, part in enumerate(_parts(value)))
        else:
            out.append((path, value))

    walk(structure, ())
    return out


def map_structure_with_paths(func, *structure, **kwargs):
    """map_structure whose function gets the path, as a string, first."""
    paths = [path for path, _ in flatten_with_joined_string_paths(structure[0])]
    flat = [flatten(s) for s in structure]
    return pack_sequence_as(structure[0], [func(p, *x, **kwargs) for p, x in zip(paths, zip(*flat))])


def yield_flat_paths(structure, expand_composites=False):
    """The tuples of keys of the leaves."""
    for path, _ in flatten_with_tuple_paths(structure, expand_composites):
        yield path


def flatten_dict_items(dictionary):
    """A dict whose keys and values may be nested, with both flattened."""
    if not isinstance(dictionary, dict):
        raise TypeError("input must be a dictionary")
    flat = {}
    for key, value in dictionary.items():
        keys, values = (flatten(key), flatten(value)) if is_nested(key) else ([key], [value])
        if len(keys) != len(values):
            raise ValueError(f"Could not flatten dictionary. Key had {len(keys)} elements, but value had {len(values)} "
                             f"elements. Key: {keys}, value: {values}.")  # fmt: skip
        for k, v in zip(keys, values):
            if k in flat:
                raise ValueError(f"Could not flatten dictionary: key {k} is not unique.")
            flat[k] = v
    return flat


def assert_shallow_structure(shallow_tree, input_tree, check_types=True, expand_composites=False):
    """Raises where the upper levels of INPUT_TREE are not SHALLOW_TREE's."""
    if not is_nested(shallow_tree):
        return
    if not is_nested(input_tree):
        raise TypeError(f"If shallow structure is a sequence, input must also be a sequence. Input has type: "
                        f"{type(input_tree)}.")  # fmt: skip
    if (
        check_types
        and not isinstance(input_tree, type(shallow_tree))
        and not (_is_dict(input_tree) and _is_dict(shallow_tree))
    ):
        raise TypeError(f"The two structures don't have the same sequence type. Input structure has type "
                        f"{type(input_tree)}, while shallow structure has type {type(shallow_tree)}.")  # fmt: skip
    left, right = _items(shallow_tree), _items(input_tree)
    if len(left) != len(right):
        raise ValueError(f"The two structures don't have the same sequence length. Input structure has length "
                         f"{len(right)}, while shallow structure has length {len(left)}.")  # fmt: skip
    if [k for k, _ in left] != [k for k, _ in right]:
        raise ValueError("The two structures don't have the same keys.")
    for (_, a), (_, b) in zip(left, right):
        assert_shallow_structure(a, b, check_types)


def _up_to(shallow, tree, out):
    if is_nested(shallow):
        for a, b in zip(_values(shallow), _values(tree)):
            _up_to(a, b, out)
    else:
        out.append(tree)


def flatten_up_to(shallow_tree, input_tree, check_types=True, expand_composites=False):
    """The parts of INPUT_TREE at the leaves of SHALLOW_TREE."""
    assert_shallow_structure(shallow_tree, input_tree, check_types)
    out = []
    _up_to(shallow_tree, input_tree, out)
    return out


def map_structure_up_to(shallow_tree, func, *inputs, **kwargs):
    """FUNC of the parts of INPUTS at the leaves of SHALLOW_TREE, in its form."""
    if not inputs:
        raise ValueError("Cannot map over no sequences")
    check_types = kwargs.pop("check_types", True)
    flat = [flatten_up_to(shallow_tree, tree, check_types) for tree in inputs]
    return pack_sequence_as(shallow_tree, [func(*x) for x in zip(*flat)])


def get_traverse_shallow_structure(traverse_fn, structure):
    """STRUCTURE down to where TRAVERSE_FN (a bool, or one for each branch) says no; bools stand at its ends."""
    go = traverse_fn(structure)
    if not is_nested(structure):
        if not isinstance(go, bool):
            raise TypeError(f"traverse_fn returned {type(go).__name__} for a leaf; expected a bool")
        return go
    if go is False:
        return False
    branches = list(_values(structure))
    if go is True:
        chosen = [True] * len(branches)
    elif is_nested(go):
        chosen = list(_values(go))
    else:
        raise TypeError(f"traverse_fn returned {type(go).__name__}; expected a bool or a structure of bools")
    made = [get_traverse_shallow_structure(traverse_fn, v) if c else False for c, v in zip(chosen, branches)]
    return _like(structure, made)


def list_to_tuple(structure):
    """The structure with tuples for lists."""
    if is_nested(structure):
        values = [list_to_tuple(v) for v in _values(structure)]
        return tuple(values) if isinstance(structure, list) else _like(structure, values)
    return structure
