"""The base of optimizers: gradients of a loss, their application, and slots beside variables."""

from tenon.python.framework import dtypes, ops
from tenon.python.ops import (
    array_ops,
    control_flow_ops,
    gen_ops,
    math_ops,
    resource_variable_ops,
    state_ops,
    variable_scope,
    variables,
)
from tenon.python.training import slot_creator
from tenon.python.util import nest
from tenon.python.util.tf_export import tf_export


def _is_resource(var):
    return resource_variable_ops.is_resource_variable(var)


def _var_key(var):
    """What a variable's slots are kept under."""
    return (var.op.graph, var.op.name)


def _deduplicate_indexed_slices(values, indices):
    """(sums of the rows that have one index, the indices)."""
    unique, places = array_ops.unique(indices)
    return gen_ops.unsorted_segment_sum(values, places, array_ops.shape(unique)[0]), unique


class _Processor:
    """How a variable (or a tensor) is differentiated by and updated."""

    def __init__(self, var):
        self._v = var

    def target(self):
        if isinstance(self._v, variables.VariableV1):
            return self._v if _is_resource(self._v) else self._v._ref()
        return self._v

    def update_op(self, optimizer, gradient):
        v = self._v
        if not isinstance(v, variables.VariableV1):
            raise NotImplementedError(f"Trying to update a Tensor {v}")
        resource = _is_resource(v)
        if isinstance(gradient, ops.Tensor):
            update = (optimizer._resource_apply_dense if resource else optimizer._apply_dense)(gradient, v)
            if v.constraint is None:
                return update
            with ops.control_dependencies([update]):
                return v.assign(v.constraint(v.read_value()))  # reads after the update
        if v.constraint is not None:
            raise RuntimeError("Cannot use a constraint function on a sparse variable.")
        if resource:
            return optimizer._resource_apply_sparse_duplicate_indices(gradient.values, v, gradient.indices)
        return optimizer._apply_sparse_duplicate_indices(gradient, v)


