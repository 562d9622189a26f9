"""The graph of the objects that hang from one: their variables, and the keys these have in a checkpoint."""

import collections

from tenon.python.ops import variables
from tenon.python.training import optimizer as optimizer_lib

OBJECT_GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
VARIABLE_VALUE = "VARIABLE_VALUE"


def _local(name):
    """NAME as a part of a key."""
    return name.replace(".", "..").replace("/", ".S")


def _layers(thing):
    """The children by which Keras names the layers of a model."""
    count = 0
    for i, layer in enumerate(getattr(thing, "layers", None) or ()):
        if layer.weights:
            yield f"layer_with_weights-{count}", layer
            count += 1
        yield f"layer-{i}", layer


def _is_tracked(value):
    """Whether VALUE is, or holds, something with variables."""
    if isinstance(value, (list, tuple)):
        return any(map(_is_tracked, value))
    if isinstance(value, dict):
        return any(map(_is_tracked, value.values()))
    return isinstance(value, (variables.Variable, optimizer_lib.Optimizer)) or hasattr(value, "_tracked_children")


def _has_variables(value):
    return hasattr(value, "trainable_variables") and not isinstance(value, type)


def children(thing):
    """[(name, object)] of what hangs from THING."""
    if isinstance(thing, variables.Variable):
        return []
    if isinstance(thing, optimizer_lib.Optimizer):
        return sorted((key[0], v) for key, v in thing._non_slot_dict.items())
    if isinstance(thing, (list, tuple)):
        return [(str(i), item) for i, item in enumerate(thing) if _is_tracked(item) or _has_variables(item)]
    if isinstance(thing, dict):
        return [(str(key), item) for key, item in thing.items() if _is_tracked(item) or _has_variables(item)]
    if hasattr(thing, "_tracked_children"):
        return list(thing._tracked_children())
    found = list(_layers(thing))
    for name, value in vars(thing).items():
        private = name.startswith("_") and isinstance(value, (list, tuple, dict))
        if not private and name != "layers" and (_is_tracked(value) or _has_variables(value)):
            found.append((name, value))
    return found


class ObjectGraph:
    """What hangs from ROOT, breadth first: `objects`, `edges` (for each object [(name, index)]), `keys` of variables,
    `slots` (for each optimizer's index [(variable's index, slot's name, slot variable's index)])."""

    def __init__(self, root):
        self.objects, self.edges, self.slots = [root], [], collections.defaultdict(list)
        paths, index = {id(root): ""}, {id(root): 0}
        for thing in self.objects:
            edges = []
            for name, child in children(thing):
                if id(child) not in index:
                    index[id(child)] = len(self.objects)
                    self.objects.append(child)
                    paths[id(child)] = "/".join(filter(None, [paths[id(thing)], _local(name)]))
                edges.append((name, index[id(child)]))
            self.edges.append(edges)
        self.keys = {i: f"{paths[id(thing)]}/.ATTRIBUTES/{VARIABLE_VALUE}" for i, thing in enumerate(self.objects)
                     if isinstance(thing, variables.Variable)}  # fmt: skip
        for i, thing in enumerate(list(self.objects)):
            if isinstance(thing, optimizer_lib.Optimizer):
                self._add_slots(i, thing, paths)

    def _add_slots(self, at, optimizer, paths):
        for name in optimizer.get_slot_names():
            for i, thing in enumerate(list(self.objects)):
                slot = optimizer.get_slot(thing, name) if isinstance(thing, variables.Variable) else None
                if slot is None:
                    continue
                self.slots[at].append((i, name, len(self.objects)))
                parts = [paths[id(thing)], ".OPTIMIZER_SLOT", paths[id(optimizer)], _local(name)]
                self.keys[len(self.objects)] = "/".join(parts) + f"/.ATTRIBUTES/{VARIABLE_VALUE}"
                self.objects.append(slot)
                self.edges.append([])

    def proto(self):
        """The TrackableObjectGraph."""
        from tenon.core.protobuf import trackable_object_graph_pb2

        made = trackable_object_graph_pb2.TrackableObjectGraph()
        for i, thing in enumerate(self.objects):
            node = made.nodes.add()
            for name, child in self.edges[i]:
                node.children.add(node_id=child, local_name=name)
            for original, name, slot in self.slots[i]:
                node.slot_variables.add(original_variable_node_id=original, slot_name=name, slot_variable_node_id=slot)
            if i in self.keys:
                node.attributes.add(name=VARIABLE_VALUE, full_name=thing.op.name, checkpoint_key=self.keys[i])
        return made


def matches(graph, saved):
    """({variable's index in GRAPH: key in the checkpoint}, number of saved variables that have no counterpart): objects
    correspond where the names on the way to them do."""
    at, todo = {0: 0}, [0]  # saved node: ours
    while todo:
        node = todo.pop(0)
        ours = dict(graph.edges[at[node]])
        for child in saved.nodes[node].children:
            if child.local_name in ours and child.node_id not in at:
                at[child.node_id] = ours[child.local_name]
                todo.append(child.node_id)
    for node in list(at):
        ours = {(original, name): slot for original, name, slot in graph.slots[at[node]]}
        for slot in saved.nodes[node].slot_variables:
            found = ours.get((at.get(slot.original_variable_node_id), slot.slot_name))
            if found is not None:
                at[slot.slot_variable_node_id] = found
    keys, lost = {}, 0
    for node, entry in enumerate(saved.nodes):
        for attribute in entry.attributes:
            if attribute.name == VARIABLE_VALUE and at.get(node) in graph.keys:
                keys[at[node]] = attribute.checkpoint_key
            else:
                lost += 1
    return keys, lost
