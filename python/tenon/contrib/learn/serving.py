"""contrib.learn.utils: what served models are fed."""

from tenon.contrib.learn.model_fn import InputFnOps
from tenon.python.framework import dtypes, tensor_shape
from tenon.python.ops import array_ops, parsing_ops
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.learn.build_parsing_serving_input_fn", "contrib.learn.utils.build_parsing_serving_input_fn",
           "contrib.learn.utils.input_fn_utils.build_parsing_serving_input_fn")  # fmt: skip
def build_parsing_serving_input_fn(feature_spec, default_batch_size=None):
    """A function that makes a placeholder of serialised Examples and parses them by FEATURE_SPEC."""

    def input_fn():
        examples = array_ops.placeholder(dtypes.string, [default_batch_size], name="input_example_tensor")
        return InputFnOps(parsing_ops.parse_example(examples, feature_spec), None, {"examples": examples})

    return input_fn


@tf_export("contrib.learn.utils.input_fn_utils.build_default_serving_input_fn")
def build_default_serving_input_fn(features, default_batch_size=None):
    """A function that makes placeholders like the tensors FEATURES."""

    def input_fn():
        made = {}
        for name, tensor in features.items():
            shape = tensor_shape.TensorShape([default_batch_size, *tensor.get_shape().as_list()[1:]])
            made[name] = array_ops.placeholder(tensor.dtype, shape, name=tensor.op.name)
        return InputFnOps(made, None, made)

    return input_fn
