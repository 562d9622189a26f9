"""Linear models that stochastic dual coordinate ascent trains: a dual variable for each example, kept by its id."""

import collections

from tenon.python.framework import dtypes, ops
from tenon.python.ops import (
    array_ops,
    control_flow_ops,
    gen_ops,
    lookup_ops,
    math_ops,
    nn_impl,
    nn_ops,
    state_ops,
    variables,
)
from tenon.python.summary import summary
from tenon.python.training import session_run_hook
from tenon.python.util.tf_export import tf_export

_LOSSES = ("logistic_loss", "squared_loss", "hinge_loss", "smooth_hinge_loss", "poisson_loss")
_NAMES = ("sparse_features_weights", "dense_features_weights")


@tf_export("contrib.linear_optimizer.SparseFeatureColumn")
class SparseFeatureColumn:
    """Features by their numbers: entry k says that example_indices[k] has feature_indices[k] (of feature_values[k])."""

    def __init__(self, example_indices, feature_indices, feature_values):
        with ops.name_scope(None, "SparseFeatureColumn", [example_indices, feature_indices]):
            self._examples = ops.convert_to_tensor(example_indices, name="example_indices", dtype=dtypes.int64)
            self._features = ops.convert_to_tensor(feature_indices, name="feature_indices", dtype=dtypes.int64)
            self._values = None
            if feature_values is not None:
                self._values = ops.convert_to_tensor(feature_values, name="feature_values", dtype=dtypes.float32)

    example_indices = property(lambda self: self._examples, doc="The examples' numbers, ascending.")
    feature_indices = property(lambda self: self._features, doc="The features' numbers.")
    feature_values = property(lambda self: self._values, doc="The features' values; None: all are 1.")


@tf_export("contrib.linear_optimizer.ShardedMutableDenseHashTable")
class ShardedMutableDenseHashTable(lookup_ops.LookupInterface):
    """NUM_SHARDS tables that are one: a key is in the table that its remainder says."""

    def __init__(self, key_dtype, value_dtype, default_value, empty_key, deleted_key, num_shards=1, checkpoint=True,
                 name="ShardedMutableHashTable"):  # fmt: skip
        self._shards = []
        with ops.name_scope(name, "sharded_mutable_hash_table"):
            super().__init__(key_dtype, value_dtype)
            for i in range(num_shards):
                made = lookup_ops.DenseHashTable(
                    key_dtype, value_dtype, default_value, empty_key, deleted_key, checkpoint=checkpoint,
                    name=f"{name}-{i + 1}-of-{num_shards}",
                )  # fmt: skip
                self._shards.append(made)

    @property
    def name(self):
        """The first table's name."""
        return self._shards[0].name

    def size(self, name=None):
        """How many keys there are."""
        with ops.name_scope(name, "sharded_mutable_hash_table_size"):
            return math_ops.add_n([shard.size() for shard in self._shards])

    def _shard_of(self, keys):
        """Which table each of KEYS, scalars or rows, is in."""
        if keys.get_shape().ndims == 1:
            parts = math_ops.floormod(keys, len(self._shards))
        elif keys.get_shape().ndims == 2:
            parts = math_ops.floormod(keys[:, 0], len(self._shards))
        else:
            raise ValueError(f"keys must be vector or matrix, got shape {keys.get_shape()}")
        return math_ops.cast(parts, dtypes.int32)

    def lookup(self, keys, name=None):
        """The values of KEYS."""
        if len(self._shards) == 1:
            return self._shards[0].lookup(keys, name=name)
        parts = self._shard_of(keys)
        cut = gen_ops.dynamic_partition(keys, parts, len(self._shards))
        places = gen_ops.dynamic_partition(math_ops.range(array_ops.shape(keys)[0]), parts, len(self._shards))
        found = [shard.lookup(some, name=name) for shard, some in zip(self._shards, cut)]
        return gen_ops.dynamic_stitch(places, found)

    def insert(self, keys, values, name=None):
        """An operation that sets the values of KEYS."""
        if len(self._shards) == 1:
            return self._shards[0].insert(keys, values, name=name)
        parts = self._shard_of(keys)
        cut = zip(
            self._shards,
            gen_ops.dynamic_partition(keys, parts, len(self._shards)),
            gen_ops.dynamic_partition(values, parts, len(self._shards)),
        )
        return control_flow_ops.group(*(shard.insert(some, theirs, name=name) for shard, some, theirs in cut))

    def export_sharded(self, name=None):
        """(keys, values), each a list with what every table holds."""
        found = [shard.export(name=name) for shard in self._shards]
        return [keys for keys, _ in found], [values for _, values in found]


def _check(given, names, lists):
    for name in names:
        if given.get(name) is None:
            raise ValueError(f"{name} must be specified.")
        if name in lists and not isinstance(given[name], list):
            raise ValueError(f"{name} must be a list.")


