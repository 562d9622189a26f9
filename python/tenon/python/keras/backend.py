"""The state that Keras keeps (session, learning phase, names) and the functions that work on variables."""

import os
import threading
import weakref
from collections import defaultdict

import numpy as np

import tenon as tf
from tenon.python.framework import ops

TF_NAMESPACES = ("keras.backend",)

_settings = {"floatx": "float32", "epsilon": 1e-7, "image_data_format": "channels_last"}
_own_session = threading.local()
_manual_initialization = False


class _GraphState:
    """What Keras remembers of a graph."""

    def __init__(self):
        self.uids = defaultdict(int)
        self.phase = None
        self.variables = []
        self.ready = weakref.WeakKeyDictionary()  # session: names of variables known to have a value in it


_states = weakref.WeakKeyDictionary()


def _state(graph=None):
    graph = graph or ops.get_default_graph()
    if graph not in _states:
        _states[graph] = _GraphState()
    return _states[graph]


def backend():
    """The name of the package underneath."""
    return "tensorflow"


def floatx():
    """The default float dtype, a string."""
    return _settings["floatx"]


def set_floatx(value):
    """Sets the default float dtype."""
    if value not in ("float16", "float32", "float64"):
        raise ValueError(f"Unknown floatx type: {value}")
    _settings["floatx"] = str(value)


def epsilon():
    """The small number that keeps divisions and logarithms finite."""
    return _settings["epsilon"]


def set_epsilon(value):
    """Sets the small number."""
    _settings["epsilon"] = value


def image_data_format():
    """ "channels_last" or "channels_first"."""
    return _settings["image_data_format"]


def set_image_data_format(data_format):
    """Sets where images have their channels."""
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(f"Unknown data_format: {data_format}")
    _settings["image_data_format"] = str(data_format)


def image_dim_ordering():
    """The name of the data format in Keras 1."""
    return "tf" if image_data_format() == "channels_last" else "th"


def set_image_dim_ordering(ordering):
    """Sets the data format by its name in Keras 1."""
    set_image_data_format({"tf": "channels_last", "th": "channels_first"}[ordering])


def cast_to_floatx(x):
    """An array or tensor as the default float dtype."""
    if isinstance(x, (tf.Tensor, tf.Variable, tf.SparseTensor)):
        return tf.cast(x, floatx())
    return np.asarray(x, dtype=floatx())


def get_uid(prefix=""):
    """1, 2, ... for each use of a prefix in the default graph."""
    uids = _state().uids
    uids[prefix] += 1
    return uids[prefix]


def reset_uids():
    """Names start anew."""
    for state in _states.values():
        state.uids.clear()


def unique_object_name(name, zero_based=True):
    """NAME, NAME_1, ... in the default graph."""
    number = get_uid(name) - (1 if zero_based else 0)
    return name if number == 0 else f"{name}_{number}"


def clear_session():
    """Forgets the graph, the session and the names."""
    _own_session.value = None
    ops.reset_default_graph()
    reset_uids()
    _states.pop(ops.get_default_graph(), None)


def manual_variable_initialization(value):
    """Whether variables are left to the program to initialize."""
    global _manual_initialization
    _manual_initialization = value


def learning_phase():
    """The tensor that is true in training, or the 0 or 1 that was set."""
    state = _state()
    if state.phase is None:
        with tf.name_scope(""):
            state.phase = tf.placeholder_with_default(False, shape=(), name="keras_learning_phase")
    return state.phase


def set_learning_phase(value):
    """Fixes the learning phase: 0 is inference, 1 training."""
    if value not in (0, 1):
        raise ValueError("Expected learning phase to be 0 or 1.")
    _state().phase = value


class learning_phase_scope:
    """A context with a fixed learning phase."""

    def __init__(self, value):
        if value not in (0, 1):
            raise ValueError("Expected learning phase to be 0 or 1.")
        self.value = value

    def __enter__(self):
        self.state = _state()
        self.before, self.state.phase = self.state.phase, self.value

    def __exit__(self, *_):
        self.state.phase = self.before


def get_graph():
    """The graph that layers are built in."""
    return ops.get_default_graph()


def _session():
    session = ops.get_default_session()
    if session is not None:
        return session
    session = getattr(_own_session, "value", None)
    if session is None or session.graph is not ops.get_default_graph():
        if os.environ.get("OMP_NUM_THREADS"):
            threads = int(os.environ["OMP_NUM_THREADS"])
            config = tf.ConfigProto(intra_op_parallelism_threads=threads, allow_soft_placement=True)
        else:
            config = tf.ConfigProto(allow_soft_placement=True)
        session = _own_session.value = tf.Session(config=config)
    return session


def get_session(op_input_list=()):
    """The default session, or one that Keras made; its variables have values."""
    session = _session()
    if not _manual_initialization:
        with session.graph.as_default():
            _initialize_variables(session)
    return session


