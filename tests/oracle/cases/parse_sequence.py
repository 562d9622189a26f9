"""ParseSingleSequenceExample, ParseSequenceExample and ParseSequenceExampleV2."""

import numpy as np

from oracle.api import bad, case
from oracle.messages import sequence

INVALID = "INVALID_ARGUMENT"


def text(*items):
    return np.array([*items, None], object)[:-1]


def one(item):
    return np.array(item, object)


LONG = sequence(
    {"id": [5], "tags": [b"x", b"yy"]},
    {"tokens": [[1], [2], [3]], "words": [[b"a"], None, [b"b", b"c"]], "pairs": [[0.5, 1.5], [2.0, 3.0]]},
)
SHORT = sequence({"id": [6]}, {"tokens": [[9]], "words": [[b"z"]], "pairs": []}, packed=False)
WITHOUT = sequence({"id": [7]}, {"tokens": []})
NO_INT = np.zeros(0, "int64")

COMMON = {
    "context_sparse_types": ["string"],
    "Tcontext_dense": ["int64"],
    "context_dense_shapes": [[]],
    "feature_list_dense_types": ["int64", "float32"],
    "feature_list_dense_shapes": [[1], [2]],
    "feature_list_sparse_types": ["string"],
    "Ncontext_sparse": 1,
    "Ncontext_dense": 1,
    "Nfeature_list_sparse": 1,
    "Nfeature_list_dense": 2,
}

LISTS = [one(b"tokens"), one(b"pairs")]
for message in (LONG, SHORT, WITHOUT):
    case(
        "ParseSingleSequenceExample", one(message), text(b"pairs"), [one(b"tags")], [one(b"id")], [one(b"words")],
        LISTS, [NO_INT], one(b"name"), **COMMON,
    )  # fmt: skip
for message, optional, default in (
    (WITHOUT, text(), NO_INT),
    (sequence({}, {"tokens": []}), text(b"pairs"), NO_INT),
    (sequence({"id": [1]}, {"tokens": [[1, 2]]}), text(b"pairs"), NO_INT),
    (sequence({"id": [1]}, {"tokens": [[b"s"]]}), text(b"pairs"), NO_INT),
    (b"\xff", text(b"pairs"), NO_INT),
):
    bad(
        "ParseSingleSequenceExample", one(message), optional, [one(b"tags")], [one(b"id")], [one(b"words")], LISTS,
        [default], one(b"name"), code=INVALID, **COMMON,
    )  # fmt: skip

KEYS = {
    "context_sparse_keys": ["tags"],
    "context_dense_keys": ["id"],
    "feature_list_sparse_keys": ["words"],
    "feature_list_dense_keys": ["tokens", "pairs"],
}
for batch in (text(LONG, SHORT, WITHOUT), text(SHORT), text(WITHOUT, LONG)):
    case(
        "ParseSequenceExample", batch, text(*[b"n"] * len(batch)), [NO_INT],
        feature_list_dense_missing_assumed_empty=["pairs"], **KEYS, **COMMON,
    )  # fmt: skip
for message in (WITHOUT, b"\xff", sequence({"id": [1]}, {"tokens": [[1, 2]]})):
    bad(
        "ParseSequenceExample", text(LONG, message), text(), [NO_INT], feature_list_dense_missing_assumed_empty=[],
        code=INVALID, **KEYS, **COMMON,
    )  # fmt: skip

for splits in ("int32", "int64"):
    case(
        "ParseSequenceExampleV2", text(LONG, SHORT, WITHOUT), text(), text(b"tags"), text(b"id"), text(b"other"),
        text(b"words"), text(b"tokens"), text(b"pairs"), np.array([False]), [NO_INT],
        Ncontext_sparse=1, Tcontext_dense=["int64"], context_sparse_types=["string"],
        context_ragged_value_types=["float32"], context_ragged_split_types=[splits], context_dense_shapes=[[]],
        Nfeature_list_sparse=1, Nfeature_list_dense=1, feature_list_dense_types=["int64"],
        feature_list_sparse_types=["string"], feature_list_ragged_value_types=["float32"],
        feature_list_ragged_split_types=[splits], feature_list_dense_shapes=[[1]],
    )  # fmt: skip
