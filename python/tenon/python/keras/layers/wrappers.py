"""Layers around layers."""

import tenon as tf
from tenon.python.keras.engine.base_layer import Layer
from tenon.python.keras.engine.node import InputSpec
from tenon.python.keras.layers.core import _static
from tenon.python.keras.layers.recurrent import _apart
from tenon.python.keras.utils import generic_utils
from tenon.python.util import nest

TF_NAMESPACES = ("keras.layers", "keras.layers.wrappers")


class Wrapper(Layer):
    """Base class: `layer` is what is inside."""

    def __init__(self, layer, **kwargs):
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape=None):
        """Makes the variables of what is inside."""
        if not self.layer.built:
            self.layer._dtype = self.layer._dtype or self._dtype
            self.layer.build(input_shape)
            self.layer.built = True
        self.built = True

    @property
    def activity_regularizer(self):
        """That of what is inside."""
        return getattr(self.layer, "activity_regularizer", None) if "layer" in self.__dict__ else None

    def get_config(self):
        """The arguments that make it again."""
        inner = {"class_name": generic_utils.get_registered_name(self.layer.__class__),
                 "config": self.layer.get_config()}  # fmt: skip
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
        if not isinstance(layer, Layer):
            raise ValueError(f"Please initialize `TimeDistributed` layer with a `tf.keras.layers.Layer` instance. You "
                             f"passed: {layer}")  # fmt: skip
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    def build(self, input_shape):
        """Makes the variables of what is inside, for one step."""
        shape = _static(input_shape)
        if len(shape) < 3:
            raise ValueError("`TimeDistributed` Layer should be passed an `input_shape ` with at least 3 dimensions, "
                             f"received: {list(shape)}")  # fmt: skip
        self.input_spec = InputSpec(shape=(None, *shape[1:]))
        super().build(tf.TensorShape([shape[0], *shape[2:]]))

    @staticmethod
    def _flat(x):
        """All steps as samples."""
        flat = tf.reshape(x, tf.concat([[-1], tf.shape(x)[2:]], 0))
        flat.set_shape([None, *x.shape.as_list()[2:]])
        return flat

    @staticmethod
    def _back(x, inputs):
        result = tf.reshape(x, tf.concat([tf.shape(inputs)[:2], tf.shape(x)[1:]], 0))
        result.set_shape([*inputs.shape.as_list()[:2], *x.shape.as_list()[1:]])
        return result

    def call(self, inputs, training=None, mask=None):
        """All steps at once, as samples."""
        arguments = {}
        if generic_utils.has_arg(self.layer.call, "training"):
            arguments["training"] = training
        if generic_utils.has_arg(self.layer.call, "mask") and mask is not None:
            arguments["mask"] = self._flat(mask)
        outputs = self.layer.call(self._flat(inputs), **arguments)
        self.layer._regularize_activity(outputs)
        return self._back(outputs, inputs)

    def _regularize_activity(self, outputs):
        """What is inside did it."""

    def compute_mask(self, inputs, mask=None):
        """The mask of what is inside, of each step; else that of the inputs."""
        flat_mask = self._flat(mask) if mask is not None and mask.shape.ndims != 2 else None
        found = self.layer.compute_mask(self._flat(inputs), flat_mask) if self.layer.supports_masking else None
        found = generic_utils.to_list(found)[0]
        if found is not None:
            return self._back(found, inputs)
        for _ in range(2, mask.shape.ndims if mask is not None else 0):
            mask = tf.reduce_any(mask, axis=-1)
        return mask

    def compute_output_shape(self, input_shape):
        """(batch, steps, *what the layer makes)."""
        shape = _static(input_shape)
        inner = self.layer.compute_output_shape((shape[0], *shape[2:]))
        return (*shape[:2], *_static(inner)[1:])


_MERGES = {
    "concat": lambda y, z: tf.concat([y, z], -1), "sum": lambda y, z: y + z, "ave": lambda y, z: (y + z) / 2,
    "mul": lambda y, z: y * z, None: lambda y, z: [y, z],
}  # fmt: skip


