"""tf.contrib.tpu, as far as programs for TPUs run without one: `use_tpu=False`."""