def _get_available_gpus():
    """The names of the GPUs that layers may be placed on."""
    from tenon.python.framework.test_util import gpu_device_name

    return [name for name in [gpu_device_name()] if name]


def set_session(session):
    """Makes Keras use SESSION."""
    _own_session.value = session


def track_variable(variable):
    """Makes get_session initialize VARIABLE."""
    _state().variables.append(variable)


def _initialize_variables(session):
    """Gives the variables that have none in SESSION their first values."""
    state = _state(session.graph)
    ready = state.ready.setdefault(session, set())
    new = [v for v in {id(v): v for v in state.variables}.values() if v.name not in ready]
    if not new:
        return
    known = state.__dict__.setdefault("checks", {})
    for v in new:
        if v.name not in known:
            known[v.name] = tf.is_variable_initialized(v)
    flags = session.run([known[v.name] for v in new])
    missing = [v for v, flag in zip(new, flags) if not flag]
    if missing:
        session.run([v.initializer for v in missing])
    ready.update(v.name for v in new)


def variable(value, dtype=None, name=None, constraint=None):
    """A variable with a value."""
    if hasattr(value, "tocoo"):
        coo = value.tocoo()
        indices = np.stack([coo.row, coo.col], 1).astype("int64")
        return tf.SparseTensor(indices, coo.data.astype(dtype or floatx()), coo.shape)
    dtype = tf.as_dtype(dtype or floatx())
    if not isinstance(value, (tf.Tensor, tf.Variable)) and not callable(value):
        value = np.asarray(value, dtype.as_numpy_dtype)
    v = tf.Variable(value, use_resource=True, dtype=dtype, name=name, constraint=constraint)
    track_variable(v)
    return v


def is_keras_tensor(x):
    """Whether a layer or Input made X."""
    if not isinstance(x, (tf.Tensor, tf.Variable, tf.SparseTensor)):
        raise ValueError(f"Unexpectedly found an instance of type `{type(x)}`. Expected a symbolic tensor instance.")
    return hasattr(x, "_keras_history")


def is_tensor(x):
    """Whether X is symbolic."""
    return isinstance(x, (tf.Tensor, tf.Variable, tf.SparseTensor))


is_tf_tensor = is_symbolic_tensor = is_tensor


def is_sparse(tensor):
    """Whether a tensor is sparse."""
    return isinstance(tensor, tf.SparseTensor)


def to_dense(tensor):
    """A sparse tensor as a dense one."""
    return tf.sparse.to_dense(tensor) if is_sparse(tensor) else tensor


def is_placeholder(x):
    """Whether X is fed."""
    return getattr(getattr(x, "op", None), "type", None) in ("Placeholder", "PlaceholderWithDefault")


def placeholder(shape=None, ndim=None, dtype=None, sparse=False, name=None, ragged=False):
    """A tensor that is fed."""
    dtype = dtype or floatx()
    if shape is None and ndim is not None:
        shape = (None,) * ndim
    return (tf.sparse_placeholder if sparse else tf.placeholder)(dtype, shape=shape, name=name)


def get_value(x):
    """The value of a variable or tensor, an array."""
    if not is_tensor(x):
        return x
    return get_session().run(x)


eval = get_value


def batch_get_value(tensors):
    """The values of several variables."""
    return get_session().run(list(tensors)) if tensors else []


def set_value(x, value):
    """Gives a variable a value."""
    batch_set_value([(x, value)])


def batch_set_value(tuples):
    """Gives several variables values: (variable, array) pairs."""
    if not tuples:
        return
    assigns, feed = [], {}
    for x, value in tuples:
        dtype = x.dtype.base_dtype
        value = np.asarray(value, dtype=dtype.as_numpy_dtype)
        if not hasattr(x, "_assign_placeholder"):
            with x.graph.as_default(), tf.name_scope(""), tf.control_dependencies(None):
                x._assign_placeholder = tf.placeholder(dtype, shape=[None] * value.ndim)
                x._assign_op = x.assign(x._assign_placeholder)
                x._assign_op = getattr(x._assign_op, "op", x._assign_op)
        assigns.append(x._assign_op)
        feed[x._assign_placeholder] = value
    get_session().run(assigns, feed_dict=feed)


def update(x, new_x):
    """Gives a variable the value of a tensor."""
    return tf.assign(x, new_x)


def update_add(x, increment):
    """Adds to a variable."""
    return tf.assign_add(x, increment)


def update_sub(x, decrement):
    """Subtracts from a variable."""
    return tf.assign_sub(x, decrement)


def moving_average_update(x, value, momentum):
    """x = momentum * x + (1 - momentum) * value."""
    from tenon.python.training import moving_averages

    return moving_averages.assign_moving_average(x, value, momentum, zero_debias=False)


