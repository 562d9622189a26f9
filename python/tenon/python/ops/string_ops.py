"""Strings: joining, splitting, replacing, formatting, hashing, reading as numbers."""

from tenon.python.framework import dtypes, ops, tensor_util
from tenon.python.framework import sparse_tensor as sparse
from tenon.python.ops import array_ops, gen_ops, math_ops
from tenon.python.util.deprecation import deprecated_argument_lookup
from tenon.python.util.tf_export import tf_export


@tf_export("strings.join", "string_join")
def string_join(inputs, separator="", name=None):
    """The strings of INPUTS, tensors of one shape (or scalars), joined element by element with SEPARATOR."""
    return gen_ops.string_join(inputs, separator=separator, name=name)


@tf_export("strings.length")
def string_length(input, name=None, unit="BYTE"):
    """The lengths of strings, in bytes or in characters (UNIT "UTF8_CHAR")."""
    return gen_ops.string_length(input, unit=unit, name=name)


@tf_export("strings.substr", "substr")
def substr(input, pos, len, name=None, unit="BYTE"):
    """LEN bytes or characters of each string from POS on; negative places count from the end."""
    return gen_ops.substr(input, pos, len, unit=unit, name=name)


@tf_export("strings.regex_full_match")
def regex_full_match(input, pattern, name=None):
    """Whether each string as a whole matches PATTERN."""
    if isinstance(pattern, (str, bytes)):
        return gen_ops.static_regex_full_match(input=input, pattern=pattern, name=name)
    return gen_ops.regex_full_match(input=input, pattern=pattern, name=name)


@tf_export("strings.regex_replace", "regex_replace")
def regex_replace(input, pattern, rewrite, replace_global=True, name=None):
    """Each string with the matches of PATTERN (or the first) replaced by REWRITE, where \\1 is the first group."""
    if isinstance(pattern, (str, bytes)) and isinstance(rewrite, (str, bytes)):
        return gen_ops.static_regex_replace(
            input=input, pattern=pattern, rewrite=rewrite, replace_global=replace_global, name=name
        )
    return gen_ops.regex_replace(
        input=input, pattern=pattern, rewrite=rewrite, replace_global=replace_global, name=name
    )


@tf_export("strings.format")
def string_format(template, inputs, placeholder="{}", summarize=3, name=None):
    """TEMPLATE with the tensors INPUTS in the places of PLACEHOLDER, SUMMARIZE elements from both ends of each."""
    if tensor_util.is_tensor(inputs) or not isinstance(inputs, (list, tuple)):
        inputs = [inputs]
    if template.split(placeholder) and len(template.split(placeholder)) - 1 != len(inputs):
        raise ValueError(
            f"The template expects {len(template.split(placeholder)) - 1} tensors, but the inputs only has "
            f"{len(inputs)}. Please ensure the number of placeholders in template matches inputs length."
        )
    return gen_ops.string_format(inputs, template=template, placeholder=placeholder, summarize=summarize, name=name)


def _sparse_result(parts):
    indices, values, shape = parts
    indices.set_shape([None, 2])
    values.set_shape([None])
    shape.set_shape([2])
    return sparse.SparseTensor(indices, values, shape)


def _wants_ragged(result_type):
    if result_type not in ("SparseTensor", "RaggedTensor"):
        raise ValueError("result_type must be 'RaggedTensor' or 'SparseTensor'.")
    return result_type == "RaggedTensor"


@tf_export("string_split")
def string_split(source, sep=None, skip_empty=True, delimiter=None, result_type="SparseTensor", name=None):
    """The words between the bytes of SEP (" ") in each string of a vector, a SparseTensor [strings, words]."""
    sep = deprecated_argument_lookup("sep", sep, "delimiter", delimiter)
    with ops.name_scope(name, "StringSplit", [source]):
        sep = ops.convert_to_tensor(" " if sep is None else sep, dtype=dtypes.string)
        source = ops.convert_to_tensor(source, dtype=dtypes.string)
        if _wants_ragged(result_type):
            from tenon.python.ops.ragged import ragged_string_ops

            return ragged_string_ops.string_split(source, sep, skip_empty)
        return _sparse_result(gen_ops.string_split(source, sep, skip_empty))


