"""One call from a loss to a training operation."""

from tenon.python.framework import dtypes, indexed_slices, ops
from tenon.python.ops import array_ops, clip_ops, control_flow_ops, init_ops, math_ops, random_ops
from tenon.python.ops import variable_collections as vars_
from tenon.python.ops import variable_scope as vs
from tenon.python.summary import summary
from tenon.python.training import (
    adagrad,
    adam,
    ftrl,
    gradient_descent,
    momentum,
    moving_averages,
    rmsprop,
    training_util,
)
from tenon.python.training import optimizer as optimizer_
from tenon.python.util.tf_export import tf_export

OPTIMIZER_CLS_NAMES = {
    "Adagrad": adagrad.AdagradOptimizer,
    "Adam": adam.AdamOptimizer,
    "Ftrl": ftrl.FtrlOptimizer,
    "Momentum": lambda learning_rate: momentum.MomentumOptimizer(learning_rate, momentum=0.9),
    "RMSProp": rmsprop.RMSPropOptimizer,
    "SGD": gradient_descent.GradientDescentOptimizer,
}
TF_EXPORTS = {
    "contrib.layers.OPTIMIZER_CLS_NAMES": "OPTIMIZER_CLS_NAMES",
    "contrib.slim.OPTIMIZER_CLS_NAMES": "OPTIMIZER_CLS_NAMES",
    "contrib.layers.OPTIMIZER_SUMMARIES": "OPTIMIZER_SUMMARIES",
    "contrib.slim.OPTIMIZER_SUMMARIES": "OPTIMIZER_SUMMARIES",
}
OPTIMIZER_SUMMARIES = ["learning_rate", "loss", "gradients", "gradient_norm", "global_gradient_norm"]


def _make_optimizer(optimizer, rate):
    """The optimizer for a name, a class, an object, or a function of the learning rate (or of nothing)."""
    if isinstance(optimizer, str):
        if rate is None:
            raise ValueError(f"Learning rate is None, but should be specified if optimizer is string ({optimizer}).")
        if optimizer not in OPTIMIZER_CLS_NAMES:
            raise ValueError(f"Optimizer name should be one of {list(OPTIMIZER_CLS_NAMES)}, you provided {optimizer}.")
        return OPTIMIZER_CLS_NAMES[optimizer](learning_rate=rate)
    if isinstance(optimizer, type) and issubclass(optimizer, optimizer_.Optimizer):
        if rate is None:
            raise ValueError("Learning rate is None, but should be specified if optimizer is a class.")
        return optimizer(learning_rate=rate)
    if isinstance(optimizer, optimizer_.Optimizer):
        return optimizer
    if callable(optimizer):
        return optimizer(rate) if rate is not None else optimizer()
    raise ValueError(
        "Unrecognized optimizer: should be string, subclass of Optimizer, instance of subclass of Optimizer or function"
    )


def _learning_rate(learning_rate, decay_fn, global_step):
    """LEARNING_RATE as a tensor, after its decay."""
    if learning_rate is None:
        return None
    if isinstance(learning_rate, ops.Tensor) and learning_rate.get_shape().ndims == 0:
        rate = learning_rate
    elif isinstance(learning_rate, (int, float)):
        if learning_rate < 0.0:
            raise ValueError(f"Invalid learning_rate {learning_rate}")
        start = init_ops.constant_initializer(learning_rate)
        rate = vs.get_variable("learning_rate", [], trainable=False, initializer=start)
    else:
        raise ValueError(
            f"Learning rate should be 0d Tensor or float. Got {learning_rate} of type {type(learning_rate).__name__}"
        )
    if decay_fn is None:
        return rate
    if global_step is None:
        raise ValueError("global_step is required for learning_rate_decay_fn.")
    return decay_fn(rate, global_step)


@tf_export("contrib.layers.optimize_loss", "contrib.slim.optimize_loss")
def optimize_loss(loss, global_step, learning_rate, optimizer, gradient_noise_scale=None, gradient_multipliers=None,
                  clip_gradients=None, learning_rate_decay_fn=None, update_ops=None, variables=None, name=None,
                  summaries=None, colocate_gradients_with_ops=False, increment_global_step=True):  # fmt: skip
    """Computes, clips and applies the gradients of LOSS, runs UPDATE_OPS, counts the step; gives the loss."""
    loss = ops.convert_to_tensor(loss)
    if loss.get_shape().ndims not in (None, 0):
        raise ValueError(f"loss must be a scalar, got shape {loss.get_shape()}")
    if global_step is None:
        global_step = training_util.get_global_step()
    else:
        training_util.assert_global_step(global_step)
    with vs.variable_scope(name, "OptimizeLoss", [loss, global_step]):
        update_ops = set(ops.get_collection(ops.GraphKeys.UPDATE_OPS) if update_ops is None else update_ops)
        if update_ops:
            loss = control_flow_ops.with_dependencies(list(update_ops), loss)
        if summaries is None:
            summaries = ["loss", "learning_rate", "global_gradient_norm"]
        unknown = [item for item in summaries if item not in OPTIMIZER_SUMMARIES]
        if unknown:
            raise ValueError(f"Summaries should be one of {OPTIMIZER_SUMMARIES}, you provided {unknown[0]}.")
        rate = _learning_rate(learning_rate, learning_rate_decay_fn, global_step)
        if rate is not None and "learning_rate" in summaries:
            summary.scalar("learning_rate", rate)
        opt = _make_optimizer(optimizer, rate)
        gradients = opt.compute_gradients(
            loss, vars_.trainable_variables() if variables is None else variables,
            colocate_gradients_with_ops=colocate_gradients_with_ops,
        )  # fmt: skip
        gradients = _transformed(gradients, gradient_noise_scale, gradient_multipliers, clip_gradients, summaries)
        if "loss" in summaries:
            summary.scalar("loss", loss)
        _summarize_gradients(gradients, summaries)
        updates = opt.apply_gradients(
            gradients, global_step=global_step if increment_global_step else None, name="train"
        )
        return control_flow_ops.with_dependencies([updates], loss)


