"""K-means in the graph: centers that are variables, how they begin, and a step of Lloyd's algorithm."""

from tenon.python.framework import constant_op, dtypes, ops
from tenon.python.ops import (
    array_ops,
    check_ops,
    control_flow_ops,
    embedding_ops,
    gen_ops,
    math_ops,
    nn_impl,
    random_ops,
    state_ops,
    variable_scope,
)
from tenon.python.util.tf_export import tf_export

SQUARED_EUCLIDEAN_DISTANCE, COSINE_DISTANCE = "squared_euclidean", "cosine"
RANDOM_INIT, KMEANS_PLUS_PLUS_INIT, KMC2_INIT = "random", "kmeans_plus_plus", "kmc2"
CLUSTERS_VAR_NAME = "clusters"
TF_EXPORTS = {
    "contrib.factorization.SQUARED_EUCLIDEAN_DISTANCE": "SQUARED_EUCLIDEAN_DISTANCE",
    "contrib.factorization.COSINE_DISTANCE": "COSINE_DISTANCE",
    "contrib.factorization.RANDOM_INIT": "RANDOM_INIT",
    "contrib.factorization.KMEANS_PLUS_PLUS_INIT": "KMEANS_PLUS_PLUS_INIT",
}


def _unit(tensor):
    return nn_impl.l2_normalize(tensor, axis=1)


