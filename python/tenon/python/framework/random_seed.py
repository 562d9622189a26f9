"""Seeds of random operations."""

from tenon.python.framework import ops
from tenon.python.util.tf_export import tf_export

_LARGEST = 2**31 - 1  # seeds are taken modulo this, however large they are


@tf_export("get_seed", "random.get_seed")
def get_seed(op_seed):
    """(seed, seed2) for a random operation, from the graph's seed and its own; (None, None) for a random seed."""
    graph = ops.get_default_graph()
    if graph._seed is None and op_seed is None:
        return None, None
    return graph.get_seed(op_seed if op_seed is None else int(op_seed) % _LARGEST)


@tf_export("set_random_seed", "random.set_random_seed")
def set_random_seed(seed):
    """Sets the default graph's seed."""
    ops.get_default_graph().seed = seed
