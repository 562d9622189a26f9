"""Graphs of layers: layers that are made of layers."""

import copy
import json

import tenon as tf
from tenon.python.keras import backend as K
from tenon.python.keras.engine import base_layer, op_layer
from tenon.python.keras.engine.input_layer import InputLayer
from tenon.python.keras.engine.node import Node
from tenon.python.keras.utils import generic_utils
from tenon.python.util import nest


def walk(outputs):
    """The nodes that made tensors, each after those before it; ValueError for a cycle or a tensor of nobody."""
    order, state = [], {}
    stack = [(_node_of(t), False) for t in reversed(nest.flatten(outputs))]
    while stack:
        node, done = stack.pop()
        if done:
            state[id(node)] = 2
            order.append(node)
            continue
        if state.get(id(node)) == 2:
            continue
        if state.get(id(node)) == 1:
            raise ValueError(f'The tensors at layer "{node.layer.name}" are part of a cycle.')
        state[id(node)] = 1
        stack.append((node, True))
        parents = [_node_of(t) for t in node.input_tensors]
        stack += [(p, False) for p in reversed(parents) if state.get(id(p)) != 2]
    return order


def _node_of(tensor):
    history = tensor._keras_history
    return history.layer._inbound_nodes[history.node_index]


def _by_depth(order):
    """Layers sorted as Keras sorts them (far from the outputs first), and the nodes."""
    indices, node_depth, layer_depth = {}, {}, {}
    for node in order:
        indices.setdefault(node.layer, len(indices))
    for node in reversed(order):
        depth = max(node_depth.setdefault(id(node), 0), layer_depth.get(node.layer, 0))
        layer_depth[node.layer] = node_depth[id(node)] = depth
        for tensor in node.input_tensors:
            parent = _node_of(tensor)
            node_depth[id(parent)] = max(depth + 1, node_depth.get(id(parent), 0))
    return layer_depth, indices, node_depth


