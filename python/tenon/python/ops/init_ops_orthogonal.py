"""Initializers of convolutions that keep lengths (Xiao et al., 2018, arXiv 1806.05393)."""

import itertools

from tenon.python.framework import dtypes
from tenon.python.ops import array_ops, init_ops, linalg_ops_impl, math_ops, random_ops


class ConvolutionOrthogonal(init_ops.Initializer):
    """An orthogonal kernel over DIMENSIONS spatial dimensions, as large in each, to at least as many channels."""

    _dimensions = None
    _rank = None

    def __init__(self, gain=1.0, seed=None, dtype=dtypes.float32):
        self.gain = gain
        self.seed = seed
        self.dtype = init_ops._floating(dtype)

    def __call__(self, shape, dtype=None, partition_info=None):
        shape = init_ops._ints(shape)
        if len(shape) != self._dimensions + 2:
            raise ValueError(f"The tensor to initialize must be {self._rank}. Received shape={shape}")
        if shape[-2] > shape[-1]:
            raise ValueError(f"In_filters cannot be greater than out_filters. Received shape={shape}")
        if len(set(shape[:-2])) > 1:
            raise ValueError(f"Kernel sizes must be equal. Received shape={shape}")
        kernel = self._kernel(shape[0], *shape[-2:])
        return kernel * math_ops.cast(self.gain, dtype=self.dtype if dtype is None else dtype)

    def get_config(self):
        return {"gain": self.gain, "seed": self.seed, "dtype": self.dtype.name}

    def _next_seed(self):
        seed = self.seed
        if seed:
            self.seed += 1
        return seed

    def _matrix(self, n):
        return init_ops._orthogonal_factor([n, n], self.dtype, self._next_seed())

    def _projection(self, n):
        """A symmetric projection onto a random subspace."""
        q = self._matrix(n)
        chosen = random_ops.random_normal([n], seed=self._next_seed()) > 0
        part = math_ops.multiply(q, math_ops.cast(chosen, self.dtype))
        return math_ops.matmul(part, array_ops.matrix_transpose(part))

    def _block(self, n):
        """{place: matrix} of a kernel of size 2 in each dimension."""
        projections = [self._projection(n) for _ in range(self._dimensions)]
        eye = linalg_ops_impl.eye(n, dtype=self.dtype)
        made = {}
        for place in itertools.product(range(2), repeat=self._dimensions):
            # TensorFlow has the projection first in one and two dimensions, and last in three.
            last = 1 if self._dimensions == 3 else 0
            parts = [p if at == last else eye - p for p, at in zip(projections, place)]
            product = parts[-1]
            for part in parts[-2::-1]:
                product = math_ops.matmul(part, product)
            made[place] = product
        return made

    def _convolved(self, a, b):
        """The kernel that is one after the other."""
        made = {}
        for (p, x), (q, y) in itertools.product(a.items(), b.items()):
            place = tuple(i + j for i, j in zip(p, q))
            product = math_ops.matmul(x, y)
            made[place] = made[place] + product if place in made else product
        return made

    def _kernel(self, size, channels, outputs):
        first = self._matrix(outputs)[:channels, :]
        blocks = [self._block(outputs) for _ in range(size - 1)]
        kernel = {(0,) * self._dimensions: None}
        if blocks:
            kernel = blocks[0]
            for block in blocks[1:]:
                kernel = self._convolved(kernel, block)
        parts = [first if kernel[place] is None else math_ops.matmul(first, kernel[place]) for place in sorted(kernel)]
        return array_ops.reshape(array_ops.stack(parts), [size] * self._dimensions + [channels, outputs])


class ConvolutionOrthogonal1D(ConvolutionOrthogonal):
    """An orthogonal kernel [size, in, out]."""

    _dimensions, _rank = 1, "three-dimensional"


class ConvolutionOrthogonal2D(ConvolutionOrthogonal):
    """An orthogonal kernel [size, size, in, out]."""

    _dimensions, _rank = 2, "four-dimensional"


class ConvolutionOrthogonal3D(ConvolutionOrthogonal):
    """An orthogonal kernel [size, size, size, in, out]."""

    _dimensions, _rank = 3, "five-dimensional"