@tf_export("contrib.linear_optimizer.SdcaModel")
class SdcaModel:
    """A linear model of EXAMPLES (sparse_features, dense_features, example_labels, example_weights, example_ids).

    VARIABLES are sparse_features_weights and dense_features_weights; OPTIONS are loss_type,
    symmetric_l1_regularization, symmetric_l2_regularization, num_loss_partitions, num_table_shards, adaptive.
    """

    def __init__(self, examples, variables, options):
        if not examples or not variables or not options:
            raise ValueError("examples, variables and options must all be specified.")
        if options["loss_type"] not in _LOSSES:
            raise ValueError("Unsupported loss_type: ", options["loss_type"])
        features = ["sparse_features", "dense_features"]
        _check(examples, ["example_labels", "example_weights", "example_ids", *features], features)
        _check(variables, _NAMES, _NAMES)
        penalties = ["symmetric_l1_regularization", "symmetric_l2_regularization"]
        _check(options, ["loss_type", *penalties], [])
        for name in penalties:
            if options[name] < 0.0:
                raise ValueError(f"{name} should be non-negative. Found ({options[name]:f})")
        self._examples, self._variables, self._options = examples, variables, options
        self._slots = self._create_slots()
        # No fingerprint begins with 0 or 1.
        self._hashtable = ShardedMutableDenseHashTable(
            key_dtype=dtypes.int64, value_dtype=dtypes.float32, num_shards=options.get("num_table_shards") or 1,
            default_value=[0.0, 0.0, 0.0, 0.0], empty_key=[0, 0], deleted_key=[1, 1],
        )  # fmt: skip
        summary.scalar("approximate_duality_gap", self.approximate_duality_gap())

    def _l1(self):
        return self._options["symmetric_l1_regularization"]

    def _l2(self):
        """The algorithm needs some."""
        return max(self._options["symmetric_l2_regularization"], 1.0)

    def _create_slots(self):
        """The weights before they are moved towards 0."""
        made = collections.defaultdict(list)
        for name in _NAMES:
            for variable in self._variables[name]:
                with ops.device(variable.device):
                    zeros = array_ops.zeros_like(variable.initialized_value(), dtypes.float32)
                    made[name].append(
                        variables.VariableV1(zeros, trainable=False,
                                             name=variable.op.name + "_unshrunk/SDCAOptimizer")
                    )  # fmt: skip
        return made

    def _all_weights(self):
        return [weights for name in _NAMES for weights in self._variables[name]]

    def _l1_loss(self):
        with ops.name_scope("sdca/l1_loss"):
            sums = [
                math_ops.reduce_sum(math_ops.abs(math_ops.cast(weights, dtypes.float64)))
                for weights in self._all_weights()
            ]
            return self._l1() * math_ops.add_n(sums)

    def _l2_loss(self, l2):
        with ops.name_scope("sdca/l2_loss"):
            sums = [
                math_ops.reduce_sum(math_ops.square(math_ops.cast(weights, dtypes.float64)))
                for weights in self._all_weights()
            ]
            return l2 * math_ops.add_n(sums) / 2.0

    def _linear_predictions(self, examples):
        count = array_ops.shape(ops.convert_to_tensor(examples["example_weights"]), out_type=dtypes.int64)[0]
        with ops.name_scope("sdca/prediction"):
            result = array_ops.zeros([math_ops.cast(count, dtypes.int32)], dtypes.float32)
            for column, weights in zip(examples["sparse_features"], self._variables["sparse_features_weights"]):
                found = array_ops.gather(array_ops.reshape(weights, [-1]), column.feature_indices)
                if column.feature_values is not None:
                    found *= column.feature_values
                result += gen_ops.unsorted_segment_sum(found, column.example_indices, count)
            for features, weights in zip(examples["dense_features"], self._variables["dense_features_weights"]):
                product = math_ops.matmul(ops.convert_to_tensor(features), array_ops.reshape(weights, [-1, 1]))
                result += array_ops.reshape(product, [-1])
            return result

    def predictions(self, examples):
        """What the model says of examples: probabilities for the logistic loss, expected counts for Poisson's."""
        features = ["sparse_features", "dense_features"]
        _check(examples, ["example_weights", *features], features)
        result = self._linear_predictions(examples)
        if self._options["loss_type"] == "logistic_loss":
            with ops.name_scope("sdca/logistic_prediction"):
                result = math_ops.sigmoid(result)
        elif self._options["loss_type"] == "poisson_loss":
            with ops.name_scope("sdca/poisson_prediction"):
                result = math_ops.exp(result)
        return result

    def _solve(self, state):
        """(the examples' new state, [(slot, the features it is of or None, its change)])."""
        columns = self._examples["sparse_features"]
        sparse, dense = (self._slots[name] for name in _NAMES)
        used = [gen_ops.unique(column.feature_indices, out_idx=dtypes.int32)[0] for column in columns]
        new_state, sparse_deltas, dense_deltas = gen_ops.sdca_optimizer_v2(
            [column.example_indices for column in columns],
            [column.feature_indices for column in columns],
            [column.feature_values for column in columns if column.feature_values is not None],
            [ops.convert_to_tensor(features) for features in self._examples["dense_features"]],
            ops.convert_to_tensor(self._examples["example_weights"]),
            ops.convert_to_tensor(self._examples["example_labels"]),
            used,
            [array_ops.gather(slot, some) for slot, some in zip(sparse, used)],
            [ops.convert_to_tensor(slot) for slot in dense],
            state,
            loss_type=self._options["loss_type"], adaptive=bool(self._options.get("adaptive", True)), l1=self._l1(),
            l2=self._l2(), num_loss_partitions=self._options.get("num_loss_partitions") or 1, num_inner_iterations=1,
        )  # fmt: skip
        return new_state, [*zip(sparse, used, sparse_deltas), *zip(dense, [None] * len(dense), dense_deltas)]

    def minimize(self, global_step=None, name=None):
        """An operation that trains on the examples; update_weights makes the variables follow."""
        with ops.name_scope(name, "sdca/minimize"):
            keys = gen_ops.sdca_fprint(ops.convert_to_tensor(self._examples["example_ids"]))
            new_state, deltas = self._solve(self._hashtable.lookup(keys))
            with ops.control_dependencies([new_state]):
                updates = [self._hashtable.insert(keys, new_state)]
                for slot, used, delta in deltas:
                    made = (
                        state_ops.assign_add(slot, delta) if used is None else state_ops.scatter_add(slot, used, delta)
                    )
                    updates.append(made)
            if global_step is None:
                return control_flow_ops.group(*updates)
            with ops.control_dependencies(updates):
                return state_ops.assign_add(global_step, 1, name=name).op

    def update_weights(self, train_op):
        """An operation that, after TRAIN_OP, gives the variables the trained weights, moved towards 0."""
        with ops.control_dependencies([train_op]):
            copies = [
                state_ops.assign(variable, slot)
                for name in _NAMES
                for variable, slot in zip(self._variables[name], self._slots[name])
            ]
        with ops.control_dependencies(copies):
            shrunk = []
            for variable in self._all_weights():
                with ops.device(variable.device):
                    shrunk.append(_shrink(variable, self._l1(), self._l2()))
            return control_flow_ops.group(*shrunk)

    def approximate_duality_gap(self):
        """How far the model is from the best one at most, of all examples seen so far."""
        with ops.name_scope("sdca/approximate_duality_gap"):
            _, shards = self._hashtable.export_sharded()
            sums = math_ops.add_n([math_ops.reduce_sum(math_ops.cast(v, dtypes.float64), 0) for v in shards])
            return (sums[1] + sums[2] + self._l1_loss() + 2.0 * self._l2_loss(self._l2())) / sums[3]

    def unregularized_loss(self, examples):
        """The mean loss of examples."""
        features = ["sparse_features", "dense_features"]
        _check(examples, ["example_labels", "example_weights", *features], features)
        with ops.name_scope("sdca/unregularized_loss"):
            said = math_ops.cast(self._linear_predictions(examples), dtypes.float64)
            labels = math_ops.cast(ops.convert_to_tensor(examples["example_labels"]), dtypes.float64)
            weights = math_ops.cast(ops.convert_to_tensor(examples["example_weights"]), dtypes.float64)
            losses = _losses(self._options["loss_type"], labels, said)
            return math_ops.reduce_sum(losses * weights) / math_ops.reduce_sum(weights)

    def regularized_loss(self, examples):
        """The mean loss of examples with the penalties."""
        loss = self.unregularized_loss(examples)
        with ops.name_scope("sdca/regularized_loss"):
            penalty = self._l1_loss() + self._l2_loss(self._options["symmetric_l2_regularization"])
            weights = math_ops.cast(ops.convert_to_tensor(examples["example_weights"]), dtypes.float64)
            return penalty / math_ops.reduce_sum(weights) + loss


