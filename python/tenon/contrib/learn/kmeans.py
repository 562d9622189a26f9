"""contrib.learn.KMeansClustering."""

import numpy as np

from tenon.contrib.learn.estimator import Estimator
from tenon.contrib.learn.model_fn import ModelFnOps
from tenon.python.estimator.canned import kmeans
from tenon.python.ops import clustering_ops
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.learn.KMeansClustering")
class KMeansClustering(Estimator):
    """Clusters points into NUM_CLUSTERS, each around a center."""

    SQUARED_EUCLIDEAN_DISTANCE = clustering_ops.SQUARED_EUCLIDEAN_DISTANCE
    COSINE_DISTANCE = clustering_ops.COSINE_DISTANCE
    RANDOM_INIT = clustering_ops.RANDOM_INIT
    KMEANS_PLUS_PLUS_INIT = clustering_ops.KMEANS_PLUS_PLUS_INIT
    SCORES = "scores"
    CLUSTER_IDX = "cluster_idx"
    CLUSTERS = clustering_ops.CLUSTERS_VAR_NAME
    ALL_SCORES = "all_scores"
    LOSS_OP_NAME = "kmeans_loss"

    def __init__(self, num_clusters, model_dir=None, initial_clusters=RANDOM_INIT,
                 distance_metric=SQUARED_EUCLIDEAN_DISTANCE, random_seed=0, use_mini_batch=True,
                 mini_batch_steps_per_iteration=1, kmeans_plus_plus_num_retries=2, relative_tolerance=None,
                 config=None):  # fmt: skip
        options = {
            "num_clusters": num_clusters, "initial_clusters": initial_clusters, "distance_metric": distance_metric,
            "random_seed": random_seed, "use_mini_batch": use_mini_batch,
            "mini_batch_steps_per_iteration": mini_batch_steps_per_iteration,
            "kmeans_plus_plus_num_retries": kmeans_plus_plus_num_retries,
        }  # fmt: skip

        def model_fn(features, labels, mode, config):
            if labels is not None:
                raise ValueError(f"k-means takes no labels, got {labels}")
            scores, index, loss, train_op, hooks = kmeans.build(
                features, options, config.is_chief, relative_tolerance, loss_name=self.LOSS_OP_NAME
            )
            return ModelFnOps(
                mode=mode, predictions={self.ALL_SCORES: scores, self.CLUSTER_IDX: index},
                eval_metric_ops={self.SCORES: loss}, loss=loss, train_op=train_op, training_hooks=hooks,
            )  # fmt: skip

        super().__init__(model_fn=model_fn, model_dir=model_dir, config=config)

    def predict_cluster_idx(self, input_fn=None):
        """The number of the nearest center of each point."""
        for found in self.predict(input_fn=input_fn, outputs=[self.CLUSTER_IDX]):
            yield found[self.CLUSTER_IDX]

    def score(self, input_fn=None, steps=None):
        """The sum of the distances from the nearest centers."""
        return np.sum(self.evaluate(input_fn=input_fn, steps=steps)[self.SCORES])

    def transform(self, input_fn=None, as_iterable=False):
        """The distances from all centers: an array, or (AS_ITERABLE) {"all_scores": ...} for each point."""
        found = self.predict(input_fn=input_fn, outputs=[self.ALL_SCORES], as_iterable=as_iterable)
        return found if as_iterable else found[self.ALL_SCORES]

    def clusters(self):
        """The centers."""
        return self.get_variable_value(self.CLUSTERS)