@tf_export("train.Optimizer")
class Optimizer:
    """Changes variables so that a loss gets smaller. Subclasses say how: `_apply_dense` and its kin."""

    GATE_NONE = 0
    GATE_OP = 1
    GATE_GRAPH = 2

    def __init__(self, use_locking, name):
        if not name:
            raise ValueError("Must specify the optimizer name")
        self._use_locking = use_locking
        self._name = name
        self._slots = {}
        self._non_slot_dict = {}

    def get_name(self):
        """The name it was given."""
        return self._name

    def minimize(self, loss, global_step=None, var_list=None, gate_gradients=GATE_OP, aggregation_method=None,
                 colocate_gradients_with_ops=False, name=None, grad_loss=None):  # fmt: skip
        """compute_gradients and apply_gradients in one: an operation that makes LOSS smaller."""
        pairs = self.compute_gradients(
            loss, var_list=var_list, gate_gradients=gate_gradients, aggregation_method=aggregation_method,
            colocate_gradients_with_ops=colocate_gradients_with_ops, grad_loss=grad_loss,
        )  # fmt: skip
        if not any(g is not None for g, _ in pairs):
            raise ValueError(
                "No gradients provided for any variable, check your graph for ops that do not support gradients, "
                f"between variables {[str(v) for _, v in pairs]} and loss {loss}."
            )
        return self.apply_gradients(pairs, global_step=global_step, name=name)

    def compute_gradients(self, loss, var_list=None, gate_gradients=GATE_OP, aggregation_method=None,
                          colocate_gradients_with_ops=False, grad_loss=None):  # fmt: skip
        """A list of (gradient or None, variable)."""
        from tenon.python.ops import gradients_impl

        if callable(loss) and not isinstance(loss, ops.Tensor):
            loss = loss()
        if gate_gradients not in (self.GATE_NONE, self.GATE_OP, self.GATE_GRAPH):
            raise ValueError("gate_gradients must be one of: Optimizer.GATE_NONE, Optimizer.GATE_OP, "
                             f"Optimizer.GATE_GRAPH.  Not {gate_gradients}")  # fmt: skip
        self._assert_valid_dtypes([loss])
        if grad_loss is not None:
            self._assert_valid_dtypes([grad_loss])
        if var_list is None:
            var_list = variables.trainable_variables() + ops.get_collection(ops.GraphKeys.TRAINABLE_RESOURCE_VARIABLES)
        else:
            var_list = [v for item in nest.flatten(var_list)
                        for v in (item if isinstance(item, variables.PartitionedVariable) else [item])]  # fmt: skip
        var_list += ops.get_collection(ops.GraphKeys._STREAMING_MODEL_PORTS)
        if not var_list:
            raise ValueError("No variables to optimize.")
        targets = [_Processor(v).target() for v in var_list]
        grads = gradients_impl.gradients(
            loss, targets, grad_ys=grad_loss, gate_gradients=gate_gradients == self.GATE_OP,
            aggregation_method=aggregation_method, colocate_gradients_with_ops=colocate_gradients_with_ops,
        )  # fmt: skip
        if gate_gradients == self.GATE_GRAPH:
            grads = control_flow_ops.tuple(grads)
        pairs = list(zip(grads, var_list))
        self._assert_valid_dtypes([v for g, v in pairs if g is not None and v.dtype != dtypes.resource])
        return pairs

    def apply_gradients(self, grads_and_vars, global_step=None, name=None):
        """An operation that applies gradients, and then adds one to GLOBAL_STEP."""
        pairs = tuple(grads_and_vars)
        if not pairs:
            raise ValueError("No variables provided.")
        converted = []
        for g, v in pairs:
            if g is not None:
                try:
                    g = ops.convert_to_tensor_or_indexed_slices(g)
                except TypeError:
                    raise TypeError(
                        f"Gradient must be convertible to a Tensor or IndexedSlices, or None: {g}"
                    ) from None
                if not isinstance(g, (ops.Tensor, ops.IndexedSlices)):
                    raise TypeError(f"Gradient must be a Tensor, IndexedSlices, or None: {g}")
            converted.append((g, v))
        var_list = [v for g, v in converted if g is not None]
        if not var_list:
            raise ValueError(f"No gradients provided for any variable: {[str(v) for _, v in converted]}.")
        with ops.init_scope():
            self._create_slots(var_list)
        with ops.name_scope(name, self._name) as scope:
            self._prepare()
            updates = []
            for g, v in converted:
                if g is None:
                    continue
                with ops.name_scope("update_" + v.op.name), ops.colocate_with(v):
                    updates.append(_Processor(v).update_op(self, g))
            if global_step is None:
                result = self._finish(updates, scope)
            else:
                with ops.control_dependencies([self._finish(updates, "update")]), ops.colocate_with(global_step):
                    if _is_resource(global_step):
                        one = ops.convert_to_tensor(1, dtype=global_step.dtype)
                        result = gen_ops.assign_add_variable_op(global_step.handle, one, name=scope)
                    else:
                        result = state_ops.assign_add(global_step, 1, name=scope)
            if isinstance(result, ops.Tensor):
                result = result.op
            train_op = ops.get_collection_ref(ops.GraphKeys.TRAIN_OP)
            if result not in train_op:
                train_op.append(result)
            return result

    # --- slots ---

    def get_slot(self, var, name):
        """The slot of that name of a variable, or None."""
        return self._slots.get(name, {}).get(_var_key(var))

    def get_slot_names(self):
        """The names of slots."""
        return sorted(self._slots)

    def variables(self):
        """All variables that the optimizer made in the current graph, by name."""
        graph = ops.get_default_graph()
        found = [v for v in self._non_slot_dict.values() if v.op.graph is graph]
        found += [v for slots in self._slots.values() for v in slots.values() if v.op.graph is graph]
        return sorted(found, key=lambda v: v.name)

    def _create_non_slot_variable(self, initial_value, name, colocate_with):
        """A variable that is not one variable's; the same at each call."""
        key = (name, colocate_with.op.graph)
        if key not in self._non_slot_dict:
            with ops.colocate_with(colocate_with):
                self._non_slot_dict[key] = variable_scope.variable(
                    initial_value, name=name, trainable=False, use_resource=_is_resource(colocate_with)
                )
        return self._non_slot_dict[key]

    def _get_non_slot_variable(self, name, graph=None):
        return self._non_slot_dict.get((name, graph))

    def _non_slot_variables(self):
        return self._non_slot_dict.values()

    def _slot_dict(self, slot_name):
        return self._slots.setdefault(slot_name, {})

    def _get_or_make_slot(self, var, val, slot_name, op_name):
        slots = self._slot_dict(slot_name)
        key = _var_key(var)
        if key not in slots:
            slots[key] = slot_creator.create_slot(var, val, op_name)
        return slots[key]

    def _get_or_make_slot_with_initializer(self, var, initializer, shape, dtype, slot_name, op_name):
        slots = self._slot_dict(slot_name)
        key = _var_key(var)
        if key not in slots:
            slots[key] = slot_creator.create_slot_with_initializer(var, initializer, shape, dtype, op_name)
        return slots[key]

    def _zeros_slot(self, var, slot_name, op_name):
        slots = self._slot_dict(slot_name)
        key = _var_key(var)
        if key not in slots:
            slots[key] = slot_creator.create_zeros_slot(var, op_name)
        return slots[key]

    # --- what subclasses define ---

    def _assert_valid_dtypes(self, tensors):
        valid = self._valid_dtypes()
        for t in tensors:
            if t.dtype.base_dtype not in valid:
                raise ValueError(
                    f"Invalid type {t.dtype.base_dtype!r} for {t.name}, expected: {sorted(v.name for v in valid)}."
                )

    def _valid_dtypes(self):
        return {dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64}

    def _create_slots(self, var_list):
        """Makes the slots of the variables."""

    def _prepare(self):
        """Makes the tensors of the hyperparameters."""

    def _finish(self, update_ops, name_scope):
        """The operation that is all updates."""
        return control_flow_ops.group(*update_ops, name=name_scope)

    def _apply_dense(self, grad, var):
        raise NotImplementedError

    def _resource_apply_dense(self, grad, handle):
        raise NotImplementedError

    def _resource_apply_sparse(self, grad, handle, indices):
        raise NotImplementedError

    def _apply_sparse(self, grad, var):
        raise NotImplementedError

    def _resource_apply_sparse_duplicate_indices(self, grad, handle, indices):
        summed, unique = _deduplicate_indexed_slices(grad, indices)
        return self._resource_apply_sparse(summed, handle, unique)

    def _apply_sparse_duplicate_indices(self, grad, var):
        summed, unique = _deduplicate_indexed_slices(grad.values, grad.indices)
        return self._apply_sparse(ops.IndexedSlices(summed, unique, grad.dense_shape), var)

    def _call_if_callable(self, param):
        return param() if callable(param) else param

    def _cast(self, value, var):
        return math_ops.cast(value, var.dtype.base_dtype)

    def _run(self, op, var, slots, values, keywords=None):
        """The update op of a variable of either kind: gen_ops.OP(var, *slots, *values)."""
        keywords = dict(keywords or {}, use_locking=self._use_locking)
        if _is_resource(var):
            return getattr(gen_ops, "resource_" + op)(var.handle, *(s.handle for s in slots), *values, **keywords)
        return getattr(gen_ops, op)(var._ref(), *(s._ref() for s in slots), *values, **keywords).op
