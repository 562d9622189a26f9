"""Learning rates as functions of the number of steps."""

import tenon as tf
from tenon.python.keras.utils import generic_utils
from tenon.python.util.tf_export import tf_export


@tf_export("keras.optimizers.schedules.LearningRateSchedule")
class LearningRateSchedule:
    """Base class: a function of the number of steps."""

    def __call__(self, step):
        raise NotImplementedError("Learning rate schedule must override __call__")

    def get_config(self):
        """The arguments that make it again."""
        return dict(self.__dict__.items())

    @classmethod
    def from_config(cls, config):
        """The schedule that get_config described."""
        return cls(**config)


@tf_export("keras.optimizers.schedules.ExponentialDecay")
class ExponentialDecay(LearningRateSchedule):
    """rate * decay_rate ** (step / decay_steps)."""

    def __init__(self, initial_learning_rate, decay_steps, decay_rate, staircase=False, name=None):
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.decay_rate, self.staircase, self.name = decay_rate, staircase, name

    def __call__(self, step):
        p = tf.cast(step, "float32") / self.decay_steps
        p = tf.floor(p) if self.staircase else p
        return self.initial_learning_rate * tf.pow(tf.constant(float(self.decay_rate)), p)


@tf_export("keras.optimizers.schedules.InverseTimeDecay")
class InverseTimeDecay(ExponentialDecay):
    """rate / (1 + decay_rate * step / decay_steps)."""

    def __call__(self, step):
        p = tf.cast(step, "float32") / self.decay_steps
        p = tf.floor(p) if self.staircase else p
        return self.initial_learning_rate / (1.0 + self.decay_rate * p)


@tf_export("keras.optimizers.schedules.PiecewiseConstantDecay")
class PiecewiseConstantDecay(LearningRateSchedule):
    """One value up to each boundary, and one beyond."""

    def __init__(self, boundaries, values, name=None):
        if len(boundaries) != len(values) - 1:
            raise ValueError("The length of boundaries should be 1 less than the length of values")
        self.boundaries, self.values, self.name = boundaries, values, name

    def __call__(self, step):
        x = tf.cast(step, "float32")
        rate = tf.constant(float(self.values[0]))
        for boundary, value in zip(self.boundaries, self.values[1:]):
            rate = tf.where(x > float(boundary), tf.constant(float(value)), rate)
        return rate


@tf_export("keras.optimizers.schedules.PolynomialDecay")
class PolynomialDecay(LearningRateSchedule):
    """From one rate to another by a polynomial."""

    def __init__(self, initial_learning_rate, decay_steps, end_learning_rate=0.0001, power=1.0, cycle=False, name=None):
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.end_learning_rate, self.power, self.cycle, self.name = end_learning_rate, power, cycle, name

    def __call__(self, step):
        x, steps = tf.cast(step, "float32"), tf.constant(float(self.decay_steps))
        if self.cycle:
            steps = steps * tf.maximum(1.0, tf.ceil(x / self.decay_steps))
        else:
            x = tf.minimum(x, steps)
        span = self.initial_learning_rate - self.end_learning_rate
        return span * tf.pow(1.0 - x / steps, float(self.power)) + self.end_learning_rate


@tf_export("keras.optimizers.schedules.serialize")
def serialize_schedule(schedule):
    """{"class_name": ..., "config": ...}."""
    return generic_utils.serialize_keras_object(schedule)


@tf_export("keras.optimizers.schedules.deserialize")
def deserialize_schedule(config, custom_objects=None):
    """The schedule of what serialize made."""
    return generic_utils.deserialize_keras_object(config, globals(), custom_objects, "decay")
