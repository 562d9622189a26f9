"""The graph of objects that Keras keeps in its checkpoints: which attribute of which object holds which variable."""

import tenon as tf
from tenon.python.training.saving import saveable_object

KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"


def _varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes([*out, n])


def _field(number, data):
    """A field of bytes, or of a number."""
    if isinstance(data, int):
        return _varint(number << 3) + _varint(data)
    data = data.encode() if isinstance(data, str) else data
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def serialized(keys):
    """A TrackableObjectGraph of {checkpoint key: full name of the variable}.

    A key is the path of attributes from the root, then .ATTRIBUTES/VARIABLE_VALUE.
    """
    nodes = [{"children": {}, "value": None}]
    for key, name in keys.items():
        here = 0
        for part in key.split("/.ATTRIBUTES/")[0].split("/"):
            children = nodes[here]["children"]
            if part not in children:
                nodes.append({"children": {}, "value": None})
                children[part] = len(nodes) - 1
            here = children[part]
        nodes[here]["value"] = key, name
    text = b""
    for node in nodes:
        body = b"".join(_field(1, _field(1, i) + _field(2, name)) for name, i in node["children"].items())
        if node["value"] is not None:
            key, name = node["value"]
            body += _field(2, _field(1, "VARIABLE_VALUE") + _field(2, name) + _field(3, key))
        text += _field(1, body)
    return text


class Saveable(saveable_object.SaveableObject):
    """The graph as something that a Saver writes; reading it changes nothing."""

    def __init__(self, keys):
        tensor = tf.constant(serialized(keys), tf.string)
        super().__init__(tensor, [saveable_object.SaveSpec(tensor, "", KEY)], KEY)

    @property
    def optional_restore(self):
        """Whether a checkpoint may lack it."""
        return True

    def restore(self, restored_tensors, restored_shapes):
        """Nothing."""
        return tf.no_op()
