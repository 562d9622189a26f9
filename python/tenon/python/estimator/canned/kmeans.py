"""K-means as an estimator."""

import time

from tenon.python.estimator import model_fn as model_fn_lib
from tenon.python.estimator.estimator import Estimator
from tenon.python.estimator.export import export_output
from tenon.python.feature_column import feature_column
from tenon.python.ops import array_ops, clustering_ops, control_flow_ops, math_ops, metrics_impl, state_ops
from tenon.python.platform import tf_logging as logging
from tenon.python.saved_model import signature_constants
from tenon.python.summary import summary
from tenon.python.training import session_run_hook, training_util
from tenon.python.util.tf_export import tf_export


class LossRelativeChangeHook(session_run_hook.SessionRunHook):
    """Ends training when the loss changes by less than TOLERANCE of itself."""

    def __init__(self, loss, tolerance):
        self._loss, self._tolerance, self._previous = loss, tolerance, None

    def before_run(self, run_context):
        return session_run_hook.SessionRunArgs(self._loss)

    def after_run(self, run_context, run_values):
        loss = run_values.results
        if self._previous is not None and abs(loss - self._previous) / (1 + abs(self._previous)) < self._tolerance:
            run_context.request_stop()
        self._previous = loss


class InitializeClustersHook(session_run_hook.SessionRunHook):
    """Chooses the centers before training: the chief does, others wait."""

    def __init__(self, init_op, initialized, is_chief):
        self._init_op, self._initialized, self._is_chief = init_op, initialized, is_chief

    def after_create_session(self, session, coord):
        while not session.run(self._initialized):
            if self._is_chief:
                session.run(self._init_op)
            else:
                logging.info("Waiting for the chief to choose the centers.")
                time.sleep(1)


def points_of(features, feature_columns=None):
    """The points [n, dimensions] of features; those of a dict side by side, by their names."""
    if not isinstance(features, dict):
        return features
    if feature_columns:
        return feature_column.input_layer(features, feature_columns)
    return array_ops.concat([features[key] for key in sorted(features)], axis=1)


def build(features, options, is_chief, relative_tolerance, feature_columns=None, loss_name=None):
    """(distances from all centers, number of the nearest, loss, train_op, hooks) of k-means over features."""
    distances, indices, nearest, there, init_op, step = clustering_ops.KMeans(
        inputs=points_of(features, feature_columns), **options
    ).training_graph()
    loss = math_ops.reduce_sum(nearest[0], name=loss_name)
    summary.scalar("loss/raw", loss)
    counted = state_ops.assign_add(training_util.get_or_create_global_step(), 1)
    train_op = control_flow_ops.with_dependencies([step, counted], loss)
    hooks = [InitializeClustersHook(init_op, there, is_chief)]
    if relative_tolerance is not None:
        hooks.append(LossRelativeChangeHook(loss, relative_tolerance))
    return distances[0], indices[0], loss, train_op, hooks


@tf_export("contrib.factorization.KMeansClustering")
class KMeansClustering(Estimator):
    """Clusters points into NUM_CLUSTERS, each around a center."""

    SQUARED_EUCLIDEAN_DISTANCE = clustering_ops.SQUARED_EUCLIDEAN_DISTANCE
    COSINE_DISTANCE = clustering_ops.COSINE_DISTANCE
    RANDOM_INIT = clustering_ops.RANDOM_INIT
    KMEANS_PLUS_PLUS_INIT = clustering_ops.KMEANS_PLUS_PLUS_INIT
    SCORE = "score"
    CLUSTER_INDEX = "cluster_index"
    ALL_DISTANCES = "all_distances"
    CLUSTER_CENTERS_VAR_NAME = clustering_ops.CLUSTERS_VAR_NAME

    def __init__(self, num_clusters, model_dir=None, initial_clusters=RANDOM_INIT,
                 distance_metric=SQUARED_EUCLIDEAN_DISTANCE, random_seed=0, use_mini_batch=True,
                 mini_batch_steps_per_iteration=1, kmeans_plus_plus_num_retries=2, relative_tolerance=None,
                 config=None, feature_columns=None):  # fmt: skip
        if isinstance(initial_clusters, str) and initial_clusters not in (self.RANDOM_INIT, self.KMEANS_PLUS_PLUS_INIT):
            raise ValueError(f"Unsupported initialization algorithm '{initial_clusters}'")
        if distance_metric not in (self.SQUARED_EUCLIDEAN_DISTANCE, self.COSINE_DISTANCE):
            raise ValueError(f"Unsupported distance metric '{distance_metric}'")
        options = {
            "num_clusters": num_clusters, "initial_clusters": initial_clusters, "distance_metric": distance_metric,
            "random_seed": random_seed, "use_mini_batch": use_mini_batch,
            "mini_batch_steps_per_iteration": mini_batch_steps_per_iteration,
            "kmeans_plus_plus_num_retries": kmeans_plus_plus_num_retries,
        }  # fmt: skip

        def model_fn(features, mode, config):
            distances, index, loss, train_op, hooks = build(
                features, options, config.is_chief, relative_tolerance, feature_columns
            )
            outputs = {
                self.ALL_DISTANCES: export_output.PredictOutput(distances),
                self.CLUSTER_INDEX: export_output.PredictOutput(index),
                signature_constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY: export_output.PredictOutput(index),
            }
            return model_fn_lib.EstimatorSpec(
                mode=mode, predictions={self.ALL_DISTANCES: distances, self.CLUSTER_INDEX: index}, loss=loss,
                train_op=train_op, eval_metric_ops={self.SCORE: metrics_impl.mean(loss)}, training_hooks=hooks,
                export_outputs=outputs,
            )  # fmt: skip

        super().__init__(model_fn=model_fn, model_dir=model_dir, config=config)

    def _predicted(self, input_fn, key):
        for found in self.predict(input_fn=input_fn, predict_keys=[key]):
            yield found[key]

    def predict_cluster_index(self, input_fn):
        """The number of the nearest center of each point."""
        return self._predicted(input_fn, self.CLUSTER_INDEX)

    def score(self, input_fn):
        """The sum of the distances from the nearest centers."""
        return self.evaluate(input_fn=input_fn, steps=1)[self.SCORE]

    def transform(self, input_fn):
        """The distances from all centers of each point."""
        return self._predicted(input_fn, self.ALL_DISTANCES)

    def cluster_centers(self):
        """The centers."""
        return self.get_variable_value(self.CLUSTER_CENTERS_VAR_NAME)


@tf_export("estimator.experimental.KMeans")
class KMeansClusteringV2(KMeansClustering):
    """Clusters points into NUM_CLUSTERS, each around a center."""

    def __init__(self, num_clusters, model_dir=None, initial_clusters=KMeansClustering.RANDOM_INIT,
                 distance_metric=KMeansClustering.SQUARED_EUCLIDEAN_DISTANCE, seed=None, use_mini_batch=True,
                 mini_batch_steps_per_iteration=1, kmeans_plus_plus_num_retries=2, relative_tolerance=None,
                 config=None, feature_columns=None):  # fmt: skip
        super().__init__(
            num_clusters, model_dir, initial_clusters, distance_metric, seed, use_mini_batch,
            mini_batch_steps_per_iteration, kmeans_plus_plus_num_retries, relative_tolerance, config, feature_columns,
        )  # fmt: skip
