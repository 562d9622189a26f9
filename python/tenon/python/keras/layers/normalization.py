"""Layers that normalize."""

import functools

import tenon as tf
from tenon.python.keras import backend as K
from tenon.python.keras import constraints, initializers, regularizers
from tenon.python.keras.engine.base_layer import Layer
from tenon.python.keras.engine.node import InputSpec
from tenon.python.keras.layers.core import _static
from tenon.python.layers import renorm as renorms

TF_NAMESPACES = ("keras.layers", "keras.layers.normalization")


def _never(training):
    return training is False or isinstance(training, int) and training == 0


class BatchNormalization(Layer):
    """Batches normalized by their moments in training, by running averages of them else."""

    def __init__(self, axis=-1, momentum=0.99, epsilon=1e-3, center=True, scale=True, beta_initializer="zeros",
                 gamma_initializer="ones", moving_mean_initializer="zeros", moving_variance_initializer="ones",
                 beta_regularizer=None, gamma_regularizer=None, beta_constraint=None, gamma_constraint=None,
                 renorm=False, renorm_clipping=None, renorm_momentum=0.99, fused=None, trainable=True,
                 virtual_batch_size=None, adjustment=None, name=None, **kwargs):  # fmt: skip
        super().__init__(name=name, trainable=trainable, **kwargs)
        if virtual_batch_size or adjustment:
            raise NotImplementedError("BatchNormalization: virtual_batch_size and adjustment are not there.")
        self.axis = list(axis) if isinstance(axis, (list, tuple)) else axis
        self.momentum, self.epsilon, self.center, self.scale = momentum, epsilon, center, scale
        (
            self.beta_initializer,
            self.gamma_initializer,
            self.moving_mean_initializer,
            self.moving_variance_initializer,
        ) = (
            initializers.get(i)
            for i in (beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer)
        )
        self.beta_regularizer, self.gamma_regularizer = map(regularizers.get, (beta_regularizer, gamma_regularizer))
        self.beta_constraint, self.gamma_constraint = map(constraints.get, (beta_constraint, gamma_constraint))
        self.supports_masking = True
        self.fused, self.renorm = fused, renorm
        if renorm:
            self.renorm_clipping = renorms.checked_clipping(renorm_clipping)
            self.renorm_momentum = renorm_momentum

    def build(self, input_shape):
        """Makes scale, offset and the running averages."""
        shape = _static(input_shape)
        axes = self.axis if isinstance(self.axis, list) else [self.axis]
        self.axis = [a % len(shape) for a in axes]
        sizes = [shape[a] for a in self.axis]
        if None in sizes:
            raise ValueError("There are axes in `axis` with unknown sizes: " + str(shape))
        self.input_spec = InputSpec(ndim=len(shape), axes=dict(zip(self.axis, sizes)))
        wide = sizes if len(sizes) == 1 else [shape[i] if i in self.axis else 1 for i in range(len(shape))]
        if self.fused is None or self.renorm:
            self.fused = len(shape) == 4 and self.axis in ([1], [3]) and not self.renorm
        self.gamma = self.add_weight("gamma", wide, initializer=self.gamma_initializer,
                                     regularizer=self.gamma_regularizer,
                                     constraint=self.gamma_constraint) if self.scale else None  # fmt: skip
        self.beta = self.add_weight("beta", wide, initializer=self.beta_initializer, regularizer=self.beta_regularizer,
                                    constraint=self.beta_constraint) if self.center else None  # fmt: skip
        self.moving_mean = self.add_weight("moving_mean", wide, initializer=self.moving_mean_initializer,
                                           trainable=False)  # fmt: skip
        self.moving_variance = self.add_weight("moving_variance", wide, initializer=self.moving_variance_initializer,
                                               trainable=False)  # fmt: skip
        if self.renorm:
            renorms.add_variables(
                self, lambda name, init: self.add_weight(name, wide, initializer=init, trainable=False)
            )
        self.built = True

    def call(self, inputs, training=None):
        """Normalizes."""
        training = K.learning_phase() if training is None else training
        if self.fused:
            return self._fused(inputs, training)
        rank = inputs.shape.ndims
        axes = [i for i in range(rank) if i not in self.axis]
        shape = [1] * rank
        for a in self.axis:
            shape[a] = inputs.shape[a].value

        def wide(v):
            plain = v is None or v.shape.ndims == rank or axes == list(range(rank - 1))
            return v if plain else tf.reshape(v, shape)

        mean, variance = tf.nn.moments(inputs, axes, keep_dims=len(self.axis) > 1)
        both = lambda a, b: K.smart_cond(training, lambda: a, lambda: tf.convert_to_tensor(b))  # noqa: E731
        used_mean, used_variance = both(mean, self.moving_mean), both(variance, self.moving_variance)
        scale, offset = wide(self.gamma), wide(self.beta)
        if not self.renorm:
            self._update(training, used_mean, used_variance)
        elif not _never(training):
            r, d = (wide(tf.stop_gradient(v)) for v in self._renorm(training, mean, variance))
            scale, offset = renorms.composed(r, d, scale, offset)
        outputs = tf.nn.batch_normalization(inputs, wide(used_mean), wide(used_variance), offset, scale, self.epsilon)
        outputs.set_shape(inputs.shape)
        return outputs

    def _fused(self, inputs, training):
        size = inputs.shape[self.axis[0]].value
        gamma = self.gamma if self.scale else tf.constant(1.0, shape=[size])
        beta = self.beta if self.center else tf.constant(0.0, shape=[size])
        layout = "NCHW" if self.axis == [1] else "NHWC"

        def train():
            return tf.nn.fused_batch_norm(inputs, gamma, beta, epsilon=self.epsilon, data_format=layout)

        def infer():
            return tf.nn.fused_batch_norm(inputs, gamma, beta, mean=self.moving_mean, variance=self.moving_variance,
                                          epsilon=self.epsilon, is_training=False, data_format=layout)  # fmt: skip

        outputs, mean, variance = K.smart_cond(training, train, infer)
        outputs.set_shape(inputs.shape)
        self._update(training, mean, variance)
        return outputs

    def _renorm(self, training, mean, variance):
        """(r, d) of batch renormalization, with the updates of all averages."""
        choose = functools.partial(K.smart_cond, training)
        r, d, mean, variance = renorms.correct(self, mean, variance, choose)

        def move():
            return renorms.after(renorms.assign_moving_average(self.moving_mean, mean, self.momentum), mean)

        self.add_update(choose(move, lambda: tf.identity(self.moving_mean)))
        self.add_update(renorms.move_variance(self, variance, choose))
        return r, d

    def _update(self, training, mean, variance):
        if _never(training):
            return
        decay = K.smart_cond(training, lambda: tf.constant(1.0 - self.momentum), lambda: tf.constant(0.0))
        for variable, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            with tf.name_scope("AssignMovingAvg"):
                self.add_update(variable.assign_sub((variable - value) * tf.cast(decay, value.dtype), read_value=False))

    def compute_output_shape(self, input_shape):
        """The same shape."""
        return _static(input_shape)

    def get_config(self):
        """The arguments that make it again."""
        config = {**super().get_config(), "axis": self.axis, "momentum": self.momentum, "epsilon": self.epsilon,
                  "center": self.center, "scale": self.scale}  # fmt: skip
        for name in ("beta", "gamma", "moving_mean", "moving_variance"):
            config[name + "_initializer"] = initializers.serialize(getattr(self, name + "_initializer"))
        for name in ("beta", "gamma"):
            config[name + "_regularizer"] = regularizers.serialize(getattr(self, name + "_regularizer"))
            config[name + "_constraint"] = constraints.serialize(getattr(self, name + "_constraint"))
        if self.renorm:
            config.update(renorm=True, renorm_clipping=self.renorm_clipping, renorm_momentum=self.renorm_momentum)
        return config


