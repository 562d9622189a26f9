"""Layers that make one tensor of several."""

import tenon as tf
from tenon.python.keras import backend_ops
from tenon.python.keras.engine.base_layer import Layer
from tenon.python.keras.layers.core import _static

TF_NAMESPACES = ("keras.layers", "keras.layers.merge")


def _shapes(input_shape):
    return [_static(s) for s in input_shape]


def _broadcast(a, b):
    """The shape of two tensors of shapes A and B together."""
    if None in (a, b):
        return None
    if len(a) < len(b):
        a, b = b, a
    result = list(a[: len(a) - len(b)])
    for i, j in zip(a[len(a) - len(b) :], b):
        if None in (i, j):
            result.append(None)
        elif i == 1 or j == 1 or i == j:
            result.append(max(i, j))
        else:
            raise ValueError(f"Operands could not be broadcast together with shapes {a} {b}")
    return tuple(result)


class _Merge(Layer):
    """What element by element merging shares."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape):
        """Checks the shapes."""
        if not isinstance(input_shape, (list, tuple)) or isinstance(input_shape, tf.TensorShape):
            raise ValueError("A merge layer should be called on a list of inputs.")
        if len(input_shape) < (2 if type(self).__name__ != "Concatenate" else 1):
            raise ValueError("A merge layer should be called on a list of at least 2 inputs. Got "
                             f"{len(input_shape)} inputs.")  # fmt: skip
        self._check_shapes(_shapes(input_shape))
        self.built = True

    def _check_shapes(self, shapes):
        result = shapes[0][1:]
        for shape in shapes[1:]:
            result = _broadcast(result, shape[1:])

    def call(self, inputs):
        """Merges; axes that are missing come after that of samples."""
        if not isinstance(inputs, (list, tuple)):
            raise ValueError("A merge layer should be called on a list of inputs.")
        ranks = [x.shape.ndims for x in inputs]
        wide = []
        for x in inputs:
            for _ in range(max(ranks) - x.shape.ndims):
                x = tf.expand_dims(x, 1)
            wide.append(x)
        return self._merge_function(wide)

    def compute_output_shape(self, input_shape):
        """The shape of them all together."""
        shapes = _shapes(input_shape)
        result = shapes[0][1:]
        for shape in shapes[1:]:
            result = _broadcast(result, shape[1:])
        return (shapes[0][0], *result)

    def compute_mask(self, inputs, mask=None):
        """Where all inputs count."""
        if mask is None or all(m is None for m in mask):
            return None
        masks = [tf.expand_dims(m, 0) for m in mask if m is not None]
        return tf.reduce_all(tf.concat(masks, 0), axis=0)


class Add(_Merge):
    """The sum."""

    def _merge_function(self, inputs):
        result = inputs[0]
        for x in inputs[1:]:
            result = result + x
        return result


class Subtract(_Merge):
    """The difference of two."""

    def _merge_function(self, inputs):
        if len(inputs) != 2:
            raise ValueError("A `Subtract` layer should be called on exactly 2 inputs")
        return inputs[0] - inputs[1]


class Multiply(_Merge):
    """The product."""

    def _merge_function(self, inputs):
        result = inputs[0]
        for x in inputs[1:]:
            result = result * x
        return result


class Average(Add):
    """The mean."""

    def _merge_function(self, inputs):
        return super()._merge_function(inputs) / len(inputs)


class Maximum(_Merge):
    """The greatest."""

    def _merge_function(self, inputs):
        result = inputs[0]
        for x in inputs[1:]:
            result = tf.maximum(result, x)
        return result


class Minimum(_Merge):
    """The least."""

    def _merge_function(self, inputs):
        result = inputs[0]
        for x in inputs[1:]:
            result = tf.minimum(result, x)
        return result


class Concatenate(_Merge):
    """One after the other along an axis."""

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis

    def _check_shapes(self, shapes):
        reduced = {tuple(d for i, d in enumerate(s) if i != self.axis % len(s)) for s in shapes}
        known = [r for r in reduced if None not in r[1:]]
        if len({r[1:] for r in known}) > 1:
            raise ValueError("A `Concatenate` layer requires inputs with matching shapes except for the concat axis. Got "  # noqa: E501
                             f"inputs shapes: {shapes}")  # fmt: skip

    def call(self, inputs):
        """Concatenates."""
        return backend_ops.concatenate(inputs, axis=self.axis)

    def compute_output_shape(self, input_shape):
        """The sizes along the axis add up."""
        shapes = _shapes(input_shape)
        result = list(shapes[0])
        sizes = [s[self.axis] for s in shapes]
        result[self.axis] = None if None in sizes else sum(sizes)
        return tuple(result)

    def compute_mask(self, inputs, mask=None):
        """The masks, one after the other."""
        if mask is None or all(m is None for m in mask):
            return None
        masks = []
        for x, m in zip(inputs, mask):
            if m is None:
                m = tf.ones_like(x, dtype=tf.bool)
            elif m.shape.ndims < x.shape.ndims:
                m = tf.expand_dims(m, -1)
            masks.append(m)
        return tf.reduce_all(tf.concat(masks, axis=self.axis), axis=-1)

    def get_config(self):
        """The arguments that make it again."""
        return {**super().get_config(), "axis": self.axis}


class Dot(_Merge):
    """Products of samples over one axis of each."""

    def __init__(self, axes, normalize=False, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(axes, int) and (not isinstance(axes, (list, tuple)) or len(axes) != 2):
            raise TypeError(f"Invalid type for `axes` - should be a list or an int: {axes}")
        self.axes, self.normalize = axes, normalize

    def _pair(self, ranks):
        axes = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        return [a % n for a, n in zip(axes, ranks)]

    def _check_shapes(self, shapes):
        a, b = self._pair([len(s) for s in shapes])
        if shapes[0][a] != shapes[1][b]:
            raise ValueError(f"Dimension incompatibility {shapes[0][a]} != {shapes[1][b]}. Layer shapes: {shapes[0]}, "
                             f"{shapes[1]}")  # fmt: skip

    def call(self, inputs):
        """Multiplies."""
        axes = self._pair([x.shape.ndims for x in inputs])
        if self.normalize:
            inputs = [tf.nn.l2_normalize(x, a) for x, a in zip(inputs, axes)]
        return backend_ops.batch_dot(*inputs, axes)

    def compute_output_shape(self, input_shape):
        """What is left of both."""
        a, b = _shapes(input_shape)
        i, j = self._pair([len(a), len(b)])
        result = (*a[:i], *a[i + 1 :], *b[1:j], *b[j + 1 :])
        return (*result, 1) if len(result) == 1 else result

    def compute_mask(self, inputs, mask=None):
        """No mask."""
        return None

    def get_config(self):
        """The arguments that make it again."""
        return {**super().get_config(), "axes": self.axes, "normalize": self.normalize}


def add(inputs, **kwargs):
    """The sum."""
    return Add(**kwargs)(inputs)


def subtract(inputs, **kwargs):
    """The difference of two."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs, **kwargs):
    """The product."""
    return Multiply(**kwargs)(inputs)


def average(inputs, **kwargs):
    """The mean."""
    return Average(**kwargs)(inputs)


def maximum(inputs, **kwargs):
    """The greatest."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs, **kwargs):
    """The least."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs, axis=-1, **kwargs):
    """One after the other along an axis."""
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs, axes, normalize=False, **kwargs):
    """Products of samples over one axis of each."""
    return Dot(axes=axes, normalize=normalize, **kwargs)(inputs)
