"""Boosted trees in the graph: the ensemble and the quantile streams as objects that are made, saved and restored."""

from tenon.python.framework import ops
from tenon.python.ops import array_ops, gen_ops, resources
from tenon.python.training.saving import saveable_object

# The ops under the names that TensorFlow's module of this name has.
boosted_trees_aggregate_stats = gen_ops.boosted_trees_aggregate_stats
boosted_trees_bucketize = gen_ops.boosted_trees_bucketize
boosted_trees_sparse_aggregate_stats = gen_ops.boosted_trees_sparse_aggregate_stats
calculate_best_feature_split = gen_ops.boosted_trees_calculate_best_feature_split
calculate_best_feature_split_v2 = gen_ops.boosted_trees_calculate_best_feature_split_v2
calculate_best_gains_per_feature = gen_ops.boosted_trees_calculate_best_gains_per_feature
center_bias = gen_ops.boosted_trees_center_bias
create_quantile_stream_resource = gen_ops.boosted_trees_create_quantile_stream_resource
example_debug_outputs = gen_ops.boosted_trees_example_debug_outputs
get_bucket_boundaries = gen_ops.boosted_trees_quantile_stream_resource_get_bucket_boundaries
is_quantile_resource_initialized = gen_ops.is_boosted_trees_quantile_stream_resource_initialized
make_quantile_summaries = gen_ops.boosted_trees_make_quantile_summaries
make_stats_summary = gen_ops.boosted_trees_make_stats_summary
predict = gen_ops.boosted_trees_predict
quantile_add_summaries = gen_ops.boosted_trees_quantile_stream_resource_add_summaries
quantile_flush = gen_ops.boosted_trees_quantile_stream_resource_flush
quantile_resource_deserialize = gen_ops.boosted_trees_quantile_stream_resource_deserialize
quantile_resource_handle_op = gen_ops.boosted_trees_quantile_stream_resource_handle_op
sparse_calculate_best_feature_split = gen_ops.boosted_trees_sparse_calculate_best_feature_split
training_predict = gen_ops.boosted_trees_training_predict
update_ensemble = gen_ops.boosted_trees_update_ensemble
update_ensemble_v2 = gen_ops.boosted_trees_update_ensemble_v2


class PruningMode:
    """When splits that gain nothing are taken back."""

    NO_PRUNING, PRE_PRUNING, POST_PRUNING = range(3)
    _map = {"none": NO_PRUNING, "pre": PRE_PRUNING, "post": POST_PRUNING}

    @classmethod
    def from_str(cls, mode):
        """The mode that programs call MODE."""
        if mode not in cls._map:
            raise ValueError(f"pruning_mode mode must be one of: {', '.join(sorted(cls._map))}. Found: {mode}")
        return cls._map[mode]


class _Resource:
    """What is made once, and saved under the name of its handle."""

    def __init__(self, name, default_name, shared=True):
        with ops.name_scope(name, default_name) as name:
            self._name = name
            self.resource_handle = self._create_resource()
            self._init_op = self._initialize()
            made = self.is_initialized()
        resources.register_resource(self.resource_handle, self._init_op, made, is_shared=shared)

    @property
    def initializer(self):
        """The operation that makes it."""
        return self._init_op


class _SavedQuantiles(saveable_object.SaveableObject):
    """The boundaries of all streams."""

    def __init__(self, accumulator, name):
        bounds = accumulator.get_bucket_boundaries()
        specs = [saveable_object.SaveSpec(b, "", f"{name}_bucket_boundaries_{i}") for i, b in enumerate(bounds)]
        super().__init__(accumulator.resource_handle, specs, name)
        self._accumulator = accumulator

    def restore(self, restored_tensors, restored_shapes):
        """Sets the boundaries."""
        with ops.control_dependencies([self._accumulator.initializer]):
            return quantile_resource_deserialize(self.op, bucket_boundaries=restored_tensors)


