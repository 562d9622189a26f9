"""What an ensemble of trees says of its features: how much they gain, and how much they make of a prediction."""

import collections

import numpy as np

from tenon.python.framework import proto

DEBUG_KEY = "__serialized_debug_proto"


def _by_name(names, values, key):
    """{name: sum of the values of its features}, the largest first."""
    sums = collections.OrderedDict()
    for name, value in zip(names, values):
        sums[name] = sums.get(name, 0.0) + value
    return collections.OrderedDict(sorted(sums.items(), key=lambda item: key(item[1]), reverse=True))


def _gains(tree, count):
    gains = np.zeros(count)
    for node in tree.nodes:
        kind = node.WhichOneof("node")
        if kind in ("bucketized_split", "categorical_split"):
            gains[getattr(node, kind).feature_id] += node.metadata.gain
        elif kind != "leaf":
            raise ValueError(f"Unexpected split type {kind}")
    return gains


def feature_importances(serialized, names, normalize):
    """{name: gain of all splits by it}. AssertionError where there is nothing to normalize by."""
    ensemble = proto.get("tensorflow.boosted_trees.TreeEnsemble")()
    ensemble.ParseFromString(serialized)
    total = np.zeros(len(names))
    for tree, weight in zip(ensemble.trees, ensemble.tree_weights):
        total += weight * _gains(tree, len(names))
    if normalize:
        if not np.all(total >= 0):
            raise AssertionError("feature_importances must be non-negative.")
        if not total.sum() > 0:
            raise AssertionError("Trees are all empty or contain only a root node.")
        total /= total.sum()
    return _by_name(names, total, lambda value: value)


def explain(serialized, names, is_classification):
    """(bias, {name: how much its features change the prediction}) of a DebugOutput message."""
    seen = proto.get("tensorflow.boosted_trees.DebugOutput")()
    seen.ParseFromString(serialized)
    path = np.array(list(seen.logits_path))
    if is_classification:
        path = 1 / (1 + np.exp(-path))
    changes = np.zeros(len(names))
    np.add.at(changes, np.array(list(seen.feature_ids), int), np.diff(path))
    return path[0], _by_name(names, changes, abs)
