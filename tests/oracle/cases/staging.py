"""Staging areas: what is put in comes out, by order or by key, whole or in parts."""

import numpy as np

from oracle.api import program

A, B, C = np.arange(4, dtype="float32"), np.array([b"x", b"yz"], object), np.array(7, "int64")
TYPES = ["float32", "string"]


def listed(out):
    return list(out) if isinstance(out, (list, tuple)) else [out]


def stage(g):
    area = {"dtypes": TYPES, "shared_name": "area"}
    put = g.op("Stage", [g.constant(A), g.constant(B)], **area)
    again = g.op("Stage", [g.constant(2 * A), g.constant(B[::-1].copy())], **area)
    size = g.op("StageSize", **area)
    return [
        [put],
        [again],
        [size],
        listed(g.op("StagePeek", g.constant(np.array(1, "int32")), **area)),
        listed(g.op("Unstage", **area)),
        [size],
        [g.op("StageClear", **area)],
        [size],
    ]


def mapped(kind):
    def build(g):
        area = {"dtypes": [*TYPES, "int64"], "shared_name": kind}

        def key(value):
            return g.constant(np.array(value, "int64"))

        def at(*indices):
            return g.constant(np.array(indices, "int32"))

        whole = [g.constant(A), g.constant(B), g.constant(C)]
        sizes = [g.op(f"{kind}Size", **area), g.op(f"{kind}IncompleteSize", **area)]
        two = {**area, "dtypes": ["float32", "int64"]}
        return [
            [g.op(f"{kind}Stage", key(5), at(0, 1, 2), whole, **area)],
            [g.op(f"{kind}Stage", key(3), at(0, 2), [whole[0], whole[2]], **area)],
            sizes,
            ("INVALID_ARGUMENT", [g.op(f"{kind}Stage", key(3), at(0), [whole[0]], **area)]),
            ("INVALID_ARGUMENT", [g.op(f"{kind}Stage", key(3), at(9), [whole[0]], **area)]),
            ("INVALID_ARGUMENT", [g.op(f"{kind}Stage", key(4), at(2, 0), [whole[2], whole[0]], **area)]),
            [g.op(f"{kind}Stage", key(3), at(1), [whole[1]], **area)],
            sizes,
            listed(g.op(f"{kind}Peek", key(5), at(0, 2), **two)),
            listed(g.op(f"{kind}Unstage", key(5), at(0, 2), **two)),
            ("INVALID_ARGUMENT", listed(g.op(f"{kind}Unstage", key(5), at(0, 2), **two))),
            listed(g.op(f"{kind}Unstage", key(5), at(1), **{**area, "dtypes": ["string"]})),
            sizes,
            listed(g.op(f"{kind}UnstageNoKey", at(0, 1, 2), **area)),
            sizes,
            [g.op(f"{kind}Clear", **area)],
        ]

    return build


program("stage", stage)
program("map_stage", mapped("Map"))
program("ordered_map_stage", mapped("OrderedMap"))
