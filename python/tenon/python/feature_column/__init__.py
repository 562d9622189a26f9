"""tf.feature_column."""
