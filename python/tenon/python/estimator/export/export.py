"""What a served model is fed: receivers, and the signatures that come of them."""

import collections
import os
import time

from tenon.python.framework import dtypes, ops, sparse_tensor, tensor_shape
from tenon.python.lib.io import anywhere
from tenon.python.ops import array_ops, parsing_ops
from tenon.python.platform import tf_logging as logging
from tenon.python.saved_model import constants
from tenon.python.util.tf_export import tf_export

_RECEIVER = ["features", "receiver_tensors", "receiver_tensors_alternatives"]


def _checked(tensors, default, what, strings_only=True):
    """TENSORS as a dict. ValueError for names that are no strings and values that are no tensors."""
    if tensors is None:
        raise ValueError(f"{what}s must be defined.")
    if not isinstance(tensors, dict):
        tensors = {default: tensors}
    for name, tensor in tensors.items():
        if strings_only and not isinstance(name, str):
            raise ValueError(f"{what} keys must be strings: {name}.")
        if not isinstance(tensor, (ops.Tensor, sparse_tensor.SparseTensor)):
            raise ValueError(f"{what} {name} must be a Tensor or SparseTensor.")
    return tensors


def _alternatives(given):
    if given is None:
        return None
    if not isinstance(given, dict):
        raise ValueError(f"receiver_tensors_alternatives must be a dict: {given}.")
    return {name: _checked(tensors, "input", "receiver_tensor") for name, tensors in given.items()}


@tf_export("estimator.export.ServingInputReceiver")
class ServingInputReceiver(collections.namedtuple("ServingInputReceiver", _RECEIVER)):
    """What a served model is fed (receiver_tensors) and what the model function sees of it (features)."""

    def __new__(cls, features, receiver_tensors, receiver_tensors_alternatives=None):
        features = _checked(features, "feature", "feature")
        tensors = _checked(receiver_tensors, "input", "receiver_tensor")
        return super().__new__(cls, features, tensors, _alternatives(receiver_tensors_alternatives))


@tf_export("estimator.export.TensorServingInputReceiver")
class TensorServingInputReceiver(collections.namedtuple("TensorServingInputReceiver", _RECEIVER)):
    """A ServingInputReceiver whose model function takes one tensor, not a dict."""

    def __new__(cls, features, receiver_tensors, receiver_tensors_alternatives=None):
        if features is None:
            raise ValueError("features must be defined.")
        _checked({"feature": features}, "feature", "feature")
        tensors = _checked(receiver_tensors, "input", "receiver_tensor")
        return super().__new__(cls, features, tensors, _alternatives(receiver_tensors_alternatives))


class SupervisedInputReceiver(collections.namedtuple("SupervisedInputReceiver", [
    "features", "labels", "receiver_tensors"])):  # fmt: skip
    """What a model that is exported for training or evaluation is fed."""

    def __new__(cls, features, labels, receiver_tensors):
        for what, given in (("feature", features), ("label", labels)):
            _checked(given, what, what, strings_only=False)
        return super().__new__(cls, features, labels, _checked(receiver_tensors, "input", "receiver_tensor"))


@tf_export("estimator.export.build_parsing_serving_input_receiver_fn")
def build_parsing_serving_input_receiver_fn(feature_spec, default_batch_size=None):
    """A function that makes a placeholder of serialised Examples and parses them by FEATURE_SPEC."""

    def serving_input_receiver_fn():
        examples = array_ops.placeholder(dtypes.string, [default_batch_size], name="input_example_tensor")
        return ServingInputReceiver(parsing_ops.parse_example(examples, feature_spec), {"examples": examples})

    return serving_input_receiver_fn


def _placeholders(tensors, default_batch_size):
    """Placeholders like TENSORS (a dict), whose first dimension is DEFAULT_BATCH_SIZE."""
    made = {}
    for name, tensor in tensors.items():
        tensor = ops.convert_to_tensor(tensor)
        shape = tensor.get_shape()
        if shape.ndims is not None:
            if shape.ndims == 0:
                raise ValueError(f"Feature {name} must have a batch dimension")
            shape = tensor_shape.TensorShape([default_batch_size, *shape.as_list()[1:]])
        name_of_op = tensor.op.name if tensor.op.name.isidentifier() else name
        made[name] = array_ops.placeholder(tensor.dtype, shape, name=name_of_op)
    return made


@tf_export("estimator.export.build_raw_serving_input_receiver_fn")
def build_raw_serving_input_receiver_fn(features, default_batch_size=None):
    """A function that makes placeholders like the tensors FEATURES."""

    def serving_input_receiver_fn():
        made = _placeholders(features, default_batch_size)
        return ServingInputReceiver(made, made)

    return serving_input_receiver_fn


@tf_export("estimator.experimental.build_raw_supervised_input_receiver_fn")
def build_raw_supervised_input_receiver_fn(features, labels, default_batch_size=None):
    """A function that makes placeholders like the tensors FEATURES and LABELS."""

    def named(tensors, default):
        return tensors if isinstance(tensors, dict) else {default: tensors}

    shared = set(named(features, "feature")) & set(named(labels, "label"))
    if shared:
        raise ValueError(f"Features and labels must have distinct keys. Overlapping keys: {shared}")

    def supervised_input_receiver_fn():
        xs = _placeholders(named(features, "feature"), default_batch_size)
        ys = _placeholders(named(labels, "label"), default_batch_size)
        return SupervisedInputReceiver(
            xs if isinstance(features, dict) else xs["feature"], ys if isinstance(labels, dict) else ys["label"],
            {**xs, **ys},
        )  # fmt: skip

    return supervised_input_receiver_fn


def build_all_signature_defs(receiver_tensors, export_outputs, receiver_tensors_alternatives=None):
    """{name: SignatureDef} of all outputs that can be had from what is fed; the others are told in the log."""
    if not isinstance(export_outputs, dict) or export_outputs is None:
        raise ValueError(f"export_outputs must be a dict and not {type(export_outputs)}")
    receivers = {None: receiver_tensors, **(receiver_tensors_alternatives or {})}
    made, excluded = {}, {}
    for receiver, tensors in receivers.items():
        for key, output in export_outputs.items():
            name = key or constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY
            if receiver is not None:
                name = f"{receiver}:{key}" if key else receiver
            try:
                made[name] = output.as_signature_def(tensors)
            except ValueError as error:
                excluded[name] = str(error)
    for name, why in excluded.items():
        logging.info("Export does not include signature %s: %s", name, why)
    if excluded and not made:
        logging.warning("Export includes no signatures, as none fits what the model is fed")
    return made


def get_timestamped_export_dir(export_dir_base):
    """A folder in EXPORT_DIR_BASE that is named by the time and not there yet."""
    base = os.fspath(export_dir_base)
    stamp = int(time.time())
    while anywhere.exists(os.path.join(base, str(stamp))):
        stamp += 1
    return os.path.join(base, str(stamp))
