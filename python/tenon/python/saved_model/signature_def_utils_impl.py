"""Signatures: which tensors of a model a caller gives and gets."""

from tenon.python.framework import dtypes, ops
from tenon.python.framework import proto as messages
from tenon.python.saved_model import constants, utils_impl
from tenon.python.util.tf_export import tf_export


@tf_export("saved_model.build_signature_def", "saved_model.signature_def_utils.build_signature_def")
def build_signature_def(inputs=None, outputs=None, method_name=None):
    """The SignatureDef of dicts from names to TensorInfos."""
    made = messages.get("tensorflow.SignatureDef")()
    for field, given in ((made.inputs, inputs), (made.outputs, outputs)):
        for name, info in (given or {}).items():
            field[name].CopyFrom(info)
    if method_name is not None:
        made.method_name = method_name
    return made


def _infos(tensors):
    return {name: utils_impl.build_tensor_info(tensor) for name, tensor in tensors.items()}


def _string_examples(examples, what):
    if examples is None:
        raise ValueError(f"{what} inputs cannot be None.")
    if not isinstance(examples, ops.Tensor):
        raise ValueError(f"Expected `Tensor` inputs, but got {type(examples)}")
    info = utils_impl.build_tensor_info(examples)
    if info.dtype != dtypes.string.as_datatype_enum:
        raise ValueError(f"{what} inputs must be of type string. Found type {info.dtype}")
    return info


@tf_export("saved_model.regression_signature_def", "saved_model.signature_def_utils.regression_signature_def")
def regression_signature_def(examples, predictions):
    """The signature from serialised Examples (strings) to numbers (float32)."""
    info = _string_examples(examples, "Regression")
    if predictions is None:
        raise ValueError("Regression `predictions` cannot be None.")
    output = utils_impl.build_tensor_info(predictions)
    if output.dtype != dtypes.float32.as_datatype_enum:
        raise ValueError("Regression output tensors must be of type float")
    return build_signature_def(
        {constants.REGRESS_INPUTS: info}, {constants.REGRESS_OUTPUTS: output}, constants.REGRESS_METHOD_NAME
    )


@tf_export("saved_model.classification_signature_def", "saved_model.signature_def_utils.classification_signature_def")
def classification_signature_def(examples, classes, scores):
    """The signature from serialised Examples to classes (strings), scores (float32) or both."""
    info = _string_examples(examples, "Classification")
    if classes is None and scores is None:
        raise ValueError("Classification `classes` and `scores` cannot both be None.")
    outputs = {}
    if classes is not None:
        outputs[constants.CLASSIFY_OUTPUT_CLASSES] = utils_impl.build_tensor_info(classes)
        if classes.dtype != dtypes.string:
            raise ValueError("Classification classes must be of type string Tensor.")
    if scores is not None:
        outputs[constants.CLASSIFY_OUTPUT_SCORES] = utils_impl.build_tensor_info(scores)
        if scores.dtype != dtypes.float32:
            raise ValueError("Classification scores must be a float tensor.")
    return build_signature_def({constants.CLASSIFY_INPUTS: info}, outputs, constants.CLASSIFY_METHOD_NAME)


@tf_export("saved_model.predict_signature_def", "saved_model.signature_def_utils.predict_signature_def")
def predict_signature_def(inputs, outputs):
    """The signature between two dicts of tensors."""
    for what, given in (("inputs", inputs), ("outputs", outputs)):
        if not given:
            raise ValueError(f"Prediction {what} cannot be None or empty.")
    return build_signature_def(_infos(inputs), _infos(outputs), constants.PREDICT_METHOD_NAME)


@tf_export("saved_model.is_valid_signature", "saved_model.signature_def_utils.is_valid_signature")
def is_valid_signature(signature_def):
    """Whether the inputs and outputs are those that the signature's method has."""
    if signature_def is None:
        return False
    string, method = dtypes.string.as_datatype_enum, signature_def.method_name
    if method == constants.PREDICT_METHOD_NAME:
        return bool(signature_def.inputs) and bool(signature_def.outputs)
    if method == constants.CLASSIFY_METHOD_NAME:
        wanted = {constants.CLASSIFY_OUTPUT_CLASSES: string,
                  constants.CLASSIFY_OUTPUT_SCORES: dtypes.float32.as_datatype_enum}  # fmt: skip
        inputs = constants.CLASSIFY_INPUTS
    elif method == constants.REGRESS_METHOD_NAME:
        wanted = {constants.REGRESS_OUTPUTS: dtypes.float32.as_datatype_enum}
        inputs = constants.REGRESS_INPUTS
    else:
        return False
    if set(signature_def.inputs) != {inputs} or signature_def.inputs[inputs].dtype != string:
        return False
    outputs = signature_def.outputs
    return bool(outputs) and all(name in wanted and outputs[name].dtype == wanted[name] for name in outputs)
