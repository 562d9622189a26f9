"""keras.experimental: linear models, wide and deep ones, and schedules of cosines."""

import math

import tenon as tf
from tenon.python.keras import activations, initializers, regularizers
from tenon.python.keras.engine.training import Model
from tenon.python.keras.layers.core import Dense
from tenon.python.keras.optimizer_schedules import LearningRateSchedule
from tenon.python.keras.utils.generic_utils import to_list

TF_NAMESPACES = ("keras.experimental",)
TF_EXPORTS = {"keras.optimizers.schedules.CosineDecay": "CosineDecay", "keras.models.LinearModel": "LinearModel",
              "keras.optimizers.schedules.CosineDecayRestarts": "CosineDecayRestarts",
              "keras.models.WideDeepModel": "WideDeepModel"}  # fmt: skip


class CosineDecay(LearningRateSchedule):
    """From the rate down to ALPHA of it along half a cosine."""

    def __init__(self, initial_learning_rate, decay_steps, alpha=0.0, name=None):
        self.initial_learning_rate, self.decay_steps, self.alpha, self.name = (
            initial_learning_rate, decay_steps, alpha, name)  # fmt: skip

    def __call__(self, step):
        return tf.train.cosine_decay(self.initial_learning_rate, step, self.decay_steps, self.alpha, self.name)


class CosineDecayRestarts(LearningRateSchedule):
    """CosineDecay that begins anew, each time longer and lower."""

    def __init__(self, initial_learning_rate, first_decay_steps, t_mul=2.0, m_mul=1.0, alpha=0.0, name=None):
        self.initial_learning_rate, self.first_decay_steps = initial_learning_rate, first_decay_steps
        self._t_mul, self._m_mul, self.alpha, self.name = t_mul, m_mul, alpha, name

    def __call__(self, step):
        return tf.train.cosine_decay_restarts(self.initial_learning_rate, step, self.first_decay_steps, self._t_mul,
                                              self._m_mul, self.alpha, self.name)  # fmt: skip

    def get_config(self):
        """The arguments that make it again."""
        return {"initial_learning_rate": self.initial_learning_rate, "first_decay_steps": self.first_decay_steps,
                "t_mul": self._t_mul, "m_mul": self._m_mul, "alpha": self.alpha, "name": self.name}  # fmt: skip


class LinearCosineDecay(LearningRateSchedule):
    """A cosine on a line that falls."""

    def __init__(self, initial_learning_rate, decay_steps, num_periods=0.5, alpha=0.0, beta=0.001, name=None):
        self.initial_learning_rate, self.decay_steps, self.num_periods = initial_learning_rate, decay_steps, num_periods
        self.alpha, self.beta, self.name = alpha, beta, name

    def _line(self, share):
        return 1.0 - share

    def __call__(self, step):
        share = tf.minimum(tf.cast(step, "float32"), float(self.decay_steps)) / float(self.decay_steps)
        wave = 0.5 * (1.0 + tf.cos(math.pi * 2.0 * self.num_periods * share))
        return self.initial_learning_rate * ((self.alpha + self._line(share)) * wave + self.beta)


class NoisyLinearCosineDecay(LinearCosineDecay):
    """LinearCosineDecay with normal noise that becomes less."""

    def __init__(self, initial_learning_rate, decay_steps, initial_variance=1.0, variance_decay=0.55, num_periods=0.5,
                 alpha=0.0, beta=0.001, name=None):  # fmt: skip
        super().__init__(initial_learning_rate, decay_steps, num_periods, alpha, beta, name)
        self.initial_variance, self.variance_decay = initial_variance, variance_decay

    def _line(self, share):
        variance = self.initial_variance / tf.pow(1.0 + share * float(self.decay_steps), self.variance_decay)
        return 1.0 - share + tf.random_normal([], stddev=tf.sqrt(variance))


class LinearModel(Model):
    """A sum of linear maps, one for each input."""

    def __init__(self, units=1, activation=None, use_bias=True, kernel_initializer="glorot_uniform",
                 bias_initializer="zeros", kernel_regularizer=None, bias_regularizer=None, **kwargs):  # fmt: skip
        super().__init__(**kwargs)
        self.units, self.activation, self.use_bias = units, activations.get(activation), use_bias
        self.kernel_initializer, self.bias_initializer = map(initializers.get, (kernel_initializer, bias_initializer))
        self.kernel_regularizer, self.bias_regularizer = map(regularizers.get, (kernel_regularizer, bias_regularizer))
        self.dense_layers = []

    def call(self, inputs):
        """The sum."""
        parts = [inputs[k] for k in sorted(inputs)] if isinstance(inputs, dict) else to_list(inputs)
        if not self.dense_layers:
            self.dense_layers = [
                Dense(self.units, use_bias=False, kernel_initializer=self.kernel_initializer,
                      kernel_regularizer=self.kernel_regularizer) for _ in parts]  # fmt: skip
            self.bias = None
            if self.use_bias:
                self.bias = self.add_weight("bias", [self.units], initializer=self.bias_initializer,
                                            regularizer=self.bias_regularizer)  # fmt: skip
        total = tf.add_n([layer(x) for layer, x in zip(self.dense_layers, parts)])
        total = total if self.bias is None else tf.nn.bias_add(total, self.bias)
        return self.activation(total)


class WideDeepModel(Model):
    """A linear model beside a deep one; their outputs are added up."""

    def __init__(self, linear_model, dnn_model, activation=None, **kwargs):
        super().__init__(**kwargs)
        self.linear_model, self.dnn_model, self.activation = linear_model, dnn_model, activations.get(activation)

    def call(self, inputs, training=None):
        """The sum; inputs are (those of the linear model, those of the deep one), or one for both."""
        wide, deep = inputs if isinstance(inputs, (list, tuple)) and len(inputs) == 2 else (inputs, inputs)
        arguments = {"training": training} if "training" in self.dnn_model._call_parameters else {}
        return self.activation(self.linear_model(wide) + self.dnn_model(deep, **arguments))
