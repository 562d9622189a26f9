"""Variables by what they are for: of the model, local, and how lists of them are found and filled."""

import functools
import re

from tenon.contrib.framework.arg_scopes import add_arg_scope
from tenon.python.framework import device as tf_device
from tenon.python.framework import dtypes, ops
from tenon.python.ops import array_ops, control_flow_ops, gen_ops
from tenon.python.ops import variable_scope as vs
from tenon.python.training import training_util
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.slim.get_global_step")
def get_global_step(graph=None):
    return training_util.get_global_step(graph)


@tf_export("contrib.slim.create_global_step")
def create_global_step(graph=None):
    return training_util.create_global_step(graph)


@tf_export("contrib.slim.get_or_create_global_step")
def get_or_create_global_step(graph=None):
    return training_util.get_or_create_global_step(graph)


@tf_export("contrib.slim.assert_global_step")
def assert_global_step(global_step_tensor):
    training_util.assert_global_step(global_step_tensor)


@tf_export("contrib.framework.assert_or_get_global_step", "contrib.slim.assert_or_get_global_step")
def assert_or_get_global_step(graph=None, global_step_tensor=None):
    """The global step, checked if one is given; None if there is none."""
    if global_step_tensor is None:
        return training_util.get_global_step(graph)
    training_util.assert_global_step(global_step_tensor)
    return global_step_tensor


@tf_export("contrib.framework.zero_initializer", "contrib.slim.zero_initializer")
def zero_initializer(ref, use_locking=True, name="zero_initializer"):
    """Sets the variable REF to zeros."""
    return gen_ops.assign(
        ref, array_ops.zeros(ref.get_shape(), ref.dtype.base_dtype), use_locking=use_locking, name=name
    )


@tf_export("contrib.framework.local_variable", "contrib.slim.local_variable")
def local_variable(initial_value, validate_shape=True, name=None, use_resource=None):
    """A variable in LOCAL_VARIABLES."""
    return vs.variable(
        initial_value, trainable=False, collections=[ops.GraphKeys.LOCAL_VARIABLES], validate_shape=validate_shape,
        use_resource=use_resource, name=name,
    )  # fmt: skip


@tf_export("contrib.framework.global_variable", "contrib.slim.global_variable")
def global_variable(initial_value, validate_shape=True, name=None, use_resource=None):
    """A variable in GLOBAL_VARIABLES that is not trained."""
    return vs.variable(
        initial_value, trainable=False, collections=[ops.GraphKeys.GLOBAL_VARIABLES], validate_shape=validate_shape,
        use_resource=use_resource, name=name,
    )  # fmt: skip


@tf_export("contrib.framework.variable", "contrib.slim.variable")
@add_arg_scope
def variable(name, shape=None, dtype=None, initializer=None, regularizer=None, trainable=True, collections=None,
             caching_device=None, device=None, partitioner=None, custom_getter=None, use_resource=None,
             synchronization=vs.VariableSynchronization.AUTO,
             aggregation=vs.VariableAggregation.NONE):  # fmt: skip
    """get_variable, on DEVICE, in COLLECTIONS (GLOBAL_VARIABLES if None)."""
    collections = list(collections if collections is not None else [ops.GraphKeys.GLOBAL_VARIABLES])
    collections = list(dict.fromkeys(collections))
    getter = vs.get_variable
    if custom_getter is not None:
        getter = functools.partial(custom_getter, reuse=vs.get_variable_scope().reuse)
    with ops.device(device or ""):
        return getter(
            name, shape=shape, dtype=dtype, initializer=initializer, regularizer=regularizer, trainable=trainable,
            collections=collections, caching_device=caching_device, partitioner=partitioner,
            use_resource=use_resource, synchronization=synchronization, aggregation=aggregation,
        )  # fmt: skip


@tf_export("contrib.framework.model_variable", "contrib.slim.model_variable")
@add_arg_scope
def model_variable(name, shape=None, dtype=dtypes.float32, initializer=None, regularizer=None, trainable=True,
                   collections=None, caching_device=None, device=None, partitioner=None, custom_getter=None,
                   use_resource=None, synchronization=vs.VariableSynchronization.AUTO,
                   aggregation=vs.VariableAggregation.NONE):  # fmt: skip
    """A variable that is also in MODEL_VARIABLES."""
    collections = [*(collections or []), ops.GraphKeys.GLOBAL_VARIABLES, ops.GraphKeys.MODEL_VARIABLES]
    return variable(
        name, shape=shape, dtype=dtype, initializer=initializer, regularizer=regularizer, trainable=trainable,
        collections=collections, caching_device=caching_device, device=device, partitioner=partitioner,
        custom_getter=custom_getter, use_resource=use_resource, synchronization=synchronization,
        aggregation=aggregation,
    )  # fmt: skip


