"""The graph of objects in the checkpoints of Keras models: which attribute of which object holds which variable."""

import tenon as tf
from tenon.python.training.saving import saveable_object
from tenon.python.training.tracking import graph_view


def serialized(keys):
    """A TrackableObjectGraph of {checkpoint key: full name of the variable}.

    A key is the path of attributes from the root, then .ATTRIBUTES/VARIABLE_VALUE.
    """
    from tenon.core.protobuf import trackable_object_graph_pb2

    made = trackable_object_graph_pb2.TrackableObjectGraph()
    nodes, children = [made.nodes.add()], [{}]
    for key, name in keys.items():
        here = 0
        for part in key.split("/.ATTRIBUTES/")[0].split("/"):
            if part not in children[here]:
                children[here][part] = len(nodes)
                nodes[here].children.add(node_id=len(nodes), local_name=part)
                nodes.append(made.nodes.add())
                children.append({})
            here = children[here][part]
        nodes[here].attributes.add(name=graph_view.VARIABLE_VALUE, full_name=name, checkpoint_key=key)
    return made.SerializeToString()


class Saveable(saveable_object.SaveableObject):
    """The graph as something that a Saver writes; reading it changes nothing."""

    def __init__(self, keys):
        tensor = tf.constant(serialized(keys), tf.string)
        spec = saveable_object.SaveSpec(tensor, "", graph_view.OBJECT_GRAPH_KEY)
        super().__init__(tensor, [spec], graph_view.OBJECT_GRAPH_KEY)

    @property
    def optional_restore(self):
        """Whether a checkpoint may lack it."""
        return True

    def restore(self, restored_tensors, restored_shapes):
        """Nothing."""
        return tf.no_op()
