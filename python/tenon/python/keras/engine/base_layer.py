"""Layers: what makes variables and, called on tensors, new tensors that remember where they came from."""

import functools
import inspect
import threading

import numpy as np

import tenon as tf
from tenon.python.framework import ops
from tenon.python.keras import backend as K
from tenon.python.keras.engine.layer_lists import LayerLists
from tenon.python.keras.engine.node import History, Node
from tenon.python.keras.utils import generic_utils
from tenon.python.util import nest
from tenon.python.util.tf_export import tf_export


class _CallContext(threading.local):
    """Which layers are being called."""

    def __init__(self):
        self.stack = []

    @property
    def training(self):
        return next((t for _, t in reversed(self.stack) if t is not None), None)


call_context = _CallContext()


def _is_value(thing):
    """Whether it is a tensor of some kind; a layer may give None or a distribution beside those."""
    return hasattr(thing, "dtype") and hasattr(thing, "shape")


def _is_default(method):
    return getattr(method, "_is_default", False)


def _default(method):
    method._is_default = True
    return method


_ARGUMENTS = {"input_shape", "batch_input_shape", "batch_size", "weights", "activity_regularizer", "autocast",
              "input_dtype", "input_dim", "input_length", "dynamic", "implementation", "experimental_autocast"}  # fmt: skip  # noqa: E501


