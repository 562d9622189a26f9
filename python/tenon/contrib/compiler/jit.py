"""tf.contrib.compiler.jit: what a program asks of XLA is noted on the nodes; the plans here are compiled anyway."""

import contextlib

from tenon.python.framework import ops
from tenon.python.framework import proto as messages
from tenon.python.util.tf_export import tf_export

_count = [0]


@tf_export("contrib.compiler.jit.experimental_jit_scope", "xla.experimental.jit_scope")
@contextlib.contextmanager
def experimental_jit_scope(compile_ops=True, separate_compiled_gradients=False):
    """Nodes made within carry the attributes that ask XLA to compile them; they run as all others do."""
    _count[0] += 1
    scope = f"jit_scope_{_count[0] - 1}"

    def value(op_type):
        wanted = compile_ops(op_type) if callable(compile_ops) else compile_ops
        return messages.AttrValue(b=bool(wanted))

    graph = ops.get_default_graph()
    attributes = {"_XlaCompile": messages.AttrValue(b=True) if callable(compile_ops) else value(None),
                  "_XlaSeparateCompiledGradients": messages.AttrValue(b=separate_compiled_gradients),
                  "_XlaScope": messages.AttrValue(s=scope.encode())}  # fmt: skip
    with graph._attr_scope(attributes):
        yield


@tf_export("xla.experimental.compile")
def compile(computation, inputs=None):
    """What COMPUTATION gives of INPUTS: tensors, in a list."""
    tensors = [ops.convert_to_tensor(x) for x in inputs or ()]
    found = computation(*tensors)
    if found is None or isinstance(found, ops.Operation):
        return found
    return list(found) if isinstance(found, (list, tuple)) else [found]
