"""Devices of nodes: random graphs are placed as TensorFlow places them, or fail with its words."""

import os
import random
import tempfile

import pytest

from oracle import cache
from tenon.python.framework.proto import AttrValue, GraphDef

DEVICES = ["", "", "", *(f"/device:CPU:{i}" for i in (0, 1, 2, "*")), "/job:localhost", "/task:0/device:CPU:1"]
ODD_DEVICES = [*DEVICES, "/device:CPU:3", "/device:GPU:0", "/job:worker", "/device:FOO:0"]
FLOAT = AttrValue(type=1)
SHAPE = AttrValue(shape={})
# Op type: what its inputs are (value, handle, reference), what its output is, its attributes.
OPS = {
    "Placeholder": ("", "v", {"dtype": FLOAT, "shape": SHAPE}),
    "Identity": ("v", "v", {"T": FLOAT}),
    "AddV2": ("vv", "v", {"T": FLOAT}),
    "Shape": ("v", "i", {"T": FLOAT, "out_type": AttrValue(type=3)}),
    "VarHandleOp": ("", "h", {"dtype": FLOAT, "shape": SHAPE}),
    "ReadVariableOp": ("h", "v", {"dtype": FLOAT}),
    "AssignVariableOp": ("hv", "", {"dtype": FLOAT}),
    "VariableV2": ("", "r", {"dtype": FLOAT, "shape": SHAPE}),
    "Assign": ("rv", "r", {"T": FLOAT}),
    "NoOp": ("", "", {}),
}


def random_graph(seed):
    """A GraphDef. Odd seeds have devices that don't exist; the first nodes make something of every kind."""
    draw = random.Random(seed)
    devices = ODD_DEVICES if seed % 2 else DEVICES
    definition = GraphDef()
    made = {kind: [] for kind in "vihr"}
    ops = ["Placeholder", "VarHandleOp", "VariableV2", *draw.choices(list(OPS), k=draw.randrange(2, 14))]
    for number, op in enumerate(ops):
        inputs, output, attrs = OPS[op]
        name = f"n{number}"
        node = definition.node.add(name=name, op=op, device=draw.choice(devices) if draw.random() < 0.5 else "")
        # A value may be read from a reference.
        node.input.extend(draw.choice(made[kind] + (made["r"] if kind == "v" else [])) for kind in inputs)
        if op == "NoOp":
            node.input.append(f"^n{draw.randrange(number)}")
        for key, value in attrs.items():
            node.attr[key].CopyFrom(value)
        if draw.random() < 0.25:
            groups = [f"loc:@n{draw.randrange(len(ops))}".encode() for _ in range(draw.choice([1, 1, 2]))]
            node.attr["_class"].CopyFrom(AttrValue(list={"s": groups}))
        if output:
            made[output].append(name)
    definition.node.add(name="go", op="NoOp")
    return definition.SerializeToString()


def captured(run):
    """What RUN() returns, and what it writes to the standard output stream."""
    keep = os.dup(1)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 1)
        try:
            result = run()
        finally:
            os.dup2(keep, 1)
            os.close(keep)
        file.seek(0)
        return result, file.read().decode()


def placed(tf, message, definition, soft):
    """What is shown of the devices, or the error, as TF has it."""
    with tf.Graph().as_default() as graph:
        definition = message.FromString(definition)
        tf.import_graph_def(definition, name="")
        for node in definition.node:  # importing takes the devices of what is colocated away
            graph.get_operation_by_name(node.name)._set_device(node.device)
        config = tf.ConfigProto(device_count={"CPU": 3}, allow_soft_placement=soft, log_device_placement=True)

        def run():
            with tf.Session(graph=graph, config=config) as session:
                try:
                    session.run(graph.get_operation_by_name("go"))
                except tf.errors.OpError as error:
                    return type(error).__name__, error.message
            return None

        error, shown = captured(run)
    if error:
        # What follows tells where the nodes were made.
        return error[0], error[1][error[1].index("Cannot ") :].split("\n")[0].strip()
    return [line for line in shown.splitlines() if line.count(": ") == 2]


def by_tensorflow(definition, soft):
    import tensorflow

    tf = tensorflow.compat.v1
    with tf.Graph().as_default():  # graph mode, whatever the test before this one left
        return placed(tf, tf.GraphDef, definition, soft)


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("seed", range(100))
def test_random_graphs(seed, soft):
    import tenon as tf

    definition = random_graph(seed)
    want = cache.remember(cache.key("placement", definition, soft), lambda: by_tensorflow(definition, soft))
    assert placed(tf, GraphDef, definition, soft) == want


def imported(tf, message, definition):
    """The devices and groups of the nodes once they are imported."""
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(message.FromString(definition), name="in")
        return [(op.name, op.device, op.colocation_groups()) for op in graph.get_operations()]


def imported_by_tensorflow(definition):
    import tensorflow

    return imported(tensorflow.compat.v1, tensorflow.compat.v1.GraphDef, definition)


@pytest.mark.parametrize("seed", range(0, 100, 4))
def test_importing_moves_what_is_colocated(seed):
    import tenon as tf

    definition = random_graph(seed)
    want = cache.remember(cache.key("imported", definition), lambda: imported_by_tensorflow(definition))
    assert imported(tf, GraphDef, definition) == want
