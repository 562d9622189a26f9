"""Optimizers with Keras's arguments: their settings are variables that programs change while they train."""

import tenon as tf
from tenon.python.keras import backend as K
from tenon.python.keras.optimizer_base import Optimizer
from tenon.python.keras.utils import generic_utils
from tenon.python.ops import gen_ops
from tenon.python.util.tf_export import tf_export


@tf_export("keras.optimizers.SGD", "keras.optimizers.legacy.SGD")
class SGD(Optimizer):
    """Gradient descent, with momentum."""

    _extra = ("nesterov",)

    def __init__(self, learning_rate=0.01, momentum=0.0, nesterov=False, name="SGD", **kwargs):
        super().__init__(name, **kwargs)
        self._begin(learning_rate, kwargs, momentum=momentum)
        self._momentum = callable(momentum) or isinstance(momentum, (tf.Tensor, tf.Variable)) or momentum > 0
        if isinstance(momentum, (int, float)) and (momentum < 0 or momentum > 1):
            raise ValueError("`momentum` must be between [0, 1].")
        self.nesterov = nesterov

    def _slots_now(self):
        return ("momentum",) if self._momentum else ()

    def _dense(self, grad, var, rate):
        if not self._momentum:
            return gen_ops.resource_apply_gradient_descent(var.handle, rate, grad)
        return gen_ops.resource_apply_keras_momentum(var.handle, self.get_slot(var, "momentum").handle, rate, grad,
                                                     self._value("momentum"), use_nesterov=self.nesterov)  # fmt: skip

    def _sparse(self, grad, var, rate):
        values, indices = self._unique(grad)
        if not self._momentum:
            return gen_ops.resource_scatter_add(var.handle, indices, -values * rate)
        return gen_ops.resource_sparse_apply_keras_momentum(
            var.handle, self.get_slot(var, "momentum").handle, rate, values, indices, self._value("momentum"),
            use_nesterov=self.nesterov)  # fmt: skip


@tf_export("keras.optimizers.RMSprop", "keras.optimizers.legacy.RMSprop")
class RMSprop(Optimizer):
    """Gradients divided by a running average of their size."""

    _extra = ("epsilon", "centered")

    def __init__(self, learning_rate=0.001, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False, name="RMSprop",
                 **kwargs):  # fmt: skip
        super().__init__(name, **{k: v for k, v in kwargs.items() if k != "epsilon"})
        self._begin(learning_rate, kwargs, rho=rho, momentum=momentum)
        self._momentum = callable(momentum) or isinstance(momentum, (tf.Tensor, tf.Variable)) or momentum > 0
        self.epsilon = K.epsilon() if epsilon is None else epsilon
        self.centered = centered

    def _slots_now(self):
        return ("rms", *(("momentum",) if self._momentum else ()), *(("mg",) if self.centered else ()))

    def _dense(self, grad, var, rate):
        rms = self.get_slot(var, "rms")
        rho, momentum = self._value("rho"), self._value("momentum")
        if self._momentum:
            m = self.get_slot(var, "momentum").handle
            if self.centered:
                return gen_ops.resource_apply_centered_rms_prop(
                    var.handle, self.get_slot(var, "mg").handle, rms.handle, m, rate, rho, momentum, self.epsilon, grad
                )
            return gen_ops.resource_apply_rms_prop(var.handle, rms.handle, m, rate, rho, momentum, self.epsilon, grad)
        new = rms.assign(rho * rms + (1.0 - rho) * tf.square(grad)).value()
        bottom = new
        if self.centered:
            mean = self.get_slot(var, "mg")
            bottom = new - tf.square(mean.assign(rho * mean + (1.0 - rho) * grad).value())
        return var.assign(var - rate * grad / (tf.sqrt(bottom) + self.epsilon), read_value=False)

    def _sparse(self, grad, var, rate):
        if self._momentum or self.centered:
            return super()._sparse(grad, var, rate)
        values, indices = self._unique(grad)
        rms, rho = self.get_slot(var, "rms"), self._value("rho")
        first = rms.assign(rms * rho, read_value=False)
        with tf.control_dependencies([first]):
            second = gen_ops.resource_scatter_add(rms.handle, indices, tf.square(values) * (1 - rho))
        with tf.control_dependencies([second]):
            rows = gen_ops.resource_gather(rms.handle, indices, dtype=var.dtype)
        return gen_ops.resource_scatter_add(var.handle, indices, -rate * values / (tf.sqrt(rows) + self.epsilon))


@tf_export("keras.optimizers.Adagrad", "keras.optimizers.legacy.Adagrad")
class Adagrad(Optimizer):
    """Rates that become less where gradients were large."""

    _extra = ("epsilon", "initial_accumulator_value")

    def __init__(self, learning_rate=0.001, initial_accumulator_value=0.1, epsilon=1e-7, name="Adagrad", **kwargs):
        super().__init__(name, **kwargs)
        self._begin(learning_rate, kwargs)
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = K.epsilon() if epsilon is None else epsilon

    def _slots_now(self):
        return (("accumulator", tf.constant_initializer(self.initial_accumulator_value)),)

    def _dense(self, grad, var, rate):
        return gen_ops.resource_apply_adagrad_v2(var.handle, self.get_slot(var, "accumulator").handle, rate,
                                                 self.epsilon, grad)  # fmt: skip

    def _sparse(self, grad, var, rate):
        values, indices = self._unique(grad)
        return gen_ops.resource_sparse_apply_adagrad_v2(var.handle, self.get_slot(var, "accumulator").handle, rate,
                                                        self.epsilon, values, indices)  # fmt: skip


