"""Shapes, sizes of windows, and feeds."""

import numpy as np

import tenon as tf


def get_incoming_shape(incoming):
    """The shape of a tensor or array, a list."""
    if isinstance(incoming, tf.Tensor):
        return incoming.shape.as_list()
    if type(incoming) in (np.ndarray, list, tuple):
        return list(np.shape(incoming))
    raise Exception("Invalid incoming layer.")


def fix_padding(padding):
    """SAME or VALID of a name."""
    if padding.upper() not in ("SAME", "VALID"):
        raise Exception("Unknown padding! Accepted values: 'same', 'valid'.")
    return padding.upper()


def sizes(value, rank, what):
    """RANK numbers, of one or of as many (or of those with ones around)."""
    if isinstance(value, int):
        return [value] * rank
    value = list(value)
    if len(value) == rank + 2:
        return value[1:-1]
    if len(value) == 1:
        return value * rank
    if len(value) != rank:
        raise Exception(f"{what} length error: {value}")
    return value


def to_list(data):
    """DATA, or a list of it."""
    return data if isinstance(data, list) else [data]


def _tensor(key, collection, scope):
    """The placeholder of a key: itself, or by its name or that of its layer."""
    if not isinstance(key, str):
        return key
    for candidate in tf.get_collection(collection):
        if candidate.op.name in (key, f"{key}/{scope}"):
            return candidate
    return tf.get_default_graph().get_tensor_by_name(key if ":" in key else f"{key}/{scope}:0")


def feed_dict_builder(X, Y, net_inputs, net_targets):
    """{placeholder: data} of data given as arrays, lists or dicts by names."""
    feed = {}
    for data, tensors, collection, scope in ((X, net_inputs, tf.GraphKeys.INPUTS, "X"),
                                             (Y, net_targets, tf.GraphKeys.TARGETS, "Y")):  # fmt: skip
        if data is None:
            continue
        if isinstance(data, dict):
            feed.update((_tensor(k, collection, scope), v) for k, v in data.items())
        elif len(tensors) > 1:
            if len(data) != len(tensors):
                raise Exception(f"{len(tensors)} data sets are needed, one for each {collection[:-1]}, "
                                f"but there are {len(data)}")  # fmt: skip
            feed.update(zip(tensors, data))
        elif tensors:
            one = isinstance(data, list) and len(data) == 1 and np.ndim(data[0]) == tensors[0].shape.ndims
            feed[tensors[0]] = data[0] if one else data
    return feed


def get_dict_first_element(input_dict):
    """The first value of a dict."""
    return next(iter(input_dict.values()))


def get_tensor_parents_placeholders(tensor):
    """The placeholders that a tensor depends on."""
    seen, todo, found = set(), [tensor.op], []
    while todo:
        op = todo.pop()
        if op in seen:
            continue
        seen.add(op)
        if op.type == "Placeholder":
            found.append(op.outputs[0])
        todo += [t.op for t in op.inputs]
    return found


def repeat(inputs, n):
    """Each of INPUTS N times."""
    return [inputs] * n


def get_layer_by_name(name_or_scope):
    """The tensor that a layer of that name made."""
    return tf.get_collection(f"{tf.GraphKeys.LAYER_TENSOR}/{name_or_scope}")[0]
