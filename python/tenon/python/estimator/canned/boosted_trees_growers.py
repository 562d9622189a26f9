"""How an ensemble of trees grows by batches: with all data at once, or by what many batches sum up to."""

from tenon.python.framework import dtypes, ops
from tenon.python.ops import array_ops, boosted_trees_ops, control_flow_ops, data_flow_ops, math_ops
from tenon.python.training import session_run_hook


def max_splits(params):
    """How many nodes of a tree can be split."""
    return (1 << params.max_depth) - 1


class StopAtAttemptsHook(session_run_hook.SessionRunHook):
    """Ends training when all trees are there, or when twice as many layers were tried as they need."""

    def __init__(self, num_finalized_trees, num_attempted_layers, max_trees, max_depth):
        self._seen = [num_finalized_trees, num_attempted_layers]
        self._trees, self._layers = max_trees, 2 * max_trees * max_depth

    def before_run(self, run_context):
        return session_run_hook.SessionRunArgs(self._seen)

    def after_run(self, run_context, run_values):
        trees, layers = run_values.results
        if trees >= self._trees - 1 or layers > self._layers - 1:
            trees, layers = run_context.session.run(self._seen)  # the step may have looked before the tree grew
        if trees >= self._trees or layers > self._layers:
            run_context.request_stop()


class InitializationHook(session_run_hook.SessionRunHook):
    """Sets the accumulators to the ensemble's stamp."""

    def __init__(self, init_op):
        self._init_op = init_op

    def after_create_session(self, session, coord):
        session.run(self._init_op)


class Grower:
    """All data are one batch: a layer each step."""

    def __init__(self, ensemble, quantiles, params, groups):
        self._ensemble, self._quantiles, self._params, self._groups = ensemble, quantiles, params, groups
        self._pruning = boosted_trees_ops.PruningMode.from_str(params.pruning_mode)
        none = boosted_trees_ops.PruningMode.NO_PRUNING
        if params.tree_complexity > 0 and self._pruning == none:
            raise ValueError("Tree complexity have no effect unless pruning mode is chosen.")
        if params.tree_complexity <= 0 and self._pruning != none:
            raise ValueError("For pruning, tree_complexity must be positive.")

    def accumulate_quantiles(self, floats, weights, ready):
        """Adds numbers to the streams, and makes boundaries where that was the last batch for it."""
        with ops.control_dependencies([self._quantiles.add_summaries(floats, weights)]):
            flush = self._quantiles.flush()
        with ops.control_dependencies([flush]):
            return ready.assign(True).op

    def center_bias(self, needed, gradients, hessians):
        """Moves the bias; NEEDED becomes false where that was the last time."""
        means = [array_ops.expand_dims(math_ops.reduce_mean(x, 0), 0) for x in (gradients, hessians)]
        return self._move_bias(needed, *means).op

    def grow_tree(self, summaries, last_layer):
        """Grows a layer by the sums of each group of features."""
        return self._grow(summaries, last_layer)

    def chief_init_op(self):
        """What the chief runs first."""
        return control_flow_ops.no_op()

    def _move_bias(self, needed, gradients, hessians):
        more = boosted_trees_ops.center_bias(
            self._ensemble.resource_handle, mean_gradients=gradients, mean_hessians=hessians, l1=self._params.l1,
            l2=self._params.l2,
        )  # fmt: skip
        return needed.assign(more)

    def _grow(self, summaries, last_layer):
        p, all_ids, parts = self._params, [], [[] for _ in range(5)]
        for ids, group in zip(self._groups, summaries):
            found = boosted_trees_ops.calculate_best_gains_per_feature(
                node_id_range=last_layer, stats_summary_list=group, l1=p.l1, l2=p.l2,
                tree_complexity=p.tree_complexity, min_node_weight=p.min_node_weight, max_splits=max_splits(p),
            )  # fmt: skip
            all_ids += ids
            for part, tensors in zip(parts, found):
                part += tensors
        nodes, gains, thresholds, left, right = parts
        return boosted_trees_ops.update_ensemble(
            self._ensemble.resource_handle, feature_ids=all_ids, node_ids=nodes, gains=gains, thresholds=thresholds,
            left_node_contribs=left, right_node_contribs=right, learning_rate=p.learning_rate, max_depth=p.max_depth,
            pruning_mode=self._pruning,
        )  # fmt: skip


