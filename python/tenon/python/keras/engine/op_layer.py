"""Layers that stand for plain operations between Keras tensors."""

import tenon as tf
from tenon.python.keras.engine.base_layer import Layer
from tenon.python.keras.engine.node import History, Node
from tenon.python.util import nest


class TensorFlowOpLayer(Layer):
    """One operation, made again for other inputs; inputs that no layer made stay what they were."""

    def __init__(self, operation=None, name=None, **kwargs):
        super().__init__(name=name or f"tf_op_layer_{operation.name.replace('/', '_')}", **kwargs)
        self.operation = operation
        self.built = True

    def call(self, inputs):
        given = iter(nest.flatten(inputs))
        op = self.operation
        tensors = [next(given) if hasattr(t, "_keras_history") else t for t in op.inputs]
        if all(a is b for a, b in zip(tensors, op.inputs)):
            outputs = op.outputs
        else:
            attrs = op.node_def.attr
            outputs = op.graph.create_op(op.type, tensors, [t.dtype for t in op.outputs], name=op.type,
                                         attrs={k: attrs[k] for k in attrs if k[0] != "_"}).outputs  # fmt: skip
        return outputs[0] if len(outputs) == 1 else list(outputs)

    def get_config(self):
        """Operations are described by their nodes."""
        return {**super().get_config(), "node_def": str(self.operation.node_def)}


def wrap(tensors):
    """Gives tensors that were computed from Keras tensors layers of their own."""
    known = {}
    for tensor in tensors:
        if isinstance(tensor, tf.Tensor) and not hasattr(tensor, "_keras_history") and _from_keras(tensor, known):
            _wrap(tensor, known)


def _from_keras(tensor, known):
    """Whether a Keras tensor is among what TENSOR was computed from."""
    todo, path = [tensor], []
    seen = set()
    while todo:
        t = todo.pop()
        if hasattr(t, "_keras_history"):
            return True
        if t.op in seen or known.get(t.op) is False:
            continue
        seen.add(t.op)
        path.append(t.op)
        todo += t.op.inputs
    for op in path:
        known[op] = False
    return False


def _wrap(tensor, known):
    op = tensor.op
    inputs = []
    for t in op.inputs:
        if not hasattr(t, "_keras_history") and _from_keras(t, known):
            _wrap(t, known)
        if hasattr(t, "_keras_history"):
            inputs.append(t)
    layer = TensorFlowOpLayer(op)
    structure = inputs[0] if len(inputs) == 1 else inputs
    outputs = op.outputs[0] if len(op.outputs) == 1 else list(op.outputs)
    layer._inbound_nodes.append(Node(layer, structure, outputs))
    for i, t in enumerate(op.outputs):
        t._keras_history = History(layer, 0, i)
