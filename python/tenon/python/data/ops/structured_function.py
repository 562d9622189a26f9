"""The functions of datasets: from elements to elements."""

from tenon.python.data.util import nest, structure
from tenon.python.framework import ops
from tenon.python.framework.func_graph import trace


class StructuredFunction:
    """FUNC traced on elements of INPUT (nested specs, or several where it takes them as arguments).

    `name` is the function's in the default graph's library, `captured` the tensors it needs besides, `output` the
    nested specs of what it returns.
    """

    def __init__(self, func, transformation, input_structure, unpack=True, several=False):
        self.output = None
        specs = nest.flatten(input_structure)

        def call(*tensors):
            element = structure.from_tensors(input_structure, tensors)
            if several or (unpack and isinstance(element, tuple) and not isinstance(element, structure.SparseTensor)):
                result = func(*element)
            else:
                result = func(element)
            result = self._normalized(result)
            return structure.to_tensors(self.output, result)

        label = f"{transformation}_{getattr(func, '__name__', 'function')}"
        outer = ops.get_default_graph()
        body = trace(label, call, [(s.flat_dtype, s.flat_shape, f"arg{i}") for i, s in enumerate(specs)], outer)
        body.add_to(outer)
        self.body = body
        self.name = body.name
        self.captured = [ops.convert_to_tensor(x) for x in body.captures]

    def _normalized(self, result):
        """A list is one tensor if it can be, else a tuple, as in TensorFlow 1."""
        if isinstance(result, list):
            try:
                result = structure.normalize(result)
            except (TypeError, ValueError):
                result = tuple(result)
        try:
            result = structure.normalize(result)
        except (TypeError, ValueError) as error:
            raise TypeError(f"Unsupported return value from function passed to a dataset: {result}: {error}") from error
        self.output = structure.structure_of(result)
        return result
