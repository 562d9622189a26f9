"""Dataset.from_generator: Python iterables as datasets."""

import itertools

import numpy as np

from tenon import _host
from tenon.python.data.util import nest, structure
from tenon.python.framework import dtypes, ops
from tenon.python.framework.func_graph import trace
from tenon.python.ops import gen_ops


class _Generators:
    """The iterators that run now, by number."""

    def __init__(self, generator, element):
        self.generator = generator
        self.element = element
        self.specs = nest.flatten(element)
        self.numbers = itertools.count()
        self.running = {}

    def start(self, *args):
        """Starts an iterator; its number."""
        number = next(self.numbers)
        self.running[number] = iter(self.generator(*args))
        return np.int64(number)

    def next(self, number):
        """The arrays of the next element; StopIteration at the end."""
        values = next(self.running[int(number)])
        if isinstance(values, list) and nest.is_nested(self.element):
            values = tuple(values)
        try:
            leaves = nest.flatten_up_to(self.element, values)
        except (TypeError, ValueError) as error:
            raise TypeError(f"`generator` yielded an element that did not match the expected structure. The expected "
                            f"structure was {structure.types_of(self.element)}, but the yielded element was {values}."
                            ) from error  # fmt: skip
        return [self._array(value, spec, values) for value, spec in zip(leaves, self.specs)]

    def _array(self, value, spec, element):
        try:
            if spec.dtype is dtypes.string:
                array = np.array(value, dtype=object)
                if array.ndim == 0:
                    array = np.array(value.encode() if isinstance(value, str) else value, dtype=object)
            else:
                array = np.array(value, dtype=spec.dtype.as_numpy_dtype)
        except (TypeError, ValueError) as error:
            raise TypeError(f"`generator` yielded an element that could not be converted to the expected type. The "
                            f"expected type was {spec.dtype.name}, but the yielded element was {element}."
                            ) from error  # fmt: skip
        if not spec.shape.is_compatible_with(array.shape):
            raise ValueError(f"`generator` yielded an element of shape {array.shape} where an element of shape "
                             f"{spec.shape} was expected.")  # fmt: skip
        return array

    def finish(self, number):
        """Forgets the iterator."""
        found = self.running.pop(int(number), None)
        if hasattr(found, "close"):
            found.close()
        return np.int64(0)


def _call(token, inputs, types):
    return gen_ops.py_func(inputs, token=token, Tout=types)


def make(generator, output_types, output_shapes, args, name):
    """The dataset of what GENERATOR(*ARGS) yields."""
    from tenon.python.data.ops import dataset_ops

    if not callable(generator):
        raise TypeError("`generator` must be a Python callable.")
    if output_types is None:
        raise TypeError("from_generator() missing 1 required positional argument: 'output_types'")
    element = structure.from_types(output_types, output_shapes)
    args = tuple(ops.convert_n_to_tensor(args, name="args")) if args is not None else ()
    state = _Generators(generator, element)
    tokens = [_host.register(function) for function in (state.start, state.next, state.finish)]
    number = [(dtypes.int64, [], "number")]
    outer = ops.get_default_graph()
    outer._generators = [*getattr(outer, "_generators", ()), state]
    init = trace("Dataset_from_generator_start", lambda: _call(tokens[0], list(args), [dtypes.int64]), [], outer)
    types = [spec.dtype for spec in nest.flatten(element)]
    step = trace("Dataset_from_generator_next", lambda n: _call(tokens[1], [n], types), number, outer)
    end = trace("Dataset_from_generator_end", lambda n: _call(tokens[2], [n], [dtypes.int64]), number, outer)
    for body in (init, step, end):
        body.add_to(outer)
    captured = [ops.convert_to_tensor(x) for x in init.captures]
    variant = gen_ops.generator_dataset(captured, [], [], init_func=init.name, next_func=step.name,
                                        finalize_func=end.name, name=name, **structure.flat(element))  # fmt: skip
    return dataset_ops._wrap(variant, element)
