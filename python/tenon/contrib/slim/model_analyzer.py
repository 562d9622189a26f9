"""How large a model is."""

from tenon.python.util.tf_export import tf_export


@tf_export("contrib.slim.model_analyzer.tensor_description")
def tensor_description(var):
    """The type and the sizes: (float32_ref 3x3x64)."""
    return f"({var.dtype.name} {'x'.join(str(size) for size in var.get_shape().as_list())})"


@tf_export("contrib.slim.model_analyzer.analyze_vars")
def analyze_vars(variables, print_info=False):
    """(number of elements, bytes) of VARIABLES."""
    elements = size = 0
    for var in variables:
        count = var.get_shape().num_elements() or 0
        elements += count
        size += count * var.dtype.size
        if print_info:
            print(var.name, tensor_description(var), f"[{count}, bytes: {count * var.dtype.size}]")
    if print_info:
        print("---------\nTotal size of variables:", elements, "\nTotal bytes of variables:", size)
    return elements, size


@tf_export("contrib.slim.model_analyzer.analyze_ops")
def analyze_ops(graph, print_info=False):
    """The number of elements of all outputs whose size is known."""
    total = 0
    for operation in graph.get_operations():
        for output in operation.outputs:
            count = output.get_shape().num_elements() or 0
            total += count
            if print_info:
                print(operation.name, f"\t->\t{output.name}", tensor_description(output), f"[{count}]")
    return total
