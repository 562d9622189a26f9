"""Layers around layers."""

import tenon as tf
from tenon.python.keras.engine.base_layer import Layer
from tenon.python.keras.layers.core import _static
from tenon.python.keras.utils import generic_utils

TF_NAMESPACES = ("keras.layers", "keras.layers.wrappers")


class Wrapper(Layer):
    """Base class: `layer` is what is inside."""

    def __init__(self, layer, **kwargs):
        super().__init__(**kwargs)
        self.layer = layer

    def get_config(self):
        """The arguments that make it again."""
        inner = {"class_name": self.layer.__class__.__name__, "config": self.layer.get_config()}
        return {**super().get_config(), "layer": inner}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The layer that get_config described."""
        from tenon.python.keras import layers

        config = dict(config)
        return cls(layers.deserialize(config.pop("layer"), custom_objects), **config)


class TimeDistributed(Wrapper):
    """A layer applied to each step."""

    def __init__(self, layer, **kwargs):
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    def call(self, inputs):
        """All steps at once, as samples."""
        known = inputs.shape.as_list()
        shape = tf.shape(inputs)
        flat = tf.reshape(inputs, tf.concat([[-1], shape[2:]], 0))
        flat.set_shape([None, *known[2:]])
        outputs = self.layer(flat)
        inner = outputs.shape.as_list()[1:]
        result = tf.reshape(outputs, tf.concat([shape[:2], tf.shape(outputs)[1:]], 0))
        result.set_shape([*known[:2], *inner])
        return result

    def compute_output_shape(self, input_shape):
        """(batch, steps, *what the layer makes)."""
        shape = _static(input_shape)
        return (*shape[:2], *self.layer.compute_output_shape((shape[0], *shape[2:]))[1:])


class Bidirectional(Wrapper):
    """A recurrent layer over the steps in both directions."""

    def __init__(self, layer, merge_mode="concat", weights=None, **kwargs):
        if merge_mode not in ("sum", "mul", "ave", "concat", None):
            raise ValueError('Invalid merge mode. Merge mode should be one of {"sum", "mul", "ave", "concat", None}')
        shape = {"batch_input_shape": layer._batch_input_shape} if hasattr(layer, "_batch_input_shape") else {}
        super().__init__(layer, **{**shape, **kwargs})
        config = layer.get_config()
        self.forward_layer = layer.__class__.from_config({**config, "name": "forward_" + layer.name})
        backwards = {"name": "backward_" + layer.name, "go_backwards": not layer.go_backwards}
        self.backward_layer = layer.__class__.from_config({**config, **backwards})
        self._layers = [self.forward_layer, self.backward_layer]
        self.merge_mode, self.supports_masking = merge_mode, True
        self._initial_weights = weights

    def call(self, inputs, mask=None, training=None):
        """Both directions, put together."""
        arguments = {"mask": mask, "training": training}
        a, b = (generic_utils.to_list(x(inputs, **arguments)) for x in self._layers)
        y, z = a[0], b[0]
        if self.layer.return_sequences:
            z = tf.reverse(z, [1])
        merge = {
            "concat": lambda: tf.concat([y, z], -1), "sum": lambda: y + z, "ave": lambda: (y + z) / 2,
            "mul": lambda: y * z, None: lambda: [y, z],
        }  # fmt: skip
        outputs = merge[self.merge_mode]()
        return [*generic_utils.to_list(outputs), *a[1:], *b[1:]] if self.layer.return_state else outputs

    def compute_mask(self, inputs, mask=None):
        """That of the steps, if they are returned."""
        found = mask if self.layer.return_sequences else None
        return [found, found] if self.merge_mode is None else found

    def compute_output_shape(self, input_shape):
        """The shape of both together."""
        shape = self.forward_layer.compute_output_shape(input_shape)
        return (*shape[:-1], shape[-1] * 2) if self.merge_mode == "concat" else shape

    def get_config(self):
        """The arguments that make it again."""
        return {**super().get_config(), "merge_mode": self.merge_mode}
