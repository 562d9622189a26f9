"""tf.contrib.compiler."""
