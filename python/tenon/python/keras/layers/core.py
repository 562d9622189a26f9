"""The basic layers."""

import copy
import types

import numpy as np

import tenon as tf
from tenon.python.keras import activations, constraints, initializers, regularizers
from tenon.python.keras import backend as K
from tenon.python.keras.engine.base_layer import Layer
from tenon.python.keras.engine.node import InputSpec
from tenon.python.keras.utils import generic_utils
from tenon.python.util import nest

TF_NAMESPACES = ("keras.layers", "keras.layers.core")


def _static(shape):
    """A shape as a tuple with None where it is not known."""
    return tuple(tf.TensorShape(shape).as_list())


def _parts(layer, kernel="kernel", bias="bias"):
    """The configuration of what most layers with weights have."""
    config = {}
    for name in (kernel, bias):
        config[name + "_initializer"] = initializers.serialize(getattr(layer, name + "_initializer"))
    for name in (kernel, bias):
        config[name + "_regularizer"] = regularizers.serialize(getattr(layer, name + "_regularizer"))
    config["activity_regularizer"] = regularizers.serialize(layer.activity_regularizer)
    for name in (kernel, bias):
        config[name + "_constraint"] = constraints.serialize(getattr(layer, name + "_constraint"))
    return config


class Masking(Layer):
    """Steps whose features all are MASK_VALUE are skipped by the layers after it."""

    def __init__(self, mask_value=0.0, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.mask_value = mask_value

    def compute_mask(self, inputs, mask=None):
        """Which steps are none of these."""
        return tf.reduce_any(tf.not_equal(inputs, self.mask_value), axis=-1)

    def call(self, inputs):
        """Zeros for the steps that are skipped."""
        keep = tf.reduce_any(tf.not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        outputs = inputs * tf.cast(keep, inputs.dtype)
        outputs._keras_mask = tf.squeeze(keep, axis=-1)
        return outputs

    def compute_output_shape(self, input_shape):
        """The same shape."""
        return _static(input_shape)

    def get_config(self):
        """The arguments that make it again."""
        return {**super().get_config(), "mask_value": self.mask_value}


class Dropout(Layer):
    """Sets inputs to zero at random while it is trained; the others are scaled."""

    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.rate, self.noise_shape, self.seed = rate, noise_shape, seed
        self.supports_masking = True

    def _get_noise_shape(self, inputs):
        if self.noise_shape is None:
            return None
        shape = tf.shape(inputs)
        return tf.stack([shape[i] if n is None else n for i, n in enumerate(self.noise_shape)])

    def call(self, inputs, training=None):
        """Drops."""
        training = K.learning_phase() if training is None else training

        def dropped():
            return tf.nn.dropout(inputs, noise_shape=self._get_noise_shape(inputs), seed=self.seed, rate=self.rate)

        return K.smart_cond(training, dropped, lambda: tf.identity(inputs))

    def compute_output_shape(self, input_shape):
        """The same shape."""
        return _static(input_shape)

    def get_config(self):
        """The arguments that make it again."""
        return {**super().get_config(), "rate": self.rate, "noise_shape": self.noise_shape, "seed": self.seed}


class _SpatialDropout(Dropout):
    def __init__(self, rate, data_format=None, **kwargs):
        super().__init__(rate, **kwargs)
        self.data_format = data_format or K.image_data_format()
        self.input_spec = InputSpec(ndim=self._rank + 2)

    def _get_noise_shape(self, inputs):
        shape = tf.shape(inputs)
        if self._rank > 1 and self.data_format == "channels_first":
            return tf.stack([shape[0], shape[1], *[1] * self._rank])
        return tf.stack([shape[0], *[1] * self._rank, shape[self._rank + 1]])

    def get_config(self):
        """The arguments that make it again."""
        return Dropout.get_config(self)


class SpatialDropout1D(_SpatialDropout):
    """Dropout of whole channels of sequences."""

    _rank = 1

    def __init__(self, rate, **kwargs):
        super().__init__(rate, "channels_last", **kwargs)


class SpatialDropout2D(_SpatialDropout):
    """Dropout of whole channels of images."""

    _rank = 2


class SpatialDropout3D(_SpatialDropout):
    """Dropout of whole channels of volumes."""

    _rank = 3


class Activation(Layer):
    """An activation function."""

    def __init__(self, activation, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.activation = activations.get(activation)

    def call(self, inputs):
        """Applies it."""
        return self.activation(inputs)

    def compute_output_shape(self, input_shape):
        """The same shape."""
        return _static(input_shape)

    def get_config(self):
        """The arguments that make it again."""
        return {**super().get_config(), "activation": activations.serialize(self.activation)}


class Reshape(Layer):
    """Another shape for each sample; one size may be -1."""

    def __init__(self, target_shape, **kwargs):
        super().__init__(**kwargs)
        self.target_shape = tuple(target_shape)

    def compute_output_shape(self, input_shape):
        """(batch, *target_shape)."""
        shape = _static(input_shape)
        if -1 not in self.target_shape or None in shape[1:]:
            return (shape[0], *(None if d == -1 else d for d in self.target_shape))
        known = int(np.prod([d for d in self.target_shape if d != -1]))
        size = int(np.prod(shape[1:]))
        if not known or size % known:
            raise ValueError("total size of new array must be unchanged")
        return (shape[0], *(size // known if d == -1 else d for d in self.target_shape))

    def call(self, inputs):
        """Reshapes."""
        result = tf.reshape(inputs, (tf.shape(inputs)[0], *self.target_shape))
        shape = self.compute_output_shape(inputs.shape)
        if None not in _static(inputs.shape)[1:] and np.prod(shape[1:]) != np.prod(_static(inputs.shape)[1:]):
            raise ValueError(f"total size of new array must be unchanged, input_shape = "
                             f"{list(_static(inputs.shape)[1:])}, output_shape = {list(self.target_shape)}")  # fmt: skip  # noqa: E501
        result.set_shape(shape)
        return result

    def get_config(self):
        """The arguments that make it again."""
        return {**super().get_config(), "target_shape": self.target_shape}


class Permute(Layer):
    """The axes in another order; the first (after that of samples) is 1."""

    def __init__(self, dims, **kwargs):
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(dims) != list(range(1, len(dims) + 1)):
            raise ValueError(f"Invalid permutation `dims` for Permute Layer: {dims}. The set of indices in `dims` must be "  # noqa: E501
                             "consecutive and start from 1.")  # fmt: skip
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def compute_output_shape(self, input_shape):
        """The sizes in the other order."""
        shape = _static(input_shape)
        return (shape[0], *(shape[d] for d in self.dims))

    def call(self, inputs):
        """Transposes."""
        return tf.transpose(inputs, perm=(0, *self.dims))

    def get_config(self):
        """The arguments that make it again."""
        return {**super().get_config(), "dims": self.dims}


class Flatten(Layer):
    """All axes but the first as one."""

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = data_format or K.image_data_format()
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs):
        """Flattens."""
        rank = inputs.shape.ndims
        if self.data_format == "channels_first" and rank is not None and rank > 2:
            inputs = tf.transpose(inputs, [0, *range(2, rank), 1])
        outputs = tf.reshape(inputs, (inputs.shape[0].value or tf.shape(inputs)[0], -1))
        outputs.set_shape(self.compute_output_shape(inputs.shape))
        return outputs

    def compute_output_shape(self, input_shape):
        """(batch, the product of the others)."""
        shape = _static(input_shape)
        return shape[0], None if None in shape[1:] else int(np.prod(shape[1:]))

    def get_config(self):
        """The arguments that make it again."""
        return {**super().get_config(), "data_format": self.data_format}


class RepeatVector(Layer):
    """Each row n times: (batch, n, features)."""

    def __init__(self, n, **kwargs):
        super().__init__(**kwargs)
        self.n = n
        self.input_spec = InputSpec(ndim=2)

    def compute_output_shape(self, input_shape):
        """(batch, n, features)."""
        shape = _static(input_shape)
        return shape[0], self.n, shape[1]

    def call(self, inputs):
        """Repeats."""
        return tf.tile(tf.expand_dims(inputs, 1), tf.stack([1, self.n, 1]))

    def get_config(self):
        """The arguments that make it again."""
        return {**super().get_config(), "n": self.n}


class Lambda(Layer):
    """A function as a layer."""

    def __init__(self, function, output_shape=None, mask=None, arguments=None, **kwargs):
        super().__init__(**kwargs)
        self.function, self.arguments, self.mask = function, arguments or {}, mask
        self.supports_masking = mask is not None
        self._output_shape = output_shape

    def call(self, inputs, mask=None, training=None):
        """Calls the function."""
        arguments = dict(self.arguments)
        if generic_utils.has_arg(self.function, "mask"):
            arguments["mask"] = mask
        if generic_utils.has_arg(self.function, "training"):
            arguments["training"] = training
        return self.function(inputs, **arguments)

    def compute_mask(self, inputs, mask=None):
        """The mask that was given, or what the function for it makes."""
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def compute_output_shape(self, input_shape):
        """What was given, or what the function makes of that shape."""
        if self._output_shape is None:
            with tf.Graph().as_default():
                shapes = input_shape if isinstance(input_shape, list) else [input_shape]
                inputs = [K.placeholder(_static(s)) for s in shapes]
                outputs = self.call(inputs if isinstance(input_shape, list) else inputs[0])
                return nest.map_structure(K.int_shape, outputs)
        if callable(self._output_shape):
            return _static(self._output_shape(input_shape))
        first = input_shape[0] if isinstance(input_shape, list) else input_shape
        return (_static(first)[0], *self._output_shape)

    def get_config(self):
        """The arguments that make it again: the function by its code."""

        def written(function):
            if isinstance(function, types.LambdaType) and function.__name__ == "<lambda>":
                return generic_utils.func_dump(function), "lambda"
            return (function.__name__, "function") if callable(function) else (function, "raw")

        function, kind = written(self.function)
        shape, shape_kind = written(self._output_shape)
        return {**super().get_config(), "function": function, "function_type": kind,
                "module": getattr(self.function, "__module__", None), "output_shape": shape,
                "output_shape_type": shape_kind, "output_shape_module": None, "arguments": self.arguments}  # fmt: skip

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The layer that get_config described."""
        import sys

        config = copy.copy(config)
        module = sys.modules.get(config.pop("module", None))
        names = {**vars(sys.modules["__main__"]), **(vars(module) if module else {}),
                 **generic_utils.get_custom_objects(), **(custom_objects or {})}  # fmt: skip
        config.pop("output_shape_module", None)
        for key in ("function", "output_shape"):
            kind = config.pop(key + "_type", "raw")
            if kind == "function":
                config[key] = generic_utils.deserialize_keras_object(config[key], names, custom_objects, "function")
            elif kind == "lambda":
                config[key] = generic_utils.func_load(config[key], globs={**names, "tf": names.get("tf", tf)})
        return cls(**config)


class Dense(Layer):
    """activation(inputs * kernel + bias)."""

    def __init__(self, units, activation=None, use_bias=True, kernel_initializer="glorot_uniform",
                 bias_initializer="zeros", kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None,
                 kernel_constraint=None, bias_constraint=None, **kwargs):  # fmt: skip
        if "input_shape" not in kwargs and "input_dim" in kwargs:
            kwargs["input_shape"] = (kwargs.pop("input_dim"),)
        super().__init__(activity_regularizer=regularizers.get(activity_regularizer), **kwargs)
        self.units = int(units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.supports_masking = True
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape):
        """Makes kernel and bias."""
        last = _static(input_shape)[-1]
        if last is None:
            raise ValueError("The last dimension of the inputs to `Dense` should be defined. Found `None`.")
        self.input_spec = InputSpec(min_ndim=2, axes={-1: last})
        self.kernel = self.add_weight(
            "kernel",
            [last, self.units],
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = self.add_weight("bias", [self.units], initializer=self.bias_initializer,
                                    regularizer=self.bias_regularizer,
                                    constraint=self.bias_constraint) if self.use_bias else None  # fmt: skip
        self.built = True

    def call(self, inputs):
        """Multiplies."""
        rank = inputs.shape.ndims
        if rank > 2:
            outputs = tf.tensordot(inputs, self.kernel, [[rank - 1], [0]])
            outputs.set_shape([*inputs.shape.as_list()[:-1], self.units])
        else:
            outputs = tf.matmul(tf.cast(inputs, self.kernel.dtype), self.kernel)
        if self.use_bias:
            outputs = tf.nn.bias_add(outputs, self.bias)
        return self.activation(outputs) if self.activation is not activations.linear else outputs

    def compute_output_shape(self, input_shape):
        """The last size becomes units."""
        return (*_static(input_shape)[:-1], self.units)

    def get_config(self):
        """The arguments that make it again."""
        return {**super().get_config(), "units": self.units, "activation": activations.serialize(self.activation),
                "use_bias": self.use_bias, **_parts(self)}  # fmt: skip


class ActivityRegularization(Layer):
    """A penalty on what passes."""

    def __init__(self, l1=0.0, l2=0.0, **kwargs):
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.supports_masking = True
        self.l1, self.l2 = l1, l2

    def compute_output_shape(self, input_shape):
        """The same shape."""
        return _static(input_shape)

    def get_config(self):
        """The arguments that make it again."""
        return {**super().get_config(), "l1": self.l1, "l2": self.l2}