class Bidirectional(Wrapper):
    """A recurrent layer over the steps in both directions."""

    def __init__(self, layer, merge_mode="concat", weights=None, backward_layer=None, **kwargs):
        if not isinstance(layer, Layer):
            raise ValueError("Please initialize `Bidirectional` layer with a `tf.keras.layers.Layer` instance. Received: "  # noqa: E501
                             f"{layer}")  # fmt: skip
        if merge_mode not in _MERGES:
            raise ValueError(f"Invalid merge mode. Received: {merge_mode}. Merge mode should be one of "
                             '{"sum", "mul", "ave", "concat", None}')  # fmt: skip
        shape = {"batch_input_shape": layer._batch_input_shape} if hasattr(layer, "_batch_input_shape") else {}
        self._num_constants = kwargs.pop("num_constants", None)
        super().__init__(layer, **{**shape, **kwargs})
        self.forward_layer = _copy(layer, "forward_" + layer.name)
        self._own_backward = backward_layer is not None
        if backward_layer is None:
            self.backward_layer = _copy(layer, "backward_" + layer.name, go_backwards=not layer.go_backwards)
        else:
            self._check_backward(layer, backward_layer)
            self.backward_layer = _copy(backward_layer, "backward_" + backward_layer.name)
        for inner in (self.forward_layer, self.backward_layer):
            if hasattr(inner, "zero_output_for_mask"):
                inner.zero_output_for_mask = inner.return_sequences  # so that merging does not see old outputs
        self._layers = [self.forward_layer, self.backward_layer]
        self.merge_mode, self.supports_masking = merge_mode, True
        self.stateful, self.return_sequences = layer.stateful, layer.return_sequences
        self.return_state = layer.return_state
        if weights is not None:
            half = len(weights) // 2
            self.forward_layer._initial_weights = weights[:half]
            self.backward_layer._initial_weights = weights[half:]
        self.input_spec = layer.input_spec

    @staticmethod
    def _check_backward(layer, backward):
        if layer.go_backwards == backward.go_backwards:
            raise ValueError("Forward layer and backward layer should have different `go_backwards` value.")
        for name in ("stateful", "return_sequences", "return_state"):
            if getattr(layer, name) != getattr(backward, name):
                raise ValueError(f"Forward layer and backward layer are expected to have the same value for attribute "
                                 f'"{name}", got "{getattr(layer, name)}" for forward layer and '
                                 f'"{getattr(backward, name)}" for backward layer')  # fmt: skip

    def build(self, input_shape):
        """The two layers make their variables when they are called."""
        self.built = True

    def __call__(self, inputs, initial_state=None, constants=None, **kwargs):
        inputs, initial_state, constants = _apart(inputs, initial_state, constants, self._num_constants)
        self.input_spec = generic_utils.to_list(self.forward_layer.input_spec)[:1]
        if initial_state is None and constants is None:
            return super().__call__(inputs, **kwargs)
        if initial_state is not None and len(initial_state) % 2:
            raise ValueError("When passing `initial_state` to a Bidirectional RNN, the state should be a list containing "  # noqa: E501
                             f"the states of the underlying RNNs. Received: {initial_state}")  # fmt: skip
        if constants is not None:
            self._num_constants = len(constants)
        extra = [*(initial_state or ()), *(constants or ())]
        flat = nest.flatten(extra)
        if all(hasattr(t, "_keras_history") for t in [inputs, *flat]):
            self.input_spec = [*self.input_spec, *[None] * len(flat)]
            return super().__call__([inputs, *flat], **kwargs)
        given = {"initial_state": initial_state, "constants": constants}
        return super().__call__(inputs, **kwargs, **{k: v for k, v in given.items() if v is not None})

    def call(self, inputs, training=None, mask=None, initial_state=None, constants=None):
        """Both directions, put together."""
        arguments = {}
        if training is not None:
            arguments["training"] = training
        if isinstance(inputs, (list, tuple)):
            inputs, initial_state, constants = _apart(inputs, None, None, self._num_constants)
            mask = nest.flatten(mask)[0] if mask is not None else None
        if mask is not None:
            arguments["mask"] = mask
        if constants:
            arguments["constants"] = constants
        states = [{}, {}]
        if initial_state:
            half = len(initial_state) // 2
            states = [{"initial_state": initial_state[:half]}, {"initial_state": initial_state[half:]}]
        a, b = (generic_utils.to_list(layer(inputs, **arguments, **own)) for layer, own in zip(self._layers, states))
        y, z = a[0], b[0]
        if self.return_sequences:
            z = tf.reverse(z, [0 if getattr(self.forward_layer, "time_major", False) else 1])
        outputs = _MERGES[self.merge_mode](y, z)
        return [*generic_utils.to_list(outputs), *a[1:], *b[1:]] if self.return_state else outputs

    def reset_states(self, states=None):
        """Stateful layers begin anew."""
        half = None if states is None else len(states) // 2
        self.forward_layer.reset_states(None if states is None else states[:half])
        self.backward_layer.reset_states(None if states is None else states[half:])

    @property
    def constraints(self):
        """The constraints of the weights of both directions."""
        return {w: w.constraint for w in self.trainable_weights if getattr(w, "constraint", None) is not None}

    def compute_mask(self, inputs, mask):
        """That of the steps, if they are returned."""
        mask = nest.flatten(mask)[0]
        found = mask if self.return_sequences else None
        found = [found, found] if self.merge_mode is None else found
        if not self.return_state:
            return found
        return [*generic_utils.to_list(found), *[None] * 2 * len(self.forward_layer.states)]

    def compute_output_shape(self, input_shape):
        """The shape of both together."""
        shape = self.forward_layer.compute_output_shape(input_shape)
        states = []
        if self.return_state:
            shape, states = shape[0], shape[1:]
        out = (*shape[:-1], shape[-1] * 2) if self.merge_mode == "concat" else shape
        out = [shape, shape] if self.merge_mode is None else out
        return [*generic_utils.to_list([out] if isinstance(out, tuple) else out), *states, *states] if (
            self.return_state) else out  # fmt: skip

    def get_config(self):
        """The arguments that make it again."""
        config = {**super().get_config(), "merge_mode": self.merge_mode}
        if self._num_constants is not None:
            config["num_constants"] = self._num_constants
        if self._own_backward:
            config["backward_layer"] = {"class_name": self.backward_layer.__class__.__name__,
                                        "config": self.backward_layer.get_config()}  # fmt: skip
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The layer that get_config described."""
        from tenon.python.keras import layers

        config = dict(config)
        if config.get("backward_layer") is not None:
            config["backward_layer"] = layers.deserialize(config["backward_layer"], custom_objects)
        return super().from_config(config, custom_objects)


def _copy(layer, name, **changes):
    """Another layer of the same settings, with a name of its own."""
    return layer.__class__.from_config({**layer.get_config(), "name": name, **changes})
