"""Rows of embeddings by number, from one table or from several."""

from tenon.python.framework import dtypes, ops, sparse_tensor
from tenon.python.ops import array_ops, clip_ops, gen_ops, math_ops, variables
from tenon.python.util.tf_export import tf_export


def _clip(params, ids, max_norm):
    """PARAMS with rows no longer than MAX_NORM."""
    if max_norm is None:
        return params
    ids_rank = ops.convert_to_tensor(ids).get_shape().ndims
    params_rank = params.get_shape().ndims
    if ids_rank is not None and params_rank is not None:
        axes = list(range(ids_rank, params_rank))
    else:
        axes = gen_ops.range(array_ops.rank(ids), array_ops.rank(params), 1)
    return clip_ops.clip_by_norm(params, max_norm, axes=axes)


def _gather(params, ids, name=None):
    """The rows; beside the table."""
    with ops.colocate_with(params):
        return array_ops.gather(params, ids, name=name)


def _embedding_lookup_and_transform(params, ids, partition_strategy="mod", name=None, max_norm=None,
                                    transform_fn=None):  # fmt: skip
    if params is None:
        raise ValueError("params must be specified")
    if isinstance(params, (list, tuple)) and not params:
        raise ValueError("params should not be an empty list.")
    if isinstance(params, variables.PartitionedVariable):
        params = list(params)
    if not isinstance(params, list):
        params = [params]
    with ops.name_scope(name, "embedding_lookup", [*params, ids]) as scope:
        count = len(params)
        if count == 1 and (transform_fn is None or ops.convert_to_tensor(ids).get_shape().ndims == 1):
            with ops.colocate_with(params[0]):
                table = params[0] if hasattr(params[0], "handle") else ops.convert_to_tensor(params[0])
                ids = ops.convert_to_tensor(ids, name="ids")
                result = _clip(array_ops.gather(table, ids, name=scope), ids, max_norm)
                if transform_fn:
                    result = transform_fn(result)
                return array_ops.identity(result)
        return _sharded(params, count, ids, partition_strategy, max_norm, transform_fn, scope)


