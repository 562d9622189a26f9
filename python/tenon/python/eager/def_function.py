"""tf.function: Python's function as it is, its operations added to the graph at each call."""

import functools

from tenon.python.framework import ops
from tenon.python.util import nest
from tenon.python.util.tf_export import tf_export


@tf_export("function")
def function(func=None, input_signature=None, autograph=True, jit_compile=None, reduce_retracing=False,
             experimental_implements=None, experimental_autograph_options=None, experimental_attributes=None,
             experimental_relax_shapes=None, experimental_compile=None,
             experimental_follow_type_hints=None):  # fmt: skip
    """A decorator for functions of tensors: arguments become tensors where INPUT_SIGNATURE says of what kind."""
    if func is None:
        return lambda f: function(f, input_signature)

    @functools.wraps(func)
    def call(*args, **kwargs):
        if input_signature is not None:
            args = [_checked(a, spec) for a, spec in zip(args, input_signature)]
        return func(*args, **kwargs)

    call.python_function = func
    call.input_signature = input_signature
    return call


def _checked(value, spec):
    def one(item, wanted):
        tensor = ops.convert_to_tensor(item, dtype=wanted.dtype)
        if not wanted.shape.is_compatible_with(tensor.shape):
            raise ValueError(f"Python inputs incompatible with input_signature: {tensor.shape} is not {wanted.shape}")
        return tensor

    if hasattr(spec, "is_compatible_with"):
        return one(value, spec)
    return nest.pack_sequence_as(spec, [one(*pair) for pair in zip(nest.flatten(value), nest.flatten(spec))])


@tf_export("wrap_function")
def wrap_function(fn, signature, name=None):
    """FN of tensors of SIGNATURE (TensorSpecs), in a name scope of its own."""
    traced = function(fn, signature)

    @functools.wraps(fn)
    def call(*args, **kwargs):
        with ops.name_scope(name, getattr(fn, "__name__", "wrapped").strip("<>")):
            return traced(*args, **kwargs)

    return call