class AccumulatingGrower(Grower):
    """Several batches, of one or more workers, make a layer: the chief grows it when enough have come."""

    def __init__(self, ensemble, quantiles, params, groups, bucket_sizes, stamp, n_batches, is_chief):
        super().__init__(ensemble, quantiles, params, groups)
        self._stamp, self._n_batches, self._is_chief = stamp, n_batches, is_chief
        self._sums = [
            self._accumulator([len(ids), max_splits(params), size, 2], f"numeric_stats_summary_accumulator_{i}")
            for i, (ids, size) in enumerate(zip(groups, bucket_sizes))
        ]
        self._init_ops = [a.set_global_step(stamp) for a in self._sums]
        if params.center_bias:
            self._bias = self._accumulator([2, 1], "bias_accumulator")
            self._init_ops.append(self._bias.set_global_step(stamp))

    @staticmethod
    def _accumulator(shape, name):
        return data_flow_ops.ConditionalAccumulator(dtype=dtypes.float32, shape=shape, shared_name=name)

    def chief_init_op(self):
        """The accumulators begin at the ensemble's stamp."""
        return control_flow_ops.group(*self._init_ops)

    def _when_enough(self, come, function, name):
        enough = math_ops.greater_equal(come, self._n_batches)
        return control_flow_ops.cond(enough, function, control_flow_ops.no_op, name=name)

    def accumulate_quantiles(self, floats, weights, ready):
        """Adds numbers to the streams, and makes boundaries where that was the last batch for it."""
        added = self._quantiles.add_summaries(floats, weights)
        counter = self._accumulator([], "quantile_summary_accum")
        with ops.control_dependencies([counter.set_global_step(self._stamp)]):
            counted = counter.apply_grad(array_ops.constant(0.0), self._stamp)
        update = control_flow_ops.group(added, counted)
        if not self._is_chief:
            return update

        def flush():
            made = self._quantiles.flush()
            with ops.control_dependencies([made]):
                return control_flow_ops.group(counter.take_grad(1), ready.assign(True).op)

        with ops.control_dependencies([update]):
            return self._when_enough(counter.num_accumulated(), flush, "wait_until_quaniles_accumulated")

    def center_bias(self, needed, gradients, hessians):
        """Adds a batch to what the bias is found by, and moves it where that was the last one for it."""
        both = math_ops.reduce_mean(array_ops.stack([gradients, hessians], axis=0), axis=1)
        come = self._bias.apply_grad(both, self._stamp)

        def begin_to_grow():
            return control_flow_ops.group(*[a.set_global_step(self._stamp + 1) for a in self._sums])

        def move():
            g, h = array_ops.unstack(self._bias.take_grad(1), num=2, axis=0)
            more = self._move_bias(needed, array_ops.expand_dims(g, 0), array_ops.expand_dims(h, 0))
            with ops.control_dependencies([more]):
                return control_flow_ops.cond(needed.read_value(), control_flow_ops.no_op, begin_to_grow)

        with ops.control_dependencies([come]):
            if not self._is_chief:
                return control_flow_ops.no_op()
            return self._when_enough(self._bias.num_accumulated(), move, "wait_until_n_batches_for_bias_accumulated")

    def grow_tree(self, summaries, last_layer):
        """Adds a batch's sums, and grows a layer where that was the last one for it."""
        come = [a.apply_grad(array_ops.stack(s, axis=0), self._stamp) for a, s in zip(self._sums, summaries)]

        def grow():
            taken = zip(self._sums, self._groups)
            return self._grow([array_ops.unstack(a.take_grad(1), num=len(ids), axis=0) for a, ids in taken], last_layer)

        with ops.control_dependencies(come):
            if not self._is_chief:
                return control_flow_ops.no_op()
            least = math_ops.reduce_min(array_ops.stack([a.num_accumulated() for a in self._sums]))
            return self._when_enough(least, grow, "wait_until_n_batches_accumulated")
