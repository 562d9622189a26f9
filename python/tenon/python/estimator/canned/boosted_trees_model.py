"""The model function of boosted trees."""

import collections
import functools

from tenon.python.estimator.canned import boosted_trees_features as columns_lib
from tenon.python.estimator.canned import boosted_trees_growers as growers
from tenon.python.estimator.mode_keys import ModeKeys
from tenon.python.feature_column import dense
from tenon.python.framework import dtypes, ops
from tenon.python.ops import (
    array_ops,
    boosted_trees_ops,
    control_flow_ops,
    gradients_impl,
    math_ops,
    state_ops,
    variable_scope,
)
from tenon.python.summary import summary
from tenon.python.training import training_util

Params = collections.namedtuple(
    "TreeHParams",
    ["n_trees", "max_depth", "learning_rate", "l1", "l2", "tree_complexity", "min_node_weight", "center_bias",
     "pruning_mode", "quantile_sketch_epsilon"],
)  # fmt: skip

_NO_NODE = -1
NAME = "boosted_trees"


def _variable(initial_value, name):
    return variable_scope.variable(
        initial_value=initial_value, trainable=False, validate_shape=False, name=name, use_resource=True
    )


class Inputs:
    """The ensemble, and what it sees of the features."""

    def __init__(self, features, columns, epsilon, name):
        self.features, self.columns = features, columns
        self.floats = columns_lib.float_columns(columns)
        self.num_quantiles = int(1.0 / epsilon)
        self.ensemble = boosted_trees_ops.TreeEnsemble(name=name)
        self.quantiles, self._boundaries = None, {}
        if self.floats:
            self.quantiles = boosted_trees_ops.QuantileAccumulator(
                epsilon=epsilon, num_streams=columns_lib.count(self.floats), num_quantiles=self.num_quantiles,
                name="QuantileAccumulator",
            )  # fmt: skip
            self._boundaries = columns_lib.boundaries_of(self.floats, self.quantiles.get_bucket_boundaries())

    def bucket_ids(self, made=None):
        """An int32 vector for each feature; MADE: those of some columns."""
        return columns_lib.bucket_ids(self.features, self.columns, self._boundaries, self.num_quantiles, made)

    def logits(self, ids, head):
        """What the ensemble says of them."""
        return boosted_trees_ops.predict(
            tree_ensemble_handle=self.ensemble.resource_handle, bucketized_features=ids,
            logits_dimension=head.logits_dimension,
        )  # fmt: skip


class _Memory:
    """What stays of a batch that is all data: its buckets, and where each example was seen last."""

    def __init__(self, inputs, batch_size, logits_dimension, ready):
        self._ids = [
            _variable(array_ops.zeros([batch_size], dtype=dtypes.int32), f"cached_feature_{i}")
            for i in range(columns_lib.count(inputs.columns))
        ]
        self._cached = _variable(False, "are_features_cached")
        categories = columns_lib.category_ids(inputs.features, inputs.columns)
        cached = self._cached.read_value()
        self.ids = control_flow_ops.cond(
            cached, lambda: [v.read_value() for v in self._ids], lambda: inputs.bucket_ids(categories)
        )
        self.ids = self.ids if isinstance(self.ids, (list, tuple)) else [self.ids]
        for one in self.ids:
            one.set_shape([None])
        self._fresh = math_ops.logical_and(ready.read_value(), math_ops.logical_not(cached))
        self._trees = _variable(array_ops.zeros([batch_size], dtype=dtypes.int32), "tree_ids_cache")
        self._nodes = _variable(_NO_NODE * array_ops.ones([batch_size], dtype=dtypes.int32), "node_ids_cache")
        self._logits = _variable(array_ops.zeros([batch_size, logits_dimension]), "logits_cache")

    def lookup(self):
        """(tree ids, node ids, logits)."""
        return [v.read_value() for v in (self._trees, self._nodes, self._logits)]

    def keep_features(self):
        """An operation that keeps the buckets once the boundaries are there."""

        def keep():
            assigned = [v.assign(x).op for v, x in zip(self._ids, self.ids)]
            with ops.control_dependencies(assigned):
                return self._cached.assign(True).op

        return control_flow_ops.cond(self._fresh, keep, control_flow_ops.no_op)

    def insert(self, tree_ids, node_ids, logits):
        """An operation that notes where the examples are."""
        pairs = ((self._trees, tree_ids), (self._nodes, node_ids), (self._logits, logits))
        return control_flow_ops.group(*[v.assign(x).op for v, x in pairs], name="cache_insert")


