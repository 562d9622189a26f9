"""What cluster_loss computes outside of the gradient: the best wrong clustering, and how wrong it is."""

import math

import numpy as np

_STEPS = 5  # of improvement of the medoids


def _table(labels, predictions):
    """Counts [classes, clusters]."""
    _, a = np.unique(labels, return_inverse=True)
    _, b = np.unique(predictions, return_inverse=True)
    table = np.zeros((a.max() + 1, b.max() + 1), np.int64)
    np.add.at(table, (a, b), 1)
    return table


def _entropy(counts):
    p = counts[counts > 0] / counts.sum()
    return -(p * np.log(p)).sum()


def _information(table):
    """The mutual information, and the entropies of rows and columns."""
    rows, columns = _entropy(table.sum(1)), _entropy(table.sum(0))
    return rows + columns - _entropy(table.ravel()), rows, columns


def _nmi(table):
    """Mutual information over the mean of the entropies; 1 where both are one cluster."""
    information, rows, columns = _information(table)
    return 1.0 if rows == columns == 0 else information / ((rows + columns) / 2)


def _expected_information(table):
    """The mean of the mutual information over all ways to deal the same counts."""
    n, total = table.sum(), 0.0
    log = [math.lgamma(k + 1) for k in range(n + 1)]
    for a in table.sum(1):
        for b in table.sum(0):
            for k in range(max(1, a + b - n), min(a, b) + 1):
                chance = log[a] + log[b] + log[n - a] + log[n - b]
                chance -= log[n] + log[k] + log[a - k] + log[b - k] + log[n - a - b + k]
                total += k / n * math.log(n * k / (a * b)) * math.exp(chance)
    return total


def _ami(table):
    """Mutual information beyond chance, at least 0."""
    if table.shape in ((1, 1), (table.sum(),) * 2):
        return 1.0
    information, rows, columns = _information(table)
    chance = _expected_information(table)
    most = (rows + columns) / 2 - chance
    return max(0.0, (information - chance) / (min(most, -np.finfo(float).eps) if most < 0 else max(most, 1e-15)))


def _ari(table):
    """The Rand index beyond chance, at least 0."""
    pairs = [float((x * (x - 1) // 2).sum()) for x in (table, table.sum(1), table.sum(0), table.sum(keepdims=True))]
    chance = pairs[1] * pairs[2] / pairs[3] if pairs[3] else 0.0
    most = (pairs[1] + pairs[2]) / 2
    return 1.0 if most == chance else max(0.0, (pairs[0] - chance) / (most - chance))


SCORES = {
    "nmi": lambda labels, predictions: _nmi(_table(labels, predictions)),
    "ami": lambda labels, predictions: _ami(_table(labels, predictions)),
    "ari": lambda labels, predictions: _ari(_table(labels, predictions)),
    "vmeasure": lambda labels, predictions: max(0.0, _nmi(_table(labels, predictions))),
    "const": lambda labels, predictions: float((labels == predictions).all()),
}


def _assign(distances, chosen):
    """The nearest of the CHOSEN rows for each row, a chosen one itself."""
    clusters = distances[chosen].argmin(0)
    clusters[chosen] = np.arange(len(chosen))
    return clusters


def search(distances, labels, margin, improve, kind):
    """(the rows chosen as medoids, the true class's medoid for each row, the score of the clustering)."""
    score = SCORES[kind]
    classes = np.unique(labels)
    chosen = []
    while len(chosen) < len(classes):
        rest = [i for i in range(len(labels)) if i not in chosen]
        values = []
        for one in rest:
            ids = [*chosen, one]
            values.append(-distances[ids].min(0).sum() + margin * (1 - score(labels, _assign(distances, ids))))
        chosen.append(rest[int(np.argmax(values))])
    for _ in range(_STEPS if improve else 0):
        clusters = _assign(distances, chosen)
        for at in range(len(classes)):
            members = np.flatnonzero(clusters == at)
            values = []
            for one in members:
                ids = [*chosen[:at], int(one), *chosen[at + 1 :]]
                wrong = 1 - score(labels, _assign(distances, ids))
                values.append(-distances[members, one].sum() + margin * wrong)
            chosen[at] = int(members[int(np.argmax(values))])
    medoids = np.zeros(len(labels), np.int32)
    for one in classes:
        members = np.flatnonzero(labels == one)
        medoids[members] = members[distances[np.ix_(members, members)].sum(0).argmin()]
    return np.array(chosen, np.int32), medoids, np.float32(score(labels, _assign(distances, chosen)))
