"""Nested structures of datasets: tuples, named tuples and dicts (by their sorted keys). Lists are values."""


def is_nested(value):
    """True for tuples and dicts."""
    return isinstance(value, (tuple, dict)) and not _is_sparse_value(value)


is_sequence = is_nested


def _is_sparse_value(value):
    return isinstance(value, tuple) and getattr(value, "_fields", None) == ("indices", "values", "dense_shape")


def _children(value):
    return [value[key] for key in sorted(value)] if isinstance(value, dict) else list(value)


def flatten(value):
    """The leaves, in order."""
    if not is_nested(value):
        return [value]
    return [leaf for child in _children(value) for leaf in flatten(child)]


def _like(value, children):
    """A structure as VALUE with other CHILDREN."""
    if isinstance(value, dict):
        by_key = dict(zip(sorted(value), children))
        return type(value)((key, by_key[key]) for key in value)
    if hasattr(value, "_fields"):
        return type(value)(*children)
    return tuple(children)


def pack_sequence_as(structure, flat):
    """FLAT, as many as there are leaves, in the form of STRUCTURE."""
    flat = list(flat)
    packed, used = _pack(structure, flat, 0)
    if used != len(flat):
        raise ValueError(f"Structure had {used} elements, but flat_sequence had {len(flat)} elements. Structure: "
                         f"{structure}, flat_sequence: {flat}.")  # fmt: skip
    return packed


def _pack(structure, flat, at):
    if not is_nested(structure):
        if at >= len(flat):
            raise ValueError(f"Structure had more elements than flat_sequence, which had {len(flat)}.")
        return flat[at], at + 1
    children = []
    for child in _children(structure):
        made, at = _pack(child, flat, at)
        children.append(made)
    return _like(structure, children), at


def map_structure(function, *structures):
    """FUNCTION of the leaves of STRUCTURES, which are alike."""
    for other in structures[1:]:
        assert_same_structure(structures[0], other)
    return pack_sequence_as(structures[0], [function(*leaves) for leaves in zip(*map(flatten, structures))])


def assert_same_structure(a, b, check_types=True):
    """ValueError (TypeError for types) unless A and B are alike."""
    if is_nested(a) != is_nested(b):
        raise ValueError(f"The two structures don't have the same nested structure. First structure: {a}, second "
                         f"structure: {b}.")  # fmt: skip
    if not is_nested(a):
        return
    if check_types and isinstance(a, dict) != isinstance(b, dict):
        raise TypeError(f"The two structures don't have the same sequence type: {type(a)} and {type(b)}.")
    if isinstance(a, dict) and set(a) != set(b):
        raise ValueError(f"The two dictionaries don't have the same set of keys: {list(a)} and {list(b)}.")
    if len(a) != len(b):
        raise ValueError(f"The two structures don't have the same number of elements: {a} and {b}.")
    for x, y in zip(_children(a), _children(b)):
        assert_same_structure(x, y, check_types)


def flatten_up_to(shallow, value):
    """The parts of VALUE at the leaves of SHALLOW."""
    if not is_nested(shallow):
        return [value]
    if not is_nested(value):
        raise TypeError(f"If shallow structure is a sequence, input must also be a sequence. Input has type: "
                        f"{type(value)}.")  # fmt: skip
    if len(shallow) != len(value):
        raise ValueError(f"The two structures don't have the same sequence length: {len(value)} and {len(shallow)}.")
    if isinstance(shallow, dict):
        if not isinstance(value, dict) or set(shallow) != set(value):
            raise ValueError(f"The two structures don't have the same keys: {value} and {shallow}.")
    return [part for a, b in zip(_children(shallow), _children(value)) for part in flatten_up_to(a, b)]


def map_structure_up_to(shallow, function, *structures):
    """FUNCTION of the parts of STRUCTURES at the leaves of SHALLOW."""
    parts = [flatten_up_to(shallow, s) for s in structures]
    return pack_sequence_as(shallow, [function(*leaves) for leaves in zip(*parts)])
