"""Pooling layers."""

from tenon.python.framework import tensor_shape
from tenon.python.layers import base, utils
from tenon.python.ops import array_ops, gen_ops
from tenon.python.util.tf_export import tf_export


class _Pooling(base.Layer):
    """What all pooling layers share; `_n` dimensions, `_op` the op."""

    def __init__(self, pool_size, strides, padding="valid", data_format="channels_last", name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        self.pool_size = utils.normalize_tuple(pool_size, self._n, "pool_size")
        self.strides = utils.normalize_tuple(pool_size if strides is None else strides, self._n, "strides")
        self.padding = utils.normalize_padding(padding)
        self.data_format = utils.normalize_data_format(data_format)
        self.input_spec = base.InputSpec(ndim=self._n + 2)

    def _all(self, values):
        return [1, 1, *values] if self.data_format == "channels_first" else [1, *values, 1]

    def call(self, inputs):
        """The windows of the inputs, each as one element."""
        op = getattr(gen_ops, self._op)
        if self._n > 1:
            layout = utils.convert_data_format(self.data_format, self._n + 2)
            return op(inputs, ksize=self._all(self.pool_size), strides=self._all(self.strides),
                      padding=self.padding.upper(), data_format=layout)  # fmt: skip
        first = self.data_format == "channels_first"
        axis = 3 if first else 2
        size, stride = self.pool_size[0], self.strides[0]
        full = [[1, 1, v, 1] if first else [1, v, 1, 1] for v in (size, stride)]
        outputs = op(array_ops.expand_dims(inputs, axis), ksize=full[0], strides=full[1],
                     padding=self.padding.upper(), data_format="NCHW" if first else "NHWC")  # fmt: skip
        return array_ops.squeeze(outputs, axis)

    def compute_output_shape(self, input_shape):
        """The shape of the pooled inputs."""
        sizes = tensor_shape.TensorShape(input_shape).as_list()
        place = 2 if self.data_format == "channels_first" else 1
        for i in range(self._n):
            sizes[place + i] = utils.conv_output_length(
                sizes[place + i], self.pool_size[i], self.padding, self.strides[i]
            )
        return tensor_shape.TensorShape(sizes)


@tf_export("layers.AveragePooling1D")
class AveragePooling1D(_Pooling):
    """The means of windows of sequences."""

    _n, _op = 1, "avg_pool"


@tf_export("layers.MaxPooling1D")
class MaxPooling1D(_Pooling):
    """The greatest of windows of sequences."""

    _n, _op = 1, "max_pool"


@tf_export("layers.AveragePooling2D")
class AveragePooling2D(_Pooling):
    """The means of windows of pictures."""

    _n, _op = 2, "avg_pool"


@tf_export("layers.MaxPooling2D")
class MaxPooling2D(_Pooling):
    """The greatest of windows of pictures."""

    _n, _op = 2, "max_pool"


@tf_export("layers.AveragePooling3D")
class AveragePooling3D(_Pooling):
    """The means of windows of volumes."""

    _n, _op = 3, "avg_pool3d"


@tf_export("layers.MaxPooling3D")
class MaxPooling3D(_Pooling):
    """The greatest of windows of volumes."""

    _n, _op = 3, "max_pool3d"


def _function(kind, name):
    def function(inputs, pool_size, strides, padding="valid", data_format="channels_last", name=None):
        layer = kind(pool_size=pool_size, strides=strides, padding=padding, data_format=data_format, name=name)
        return layer.apply(inputs)

    function.__name__ = name
    function.__doc__ = kind.__doc__
    return function


average_pooling1d = _function(AveragePooling1D, "average_pooling1d")
average_pooling2d = _function(AveragePooling2D, "average_pooling2d")
average_pooling3d = _function(AveragePooling3D, "average_pooling3d")
max_pooling1d = _function(MaxPooling1D, "max_pooling1d")
max_pooling2d = _function(MaxPooling2D, "max_pooling2d")
max_pooling3d = _function(MaxPooling3D, "max_pooling3d")
TF_EXPORTS = {
    "layers.average_pooling1d": "average_pooling1d", "layers.average_pooling2d": "average_pooling2d",
    "layers.average_pooling3d": "average_pooling3d", "layers.max_pooling1d": "max_pooling1d",
    "layers.max_pooling2d": "max_pooling2d", "layers.max_pooling3d": "max_pooling3d",
}  # fmt: skip
