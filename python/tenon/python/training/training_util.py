"""The global step, and graphs written to files."""

import os

from tenon.python.framework import dtypes, ops, proto_text
from tenon.python.lib.io import anywhere
from tenon.python.ops import init_ops, resource_variable_ops, variable_scope, variables
from tenon.python.platform import tf_logging as logging
from tenon.python.util.tf_export import tf_export


@tf_export("train.global_step")
def global_step(sess, global_step_tensor):
    """The value of the step in a session, as an int."""
    return int(sess.run(global_step_tensor))


@tf_export("train.get_global_step", "contrib.framework.get_global_step")
def get_global_step(graph=None):
    """The global step of a graph, or None."""
    graph = graph or ops.get_default_graph()
    found = graph.get_collection(ops.GraphKeys.GLOBAL_STEP)
    if len(found) == 1:
        step = found[0]
    elif not found:
        try:
            step = graph.get_tensor_by_name("global_step:0")
        except KeyError:
            return None
    else:
        logging.error("Multiple tensors in global_step collection.")
        return None
    assert_global_step(step)
    return step


@tf_export("train.create_global_step", "contrib.framework.create_global_step")
def create_global_step(graph=None):
    """Makes the global step: an int64 variable that is not trained. ValueError if there is one."""
    graph = graph or ops.get_default_graph()
    if get_global_step(graph) is not None:
        raise ValueError('"global_step" already exists.')
    with graph.as_default() as g, g.name_scope(None):
        return variable_scope.get_variable(
            ops.GraphKeys.GLOBAL_STEP,
            shape=[],
            dtype=dtypes.int64,
            initializer=init_ops.zeros_initializer(),
            trainable=False,
            collections=[ops.GraphKeys.GLOBAL_VARIABLES, ops.GraphKeys.GLOBAL_STEP],
        )


@tf_export("train.get_or_create_global_step", "contrib.framework.get_or_create_global_step")
def get_or_create_global_step(graph=None):
    """The global step of a graph, made if need be."""
    graph = graph or ops.get_default_graph()
    step = get_global_step(graph)
    return create_global_step(graph) if step is None else step


@tf_export("train.assert_global_step", "contrib.framework.assert_global_step")
def assert_global_step(global_step_tensor):
    """TypeError unless this is an integer scalar that may be a step."""
    if not (
        isinstance(global_step_tensor, (variables.Variable, ops.Tensor))
        or resource_variable_ops.is_resource_variable(global_step_tensor)
    ):
        raise TypeError(f'Existing "global_step" must be a Variable or Tensor: {global_step_tensor}.')
    if not global_step_tensor.dtype.base_dtype.is_integer:
        raise TypeError(f'Existing "global_step" does not have integer type: {global_step_tensor.dtype}')
    if global_step_tensor.get_shape().ndims != 0 and global_step_tensor.get_shape().is_fully_defined():
        raise TypeError(f'Existing "global_step" is not scalar: {global_step_tensor.get_shape()}')


@tf_export("train.write_graph", "io.write_graph")
def write_graph(graph_or_graph_def, logdir, name, as_text=True):
    """Writes a Graph or GraphDef to LOGDIR/NAME, as text or bytes; returns the path."""
    graph_def = graph_or_graph_def.as_graph_def() if hasattr(graph_or_graph_def, "as_graph_def") else graph_or_graph_def
    anywhere.makedirs(logdir)
    path = os.path.join(logdir, name)
    data = proto_text.MessageToString(graph_def).encode() if as_text else graph_def.SerializeToString()
    anywhere.atomic_write(path, data)
    return path