class _Function:
    """Feeds inputs, runs outputs and updates: what K.function returns."""

    def __init__(self, inputs, outputs, updates=None, name=None, **session_kwargs):
        from tenon.python.util import nest

        self.inputs = inputs
        self.structure = outputs
        self.outputs = nest.flatten(outputs)
        self._flat_inputs = nest.flatten(inputs)
        self.kwargs = session_kwargs
        self.feed_dict = dict(session_kwargs.pop("feed_dict", None) or {})
        self.fetches = list(session_kwargs.pop("fetches", None) or [])
        operations = []
        for item in updates or ():
            if isinstance(item, tuple):
                item = tf.assign(*item)
            operations.append(getattr(item, "op", item))
        self.updates_op = tf.group(*operations) if operations else None
        self._placed = [x if isinstance(x, (tf.SparseTensor, tf.Tensor)) else tf.convert_to_tensor(x)
                        for x in self.outputs]  # fmt: skip

    def __call__(self, inputs):
        from tenon.python.util import nest

        session = get_session()
        feed = dict(self.feed_dict)
        for tensor, value in zip(self._flat_inputs, nest.flatten(inputs)):
            if value is None:
                raise ValueError(f"`inputs` to `K.function` should not contain None: {tensor.name}")
            if isinstance(tensor, tf.SparseTensor) and hasattr(value, "tocoo"):
                coo = value.tocoo()
                value = tf.SparseTensorValue(np.stack([coo.row, coo.col], 1).astype("int64"), coo.data, coo.shape)
            if isinstance(tensor, (tf.Tensor, tf.SparseTensor)):
                feed[tensor] = value
        fetches = [self._placed, [self.updates_op] if self.updates_op is not None else [], self.fetches]
        values = session.run(fetches, feed_dict=feed, **self.kwargs)[0]
        return nest.pack_sequence_as(self.structure, values)


def function(inputs, outputs, updates=None, name=None, **kwargs):
    """A function of arrays: feeds INPUTS, returns the values of OUTPUTS, runs UPDATES after."""
    return _Function(inputs, outputs, updates, name, **kwargs)


def gradients(loss, variables):
    """The gradients of a loss."""
    return tf.gradients(loss, variables)


def smart_cond(pred, true_fn, false_fn, name=None):
    """cond, decided here where PRED is known."""
    if isinstance(pred, (tf.Tensor, tf.Variable)):
        from tenon.python.framework import tensor_util

        value = tensor_util.constant_value(pred) if isinstance(pred, tf.Tensor) else None
        if value is None:
            return tf.cond(pred, true_fn, false_fn, name=name)
        pred = bool(value)
    return true_fn() if pred else false_fn()


def switch(condition, then_expression, else_expression):
    """One of two tensors, by a condition: a scalar, or one for each element or row."""
    if condition.dtype != tf.bool:
        condition = tf.cast(condition, "bool")
    rank = condition.shape.ndims
    if not rank:
        then = then_expression if callable(then_expression) else lambda: then_expression
        other = else_expression if callable(else_expression) else lambda: else_expression
        return tf.cond(condition, then, other)
    then = then_expression() if callable(then_expression) else then_expression
    other = else_expression() if callable(else_expression) else else_expression
    inner = tf.convert_to_tensor(then).shape.ndims
    if rank > inner:
        raise ValueError("Rank of `condition` should be less than or equal to rank of `then_expression` and "
                         f"`else_expression`. ndim(condition)={rank}, ndim(then_expression)={inner}")  # fmt: skip
    if rank > 1 or rank != inner:
        shape = tf.concat([tf.shape(condition), [1] * (inner - rank)], 0)
        condition = tf.logical_and(tf.reshape(condition, shape), tf.ones_like(then, dtype=tf.bool))
    return tf.where(condition, then, other)


def in_train_phase(x, alt, training=None):
    """X in training, ALT otherwise; both may be functions."""
    if training is None:
        training = learning_phase()
    if training is True or (isinstance(training, int) and training == 1):
        return x() if callable(x) else x
    if training is False or (isinstance(training, int) and training == 0):
        return alt() if callable(alt) else alt
    return switch(training, x, alt)


def in_test_phase(x, alt, training=None):
    """X outside of training, ALT in it."""
    return in_train_phase(alt, x, training=training)


def int_shape(x):
    """The static shape, a tuple with None where unknown; None if the rank is."""
    try:
        shape = x.shape
        return tuple(shape) if isinstance(shape, tuple) else tuple(shape.as_list())
    except ValueError:
        return None


def count_params(x):
    """How many numbers X holds."""
    return int(np.prod(x.shape.as_list()))


def constant(value, dtype=None, shape=None, name=None):
    """A constant of the default float dtype."""
    return tf.constant(value, dtype=dtype or floatx(), shape=shape, name=name)


def name_scope(name):
    """A scope of names."""
    return tf.name_scope(name)


def print_tensor(x, message="", summarize=3):
    """X, printed when it is computed."""
    return tf.Print(x, [x], message=message, summarize=summarize)