@tf_export("contrib.factorization.KMeans")
class KMeans:
    """Makes the graph that clusters INPUTS, one tensor [n, dimensions] or a list of them."""

    def __init__(self, inputs, num_clusters, initial_clusters=RANDOM_INIT, distance_metric=SQUARED_EUCLIDEAN_DISTANCE,
                 use_mini_batch=False, mini_batch_steps_per_iteration=1, random_seed=0,
                 kmeans_plus_plus_num_retries=2, kmc2_chain_length=200):  # fmt: skip
        kinds = [RANDOM_INIT, KMEANS_PLUS_PLUS_INIT, KMC2_INIT]
        if isinstance(initial_clusters, str) and initial_clusters not in kinds:
            raise ValueError(f"Unsupported initialization algorithm '{initial_clusters}'")
        if distance_metric not in (SQUARED_EUCLIDEAN_DISTANCE, COSINE_DISTANCE):
            raise ValueError(f"Unsupported distance metric passed to Kmeans {distance_metric}")
        self._inputs = inputs if isinstance(inputs, list) else [inputs]
        self._num_clusters, self._initial_clusters = num_clusters, initial_clusters
        self._cosine, self._mini_batch = distance_metric == COSINE_DISTANCE, use_mini_batch
        self._steps, self._seed = mini_batch_steps_per_iteration, random_seed
        self._retries, self._chain_length = kmeans_plus_plus_num_retries, kmc2_chain_length

    def _keeps_unit_length(self):
        return self._cosine and not self._mini_batch

    def _create_variables(self, count):
        """(centers, whether all are there, points of each, centers that every step moves, steps until those count)."""
        centers = variable_scope.variable(array_ops.zeros([0]), name=CLUSTERS_VAR_NAME, validate_shape=False)
        there = variable_scope.variable(False, dtype=dtypes.bool, name="initialized")
        if not self._mini_batch or self._steps <= 1:
            ones = array_ops.ones([count], dtype=dtypes.int64)
            return centers, there, variable_scope.variable(ones) if self._mini_batch else None, centers, None
        moved = variable_scope.variable(array_ops.zeros([0]), name="clusters_updated", validate_shape=False)
        left = variable_scope.variable(self._steps, dtype=dtypes.int64, name="update_in_steps")
        counts = variable_scope.variable(array_ops.zeros([count], dtype=dtypes.int64))
        return centers, there, counts, moved, left

    def _distances(self, inputs, centers):
        """The distance of every point from every center."""
        found = []
        for points in inputs:
            product = math_ops.matmul(points, centers, transpose_b=True)
            if self._cosine:
                found.append(1 - product)
                continue
            own = math_ops.reduce_sum(math_ops.square(points), 1, keepdims=True)
            found.append(own - 2 * product + math_ops.reduce_sum(math_ops.square(centers), 1))
        return found

    def _nearest(self, inputs, centers):
        """([distances from the nearest center], [its number])."""
        distances, indices = [], []
        for points in inputs:
            index, distance = gen_ops.nearest_neighbors(points, centers, constant_op.constant(1, dtypes.int64))
            # Of vectors of length 1, half the squared distance is the cosine's.
            distances.append(array_ops.squeeze(distance * 0.5 if self._cosine else distance, [-1]))
            indices.append(array_ops.squeeze(index, [-1]))
        return distances, indices

    def training_graph(self):
        """(distances from all centers, number of the nearest, distance from that, initialized, init_op, training_op).

        The first three are lists, a tensor for each of the inputs. init_op chooses centers, and has to run until
        initialized is true; training_op is a step.
        """
        initial = self._initial_clusters
        if isinstance(initial, str) or callable(initial):
            count = ops.convert_to_tensor(self._num_clusters)
        else:
            initial = ops.convert_to_tensor(initial)
            count = array_ops.shape(initial)[0]
        variable, there, counts, moved, left = self._create_variables(count)
        chooser = _Chooser(self._inputs, count, initial, self._cosine, self._seed, self._retries, self._chain_length)
        init_op = chooser.op(variable, moved, there)
        inputs, centers = self._inputs, variable
        if self._cosine:
            inputs = [_unit(points) for points in inputs]
            if not self._keeps_unit_length():
                centers = _unit(centers)
        distances = self._distances(inputs, centers)
        nearest, indices = self._nearest(inputs, centers)
        if not self._mini_batch:
            return distances, indices, nearest, there, init_op, self._full_step(inputs, count, indices, variable)
        with ops.control_dependencies([self._take_over(left, variable, moved, counts)]):
            step = self._batch_step(inputs, indices, moved, counts)
        return distances, indices, nearest, there, init_op, step

    def _take_over(self, left, variable, moved, counts):
        """Every so many steps, the centers become those that the steps moved."""
        if left is None:
            return control_flow_ops.no_op()

        def now():
            with ops.control_dependencies([state_ops.assign(left, self._steps - 1)]):
                new = _unit(moved) if self._cosine else array_ops.identity(moved)
                with ops.control_dependencies([state_ops.assign(variable, new, validate_shape=False)]):
                    with ops.control_dependencies([state_ops.assign(counts, array_ops.zeros_like(counts))]):
                        return array_ops.identity(left)

        return control_flow_ops.cond(left <= 0, now, lambda: array_ops.identity(state_ops.assign_sub(left, 1)))

    def _batch_step(self, inputs, indices, centers, counts):
        """Centers move towards the mean of all points they ever had: x += (sum of the k new ones - k x) / (n + k)."""
        updates = []
        for points, index in zip(inputs, indices):
            ids, places = array_ops.unique(array_ops.reshape(index, [-1]))
            count = array_ops.size(ids)
            old_counts, old = array_ops.gather(counts, ids), array_ops.gather(centers, ids)
            more = gen_ops.unsorted_segment_sum(
                array_ops.ones_like(places, dtype=counts.dtype.base_dtype), places, count
            )
            k = array_ops.expand_dims(math_ops.cast(more, points.dtype), 1)
            change = gen_ops.unsorted_segment_sum(points, places, count) - k * old
            change /= array_ops.expand_dims(math_ops.cast(old_counts + more, points.dtype), 1)
            updates += [state_ops.scatter_add(counts, ids, more), state_ops.scatter_add(centers, ids, change)]
        return control_flow_ops.group(*updates)

    def _full_step(self, inputs, count, indices, centers):
        """Centers become the mean of their points."""
        sums, counts = [], []
        for points, index in zip(inputs, indices):
            ones = array_ops.ones([array_ops.shape(points)[0], 1], points.dtype)
            sums.append(gen_ops.unsorted_segment_sum(points, index, count))
            counts.append(gen_ops.unsorted_segment_sum(ones, index, count))
        new = math_ops.add_n(sums) / (math_ops.add_n(counts) + 1e-6)
        return state_ops.assign(centers, _unit(new) if self._keeps_unit_length() else new, validate_shape=False)


