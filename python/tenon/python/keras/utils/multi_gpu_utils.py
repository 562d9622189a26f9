"""A model on several devices: each takes a part of the batch."""

import tenon as tf
from tenon.python.keras.engine.training import Model
from tenon.python.keras.layers.core import Lambda
from tenon.python.keras.layers.merge import Concatenate
from tenon.python.keras.utils.generic_utils import to_list

TF_EXPORTS = {"keras.utils.multi_gpu_model": "multi_gpu_model"}


def _part(data, i, parts):
    """The I-th of PARTS parts of a batch."""
    size = tf.shape(data)[0] // parts
    begin = i * size
    end = tf.shape(data)[0] if i == parts - 1 else begin + size
    return data[begin:end]


def multi_gpu_model(model, gpus=None, cpu_merge=True, cpu_relocation=False):
    """A model that runs parts of each batch on devices ("/gpu:0" and so on), with the weights of MODEL.

    GPUS: how many, at least 2, or their numbers. Devices that are not there are stood in for by the processor, as
    sessions with soft placement do it.
    """
    if gpus is None:
        gpus = 2
    numbers = list(gpus) if isinstance(gpus, (list, tuple)) else list(range(gpus))
    if len(numbers) <= 1:
        raise ValueError(f"For multi-gpu usage to be effective, call `multi_gpu_model` with `gpus >= 2`. Received: "
                         f"`gpus={gpus}`")  # fmt: skip
    outputs = [[] for _ in model.outputs]
    for i, number in enumerate(numbers):
        with tf.device(f"/gpu:{number}"), tf.name_scope(f"replica_{number}"):
            inputs = [Lambda(_part, output_shape=x.shape.as_list()[1:], arguments={"i": i, "parts": len(numbers)})(x)
                      for x in model.inputs]  # fmt: skip
            for found, output in zip(outputs, to_list(model(inputs[0] if len(inputs) == 1 else inputs))):
                found.append(output)
    with tf.device("/cpu:0" if cpu_merge else f"/gpu:{numbers[0]}"):
        merged = [Concatenate(axis=0, name=name)(parts) for name, parts in zip(model.output_names, outputs)]
    return Model(model.inputs if len(model.inputs) > 1 else model.inputs[0], merged if len(merged) > 1 else merged[0])
