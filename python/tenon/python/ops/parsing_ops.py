"""Parsing: tf.Examples and SequenceExamples, comma-separated values, raw bytes."""

from tenon.python.framework import constant_op, dtypes, ops
from tenon.python.ops import array_ops, gen_ops, parsing_config
from tenon.python.ops.parsing_config import (
    FixedLenFeature,
    FixedLenSequenceFeature,
    SparseFeature,
    VarLenFeature,
)
from tenon.python.util.deprecation import deprecated_argument_lookup
from tenon.python.util.tf_export import tf_export

__all__ = ["FixedLenFeature", "FixedLenSequenceFeature", "SparseFeature", "VarLenFeature"]

_EXAMPLE = (VarLenFeature, SparseFeature, FixedLenFeature, FixedLenSequenceFeature)
_CONTEXT = (VarLenFeature, SparseFeature, FixedLenFeature)
_LISTS = (VarLenFeature, FixedLenSequenceFeature)


def _named(p, outputs):
    """The outputs of a parsing op by the features' keys."""
    sparse = parsing_config.sparse_tensors(outputs.sparse_indices, outputs.sparse_values, outputs.sparse_shapes)
    return dict(zip(p.sparse_keys + p.dense_keys, sparse + list(outputs.dense_values)))


@tf_export("io.parse_example", "parse_example")
def parse_example(serialized, features, name=None, example_names=None):
    """Parses a vector of serialised tf.Examples into a dict of Tensors and SparseTensors, as FEATURES (a dict) asks."""
    parsing_config.check_keys(features)
    p = parsing_config.collect(features, _EXAMPLE)
    with ops.name_scope(name, "ParseExample", [serialized, example_names]) as scope:
        serialized = ops.convert_to_tensor(serialized, dtype=dtypes.string, name="serialized")
        names = constant_op.constant([], dtype=dtypes.string) if example_names is None else example_names
        names = ops.convert_to_tensor(names, dtype=dtypes.string, name="names")
        outputs = gen_ops.parse_example(
            serialized=serialized, names=names, sparse_keys=p.sparse_keys, dense_keys=p.dense_keys,
            dense_defaults=p.default_tensors(), sparse_types=p.sparse_types, dense_shapes=p.dense_shapes, name=scope,
        )  # fmt: skip
        return parsing_config.finish(features, _named(p, outputs))


@tf_export("io.parse_single_example", "parse_single_example")
def parse_single_example(serialized, features, name=None, example_names=None):
    """Parses one serialised tf.Example, a scalar, into a dict of Tensors and SparseTensors."""
    parsing_config.check_keys(features)
    if example_names is not None:
        return _parse_one_named(serialized, features, name, example_names)
    p = parsing_config.collect(features, _EXAMPLE)
    with ops.name_scope(name, "ParseSingleExample", [serialized]) as scope:
        serialized = ops.convert_to_tensor(serialized, dtype=dtypes.string, name="serialized")
        outputs = gen_ops.parse_single_example(
            serialized=serialized, dense_defaults=p.default_tensors(), num_sparse=len(p.sparse_keys),
            sparse_keys=p.sparse_keys, dense_keys=p.dense_keys, sparse_types=p.sparse_types,
            dense_shapes=p.dense_shapes, name=scope,
        )  # fmt: skip
        return parsing_config.finish(features, _named(p, outputs))


def _parse_one_named(serialized, features, name, example_names):
    """With a name for messages: as a batch of one."""
    with ops.name_scope(name, "ParseSingleExample", [serialized, example_names]):
        serialized = array_ops.expand_dims(ops.convert_to_tensor(serialized, dtype=dtypes.string), 0)
        names = array_ops.expand_dims(ops.convert_to_tensor(example_names, dtype=dtypes.string), 0)
        found = parse_example(serialized, features, example_names=names)
        for key, value in found.items():
            if hasattr(value, "indices"):
                found[key] = type(value)(
                    array_ops.slice(value.indices, [0, 1], [-1, -1]), value.values,
                    array_ops.slice(value.dense_shape, [1], [-1]),
                )  # fmt: skip
            else:
                found[key] = array_ops.squeeze(value, [0])
        return found


def _collect_sequence(context_features, sequence_features):
    if not context_features and not sequence_features:
        raise ValueError("Missing features.")
    context = parsing_config.collect(context_features, _CONTEXT)
    lists = parsing_config.collect(sequence_features, _LISTS, lists=True)
    missing = []
    for key, default in zip(lists.dense_keys, lists.defaults):
        if default is not None:
            raise ValueError(
                f"Value feature_list_dense_defaults[{key}] must be None or resolve to an empty tensor; got {default}."
            )
        if sequence_features[key].allow_missing:
            missing.append(key)
    return context, lists, missing


def _finish_sequence(context_features, sequence_features, context, lists, outputs):
    """The two dicts; dense feature lists of batches come with their lengths, in a third."""
    sparse = parsing_config.sparse_tensors
    found = sparse(outputs.context_sparse_indices, outputs.context_sparse_values, outputs.context_sparse_shapes)
    contexts = dict(zip(context.sparse_keys + context.dense_keys, found + list(outputs.context_dense_values)))
    found = sparse(
        outputs.feature_list_sparse_indices, outputs.feature_list_sparse_values, outputs.feature_list_sparse_shapes
    )
    sequences = dict(zip(lists.sparse_keys + lists.dense_keys, found + list(outputs.feature_list_dense_values)))
    return parsing_config.finish(context_features, contexts), parsing_config.finish(sequence_features, sequences)


