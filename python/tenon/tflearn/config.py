"""The graph's settings, and the switch between training and use."""

import tenon as tf
from tenon.tflearn import collections  # noqa: F401  (it names the collections)


def init_graph(seed=None, log_device=False, num_cores=0, gpu_memory_fraction=0, soft_placement=True):
    """Settings of sessions that TFLearn makes for this graph."""
    if seed is not None:
        tf.set_random_seed(seed)
    config = tf.ConfigProto(log_device_placement=log_device, inter_op_parallelism_threads=num_cores,
                            intra_op_parallelism_threads=num_cores, allow_soft_placement=soft_placement)  # fmt: skip
    tf.add_to_collection(tf.GraphKeys.GRAPH_CONFIG, config)
    return config


def init_training_mode():
    """Makes the switch, a variable."""
    if tf.get_collection("is_training"):
        return
    with tf.variable_scope(tf.VariableScope(reuse=tf.AUTO_REUSE, name=""), auxiliary_name_scope=False):
        switch = tf.get_variable("is_training", [], tf.bool, tf.constant_initializer(False), trainable=False)
    tf.add_to_collection("is_training", switch)
    with tf.control_dependencies(None), tf.name_scope(""):
        for value in (True, False):
            tf.add_to_collection("is_training_ops", tf.assign(switch, value))


def is_training(is_training=False, session=None):
    """Sets the switch in a session."""
    init_training_mode()
    session = session or tf.get_default_session()
    if session is None:
        raise ValueError("is_training needs a session: give one, or call it inside of `with session`")
    session.run(tf.get_collection("is_training_ops")[0 if is_training else 1])


def get_training_mode():
    """The switch, a tensor."""
    init_training_mode()
    return tf.get_collection("is_training")[0]
