"""Dataset.reduce: a state that sees every element."""

from tenon.python.data.ops.structured_function import StructuredFunction
from tenon.python.data.util import nest, structure
from tenon.python.ops import gen_ops


def merge_state(state, output):
    """The specs of a state that is STATE at first and OUTPUT later. TypeError where the types differ."""
    nest.assert_same_structure(state, output)
    for a, b in zip(nest.flatten(state), nest.flatten(output)):
        if a.dtype is not b.dtype or type(a) is not type(b):
            raise TypeError(f"The element types for the new state must match the initial state. Expected "
                            f"{structure.types_of(state)}; got {structure.types_of(output)}.")  # fmt: skip
    return nest.map_structure(lambda a, b: a.merged(b), state, output)


def make(dataset, initial_state, reduce_func, name):
    """The state after the last element."""
    state = structure.normalize(initial_state)
    spec = structure.structure_of(state)
    while True:
        f = StructuredFunction(reduce_func, "Dataset_reduce", (spec, dataset._structure), several=True)
        merged = merge_state(spec, f.output)
        if str(merged) == str(spec):
            break
        spec = merged
    tensors = gen_ops.reduce_dataset(dataset._variant_tensor, structure.to_tensors(spec, state), f.captured, f=f.name,
                                     name=name, **structure.flat(spec))  # fmt: skip
    return structure.from_tensors(spec, tensors)