def _nothing_seen(batch_size, logits_dimension):
    """As _Memory.lookup, of examples that were not seen before."""
    return (
        array_ops.zeros([batch_size], dtype=dtypes.int32),
        _NO_NODE * array_ops.ones([batch_size], dtype=dtypes.int32),
        array_ops.zeros([batch_size, logits_dimension], dtype=dtypes.float32),
    )


class _Training:
    """The training graph."""

    def __init__(self, inputs, labels, head, params, n_batches_per_layer, config, in_memory, name):
        self._inputs, self._labels, self._head, self._params = inputs, labels, head, params
        self._step = training_util.get_or_create_global_step()
        self._ready = _variable(not inputs.floats, "are_boundaries_ready")
        batch_size = array_ops.shape(labels)[0]
        self._memory = _Memory(inputs, batch_size, head.logits_dimension, self._ready) if in_memory else None
        self._ids = self._memory.ids if in_memory else inputs.bucket_ids()
        seen = self._memory.lookup() if in_memory else _nothing_seen(batch_size, head.logits_dimension)
        self._predict(seen, config, name)
        self._make_grower(n_batches_per_layer, config, in_memory)
        for what, tensor in zip(("num_trees", "num_finalized_trees", "num_attempted_layers"), self._states[1:4]):
            summary.scalar(f"ensemble/{what}", tensor)
        self._center = _variable(params.center_bias, "center_bias_needed")

    def _predict(self, seen, config, name):
        ensemble, reload = self._inputs.ensemble, control_flow_ops.no_op()
        if config.num_worker_replicas > 1:  # a copy of its own, which nobody changes during a step
            with ops.device(reload.device):
                ensemble = boosted_trees_ops.TreeEnsemble(name=name + "_local", is_local=True)
            reload = ensemble.deserialize(*self._inputs.ensemble.serialize())
        with ops.control_dependencies([reload]):
            self._states = ensemble.get_states()
            change, self._tree_ids, self._node_ids = boosted_trees_ops.training_predict(
                tree_ensemble_handle=ensemble.resource_handle, cached_tree_ids=seen[0], cached_node_ids=seen[1],
                bucketized_features=self._ids, logits_dimension=self._head.logits_dimension,
            )  # fmt: skip
        self.logits = seen[2] + change
        self.logits.set_shape([None, self._head.logits_dimension])

    def _make_grower(self, n_batches_per_layer, config, in_memory):
        sizes, self._groups = columns_lib.groups(self._inputs.columns, self._inputs.num_quantiles)
        self._bucket_sizes = sizes
        made = (self._inputs.ensemble, self._inputs.quantiles, self._params, self._groups)
        if in_memory:
            self.grower = growers.Grower(*made)
        else:
            self.grower = growers.AccumulatingGrower(
                *made, sizes, self._states[0], n_batches_per_layer, config.is_chief
            )

    def hooks(self):
        """(hooks of all workers, hooks of the chief)."""
        _, _, finished, attempted, _ = self._states
        stop = growers.StopAtAttemptsHook(finished, attempted, self._params.n_trees, self._params.max_depth)
        return stop, growers.InitializationHook(self.grower.chief_init_op())

    def train_op(self, loss, weights, closed_form):
        """A step: numbers for the quantiles until there are enough, then layers."""
        grow = functools.partial(self._grow, loss, closed_form)
        if not self._inputs.floats:
            return grow()
        return control_flow_ops.cond(self._ready.read_value(), grow, functools.partial(self._accumulate, weights))

    def _accumulate(self, weights):
        with ops.name_scope("UpdateQuantile"):
            numbers = columns_lib.raw_numbers(self._inputs.features, self._inputs.floats)
            return self.grower.accumulate_quantiles(numbers, weights, self._ready)

    def _derivatives(self, loss, closed_form):
        if closed_form:
            return closed_form(self.logits, self._labels)
        gradients = gradients_impl.gradients(loss, self.logits, name="Gradients")[0]
        return gradients, gradients_impl.gradients(gradients, self.logits, name="Hessians")[0]

    def _summaries(self, gradients, hessians):
        def of(feature, buckets):
            made = boosted_trees_ops.make_stats_summary(
                node_ids=self._node_ids, gradients=gradients, hessians=hessians,
                bucketized_features_list=[self._ids[feature]], max_splits=growers.max_splits(self._params),
                num_buckets=buckets,
            )  # fmt: skip
            return array_ops.squeeze(made, axis=0)

        return [[of(f, size) for f in ids] for size, ids in zip(self._bucket_sizes, self._groups)]

    def _grow(self, loss, closed_form):
        needed = self._center.read_value()  # once: what is decided by it in a step is decided alike
        gradients, hessians = self._derivatives(loss, closed_form)
        done = []
        if self._memory:
            insert = functools.partial(self._memory.insert, self._tree_ids, self._node_ids, self.logits)
            done += [self._memory.keep_features(), control_flow_ops.cond(needed, control_flow_ops.no_op, insert)]
        summaries = self._summaries(gradients, hessians)
        layer = functools.partial(self.grower.grow_tree, summaries, self._states[4])
        if self._params.center_bias:
            center = functools.partial(self.grower.center_bias, self._center, gradients, hessians)
            update = control_flow_ops.cond(needed, center, layer)
        else:
            update = layer()
        with ops.control_dependencies([update]):
            done += [update, state_ops.assign_add(self._step, 1)]
        return control_flow_ops.group(*[getattr(x, "op", x) for x in done], name="grow_op")


