"""Checks that numbers are numbers."""

from tenon.python.framework import dtypes, ops
from tenon.python.ops import control_flow_ops, gen_ops
from tenon.python.util.deprecation import deprecated_argument_lookup
from tenon.python.util.tf_export import tf_export


@tf_export("debugging.assert_all_finite", "verify_tensor_all_finite")
def verify_tensor_all_finite(t=None, msg=None, name=None, x=None, message=None):
    """The tensor, after a check that it has no NaN and no infinity."""
    x = deprecated_argument_lookup("x", x, "t", t)
    message = deprecated_argument_lookup("message", message, "msg", msg)
    with ops.name_scope(name, "VerifyFinite", [x]):
        x = ops.convert_to_tensor(x, name="x")
        with ops.colocate_with(x):
            check = gen_ops.check_numerics(x, message=message)
            return control_flow_ops.with_dependencies([check], x)


@tf_export("add_check_numerics_ops")
def add_check_numerics_ops():
    """One operation that checks all floating tensors of the graph, in the order they are made."""
    checks = []
    for op in ops.get_default_graph().get_operations():
        for output in op.outputs:
            if output.dtype not in (dtypes.float16, dtypes.float32, dtypes.float64):
                continue
            if op._get_control_flow_context() is not None:
                raise ValueError("`tf.add_check_numerics_ops() is not compatible with TensorFlow control flow "
                                 "operations "
                                 "such as `tf.cond()` or `tf.while_loop()`.")  # fmt: skip
            with ops.control_dependencies(checks):
                checks = [gen_ops.check_numerics(output, message=f"{op.name}:{output.value_index}")]
    return control_flow_ops.group(*checks)
