"""Columns as boosted trees see them: a number of buckets, and a bucket for each example, for each feature."""

import collections

from tenon.python.feature_column import base, dense, learnt
from tenon.python.framework import dtypes
from tenon.python.ops import array_ops, boosted_trees_ops, gen_ops, math_ops

_KNOWN = "bucketized_column, indicator_column, numeric_column"


def sorted_columns(feature_columns):
    """The columns by their names. ValueError where trees can't split by one."""
    columns = sorted(feature_columns, key=lambda column: column.name)
    for column in columns:
        if not isinstance(column, (dense.BucketizedColumn, learnt.IndicatorColumn, dense.NumericColumn)):
            raise ValueError(f"For now, only {_KNOWN} is supported but got: {column}")
        if isinstance(column, dense.NumericColumn) and len(column.shape) > 1:
            raise ValueError(f"For now, only support Numeric column with shape less than 2, but column "
                             f"`{column.name}` got: {column.shape}")  # fmt: skip
    return columns


def float_columns(columns):
    """Those whose buckets are found from the data."""
    return [column for column in columns if isinstance(column, dense.NumericColumn)]


def width(column):
    """How many features a column makes."""
    if isinstance(column, learnt.IndicatorColumn):
        return column.categorical_column.num_buckets
    if isinstance(column, dense.NumericColumn):
        return column.shape[0] if column.shape else 1
    return 1


def count(columns):
    """How many features they make."""
    return sum(width(column) for column in columns)


def names(columns):
    """The column's name of each feature; that of the categories for an indicator."""
    found = []
    for column in columns:
        name = column.categorical_column.name if isinstance(column, learnt.IndicatorColumn) else column.name
        found += [name] * width(column)
    return found


def groups(columns, num_quantiles):
    """([number of buckets], [ids of the features that have as many])."""
    found, bucketized, most, next_id = collections.OrderedDict(), [], 2, 0
    for column in columns:
        ids = list(range(next_id, next_id + width(column)))
        next_id += len(ids)
        if isinstance(column, dense.BucketizedColumn):
            most = max(most, len(column.boundaries) + 1)
            bucketized += ids
        else:
            # NUM_QUANTILES buckets have a boundary more.
            buckets = 2 if isinstance(column, learnt.IndicatorColumn) else num_quantiles + 1
            found.setdefault(buckets, []).extend(ids)
    if bucketized:
        found.setdefault(most, []).extend(bucketized)
    return list(found), list(found.values())


def boundaries_of(columns, bucket_boundaries):
    """{name of a column of numbers: the boundaries of each of its features}."""
    left, found = list(bucket_boundaries), {}
    for column in columns:
        found[column.name], left = left[: width(column)], left[width(column) :]
    return found


def raw_numbers(features, columns):
    """A float vector for each feature of columns of numbers."""
    cache = base.FeatureTransformationCache(features)
    return [one for column in columns for one in array_ops.unstack(cache.get(column), num=width(column), axis=1)]


def _ids(cache, column, boundaries, num_quantiles):
    value = cache.get(column)
    if isinstance(column, dense.BucketizedColumn):
        value = array_ops.squeeze(value, axis=1)
        if len(value.shape) > 1:
            raise ValueError(f"For now, only supports features equivalent to rank 1 but column "
                             f"`{column.source_column.name}` got: {value.shape}")  # fmt: skip
        return [value]
    if isinstance(column, learnt.IndicatorColumn):
        value = math_ops.cast(value, dtypes.int32)
        if len(value.shape) > 2:
            raise ValueError(f"Rank of indicator column must be no more than 2, but column "
                             f"`{column.categorical_column.name}` got: {value.shape}")  # fmt: skip
        # A category that is there several times is there.
        return array_ops.unstack(math_ops.minimum(value, 1), num=width(column), axis=1)
    numbers = array_ops.unstack(value, num=width(column), axis=1)
    found = boosted_trees_ops.boosted_trees_bucketize(numbers, boundaries[column.name])
    # Where single values weigh much there are more boundaries than were asked for.
    return [gen_ops.minimum(one, num_quantiles) for one in found]


def category_ids(features, columns):
    """{indicator column: its features' buckets}: their tables are initialised outside of conditions."""
    cache = base.FeatureTransformationCache(features)
    return {c: _ids(cache, c, None, None) for c in columns if isinstance(c, learnt.IndicatorColumn)}


def bucket_ids(features, columns, boundaries, num_quantiles, made=None):
    """The bucket of each example, an int32 vector for each feature of all columns; MADE: {column: what it makes}."""
    cache, made = base.FeatureTransformationCache(features), made or {}
    found = [made.get(column) or _ids(cache, column, boundaries, num_quantiles) for column in columns]
    return [one for ids in found for one in ids]
