"""Optimizers outside of the graph, such as SciPy's: they see all variables as one vector."""

import itertools
import math

import numpy as np

from tenon.python.framework import ops
from tenon.python.ops import array_ops, gradients_impl, variables
from tenon.python.platform import tf_logging as logging
from tenon.python.util.tf_export import tf_export


def _gradients(tensor, var_list):
    found = gradients_impl.gradients(tensor, var_list)
    return [array_ops.zeros_like(var) if g is None else g for g, var in zip(found, var_list)]


def _pack(tensors):
    """TENSORS as one vector."""
    flat = [array_ops.reshape(tensor, [-1]) for tensor in tensors]
    return flat[0] if len(flat) == 1 else array_ops.concat(flat, 0) if flat else None


@tf_export("contrib.opt.ExternalOptimizerInterface")
class ExternalOptimizerInterface:
    """Minimizes LOSS over VAR_LIST with what a subclass's _minimize does.

    EQUALITIES are to be 0 and INEQUALITIES at least 0; VAR_TO_BOUNDS has {variable: (low, high)}.
    """

    def __init__(self, loss, var_list=None, equalities=None, inequalities=None, var_to_bounds=None,
                 **optimizer_kwargs):  # fmt: skip
        self._loss, self._equalities, self._inequalities = loss, equalities or [], inequalities or []
        self._vars = list(variables.trainable_variables() if var_list is None else var_list)
        self.optimizer_kwargs = optimizer_kwargs
        self._shapes = [tuple(var.get_shape().as_list()) for var in self._vars]
        ends = list(itertools.accumulate(math.prod(shape) for shape in self._shapes))
        self._packing_slices = [slice(start, end) for start, end in zip([0, *ends], ends)]
        self._packed_bounds = None if var_to_bounds is None else self._bounds(var_to_bounds)
        self._update_placeholders = [array_ops.placeholder(var.dtype.base_dtype) for var in self._vars]
        fed = zip(self._vars, self._update_placeholders, self._shapes)
        self._var_updates = [var.assign(array_ops.reshape(value, shape)) for var, value, shape in fed]
        self._packed_var = _pack(self._vars)
        self._packed_loss_grad = _pack(_gradients(loss, self._vars))
        self._packed_equality_grads = [_pack(_gradients(e, self._vars)) for e in self._equalities]
        self._packed_inequality_grads = [_pack(_gradients(e, self._vars)) for e in self._inequalities]

    def _bounds(self, var_to_bounds):
        lows, highs = [], []
        for var, shape in zip(self._vars, self._shapes):
            low, high = var_to_bounds.get(var, (-np.inf, np.inf))
            lows.extend(np.broadcast_to(low, shape).flat)
            highs.extend(np.broadcast_to(high, shape).flat)
        return list(zip(lows, highs))

    def minimize(self, session=None, feed_dict=None, fetches=None, step_callback=None, loss_callback=None,
                 **run_kwargs):  # fmt: skip
        """Minimizes, and sets the variables in the end.

        LOSS_CALLBACK gets FETCHES whenever the loss is computed, STEP_CALLBACK the vector after each step.
        """
        session = session or ops.get_default_session()
        context = (session, feed_dict or {}, fetches or [])
        found = self._minimize(
            initial_val=session.run(self._packed_var),
            loss_grad_func=self._function([self._loss, self._packed_loss_grad], *context, loss_callback),
            equality_funcs=[self._function(e, *context) for e in self._equalities],
            equality_grad_funcs=[self._function(g, *context) for g in self._packed_equality_grads],
            inequality_funcs=[self._function(e, *context) for e in self._inequalities],
            inequality_grad_funcs=[self._function(g, *context) for g in self._packed_inequality_grads],
            packed_bounds=self._packed_bounds, step_callback=step_callback or (lambda xk: None),
            optimizer_kwargs=self.optimizer_kwargs,
        )  # fmt: skip
        values = [found[part] for part in self._packing_slices]
        session.run(self._var_updates, feed_dict=dict(zip(self._update_placeholders, values)), **run_kwargs)

    def _minimize(self, initial_val, loss_grad_func, equality_funcs, equality_grad_funcs, inequality_funcs,
                  inequality_grad_funcs, packed_bounds, step_callback, optimizer_kwargs):  # fmt: skip
        """The vector at the minimum. Functions take a vector; they give a list, or (loss, gradient)."""
        raise NotImplementedError(
            "To use ExternalOptimizerInterface, subclass from it and implement the _minimize() method."
        )

    def _function(self, tensors, session, feed_dict, fetches, callback=None):
        """TENSORS as a function of the vector of all variables."""
        tensors = tensors if isinstance(tensors, list) else [tensors]

        def evaluate(x):
            parts = zip(self._vars, self._packing_slices, self._shapes)
            fed = {var: x[part].reshape(shape) for var, part, shape in parts}
            values = session.run([*tensors, *fetches], feed_dict={**fed, **feed_dict})
            if callback is not None:
                callback(*values[len(tensors) :])
            return values[: len(tensors)]

        return evaluate


@tf_export("contrib.opt.ScipyOptimizerInterface")
class ScipyOptimizerInterface(ExternalOptimizerInterface):
    """Minimizes with scipy.optimize.minimize: L-BFGS-B, or the `method` that is given."""

    def _minimize(self, initial_val, loss_grad_func, equality_funcs, equality_grad_funcs, inequality_funcs,
                  inequality_grad_funcs, packed_bounds, step_callback, optimizer_kwargs):  # fmt: skip
        import scipy.optimize

        def loss_and_gradient(x):
            loss, gradient = loss_grad_func(x)
            return loss, gradient.astype("float64")

        constraints = []
        for kind, functions, gradients in (("eq", equality_funcs, equality_grad_funcs),
                                           ("ineq", inequality_funcs, inequality_grad_funcs)):  # fmt: skip
            constraints += [{"type": kind, "fun": f, "jac": g} for f, g in zip(functions, gradients)]
        options = {"jac": True, "callback": step_callback, "bounds": packed_bounds, "constraints": constraints}
        for name in options:
            if name == "bounds" and name in optimizer_kwargs:
                raise ValueError("Bounds must be set using the var_to_bounds argument")
            if name in optimizer_kwargs:
                raise ValueError(f"Optimizer keyword arg '{name}' is set automatically and cannot be injected manually")
        options.update({"method": "L-BFGS-B", **optimizer_kwargs})
        result = scipy.optimize.minimize(loss_and_gradient, initial_val, **options)
        logging.info("Optimization terminated with: %s; objective function value: %f", result.message, result.fun)
        return result["x"]
