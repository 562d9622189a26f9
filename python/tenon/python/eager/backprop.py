"""Gradients of eager computations."""

import functools

from tenon.python.framework import ops
from tenon.python.ops import gen_ops, gradients_impl, math_ops
from tenon.python.util import nest
from tenon.python.util.tf_export import tf_export


@tf_export("GradientTape", "contrib.eager.GradientTape")
class GradientTape:
    """A `with` block whose computations can be differentiated by variables and watched tensors."""

    def __init__(self, persistent=False, watch_accessed_variables=True):
        self._persistent = persistent
        self._watch_variables = watch_accessed_variables
        self._watched = {}
        self._used = False
        self._recording = False

    def __enter__(self):
        if self._recording:
            raise ValueError("Tape is already recording.")
        self._recording = True
        return self

    def __exit__(self, *_):
        self._recording = False
        return False

    def watch(self, tensor):
        """Tensors, or nested structures of them, that will be differentiated by."""
        for item in nest.flatten(tensor):
            if not hasattr(item, "dtype"):
                raise ValueError(f"Passed in object {item} of type {type(item).__name__!r}, not a tensor")
            self._watched[id(item)] = item

    def stop_recording(self):
        """A `with` block that is not recorded: what it computes counts as constant only if stop_gradient says so."""
        import contextlib

        return contextlib.nullcontext()

    def reset(self):
        """Forgets what was watched."""
        self._watched.clear()

    def watched_variables(self):
        """The variables that were watched."""
        found = [v for v in self._watched.values() if hasattr(v, "handle")]
        return tuple(found or ops.get_collection(ops.GraphKeys.TRAINABLE_VARIABLES))

    def _counts(self, source):
        if isinstance(source, ops.Tensor):
            return id(source) in self._watched
        return self._watch_variables or id(source) in self._watched

    def gradient(self, target, sources, output_gradients=None, unconnected_gradients="none"):
        """The derivatives of the sum of TARGET by each of SOURCES, in the same structure; None where none matters."""
        if self._used and not self._persistent:
            raise RuntimeError("GradientTape.gradient can only be called once on non-persistent tapes.")
        self._used = True
        flat = nest.flatten(sources)
        targets = nest.flatten(target)
        seeds = None if output_gradients is None else nest.flatten(output_gradients)
        known = [s for s in flat if self._counts(s)]
        values = iter(gradients_impl.gradients(targets, known, seeds) if known else [])
        found = [next(values) if self._counts(s) else None for s in flat]
        if unconnected_gradients == "zero":
            found = [gen_ops.zeros_like(ops.convert_to_tensor(s)) if g is None else g for g, s in zip(found, flat)]
        return nest.pack_sequence_as(sources, found)

    def jacobian(self, target, sources, unconnected_gradients="none", parallel_iterations=None,
                 experimental_use_pfor=True):  # fmt: skip
        """The derivatives of each element of TARGET by each of SOURCES: [target's shape, source's shape]."""
        persistent, self._persistent = self._persistent, True
        rows = [self.gradient(row, nest.flatten(sources)) for row in _rows(target)]
        self._persistent = persistent
        shape = target.shape.as_list()
        found = []
        for column, source in zip(zip(*rows), nest.flatten(sources)):
            parts = [gen_ops.zeros_like(ops.convert_to_tensor(source)) if g is None else g for g in column]
            found.append(gen_ops.reshape(gen_ops.pack(parts), shape + source.shape.as_list()))
        return nest.pack_sequence_as(sources, found)

    def batch_jacobian(self, target, source, unconnected_gradients="none", parallel_iterations=None,
                       experimental_use_pfor=True):  # fmt: skip
        """The Jacobian of each row of TARGET by the same row of SOURCE."""
        whole = self.jacobian(target, source)
        return gen_ops.pack([whole[(i, *[slice(None)] * (target.shape.ndims - 1), i)]
                             for i in range(target.shape.as_list()[0])])  # fmt: skip


def _rows(target):
    flat = gen_ops.reshape(target, [-1])
    return [flat[i] for i in range(flat.shape.as_list()[0])]


def _loss(value):
    return math_ops.reduce_sum(value) if value.shape.ndims else value


def gradients_function(f, params=None):
    """A function of the same arguments as F that returns F's derivatives by them (by those that PARAMS numbers)."""

    @functools.wraps(f)
    def call(*args, **kwargs):
        return value_and_gradients_function(f, params)(*args, **kwargs)[1]

    return call


def value_and_gradients_function(f, params=None):
    """As gradients_function, but returns (F's value, derivatives)."""

    @functools.wraps(f)
    def call(*args, dy=None, **kwargs):
        args = [ops.convert_to_tensor(a) for a in args]
        value = f(*args, **kwargs)
        chosen = range(len(args)) if params is None else params
        return value, gradients_impl.gradients(value, [args[i] for i in chosen], dy)

    return call


def implicit_value_and_gradients(f):
    """A function that returns (F's value, [(derivative, variable), ...]) for the variables that matter."""

    @functools.wraps(f)
    def call(*args, **kwargs):
        value = f(*args, **kwargs)
        variables = ops.get_collection(ops.GraphKeys.TRAINABLE_VARIABLES)
        grads = gradients_impl.gradients(_loss(value), variables)
        return value, [(g, v) for g, v in zip(grads, variables) if g is not None]

    return call


def implicit_gradients(f):
    """A function that returns [(derivative of F's value, variable), ...] for the variables that matter."""

    @functools.wraps(f)
    def call(*args, **kwargs):
        return implicit_value_and_gradients(f)(*args, **kwargs)[1]

    return call


def make_vjp(f, params=None, persistent=True):
    """A function that returns (F's value, function from the value's gradient to the arguments')."""

    def call(*args, **kwargs):
        args = [ops.convert_to_tensor(a) for a in args]
        value = f(*args, **kwargs)
        chosen = range(len(args)) if params is None else params
        return value, lambda dy=None: gradients_impl.gradients(value, [args[i] for i in chosen], dy)

    return call


def defun(func=None, input_signature=None, autograph=True, experimental_autograph_options=None):
    """FUNC as it is: operations run one by one all the same."""
    return func if func is not None else lambda f: f


TF_EXPORTS = {
    "contrib.eager.gradients_function": "gradients_function", "contrib.eager.make_vjp": "make_vjp",
    "contrib.eager.value_and_gradients_function": "value_and_gradients_function",
    "contrib.eager.implicit_gradients": "implicit_gradients",
    "contrib.eager.implicit_value_and_gradients": "implicit_value_and_gradients", "contrib.eager.defun": "defun",
}  # fmt: skip