class LayerNormalization(Layer):
    """Each sample normalized by its own moments."""

    def __init__(self, axis=-1, epsilon=1e-3, center=True, scale=True, beta_initializer="zeros",
                 gamma_initializer="ones", beta_regularizer=None, gamma_regularizer=None, beta_constraint=None,
                 gamma_constraint=None, trainable=True, name=None, **kwargs):  # fmt: skip
        super().__init__(name=name, trainable=trainable, **kwargs)
        self.axis = list(axis) if isinstance(axis, (list, tuple)) else axis
        self.epsilon, self.center, self.scale = epsilon, center, scale
        self.beta_initializer, self.gamma_initializer = map(initializers.get, (beta_initializer, gamma_initializer))
        self.beta_regularizer, self.gamma_regularizer = map(regularizers.get, (beta_regularizer, gamma_regularizer))
        self.beta_constraint, self.gamma_constraint = map(constraints.get, (beta_constraint, gamma_constraint))
        self.supports_masking = True

    def build(self, input_shape):
        """Makes scale and offset."""
        shape = _static(input_shape)
        self.axis = [a % len(shape) for a in (self.axis if isinstance(self.axis, list) else [self.axis])]
        sizes = [shape[a] for a in self.axis]
        self.gamma = self.add_weight("gamma", sizes, initializer=self.gamma_initializer,
                                     regularizer=self.gamma_regularizer,
                                     constraint=self.gamma_constraint) if self.scale else None  # fmt: skip
        self.beta = self.add_weight("beta", sizes, initializer=self.beta_initializer, regularizer=self.beta_regularizer,
                                    constraint=self.beta_constraint) if self.center else None  # fmt: skip
        self.built = True

    def call(self, inputs):
        """Normalizes."""
        rank = inputs.shape.ndims
        shape = [inputs.shape[i].value if i in self.axis else 1 for i in range(rank)]
        mean, variance = tf.nn.moments(inputs, self.axis, keep_dims=True)
        gamma, beta = (None if v is None else tf.reshape(v, shape) for v in (self.gamma, self.beta))
        outputs = tf.nn.batch_normalization(inputs, mean, variance, beta, gamma, self.epsilon)
        outputs.set_shape(inputs.shape)
        return outputs

    def compute_output_shape(self, input_shape):
        """The same shape."""
        return _static(input_shape)

    def get_config(self):
        """The arguments that make it again."""
        config = {**super().get_config(), "axis": self.axis, "epsilon": self.epsilon, "center": self.center,
                  "scale": self.scale}  # fmt: skip
        for kind, module in (("initializer", initializers), ("regularizer", regularizers), ("constraint", constraints)):
            for name in ("beta", "gamma"):
                config[f"{name}_{kind}"] = module.serialize(getattr(self, f"{name}_{kind}"))
        return config
