"""Gradient boosting in NumPy: what the BoostedTrees ops compute, which TensorFlow 2.21 defines but no longer runs.

Everything is in float64 and by definition: a leaf's value minimises g w + 1/2 w H w + l2/2 w w + l1 |w|, its gain is
what that takes off twice; a split is found by trying all. Ensembles are lists of dicts; their bytes are written by
google.protobuf.
"""

import functools

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

LEFT, RIGHT, EQUAL = b"inequality_default_left", b"inequality_default_right", b"equality_default_right"


# --- splits ---


def leaf(g, h, l1=0.0, l2=0.0):
    """(value, gain) of a leaf with the sums G and H: vectors of as many logits (H: or their square)."""
    g, h = np.asarray(g, np.float64), np.asarray(h, np.float64)
    n = len(g)
    if n == 1:
        shrunk = np.sign(g) * np.maximum(np.abs(g) - l1, 0)
        if (l1 > 0 and abs(g[0]) <= l1) or h[0] + l2 <= 1e-15:
            return np.zeros(1), 0.0
        return -shrunk / (h + l2), float(shrunk[0] ** 2 / (h[0] + l2))
    matrix = (np.diag(h) if len(h) == n else h.reshape(n, n).T) + l2 * np.eye(n)
    value = -np.linalg.solve(matrix, g)
    return value, float(-g @ value)


def _try(best, parts, place, n, **regular):
    (left, left_gain), (right, right_gain) = (leaf(p[:n], p[n:], **regular) for p in parts)
    if best is None or left_gain + right_gain > best[0] + 1e-9:
        return (left_gain + right_gain, place, left, right)
    return best


def best_of_feature(stats, n, kind, feature=0, **regular):
    """(gain of both children, (feature, dimension, bucket, type), left, right).

    STATS: [dimensions, buckets + 1, sums].
    """
    stats = np.asarray(stats, np.float64)
    best = None
    for d in range(stats.shape[0]):
        total, missing = stats[d].sum(0), stats[d, -1]
        for b in range(stats.shape[1] - 1):
            if kind == "equality":
                best = _try(best, (stats[d, b], stats[0].sum(0) - stats[d, b]), (feature, d, b, EQUAL), n, **regular)
                continue
            left = stats[d, : b + 1].sum(0)
            best = _try(best, (left + missing, total - left - missing), (feature, d, b, LEFT), n, **regular)
            best = _try(best, (left, total - left), (feature, d, b, RIGHT), n, **regular)
    return best


def best_splits(span, features, n, kinds, ids=None, complexity=0.0, least=0.0, **regular):
    """What CalculateBestFeatureSplit(V2) gives for FEATURES, each [nodes, dimensions, buckets + 1, sums]."""
    rows = []
    for node in range(*span):
        total = np.asarray(features[0][node, 0], np.float64).sum(0)
        if np.linalg.norm(total[n:]) < least:
            continue
        found = [
            best_of_feature(stats[node], n, kind, i if ids is None else ids[i], **regular)
            for i, (stats, kind) in enumerate(zip(features, kinds))
        ]
        best = max(found, key=lambda split: split[0])
        gain = best[0] - leaf(total[:n], total[n:], **regular)[1] - complexity
        rows.append((node, gain, *best[1][:3], best[2], best[3], best[1][3]))
    node, gain, feature, dimension, bucket, left, right, kind = zip(*rows) if rows else [()] * 8
    ints = [np.array(x, np.int32) for x in (node, feature, dimension, bucket)]
    values = [np.array(x, np.float32).reshape(len(rows), n) for x in (left, right)]
    out = [ints[0], np.array(gain, np.float32), *ints[1:], *values, np.array(kind, object)]
    return out if ids is not None else out[:2] + out[3:]


def best_gains(span, features, complexity=0.0, least=0.0, **regular):
    """What CalculateBestGainsPerFeature gives for FEATURES, each [nodes, buckets, 2]."""
    outputs = [[] for _ in range(5)]
    for stats in features:
        rows = []
        for node in range(*span):
            sums = np.asarray(stats[node], np.float64)
            total, best = sums.sum(0), None
            if total[1] < least:
                continue
            for b in range(len(sums)):
                left = sums[: b + 1].sum(0)
                best = _try(best, (left, total - left), b, 1, **regular)
            rows.append((node, best[0] - leaf(total[:1], total[1:], **regular)[1] - complexity, best[1], *best[2:]))
        columns = zip(*rows) if rows else [()] * 5
        for k, (dtype, out, column) in enumerate(zip("ififf", outputs, columns)):
            out.append(np.array(column, dtype).reshape([len(rows), 1] if k > 2 else [len(rows)]))
    return [x for out in outputs for x in out]


