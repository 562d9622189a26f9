"""What makes sequences, images and volumes larger or smaller."""

import tenon as tf
from tenon.python.keras import backend_ops
from tenon.python.keras.engine.base_layer import Layer
from tenon.python.keras.engine.node import InputSpec
from tenon.python.keras.layers.core import _static
from tenon.python.keras.layers.pooling import _data_format, _tuple

TF_NAMESPACES = ("keras.layers", "keras.layers.convolutional")


def _pairs(value, n, name):
    """N (before, after) pairs from one number, N numbers or N pairs."""
    value = (value,) * n if isinstance(value, int) else tuple(value)
    if n == 1 and len(value) == 2 and not isinstance(value[0], (list, tuple)):
        value = (value,)
    if len(value) != n:
        raise ValueError(f"`{name}` should have {n} elements. Found: {value}")
    return tuple((v, v) if isinstance(v, int) else tuple(v) for v in value)


class _Spatial(Layer):
    """What works on the axes between samples and channels."""

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = _data_format(data_format)
        self.input_spec = InputSpec(ndim=self._rank + 2)

    @property
    def _start(self):
        return 2 if self._rank > 1 and self.data_format == "channels_first" else 1

    def compute_output_shape(self, input_shape):
        """The sizes after it."""
        shape = list(_static(input_shape))
        for i in range(self._rank):
            n = shape[self._start + i]
            shape[self._start + i] = None if n is None else self._size(n, i)
        return tuple(shape)

    def get_config(self):
        """The arguments that make it again."""
        own = getattr(self, self._argument)
        config = {**super().get_config(), self._argument: own[0] if self._rank == 1 else own}
        return config if self._rank == 1 else {**config, "data_format": self.data_format}


class _UpSampling(_Spatial):
    _argument = "size"

    def __init__(self, size=2, data_format=None, interpolation="nearest", **kwargs):
        super().__init__(data_format, **kwargs)
        self.size, self.interpolation = _tuple(size, self._rank, "size"), interpolation

    def _size(self, n, i):
        return n * self.size[i]

    def call(self, inputs):
        """Repeats."""
        if self._rank == 2:
            return backend_ops.resize_images(inputs, *self.size, self.data_format, self.interpolation)
        for i, factor in enumerate(self.size):
            inputs = backend_ops.repeat_elements(inputs, factor, self._start + i)
        return inputs


class UpSampling1D(_UpSampling):
    """Each step several times."""

    _rank = 1

    def __init__(self, size=2, **kwargs):
        super().__init__(size, **kwargs)


class UpSampling2D(_UpSampling):
    """Larger images."""

    _rank = 2

    def __init__(self, size=(2, 2), data_format=None, interpolation="nearest", **kwargs):
        super().__init__(size, data_format, interpolation, **kwargs)

    def get_config(self):
        """The arguments that make it again."""
        return {**super().get_config(), "interpolation": self.interpolation}


class UpSampling3D(_UpSampling):
    """Larger volumes."""

    _rank = 3

    def __init__(self, size=(2, 2, 2), data_format=None, **kwargs):
        super().__init__(size, data_format, **kwargs)


class _ZeroPadding(_Spatial):
    _argument = "padding"

    def __init__(self, padding=1, data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        self.padding = _pairs(padding, self._rank, "padding")

    def _size(self, n, i):
        return n + sum(self.padding[i])

    def call(self, inputs):
        """Pads."""
        pads = [[0, 0]] * self._start + [list(p) for p in self.padding]
        return tf.pad(inputs, pads + [[0, 0]] * (self._rank + 2 - len(pads)))


class ZeroPadding1D(_ZeroPadding):
    """Zeros before and after the steps."""

    _rank = 1

    def __init__(self, padding=1, **kwargs):
        super().__init__(padding, **kwargs)


class ZeroPadding2D(_ZeroPadding):
    """Zeros around images."""

    _rank = 2

    def __init__(self, padding=(1, 1), data_format=None, **kwargs):
        super().__init__(padding, data_format, **kwargs)


class ZeroPadding3D(_ZeroPadding):
    """Zeros around volumes."""

    _rank = 3

    def __init__(self, padding=(1, 1, 1), data_format=None, **kwargs):
        super().__init__(padding, data_format, **kwargs)


class _Cropping(_Spatial):
    _argument = "cropping"

    def __init__(self, cropping=0, data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        self.cropping = _pairs(cropping, self._rank, "cropping")

    def _size(self, n, i):
        return n - sum(self.cropping[i])

    def call(self, inputs):
        """Cuts."""
        parts = [slice(None)] * self._start
        parts += [slice(before, -after if after else None) for before, after in self.cropping]
        return inputs[tuple(parts)]


class Cropping1D(_Cropping):
    """Without the first and last steps."""

    _rank = 1

    def __init__(self, cropping=(1, 1), **kwargs):
        super().__init__(cropping, **kwargs)


class Cropping2D(_Cropping):
    """Without the rims of images."""

    _rank = 2

    def __init__(self, cropping=((0, 0), (0, 0)), data_format=None, **kwargs):
        super().__init__(cropping, data_format, **kwargs)


class Cropping3D(_Cropping):
    """Without the rims of volumes."""

    _rank = 3

    def __init__(self, cropping=((1, 1), (1, 1), (1, 1)), data_format=None, **kwargs):
        super().__init__(cropping, data_format, **kwargs)