@tf_export("keras.layers.Layer", "keras.engine.Layer", "keras.engine.topology.Layer", "keras.engine.base_layer.Layer")
class Layer(LayerLists):
    """Base class: `build(input_shape)` makes variables with add_weight, `call(inputs)` makes outputs."""

    def __new__(cls, *args, **kwargs):
        self = object.__new__(cls)
        self.__dict__.update(_inbound_nodes=[], _outbound_nodes=[], _entries=[], _trainable_weights=[],
                             _non_trainable_weights=[], _losses=[], _callable_losses=[], _updates=[], _metrics=[],
                             built=False, _trainable=True, _initial_weights=None, input_spec=None, _stateful=False,
                             _activity_regularizer=None, _name=None, _dtype=None)  # fmt: skip
        return self

    def __init__(self, trainable=True, name=None, dtype=None, dynamic=False, **kwargs):
        for key in kwargs:
            if key not in _ARGUMENTS:
                raise TypeError("Keyword argument not understood:", key)
        self._trainable = trainable
        self._name = name or K.unique_object_name(generic_utils.to_snake_case(self.__class__.__name__))
        self._dtype = None if dtype is None else tf.as_dtype(dtype).name
        self.supports_masking = not _is_default(self.compute_mask)
        self._initial_weights = kwargs.get("weights")
        if kwargs.get("activity_regularizer") is not None:
            self._activity_regularizer = kwargs["activity_regularizer"]
        shape = kwargs.get("batch_input_shape")
        if shape is None and kwargs.get("input_shape") is not None:
            shape = (kwargs.get("batch_size"), *kwargs["input_shape"])
        elif shape is None and kwargs.get("input_dim") is not None and not isinstance(self, _OwnInputDim):
            length = kwargs.get("input_length")
            shape = (kwargs.get("batch_size"), *(() if "input_length" not in kwargs else (length,)),
                     kwargs["input_dim"])  # fmt: skip
        if shape is not None:
            self._batch_input_shape = tuple(shape)

    def __setattr__(self, name, value):
        entries = self.__dict__.get("_entries")
        if entries is not None:
            if name not in ("_layers", "_entries", "_inbound_nodes", "_outbound_nodes"):
                self._track_layers(entries, name, value)
            if isinstance(value, tf.Variable) and name[:1] != "__":
                self._track_variable(value)
        object.__setattr__(self, name, value)

    def _track_variable(self, value):
        ours = self._trainable_weights if value.trainable else self._non_trainable_weights
        if not any(value is v for v in self._trainable_weights + self._non_trainable_weights):
            ours.append(value)
            K.track_variable(value)

    # --- what it is ---

    @property
    def name(self):
        """The name."""
        return self._name

    @property
    def dtype(self):
        """The name of the dtype of its variables."""
        return self._dtype

    @property
    def trainable(self):
        """Whether training changes its weights."""
        return self._trainable

    @trainable.setter
    def trainable(self, value):
        self._trainable = value
        for layer in self._layers:
            layer.trainable = value

    @property
    def stateful(self):
        """Whether it keeps states from batch to batch."""
        return self._stateful or any(layer.stateful for layer in self._layers)

    @stateful.setter
    def stateful(self, value):
        self._stateful = value

    @property
    def activity_regularizer(self):
        """The regularizer of outputs."""
        return self._activity_regularizer

    @activity_regularizer.setter
    def activity_regularizer(self, value):
        self._activity_regularizer = value

    def _gather(self, attribute):
        return [v for layer in self._layers for v in getattr(layer, attribute)]

    @property
    def trainable_weights(self):
        """The variables that training changes."""
        return unique([*self._trainable_weights, *self._gather("trainable_weights")]) if self.trainable else []

    @property
    def non_trainable_weights(self):
        """The variables that training leaves alone."""
        if self.trainable:
            return unique([*self._non_trainable_weights, *self._gather("non_trainable_weights")])
        return unique([*self._trainable_weights, *self._non_trainable_weights, *self._gather("weights")])

    @property
    def weights(self):
        """All variables, trainable ones first."""
        return self.trainable_weights + self.non_trainable_weights

    variables = property(lambda self: self.weights)
    trainable_variables = property(lambda self: self.trainable_weights)
    non_trainable_variables = property(lambda self: self.non_trainable_weights)

    @property
    def losses(self):
        """Losses of regularizers and those added."""
        own = [*self._losses, *(loss for loss in (f() for f in self._callable_losses) if loss is not None)]
        return own + self._gather("losses")

    @property
    def updates(self):
        """What training has to run with each batch."""
        if not self.trainable and not self.stateful:
            return []
        return [*self._updates, *self._gather("updates")]

    @property
    def metrics(self):
        """The metrics that were added."""
        return [*self._metrics, *self._gather("metrics")]

    def get_updates_for(self, inputs):
        """The updates that depend on INPUTS; those that depend on none if that is None."""
        return _depending(self.updates, inputs)

    def get_losses_for(self, inputs):
        """The losses that depend on INPUTS; those that depend on none if that is None."""
        return _depending(self.losses, inputs)

    def get_config(self):
        """The arguments that make it again."""
        config = {"name": self.name, "trainable": self.trainable}
        if hasattr(self, "_batch_input_shape"):
            config["batch_input_shape"] = self._batch_input_shape
        config["dtype"] = self.dtype or K.floatx()
        return config

    @classmethod
    def from_config(cls, config):
        """The layer that get_config described."""
        return cls(**config)

    def count_params(self):
        """How many numbers the weights hold."""
        if not self.built:
            raise ValueError(f"You tried to call `count_params` on {self.name}, but the layer isn't built. You can "
                             f"build it manually via: `{self.name}.build(batch_input_shape)`.")  # fmt: skip
        return int(sum(np.prod(w.shape.as_list()) for w in self.weights))

    # --- where it was used ---

    def _node(self, index, what):
        if not self._inbound_nodes:
            raise AttributeError(f"The layer {self.name} has never been called and thus has no defined {what}.")
        if not len(self._inbound_nodes) > index:
            raise ValueError(f"Asked to get {what} at node {index}, but the layer has only {len(self._inbound_nodes)} "
                             "inbound nodes.")  # fmt: skip
        return self._inbound_nodes[index]

    def _only_node(self, what):
        if len(self._inbound_nodes) > 1 and "shape" not in what:
            raise AttributeError(f"Layer {self.name} has multiple inbound nodes, hence the notion of \"layer {what}\" is "  # noqa: E501
                                 f"ill-defined. Use `get_{what}_at(node_index)` instead.")  # fmt: skip
        return self._node(0, what)

    def get_input_at(self, node_index):
        """The input of one use."""
        return self._node(node_index, "input").inputs

    def get_output_at(self, node_index):
        """The output of one use."""
        return self._node(node_index, "output").outputs

    def get_input_shape_at(self, node_index):
        """The shape of the input of one use."""
        return self._node(node_index, "input shape").input_shapes

    def get_output_shape_at(self, node_index):
        """The shape of the output of one use."""
        return self._node(node_index, "output shape").output_shapes

    def get_input_mask_at(self, node_index):
        """The mask of the input of one use."""
        return nest.map_structure(lambda t: getattr(t, "_keras_mask", None), self.get_input_at(node_index))

    def get_output_mask_at(self, node_index):
        """The mask of the output of one use."""
        return nest.map_structure(lambda t: getattr(t, "_keras_mask", None), self.get_output_at(node_index))

    input_mask = property(lambda self: self.get_input_mask_at(0))
    output_mask = property(lambda self: self.get_output_mask_at(0))
    inbound_nodes = property(lambda self: self._inbound_nodes)
    outbound_nodes = property(lambda self: self._outbound_nodes)

    @property
    def input(self):
        """The tensor it was called on."""
        return self._only_node("input").inputs

    @property
    def output(self):
        """The tensor it made."""
        return self._only_node("output").outputs

    @property
    def input_shape(self):
        """The shape of what it was called on."""
        shapes = [n.input_shapes for n in self._inbound_nodes]
        self._same_shapes(shapes, "input")
        return self._only_node("input shape").input_shapes

    @property
    def output_shape(self):
        """The shape of what it made."""
        shapes = [n.output_shapes for n in self._inbound_nodes]
        self._same_shapes(shapes, "output")
        return self._only_node("output shape").output_shapes

    def _same_shapes(self, shapes, what):
        if any(s != shapes[0] for s in shapes):
            raise AttributeError(f"The layer \"{self.name}\" has multiple inbound nodes, with different {what} shapes. "
                                 f"Hence the notion of \"{what} shape\" is ill-defined for the layer. Use "
                                 f"`get_{what}_shape_at(node_index)` instead.")  # fmt: skip

    # --- making ---

    def build(self, input_shape):
        """Makes the variables."""
        self.built = True

    def call(self, inputs, **kwargs):
        """Makes the outputs."""
        return inputs

    @_default
    def compute_mask(self, inputs, mask=None):
        """The mask of the outputs."""
        if not self.supports_masking:
            if any(m is not None for m in nest.flatten(mask)):
                raise TypeError(f"Layer {self.name} does not support masking, but was passed an input_mask: {mask}")
            return None
        return mask

    def compute_output_shape(self, input_shape):
        """The shape of the outputs, found by calling it in a graph of its own."""
        with tf.Graph().as_default():
            inputs = nest.map_structure(lambda s: K.placeholder(s, dtype=self.dtype or K.floatx()),
                                        _shape_leaves(input_shape))  # fmt: skip
            copy = self.__class__.from_config(self.get_config())
            return nest.map_structure(K.int_shape, copy(inputs.value if isinstance(inputs, _Shape) else inputs))

    def add_weight(self, name=None, shape=None, dtype=None, initializer=None, regularizer=None, trainable=None,
                   constraint=None, partitioner=None, use_resource=None, **kwargs):  # fmt: skip
        """A new variable."""
        from tenon.python.keras import constraints, initializers, regularizers

        if isinstance(name, (tuple, list)) and not isinstance(shape, (tuple, list, type(None))):
            name, shape = shape, name  # the order of before
        trainable = True if trainable is None else trainable
        dtype = tf.as_dtype(dtype or self.dtype or K.floatx())
        initializer = initializers.get(initializer)
        if initializer is None:
            initializer = initializers.get("glorot_uniform" if dtype.is_floating else "zeros")
        regularizer, constraint = regularizers.get(regularizer), constraints.get(constraint)
        shape = [int(d) for d in (shape if shape is not None else ())]
        start = functools.partial(_first_value, initializer, shape, dtype)
        variable = tf.Variable(start, use_resource=True, trainable=trainable, name=name or "Variable", dtype=dtype,
                               constraint=constraint)  # fmt: skip
        self._track_variable(variable)
        if regularizer is not None:
            self._callable_losses.append(functools.partial(_weight_loss, variable, regularizer))
        return variable

    def add_variable(self, *args, **kwargs):
        """The same as add_weight."""
        return self.add_weight(*args, **kwargs)

    def add_loss(self, losses, inputs=None):
        """Adds losses: tensors, or functions that make one."""
        for loss in nest.flatten(losses):
            if callable(loss):
                self._callable_losses.append(loss)
            elif loss is not None:
                self._losses.append(loss if isinstance(loss, tf.Tensor) else tf.convert_to_tensor(loss))

    def add_update(self, updates, inputs=None):
        """Adds what training has to run."""
        for update in generic_utils.to_list(updates):
            update = update() if callable(update) and not isinstance(update, (tf.Tensor, tf.Operation)) else update
            if isinstance(update, tuple):
                update = tf.assign(*update)
            self._updates.append(getattr(update, "op", update))

    def add_metric(self, value, aggregation=None, name=None):
        """Adds a metric of a tensor: its mean, or a Metric object that made it."""
        from tenon.python.keras import metrics

        made = getattr(value, "_metric_obj", None)
        if made is None:
            made = metrics.Mean(name=name or "mean")
            result = made(value)
        else:
            result = value
        made._symbolic_result = result
        self._metrics.append(made)

    def set_weights(self, weights):
        """Gives the variables values: a list of arrays in the order of `weights`."""
        ours = self.weights
        if len(ours) != len(weights):
            raise ValueError(f"You called `set_weights(weights)` on layer \"{self.name}\" with a  weight list of length "  # noqa: E501
                             f"{len(weights)}, but the layer was expecting {len(ours)} weights. Provided weights: "
                             f"{str(weights)[:50]}...")  # fmt: skip
        for variable, value in zip(ours, weights):
            if tuple(variable.shape.as_list()) != np.shape(value):
                raise ValueError(f"Layer weight shape {tuple(variable.shape.as_list())} not compatible with provided "
                                 f"weight shape {np.shape(value)}")  # fmt: skip
        K.batch_set_value(list(zip(ours, weights)))

    def get_weights(self):
        """The values of the variables."""
        return K.batch_get_value(self.weights)

    def _scope(self):
        return self.name

    @functools.cached_property
    def _call_parameters(self):
        return set(inspect.signature(self.call).parameters)

    def __call__(self, inputs, *args, **kwargs):
        """The outputs for inputs; the first call makes the variables."""
        inputs = nest.map_structure(_as_tensor, inputs)
        flat = nest.flatten(inputs)
        outermost = not call_context.stack
        if outermost:
            from tenon.python.keras.engine import op_layer

            op_layer.wrap(flat)
        given = kwargs.get("training")
        training = given if given is not None else call_context.training
        if "training" in self._call_parameters and given is None and training is not None:
            kwargs["training"] = training
        elif "training" not in self._call_parameters:
            kwargs.pop("training", None)
        recorded = {k: v for k, v in kwargs.items() if k != "mask" or v is not None}
        masks = nest.map_structure(lambda t: getattr(t, "_keras_mask", None), inputs)
        if "mask" in self._call_parameters and kwargs.get("mask") is None and any(m is not None for m in _flat(masks)):
            kwargs["mask"] = masks
        with ops.get_default_graph().as_default() if not flat else flat[0].graph.as_default():
            with tf.name_scope(self._scope()):
                call_context.stack.append((self, training))
                try:
                    self._maybe_build(inputs)
                    outputs = self.call(inputs, *args, **kwargs)
                finally:
                    call_context.stack.pop()
                if outputs is None:
                    raise ValueError("A layer's `call` method should return a Tensor or a list of Tensors, not None "
                                     f"(layer: {self.name}).")  # fmt: skip
                self._regularize_activity(outputs)
        self._set_masks(inputs, outputs, kwargs.get("mask", masks))
        if outermost and flat and all(hasattr(t, "_keras_history") for t in flat):
            outputs = self._record(inputs, outputs, args, {k: v for k, v in recorded.items() if k != "mask" or
                                                           any(hasattr(m, "_keras_history") for m in _flat(v))})  # fmt: skip  # noqa: E501
        return outputs

    def apply(self, inputs, *args, **kwargs):
        """The same as calling it."""
        return self.__call__(inputs, *args, **kwargs)

    def _maybe_build(self, inputs):
        if self.built:
            self._check(inputs)
            return
        flat = nest.flatten(inputs)
        self._check(inputs)
        if self._dtype is None and flat:
            dtype = flat[0].dtype.base_dtype
            self._dtype = dtype.name if dtype.is_floating else K.floatx()
        shapes = nest.map_structure(lambda x: x.shape, inputs)
        if not getattr(self.build, "_is_default", False):
            self.build(shapes)
        self.built = True
        if self._initial_weights is not None:
            self.set_weights(self._initial_weights)
            self._initial_weights = None

    def _check(self, inputs):
        if self.input_spec is None:
            return
        specs, flat = generic_utils.to_list(self.input_spec), nest.flatten(inputs)
        if len(specs) != len(flat):
            raise ValueError(f"Layer {self.name} expects {len(specs)} inputs, but it received {len(flat)} input tensors. "  # noqa: E501
                             f"Inputs received: {inputs}")  # fmt: skip
        for i, (tensor, spec) in enumerate(zip(flat, specs)):
            if spec is not None:
                spec.check(tensor, i, self.name)

    def _regularize_activity(self, outputs):
        if self._activity_regularizer is None:
            return
        with tf.name_scope("ActivityRegularizer"):
            for output in nest.flatten(outputs):
                loss = self._activity_regularizer(output)
                self.add_loss(loss / tf.cast(tf.shape(output)[0], loss.dtype))

    def _set_masks(self, inputs, outputs, masks):
        flat = nest.flatten(outputs)
        if all(hasattr(t, "_keras_mask") for t in flat) and _is_default(self.compute_mask) is not False:
            return
        found = None
        if self.supports_masking or not _is_default(self.compute_mask):
            found = self.compute_mask(inputs, masks)
        found = _flat(found) if found is not None else [None] * len(flat)
        for tensor, mask in zip(flat, found):
            if _is_value(tensor):
                tensor._keras_mask = mask

    def _record(self, inputs, outputs, args, kwargs):
        """Remembers this use; what is passed through unchanged becomes a tensor of its own."""
        flat_inputs = nest.flatten(inputs)

        def own(t):
            if not any(t is x for x in flat_inputs) or not _is_value(t):
                return t
            mask = getattr(t, "_keras_mask", None)
            with tf.name_scope(self.name):
                t = tf.identity(t)
            t._keras_mask = mask
            return t

        outputs = nest.map_structure(own, outputs)
        node = Node(self, inputs, outputs, args, kwargs)
        self._inbound_nodes.append(node)
        for i, t in enumerate(node.output_tensors):
            if _is_value(t):
                t._keras_history = History(self, len(self._inbound_nodes) - 1, i)
                t._keras_shape = K.int_shape(t)
        return outputs

    def __getstate__(self):
        return {k: v for k, v in self.__dict__.items() if k not in ("_inbound_nodes", "_outbound_nodes")}