# --- sums ---


def make_stats(nodes, gradients, hessians, features, splits, buckets):
    out = np.zeros((len(features), splits, buckets, 2))
    for f, feature in enumerate(features):
        np.add.at(out, (f, nodes, feature, 0), gradients[:, 0])
        np.add.at(out, (f, nodes, feature, 1), hessians[:, 0])
    return out.astype(np.float32)


def aggregate(nodes, gradients, hessians, feature, splits, buckets):
    sums = np.concatenate([gradients, hessians], 1)
    out = np.zeros((splits, feature.shape[1], buckets + 1, sums.shape[1]))
    for d in range(feature.shape[1]):
        np.add.at(out, (nodes, d, np.where(feature[:, d] < 0, buckets, feature[:, d])), sums)
    return out.astype(np.float32)


def sparse_of(dense, seen):
    """(indices, values) of the buckets of DENSE [nodes, dimensions, buckets, sums] that SEEN marks."""
    at = np.argwhere(seen)
    n = dense.shape[-1]
    indices = np.concatenate([np.repeat(at, n, 0), np.tile(np.arange(n), len(at))[:, None]], 1)
    return indices.astype(np.int32), dense[tuple(at.T)].reshape(-1).astype(np.float32)


# --- ensembles ---


def stump(value):
    return {"leaf": np.atleast_1d(np.asarray(value, np.float32)), "gain": None, "before": None}