@tf_export("contrib.framework.add_model_variable", "contrib.slim.add_model_variable")
def add_model_variable(var):
    """Puts VAR into MODEL_VARIABLES once."""
    if not any(var is known for known in ops.get_collection(ops.GraphKeys.MODEL_VARIABLES)):
        ops.add_to_collection(ops.GraphKeys.MODEL_VARIABLES, var)


@tf_export("contrib.framework.get_variables", "contrib.slim.get_variables")
def get_variables(scope=None, suffix=None, collection=ops.GraphKeys.GLOBAL_VARIABLES):
    """The variables whose name begins with SCOPE and whose last part is SUFFIX."""
    if isinstance(scope, vs.VariableScope):
        scope = scope.name
    if suffix is not None:
        suffix = suffix if ":" in suffix else suffix + ":"
        scope = (scope or "") + ".*" + suffix
    return ops.get_collection(collection, scope)


@tf_export("contrib.framework.get_model_variables", "contrib.slim.get_model_variables")
def get_model_variables(scope=None, suffix=None):
    return get_variables(scope, suffix, ops.GraphKeys.MODEL_VARIABLES)


@tf_export("contrib.framework.get_local_variables", "contrib.slim.get_local_variables")
def get_local_variables(scope=None, suffix=None):
    return get_variables(scope, suffix, ops.GraphKeys.LOCAL_VARIABLES)


@tf_export("contrib.framework.get_trainable_variables", "contrib.slim.get_trainable_variables")
def get_trainable_variables(scope=None, suffix=None):
    return get_variables(scope, suffix, ops.GraphKeys.TRAINABLE_VARIABLES)


@tf_export("contrib.framework.get_variables_by_suffix", "contrib.slim.get_variables_by_suffix")
def get_variables_by_suffix(suffix, scope=None):
    return get_variables(scope=scope, suffix=suffix)


@tf_export("contrib.framework.get_variables_by_name", "contrib.slim.get_variables_by_name")
def get_variables_by_name(given_name, scope=None):
    """The variables called GIVEN_NAME in any scope below SCOPE."""
    return get_variables(scope=scope, suffix="/" + given_name + ":|^" + given_name)


@tf_export("contrib.framework.get_variables_to_restore", "contrib.slim.get_variables_to_restore")
def get_variables_to_restore(include=None, exclude=None):
    """Variables whose names begin with one of INCLUDE (all if None) and with none of EXCLUDE."""
    if include is None:
        found = get_variables()
    else:
        if not isinstance(include, (list, tuple)):
            raise TypeError("include is provided but is not a list or a tuple.")
        found = [var for scope in include for var in get_variables(scope)]
    if exclude is None:
        return found
    if not isinstance(exclude, (list, tuple)):
        raise TypeError("exclude is provided but is not a list or a tuple.")
    left_out = {id(var) for scope in exclude for var in get_variables(scope)}
    return [var for var in found if id(var) not in left_out]


@tf_export("contrib.framework.get_unique_variable", "contrib.slim.get_unique_variable")
def get_unique_variable(var_op_name):
    """The one variable whose node is called VAR_OP_NAME; ValueError if there are none or several."""
    candidates = get_variables(scope=var_op_name)
    if not candidates:
        raise ValueError(f"Couldn't find variable {var_op_name}")
    for candidate in candidates:
        if candidate.op.name == var_op_name:
            return candidate
    raise ValueError(f"Variable {var_op_name} does not uniquely identify a variable")


@tf_export("contrib.framework.get_variable_full_name", "contrib.slim.get_variable_full_name")
def get_variable_full_name(var):
    """The name under which VAR is saved."""
    info = getattr(var, "_save_slice_info", None)
    return info.full_name if info else var.op.name


@tf_export("contrib.framework.filter_variables", "contrib.slim.filter_variables")
def filter_variables(var_list, include_patterns=None, exclude_patterns=None, reg_search=True):
    """The variables of VAR_LIST that one of INCLUDE_PATTERNS and none of EXCLUDE_PATTERNS fits."""
    fits = re.search if reg_search else re.match
    if not include_patterns:
        found = list(var_list)
    else:
        found = [var for var in var_list if any(fits(p, var.op.name) for p in include_patterns)]
    return [var for var in found if not any(fits(p, var.op.name) for p in exclude_patterns or ())]