@tf_export("io.parse_single_sequence_example", "parse_single_sequence_example")
def parse_single_sequence_example(
    serialized, context_features=None, sequence_features=None, example_name=None, name=None
):
    """Parses one serialised SequenceExample into two dicts: features of the whole, and of its steps."""
    context, lists, missing = _collect_sequence(context_features, sequence_features)
    with ops.name_scope(name, "ParseSingleSequenceExample", [serialized]) as scope:
        outputs = gen_ops.parse_single_sequence_example(
            serialized=ops.convert_to_tensor(serialized, dtype=dtypes.string, name="serialized"),
            feature_list_dense_missing_assumed_empty=ops.convert_to_tensor(missing, dtype=dtypes.string),
            context_sparse_keys=context.sparse_keys, context_dense_keys=context.dense_keys,
            feature_list_sparse_keys=lists.sparse_keys, feature_list_dense_keys=lists.dense_keys,
            context_dense_defaults=context.default_tensors(), debug_name="" if example_name is None else example_name,
            context_sparse_types=context.sparse_types, context_dense_shapes=context.dense_shapes,
            feature_list_dense_types=lists.dense_types, feature_list_sparse_types=lists.sparse_types,
            feature_list_dense_shapes=lists.dense_shapes, name=scope,
        )  # fmt: skip
        return _finish_sequence(context_features, sequence_features, context, lists, outputs)


@tf_export("io.parse_sequence_example")
def parse_sequence_example(serialized, context_features=None, sequence_features=None, example_names=None, name=None):
    """Parses a vector of serialised SequenceExamples into three dicts: contexts, steps, the dense lists' lengths."""
    context, lists, missing = _collect_sequence(context_features, sequence_features)
    with ops.name_scope(name, "ParseSequenceExample", [serialized]) as scope:
        names = [] if example_names is None else example_names
        outputs = gen_ops.parse_sequence_example(
            serialized=ops.convert_to_tensor(serialized, dtype=dtypes.string, name="serialized"),
            debug_name=ops.convert_to_tensor(names, dtype=dtypes.string),
            context_dense_defaults=context.default_tensors(), feature_list_dense_missing_assumed_empty=missing,
            context_sparse_keys=context.sparse_keys, context_dense_keys=context.dense_keys,
            feature_list_sparse_keys=lists.sparse_keys, feature_list_dense_keys=lists.dense_keys,
            Ncontext_sparse=len(context.sparse_keys), Ncontext_dense=len(context.dense_keys),
            Nfeature_list_sparse=len(lists.sparse_keys), Nfeature_list_dense=len(lists.dense_keys),
            context_sparse_types=context.sparse_types, context_dense_shapes=context.dense_shapes,
            feature_list_dense_types=lists.dense_types, feature_list_sparse_types=lists.sparse_types,
            feature_list_dense_shapes=lists.dense_shapes, name=scope,
        )  # fmt: skip
        found = _finish_sequence(context_features, sequence_features, context, lists, outputs)
        return (*found, dict(zip(lists.dense_keys, outputs.feature_list_dense_lengths)))


@tf_export("io.decode_csv", "decode_csv")
def decode_csv(
    records, record_defaults, field_delim=",", use_quote_delim=True, name=None, na_value="", select_cols=None
):
    """The fields of comma-separated RECORDS as a list of tensors, one a column, with the defaults' dtypes."""
    if select_cols is not None and any(select_cols[i] >= select_cols[i + 1] for i in range(len(select_cols) - 1)):
        raise ValueError("select_cols is not strictly increasing.")
    if select_cols is not None and select_cols and select_cols[0] < 0:
        raise ValueError("select_cols contains negative values.")
    if select_cols is not None and len(select_cols) != len(record_defaults):
        raise ValueError(f"Length of select_cols and record_defaults do not match: {select_cols}, {record_defaults}.")
    return gen_ops.decode_csv(
        records=records, record_defaults=record_defaults, field_delim=field_delim, use_quote_delim=use_quote_delim,
        na_value=na_value, select_cols=select_cols or [], name=name,
    )  # fmt: skip


@tf_export("io.decode_raw", "decode_raw")
def decode_raw(input_bytes=None, out_type=None, little_endian=True, name=None, bytes=None):
    """The bytes of strings as numbers of OUT_TYPE, in a new last dimension."""
    input_bytes = deprecated_argument_lookup("input_bytes", input_bytes, "bytes", bytes)
    if out_type is None:
        raise ValueError("decode_raw_v1() missing 1 positional argument: 'out_type'")
    return gen_ops.decode_raw(input_bytes, out_type, little_endian=little_endian, name=name)


@tf_export("io.serialize_tensor", "serialize_tensor")
def serialize_tensor(tensor, name=None):
    """TENSOR as a serialised TensorProto, a string scalar."""
    return gen_ops.serialize_tensor(tensor, name=name)


@tf_export("io.decode_json_example", "decode_json_example")
def decode_json_example(json_examples, name=None):
    """Serialised tf.Examples from strings in protobuf's JSON."""
    return gen_ops.decode_json_example(json_examples, name=name)