class Forest:
    """What the ops make of an ensemble."""

    def __init__(self, logits=1):
        self.logits, self.stamp = logits, 0
        self.trees, self.weights, self.meta = [], [], []
        self.growing = None  # [trees attempted, layers attempted, begin, end]

    def add(self, value=None):
        self.trees.append([stump(np.zeros(self.logits) if value is None else value)])
        self.weights.append(1.0)
        self.meta.append({"layers": 0, "done": False, "moves": []})

    def value(self, node):
        """What a node says, None if that is not known."""
        return node["leaf"] if "leaf" in node else node["before"]

    def center(self, g, h, l1=0.0, l2=0.0):
        """Whether it was worth it."""
        step = leaf([g], [h], l1, l2)[0]
        self.stamp += 1
        if not self.trees:
            self.add(step)
            return True
        root = self.trees[0][0]
        more = bool(abs(step[0] / root["leaf"][0]) > 0.01)
        root["leaf"] = root["leaf"] + step.astype(np.float32)
        return more

    def grow(self, candidates, depth, rate, pruning=0):
        """CANDIDATES: (node, gain, feature, dimension, threshold, left, right, type)."""
        best = {}
        for c in candidates:
            old = best.get(c[0])
            if old is None or c[1] > old[1] or (c[1] == old[1] and c[2] < old[2]):
                best[c[0]] = c
        self.stamp += 1
        self.growing = self.growing or [0, 0, 0, 0]
        first = not self.trees or (len(self.trees[-1]) == 1 and (len(self.trees) == 1 or self.meta[-2]["done"]))
        self.growing[0] += first
        self.growing[1] += 1
        if not self.trees:
            self.add()
        tree, meta = self.trees[-1], self.meta[-1]
        begin = len(tree)
        for node in sorted(best):
            if not (pruning == 1 and best[node][1] < 0):
                self._split(tree, best[node], np.float32(rate))
        if len(tree) == begin:
            return
        meta["layers"] += 1
        span = [begin, len(tree)]
        if meta["layers"] >= depth:
            span, meta["done"] = [0, 1], True
            if pruning == 2:
                self._prune(tree, meta)
            self.add()
        self.growing[2:] = span

    def _split(self, tree, candidate, rate):
        number, gain, feature, dimension, threshold, left, right, kind = candidate
        node = tree[number]
        old = node.pop("leaf")
        known = number != 0 or self.logits > 1 or old[0] != 0
        node.update(gain=np.float32(gain), before=old if known else None, kind=kind, feature=feature,
                    dimension=dimension, threshold=threshold, children=(len(tree), len(tree) + 1))  # fmt: skip
        base = old if known else np.zeros(self.logits, np.float32)
        tree += [stump(base + rate * np.asarray(x, np.float32)) for x in (left, right)]

    def _prune(self, tree, meta):
        parent, change = list(range(len(tree))), {}

        def visit(i):
            node = tree[i]
            if "leaf" in node:
                return
            for child in node["children"]:
                visit(child)
            if not (node["gain"] < 0 and all("leaf" in tree[c] for c in node["children"])):
                return
            back = node["before"]
            for child in node["children"]:
                parent[child] = i
                change[child] = (np.zeros(self.logits) if back is None else back) - tree[child]["leaf"]
            tree[i] = stump(np.zeros(self.logits) if back is None else back)

        visit(0)
        if not change:
            return
        place = {old: new for new, old in enumerate(i for i in range(len(tree)) if i not in change)}
        for i in range(len(tree)):
            total, at = np.zeros(self.logits, np.float32), i
            while parent[at] != at:
                total = total + change[at]
                at = parent[at]
            meta["moves"].append((place[at], total.astype(np.float32)))
        kept = [tree[i] for i in sorted(place)]
        for node in kept:
            if "children" in node:
                node["children"] = tuple(place[c] for c in node["children"])
        tree[:] = kept

    def _next(self, node, features, i):
        value = features[node["feature"]][i, node["dimension"]]
        first = value == node["threshold"] if node["kind"] == EQUAL else value <= node["threshold"]
        return node["children"][0 if first else 1]

    def _down(self, tree, at, features, i):
        while "children" in tree[at]:
            at = self._next(tree[at], features, i)
        return at

    def predict(self, features):
        features = [f.reshape(len(f), -1) for f in features]
        out = np.zeros((len(features[0]), self.logits), np.float32)
        for i in range(len(out)):
            for tree, weight in zip(self.trees, self.weights):
                out[i] += np.float32(weight) * tree[self._down(tree, 0, features, i)]["leaf"]
        return out

    def training_predict(self, trees, nodes, features):
        """(change of the logits, tree ids, node ids)."""
        features = [f.reshape(len(f), -1) for f in features]
        out, at = np.zeros((len(trees), self.logits), np.float32), np.zeros(len(trees), np.int32)
        if not self.trees:
            return out, np.asarray(trees, np.int32), at
        for i, (t, node) in enumerate(zip(trees, nodes)):
            rest = np.zeros(self.logits, np.float32)
            if node >= 0:
                if self.meta[t]["done"] and self.meta[t]["moves"]:
                    node, rest = self.meta[t]["moves"][node]
                known = self.value(self.trees[t][node])
                rest = rest - (0 if known is None else known)
            for k in range(t, len(self.trees)):
                node = self._down(self.trees[k], max(node, 0) if k == t else 0, features, i)
                out[i] += np.float32(self.weights[k]) * (rest + self.trees[k][node]["leaf"])
                rest = 0
            at[i] = node
        return out, np.full(len(trees), len(self.trees) - 1, np.int32), at

    def explain(self, features):
        """DebugOutput messages."""
        features = [f.reshape(len(f), -1) for f in features]
        out = []
        for i in range(len(features[0])):
            root = self.value(self.trees[0][0])
            own = 0.0 if root is None else self.weights[0] * root[0]
            ids, path, past = [], [own], np.float32(0)
            for t, tree in enumerate(self.trees):
                at = 0
                while "children" in tree[at]:
                    ids.append(tree[at]["feature"])
                    at = self._next(tree[at], features, i)
                    own = self.weights[t] * self.value(tree[at])[0]
                    path.append(past + own)
                if t == 0 or at > 0:
                    past += own
            out.append(message("DebugOutput")(feature_ids=ids, logits_path=path).SerializeToString())
        return np.array(out, object)

    def states(self):
        n = len(self.trees)
        done = n if not n or self.meta[-1]["done"] else n - 1
        growing = self.growing or [0, 0, 0, 0]
        ints = [np.int32(x) for x in (n, done, growing[1])]
        return [np.int64(self.stamp), *ints, np.array([growing[2], max(1, growing[3])], np.int32)]

    def bytes(self):
        out = message("TreeEnsemble")()
        for tree in self.trees:
            nodes = out.trees.add().nodes
            for node in tree:
                self._write(node, nodes.add())
        out.tree_weights.extend(self.weights)
        for meta in self.meta:
            m = out.tree_metadata.add(num_layers_grown=meta["layers"], is_finalized=meta["done"])
            for place, change in meta["moves"]:
                m.post_pruned_nodes_meta.add(new_node_id=place, logit_change=change)
        if self.growing:
            trees, layers, begin, end = self.growing
            g = out.growing_metadata
            g.SetInParent()
            g.num_trees_attempted, g.num_layers_attempted = trees, layers
            g.last_layer_node_start, g.last_layer_node_end = begin, end
        return np.array(out.SerializeToString(), object)

    def _leaf(self, value, m):
        m.SetInParent()
        if self.logits == 1:
            m.scalar = value[0]
        else:
            m.vector.value.extend(value)

    def _write(self, node, m):
        if "leaf" in node:
            return self._leaf(node["leaf"], m.leaf)
        equal = node["kind"] == EQUAL
        split = m.categorical_split if equal else m.bucketized_split
        split.feature_id, split.dimension_id = node["feature"], node["dimension"]
        setattr(split, "value" if equal else "threshold", node["threshold"])
        split.left_id, split.right_id = node["children"]
        if not equal:
            split.default_direction = int(node["kind"] == RIGHT)
        m.metadata.gain = node["gain"]
        if node["before"] is not None:
            self._leaf(node["before"], m.metadata.original_leaf)