@tf_export("keras.optimizers.Adadelta", "keras.optimizers.legacy.Adadelta")
class Adadelta(Optimizer):
    """Steps as large as the steps before."""

    _slots, _extra = ("accum_grad", "accum_var"), ("epsilon",)

    def __init__(self, learning_rate=0.001, rho=0.95, epsilon=1e-7, name="Adadelta", **kwargs):
        super().__init__(name, **kwargs)
        self._begin(learning_rate, kwargs, rho=rho)
        self.epsilon = K.epsilon() if epsilon is None else epsilon

    def _dense(self, grad, var, rate):
        slots = (self.get_slot(var, s).handle for s in self._slots)
        return gen_ops.resource_apply_adadelta(var.handle, *slots, rate, self._value("rho"), self.epsilon, grad)


class _Betas(Optimizer):
    """Those with two decays of moments."""

    _slots, _extra = ("m", "v"), ("epsilon",)

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, name=None, **kwargs):
        super().__init__(name or type(self).__name__, **kwargs)
        self._begin(learning_rate, kwargs, beta_1=beta_1, beta_2=beta_2)
        self.epsilon = K.epsilon() if epsilon is None else epsilon

    def _prepare(self, rate):
        step = tf.cast(self.iterations + 1, rate.dtype)
        beta_1, beta_2 = self._value("beta_1"), self._value("beta_2")
        return beta_1, beta_2, tf.pow(beta_1, step), tf.pow(beta_2, step)


@tf_export("keras.optimizers.Adam", "keras.optimizers.legacy.Adam")
class Adam(_Betas):
    """Steps by first and second moments."""

    _extra = ("epsilon", "amsgrad")

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False, name="Adam",
                 **kwargs):  # fmt: skip
        super().__init__(learning_rate, beta_1, beta_2, epsilon, name, **kwargs)
        self.amsgrad = amsgrad

    def _slots_now(self):
        return ("m", "v", "vhat") if self.amsgrad else ("m", "v")

    def _dense(self, grad, var, rate):
        beta_1, beta_2, power_1, power_2 = self._shared
        m, v = self.get_slot(var, "m").handle, self.get_slot(var, "v").handle
        if self.amsgrad:
            vhat = self.get_slot(var, "vhat").handle
            return gen_ops.resource_apply_adam_with_amsgrad(var.handle, m, v, vhat, power_1, power_2, rate, beta_1,
                                                            beta_2, self.epsilon, grad)  # fmt: skip
        return gen_ops.resource_apply_adam(var.handle, m, v, power_1, power_2, rate, beta_1, beta_2, self.epsilon, grad)

    def _sparse(self, grad, var, rate):
        values, indices = self._unique(grad)
        beta_1, beta_2, power_1, power_2 = self._shared
        moments = []
        for name, beta, scaled in (("m", beta_1, values), ("v", beta_2, tf.square(values))):
            slot = self.get_slot(var, name)
            first = slot.assign(slot * beta, read_value=False)
            with tf.control_dependencies([first]):
                second = gen_ops.resource_scatter_add(slot.handle, indices, scaled * (1 - beta))
            with tf.control_dependencies([second]):
                moments.append(slot.read_value())
        m, v = moments
        if self.amsgrad:
            vhat = self.get_slot(var, "vhat")
            v = vhat.assign(tf.maximum(vhat, v)).value()
        rate = rate * tf.sqrt(1 - power_2) / (1 - power_1)
        return var.assign_sub(rate * m / (tf.sqrt(v) + self.epsilon), read_value=False)


@tf_export("keras.optimizers.Adamax", "keras.optimizers.legacy.Adamax")
class Adamax(_Betas):
    """Adam with the greatest gradient instead of the second moment."""

    def _dense(self, grad, var, rate):
        beta_1, beta_2, power_1, _ = self._shared
        m, v = self.get_slot(var, "m").handle, self.get_slot(var, "v").handle
        return gen_ops.resource_apply_ada_max(var.handle, m, v, power_1, rate, beta_1, beta_2, self.epsilon, grad)


