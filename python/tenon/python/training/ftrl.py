"""FTRL-proximal: for linear models that should be sparse."""

from tenon.python.framework import constant_op, ops
from tenon.python.training import optimizer
from tenon.python.util.tf_export import tf_export


@tf_export("train.FtrlOptimizer")
class FtrlOptimizer(optimizer.Optimizer):
    """Follow the regularized leader, with L1, L2 and shrinkage."""

    def __init__(self, learning_rate, learning_rate_power=-0.5, initial_accumulator_value=0.1,
                 l1_regularization_strength=0.0, l2_regularization_strength=0.0, use_locking=False, name="Ftrl",
                 accum_name=None, linear_name=None, l2_shrinkage_regularization_strength=0.0, beta=None):  # fmt: skip
        super().__init__(use_locking, name)
        for what, value, bad in (
            ("initial_accumulator_value", initial_accumulator_value, initial_accumulator_value < 0.0),
            ("learning_rate_power", learning_rate_power, learning_rate_power > 0.0),
            ("l1_regularization_strength", l1_regularization_strength, l1_regularization_strength < 0.0),
            ("l2_regularization_strength", l2_regularization_strength, l2_regularization_strength < 0.0),
            ("l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength,
             l2_shrinkage_regularization_strength < 0.0),
        ):  # fmt: skip
            if bad:
                sign = "negative" if what == "learning_rate_power" else "positive"
                raise ValueError(f"{what} {value} needs to be {sign} or zero")
        self._learning_rate = learning_rate
        self._learning_rate_power = learning_rate_power
        self._initial_accumulator_value = initial_accumulator_value
        self._l1_regularization_strength = l1_regularization_strength
        self._l2_regularization_strength = l2_regularization_strength
        self._beta = 0.0 if beta is None else beta
        self._l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self._accum_name = accum_name
        self._linear_name = linear_name

    def _create_slots(self, var_list):
        for v in var_list:
            with ops.colocate_with(v):
                start = constant_op.constant(
                    self._initial_accumulator_value, dtype=v.dtype.base_dtype, shape=v.get_shape()
                )
            self._get_or_make_slot(v, start, "accum", self._accum_name or self._name)
            self._zeros_slot(v, "linear", self._linear_name or self._name)

    def _prepare(self):
        l2 = self._l2_regularization_strength
        if self._beta:
            l2 = l2 + self._beta / (2.0 * self._learning_rate)
        for name, value in (
            ("learning_rate", self._learning_rate), ("l1_regularization_strength", self._l1_regularization_strength),
            ("l2_regularization_strength", l2),
            ("l2_shrinkage_regularization_strength", self._l2_shrinkage_regularization_strength),
            ("learning_rate_power", self._learning_rate_power),
        ):  # fmt: skip
            setattr(self, f"_{name}_tensor", ops.convert_to_tensor(value, name=name))

    def _update(self, sparse, var, *gradient):
        slots = self.get_slot(var, "accum"), self.get_slot(var, "linear")
        rate, l1, l2, power = (
            self._cast(x, var)
            for x in (self._learning_rate_tensor, self._l1_regularization_strength_tensor,
                      self._l2_regularization_strength_tensor, self._learning_rate_power_tensor)
        )  # fmt: skip
        if self._l2_shrinkage_regularization_strength <= 0.0:
            return self._run(f"{sparse}apply_ftrl", var, slots, (*gradient, rate, l1, l2, power))
        shrinkage = self._cast(self._l2_shrinkage_regularization_strength_tensor, var)
        return self._run(f"{sparse}apply_ftrl_v2", var, slots, (*gradient, rate, l1, l2, shrinkage, power))

    def _apply_dense(self, grad, var):
        return self._update("", var, grad)

    _resource_apply_dense = _apply_dense

    def _apply_sparse(self, grad, var):
        return self._update("sparse_", var, grad.values, grad.indices)

    def _resource_apply_sparse(self, grad, var, indices):
        return self._update("sparse_", var, grad, indices)
