"""Optimizers around optimizers: averages, clipped variables, tasks that take turns, gradients that came too late."""

import contextlib
import types

from tenon.python.framework import dtypes, ops
from tenon.python.ops import array_ops, clip_ops, control_flow_ops, init_ops, math_ops, state_ops, variables
from tenon.python.ops import variable_scope as vs
from tenon.python.platform import tf_logging as logging
from tenon.python.summary import summary
from tenon.python.training import moving_averages, optimizer, saver, training_util
from tenon.python.training.saving import saveable_object_util
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.opt.MovingAverageOptimizer")
class MovingAverageOptimizer(optimizer.Optimizer):
    """OPT, with a moving average of each variable; swapping_saver saves the averages as the variables."""

    def __init__(self, opt, average_decay=0.9999, num_updates=None, sequential_update=True):
        super().__init__(False, "MovingAverage")
        self._optimizer, self._sequential_update = opt, sequential_update
        self._ema = moving_averages.ExponentialMovingAverage(average_decay, num_updates=num_updates)
        self._swapped = None

    def compute_gradients(self, *args, **kwargs):
        """OPT's."""
        return self._optimizer.compute_gradients(*args, **kwargs)

    def apply_gradients(self, grads_and_vars, global_step=None, name=None):
        """OPT's, then the averages."""
        train_op = self._optimizer.apply_gradients(grads_and_vars, global_step=global_step, name=name)
        updated = [variable for gradient, variable in grads_and_vars if gradient is not None]
        with ops.control_dependencies([train_op] if self._sequential_update else []):
            average_op = self._ema.apply(updated)
        self._swapped = {}
        for variable in updated:
            average = self._ema.average(variable)
            self._swapped[variable.op.name] = average.op.name
            self._swapped[average.op.name] = variable.op.name
        return control_flow_ops.group(train_op, average_op, name="train_with_avg")

    def _other(self, by_name, name, tensor):
        other = self._swapped.get(name)
        if other is None:
            return tensor
        if other not in by_name:
            raise ValueError(f"Variable to swap {other} is not part of variables to save. "
                             "This breaks MovingAverageOptimizer.")  # fmt: skip
        return by_name[other]

    def swapping_saver(self, var_list=None, name="swapping_saver", **kwargs):
        """A Saver under whose names variables and averages have changed places."""
        if self._swapped is None:
            raise RuntimeError("Must call apply_gradients or minimize before creating the swapping_saver")
        saved = variables.global_variables() if var_list is None else var_list
        if not isinstance(saved, dict):
            saved = saveable_object_util.op_list_to_dict(saved)
        by_name = {}
        for key, value in saved.items():
            many = isinstance(value, (list, variables.PartitionedVariable))
            by_name.update({part.op.name: part for part in value} if many else {key: value})
        made = {}
        for key, value in saved.items():
            if isinstance(value, list):
                made[key] = [self._other(by_name, part.op.name, part) for part in value]
            else:
                made[key] = self._other(by_name, key, value)
        return saver.Saver(made, name=name, **kwargs)


@tf_export("contrib.opt.VariableClippingOptimizer")
class VariableClippingOptimizer(optimizer.Optimizer):
    """OPT, after which variables are cut to a norm of MAX_NORM, along the dimensions in {variable: dimensions}."""

    def __init__(self, opt, vars_to_clip_dims, max_norm, use_locking=False, colocate_clip_ops_with_vars=False,
                 name="VariableClipping"):  # fmt: skip
        super().__init__(use_locking, name)
        self._opt, self._max_norm, self._colocate_clip_ops_with_vars = opt, max_norm, colocate_clip_ops_with_vars
        self._vars_to_clip_dims = {var: list(dims) for var, dims in vars_to_clip_dims.items()}

    def compute_gradients(self, *args, **kwargs):
        """OPT's."""
        return self._opt.compute_gradients(*args, **kwargs)

    def get_slot(self, *args, **kwargs):
        """OPT's."""
        return self._opt.get_slot(*args, **kwargs)

    def get_slot_names(self, *args, **kwargs):
        """OPT's."""
        return self._opt.get_slot_names(*args, **kwargs)

    def apply_gradients(self, grads_and_vars, global_step=None, name=None):
        """OPT's, then the variables are clipped."""
        with ops.name_scope(name, self._name) as scope:
            update = self._opt.apply_gradients(grads_and_vars, global_step=global_step)
            clips = []
            with ops.control_dependencies([update]):
                for gradient, var in grads_and_vars:
                    if gradient is None or var not in self._vars_to_clip_dims:
                        continue
                    with ops.name_scope("clip_" + var.op.name):
                        dense = isinstance(gradient, ops.Tensor)
                        clips.append(self._clip_dense(var) if dense else self._clip_sparse(gradient, var))
            return control_flow_ops.group(update, *clips, name=scope)

    def _beside(self, var):
        return ops.colocate_with(var) if self._colocate_clip_ops_with_vars else contextlib.nullcontext()

    def _clip_dense(self, var):
        with self._beside(var):
            value = var.read_value()
            excess = value - clip_ops.clip_by_norm(value, self._max_norm, self._vars_to_clip_dims[var])
        with ops.colocate_with(var):
            return var.assign_sub(excess, use_locking=self._use_locking)

    def _clip_sparse(self, gradient, var):
        dims = self._vars_to_clip_dims[var]
        if 0 in dims:
            logging.warning("Clipping norm across dims %s for %s is inefficient when including sparse dimension 0.",
                            dims, var.op.name)  # fmt: skip
            return self._clip_dense(var)
        # A row that stands there twice is cut once.
        rows, _ = array_ops.unique(gradient.indices)
        with ops.colocate_with(var):
            value = array_ops.gather(var.read_value(), rows)
        with self._beside(var):
            excess = value - clip_ops.clip_by_norm(value, self._max_norm, dims)
        with ops.colocate_with(var):
            return state_ops.scatter_sub(var, rows, excess, use_locking=self._use_locking)


