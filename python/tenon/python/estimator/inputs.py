"""Input functions over arrays."""

import numpy as np

from tenon.python.util.tf_export import tf_export


@tf_export("estimator.inputs.numpy_input_fn", "contrib.learn.io.numpy_input_fn")
def numpy_input_fn(x, y=None, batch_size=128, num_epochs=1, shuffle=None, queue_capacity=1000, num_threads=1):
    """An input function that gives batches of arrays (or dicts of them) X and labels Y."""
    if not isinstance(shuffle, bool):
        raise ValueError(f"shuffle must be provided and explicitly set as boolean (it is recommended to set it as True "
                         f"for training); got {shuffle}")  # fmt: skip

    def input_fn():
        from tenon.python.data.ops import dataset_ops

        found = (x, y) if y is not None else x
        sizes = {
            len(np.asarray(v)) for v in (list(x.values()) if isinstance(x, dict) else [x]) + ([] if y is None else [y])
        }
        if len(sizes) != 1:
            raise ValueError(f"Length of tensors in x and y is mismatched: {sorted(sizes)}")
        made = dataset_ops.Dataset.from_tensor_slices(found)
        if shuffle:
            made = made.shuffle(min(queue_capacity, sizes.pop()))
        made = made.repeat(num_epochs).batch(batch_size)
        iterator = made.make_initializable_iterator()
        from tenon.python.framework import ops

        ops.add_to_collection(ops.GraphKeys.TABLE_INITIALIZERS, iterator.initializer)
        return iterator.get_next()

    return input_fn
