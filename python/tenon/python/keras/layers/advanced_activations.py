"""Activation functions with arguments or weights, and noise."""

import numpy as np

import tenon as tf
from tenon.python.keras import backend as K
from tenon.python.keras import backend_ops, constraints, initializers, regularizers
from tenon.python.keras.engine.base_layer import Layer
from tenon.python.keras.engine.node import InputSpec
from tenon.python.keras.layers.core import _static

TF_NAMESPACES = ("keras.layers", "keras.layers.advanced_activations")


class _Elementwise(Layer):
    """What keeps its shape and has plain arguments, listed in _arguments."""

    _arguments = ()

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def compute_output_shape(self, input_shape):
        """The same shape."""
        return _static(input_shape)

    def get_config(self):
        """The arguments that make it again."""
        own = {k: getattr(self, k) for k in self._arguments}
        return {**super().get_config(), **{k: v.item() if isinstance(v, np.ndarray) else v for k, v in own.items()}}


class LeakyReLU(_Elementwise):
    """alpha * x below zero, x above."""

    _arguments = ("alpha",)

    def __init__(self, alpha=0.3, **kwargs):
        super().__init__(**kwargs)
        self.alpha = np.asarray(alpha, K.floatx())

    def call(self, inputs):
        """Applies it."""
        return backend_ops.relu(inputs, alpha=float(self.alpha))


class PReLU(Layer):
    """alpha * x below zero, with an alpha that is learned."""

    def __init__(self, alpha_initializer="zeros", alpha_regularizer=None, alpha_constraint=None, shared_axes=None,
                 **kwargs):  # fmt: skip
        super().__init__(**kwargs)
        self.supports_masking = True
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        self.shared_axes = None if shared_axes is None else list(np.atleast_1d(shared_axes).tolist())

    def build(self, input_shape):
        """Makes alpha."""
        shape = list(_static(input_shape)[1:])
        for i in self.shared_axes or ():
            shape[i - 1] = 1
        self.alpha = self.add_weight(
            "alpha",
            shape,
            initializer=self.alpha_initializer,
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
        )
        self.input_spec = InputSpec(ndim=len(shape) + 1)
        self.built = True

    def call(self, inputs):
        """Applies it."""
        return tf.nn.relu(inputs) + -self.alpha * tf.nn.relu(-inputs)

    def compute_output_shape(self, input_shape):
        """The same shape."""
        return _static(input_shape)

    def get_config(self):
        """The arguments that make it again."""
        return {**super().get_config(), "alpha_initializer": initializers.serialize(self.alpha_initializer),
                "alpha_regularizer": regularizers.serialize(self.alpha_regularizer),
                "alpha_constraint": constraints.serialize(self.alpha_constraint),
                "shared_axes": self.shared_axes}  # fmt: skip


class ELU(_Elementwise):
    """alpha * (exp(x) - 1) below zero, x above."""

    _arguments = ("alpha",)

    def __init__(self, alpha=1.0, **kwargs):
        super().__init__(**kwargs)
        self.alpha = np.asarray(alpha, K.floatx())

    def call(self, inputs):
        """Applies it."""
        return backend_ops.elu(inputs, float(self.alpha))


class ThresholdedReLU(_Elementwise):
    """x above a threshold, 0 below."""

    _arguments = ("theta",)

    def __init__(self, theta=1.0, **kwargs):
        super().__init__(**kwargs)
        self.theta = np.asarray(theta, K.floatx())

    def call(self, inputs):
        """Applies it."""
        return inputs * tf.cast(tf.greater(inputs, float(self.theta)), inputs.dtype)


class Softmax(_Elementwise):
    """Exponentials that sum to one along an axis."""

    _arguments = ("axis",)

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs):
        """Applies it."""
        return tf.nn.softmax(inputs, axis=self.axis)


class ReLU(_Elementwise):
    """max(x, 0), with a slope below a threshold and a bound above."""

    _arguments = ("max_value", "negative_slope", "threshold")

    def __init__(self, max_value=None, negative_slope=0, threshold=0, **kwargs):
        super().__init__(**kwargs)
        if max_value is not None and max_value < 0.0:
            raise ValueError("max_value of ReLU layer cannot be negative value: " + str(max_value))
        if negative_slope < 0.0:
            raise ValueError("negative_slope of ReLU layer cannot be negative value: " + str(negative_slope))
        self.max_value = None if max_value is None else np.asarray(max_value, K.floatx())
        self.negative_slope = np.asarray(negative_slope, K.floatx())
        self.threshold = np.asarray(threshold, K.floatx())

    def call(self, inputs):
        """Applies it."""
        bound = None if self.max_value is None else float(self.max_value)
        return backend_ops.relu(inputs, float(self.negative_slope), bound, float(self.threshold))


class GaussianNoise(_Elementwise):
    """Adds normal noise in training."""

    _arguments = ("stddev",)

    def __init__(self, stddev, **kwargs):
        super().__init__(**kwargs)
        self.stddev = stddev

    def call(self, inputs, training=None):
        """Adds it."""
        noised = lambda: inputs + backend_ops.random_normal(tf.shape(inputs), 0.0, self.stddev, inputs.dtype)  # noqa: E731
        return K.in_train_phase(noised, inputs, training=training)


class GaussianDropout(_Elementwise):
    """Multiplies by normal noise around one in training."""

    _arguments = ("rate",)

    def __init__(self, rate, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate

    def call(self, inputs, training=None):
        """Multiplies."""
        if not 0 < self.rate < 1:
            return inputs
        stddev = np.sqrt(self.rate / (1.0 - self.rate))
        noised = lambda: inputs * backend_ops.random_normal(tf.shape(inputs), 1.0, stddev, inputs.dtype)  # noqa: E731
        return K.in_train_phase(noised, inputs, training=training)


class AlphaDropout(_Elementwise):
    """Dropout that keeps mean and variance, for selu."""

    _arguments = ("rate",)

    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.rate, self.noise_shape, self.seed = rate, noise_shape, seed

    def call(self, inputs, training=None):
        """Drops."""
        if not 0.0 < self.rate < 1.0:
            return inputs

        def dropped():
            low = -1.6732632423543772848170429916717 * 1.0507009873554804934193349852946
            shape = tf.shape(inputs) if self.noise_shape is None else self.noise_shape
            keep = tf.cast(backend_ops.random_uniform(shape, seed=self.seed) >= self.rate, inputs.dtype)
            a = ((1 - self.rate) * (1 + self.rate * low**2)) ** -0.5
            return a * (inputs * keep + low * (1 - keep)) - a * low * self.rate

        return K.in_train_phase(dropped, inputs, training=training)
