"""tf.train.sdca_optimizer, whose one default differs from its op's."""

from tenon.python.ops import gen_ops
from tenon.python.util.tf_export import tf_export


@tf_export("train.sdca_optimizer")
def sdca_optimizer(sparse_example_indices, sparse_feature_indices, sparse_feature_values, dense_features,
                   example_weights, example_labels, sparse_indices, sparse_weights, dense_weights,
                   example_state_data, loss_type, l1, l2, num_loss_partitions, num_inner_iterations,
                   adaptative=True, name=None):  # fmt: skip
    """A pass of dual coordinate ascent: (new state of the examples, changes of the weights)."""
    return gen_ops.sdca_optimizer(
        sparse_example_indices, sparse_feature_indices, sparse_feature_values, dense_features, example_weights,
        example_labels, sparse_indices, sparse_weights, dense_weights, example_state_data, loss_type=loss_type, l1=l1,
        l2=l2, num_loss_partitions=num_loss_partitions, num_inner_iterations=num_inner_iterations,
        adaptative=adaptative, name=name,
    )  # fmt: skip