def _all_zeros(gradient):
    values = gradient.values if isinstance(gradient, ops.IndexedSlices) else gradient
    return math_ops.equal(math_ops.count_nonzero(values), 0)


def _unless_zeros(function, opt):
    """The method FUNCTION of OPT, which does nothing for a gradient of zeros."""

    def method(self, grad, *args, **kwargs):
        def update():
            with ops.control_dependencies([function(grad, *args, **kwargs)]):
                return control_flow_ops.no_op()

        return control_flow_ops.cond(_all_zeros(grad), control_flow_ops.no_op, update)

    return types.MethodType(method, opt)


@tf_export("contrib.opt.MultitaskOptimizerWrapper")
class MultitaskOptimizerWrapper:
    """OPT, which leaves variables and their slots alone where the gradient is zero: the task was another one."""

    def __init__(self, opt):
        if not isinstance(opt, optimizer.Optimizer):
            raise TypeError("Supplied optimizer must be an instance of tf.train.Optimizer")
        self._opt = opt
        for name in ("_apply_dense", "_resource_apply_dense", "_apply_sparse", "_resource_apply_sparse"):
            setattr(opt, name, _unless_zeros(getattr(opt, name), opt))

    def __getattr__(self, name):
        return getattr(self._opt, name)


@tf_export("contrib.opt.clip_gradients_by_global_norm")
def clip_gradients_by_global_norm(gradients_variables, clip_norm=20.0):
    """(gradients cut to a global norm of CLIP_NORM with their variables, that norm)."""
    gradients, their = zip(*gradients_variables)

    def there(gradient):
        if gradient is None:
            return None
        values = gradient.values if isinstance(gradient, ops.IndexedSlices) else gradient
        return control_flow_ops.cond(
            _all_zeros(gradient), lambda: array_ops.zeros([], values.dtype), lambda: array_ops.identity(values)
        )

    norm = clip_ops.global_norm([there(gradient) for gradient in gradients])
    clipped, _ = clip_ops.clip_by_global_norm(list(gradients), clip_norm, use_norm=norm)
    return list(zip(clipped, their)), norm


@tf_export("contrib.opt.DropStaleGradientOptimizer")
class DropStaleGradientOptimizer(optimizer.Optimizer):
    """OPT, which drops gradients that are more than STALENESS global steps old; variable `stale_counter`."""

    def __init__(self, opt, staleness, use_locking=False, name="DropStaleGradient"):
        super().__init__(use_locking, name)
        self._opt, self._staleness = opt, staleness

    def compute_gradients(self, loss, *args, **kwargs):
        """OPT's, after the step was read."""
        with ops.colocate_with(loss):
            self._local_step = training_util.get_global_step() + 0
        with ops.control_dependencies([self._local_step]):
            return self._opt.compute_gradients(array_ops.identity(loss), *args, **kwargs)

    def get_slot(self, *args, **kwargs):
        """OPT's."""
        return self._opt.get_slot(*args, **kwargs)

    def get_slot_names(self, *args, **kwargs):
        """OPT's."""
        return self._opt.get_slot_names(*args, **kwargs)

    def apply_gradients(self, grads_and_vars, global_step=None, name=None):
        """OPT's, unless the step has gone on too far; the number of dropped gradients."""
        with ops.colocate_with(global_step):
            counter = vs.get_variable("stale_counter", [], initializer=init_ops.zeros_initializer(), trainable=False)
        computed = [g if isinstance(g, ops.Tensor) else g.op for g, _ in grads_and_vars if g is not None]
        with ops.control_dependencies(computed), ops.colocate_with(global_step):
            age = array_ops.reshape(global_step - self._local_step, shape=())

        def accept():
            applied = self._opt.apply_gradients(grads_and_vars, global_step=global_step, name=name)
            with ops.control_dependencies([applied]):
                return array_ops.identity(0.0)

        late = control_flow_ops.cond(math_ops.less_equal(age, self._staleness), accept, lambda: array_ops.identity(1.0))
        update = counter.assign_add(late)
        share = counter / math_ops.cast(global_step + 1, dtypes.float32)
        summary.scalar("Gradient staleness percentage", share)
        return update
