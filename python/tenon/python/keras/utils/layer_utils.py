"""Models as tables."""

import numpy as np

from tenon.python.util.tf_export import tf_export


def count_params(weights):
    """How many numbers variables hold."""
    return int(sum(np.prod(w.shape.as_list()) for w in {id(w): w for w in weights}.values()))


def _shape(layer):
    try:
        return str(layer.output_shape)
    except (AttributeError, RuntimeError, ValueError):
        return "multiple"


def _connections(layer, nodes):
    found = []
    for node in layer._inbound_nodes:
        if id(node) not in nodes:
            continue
        for t in node.input_tensors:
            history = t._keras_history
            found.append(f"{history.layer.name}[{history.node_index}][{history.tensor_index}]")
    return found


def print_summary(model, line_length=None, positions=None, print_fn=None):
    """Prints a table of the layers: name, shape of the output, number of parameters."""
    say = print_fn or print
    nodes = {id(n): n for n in getattr(model, "_nodes", ())} if model._is_graph_network else {}
    sequential = model.__class__.__name__ == "Sequential" or not model._is_graph_network or all(
        sum(len(n.input_tensors) for n in layer._inbound_nodes if id(n) in nodes) <= 1 for layer in model.layers
    ) and len(model.outputs) == 1 and all(len([n for n in layer._outbound_nodes if id(n) in nodes]) <= 1
                                          for layer in model.layers)  # fmt: skip
    if sequential:
        line_length, positions = line_length or 65, positions or [0.45, 0.85, 1.0]
        fields = ["Layer (type)", "Output Shape", "Param #"]
    else:
        line_length, positions = line_length or 98, positions or [0.33, 0.55, 0.67, 1.0]
        fields = ["Layer (type)", "Output Shape", "Param #", "Connected to"]
    if positions[-1] <= 1:
        positions = [int(line_length * p) for p in positions]

    def row(values):
        line = ""
        for i, (value, end) in enumerate(zip(values, positions)):
            if i > 0:
                line = line[:-1] + " "
            line = (line + str(value))[:end]
            line += " " * (end - len(line))
        say(line)

    say(f'Model: "{model.name}"')
    say("_" * line_length)
    row(fields)
    say("=" * line_length)
    layers = model.layers
    for i, layer in enumerate(layers):
        try:
            params = layer.count_params()
        except ValueError:
            params = 0
        values = [f"{layer.name} ({layer.__class__.__name__})", _shape(layer), params]
        links = [] if sequential else _connections(layer, nodes)
        row(values + ([] if sequential else [links[0] if links else ""]))
        for link in links[1:]:
            row(["", "", "", link])
        say(("=" if i == len(layers) - 1 else "_") * line_length)
    trainable = count_params(model.trainable_weights)
    others = count_params(model.non_trainable_weights)
    say(f"Total params: {trainable + others:,}")
    say(f"Trainable params: {trainable:,}")
    say(f"Non-trainable params: {others:,}")
    say("_" * line_length)


@tf_export("keras.utils.get_source_inputs")
def get_source_inputs(tensor, layer=None, node_index=None):
    """The Input tensors that a tensor comes from."""
    from tenon.python.keras.engine import network

    nodes = network.walk([tensor])
    return [t for n in nodes if not n.input_tensors for t in n.output_tensors]
