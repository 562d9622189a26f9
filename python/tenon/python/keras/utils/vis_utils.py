"""Models as pictures: DOT text, and files drawn from it."""

import os

from tenon.python.keras.utils import dot as dots
from tenon.python.keras.utils import dot_svg
from tenon.python.util.tf_export import tf_export


def _is_graph(layer):
    """Whether LAYER is a model of layers that are known."""
    return getattr(layer, "_is_graph_network", False)


def _is_wrapped_model(layer):
    from tenon.python.keras.layers.wrappers import Wrapper

    return isinstance(layer, Wrapper) and _is_graph(layer.layer)


def _shapes(layer):
    """(input's, output's) as text; ? where a layer has none that is the same in all uses."""
    found = []
    for what in ("input_shape", "output_shape"):
        try:
            found.append(str(getattr(layer, what)).replace("{", "\\{").replace("}", "\\}"))
        except (AttributeError, RuntimeError, ValueError):
            found.append("?" if not layer._inbound_nodes else "multiple")
    return found


def _label(layer, show_shapes, show_layer_names, expand_nested):
    from tenon.python.keras.layers.wrappers import Wrapper

    name, kind = layer.name, type(layer).__name__
    if isinstance(layer, Wrapper) and not (expand_nested and _is_graph(layer.layer)):
        name, kind = f"{name}({layer.layer.name})", f"{kind}({type(layer.layer).__name__})"
    label = f"{name}: {kind}" if show_layer_names else kind
    if show_shapes:
        inputs, outputs = _shapes(layer)
        label = f"{label}\n|{{input:|output:}}|{{{{{inputs}}}|{{{outputs}}}}}"
    return label


def _inner(layers, index, expand_nested):
    """The name of the node that stands for the INDEX-th of LAYER's inputs or outputs, in models that are expanded."""
    layer = layers[min(index, len(layers) - 1)]
    if expand_nested and _is_graph(layer):
        return _inner(layer.output_layers, index, expand_nested)
    return str(id(layer))


def _begin(layer, index, expand_nested):
    """The name of the node where an arrow to a layer's INDEX-th input ends."""
    if expand_nested and _is_graph(layer):
        return str(id(layer.input_layers[min(index, len(layer.input_layers) - 1)]))
    return str(id(layer))


def _end(layer, index, expand_nested):
    """The name of the node where an arrow from a layer's INDEX-th output begins."""
    if expand_nested and _is_wrapped_model(layer):
        layer = layer.layer
    return _inner([layer], index, expand_nested)


def _connect(graph, source, target):
    if not graph.get_edge(source, target):
        graph.add_edge(dots.Edge(source, target))


@tf_export("keras.utils.model_to_dot", "keras.utils.vis_utils.model_to_dot")
def model_to_dot(model, show_shapes=False, show_layer_names=True, rankdir="TB", expand_nested=False, dpi=96,
                 subgraph=False):  # fmt: skip
    """A graph with pydot's methods (to_string, write, create_png, get_nodes...): a node for each layer, by its id.

    EXPAND_NESTED draws models in the model with their layers in a frame; SUBGRAPH gives such a frame.
    """
    if not model.built:
        raise ValueError("This model has not yet been built. Build the model first by calling `build()` or by calling "
                         "the model on a batch of data.")  # fmt: skip
    if subgraph:
        graph = dots.Cluster(model.name, style="dashed", label=model.name, labeljust="l")
    else:
        graph = dots.Dot(rankdir=rankdir, concentrate=True, dpi=dpi)
        graph.set_node_defaults(shape="record")
    if not _is_graph(model):
        graph.add_node(dots.Node(id(model), label=model.name))
        return graph
    for layer in model._layers:
        inside = layer.layer if _is_wrapped_model(layer) else layer
        if expand_nested and _is_graph(inside):
            graph.add_subgraph(model_to_dot(inside, show_shapes, show_layer_names, rankdir, True, subgraph=True))
        if not (expand_nested and _is_graph(layer)):
            graph.add_node(dots.Node(id(layer), label=_label(layer, show_shapes, show_layer_names, expand_nested)))
    _add_edges(graph, model, expand_nested)
    return graph


def _add_edges(graph, model, expand_nested):
    used = {id(node) for node in model._nodes}
    for layer in model._layers:
        for node in layer._inbound_nodes:
            if id(node) not in used:
                continue
            for i, history in enumerate(t._keras_history for t in node.input_tensors):
                source = _end(history.layer, history.tensor_index, expand_nested)
                _connect(graph, source, _begin(layer, i, expand_nested))
        if expand_nested and _is_wrapped_model(layer):
            _connect(graph, str(id(layer)), _begin(layer.layer, 0, expand_nested))


@tf_export("keras.utils.plot_model", "keras.utils.vis_utils.plot_model")
def plot_model(model, to_file="model.png", show_shapes=False, show_layer_names=True, rankdir="TB",
               expand_nested=False, dpi=96):  # fmt: skip
    """Writes a picture of a model: .dot and .svg without any other program, other formats by Graphviz' `dot`.

    An IPython image where IPython is installed, else None.
    """
    graph = model_to_dot(model, show_shapes, show_layer_names, rankdir, expand_nested, dpi)
    to_file = os.fspath(to_file)
    format = os.path.splitext(to_file)[1][1:].lower() or "png"
    if dots.find_program() is not None:
        graph.write(to_file, format=format)
    elif format == "svg":
        with open(to_file, "w", encoding="utf-8") as f:
            f.write(dot_svg.to_svg(graph))
    elif format in ("dot", "gv"):
        graph.write(to_file, format="raw")
    else:
        raise ImportError(f"You must install graphviz (see instructions at https://graphviz.gitlab.io/download/) for "
                          f"plot_model to write {to_file!r}; files that end in .svg or .dot need nothing.")  # fmt: skip
    return None if format in ("dot", "gv", "pdf") else _shown(to_file, format)


def _shown(path, format):
    try:
        from IPython import display
    except ImportError:
        return None
    return display.SVG(filename=path) if format == "svg" else display.Image(filename=path)
