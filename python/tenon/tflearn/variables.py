"""Variables, and where to find those of layers."""

import tenon as tf
from tenon.tflearn import collections as _names  # noqa: F401  (it names the collections)


def variable(name, shape=None, dtype=tf.float32, initializer=None, regularizer=None, trainable=True, collections=None,
             caching_device="", device="", validate_shape=True, restore=True):  # fmt: skip
    """A variable in the current scope, or the one that is there; RESTORE says whether files give it its value."""
    from tenon.tflearn import initializations, losses

    if isinstance(initializer, str):
        initializer = initializations.initializer(initializer)
    if isinstance(regularizer, str):
        regularizer = losses.get(regularizer)
    with tf.device(device or None):
        if (
            isinstance(initializer, (tf.Tensor, int, float))
            or hasattr(initializer, "dtype")
            and not callable(initializer)
        ):
            found = tf.get_variable(name, initializer=tf.convert_to_tensor(initializer), regularizer=regularizer,
                                    trainable=trainable, collections=collections, validate_shape=validate_shape)  # fmt: skip  # noqa: E501
        else:
            found = tf.get_variable(name, shape=shape, dtype=dtype, initializer=initializer, regularizer=regularizer,
                                    trainable=trainable, collections=collections,
                                    validate_shape=validate_shape)  # fmt: skip
    if not restore:
        tf.add_to_collection(tf.GraphKeys.EXCL_RESTORE_VARS, found)
    return found


def model_variable(name, shape=None, dtype=tf.float32, initializer=None, regularizer=None, trainable=True,
                   collections=None, caching_device="", device="", restore=True):  # fmt: skip
    """A variable that is also in the collection of model variables."""
    found = [*(collections or ()), tf.GraphKeys.GLOBAL_VARIABLES, tf.GraphKeys.MODEL_VARIABLES]
    return variable(name, shape, dtype, initializer, regularizer, trainable, found, caching_device, device,
                    restore=restore)  # fmt: skip


def get_all_variables():
    """All variables of the graph."""
    return tf.get_collection(tf.GraphKeys.GLOBAL_VARIABLES)


def get_all_trainable_variable():
    """The variables that training changes."""
    return tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES)


def get_layer_variables_by_name(name):
    """The variables of a layer."""
    return tf.get_collection(f"{tf.GraphKeys.LAYER_VARIABLES}/{name}")


get_layer_variables = get_layer_variables_by_name


def get_value(var, session=None):
    """The value of a variable."""
    return (session or tf.get_default_session()).run(var)


def set_value(var, value, session=None):
    """Gives a variable a value."""
    var.load(value, session or tf.get_default_session())


def get_inputs_placeholder_by_name(name):
    """The placeholder of an input layer."""
    return next((e for e in tf.get_collection(tf.GraphKeys.INPUTS) if e.op.name == name + "/X"), None)


def get_targets_placeholder_by_name(name):
    """The placeholder of a regression's targets."""
    return next((e for e in tf.get_collection(tf.GraphKeys.TARGETS) if e.op.name == name + "/Y"), None)