@tf_export("contrib.framework.assign_from_values", "contrib.slim.assign_from_values")
def assign_from_values(var_names_to_values):
    """(an operation, what to feed it) that sets variables, by their names, to arrays."""
    feeds, assigns = {}, []
    for name, value in var_names_to_values.items():
        var = get_unique_variable(name)
        place = array_ops.placeholder(var.dtype.base_dtype, name="placeholder/" + var.op.name)
        assigns.append(var.assign(array_ops.reshape(place, var.get_shape())))
        feeds[place] = value.reshape(var.get_shape().as_list())
    return control_flow_ops.group(*assigns), feeds


@tf_export("contrib.framework.assign_from_values_fn", "contrib.slim.assign_from_values_fn")
def assign_from_values_fn(var_names_to_values):
    """assign_from_values as a function of a session."""
    assign_op, feed_dict = assign_from_values(var_names_to_values)
    return lambda session: session.run(assign_op, feed_dict)


def _grouped(var_list):
    """{name in the checkpoint: [variables]}; the parts of a partitioned variable stand together."""
    if isinstance(var_list, (tuple, list)):
        made = {}
        for var in var_list:
            made.setdefault(get_variable_full_name(var), []).append(var)
        return made
    return {name: var if isinstance(var, list) else [var] for name, var in var_list.items()}


@tf_export("contrib.framework.assign_from_checkpoint", "contrib.slim.assign_from_checkpoint")
def assign_from_checkpoint(model_path, var_list, ignore_missing_vars=False):
    """(an operation, what to feed it) that sets variables to their values in a checkpoint."""
    from tenon.python.training import checkpoint_utils

    reader = checkpoint_utils.load_checkpoint(model_path)
    feeds, assigns = {}, []
    for name, parts in _grouped(var_list).items():
        if not reader.has_tensor(name):
            if ignore_missing_vars:
                continue
            raise ValueError(f"Checkpoint is missing variable [{name}]")
        value = reader.get_tensor(name)
        for var in parts:
            info = getattr(var, "_save_slice_info", None)
            if info:
                place = tuple(slice(at, at + n) for at, n in zip(info.var_offset, info.var_shape))
                part = value[place].reshape(var.get_shape().as_list())
            else:
                if value.size != var.get_shape().num_elements():
                    raise ValueError(
                        f"Total size of new array must be unchanged for {name} "
                        f"lh_shape: [{value.shape}], rh_shape: [{var.get_shape().as_list()}]"
                    )
                part = value.reshape(var.get_shape().as_list())
            place = array_ops.placeholder(dtype=var.dtype.base_dtype, shape=var.get_shape(), name=f"{var.op.name}/fed")
            assigns.append(var.assign(place))
            feeds[place] = part
    return control_flow_ops.group(*assigns), feeds


@tf_export("contrib.framework.assign_from_checkpoint_fn", "contrib.slim.assign_from_checkpoint_fn")
def assign_from_checkpoint_fn(model_path, var_list, ignore_missing_vars=False, reshape_variables=False):
    """A function of a session that restores VAR_LIST from a checkpoint; None if nothing is to be restored."""
    from tenon.python.training import checkpoint_utils
    from tenon.python.training import saver as tf_saver

    if not var_list:
        raise ValueError("var_list cannot be empty")
    if ignore_missing_vars:
        reader = checkpoint_utils.load_checkpoint(model_path)
        names = var_list if isinstance(var_list, dict) else {get_variable_full_name(var): var for var in var_list}
        var_list = {name: var for name, var in names.items() if reader.has_tensor(name)}
    if not var_list:
        return None
    saver = tf_saver.Saver(var_list, reshape=reshape_variables, write_version=2)
    return lambda session: saver.restore(session, model_path)


@tf_export("contrib.framework.VariableDeviceChooser", "contrib.slim.VariableDeviceChooser")
class VariableDeviceChooser:
    """A device function that deals variables out to tasks in turn."""

    def __init__(self, num_tasks=0, job_name="ps", device_type="CPU", device_index=0, replica=None):
        self._job_name, self._device_type, self._device_index = job_name, device_type, device_index
        self._replica, self._num_tasks, self._next_task = replica, num_tasks, 0

    def __call__(self, op):
        spec = tf_device.DeviceSpec(
            replica=self._replica, device_type=self._device_type, device_index=self._device_index
        )
        if self._num_tasks > 0:
            spec.task, spec.job = self._next_task, self._job_name
            self._next_task = (self._next_task + 1) % self._num_tasks
        return spec.to_string()