def _places(flat_ids, count, params, strategy):
    """(number of the table, row in it) for each id."""
    if strategy == "mod":
        return flat_ids % count, flat_ids // count
    if strategy != "div":
        raise ValueError(f"Unrecognized partition strategy: {strategy}.")
    first = params[0].get_shape()
    sizes = [p.get_shape().as_list()[0] if p.get_shape().ndims else None for p in params]
    if first.ndims and all(s is not None for s in sizes):
        total = ops.convert_to_tensor(sum(sizes), dtype=flat_ids.dtype)
    else:
        total = math_ops.cast(math_ops.reduce_sum(array_ops.stack([array_ops.shape(p)[0] for p in params])),
                              flat_ids.dtype)  # fmt: skip
    each, extras = total // count, total % count
    tables = gen_ops.maximum(flat_ids // (each + 1), (flat_ids - extras) // each)
    rows = array_ops.where(tables < extras, flat_ids % (each + 1), (flat_ids - extras) % each)
    return tables, rows


def _sharded(params, count, ids, strategy, max_norm, transform_fn, name):
    """Looks up each table's part of the ids, and puts the rows in order."""
    ids = ops.convert_to_tensor(ids, name="ids")
    flat_ids = array_ops.reshape(ids, [-1])
    original = math_ops.range(array_ops.size(flat_ids))
    tables, rows = _places(flat_ids, count, params, strategy)
    tables = math_ops.cast(tables, dtypes.int32)
    parts = gen_ops.dynamic_partition(rows, tables, num_partitions=count)
    places = gen_ops.dynamic_partition(original, tables, num_partitions=count)
    results = []
    for p in range(count):
        with ops.colocate_with(params[p]):
            found = array_ops.gather(params[p] if hasattr(params[p], "handle") else ops.convert_to_tensor(params[p]),
                                     parts[p])  # fmt: skip
            if transform_fn:
                found = transform_fn(_clip(found, parts[p], max_norm))
            results.append(found)
    merged = gen_ops.parallel_dynamic_stitch(places, results, name=name)
    row_shape = params[0].get_shape()[1:]
    for p in params[1:]:
        row_shape = row_shape.merge_with(p.get_shape()[1:])
    if transform_fn is not None:
        merged = array_ops.reshape(merged, array_ops.concat([array_ops.shape(ids), array_ops.shape(merged)[1:]], 0))
        return merged
    sizes = row_shape.as_list() if row_shape.is_fully_defined() else array_ops.shape(params[0])[1:]
    merged = array_ops.reshape(merged, array_ops.concat([array_ops.shape(ids), sizes], 0))
    merged.set_shape(ids.get_shape().concatenate(row_shape))
    return _clip(merged, ids, max_norm)


@tf_export("nn.embedding_lookup")
def embedding_lookup(params, ids, partition_strategy="mod", name=None, validate_indices=True, max_norm=None):
    """The rows of PARAMS (a table, or several that share the rows out: 'mod' or 'div') at IDS."""
    return _embedding_lookup_and_transform(params, ids, partition_strategy, name, max_norm)


@tf_export("nn.embedding_lookup_sparse")
def embedding_lookup_sparse(params, sp_ids, sp_weights, partition_strategy="mod", name=None, combiner=None,
                            max_norm=None, allow_fast_lookup=False):  # fmt: skip
    """For each row of SP_IDS its embeddings combined: 'sum', 'mean' or 'sqrtn', with weights if given."""
    combiner = "mean" if combiner is None else combiner
    if combiner not in ("mean", "sqrtn", "sum"):
        raise ValueError(f"combiner must be one of 'mean', 'sqrtn' or 'sum', got {combiner}")
    if isinstance(params, variables.PartitionedVariable):
        params = list(params)
    if not isinstance(params, list):
        params = [params]
    if not isinstance(sp_ids, sparse_tensor.SparseTensor):
        raise TypeError(f"sp_ids must be SparseTensor, got {type(sp_ids)}")
    if sp_weights is not None:
        if not isinstance(sp_weights, sparse_tensor.SparseTensor):
            raise TypeError(f"sp_weights must be either None or SparseTensor, got {type(sp_weights)}")
        sp_ids.values.get_shape().assert_is_compatible_with(sp_weights.values.get_shape())
        sp_ids.indices.get_shape().assert_is_compatible_with(sp_weights.indices.get_shape())
    with ops.name_scope(name, "embedding_lookup_sparse", [*params, sp_ids.values]) as scope:
        segments = math_ops.cast(sp_ids.indices[:, 0], dtypes.int32)
        ids, index = array_ops.unique(sp_ids.values)
        found = embedding_lookup(params, ids, partition_strategy=partition_strategy, max_norm=max_norm)
        if found.dtype in (dtypes.float16, dtypes.bfloat16):
            found = math_ops.cast(found, dtypes.float32)
        if sp_weights is None:
            function = getattr(gen_ops, {"sum": "sparse_segment_sum", "mean": "sparse_segment_mean",
                                         "sqrtn": "sparse_segment_sqrt_n"}[combiner])  # fmt: skip
            return function(found, index, segments, name=scope)
        return _weighted(found, index, segments, sp_weights.values, combiner, scope)


def _weighted(found, index, segments, weights, combiner, name):
    if weights.dtype != found.dtype:
        weights = math_ops.cast(weights, found.dtype)
    found = array_ops.gather(found, index)
    rank = found.get_shape().ndims
    ones = array_ops.fill(array_ops.expand_dims(array_ops.rank(found) - 1, 0), 1) if rank is None else [1] * (rank - 1)
    wide = array_ops.reshape(weights, array_ops.concat([array_ops.shape(weights), ones], 0))
    wide.set_shape(weights.get_shape().concatenate([1] * (rank - 1) if rank is not None else None))
    found = found * wide
    if combiner == "sum":
        return gen_ops.segment_sum(found, segments, name=name)
    total = gen_ops.segment_sum(found, segments)
    if combiner == "mean":
        return gen_ops.div_no_nan(total, gen_ops.segment_sum(wide, segments), name=name)
    squares = gen_ops.segment_sum(math_ops.pow(wide, 2), segments)
    return gen_ops.div_no_nan(total, gen_ops.sqrt(squares), name=name)


@tf_export("nn.safe_embedding_lookup_sparse")
def safe_embedding_lookup_sparse(embedding_weights, sparse_ids, sparse_weights=None, combiner="mean", default_id=None,
                                 name=None, partition_strategy="div", max_norm=None,
                                 allow_fast_lookup=False):  # fmt: skip
    """embedding_lookup_sparse that leaves out bad ids, and gives zeros (or DEFAULT_ID's row) for empty rows."""
    from tenon.python.ops import sparse_ops

    if isinstance(embedding_weights, variables.PartitionedVariable):
        embedding_weights = list(embedding_weights)
    if not isinstance(embedding_weights, list):
        embedding_weights = [embedding_weights]
    if not embedding_weights:
        raise ValueError(f"Missing embedding_weights {embedding_weights}.")
    with ops.name_scope(name, "embedding_lookup", [*embedding_weights, sparse_ids.values]) as scope:
        shape = sparse_ids.dense_shape
        rank = shape.get_shape().as_list()[0]
        first = math_ops.reduce_prod(array_ops.slice(shape, [0], [rank - 1]))
        wide = array_ops.gather(shape, rank - 1)
        sparse_ids = sparse_ops.sparse_reshape(sparse_ids, [math_ops.cast(first, dtypes.int64), wide])
        if sparse_weights is not None:
            sparse_weights = sparse_tensor.SparseTensor(
                sparse_ids.indices, sparse_weights.values, sparse_ids.dense_shape
            )
        good = sparse_ids.values >= 0
        if sparse_weights is not None and combiner != "sum":
            good = gen_ops.logical_and(good, sparse_weights.values > 0)
        sparse_ids = sparse_ops.sparse_retain(sparse_ids, good)
        if sparse_weights is not None:
            sparse_weights = sparse_ops.sparse_retain(sparse_weights, good)
        sparse_ids, empty = sparse_ops.sparse_fill_empty_rows(sparse_ids, default_id or 0)
        if sparse_weights is not None:
            sparse_weights, _ = sparse_ops.sparse_fill_empty_rows(sparse_weights, 1.0)
        result = embedding_lookup_sparse(
            embedding_weights, sparse_ids, sparse_weights, combiner=combiner, partition_strategy=partition_strategy,
            name=None if default_id is None else scope, max_norm=max_norm,
        )  # fmt: skip
        if default_id is None:
            columns = array_ops.shape(result)[1]
            mask = gen_ops.tile(array_ops.reshape(empty, [-1, 1]), array_ops.stack([1, columns]))
            result = array_ops.where(mask, array_ops.zeros_like(result), result, name=scope)
        lead = array_ops.slice(math_ops.cast(shape, dtypes.int32), [0], [rank - 1])
        return array_ops.reshape(result, array_ops.concat([lead, array_ops.shape(result)[1:]], 0))
