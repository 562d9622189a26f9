"""Optimizers of canned estimators, by name."""

from tenon.python.training import adagrad, adam, ftrl, gradient_descent, optimizer, rmsprop

_BY_NAME = {
    "Adagrad": adagrad.AdagradOptimizer, "Adam": adam.AdamOptimizer, "Ftrl": ftrl.FtrlOptimizer,
    "RMSProp": rmsprop.RMSPropOptimizer, "SGD": gradient_descent.GradientDescentOptimizer,
}  # fmt: skip
_LEARNING_RATE = 0.05


def get_optimizer_instance(opt, learning_rate=None):
    """The optimizer that OPT says: its name, the optimizer itself, or a function that makes it."""
    if isinstance(opt, str):
        if opt not in _BY_NAME:
            raise ValueError(f"Unsupported optimizer name: {opt}. Supported names are: {tuple(sorted(_BY_NAME))}")
        if learning_rate is None:
            raise ValueError("learning_rate must be specified when opt is string.")
        return _BY_NAME[opt](learning_rate=learning_rate)
    if callable(opt) and not isinstance(opt, optimizer.Optimizer):
        opt = opt()
    if not isinstance(opt, optimizer.Optimizer):
        raise ValueError(f"The given object is not an Optimizer instance. Given: {opt}")
    return opt


def get_optimizer_instance_v2(opt, learning_rate=None):
    """The Keras optimizer that OPT says: its name, the optimizer itself, or a function that makes it."""
    from tenon.python.keras import optimizers as keras_optimizers

    if isinstance(opt, str):
        if opt not in _BY_NAME:
            raise ValueError(f"Unsupported optimizer name: {opt}. Supported names are: {tuple(sorted(_BY_NAME))}")
        kind = getattr(keras_optimizers, "RMSprop" if opt == "RMSProp" else opt)
        if learning_rate is None:
            return kind()
        return kind(learning_rate=learning_rate)
    if callable(opt):
        opt = opt()
    if not isinstance(opt, keras_optimizers.Optimizer):
        raise ValueError(f"The given object is not a tf.keras.optimizers.Optimizer instance. Given: {opt}")
    return opt