# --- messages, by google.protobuf ---

_MESSAGES = """
Node leaf=1:Leaf/node bucketized_split=2:BucketizedSplit/node
  categorical_split=3:CategoricalSplit/node metadata=777:NodeMetadata
NodeMetadata gain=1:float original_leaf=2:Leaf
Leaf vector=1:Vector/leaf sparse_vector=2:SparseVector/leaf scalar=3:float
Vector value=1:*float
SparseVector index=1:*int32 value=2:*float
BucketizedSplit feature_id=1:int32 threshold=2:int32 left_id=3:int32 right_id=4:int32 dimension_id=5:int32
  default_direction=6:int32
CategoricalSplit feature_id=1:int32 value=2:int32 left_id=3:int32 right_id=4:int32 dimension_id=5:int32
Tree nodes=1:*Node
PostPruneNodeUpdate new_node_id=1:int32 logit_change=2:*float
TreeMetadata num_layers_grown=2:int32 is_finalized=3:bool post_pruned_nodes_meta=4:*PostPruneNodeUpdate
GrowingMetadata num_trees_attempted=1:int64 num_layers_attempted=2:int64
  last_layer_node_start=3:int32 last_layer_node_end=4:int32
TreeEnsemble trees=1:*Tree tree_weights=2:*float tree_metadata=3:*TreeMetadata growing_metadata=4:GrowingMetadata
DebugOutput feature_ids=1:*int32 logits_path=2:*float
"""


@functools.cache
def _pool():
    file = descriptor_pb2.FileDescriptorProto(name="oracle_trees.proto", package="oracle.trees", syntax="proto3")
    types = {name: getattr(descriptor_pb2.FieldDescriptorProto, f"TYPE_{name.upper()}")
             for name in ("float", "int32", "int64", "bool")}  # fmt: skip
    for line in _MESSAGES.strip().replace("\n  ", " ").splitlines():
        name, *fields = line.split()
        made = file.message_type.add(name=name)
        for field in fields:
            key, kind = field.split(":")
            kind, _, one_of = kind.partition("/")
            label, number = key.split("=")
            f = made.field.add(name=label, number=int(number), label=3 if kind[0] == "*" else 1)
            kind = kind.lstrip("*")
            f.type = types.get(kind, 11)
            if kind not in types:
                f.type_name = f".oracle.trees.{kind}"
            if one_of:
                if not made.oneof_decl:
                    made.oneof_decl.add(name=one_of)
                f.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool


@functools.cache
def message(name):
    """The class of a message of tensorflow.boosted_trees."""
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"oracle.trees.{name}"))


# --- quantiles ---


def ranks(values, weights):
    """Sorted distinct values with their weights and ranks: an exact summary [n, 4]."""
    values, weights = np.asarray(values, np.float32), np.broadcast_to(np.asarray(weights, np.float32), len(values))
    distinct = np.unique(values[weights > 0])
    sums = np.array([weights[(values == v) & (weights > 0)].sum(dtype=np.float64) for v in distinct])
    ends = np.cumsum(sums)
    return np.stack([distinct, sums, ends - sums, ends], 1).astype(np.float32).reshape(-1, 4)