class Network(base_layer.Layer):
    """What Model and Sequential share: Network(inputs, outputs) or a subclass with its own call."""

    def __init__(self, *args, **kwargs):
        if len(args) in (2, 3) or "outputs" in kwargs or "output" in kwargs:
            for old, new in (("input", "inputs"), ("output", "outputs")):
                if old in kwargs:
                    kwargs[new] = kwargs.pop(old)
            self._init_graph(*args, **kwargs)
        else:
            self._init_subclass(*args, **kwargs)

    def _init_subclass(self, name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        self._is_graph_network = False
        self._functions = {}
        self.inputs = self.outputs = None
        self._layer_order = None

    def _init_graph(self, inputs, outputs, name=None, trainable=True):
        super().__init__(name=name, trainable=trainable)
        self._is_graph_network = True
        self._functions = {}
        self._nested_inputs, self._nested_outputs = inputs, outputs
        self.inputs, self.outputs = nest.flatten(inputs), nest.flatten(outputs)
        op_layer.wrap(self.outputs)
        for t in self.inputs + self.outputs:
            if not hasattr(t, "_keras_history"):
                raise ValueError(f"Input tensors to a {self.__class__.__name__} must come from `tf.keras.Input`. "
                                 f"Received: {t} (missing previous layer metadata).")  # fmt: skip
        self.inputs = self._nested_inputs_checked()
        order = walk(self.outputs)
        layer_depth, indices, node_depth = _by_depth(order)
        for t in self.inputs:
            layer = t._keras_history.layer
            if layer not in indices:
                indices[layer] = len(indices)
                order.insert(0, _node_of(t))
                node_depth[id(_node_of(t))] = 0
            layer_depth[layer] = max([*layer_depth.values(), 0])
        known = {id(t) for t in self.inputs}
        for node in order:
            if isinstance(node.layer, InputLayer) and not any(id(t) in known for t in node.output_tensors):
                raise ValueError(f"Graph disconnected: cannot obtain value for tensor {node.outputs} at layer "
                                 f"\"{node.layer.name}\". The following previous layers were accessed without issue: "
                                 "[]")  # fmt: skip
        self._nodes = sorted(order, key=lambda n: -node_depth[id(n)])
        self._layers = sorted(indices, key=lambda layer: (-layer_depth[layer], indices[layer]))
        names = [layer.name for layer in self._layers]
        for name_ in names:
            if names.count(name_) > 1:
                raise ValueError(f"The name \"{name_}\" is used {names.count(name_)} times in the model. All layer "
                                 "names should be unique.")  # fmt: skip
        self.input_layers = [t._keras_history.layer for t in self.inputs]
        self.output_layers = [t._keras_history.layer for t in self.outputs]
        self.built = True
        # Submodels have histories of their own; what they make from their own inputs counts as one use.
        self._inbound_nodes.append(Node(self, inputs, outputs))
        self._inbound_nodes[0].input_tensors = []
        self.input_names = [layer.name for layer in self.input_layers]
        self.output_names = _unique_names([layer.name for layer in self.output_layers])

    def _nested_inputs_checked(self):
        for t in self.inputs:
            if not isinstance(t._keras_history.layer, InputLayer):
                tf.logging.warning(f"Model inputs must come from `tf.keras.Input`; got {t.name}.")
        return self.inputs

    # --- looking ---

    @property
    def layers(self):
        """The layers."""
        return list(self._layers)

    def get_layer(self, name=None, index=None):
        """A layer by its name or number."""
        if index is not None:
            if len(self.layers) <= index:
                raise ValueError(f"Was asked to retrieve layer at index {index} but model only has {len(self.layers)} "
                                 "layers.")  # fmt: skip
            return self.layers[index]
        if not name:
            raise ValueError("Provide either a layer name or layer index.")
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ValueError(f"No such layer: {name}")

    @property
    def trainable_weights(self):
        """The variables that training changes."""
        if not self.trainable:
            return []
        return base_layer.unique([*self._gather("trainable_weights"), *self._trainable_weights])

    @property
    def non_trainable_weights(self):
        """The variables that training leaves alone."""
        own = [*self._non_trainable_weights]
        if self.trainable:
            return base_layer.unique([*self._gather("non_trainable_weights"), *own])
        frozen = [*self._gather("trainable_weights"), *self._trainable_weights]
        return base_layer.unique([*frozen, *self._gather("non_trainable_weights"), *own])

    @property
    def weights(self):
        """All variables, layer by layer."""
        if not self.built and not self._layers:
            raise ValueError(f"Weights for model {self.name} have not yet been created. Weights are created when the "
                             "Model is first called on inputs or `build()` is called with an `input_shape`.")  # fmt: skip  # noqa: E501
        return base_layer.unique([*self._gather("weights"), *self._trainable_weights, *self._non_trainable_weights])

    @property
    def state_updates(self):
        """The updates of stateful layers."""
        return [u for layer in self.layers if layer.stateful for u in layer.updates]

    def reset_states(self):
        """Stateful layers forget."""
        for layer in self.layers:
            if hasattr(layer, "reset_states") and layer.stateful:
                layer.reset_states()

    def _mine(self, values):
        """Those of VALUES that come from the inputs, or from no input at all."""
        if not self.inputs or not values:
            return values
        seen = base_layer.reachable(self.inputs)
        return [v for v in values if getattr(v, "op", v) in seen or not base_layer._reached(v)]

    @property
    def losses(self):
        """Losses of regularizers and those added."""
        return self._mine(super().losses)

    @property
    def updates(self):
        """What training has to run with each batch."""
        return self._mine(super().updates)

    @property
    def input_spec(self):
        """What is demanded of inputs."""
        return self.__dict__.get("input_spec")

    @input_spec.setter
    def input_spec(self, value):
        self.__dict__["input_spec"] = value

    # --- calling ---

    def build(self, input_shape):
        """Makes the variables of a subclass: calls it on placeholders, unless it is being called anyway."""
        if not self._is_graph_network and not base_layer.call_context.stack:
            shapes = base_layer._shape_leaves(input_shape)
            with K.get_graph().as_default():
                make = lambda s: K.placeholder(s.as_list(), dtype=self.dtype or K.floatx())  # noqa: E731
                inputs = [make(s) for s in shapes] if isinstance(shapes, list) else make(shapes)
                self.built = True
                self.call(inputs, **({"training": False} if "training" in self._call_parameters else {}))
        self.built = True

    def call(self, inputs, training=None, mask=None):
        """The outputs for other inputs, by the same layers."""
        if not self._is_graph_network:
            raise NotImplementedError("When subclassing the `Model` class, you should implement a `call` method.")
        return self._run(inputs, training, mask)

    def _run(self, inputs, training=None, masks=None):
        values = dict(zip(map(id, self.inputs), self._shaped(nest.flatten(inputs))))
        if masks is not None:
            for tensor, mask in zip(nest.flatten(inputs), base_layer._flat(masks)):
                tensor._keras_mask = mask
        for node in self._nodes:
            if isinstance(node.layer, InputLayer) or all(id(t) in values for t in node.output_tensors):
                continue
            if not all(id(t) in values for t in node.input_tensors):
                continue
            swap = lambda t: values[id(t)] if id(t) in values else t  # noqa: E731, SIM401
            arguments = nest.map_structure(swap, node.arguments)
            args = nest.map_structure(swap, list(node.args))
            if "training" in node.layer._call_parameters:
                arguments.setdefault("training", training)
            outputs = node.layer(nest.map_structure(swap, node.inputs), *args, **arguments)
            for old, new in zip(node.output_tensors, nest.flatten(outputs)):
                values[id(old)] = new
        for t in self.outputs:
            assert id(t) in values, f"Could not compute output {t}"
        results = [values[id(t)] for t in self.outputs]
        return nest.pack_sequence_as(self._nested_outputs, results)

    def _shaped(self, inputs):
        """Inputs whose last axis of one is missing get it."""
        shaped = []
        for t, ours in zip(inputs, self.inputs):
            a, b = t.shape.ndims, ours.shape.ndims
            if a is not None and b is not None and a == b - 1 and ours.shape[-1].value == 1:
                t = tf.expand_dims(t, -1)
            shaped.append(t)
        return shaped

    def compute_mask(self, inputs, mask=None):
        """The masks of the outputs, which its layers set."""
        if not self._is_graph_network:
            return None
        return [getattr(t, "_keras_mask", None) for t in self.outputs]

    def compute_output_shape(self, input_shape):
        """The shapes of the outputs for shapes of the inputs."""
        if not self._is_graph_network:
            return super().compute_output_shape(input_shape)
        shapes = base_layer._shape_leaves(input_shape)
        with tf.Graph().as_default():
            copy_ = self.__class__.from_config(self.get_config())
            inputs = [K.placeholder(s.as_list(), dtype=t.dtype) for s, t in zip(nest.flatten([shapes]), self.inputs)]
            outputs = copy_.call(nest.pack_sequence_as(self._nested_inputs, inputs))
            return nest.map_structure(K.int_shape, outputs)

    # --- as text ---

    def get_config(self):
        """The layers and how they are connected."""
        if not self._is_graph_network:
            raise NotImplementedError
        positions = self._positions()
        layers = []
        for layer in self.layers:
            used = [self._node_config(n, positions) for n in layer._inbound_nodes
                    if id(n) in positions and not isinstance(layer, InputLayer)]  # fmt: skip
            layers.append({"class_name": generic_utils.get_registered_name(layer.__class__),
                           "config": layer.get_config(), "name": layer.name, "inbound_nodes": used})  # fmt: skip
        place = lambda t: [t._keras_history.layer.name, positions[id(_node_of(t))], t._keras_history.tensor_index]  # noqa: E731
        return copy.deepcopy({"name": self.name, "trainable": self.trainable, "layers": layers,
                              "input_layers": [place(t) for t in self.inputs],
                              "output_layers": [place(t) for t in self.outputs]})  # fmt: skip

    def _positions(self):
        """The numbers of nodes among those of their layers that are in this network."""
        mine, positions = {id(n) for n in self._nodes}, {}
        for layer in self.layers:
            used = [n for n in layer._inbound_nodes if id(n) in mine]
            positions.update((id(n), i + _own_nodes(layer)) for i, n in enumerate(used))
        return positions

    def _node_config(self, node, positions):
        def place(t):
            history = t._keras_history
            return [history.layer.name, positions[id(_node_of(t))], history.tensor_index]

        arguments = {k: v for k, v in node.arguments.items() if v is not None}
        arguments = nest.map_structure(lambda v: place(v) if hasattr(v, "_keras_history") else v, arguments)
        try:
            json.dumps(arguments)
        except TypeError:
            arguments = {}
        return [[*place(t), arguments if i == 0 else {}] for i, t in enumerate(nest.flatten(node.inputs))]

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The network that get_config described."""
        from tenon.python.keras import layers as layer_module

        made, waiting = {}, []
        for data in config["layers"]:
            layer = layer_module.deserialize({"class_name": data["class_name"], "config": data["config"]},
                                             custom_objects)  # fmt: skip
            made[data["name"]] = layer
            waiting += [(layer, i, uses) for i, uses in enumerate(data["inbound_nodes"])]
        counts = {}
        while waiting:
            left = []
            for layer, i, uses in waiting:
                ready = counts.get(id(layer), 0) == i and all(
                    _has_node(made[use[0]], use[1], counts) for use in _uses(uses)
                )
                if not ready:
                    left.append((layer, i, uses))
                    continue
                tensors = [_tensor_at(made[use[0]], use[1], use[2]) for use in _uses(uses)]
                arguments = dict(_uses(uses)[0][3]) if len(_uses(uses)[0]) > 3 else {}
                arguments = {k: _tensor_at(made[v[0]], v[1], v[2]) if _is_place(v, made) else v
                             for k, v in arguments.items()}  # fmt: skip
                layer(tensors[0] if len(tensors) == 1 else tensors, **arguments)
                counts[id(layer)] = i + 1
            if len(left) == len(waiting):
                raise ValueError("The configuration's layers are not connected.")
            waiting = left
        ends = [[_tensor_at(made[name], node, index) for name, node, index in _places(config[key])]
                for key in ("input_layers", "output_layers")]  # fmt: skip
        ends = [e[0] if len(e) == 1 else e for e in ends]
        return cls(inputs=ends[0], outputs=ends[1], name=config.get("name"))

    def _updated_config(self):
        return {"class_name": self.__class__.__name__, "config": self.get_config(), "keras_version": "2.2.4-tf",
                "backend": "tensorflow"}  # fmt: skip

    def to_json(self, **kwargs):
        """The layers and how they are connected, as JSON."""
        from tenon.python.keras.engine import saving

        return json.dumps(self._updated_config(), default=saving.json_default, **kwargs)

    def to_yaml(self, **kwargs):
        """The same as YAML, in its flow style: that is JSON."""
        return self.to_json(indent=kwargs.get("indent"))

    def save(self, filepath, overwrite=True, include_optimizer=True, save_format=None):
        """Writes layers, weights and the optimizer's state to a file (HDF5)."""
        from tenon.python.keras.engine import saving

        saving.save_model(self, filepath, overwrite, include_optimizer, save_format)

    def save_weights(self, filepath, overwrite=True, save_format=None):
        """Writes the weights: HDF5 for names in .h5 or .keras, else a checkpoint."""
        from tenon.python.keras.engine import saving

        saving.save_weights(self, filepath, overwrite, save_format)

    def load_weights(self, filepath, by_name=False, skip_mismatch=False):
        """Reads the weights that save_weights wrote."""
        from tenon.python.keras.engine import saving

        return saving.load_weights(self, filepath, by_name, skip_mismatch)

    def summary(self, line_length=None, positions=None, print_fn=None):
        """Prints a table of the layers."""
        from tenon.python.keras.utils import layer_utils

        if not self.built:
            raise ValueError("This model has not yet been built. Build the model first by calling `build()` or calling "
                             "`fit()` with some data, or specify an `input_shape` argument in the first layer(s) for "
                             "automatic build.")  # fmt: skip
        layer_utils.print_summary(self, line_length, positions, print_fn)


def _unique_names(names):
    seen, result = {}, []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name}_{seen[name] - 1}")
    return result


def _has_node(layer, index, counts):
    return isinstance(layer, InputLayer) or counts.get(id(layer), 0) > index - _own_nodes(layer)


def _own_nodes(layer):
    """1 for submodels: their first node is that of their own inputs."""
    return 1 if isinstance(layer, Network) and layer._is_graph_network else 0


def _tensor_at(layer, node, index):
    return layer._inbound_nodes[node].output_tensors[index]


def _uses(uses):
    return [uses] if uses and isinstance(uses[0], str) else uses


def _places(places):
    return [places] if places and isinstance(places[0], str) else places


def _is_place(value, made):
    return isinstance(value, (list, tuple)) and len(value) == 3 and isinstance(value[0], str) and value[0] in made
