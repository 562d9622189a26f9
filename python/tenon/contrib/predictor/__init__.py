"""tf.contrib.predictor."""
