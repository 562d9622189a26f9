"""The base of layers: variables made once, in a scope of their own, and called on inputs."""

import operator
import re

from tenon.python.framework import dtypes, ops, tensor_shape
from tenon.python.ops import variable_scope
from tenon.python.ops import variables as tf_variables
from tenon.python.util import nest
from tenon.python.util.tf_export import tf_export


@tf_export("layers.InputSpec")
class InputSpec:
    """What a layer takes: dtype, shape, rank, bounds of the rank, and sizes of dimensions."""

    def __init__(self, dtype=None, shape=None, ndim=None, max_ndim=None, min_ndim=None, axes=None,
                 allow_last_axis_squeeze=False, name=None, optional=False):  # fmt: skip
        self.dtype = None if dtype is None else dtypes.as_dtype(dtype).name
        self.shape = shape
        self.ndim = len(shape) if shape is not None else ndim
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = {} if axes is None else {int(k): axes[k] for k in axes}


def _check_input(spec, tensor, index, name):
    """ValueError where an input is not what the layer takes."""
    shape = tensor.get_shape()
    lead = f"Input {index} of layer {name} is incompatible with the layer: "
    if (spec.ndim is not None or spec.min_ndim is not None or spec.max_ndim is not None) and shape.ndims is None:
        raise ValueError(lead + "its rank is undefined, but the layer requires a defined rank.")
    for what, bad in (("ndim", operator.ne), ("max_ndim", operator.gt), ("min_ndim", operator.lt)):
        wanted = getattr(spec, what)
        if wanted is not None and bad(shape.ndims, wanted):
            raise ValueError(f"{lead}: expected {what}={wanted}, found ndim={shape.ndims}. Full shape received: "
                             f"{shape.as_list()}")  # fmt: skip
    if spec.dtype is not None and tensor.dtype.base_dtype.name != spec.dtype:
        raise ValueError(f"{lead}expected dtype={spec.dtype}, found dtype={tensor.dtype.name}")
    for axis, value in spec.axes.items():
        found = shape.as_list()[axis] if shape.ndims is not None else None
        value = getattr(value, "value", value)
        if value is not None and found not in (value, None):
            raise ValueError(f"{lead}expected axis {axis} of input shape to have value {value} but received input with "
                             f"shape {shape.as_list()}")  # fmt: skip
    if spec.shape is not None and shape.ndims is not None:
        for wanted, found in zip(tensor_shape.as_shape(spec.shape).as_list(), shape.as_list()):
            if wanted is not None and found is not None and wanted != found:
                raise ValueError(f"{lead}expected shape={spec.shape}, found shape={shape.as_list()}")


def to_snake_case(name):
    """ConvLayer as conv_layer."""
    middle = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
    snake = re.sub("([a-z])([A-Z])", r"\1_\2", middle).lower()
    return snake if snake[0] != "_" else "private" + snake


def _add_new(elements, key):
    """Adds to a collection what is not in it."""
    collection = ops.get_collection_ref(key)
    for element in elements:
        if not any(element is other for other in collection):
            collection.append(element)


def _unique_name(base):
    """BASE_1, BASE_2 ... : counted in the graph."""
    counts = ops.get_default_graph().__dict__.setdefault("_layer_names", {})
    counts[base] = counts.get(base, 0) + 1
    return f"{base}_{counts[base]}"