class _Chooser:
    """Chooses the centers that k-means begins with, as many of one batch as are needed and there."""

    def __init__(self, inputs, count, initial, cosine, seed, retries, chain_length):
        self._inputs, self._count, self._initial, self._cosine = inputs, count, initial, cosine
        self._seed, self._retries, self._chain_length = seed, retries, chain_length

    def op(self, centers, moved, there):
        """The operation that adds centers to the variable CENTERS (and MOVED), and sets THERE when all are there."""
        selected = array_ops.shape(centers)[0]
        self._remaining = self._count - selected
        self._points = math_ops.add_n([array_ops.shape(points)[0] for points in self._inputs])

        def add():
            with ops.control_dependencies([check_ops.assert_positive(self._remaining)]):
                if isinstance(self._initial, str) and self._initial == KMC2_INIT:
                    every = self._chains(centers, selected)
                else:
                    new = self._choose()
                    new = _unit(new) if self._cosine else new
                    every = control_flow_ops.cond(
                        math_ops.equal(selected, 0), lambda: new, lambda: array_ops.concat([centers, new], 0)
                    )
                made = state_ops.assign(centers, every, validate_shape=False)
                if moved is not centers:
                    made = state_ops.assign(moved, made, validate_shape=False)
                left = self._count - array_ops.shape(made)[0]
                with ops.control_dependencies([made]):
                    return array_ops.identity(state_ops.assign(there, math_ops.equal(left, 0)))

        def nothing():
            with ops.control_dependencies([check_ops.assert_equal(there, True)]):
                return array_ops.identity(there)

        return control_flow_ops.cond(math_ops.equal(self._remaining, 0), nothing, add).op

    def _choose(self):
        if callable(self._initial):
            return self._initial(self._inputs, self._remaining)
        if not isinstance(self._initial, str):
            with ops.control_dependencies([check_ops.assert_equal(self._remaining, self._count)]):
                return array_ops.identity(self._initial)
        if self._initial == KMEANS_PLUS_PLUS_INIT:
            with ops.control_dependencies([check_ops.assert_greater_equal(self._points, self._remaining)]):
                points = _unit(self._inputs[0]) if self._cosine else array_ops.identity(self._inputs[0])
            return self._plus_plus(points, self._remaining)
        return control_flow_ops.cond(
            self._points <= self._remaining, lambda: array_ops.concat(self._inputs, 0), self._random
        )

    def _random(self):
        indices = random_ops.random_uniform(
            array_ops.reshape(self._remaining, [-1]), minval=0, maxval=math_ops.cast(self._points, dtypes.int64),
            seed=self._seed, dtype=dtypes.int64,
        )  # fmt: skip
        return embedding_ops.embedding_lookup(self._inputs, indices, partition_strategy="div")

    def _plus_plus(self, points, count):
        return gen_ops.kmeans_plus_plus_initialization(
            points, math_ops.cast(count, dtypes.int64), constant_op.constant(self._seed or 0, dtypes.int64),
            constant_op.constant(self._retries, dtypes.int64),
        )  # fmt: skip

    def _chains(self, centers, selected):
        """All centers, with new ones: the ends of Markov chains over parts of the batch, one center for each part."""
        points = _unit(self._inputs[0]) if self._cosine else self._inputs[0]
        size = array_ops.shape(points)[0]
        # A batch that is too short for a chain is one chain.
        wanted = math_ops.cast(
            gen_ops.minimum(math_ops.maximum(size // self._chain_length, 1), self._remaining), "int32"
        )
        length = control_flow_ops.cond(size > self._chain_length, lambda: self._chain_length + 0 * size, lambda: size)
        first = control_flow_ops.cond(
            math_ops.equal(selected, 0), lambda: self._plus_plus(points, 1), lambda: array_ops.identity(centers)
        )
        begin = math_ops.cast(math_ops.equal(selected, 0), dtypes.int32)

        def one(i, found):
            some = array_ops.slice(points, [i * length, 0], [length, -1])
            _, distances = gen_ops.nearest_neighbors(some, found, constant_op.constant(1, dtypes.int64))
            seed = math_ops.cast(i, dtypes.int64) + (self._seed or 0)
            chosen = gen_ops.kmc2_chain_initialization(array_ops.squeeze(distances, [1]), seed)
            new = array_ops.expand_dims(array_ops.gather(some, chosen), 0)
            return i + 1, array_ops.concat([found, new], 0)

        shapes = [constant_op.constant(0).get_shape(), points.get_shape().with_rank(2)]
        shapes[1] = type(shapes[1])([None, shapes[1][1]])
        first.set_shape(shapes[1])
        _, every = control_flow_ops.while_loop(
            lambda i, found: i < wanted, one, [begin, first], shape_invariants=shapes, back_prop=False
        )
        return every