class QuantileAccumulator(_Resource):
    """Streams of numbers, one for each feature, of which boundaries between buckets are made."""

    def __init__(self, epsilon, num_streams, num_quantiles, name=None, max_elements=None):
        self._eps, self._num_streams, self._num_quantiles = epsilon, num_streams, num_quantiles
        super().__init__(name, "QuantileAccumulator")
        saved = _SavedQuantiles(self, self.resource_handle.name)
        ops.add_to_collection(ops.GraphKeys.SAVEABLE_OBJECTS, saved)

    def _create_resource(self):
        return quantile_resource_handle_op(container="", shared_name=self._name, name=self._name)

    def _initialize(self):
        return create_quantile_stream_resource(self.resource_handle, self._eps, self._num_streams)

    def is_initialized(self):
        """Whether it was made, a bool."""
        return is_quantile_resource_initialized(self.resource_handle)

    def add_summaries(self, float_columns, example_weights):
        """Adds a batch: for each stream a vector, and the weights of the examples."""
        made = make_quantile_summaries(float_columns, example_weights, self._eps)
        return quantile_add_summaries(self.resource_handle, made)

    def flush(self):
        """Makes the boundaries of what has come."""
        return quantile_flush(self.resource_handle, self._num_quantiles)

    def get_bucket_boundaries(self):
        """The boundaries, a vector for each stream."""
        return get_bucket_boundaries(self.resource_handle, self._num_streams)


class _SavedEnsemble(saveable_object.SaveableObject):
    """An ensemble's stamp and what it serialises to."""

    def __init__(self, ensemble, name):
        parts = zip(ensemble.serialize(), ("_stamp", "_serialized"))
        specs = [saveable_object.SaveSpec(tensor, "", name + suffix) for tensor, suffix in parts]
        super().__init__(ensemble.resource_handle, specs, name)
        self._ensemble = ensemble

    def restore(self, restored_tensors, restored_shapes):
        """Reads the ensemble."""
        with ops.control_dependencies([self._ensemble.initializer]):
            return self._ensemble.deserialize(*restored_tensors)


class TreeEnsemble(_Resource):
    """An ensemble of trees; a local one is neither shared nor saved."""

    def __init__(self, name, stamp_token=0, is_local=False, serialized_proto=""):
        self._stamp_token, self._serialized_proto = stamp_token, serialized_proto
        super().__init__(name, "TreeEnsemble", shared=not is_local)
        if not is_local:
            saved = _SavedEnsemble(self, self.resource_handle.name)
            ops.add_to_collection(ops.GraphKeys.SAVEABLE_OBJECTS, saved)

    def _create_resource(self):
        return gen_ops.boosted_trees_ensemble_resource_handle_op(container="", shared_name=self._name, name=self._name)

    def _initialize(self):
        return gen_ops.boosted_trees_create_ensemble(
            self.resource_handle, self._stamp_token, tree_ensemble_serialized=self._serialized_proto
        )

    def is_initialized(self):
        """Whether it was made, a bool."""
        return gen_ops.is_boosted_trees_ensemble_initialized(self.resource_handle)

    def get_stamp_token(self):
        """How often it changed."""
        return gen_ops.boosted_trees_get_ensemble_states(self.resource_handle)[0]

    def get_states(self):
        """(stamp, trees, finished trees, layers that were tried, the range of the nodes in the latest layer)."""
        names = ("stamp_token", "num_trees", "num_finalized_trees", "num_attempted_layers", "last_layer_nodes_range")
        found = gen_ops.boosted_trees_get_ensemble_states(self.resource_handle)
        return tuple(array_ops.identity(tensor, name=name) for tensor, name in zip(found, names))

    def serialize(self):
        """(stamp, the TreeEnsemble message)."""
        return gen_ops.boosted_trees_serialize_ensemble(self.resource_handle)

    def deserialize(self, stamp_token, serialized_proto):
        """An operation that replaces it."""
        return gen_ops.boosted_trees_deserialize_ensemble(self.resource_handle, stamp_token, serialized_proto)
