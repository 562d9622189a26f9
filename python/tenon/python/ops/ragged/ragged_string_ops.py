"""Ragged tensors of strings: words, characters, code points, runs of words."""

from tenon.python.framework import dtypes, ops
from tenon.python.ops import array_ops, gen_ops
from tenon.python.ops.ragged import ragged_array_ops, ragged_math_ops, ragged_tensor
from tenon.python.ops.ragged.ragged_tensor import RaggedTensor
from tenon.python.util.tf_export import tf_export


def _strings(value, name="input"):
    return ragged_tensor.convert_to_tensor_or_ragged_tensor(value, dtype=dtypes.string, name=name)


def of_vectors(function, input):
    """FUNCTION, which makes a RaggedTensor of a vector of strings, for INPUT of any shape."""
    if isinstance(input, RaggedTensor):
        return input.with_flat_values(of_vectors(function, input.flat_values))
    rank = input.shape.rank
    if rank is None:
        raise ValueError("the rank of the input must be known statically")
    if rank == 0:
        return function(array_ops.expand_dims(input, 0)).values
    if rank == 1:
        return function(input)
    inner = RaggedTensor.from_tensor(input, ragged_rank=rank - 1)
    return inner.with_flat_values(of_vectors(function, inner.flat_values))


def _of_sparse(indices, values, shape):
    indices.set_shape([None, 2])
    values.set_shape([None])
    shape.set_shape([2])
    return RaggedTensor.from_value_rowids(values, indices[:, 0], nrows=shape[0], validate=False)


def split(input, sep=None, maxsplit=-1):
    """The words of each string, rows of a RaggedTensor."""
    sep = ops.convert_to_tensor("" if sep is None else sep, dtype=dtypes.string)
    return of_vectors(lambda x: _of_sparse(*gen_ops.string_split_v2(x, sep, maxsplit)), _strings(input))


def string_split(source, sep, skip_empty):
    """The words between the bytes of SEP in each string of a vector."""
    return _of_sparse(*gen_ops.string_split(_strings(source, "source"), sep, skip_empty))


@tf_export("strings.bytes_split")
def string_bytes_split(input, name=None):
    """The bytes of each string, rows of a RaggedTensor."""
    with ops.name_scope(name, "StringsByteSplit", [input]):
        return of_vectors(lambda x: _of_sparse(*gen_ops.string_split(x, "", skip_empty=False)), _strings(input))


# --- code points ---


def _decode(input, encoding, errors, replacement, controls, offsets):
    """The code points of each string, and with OFFSETS where they begin: of any shape."""
    options = {"input_encoding": encoding, "errors": errors, "replacement_char": replacement,
               "replace_control_characters": controls}  # fmt: skip

    def points(x):
        splits, values = gen_ops.unicode_decode(x, **options)
        return RaggedTensor.from_row_splits(values, splits, validate=False)

    if not offsets:
        return of_vectors(points, input)
    begins = []

    def both(x):
        splits, values, starts = gen_ops.unicode_decode_with_offsets(x, **options)
        result = RaggedTensor.from_row_splits(values, splits, validate=False)
        begins.append(starts)
        return result

    values = of_vectors(both, input)
    return values, values.with_flat_values(begins[0]) if isinstance(values, RaggedTensor) else begins[0]


@tf_export("strings.unicode_decode")
def unicode_decode(input, input_encoding, errors="replace", replacement_char=65533, replace_control_characters=False,
                   name=None):  # fmt: skip
    """The code points of each string."""
    with ops.name_scope(name, "UnicodeDecode", [input]):
        return _decode(_strings(input), input_encoding, errors, replacement_char, replace_control_characters, False)


@tf_export("strings.unicode_decode_with_offsets")
def unicode_decode_with_offsets(input, input_encoding, errors="replace", replacement_char=65533,
                                replace_control_characters=False, name=None):  # fmt: skip
    """(the code points of each string, the bytes at which they begin)."""
    with ops.name_scope(name, "UnicodeDecodeWithOffsets", [input]):
        return _decode(_strings(input), input_encoding, errors, replacement_char, replace_control_characters, True)


def _characters(points, encoding, errors, replacement):
    """A string for each code point."""
    one_each = ragged_array_ops.expand_dims(points, -1)
    return unicode_encode(one_each, encoding, errors, replacement)


@tf_export("strings.unicode_split")
def unicode_split(input, input_encoding, errors="replace", replacement_char=65533, name=None):
    """The characters of each string, as strings."""
    with ops.name_scope(name, "UnicodeSplit", [input]):
        points = _decode(_strings(input), input_encoding, errors, replacement_char, False, False)
        return _characters(points, input_encoding, errors, replacement_char)