def _transformed(gradients, noise_scale, multipliers, clip, summaries):
    """The gradients after noise, multipliers and clipping."""
    if noise_scale is not None:
        gradients = _add_scaled_noise_to_gradients(gradients, noise_scale)
    if multipliers is not None:
        gradients = _multiply_gradients(gradients, multipliers)
        if not gradients:
            raise ValueError("No (gradient, variable) pairs are left: is gradient_multipliers right?")
    if "global_gradient_norm" in summaries or "gradient_norm" in summaries:
        summary.scalar("global_norm/gradient_norm", clip_ops.global_norm([g for g, _ in gradients]))
    if isinstance(clip, float):
        gradients = _clip_gradients_by_norm(gradients, clip)
    elif callable(clip):
        gradients = clip(gradients)
    elif clip is not None:
        raise ValueError(f"Unknown type {type(clip)} for clip_gradients")
    return gradients


def _summarize_gradients(gradients, summaries):
    for gradient, variable in gradients:
        values = gradient.values if isinstance(gradient, indexed_slices.IndexedSlices) else gradient
        if values is None:
            continue
        name = variable.name.replace(":", "_")
        if "gradients" in summaries:
            summary.histogram(f"gradients/{name}", values)
        if "gradient_norm" in summaries:
            summary.scalar(f"gradient_norm/{name}", clip_ops.global_norm([values]))
    if "global_gradient_norm" in summaries or "gradient_norm" in summaries:
        summary.scalar("global_norm/clipped_gradient_norm", clip_ops.global_norm([g for g, _ in gradients]))


def _clip_gradients_by_norm(grads_and_vars, clip_gradients):
    gradients, variables = zip(*grads_and_vars)
    clipped, _ = clip_ops.clip_by_global_norm(gradients, clip_gradients)
    return list(zip(clipped, variables))


def on_values(gradient, change):
    """CHANGE applied to a gradient's values."""
    if isinstance(gradient, indexed_slices.IndexedSlices):
        return indexed_slices.IndexedSlices(change(gradient.values), gradient.indices, gradient.dense_shape)
    return change(gradient)


def _add_scaled_noise_to_gradients(grads_and_vars, scale):
    def noisy(values):
        return values + random_ops.truncated_normal(array_ops.shape(values)) * scale

    return [(g if g is None else on_values(g, noisy), v) for g, v in grads_and_vars]


def _multiply_gradients(grads_and_vars, multipliers):
    made = []
    for gradient, variable in grads_and_vars:
        factor = multipliers.get(variable, multipliers.get(variable.name)) if gradient is not None else None
        if factor is not None:
            gradient = on_values(gradient, lambda values, f=factor: values * math_ops.cast(f, values.dtype))
        made.append((gradient, variable))
    return made


@tf_export("contrib.layers.adaptive_clipping_fn")
def adaptive_clipping_fn(std_factor=2.0, decay=0.95, static_max_norm=None, global_step=None, report_summary=False,
                         epsilon=1e-8, name=None):  # fmt: skip
    """A clipping function for optimize_loss: norms beyond the usual ones are cut back (arXiv 1509.00519)."""

    def clip(grads_and_vars):
        gradients, variables = zip(*grads_and_vars)
        norm = clip_ops.global_norm(gradients)
        limit, log_mean = _adaptive_max_norm(norm, std_factor, decay, global_step, epsilon, name)
        if report_summary:
            summary.scalar("global_norm/adaptive_max_gradient_norm", limit)
        factor = array_ops.where(norm < limit, array_ops.ones_like(norm), math_ops.exp(log_mean) / norm)
        if static_max_norm is not None:
            factor = math_ops.minimum(static_max_norm / norm, factor)
        clipped = [g if g is None else on_values(g, lambda values: values * factor) for g in gradients]
        return list(zip(clipped, variables))

    return clip


def _adaptive_max_norm(norm, std_factor, decay, global_step, epsilon, name):
    """(the largest norm to allow, the mean of log norms) by moving averages."""
    with vs.variable_scope(name, "AdaptiveMaxNorm", [norm]):
        log_norm = math_ops.log(norm + epsilon)

        def average(key, value, decay):
            kept = vs.get_variable(
                key, shape=value.get_shape(), dtype=value.dtype, initializer=init_ops.zeros_initializer(),
                trainable=False,
            )  # fmt: skip
            return moving_averages.assign_moving_average(kept, value, decay, zero_debias=False)

        if global_step is not None:
            n = math_ops.cast(global_step, dtypes.float32)
            decay = math_ops.minimum(decay, n / (n + 1.0))
        mean = average("mean", log_norm, decay)
        square = average("sq_mean", math_ops.square(log_norm), decay)
        deviation = math_ops.sqrt(math_ops.maximum(epsilon, square - math_ops.square(mean)))
        limit = math_ops.exp(mean + std_factor * deviation)
        return limit, mean
