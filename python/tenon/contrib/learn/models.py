"""contrib.learn.models: a linear and a logistic regression in one call, for model functions."""

from tenon.python.ops import array_ops, init_ops, nn_ops, variable_scope
from tenon.python.ops.losses import losses_impl
from tenon.python.summary import summary
from tenon.python.util.tf_export import tf_export


def _weights_and_bias(x, rows, columns, init_mean, init_stddev):
    dtype, initializer = x.dtype.base_dtype, None
    if init_mean is not None:
        initializer = init_ops.random_normal_initializer(init_mean, init_stddev, dtype=dtype)
    weights = variable_scope.get_variable("weights", [rows, columns], dtype=dtype, initializer=initializer)
    bias = variable_scope.get_variable("bias", [columns], dtype=dtype, initializer=initializer)
    for value, name in ((x, "x"), (weights, "weights"), (bias, "bias")):
        summary.histogram(f"{variable_scope.get_variable_scope().name}.{name}", value)
    return weights, bias


@tf_export("contrib.learn.ops.mean_squared_error_regressor")
def mean_squared_error_regressor(tensor_in, labels, weights, biases, name=None):
    """(predictions, their squared error)."""
    predictions = nn_ops.xw_plus_b(tensor_in, weights, biases, name=name)
    if labels.get_shape().ndims == 1 and predictions.get_shape().ndims == 2:
        predictions = array_ops.squeeze(predictions, axis=[1])
    return predictions, losses_impl.mean_squared_error(labels, predictions)


@tf_export("contrib.learn.ops.softmax_classifier")
def softmax_classifier(tensor_in, labels, weights, biases, class_weight=None, name=None):
    """(probabilities, their cross-entropy with LABELS, which are rows of zeros and ones)."""
    logits = nn_ops.xw_plus_b(tensor_in, weights, biases, name=name)
    if class_weight is not None:
        logits = logits * class_weight
    return nn_ops.softmax(logits), losses_impl.softmax_cross_entropy(labels, logits)


@tf_export("contrib.learn.models.linear_regression")
def linear_regression(x, y, init_mean=None, init_stddev=1.0):
    """(predictions, loss) of a linear regression."""
    with variable_scope.variable_scope("linear_regression"):
        columns = 1 if y.get_shape().ndims == 1 else y.get_shape()[1].value
        weights, bias = _weights_and_bias(x, x.get_shape()[1].value, columns, init_mean, init_stddev)
        return mean_squared_error_regressor(x, y, weights, bias)


@tf_export("contrib.learn.models.linear_regression_zero_init")
def linear_regression_zero_init(x, y):
    """linear_regression from zeros on."""
    return linear_regression(x, y, init_mean=0.0, init_stddev=0.0)


@tf_export("contrib.learn.models.logistic_regression")
def logistic_regression(x, y, class_weight=None, init_mean=None, init_stddev=1.0):
    """(probabilities, loss) of a logistic regression; Y are rows of zeros and ones."""
    with variable_scope.variable_scope("logistic_regression"):
        size = x.get_shape()[1].value, y.get_shape()[-1].value
        weights, bias = _weights_and_bias(x, *size, init_mean, init_stddev)
        return softmax_classifier(x, y, weights, bias, class_weight=class_weight)


@tf_export("contrib.learn.models.logistic_regression_zero_init")
def logistic_regression_zero_init(x, y):
    """logistic_regression from zeros on."""
    return logistic_regression(x, y, init_mean=0.0, init_stddev=0.0)
