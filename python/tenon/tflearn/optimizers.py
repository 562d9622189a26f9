"""Optimizers by their names; what is given here becomes one of tf.train when the graph is built."""

import tenon as tf


def get(identifier):
    """An optimizer's class: by its name, or what is given."""
    if not isinstance(identifier, str):
        return identifier
    found = _NAMES.get(identifier.lower())
    if found is None:
        raise Exception(f"Invalid optimizer: {identifier}")
    return found


class Optimizer:
    """Base class: build(step) makes the optimizer of tf.train, get_tensor() gives it."""

    def __init__(self, learning_rate, use_locking, name):
        self.learning_rate, self.use_locking, self.name = learning_rate, use_locking, name
        self.tensor, self.has_decay, self.built = None, False, False

    def _decay(self, lr_decay, decay_step, staircase):
        self.lr_decay, self.decay_step, self.staircase = lr_decay, decay_step, staircase
        self.has_decay = lr_decay > 0.0

    def build(self, step_tensor=None):
        """Makes the optimizer; STEP_TENSOR counts steps, for rates that decay."""
        self.built = True
        if self.has_decay:
            if step_tensor is None:
                raise Exception("Learning rate decay but no step_tensor provided.")
            self.learning_rate = tf.train.exponential_decay(self.learning_rate, step_tensor, self.decay_step,
                                                            self.lr_decay, staircase=self.staircase)  # fmt: skip
            tf.add_to_collection("lr_variables", self.learning_rate)
        self.tensor = self._make()

    def _make(self):
        raise NotImplementedError

    def get_tensor(self):
        """The optimizer of tf.train."""
        if not self.built:
            self.build()
        return self.tensor

    def __call__(self):
        return self.get_tensor()


class SGD(Optimizer):
    """Gradient descent."""

    def __init__(self, learning_rate=0.001, lr_decay=0.0, decay_step=100, staircase=False, use_locking=False,
                 name="SGD"):  # fmt: skip
        super().__init__(learning_rate, use_locking, name)
        self._decay(lr_decay, decay_step, staircase)

    def _make(self):
        return tf.train.GradientDescentOptimizer(self.learning_rate, self.use_locking, name=self.name)


class RMSProp(Optimizer):
    """Gradients over the root of the running mean of their squares."""

    def __init__(self, learning_rate=0.001, decay=0.9, momentum=0.0, epsilon=1e-10, use_locking=False, name="RMSProp"):
        super().__init__(learning_rate, use_locking, name)
        self.decay, self.momentum, self.epsilon = decay, momentum, epsilon

    def _make(self):
        return tf.train.RMSPropOptimizer(self.learning_rate, self.decay, self.momentum, self.epsilon, self.use_locking,
                                         name=self.name)  # fmt: skip


class Adam(Optimizer):
    """Running means of gradients over those of their squares."""

    def __init__(self, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8, use_locking=False, name="Adam"):
        super().__init__(learning_rate, use_locking, name)
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon

    def _make(self):
        return tf.train.AdamOptimizer(self.learning_rate, self.beta1, self.beta2, self.epsilon, self.use_locking,
                                      self.name)  # fmt: skip


class Momentum(Optimizer):
    """Gradient descent with momentum."""

    _nesterov = False

    def __init__(self, learning_rate=0.001, momentum=0.9, lr_decay=0.0, decay_step=100, staircase=False,
                 use_locking=False, name="Momentum"):  # fmt: skip
        super().__init__(learning_rate, use_locking, name)
        self.momentum = momentum
        self._decay(lr_decay, decay_step, staircase)

    def _make(self):
        return tf.train.MomentumOptimizer(self.learning_rate, self.momentum, self.use_locking, name=self.name,
                                          use_nesterov=self._nesterov)  # fmt: skip


class Nesterov(Momentum):
    """Gradient descent with Nesterov's momentum."""

    _nesterov = True

    def __init__(self, learning_rate=0.001, momentum=0.9, lr_decay=0.0, decay_step=100, staircase=False,
                 use_locking=False, name="Nesterov"):  # fmt: skip
        super().__init__(learning_rate, momentum, lr_decay, decay_step, staircase, use_locking, name)


class AdaGrad(Optimizer):
    """Gradients over the root of the sum of their squares."""

    def __init__(self, learning_rate=0.001, initial_accumulator_value=0.1, use_locking=False, name="AdaGrad"):
        super().__init__(learning_rate, use_locking, name)
        self.initial_accumulator_value = initial_accumulator_value

    def _make(self):
        return tf.train.AdagradOptimizer(self.learning_rate, self.initial_accumulator_value, self.use_locking,
                                         name=self.name)  # fmt: skip


class Ftrl(Optimizer):
    """Follow the regularized leader."""

    def __init__(self, learning_rate=3.0, learning_rate_power=-0.5, initial_accumulator_value=0.1,
                 l1_regularization_strength=0.0, l2_regularization_strength=0.0, use_locking=False,
                 name="Ftrl"):  # fmt: skip
        super().__init__(learning_rate, use_locking, name)
        self.settings = (learning_rate_power, initial_accumulator_value, l1_regularization_strength,
                         l2_regularization_strength)  # fmt: skip

    def _make(self):
        return tf.train.FtrlOptimizer(self.learning_rate, *self.settings, use_locking=self.use_locking, name=self.name)


class AdaDelta(Optimizer):
    """AdaDelta."""

    def __init__(self, learning_rate=0.001, rho=0.1, epsilon=1e-8, use_locking=False, name="AdaDelta"):
        super().__init__(learning_rate, use_locking, name)
        self.rho, self.epsilon = rho, epsilon

    def _make(self):
        return tf.train.AdadeltaOptimizer(self.learning_rate, self.rho, self.epsilon, self.use_locking, self.name)


class ProximalAdaGrad(Optimizer):
    """AdaGrad with L1 and L2 penalties in the step."""

    def __init__(self, learning_rate=0.001, initial_accumulator_value=0.1, use_locking=False, name="AdaGrad"):
        super().__init__(learning_rate, use_locking, name)
        self.initial_accumulator_value = initial_accumulator_value

    def _make(self):
        return tf.train.ProximalAdagradOptimizer(self.learning_rate, self.initial_accumulator_value,
                                                 use_locking=self.use_locking, name=self.name)  # fmt: skip


_NAMES = {"sgd": SGD, "rmsprop": RMSProp, "adam": Adam, "momentum": Momentum, "nesterov": Nesterov, "adagrad": AdaGrad,
          "ftrl": Ftrl, "adadelta": AdaDelta, "proximaladagrad": ProximalAdaGrad}  # fmt: skip
sgd, rmsprop, adam, momentum, nesterov = SGD, RMSProp, Adam, Momentum, Nesterov
adagrad, ftrl, adadelta, proximaladagrad = AdaGrad, Ftrl, AdaDelta, ProximalAdaGrad