@tf_export("layers.Layer")
class Layer:
    """A layer: `build` makes variables, `call` makes outputs, and calling it does both."""

    def __init__(self, trainable=True, name=None, dtype=None, **kwargs):
        self._use_resource_variables = False
        scope = kwargs.pop("_scope", None)
        self._reuse = kwargs.pop("_reuse", None)
        self._activity_regularizer = kwargs.pop("activity_regularizer", None)
        if kwargs:
            raise TypeError(f"Keyword argument not understood: {next(iter(kwargs))}")
        self._scope = None
        self._base_name = to_snake_case(self.__class__.__name__) if name is None else name
        self._name = _unique_name(self._base_name) if name is None else name
        self.trainable = trainable
        self.built = False
        self.stateful = False
        self.supports_masking = False
        self.input_spec = None
        self._dtype = None if dtype is None else dtypes.as_dtype(dtype).name
        self._graph = None
        self._current_scope = None
        self._trainable_weights = []
        self._non_trainable_weights = []
        self._updates = []  # (operation, whether it depends on inputs)
        self._losses = []
        self._calls = []  # (inputs, outputs)
        if scope:
            with variable_scope.variable_scope(scope) as captured:
                self._scope = captured

    # --- looking ---

    @property
    def name(self):
        """The name."""
        return self._name

    @property
    def dtype(self):
        """The name of the dtype of its variables, None if the first input decides."""
        return self._dtype

    @property
    def graph(self):
        """The graph it was first used in."""
        return self._graph

    @property
    def scope_name(self):
        """The name of the variable scope; ValueError before it was used."""
        if not self._scope:
            raise ValueError(f'No name available for layer scope because the layer "{self._name}" has not been '
                             f'used yet. '
                             "The scope name  is determined the first time the layer instance is called. You must "
                             "therefore call the layer before querying `scope_name`.")  # fmt: skip
        return self._scope.name

    @property
    def trainable_weights(self):
        """The variables that training changes."""
        return [*self._trainable_weights, *self._inner("trainable_weights")] if self.trainable else []

    @property
    def non_trainable_weights(self):
        """The variables that training leaves alone."""
        if self.trainable:
            return [*self._non_trainable_weights, *self._inner("non_trainable_weights")]
        return [*self._trainable_weights, *self._non_trainable_weights, *self._inner("weights")]

    @property
    def weights(self):
        """All variables, trainable ones first."""
        return self.trainable_weights + self.non_trainable_weights

    def _inner(self, attribute):
        """What the layers that are attributes of this one have."""
        found = []
        for value in self.__dict__.values():
            if isinstance(value, Layer):
                found += getattr(value, attribute)
        return found

    variables = weights
    trainable_variables = trainable_weights
    non_trainable_variables = non_trainable_weights

    @property
    def updates(self):
        """Operations to run in each step of training."""
        if not self.trainable and not self.stateful:
            return []
        return [op for op, _ in self._updates]

    @property
    def losses(self):
        """Losses of regularizers."""
        return [loss for loss, _ in self._losses]

    @property
    def activity_regularizer(self):
        """The regularizer of outputs."""
        return self._activity_regularizer

    @activity_regularizer.setter
    def activity_regularizer(self, regularizer):
        self._activity_regularizer = regularizer

    def get_updates_for(self, inputs):
        """The updates that depend on inputs, or on none of them when INPUTS is None."""
        return [op for op, conditional in self._updates if conditional == (inputs is not None)]

    def get_losses_for(self, inputs):
        """The losses that depend on inputs, or on none of them when INPUTS is None."""
        return [loss for loss, conditional in self._losses if conditional == (inputs is not None)]

    def _one_call(self, which, what):
        if not self._calls:
            raise AttributeError(f"The layer has never been called and thus has no defined {what}.")
        value = nest.flatten(self._calls[0][which])
        return value[0] if len(value) == 1 else self._calls[0][which]

    @property
    def input(self):
        """What it was called on first."""
        return self._one_call(0, "input")

    @property
    def output(self):
        """What it returned first."""
        return self._one_call(1, "output")

    @property
    def input_shape(self):
        """The shape of the input."""
        return tuple(self.input.get_shape().as_list())

    @property
    def output_shape(self):
        """The shape of the output."""
        return tuple(self.output.get_shape().as_list())

    def _calls_at(self, node_index):
        if node_index >= len(self._calls):
            raise ValueError(
                f"Asked to get a call at node {node_index}, but the layer has only {len(self._calls)} inbound nodes."
            )
        return self._calls[node_index]

    def get_input_at(self, node_index):
        """What it was called on the time of that number."""
        return self._calls_at(node_index)[0]

    def get_output_at(self, node_index):
        """What it returned the time of that number."""
        return self._calls_at(node_index)[1]

    def get_input_shape_at(self, node_index):
        """The shape of what it was called on the time of that number."""
        return tuple(self.get_input_at(node_index).get_shape().as_list())

    def get_output_shape_at(self, node_index):
        """The shape of what it returned the time of that number."""
        return tuple(self.get_output_at(node_index).get_shape().as_list())

    def compute_mask(self, inputs, mask=None):
        """The mask of the outputs: none."""
        return mask if self.supports_masking else None

    def get_weights(self):
        """The values of the variables in the default session."""
        return ops.get_default_session().run(self.weights)

    def set_weights(self, weights):
        """Gives the variables values in the default session."""
        for variable, value in zip(self.weights, weights):
            variable.load(value, ops.get_default_session())

    def count_params(self):
        """How many numbers the variables hold."""
        if not self.built:
            raise ValueError(f"You tried to call `count_params` on {self.name}, but the layer isn't built. You "
                             f"can build "
                             f"it manually via: `{self.name}.build(batch_input_shape)`.")  # fmt: skip
        return sum(w.get_shape().num_elements() for w in self.weights)

    def get_config(self):
        """The arguments that make it again."""
        return {"name": self.name, "trainable": self.trainable, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config):
        """The layer that get_config described."""
        return cls(**config)

    # --- making ---

    def build(self, input_shape):
        """Makes the variables."""
        self.built = True

    def call(self, inputs, *args, **kwargs):
        """Makes the outputs."""
        return inputs

    def compute_output_shape(self, input_shape):
        """The shape of the output for a shape of the input."""
        raise NotImplementedError

    def _name_scope(self):
        return self._current_scope.original_name_scope

    def _set_scope(self, scope=None):
        if self._scope is not None:
            return
        if self._reuse:
            with variable_scope.variable_scope(scope if scope is not None else self._base_name) as captured:
                self._scope = captured
        else:
            with variable_scope.variable_scope(scope, default_name=self._base_name) as captured:
                self._scope = captured

    def add_update(self, updates, inputs=None):
        """Adds operations to run in each step of training."""
        known = {id(op) for op, _ in self._updates}
        for update in updates if isinstance(updates, (list, tuple)) else [updates]:
            if not isinstance(update, ops.Operation):
                update = update.op
            if id(update) not in known:
                self._updates.append((update, inputs is not None and inputs is not False))

    def add_loss(self, losses, inputs=None):
        """Adds losses, also to the collection REGULARIZATION_LOSSES."""
        new = [x for x in (losses if isinstance(losses, (list, tuple)) else [losses]) if x is not None]
        self._losses += [(x, inputs is not None and inputs is not False) for x in new]
        _add_new(new, ops.GraphKeys.REGULARIZATION_LOSSES)

    def add_weight(self, name, shape, dtype=None, initializer=None, regularizer=None, trainable=None, constraint=None,
                   use_resource=None, synchronization=tf_variables.VariableSynchronization.AUTO,
                   aggregation=tf_variables.VariableAggregation.NONE, partitioner=None, **kwargs):  # fmt: skip
        """A variable in the layer's scope."""
        if trainable is None:
            trainable = synchronization is not tf_variables.VariableSynchronization.ON_READ
        if dtype is None:
            dtype = self.dtype or dtypes.float32.name
        before = set(tf_variables.global_variables()) if regularizer else ()
        self._set_scope(None)
        reuse = self.built or self._reuse
        count = len(self._trainable_weights)
        with variable_scope.variable_scope(self._scope, reuse=reuse, auxiliary_name_scope=False) as scope:
            self._current_scope = scope
            with ops.name_scope(self._name_scope()):
                initializer = scope.initializer if initializer is None else initializer
                if isinstance(initializer, str):
                    initializer = _initializer_of(initializer)
                use_resource = use_resource or self._use_resource_variables or scope.use_resource
                variable = variable_scope.get_variable(
                    name, shape=shape, dtype=dtypes.as_dtype(dtype), initializer=initializer,
                    trainable=trainable and self.trainable, constraint=constraint, partitioner=partitioner,
                    use_resource=use_resource, synchronization=synchronization, aggregation=aggregation,
                )  # fmt: skip
                parts = list(variable) if isinstance(variable, tf_variables.PartitionedVariable) else [variable]
                (self._trainable_weights if trainable else self._non_trainable_weights).extend(
                    p for p in parts if not any(p is w for w in self._trainable_weights + self._non_trainable_weights)
                )
                if regularizer and not set(parts) & before:
                    self._regularize(name, variable, parts, regularizer)
        assert len(self._trainable_weights) >= count
        return variable

    add_variable = add_weight

    def _regularize(self, name, variable, parts, regularizer):
        for part in parts:
            with ops.colocate_with(part), ops.name_scope(name + "/Regularizer"):
                self.add_loss(regularizer(part))

    def __call__(self, inputs, *args, **kwargs):
        """The outputs for inputs; the first call makes the variables."""
        self._set_scope(kwargs.pop("scope", None))
        flat = nest.flatten(inputs)
        graph = ops._get_graph_from_inputs([x for x in flat if isinstance(x, ops.Tensor)])
        if self._graph is None:
            self._graph = graph
        elif self._graph is not graph and not graph.building_function:
            raise ValueError(
                f"Input graph and Layer graph are not the same: {flat[0]} is not from the passed-in graph."
            )
        with variable_scope.variable_scope(
            self._scope, reuse=True if self.built else self._reuse, auxiliary_name_scope=False
        ) as scope:
            self._current_scope = scope
            with ops.name_scope(self._name_scope()):
                inputs = nest.map_structure(_as_tensor, inputs)
                if not self.built:
                    self._build(inputs)
                else:
                    self._assert_input_compatibility(inputs)
                outputs = self.call(inputs, *args, **kwargs)
                if outputs is None:
                    raise ValueError(f"A layer's `call` method should return a Tensor or a list of Tensors, not None "
                                     f"(layer: {self.name}).")  # fmt: skip
                if self._activity_regularizer is not None:
                    with ops.name_scope("ActivityRegularizer"):
                        for output in nest.flatten(outputs):
                            self.add_loss(self._activity_regularizer(output), inputs=inputs)
        self._calls.append((inputs, outputs))
        _add_new(self.updates, ops.GraphKeys.UPDATE_OPS)
        return outputs

    def _build(self, inputs):
        flat = nest.flatten(inputs)
        if self._dtype is None and flat and hasattr(flat[0], "dtype"):
            self._dtype = flat[0].dtype.base_dtype.name
        self._assert_input_compatibility(inputs)
        shapes = nest.map_structure(lambda x: x.get_shape() if hasattr(x, "get_shape") else None, inputs)
        self.build(shapes)
        self.built = True
        self._assert_input_compatibility(inputs)

    def apply(self, inputs, *args, **kwargs):
        """The same as calling it."""
        return self.__call__(inputs, *args, **kwargs)

    def _assert_input_compatibility(self, inputs):
        if not self.input_spec:
            return
        specs = self.input_spec if isinstance(self.input_spec, (list, tuple)) else [self.input_spec]
        flat = nest.flatten(inputs)
        if len(flat) != len(specs):
            raise ValueError(f"Layer {self.name} expects {len(specs)} inputs, but it received {len(flat)} input "
                             f"tensors. "
                             f"Inputs received: {inputs}")  # fmt: skip
        for i, (tensor, spec) in enumerate(zip(flat, specs)):
            if spec is not None:
                _check_input(spec, tensor, i, self.name)

    def __setattr__(self, name, value):
        object.__setattr__(self, name, value)

    def __deepcopy__(self, memo):
        import copy

        skip = {"_graph", "_scope", "_always_reuse_variable_scope"}
        result = self.__class__.__new__(self.__class__)
        memo[id(self)] = result
        for key, value in self.__dict__.items():
            object.__setattr__(result, key, value if key in skip else copy.copy(value))
        return result


