"""Pooling over windows and over everything."""

import tenon as tf
from tenon.python.keras import backend as K
from tenon.python.keras.engine.base_layer import Layer
from tenon.python.keras.engine.node import InputSpec
from tenon.python.keras.layers.core import _static

TF_NAMESPACES = ("keras.layers", "keras.layers.pooling")


def _tuple(value, n, name):
    """N numbers from one or N."""
    value = (value,) * n if isinstance(value, int) else tuple(value)
    if len(value) != n or not all(isinstance(v, int) or float(v).is_integer() for v in value):
        raise ValueError(f"The `{name}` argument must be a tuple of {n} integers. Received: {value}")
    return tuple(int(v) for v in value)


def _padding(value, allowed=("valid", "same", "causal")):
    if value.lower() not in allowed:
        raise ValueError(f"The `padding` argument must be a list/tuple or one of {allowed}. Received: {value}")
    return value.lower()


def _data_format(value):
    value = (value or K.image_data_format()).lower()
    if value not in ("channels_first", "channels_last"):
        raise ValueError("The `data_format` argument must be one of \"channels_first\", \"channels_last\". Received: "
                         + str(value))  # fmt: skip
    return value


def _length(size, window, padding, stride, dilation=1):
    """The size after a window has gone over an axis."""
    if size is None:
        return None
    window = window + (window - 1) * (dilation - 1)
    if padding == "valid":
        size = size - window + 1
    elif padding == "full":
        size = size + window - 1
    return (size + stride - 1) // stride


class _Pooling(Layer):
    """What poolings of 1, 2 and 3 axes share."""

    def __init__(self, pool_size=2, strides=None, padding="valid", data_format=None, **kwargs):
        n = self._rank
        super().__init__(**kwargs)
        self.pool_size = _tuple(pool_size, n, "pool_size")
        self.strides = self.pool_size if strides is None else _tuple(strides, n, "strides")
        self.padding, self.data_format = _padding(padding, ("valid", "same")), _data_format(data_format)
        self.input_spec = InputSpec(ndim=n + 2)

    def call(self, inputs):
        """Pools."""
        first = self.data_format == "channels_first"
        rank = self._rank
        x = tf.transpose(inputs, [0, *range(2, rank + 2), 1]) if first else inputs
        if rank == 1:
            x = tf.expand_dims(x, 2)
        ones = (1,) if rank == 1 else ()
        op = {("MAX", False): tf.nn.max_pool, ("AVG", False): tf.nn.avg_pool, ("MAX", True): tf.nn.max_pool3d,
              ("AVG", True): tf.nn.avg_pool3d}[self._kind, rank == 3]  # fmt: skip
        outputs = op(x, (1, *self.pool_size, *ones, 1), (1, *self.strides, *ones, 1), self.padding.upper())
        if rank == 1:
            outputs = tf.squeeze(outputs, [2])
        return tf.transpose(outputs, [0, rank + 1, *range(1, rank + 1)]) if first else outputs

    def compute_output_shape(self, input_shape):
        """The sizes after pooling."""
        shape = list(_static(input_shape))
        start = 2 if self.data_format == "channels_first" else 1
        for i in range(self._rank):
            shape[start + i] = _length(shape[start + i], self.pool_size[i], self.padding, self.strides[i])
        return tuple(shape)

    def get_config(self):
        """The arguments that make it again."""
        return {**super().get_config(), "pool_size": self.pool_size, "padding": self.padding, "strides": self.strides,
                "data_format": self.data_format}  # fmt: skip


class MaxPooling1D(_Pooling):
    """The greatest of each window of steps."""

    _rank, _kind = 1, "MAX"

    def __init__(self, pool_size=2, strides=None, padding="valid", data_format="channels_last", **kwargs):
        super().__init__(pool_size, strides, padding, data_format, **kwargs)


class MaxPooling2D(_Pooling):
    """The greatest of each window of rows and columns."""

    _rank, _kind = 2, "MAX"

    def __init__(self, pool_size=(2, 2), strides=None, padding="valid", data_format=None, **kwargs):
        super().__init__(pool_size, strides, padding, data_format, **kwargs)


