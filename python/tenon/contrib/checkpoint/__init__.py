"""tf.contrib.checkpoint."""
