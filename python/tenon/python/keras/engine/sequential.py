"""Models that are one layer after the other."""

import copy

from tenon.python.keras import backend as K
from tenon.python.keras.engine import base_layer
from tenon.python.keras.engine.input_layer import InputLayer
from tenon.python.keras.engine.training import Model
from tenon.python.keras.utils import generic_utils
from tenon.python.util.tf_export import tf_export


@tf_export("keras.Sequential", "keras.models.Sequential")
class Sequential(Model):
    """Sequential([layer, layer, ...]): the layers one after the other."""

    def __init__(self, layers=None, name=None):
        self._init_subclass(name=name)
        self._build_input_shape = None
        for layer in layers or ():
            self.add(layer)

    @property
    def layers(self):
        """The layers, without that of the input."""
        return [x for x in self._layers if not isinstance(x, InputLayer)]

    def add(self, layer):
        """Puts a layer at the end."""
        if hasattr(layer, "_keras_history"):
            layer = layer._keras_history.layer
        if not isinstance(layer, base_layer.Layer):
            raise TypeError(f"The added layer must be an instance of class Layer. Found: {layer}")
        if any(x.name == layer.name for x in self._layers):
            raise ValueError(f"All layers added to a Sequential model should have unique names. Name \"{layer.name}\" "
                             "is already the name of a layer in this model. Update the `name` argument to pass a "
                             "unique name.")  # fmt: skip
        if not self._layers:
            self._begin(layer)
        elif self.outputs:
            self._connect([layer(self.outputs[0])], layer)
        if not any(layer is x for x in self._layers):
            self._entries.append(layer)

    def _begin(self, layer):
        """The first layer says what comes in, or the first call does."""
        if isinstance(layer, InputLayer):
            self._start(layer)
            return
        first = layer
        while isinstance(first, Model) and first._layers and not first._is_graph_network:
            first = first._layers[0]
        if isinstance(first, Model) and first._is_graph_network:
            shape, dtype = first._layers[0]._batch_input_shape, first._layers[0].dtype
        else:
            shape, dtype = getattr(first, "_batch_input_shape", None), first.dtype
        if shape is not None:
            self._start(InputLayer(batch_input_shape=shape, dtype=dtype, name=layer.name + "_input"))
            self._connect([layer(self.inputs[0])], layer)

    def _start(self, input_layer):
        self._entries.append(input_layer)
        self.inputs = list(input_layer._inbound_nodes[0].output_tensors)
        self.outputs = list(self.inputs)
        self._connect(self.outputs, None)

    def _connect(self, outputs, layer):
        if len(base_layer.nest.flatten(outputs)) != 1:
            raise ValueError("All layers in a Sequential model should have a single output tensor. For multi-output "
                             "layers, use the functional API.")  # fmt: skip
        self.outputs = list(outputs)
        if layer is not None and not any(layer is x for x in self._layers):
            self._entries.append(layer)
        self._rebuild()

    def _rebuild(self):
        """Makes it a network of what is there by now."""
        name, own = self._name, (self._trainable, self._inbound_nodes, self._outbound_nodes)
        del self._inbound_nodes[:]
        order = list(self._layers)
        compiled = {k: v for k, v in self.__dict__.items() if k in ("optimizer",)}
        if len(self._layers) > 1:
            self._init_graph(self.inputs[0], self.outputs[0], name=name)
        self._layers = order
        self._trainable = own[0]
        self.__dict__.update(compiled)
        self.built = len(self._layers) > 1

    def pop(self):
        """Takes the last layer away."""
        if not self.layers:
            raise TypeError("There are no layers in the model.")
        layer = self._layers[-1]
        self._entries.remove(layer)
        if not self.outputs:
            return
        if not self.layers:
            self.outputs = self.inputs = None
            self._is_graph_network = self.built = False
            return
        layer._inbound_nodes.pop()
        last = self._layers[-1]
        last._outbound_nodes[:] = []
        self._connect([last._inbound_nodes[-1].output_tensors[0]], None)

    def build(self, input_shape=None):
        """Makes the variables for a shape of the input."""
        if self._is_graph_network:
            self.built = True
            return
        if input_shape is None:
            raise ValueError("You must provide an `input_shape` argument.")
        self._build_input_shape = tuple(input_shape.as_list() if hasattr(input_shape, "as_list") else input_shape)
        if not base_layer.call_context.stack:
            super().build(self._build_input_shape)

    def call(self, inputs, training=None, mask=None):
        """The layers one after the other."""
        if self._is_graph_network:
            return self._run(inputs, training, mask)
        x = inputs
        for layer in self.layers:
            arguments = {}
            if "training" in layer._call_parameters:
                arguments["training"] = training
            x = layer(x, **arguments)
        return x

    def predict_proba(self, x, batch_size=32, verbose=0):
        """The outputs."""
        return self.predict(x, batch_size, verbose)

    def predict_classes(self, x, batch_size=32, verbose=0):
        """The numbers of the classes that are predicted."""
        proba = self.predict(x, batch_size=batch_size, verbose=verbose)
        return proba.argmax(axis=-1) if proba.shape[-1] > 1 else (proba > 0.5).astype("int32")

    def get_config(self):
        """The layers."""
        configs = [{"class_name": generic_utils.get_registered_name(layer.__class__), "config": layer.get_config()}
                   for layer in self._layers]  # fmt: skip
        config = {"name": self.name, "layers": copy.deepcopy(configs)}
        if not self._is_graph_network and self._build_input_shape is not None:
            config["build_input_shape"] = self._build_input_shape
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The model that get_config described."""
        from tenon.python.keras import layers as layer_module

        name = config.get("name") if isinstance(config, dict) else None
        layers = config["layers"] if isinstance(config, dict) else config
        model = cls(name=name)
        for data in layers:
            model.add(layer_module.deserialize(data, custom_objects))
        shape = config.get("build_input_shape") if isinstance(config, dict) else None
        if shape and not model.inputs:
            model.build(tuple(shape))
        return model

    def compute_output_shape(self, input_shape):
        """The shape of the output for a shape of the input."""
        shape = input_shape
        for layer in self.layers:
            shape = layer.compute_output_shape(shape)
        return shape

    def _input_dtype(self):
        return K.floatx()