@tf_export("strings.unicode_split_with_offsets")
def unicode_split_with_offsets(input, input_encoding, errors="replace", replacement_char=65533, name=None):
    """(the characters of each string, the bytes at which they begin)."""
    with ops.name_scope(name, "UnicodeSplitWithOffsets", [input]):
        points, starts = _decode(_strings(input), input_encoding, errors, replacement_char, False, True)
        return _characters(points, input_encoding, errors, replacement_char), starts


@tf_export("strings.unicode_encode")
def unicode_encode(input, output_encoding, errors="replace", replacement_char=65533, name=None):
    """The strings of the code points along the last dimension."""
    with ops.name_scope(name, "UnicodeEncode", [input]):
        points = ragged_tensor.convert_to_tensor_or_ragged_tensor(input, name="input")
        rank = points.shape.rank
        if rank is None:
            raise ValueError("Rank of input_tensor must be statically known.")
        if isinstance(points, RaggedTensor):
            if isinstance(points.values, RaggedTensor) or points.values.shape.rank > 1:
                return points.with_values(unicode_encode(points.values, output_encoding, errors, replacement_char))
            return gen_ops.unicode_encode(points.values, points.row_splits, output_encoding, errors, replacement_char)
        if rank == 0:
            raise ValueError("input_tensor's rank must be at least 1.")
        if rank == 1:
            rows = RaggedTensor.from_row_splits(
                points, array_ops.stack([0, array_ops.shape(points)[0]]), validate=False
            )
            return array_ops.reshape(unicode_encode(rows, output_encoding, errors, replacement_char), [])
        if rank == 2:
            rows = RaggedTensor.from_tensor(points)
            return unicode_encode(rows, output_encoding, errors, replacement_char)
        sizes = array_ops.shape(points)
        flat = array_ops.reshape(points, array_ops.concat([[-1], sizes[-1:]], axis=0))
        texts = unicode_encode(flat, output_encoding, errors, replacement_char)
        return array_ops.reshape(texts, sizes[:-1])


# --- runs of words ---


@tf_export("strings.ngrams")
def ngrams(data, ngram_width, separator=" ", pad_values=None, padding_width=None, preserve_short_sequences=False,
           name=None):  # fmt: skip
    """The runs of NGRAM_WIDTH (one or several) words of each row, joined, a RaggedTensor."""
    with ops.name_scope(name, "StringNGrams", [data]):
        left, right = pad_values if isinstance(pad_values, (list, tuple)) else (pad_values, pad_values)
        if pad_values is None:
            left = right = ""
        if padding_width is not None and padding_width < 1:
            raise ValueError(f"padding_width must be greater than 0. Received {padding_width}.")
        if padding_width is not None and pad_values is None:
            raise ValueError("pad_values must be provided if padding_width is set.")
        data = _strings(data, "data")
        dense, rank = not isinstance(data, RaggedTensor), data.shape.rank
        if rank == 0:
            raise ValueError("Data must have rank>0")
        if dense and rank == 1:
            splits = array_ops.stack([0, array_ops.shape(data)[0]])
            rows = RaggedTensor.from_row_splits(data, splits, validate=False)
            return ngrams(rows, ngram_width, separator, pad_values, padding_width, preserve_short_sequences)[0]
        if dense:
            data = RaggedTensor.from_tensor(data, ragged_rank=rank - 1)
        elif data.flat_values.shape.rank > 1:
            inner = RaggedTensor.from_tensor(data.flat_values, ragged_rank=data.flat_values.shape.rank - 1)
            data = data.with_flat_values(inner)
        widths = [ngram_width] if isinstance(ngram_width, int) else list(ngram_width)
        if any(not isinstance(w, int) or w < 1 for w in widths):
            raise ValueError(f"All ngram_widths must be greater than 0. Received {ngram_width}")
        pad = -1 if pad_values is not None and padding_width is None else padding_width or 0
        result, splits = gen_ops.string_n_grams(
            data.flat_values, data.nested_row_splits[-1], separator, widths, left, right, pad, preserve_short_sequences
        )
        output = RaggedTensor.from_row_splits(result, splits, validate=False)
        for outer in reversed(data.nested_row_splits[:-1]):
            output = RaggedTensor.from_row_splits(output, outer, validate=False)
        return output.to_tensor() if dense else output


def reduce_join(inputs, axis=None, keep_dims=None, separator="", name=None, reduction_indices=None, keepdims=None):
    """strings.reduce_join of ragged tensors."""
    from tenon.python.ops import string_ops

    axis = reduction_indices if axis is None else axis
    with ops.name_scope(name, "RaggedReduceJoin", [inputs, axis]):
        return ragged_math_ops.reduce_aggregate(
            lambda x, a, separator: string_ops.reduce_join(x, axis=a, separator=separator),
            gen_ops.unsorted_segment_join, inputs, axis, bool(keepdims or keep_dims), separator=separator,
        )  # fmt: skip