def _weights(features, weight_column):
    if weight_column is None:
        return array_ops.constant(1.0, shape=[1])
    if isinstance(weight_column, str):
        weight_column = dense.numeric_column(key=weight_column, shape=(1,))
    return columns_lib.raw_numbers(features, [weight_column])[0]


def _check_in_memory(n_batches_per_layer, config):
    if n_batches_per_layer != 1:
        raise AssertionError("When train_in_memory is enabled, input_fn should return the entire dataset as a single "
                             "batch, and n_batches_per_layer should be set as 1.")  # fmt: skip
    if not config.is_chief or config.num_worker_replicas > 1 or config.num_ps_replicas > 0:
        raise ValueError("train_in_memory is supported only for non-distributed training.")


def model_fn(features, labels, mode, head, feature_columns, params, n_batches_per_layer, config, closed_form=None,
             weight_column=None, train_in_memory=False):  # fmt: skip
    """The EstimatorSpec of boosted trees. CLOSED_FORM(logits, labels): gradients and Hessians of the loss."""
    columns = columns_lib.sorted_columns(feature_columns)
    with ops.name_scope(NAME) as name:
        inputs = Inputs(features, columns, params.quantile_sketch_epsilon, name)
        if mode != ModeKeys.TRAIN:
            logits = inputs.logits(inputs.bucket_ids(), head)
            return head.create_estimator_spec(
                features=features, mode=mode, labels=labels, train_op_fn=control_flow_ops.no_op, logits=logits
            )
        if train_in_memory:
            _check_in_memory(n_batches_per_layer, config)
        training = _Training(inputs, labels, head, params, n_batches_per_layer, config, train_in_memory, name)
        weights = _weights(features, weight_column)
        spec = head.create_estimator_spec(
            features=features, mode=mode, labels=labels, logits=training.logits,
            train_op_fn=lambda loss: training.train_op(loss, weights, closed_form),
        )  # fmt: skip
        stop, begin = training.hooks()
    return spec._replace(
        training_hooks=(*spec.training_hooks, stop), training_chief_hooks=(begin, *spec.training_chief_hooks)
    )