class MaxPooling3D(_Pooling):
    """The greatest of each window of a volume."""

    _rank, _kind = 3, "MAX"

    def __init__(self, pool_size=(2, 2, 2), strides=None, padding="valid", data_format=None, **kwargs):
        super().__init__(pool_size, strides, padding, data_format, **kwargs)


class AveragePooling1D(_Pooling):
    """The mean of each window of steps."""

    _rank, _kind = 1, "AVG"

    def __init__(self, pool_size=2, strides=None, padding="valid", data_format="channels_last", **kwargs):
        super().__init__(pool_size, strides, padding, data_format, **kwargs)


class AveragePooling2D(_Pooling):
    """The mean of each window of rows and columns."""

    _rank, _kind = 2, "AVG"

    def __init__(self, pool_size=(2, 2), strides=None, padding="valid", data_format=None, **kwargs):
        super().__init__(pool_size, strides, padding, data_format, **kwargs)


class AveragePooling3D(_Pooling):
    """The mean of each window of a volume."""

    _rank, _kind = 3, "AVG"

    def __init__(self, pool_size=(2, 2, 2), strides=None, padding="valid", data_format=None, **kwargs):
        super().__init__(pool_size, strides, padding, data_format, **kwargs)


class _GlobalPooling(Layer):
    """What poolings over everything share."""

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = _data_format(data_format)
        self.input_spec = InputSpec(ndim=self._rank + 2)
        self.supports_masking = self._rank == 1 and self._kind == "AVG"

    def call(self, inputs):
        """Pools."""
        axes = list(range(1, self._rank + 1) if self.data_format == "channels_last" else range(2, self._rank + 2))
        return (tf.reduce_max if self._kind == "MAX" else tf.reduce_mean)(inputs, axes)

    def compute_mask(self, inputs, mask=None):
        """No steps are left to mask."""
        return None

    def compute_output_shape(self, input_shape):
        """(batch, channels)."""
        shape = _static(input_shape)
        return shape[0], shape[1 if self.data_format == "channels_first" else -1]

    def get_config(self):
        """The arguments that make it again."""
        return {**super().get_config(), "data_format": self.data_format}


class GlobalMaxPooling1D(_GlobalPooling):
    """The greatest of all steps."""

    _rank, _kind = 1, "MAX"

    def __init__(self, data_format="channels_last", **kwargs):
        super().__init__(data_format, **kwargs)


class GlobalMaxPooling2D(_GlobalPooling):
    """The greatest of an image."""

    _rank, _kind = 2, "MAX"


class GlobalMaxPooling3D(_GlobalPooling):
    """The greatest of a volume."""

    _rank, _kind = 3, "MAX"


class GlobalAveragePooling1D(_GlobalPooling):
    """The mean of all steps."""

    _rank, _kind = 1, "AVG"

    def __init__(self, data_format="channels_last", **kwargs):
        super().__init__(data_format, **kwargs)

    def call(self, inputs, mask=None):
        """The mean of the steps that are not masked."""
        if mask is None:
            return super().call(inputs)
        axis = 1 if self.data_format == "channels_last" else 2
        mask = tf.expand_dims(tf.cast(mask, inputs.dtype), 3 - axis)
        return tf.reduce_sum(inputs * mask, axis) / tf.reduce_sum(mask, axis)


class GlobalAveragePooling2D(_GlobalPooling):
    """The mean of an image."""

    _rank, _kind = 2, "AVG"


class GlobalAveragePooling3D(_GlobalPooling):
    """The mean of a volume."""

    _rank, _kind = 3, "AVG"


MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D
AvgPool1D, AvgPool2D, AvgPool3D = AveragePooling1D, AveragePooling2D, AveragePooling3D
GlobalMaxPool1D, GlobalMaxPool2D, GlobalMaxPool3D = GlobalMaxPooling1D, GlobalMaxPooling2D, GlobalMaxPooling3D
GlobalAvgPool1D, GlobalAvgPool2D, GlobalAvgPool3D = (
    GlobalAveragePooling1D, GlobalAveragePooling2D, GlobalAveragePooling3D)  # fmt: skip
