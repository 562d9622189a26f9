"""Moving averages of variables."""

from tenon.python.framework import dtypes, ops
from tenon.python.ops import (
    control_flow_ops,
    gen_ops,
    init_ops,
    math_ops,
    state_ops,
    variable_scope,
    variables,
)
from tenon.python.training import slot_creator
from tenon.python.util.tf_export import tf_export


def assign_moving_average(variable, value, decay, zero_debias=True, name=None):
    """variable -= (1 - decay) * (variable - value); with ZERO_DEBIAS as if it had not started from zero."""
    with ops.name_scope(name, "AssignMovingAvg", [variable, value, decay]) as scope:
        decay = ops.convert_to_tensor(1.0 - decay, name="decay")
        if decay.dtype != variable.dtype.base_dtype:
            decay = math_ops.cast(decay, variable.dtype.base_dtype)
        with ops.colocate_with(variable):
            delta = _zero_debias(variable, value, decay) if zero_debias else (variable - value) * decay
            return state_ops.assign_sub(variable, delta, name=scope)


def weighted_moving_average(value, decay, weight, truediv=True, collections=None, name=None):
    """The moving average of value * weight over that of weight."""
    if collections is None:
        collections = [ops.GraphKeys.GLOBAL_VARIABLES]
    with variable_scope.variable_scope(name, "WeightedMovingAvg", [value, weight, decay]) as scope:
        made = {
            "initializer": init_ops.zeros_initializer(), "trainable": False, "collections": collections,
        }  # fmt: skip
        numerator = variable_scope.get_variable("value_x_weight", shape=value.get_shape(), dtype=value.dtype, **made)
        denominator = variable_scope.get_variable("weight", shape=weight.get_shape(), dtype=weight.dtype, **made)
        top = assign_moving_average(numerator, value * weight, decay, zero_debias=False)
        bottom = assign_moving_average(denominator, weight, decay, zero_debias=False)
        if truediv:
            return math_ops.truediv(top, bottom, name=scope.name)
        return math_ops.div(top, bottom, name=scope.name)


def _unused(name):
    """NAME, or NAME_1 ... where the scope has such a variable already."""
    scope = variable_scope.get_variable_scope()
    if scope.reuse:
        return name
    taken = {v.op.name for v in scope.global_variables()}
    full, index = f"{scope.name}/{name}", 1
    if full not in taken:
        return name
    while f"{full}_{index}" in taken:
        index += 1
    return f"{name}_{index}"


def _zero_debias(unbiased_var, value, decay):
    """What takes UNBIASED_VAR to the average of values seen so far: DECAY is one minus the decay."""
    with variable_scope.variable_scope(unbiased_var.op.name, values=[unbiased_var, value, decay]) as scope:
        with ops.init_scope():
            zeros = init_ops.zeros_initializer()
        biased = variable_scope.get_variable(_unused("biased"), initializer=zeros, shape=unbiased_var.get_shape(),
                                             dtype=unbiased_var.dtype.base_dtype, trainable=False)  # fmt: skip
        step = variable_scope.get_variable(_unused("local_step"), shape=[], dtype=unbiased_var.dtype.base_dtype,
                                           initializer=zeros, trainable=False)  # fmt: skip
        update_biased = state_ops.assign_sub(biased, (biased - value) * decay, name=scope.name)
        update_step = step.assign_add(1)
        with ops.control_dependencies([update_biased, update_step]):
            return unbiased_var - biased.read_value() / (1 - math_ops.pow(1.0 - decay, step.read_value()))


@tf_export("train.ExponentialMovingAverage")
class ExponentialMovingAverage:
    """Shadow variables: shadow = decay * shadow + (1 - decay) * variable."""

    def __init__(self, decay, num_updates=None, zero_debias=False, name="ExponentialMovingAverage"):
        self._decay = decay
        self._num_updates = num_updates
        self._zero_debias = zero_debias
        self._name = name
        self._averages = {}

    @property
    def name(self):
        """The name that shadows are called after."""
        return self._name

    def _shadow(self, var):
        """A new shadow of a variable or tensor, and whether it starts from zero."""
        with ops.init_scope():
            if isinstance(var, variables.VariableV1):
                with ops.device(var.device):
                    value = var.initialized_value()
                shadow = slot_creator.create_slot(var, value, self.name, colocate_with_primary=True)
                ops.add_to_collection(ops.GraphKeys.MOVING_AVERAGE_VARIABLES, var)
                return shadow, False
            colocate = var.op.type in ("Variable", "VariableV2", "VarHandleOp")
            shadow = slot_creator.create_zeros_slot(var, self.name, colocate_with_primary=colocate)
            return shadow, self._zero_debias

    def apply(self, var_list=None):
        """An operation that updates the averages of the variables (the trainable ones) or tensors."""
        if var_list is None:
            var_list = variables.trainable_variables()
        debias = set()
        for var in var_list:
            if var.dtype.base_dtype not in (dtypes.bfloat16, dtypes.float16, dtypes.float32, dtypes.float64):
                raise TypeError(f"The variables must be half, float, or double: {var.name}")
            if var not in self._averages:
                self._averages[var], from_zero = self._shadow(var)
                if from_zero:
                    debias.add(self._averages[var])
        with ops.name_scope(self.name) as scope:
            decay = ops.convert_to_tensor(self._decay, name="decay")
            if self._num_updates is not None:
                count = math_ops.cast(self._num_updates, dtypes.float32, name="num_updates")
                decay = gen_ops.minimum(decay, (1.0 + count) / (10.0 + count))
            updates = [
                assign_moving_average(self._averages[var], var, decay, zero_debias=self._averages[var] in debias)
                for var in var_list
            ]
            return control_flow_ops.group(*updates, name=scope)

    def average(self, var):
        """The shadow of a variable, None if there is none."""
        return self._averages.get(var)

    def average_name(self, var):
        """The name that the shadow has, or would have."""
        if var in self._averages:
            return self._averages[var].op.name
        return ops.get_default_graph().unique_name(f"{var.op.name}/{self.name}", mark_as_used=False)

    def variables_to_restore(self, moving_avg_variables=None):
        """For a Saver: variables by the name of their shadow, those without one by their own."""
        if moving_avg_variables is None:
            moving_avg_variables = variables.trainable_variables() + variables.moving_average_variables()
        moving = dict.fromkeys(moving_avg_variables)
        names = {self.average_name(v): v for v in moving}
        shadowed = {v.name for v in moving}
        for v in dict.fromkeys(variables.global_variables()):
            if v.name not in shadowed and v.op.name not in names:
                names[v.op.name] = v
        return names
