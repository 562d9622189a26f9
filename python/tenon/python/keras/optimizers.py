"""Optimizers with Keras's arguments: their settings are variables that programs change while they train."""

import tenon as tf
from tenon.python.framework import ops
from tenon.python.keras import backend as K
from tenon.python.keras.optimizer_schedules import LearningRateSchedule, deserialize_schedule, serialize_schedule
from tenon.python.keras.utils import generic_utils
from tenon.python.ops import gen_ops
from tenon.python.util.tf_export import tf_export


@tf_export("keras.optimizers.Optimizer", "keras.optimizers.legacy.Optimizer")
class Optimizer:
    """Base class: `get_updates(loss, params)` makes the operations of one step."""

    _slots = ()

    def __init__(self, name, **kwargs):
        for k in kwargs:
            if k not in ("clipnorm", "clipvalue", "lr", "decay", "epsilon", "global_clipnorm", "schedule_decay"):
                raise TypeError(f"Unexpected keyword argument passed to optimizer: {k}")
            if k != "epsilon" and kwargs[k] is not None and kwargs[k] < 0:
                raise ValueError(f"Expected {k} >= 0, received: {kwargs[k]}")
        self._name = name
        self._hyper = {}
        self._slot_variables = {}
        self._made = []
        self._iterations = None
        self._initial_weights = None
        self.__dict__.update({k: kwargs[k] for k in ("clipnorm", "clipvalue") if kwargs.get(k) is not None})
        self._initial_decay = kwargs.get("decay") or 0.0

    def __getattr__(self, name):
        if name[:1] != "_":
            hyper = self.__dict__.get("_hyper", {})
            name = "learning_rate" if name == "lr" else name
            if name in hyper:
                return self._get(name)
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name, value):
        key = "learning_rate" if name == "lr" else name
        if key in self.__dict__.get("_hyper", {}):
            self._set_hyper(key, value)
        else:
            object.__setattr__(self, name, value)

    def _set_hyper(self, name, value):
        before = self._hyper.get(name)
        if isinstance(before, tf.Variable) and not callable(value):
            K.set_value(before, value)
        else:
            self._hyper[name] = value

    def _get(self, name):
        """A setting as a variable (or the function that was given)."""
        value = self._hyper[name]
        if isinstance(value, (tf.Tensor, tf.Variable)) or callable(value):
            return value
        self._create_hypers()
        return self._hyper[name]

    def _variable(self, name, value, dtype=None, shape=()):
        with ops.init_scope():
            v = tf.Variable(lambda: tf.constant(value, dtype=dtype or K.floatx(), shape=shape), use_resource=True,
                            trainable=False, name=name, dtype=dtype or K.floatx())  # fmt: skip
        K.track_variable(v)
        return v

    def _create_hypers(self):
        self.iterations  # noqa: B018
        for name, value in sorted(self._hyper.items()):
            if not isinstance(value, (tf.Tensor, tf.Variable)) and not callable(value):
                self._hyper[name] = self._variable(name, float(value))

    @property
    def iterations(self):
        """The variable that counts steps."""
        if self._iterations is None:
            with ops.init_scope():
                self._iterations = tf.Variable(lambda: tf.constant(0, dtype="int64"), use_resource=True,
                                               trainable=False, name="iter", dtype="int64")  # fmt: skip
            K.track_variable(self._iterations)
        return self._iterations

    @iterations.setter
    def iterations(self, value):
        self._iterations = value

    @property
    def weights(self):
        """The variables of the state: the count of steps, then the slots."""
        return ([self._iterations] if self._iterations is not None else []) + self._made

    variables = property(lambda self: lambda: self.weights)

    def add_slot(self, var, slot_name, initializer="zeros"):
        """A variable of the shape of another."""
        from tenon.python.keras import initializers

        key = (var.name, slot_name)
        if key not in self._slot_variables:
            start = initializers.get(initializer)
            with ops.init_scope(), tf.name_scope(""):
                scope = K.get_graph().unique_name(self._scope_name + "/" + var.op.name + "/" + slot_name, False)
                v = tf.Variable(lambda: start(var.shape.as_list(), dtype=var.dtype.base_dtype), use_resource=True,
                                trainable=False, name=scope, dtype=var.dtype.base_dtype)  # fmt: skip
            K.track_variable(v)
            self._slot_variables[key] = v
            self._made.append(v)
        return self._slot_variables[key]

    def get_slot(self, var, slot_name):
        """The slot of a variable."""
        return self._slot_variables[var.name, slot_name]

    def get_gradients(self, loss, params):
        """The gradients of a loss, clipped."""
        params = list(params)
        grads = tf.gradients(loss, params)
        for grad, param in zip(grads, params):
            if grad is None:
                raise ValueError(f"Variable {param} has `None` for gradient. Please make sure that all of your ops have "  # noqa: E501
                                 "a gradient defined (i.e. are differentiable). Common ops without gradient: K.argmax, "
                                 "K.round, K.eval.")  # fmt: skip
        return self._clip(grads)

    def _clip(self, grads):
        if hasattr(self, "clipnorm"):
            grads = [g if g is None else tf.clip_by_norm(g, self.clipnorm) for g in grads]
        if hasattr(self, "clipvalue"):
            grads = [g if g is None else tf.clip_by_value(g, -self.clipvalue, self.clipvalue) for g in grads]
        return grads

    def get_updates(self, loss, params):
        """The operations of one step."""
        params = list(params)
        return [self.apply_gradients(list(zip(self.get_gradients(loss, params), params)))]

    def minimize(self, loss, var_list=None, grad_loss=None, name=None):
        """The operation of one step."""
        loss = loss() if callable(loss) else loss
        params = var_list() if callable(var_list) else var_list
        params = params or tf.trainable_variables()
        grads = self._clip(tf.gradients(loss, params, grad_ys=grad_loss))
        return self.apply_gradients(list(zip(grads, params)), name=name)

    def apply_gradients(self, grads_and_vars, name=None):
        """The operation that changes variables by their gradients."""
        pairs = [(g, v) for g, v in grads_and_vars if g is not None]
        if not pairs:
            raise ValueError(f"No gradients provided for any variable: {[v.name for _, v in grads_and_vars]}.")
        with tf.name_scope(self._name) as scope:
            self._scope_name = scope.rstrip("/")
            self._create_hypers()
            self._create_slots([v for _, v in pairs])
            with tf.name_scope("update"):
                rate = self._rate(self.__dict__.get("_rate_dtype", K.floatx()))
                self._shared = self._prepare(rate)
                updates = []
                for grad, var in pairs:
                    with tf.name_scope("update_" + var.op.name):
                        if isinstance(grad, tf.IndexedSlices):
                            op = self._sparse(grad, var, rate)
                        else:
                            op = self._dense(grad, var, rate)
                        if var.constraint is not None:
                            with tf.control_dependencies([op]):
                                op = var.assign(var.constraint(var.read_value()), read_value=False)
                    updates.append(op)
            self._restore()
            with tf.control_dependencies(updates):
                return self.iterations.assign_add(1, read_value=False)

    def _create_slots(self, variables):
        for slot in self._slots_now():
            for v in variables:
                self.add_slot(v, *((slot,) if isinstance(slot, str) else slot))

    def _restore(self):
        if self._initial_weights is not None:
            self.set_weights(self._initial_weights)
            self._initial_weights = None

    def _slots_now(self):
        return self._slots

    def _rate(self, dtype):
        """The learning rate of this step, a tensor."""
        value = self._get("learning_rate")
        if isinstance(value, LearningRateSchedule):
            rate = value(tf.cast(self.iterations, dtype))
        else:
            rate = tf.identity(value() if callable(value) and not isinstance(value, tf.Variable) else value)
        rate = tf.cast(rate, dtype)
        if self._initial_decay > 0:
            rate = rate / (1.0 + tf.identity(self._get("decay")) * tf.cast(self.iterations, dtype))
        return rate

    def _value(self, name):
        return tf.identity(self._get(name))

    def _prepare(self, rate):
        return None

    def _dense(self, grad, var, rate):
        raise NotImplementedError

    def _sparse(self, grad, var, rate):
        """Rows that come more than once are added up first; by default a dense gradient."""
        return self._dense(tf.convert_to_tensor(grad), var, rate)

    def _unique(self, grad):
        indices, positions = tf.unique(grad.indices)
        return tf.unsorted_segment_sum(grad.values, positions, tf.shape(indices)[0]), indices

    def get_weights(self):
        """The values of the state."""
        return K.batch_get_value(self.weights)

    def set_weights(self, weights):
        """Gives the state values."""
        if len(weights) != len(self.weights):
            raise ValueError(f"You called `set_weights(weights)` on optimizer {self._name} with a  weight list of length "  # noqa: E501
                             f"{len(weights)}, but the optimizer was expecting {len(self.weights)} weights. Provided "
                             f"weights: {str(weights)[:50]}...")  # fmt: skip
        K.batch_set_value(list(zip(self.weights, weights)))

    def _config_value(self, name):
        value = self._hyper[name]
        if isinstance(value, LearningRateSchedule):
            return serialize_schedule(value)
        if callable(value) and not isinstance(value, tf.Variable):
            return value()
        return K.get_value(value) if isinstance(value, (tf.Tensor, tf.Variable)) else value

    _extra = ()

    def get_config(self):
        """The arguments that make it again."""
        config = {"name": self._name}
        config.update({k: getattr(self, k) for k in ("clipnorm", "clipvalue") if hasattr(self, k)})
        config.update({k: self._initial_decay if k == "decay" else self._config_value(k) for k in self._hyper})
        config.update({k: getattr(self, k) for k in self._extra})
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The optimizer that get_config described."""
        config = dict(config)
        if "lr" in config:
            config["learning_rate"] = config.pop("lr")
        if isinstance(config.get("learning_rate"), dict):
            config["learning_rate"] = deserialize_schedule(config["learning_rate"], custom_objects)
        return cls(**config)

    def _begin(self, learning_rate, kwargs, **hyper):
        """What constructors share."""
        self._hyper["learning_rate"] = kwargs.get("lr", learning_rate)
        self._hyper["decay"] = self._initial_decay
        self._hyper.update(hyper)


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