Layer.build._is_default = False


class _OwnInputDim:
    """Layers whose argument input_dim is not the size of their inputs."""


def unique(values):
    """VALUES without those that came before, by identity."""
    return list({id(v): v for v in values}.values())


def _flat(masks):
    return [masks] if masks is None else nest.flatten(masks)


def _first_value(initializer, shape, dtype):
    return initializer(shape, dtype=dtype)


def _weight_loss(variable, regularizer):
    with tf.name_scope(variable.op.name.split("/")[-1] + "/Regularizer"):
        return regularizer(variable)


def _as_tensor(x):
    if isinstance(x, (np.ndarray, float, int, np.generic)):
        x = np.asarray(x)
        return tf.convert_to_tensor(x.astype(K.floatx()) if x.dtype.kind == "f" else x)
    return tf.convert_to_tensor(x) if isinstance(x, tf.Variable) else x


class _Shape:
    """One shape."""

    def __init__(self, value):
        self.value = value


def _shape_leaves(shape):
    if isinstance(shape, list) and shape and isinstance(shape[0], (list, tuple, tf.TensorShape)):
        return [_leaf(s) for s in shape]
    return _leaf(shape)


def _leaf(shape):
    return tf.TensorShape(shape)


def _depending(values, inputs):
    """Those of VALUES that INPUTS reach; those that no placeholder of theirs reaches where INPUTS is None."""
    if inputs is None:
        return [v for v in values if not _reached(v)]
    seen = reachable(nest.flatten(inputs))
    return [v for v in values if getattr(v, "op", v) in seen or v in seen]


def _reached(value):
    seen, todo = set(), [getattr(value, "op", value)]
    while todo:
        op = todo.pop()
        if op in seen:
            continue
        seen.add(op)
        if op.type == "Placeholder":
            return True
        todo += [t.op for t in op.inputs]
        todo += op.control_inputs
    return False


def reachable(tensors):
    """The operations that depend on tensors."""
    seen, todo = set(), [op for t in tensors for op in t.consumers()]
    while todo:
        op = todo.pop()
        if op in seen:
            continue
        seen.add(op)
        for output in op.outputs:
            todo += output.consumers()
    return seen
