"""What layers have in common: collections of outputs and variables, sizes."""

import collections

from tenon.python.framework import ops, tensor_shape, tensor_util
from tenon.python.ops import control_flow_ops
from tenon.python.util.tf_export import tf_export

NamedOutputs = collections.namedtuple("NamedOutputs", ["name", "outputs"])


def append_tensor_alias(tensor, alias):
    """Gives TENSOR another name for end points."""
    alias = alias[:-1] if alias.endswith("/") else alias
    tensor.aliases = [*getattr(tensor, "aliases", ()), alias]
    return tensor


def gather_tensors_aliases(tensors):
    return [alias for tensor in tensors for alias in get_tensor_aliases(tensor)]


def get_tensor_aliases(tensor):
    """The names of TENSOR for end points."""
    aliases = getattr(tensor, "aliases", None)
    if aliases:
        return aliases
    name = tensor.name.split(":")[0] if tensor.name.endswith(":0") else tensor.name
    return [name]


@tf_export("contrib.layers.utils.collect_named_outputs", "contrib.slim.utils.collect_named_outputs")
def collect_named_outputs(collections, alias, outputs):
    """Puts OUTPUTS, under the name ALIAS, into COLLECTIONS; returns them."""
    if collections:
        append_tensor_alias(outputs, alias)
        ops.add_to_collections(collections, outputs)
    return outputs


@tf_export("contrib.layers.utils.convert_collection_to_dict", "contrib.slim.utils.convert_collection_to_dict")
def convert_collection_to_dict(collection, clear_collection=False):
    """{alias: tensor} of what is in COLLECTION."""
    made = collections.OrderedDict(
        (alias, tensor)
        for tensor in set_in_order(ops.get_collection(collection))
        for alias in get_tensor_aliases(tensor)
    )
    if clear_collection:
        ops.get_default_graph().clear_collection(collection)
    return made


def set_in_order(items):
    seen, kept = set(), []
    for item in items:
        if id(item) not in seen:
            seen.add(id(item))
            kept.append(item)
    return kept


@tf_export("contrib.layers.utils.constant_value", "contrib.slim.utils.constant_value")
def constant_value(value_or_tensor_or_var, dtype=None):
    """The value of a bool, a constant or a variable's initial value, None where it is not known."""
    value = value_or_tensor_or_var
    if value is None:
        raise ValueError("value_or_tensor_or_var cannot be None")
    if isinstance(value, ops.Tensor):
        return tensor_util.constant_value(value)
    return None if hasattr(value, "initializer") else value


@tf_export("contrib.layers.utils.static_cond", "contrib.slim.utils.static_cond")
def static_cond(pred, fn1, fn2):
    """FN1() if the bool PRED is true, else FN2()."""
    for function in (fn1, fn2):
        if not callable(function):
            raise TypeError("fn1 and fn2 must be callable.")
    return fn1() if pred else fn2()


@tf_export("contrib.layers.utils.smart_cond", "contrib.slim.utils.smart_cond")
def smart_cond(pred, fn1, fn2, name=None):
    """static_cond where PRED is known, cond where it is a tensor."""
    known = constant_value(pred)
    if known is not None:
        return static_cond(known, fn1, fn2)
    return control_flow_ops.cond(pred, fn1, fn2, name=name)


@tf_export("contrib.layers.utils.get_variable_collections", "contrib.slim.utils.get_variable_collections")
def get_variable_collections(variables_collections, name):
    """The collections for variable NAME from a list for all or a dictionary by name."""
    if isinstance(variables_collections, dict):
        return variables_collections.get(name, None)
    return variables_collections


@tf_export("contrib.layers.utils.channel_dimension", "contrib.slim.utils.channel_dimension")
def channel_dimension(shape, data_format, min_rank=1):
    """The number of channels of SHAPE; ValueError if it is not known."""
    return _dimension(shape, 1 if data_format == "NCHW" else -1, min_rank)


@tf_export("contrib.layers.utils.last_dimension", "contrib.slim.utils.last_dimension")
def last_dimension(shape, min_rank=1):
    """The last size of SHAPE; ValueError if it is not known."""
    return _dimension(shape, -1, min_rank)


def _dimension(shape, index, min_rank):
    dims = shape.dims
    if dims is None:
        raise ValueError("dims of shape must be known but is None")
    if len(dims) < min_rank:
        raise ValueError(f"rank of shape must be at least {min_rank} not: {len(dims)}")
    value = tensor_shape.dimension_value(dims[index])
    if value is None:
        raise ValueError(f"dimension {index} shape must be known but is None")
    return value


@tf_export("contrib.layers.utils.two_element_tuple", "contrib.slim.utils.two_element_tuple")
def two_element_tuple(int_or_tuple):
    """An int n as (n, n), a pair as it is."""
    if isinstance(int_or_tuple, (list, tuple)):
        if len(int_or_tuple) != 2:
            raise ValueError(f"Must be a list with 2 elements: {int_or_tuple}")
        return int(int_or_tuple[0]), int(int_or_tuple[1])
    if isinstance(int_or_tuple, int):
        return int_or_tuple, int_or_tuple
    if isinstance(int_or_tuple, tensor_shape.TensorShape) and len(int_or_tuple) == 2:
        return int_or_tuple[0], int_or_tuple[1]
    raise ValueError("Must be an int, a list with 2 elements or a TensorShape of length 2")


@tf_export("contrib.layers.utils.n_positive_integers", "contrib.slim.utils.n_positive_integers")
def n_positive_integers(n, value):
    """VALUE as a tuple of N positive integers: an int N times, or N of them."""
    n = int(n)
    if n <= 0:
        raise ValueError("n must be a positive integer")
    if isinstance(value, int):
        value = (value,) * n
    if isinstance(value, (list, tuple)) and len(value) == 1:
        value = tuple(value) * n
    made = tuple(int(v) for v in value)
    if len(made) != n or any(v <= 0 for v in made):
        raise ValueError(f"value must be {n} positive integers, got {value}")
    return made
