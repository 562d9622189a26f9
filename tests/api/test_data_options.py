"""tf.data.Options and the names of specs: what they hold, hand on and refuse; datasets as variant tensors."""

from api.both import both


def test_options_are_kept_and_merged():
    def program(tf):
        first, second = tf.data.Options(), tf.data.Options()
        first.experimental_deterministic = False
        first.experimental_optimization.map_fusion = True
        first.experimental_threading.private_threadpool_size = 3
        second.experimental_slack = True
        second.experimental_distribute.num_devices = 2
        dataset = tf.data.Dataset.range(3).with_options(first).map(lambda x: x + 1).with_options(second)
        found = dataset.options()
        return [found.experimental_deterministic, found.experimental_slack, first.experimental_slack,
                found.experimental_threading.private_threadpool_size, found.experimental_optimization.map_fusion,
                found.experimental_optimization.map_parallelization, int(tf.data.Options()
                .experimental_distribute.auto_shard_policy), tf.data.Options() == tf.data.Options(),
                dataset.make_one_shot_iterator().get_next()]  # fmt: skip

    both(program)


def test_options_refuse_other_names():
    def program(tf):
        tf.data.Options().no_such_option = 3

    assert "no_such_option" in str(both.error(program))


def test_datasets_as_tensors():
    def program(tf):
        experimental = tf.data.experimental
        variant = experimental.to_variant(tf.data.Dataset.range(3, 5))
        back = experimental.from_variant(variant, experimental.TensorStructure(tf.int64, []))
        return tf.data.make_one_shot_iterator(back).get_next(), variant.dtype.name, variant.get_shape()

    both(program)


def test_names_of_specs():
    def program(tf):
        e = tf.data.experimental
        specs = [e.TensorStructure(tf.float32, [2, None]), e.SparseTensorStructure(tf.int32, [3, 4]),
                 e.TensorArrayStructure(tf.float32, [2], False, True)]  # fmt: skip
        return [type(spec).__name__ for spec in specs], specs[0].shape, specs[0].dtype

    both(program)


def test_map_and_batch_by_its_other_name():
    def program(tf):
        made = tf.data.Dataset.range(7).apply(
            tf.data.experimental.map_and_batch_with_legacy_function(lambda x: x * x, 3)
        )
        return made.make_one_shot_iterator().get_next()

    both(program)