def string_split_v2(source, sep=None, maxsplit=-1):
    """The words of each string as Python's str.split gives them, a SparseTensor."""
    source = ops.convert_to_tensor(source, dtype=dtypes.string)
    sep = ops.convert_to_tensor("" if sep is None else sep, dtype=dtypes.string)
    return _sparse_result(gen_ops.string_split_v2(source, sep, maxsplit))


@tf_export("strings.split")
def strings_split(input=None, sep=None, maxsplit=-1, result_type="SparseTensor", source=None, name=None):
    """The words of each string as Python's str.split gives them, a SparseTensor [strings, words]."""
    input = deprecated_argument_lookup("input", input, "source", source)
    with ops.name_scope(name, "StringSplit", [input]):
        if _wants_ragged(result_type):
            from tenon.python.ops.ragged import ragged_string_ops

            if not hasattr(input, "nested_row_splits"):
                input = ops.convert_to_tensor(input, dtype=dtypes.string, name="input")
                input = array_ops.expand_dims(input, 0) if input.shape.rank == 0 else input
            return ragged_string_ops.split(input, sep, maxsplit)
        input = ops.convert_to_tensor(input, dtype=dtypes.string, name="input")
        if input.shape.rank == 0:
            input = array_ops.expand_dims(input, 0)
        sep = ops.convert_to_tensor("" if sep is None else sep, dtype=dtypes.string)
        return _sparse_result(gen_ops.string_split_v2(input, sep, maxsplit))


@tf_export("strings.reduce_join", "reduce_join")
def reduce_join(inputs, axis=None, keep_dims=None, separator="", name=None, reduction_indices=None, keepdims=None):
    """The strings of INPUTS joined along AXIS (all of them by default, row by row)."""
    keepdims = bool(deprecated_argument_lookup("keepdims", keepdims, "keep_dims", keep_dims))
    axis = deprecated_argument_lookup("axis", axis, "reduction_indices", reduction_indices)
    with ops.name_scope(None, "ReduceJoin", [inputs, axis]):
        inputs = ops.convert_to_tensor(inputs, name="inputs")
        if axis is None:
            rank = inputs.shape.rank
            axis = list(range(rank))[::-1] if rank is not None else math_ops.range(array_ops.rank(inputs) - 1, -1, -1)
        return gen_ops.reduce_join(
            inputs=inputs, reduction_indices=axis, keep_dims=keepdims, separator=separator, name=name
        )


@tf_export("strings.unsorted_segment_join")
def unsorted_segment_join(inputs, segment_ids, num_segments, separator="", name=None):
    """The strings of each segment joined with SEPARATOR, [num_segments, ...]."""
    return gen_ops.unsorted_segment_join(inputs, segment_ids, num_segments, separator=separator, name=name)


@tf_export("strings.to_number", "string_to_number")
def string_to_number(string_tensor=None, out_type=dtypes.float32, name=None, input=None):
    """Each string read as a number of OUT_TYPE."""
    string_tensor = deprecated_argument_lookup("input", input, "string_tensor", string_tensor)
    return gen_ops.string_to_number(string_tensor, out_type, name=name)


@tf_export("strings.to_hash_bucket", "string_to_hash_bucket")
def string_to_hash_bucket(string_tensor=None, num_buckets=None, name=None, input=None):
    """Each string's hash modulo NUM_BUCKETS."""
    string_tensor = deprecated_argument_lookup("input", input, "string_tensor", string_tensor)
    return gen_ops.string_to_hash_bucket(string_tensor, num_buckets, name=name)
