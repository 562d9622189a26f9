"""What tf.contrib.framework shows of the core, and its readers of checkpoints, whose arguments have other names."""

from tenon.python.framework import ops, sparse_tensor, tensor_spec
from tenon.python.ops import check_ops, init_ops, init_ops_orthogonal, sort_ops
from tenon.python.training import checkpoint_utils
from tenon.python.util import deprecation
from tenon.python.util.tf_export import tf_export

TF_EXPORTS = {
    "contrib.framework.BoundedTensorSpec": "BoundedTensorSpec",
    "contrib.framework.TensorSpec": "TensorSpec",
    "contrib.framework.argsort": "argsort",
    "contrib.framework.sort": "sort",
    "contrib.framework.assert_same_float_dtype": "assert_same_float_dtype",
    "contrib.framework.assert_scalar": "assert_scalar",
    "contrib.framework.is_numeric_tensor": "is_numeric_tensor",
    "contrib.framework.is_non_decreasing": "is_non_decreasing",
    "contrib.framework.is_strictly_increasing": "is_strictly_increasing",
    "contrib.framework.convert_to_tensor_or_sparse_tensor": "convert_to_tensor_or_sparse_tensor",
    "contrib.framework.convolutional_delta_orthogonal": "convolutional_delta_orthogonal",
    "contrib.framework.convolutional_orthogonal_1d": "convolutional_orthogonal_1d",
    "contrib.framework.convolutional_orthogonal_2d": "convolutional_orthogonal_2d",
    "contrib.framework.convolutional_orthogonal_3d": "convolutional_orthogonal_3d",
    "contrib.framework.deprecated": "deprecated",
    "contrib.framework.deprecated_args": "deprecated_args",
    "contrib.slim.deprecated": "deprecated",
    "contrib.slim.deprecated_arg_values": "deprecated_arg_values",
    "contrib.framework.deprecated_arg_values": "deprecated_arg_values",
    "contrib.framework.get_name_scope": "get_name_scope",
    "contrib.framework.prepend_name_scope": "prepend_name_scope",
    "contrib.framework.strip_name_scope": "strip_name_scope",
}
BoundedTensorSpec, TensorSpec = tensor_spec.BoundedTensorSpec, tensor_spec.TensorSpec
argsort, sort = sort_ops.argsort, sort_ops.sort
assert_same_float_dtype, assert_scalar = check_ops.assert_same_float_dtype, check_ops.assert_scalar
is_numeric_tensor = check_ops.is_numeric_tensor
is_non_decreasing, is_strictly_increasing = check_ops.is_non_decreasing, check_ops.is_strictly_increasing
convert_to_tensor_or_sparse_tensor = sparse_tensor.convert_to_tensor_or_sparse_tensor
convolutional_delta_orthogonal = init_ops.convolutional_delta_orthogonal
convolutional_orthogonal_1d = init_ops_orthogonal.ConvolutionOrthogonal1D
convolutional_orthogonal_2d = init_ops_orthogonal.ConvolutionOrthogonal2D
convolutional_orthogonal_3d = init_ops_orthogonal.ConvolutionOrthogonal3D
deprecated, deprecated_args = deprecation.deprecated, deprecation.deprecated_args
deprecated_arg_values = deprecation.deprecated_arg_values
get_name_scope = ops.get_name_scope
prepend_name_scope, strip_name_scope = ops.prepend_name_scope, ops.strip_name_scope


@tf_export("contrib.framework.load_checkpoint")
def load_checkpoint(filepattern):
    """A reader of a checkpoint, or of the newest one in a folder."""
    return checkpoint_utils.load_checkpoint(filepattern)


@tf_export("contrib.framework.load_variable")
def load_variable(checkpoint_dir, name):
    """The value of a variable in a checkpoint."""
    return checkpoint_utils.load_variable(checkpoint_dir, name)


@tf_export("contrib.framework.list_variables")
def list_variables(checkpoint_dir):
    """[(name, shape)] of what a checkpoint holds, by name."""
    return checkpoint_utils.list_variables(checkpoint_dir)


@tf_export("contrib.framework.init_from_checkpoint")
def init_from_checkpoint(checkpoint_dir, assignment_map):
    """tf.train.init_from_checkpoint."""
    checkpoint_utils.init_from_checkpoint(checkpoint_dir, assignment_map)


@tf_export("contrib.framework.get_graph_from_inputs")
def get_graph_from_inputs(op_input_list, graph=None):
    """The graph that all of OP_INPUT_LIST are in. ValueError if it is not one."""
    return ops._get_graph_from_inputs(op_input_list, graph)


@tf_export("contrib.framework.get_placeholders")
def get_placeholders(graph):
    """The placeholders of GRAPH."""
    if not isinstance(graph, ops.Graph):
        raise TypeError(f"Input graph needs to be a Graph: {graph}")
    return [operation.outputs[0] for operation in graph.get_operations() if operation.type == "Placeholder"]
