"""Accumulators of gradients."""

import numpy as np

from oracle.api import program

X = np.array([[1, 2, 3], [4, 5, 6.5]], np.float32)


def dense(kind, prefix, reduction):
    def build(g):
        handle = g.op(kind, dtype="float32", shape=[2, 3], reduction_type=reduction, shared_name=f"{kind}{reduction}")
        x, step = g.placeholder("float32"), g.placeholder("int64", [])
        apply = g.op(f"{prefix}ApplyGradient", handle, step, x)
        count = g.op(f"{prefix}NumAccumulated", handle)
        take = lambda n: g.op(f"{prefix}TakeGradient", handle, g.constant(np.int32(n)), dtype="float32")  # noqa: E731
        put = lambda value, at: (apply, {x: value, step: np.int64(at)})  # noqa: E731
        return [
            count, put(X, 0), put(X * 3, 0), count, take(1), count, put(X, 0), count, put(X, 1), put(X * 2, 5), take(2),
            g.op(f"{prefix}SetGlobalStep", handle, g.constant(np.int64(9))), put(X, 8), count, put(X, 9), count,
            ("INVALID_ARGUMENT", apply, {x: X[:1], step: np.int64(9)}), ("INVALID_ARGUMENT", take(0), {}), take(1),
        ]  # fmt: skip

    return build


for reduction in ("MEAN", "SUM"):
    program(f"accumulator_{reduction}", dense("ConditionalAccumulator", "Accumulator", reduction))
    program(
        f"accumulator_resource_{reduction}", dense("ResourceConditionalAccumulator", "ResourceAccumulator", reduction)
    )


def sparse(shape, reduction):
    def build(g):
        kind = "SparseConditionalAccumulator"
        handle = g.op(kind, dtype="float32", shape=shape, reduction_type=reduction, shared_name=f"{shape}{reduction}")
        values, indices, step = g.placeholder("float32"), g.placeholder("int64"), g.placeholder("int64", [])
        whole = g.constant(np.array([8, 3], np.int64))
        apply = g.op("SparseAccumulatorApplyGradient", handle, step, indices, values, whole, has_known_shape=True)
        count = g.op("AccumulatorNumAccumulated", handle)
        take = lambda n: g.op("SparseAccumulatorTakeGradient", handle, g.constant(np.int32(n)), dtype="float32")  # noqa: E731
        put = lambda rows, value, at=0: (  # noqa: E731
            apply, {indices: np.array(rows, np.int64), values: value, step: np.int64(at)}
        )  # fmt: skip
        return [
            put([1, 4], X), put([0, 4], X * 10), count, take(2), put([2, 3], X, 0), count, put([2, 3], X, 1), take(1),
            ("INVALID_ARGUMENT", *put([1, 2, 3], X, 2)), ("INVALID_ARGUMENT", *put([1, 2], X[:, :2], 2)), count,
        ]  # fmt: skip

    return build


program("accumulator_rows", sparse([8, 3], "MEAN"))
program("accumulator_rows_sum", sparse([None, 3], "SUM"))