def _shrink(variable, l1, l2):
    """SdcaShrinkL1, for resource variables too."""
    ref = variable._ref() if hasattr(variable, "_ref") else None
    if ref is not None and ref.dtype._is_ref_dtype:
        return gen_ops.sdca_shrink_l1([ref], l1=l1, l2=l2)
    value = ops.convert_to_tensor(variable)
    return variable.assign(math_ops.sign(value) * nn_ops.relu(math_ops.abs(value) - l1 / l2)).op


def _losses(kind, labels, said):
    if kind == "logistic_loss":
        return nn_impl.sigmoid_cross_entropy_with_logits(labels=labels, logits=said)
    if kind == "poisson_loss":
        return nn_impl.log_poisson_loss(targets=labels, log_input=said)
    if kind == "squared_loss":
        return math_ops.square(labels - said) / 2.0
    below = nn_ops.relu(1.0 - (2.0 * labels - 1.0) * said)
    if kind == "hinge_loss":
        return below
    return array_ops.where(below < 1.0, math_ops.square(below) / 2.0, below - 0.5)


class UpdateWeightsHook(session_run_hook.SessionRunHook):
    """Makes a model's variables follow in every step; the chief's."""

    def __init__(self, model, train_op):
        self._model, self._train_op = model, train_op

    def begin(self):
        self._update = self._model.update_weights(self._train_op)

    def before_run(self, run_context):
        return session_run_hook.SessionRunArgs(self._update)
