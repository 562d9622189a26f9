"""tf.distribute: where a cluster's tasks are."""
