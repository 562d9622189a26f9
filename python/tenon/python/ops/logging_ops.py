"""Printing from graphs."""

import sys

from tenon.python.framework import dtypes, ops, sparse_tensor
from tenon.python.ops import gen_ops
from tenon.python.util import nest
from tenon.python.util.deprecation import deprecated
from tenon.python.util.tf_export import tf_export


@tf_export("Print")
@deprecated("2018-08-20", "Use tf.print instead of tf.Print.")
def Print(input_, data, message=None, first_n=None, summarize=None, name=None):
    """INPUT_, and DATA is printed whenever it is computed (the first FIRST_N times)."""
    return gen_ops.print_(input_, data, message=message or "", first_n=-1 if first_n is None else first_n,
                          summarize=3 if summarize is None else summarize, name=name)  # fmt: skip


def _stream(output_stream):
    """The op's name of a stream, a logging function or file://..."""
    from tenon.python.platform import tf_logging

    if isinstance(output_stream, str) and output_stream.startswith("file://"):
        return output_stream
    if output_stream is None or output_stream is sys.stderr or output_stream == "stderr":
        return "stderr"
    if output_stream is sys.stdout or output_stream == "stdout":
        return "stdout"
    for name in ("info", "warning", "error"):
        if output_stream is getattr(tf_logging, name, None):
            return f"log({name})"
    raise ValueError(f"Unsupported output stream, logging level, or file.{output_stream}. Supported streams are "
                     "sys.stdout, sys.stderr, tf.logging.info, tf.logging.warning, tf.logging.error and "
                     "'file://...'")  # fmt: skip


_PLACE = "{}"


def _template(value, tensors):
    """VALUE as text with {} for tensors, which are added to a list."""
    if isinstance(value, sparse_tensor.SparseTensor):
        tensors += [value.indices, value.values, value.dense_shape]
        return "'SparseTensor(indices={}, values={}, shape={})'"
    if isinstance(value, ops.Tensor) or hasattr(value, "_AsTensor"):
        tensors.append(ops.convert_to_tensor(value))
        return _PLACE
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k!r}: {_template(v, tensors)}" for k, v in value.items()) + "}"
    if nest.is_nested(value) and not hasattr(value, "_fields"):
        inner = ", ".join(_template(v, tensors) for v in value)
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' if len(value) == 1 else ''})"
    return repr(value)


@tf_export("print")
def print_v2(*inputs, **kwargs):
    """An operation that prints its inputs: tensors, and structures of them with other things."""
    stream = kwargs.pop("output_stream", sys.stderr)
    name = kwargs.pop("name", None)
    summarize = kwargs.pop("summarize", 3)
    sep = kwargs.pop("sep", " ")
    end = kwargs.pop("end", "\n")
    if kwargs:
        raise ValueError(f"Unrecognized keyword arguments for tf.print: {kwargs}")
    stream = _stream(stream)
    if len(inputs) == 1 and isinstance(inputs[0], ops.Tensor) and inputs[0].dtype == dtypes.string and (
        inputs[0].get_shape().ndims == 0
    ):  # fmt: skip
        text = inputs[0]
    else:
        parts, tensors = [], []
        for value in inputs:
            if isinstance(value, str):
                parts.append(value)
            else:
                parts.append(_template(value, tensors))
        # literal braces in the program's own text must not be taken for places
        placeholder = "{}"
        if any("{}" in v for v in inputs if isinstance(v, str)):
            placeholder = "\x00{}\x00"
            parts = [p if isinstance(v, str) else p.replace("{}", placeholder) for p, v in zip(parts, inputs)]
        text = gen_ops.string_format(tensors, template=sep.join(parts), placeholder=placeholder,
                                     summarize=-1 if summarize is None else summarize, name=name)  # fmt: skip
    return gen_ops.print_v2(text, output_stream=stream, end=end, name=name)
