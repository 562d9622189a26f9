"""What Keras's optimizers share: settings that are variables, slots, clipping, and the operations of a step."""

import tenon as tf
from tenon.python.framework import ops
from tenon.python.keras import backend as K
from tenon.python.keras.optimizer_schedules import LearningRateSchedule, deserialize_schedule, serialize_schedule
from tenon.python.util.tf_export import tf_export


@tf_export("keras.optimizers.Optimizer", "keras.optimizers.legacy.Optimizer")
class Optimizer:
    """Base class: `get_updates(loss, params)` makes the operations of one step."""

    _slots = ()
    clipnorm = clipvalue = None

    def __init__(self, name=None, **kwargs):  # Keras' own has no name
        for k in kwargs:
            if k not in ("clipnorm", "clipvalue", "lr", "decay", "epsilon", "global_clipnorm", "schedule_decay"):
                raise TypeError(f"Unexpected keyword argument passed to optimizer: {k}")
            if k != "epsilon" and kwargs[k] is not None and kwargs[k] < 0:
                raise ValueError(f"Expected {k} >= 0, received: {kwargs[k]}")
        self._name = name or type(self).__name__
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

    def variables(self):
        """The same."""
        return self.weights

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

    def get_slot_names(self):
        """The names of the slots that it makes."""
        return [s if isinstance(s, str) else s[0] for s in self._slots_now()]

    def add_weight(self, name, shape, dtype=None, initializer="zeros", trainable=None, synchronization=0,
                   aggregation=0):  # fmt: skip
        """A variable of the state."""
        from tenon.python.keras import initializers

        start, dtype = initializers.get(initializer), tf.as_dtype(dtype or K.floatx())
        with ops.init_scope():
            v = tf.Variable(lambda: start(shape, dtype=dtype), use_resource=True, trainable=bool(trainable), name=name,
                            dtype=dtype)  # fmt: skip
        K.track_variable(v)
        self._made.append(v)
        return v

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
        if self.clipnorm is not None:
            grads = [g if g is None else tf.clip_by_norm(g, self.clipnorm) for g in grads]
        if self.clipvalue is not None:
            grads = [g if g is None else tf.clip_by_value(g, -self.clipvalue, self.clipvalue) for g in grads]
        return grads

    def get_updates(self, loss, params):
        """The operations of one step."""
        params = list(params)
        return [self.apply_gradients(list(zip(self.get_gradients(loss, params), params)))]

    def minimize(self, loss, var_list, grad_loss=None, name=None):
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

    # Optimizers that programs write override these, and ask for settings by _get_hyper and _decayed_lr.

    def _resource_apply_dense(self, grad, var):
        raise NotImplementedError(f"{type(self).__name__} does not say how a variable changes by its gradient: "
                                  "_resource_apply_dense(grad, var)")  # fmt: skip

    def _resource_apply_sparse(self, grad, var, indices):
        return self._resource_apply_dense(tf.convert_to_tensor(tf.IndexedSlices(grad, indices, tf.shape(var))), var)

    def _get_hyper(self, name, dtype=None):
        value = self._get(name)
        return value if dtype is None or callable(value) else tf.cast(value, dtype)

    def _decayed_lr(self, var_dtype):
        return self._rate(var_dtype)

    def _dense(self, grad, var, rate):
        return self._resource_apply_dense(grad, var)

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
        config.update({k: getattr(self, k) for k in ("clipnorm", "clipvalue") if getattr(self, k) is not None})
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