@tf_export("keras.optimizers.Nadam", "keras.optimizers.legacy.Nadam")
class Nadam(_Betas):
    """Adam with Nesterov's momentum."""

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, name="Nadam", **kwargs):
        kwargs["decay"] = kwargs.pop("schedule_decay", 0.004)
        super().__init__(learning_rate, beta_1, beta_2, epsilon, name, **kwargs)
        self._m_cache = None

    def _rate(self, dtype):
        return tf.cast(tf.identity(self._get("learning_rate")), dtype)

    def _create_slots(self, variables):
        if self._m_cache is None:
            self._m_cache = self._variable("momentum_cache", 1.0)
            self._made.append(self._m_cache)
        super()._create_slots(variables)

    def _prepare(self, rate):
        step = tf.cast(self.iterations + 1, rate.dtype)
        beta_1, beta_2, decay = self._value("beta_1"), self._value("beta_2"), self._value("decay")
        now = beta_1 * (1.0 - 0.5 * tf.pow(0.96, decay * step))
        after = beta_1 * (1.0 - 0.5 * tf.pow(0.96, decay * (step + 1)))
        product = self._m_cache.assign(self._m_cache * now).value()
        return beta_1, beta_2, now, after, product, product * after, tf.pow(beta_2, step)

    def _dense(self, grad, var, rate):
        beta_1, beta_2, now, after, product, next_product, power_2 = self._shared
        m, v = self.get_slot(var, "m"), self.get_slot(var, "v")
        m_new = m.assign(beta_1 * m + (1 - beta_1) * grad).value()
        v_new = v.assign(beta_2 * v + (1 - beta_2) * tf.square(grad)).value()
        bar = (1.0 - now) * grad / (1.0 - product) + after * m_new / (1.0 - next_product)
        return var.assign(var - rate * bar / (tf.sqrt(v_new / (1.0 - power_2)) + self.epsilon), read_value=False)


@tf_export("keras.optimizers.Ftrl", "keras.optimizers.legacy.Ftrl")
class Ftrl(Optimizer):
    """Follow the regularized leader."""

    _extra = ("initial_accumulator_value", "l2_shrinkage_regularization_strength")

    def __init__(self, learning_rate=0.001, learning_rate_power=-0.5, initial_accumulator_value=0.1,
                 l1_regularization_strength=0.0, l2_regularization_strength=0.0, name="Ftrl",
                 l2_shrinkage_regularization_strength=0.0, beta=0.0, **kwargs):  # fmt: skip
        super().__init__(name, **kwargs)
        self._begin(learning_rate, kwargs, learning_rate_power=learning_rate_power,
                    l1_regularization_strength=l1_regularization_strength,
                    l2_regularization_strength=l2_regularization_strength)  # fmt: skip
        self.initial_accumulator_value = initial_accumulator_value
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength

    def _create_slots(self, variables):
        for v in variables:
            self.add_slot(v, "accumulator", tf.constant_initializer(self.initial_accumulator_value))
            self.add_slot(v, "linear")

    def _dense(self, grad, var, rate):
        slots = [self.get_slot(var, s).handle for s in ("accumulator", "linear")]
        l1, l2 = self._value("l1_regularization_strength"), self._value("l2_regularization_strength")
        power = self._value("learning_rate_power")
        if self.l2_shrinkage_regularization_strength <= 0.0:
            return gen_ops.resource_apply_ftrl(var.handle, *slots, grad, rate, l1, l2, power)
        return gen_ops.resource_apply_ftrl_v2(var.handle, *slots, grad, rate, l1, l2,
                                              self.l2_shrinkage_regularization_strength, power)  # fmt: skip


class TFOptimizer:
    """An optimizer of tf.train as Keras uses it."""

    def __init__(self, optimizer, iterations=None):
        self.optimizer = optimizer
        self.iterations = tf.train.get_or_create_global_step() if iterations is None else iterations
        K.track_variable(self.iterations)

    def __getattr__(self, name):
        if name in ("lr", "learning_rate"):
            return getattr(self.optimizer, "_lr", None) or self.optimizer._learning_rate
        raise AttributeError(name)

    def get_updates(self, loss, params):
        """The operations of one step."""
        pairs = self.optimizer.compute_gradients(loss, list(params))
        op = self.optimizer.apply_gradients(pairs, global_step=self.iterations)
        for v in self.optimizer.variables():
            K.track_variable(v)
        return [op]

    weights = property(lambda self: [])

    def get_config(self):
        """Those of tf.train have no configuration."""
        raise NotImplementedError


@tf_export("keras.optimizers.serialize")
def serialize(optimizer):
    """{"class_name": ..., "config": ...}."""
    return generic_utils.serialize_keras_object(optimizer)


_NAMES = {c.__name__.lower(): c for c in (SGD, RMSprop, Adagrad, Adadelta, Adam, Adamax, Nadam, Ftrl)}


@tf_export("keras.optimizers.deserialize")
def deserialize(config, custom_objects=None):
    """The optimizer of what serialize made."""
    if config["class_name"].lower() in _NAMES:
        config = {**config, "class_name": config["class_name"].lower()}
    return generic_utils.deserialize_keras_object(config, _NAMES, custom_objects, "optimizer")


@tf_export("keras.optimizers.get")
def get(identifier):
    """An optimizer: a name, a configuration or an object, also one of tf.train."""
    if isinstance(identifier, (Optimizer, TFOptimizer)):
        return identifier
    if isinstance(identifier, tf.train.Optimizer):
        return TFOptimizer(identifier)
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, str):
        return deserialize({"class_name": identifier, "config": {}})
    raise ValueError(f"Could not interpret optimizer identifier: {identifier}")