def _as_tensor(value):
    import numpy as np

    return ops.convert_to_tensor(value) if isinstance(value, (np.ndarray, float, int)) or hasattr(
        value, "_AsTensor") else value  # fmt: skip


def _initializer_of(name):
    """The initializer that a name of Keras means."""
    from tenon.python.ops import init_ops

    table = {
        "zeros": init_ops.Zeros, "ones": init_ops.Ones, "glorot_uniform": init_ops.GlorotUniform,
        "glorot_normal": init_ops.GlorotNormal, "he_normal": init_ops.he_normal, "he_uniform": init_ops.he_uniform,
        "lecun_normal": init_ops.lecun_normal, "lecun_uniform": init_ops.lecun_uniform,
        "orthogonal": init_ops.Orthogonal, "identity": init_ops.Identity,
    }  # fmt: skip
    if name not in table:
        raise ValueError(f"Unknown initializer: {name}")
    return table[name]()


def functional(kind, arguments, **call):
    """A new layer of KIND on arguments["inputs"]: what the functions of tf.layers do."""
    inputs = arguments.pop("inputs")
    reuse = arguments.pop("reuse", None)
    name = arguments.get("name")
    layer = kind(_scope=name, _reuse=reuse, **arguments)
    return layer.apply(inputs, **call)
