"""What TensorFlow says: graphs of single nodes built, shaped, run and differentiated. Loads TensorFlow on first use."""

import contextlib
import functools
import os

import numpy as np


@functools.cache
def modules():
    """(tensorflow, compat.v1, the op definitions, the function that adds a node)."""
    # The reference kernels answer, not oneDNN's, on one thread, and quietly: whichever test is the first to ask.
    settings = {"TF_ENABLE_ONEDNN_OPTS": "0", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "",
                "TF_USE_LEGACY_KERAS": "1"}  # fmt: skip
    os.environ.update(settings)
    import tensorflow as tf
    from tensorflow.python.framework import op_def_library, op_def_registry

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.compat.v1.disable_eager_execution()
    tf.compat.v1.disable_control_flow_v2()
    return tf, tf.compat.v1, op_def_registry, op_def_library._apply_op_helper


@functools.cache
def config():
    """Plain sessions: no graph rewriting, so that the kernels themselves answer."""
    _, v1, _, _ = modules()
    made = v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    made.graph_options.rewrite_options.disable_meta_optimizer = True
    made.graph_options.optimizer_options.opt_level = -1
    return made


def op_def(name):
    """The OpDef proto, None if TensorFlow has no such op."""
    return modules()[2].get(name)


def code_of(error):
    """The name of the error code that an exception of TensorFlow stands for."""
    tf = modules()[0]
    if isinstance(error, tf.errors.OpError):
        return next(name for name, number in _codes().items() if number == error.error_code)
    if isinstance(error, (ValueError, TypeError)):
        return "INVALID_ARGUMENT"
    raise error


@functools.cache
def _codes():
    from tensorflow.core.protobuf import error_codes_pb2

    return dict(error_codes_pb2.Code.items())


class Graph:
    """The builder that programs see, on TensorFlow."""

    def __init__(self):
        tf, v1, _, _ = modules()
        self.tf, self.v1 = tf, v1
        self.graph = tf.Graph()
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        self.stack.enter_context(self.graph.as_default())
        return self

    def __exit__(self, *error):
        return self.stack.__exit__(*error)

    def _attr(self, kind, value):
        tf = self.tf
        if kind == "type":
            return tf.as_dtype(value)
        if kind == "list(type)":
            return [tf.as_dtype(v) for v in value]
        if kind == "tensor" and isinstance(value, (np.ndarray, np.generic)):
            return tf.make_tensor_proto(value)
        return value

    def op(self, op, /, *inputs, name=None, control_inputs=(), **attrs):
        """Adds a node."""
        definition = op_def(op)
        if definition is None:
            raise TypeError(f"TensorFlow has no op {op}")
        if len(inputs) != len(definition.input_arg):
            raise TypeError(f"{op} has {len(definition.input_arg)} inputs, got {len(inputs)}")
        given = {arg.name: value for arg, value in zip(definition.input_arg, inputs)}
        inferred = {a for arg in definition.input_arg for a in (arg.type_attr, arg.number_attr, arg.type_list_attr)}
        kinds = {attr.name: attr.type for attr in definition.attr}
        for key, value in attrs.items():
            if key not in inferred:
                given[key] = self._attr(kinds.get(key), value)
        for attr in definition.attr:  # None: the default
            if attr.name not in inferred and attr.HasField("default_value"):
                given.setdefault(attr.name, None)
        controls = [getattr(c, "op", c) for c in control_inputs]
        with self.graph.as_default(), self.graph.control_dependencies(controls):
            if definition.deprecation.version:
                node = self._removed(definition, inputs, attrs)
            else:
                node = modules()[3](op, name=name, **given)[2]
        if not node.outputs:
            return node
        return list(node.outputs) if len(node.outputs) != 1 or _is_list(definition) else node.outputs[0]

    def _removed(self, definition, inputs, attrs):
        """A node of an op that new graphs may not have: as an old graph's."""
        from tensorflow.core.framework import attr_value_pb2, graph_pb2

        old = graph_pb2.GraphDef()
        old.versions.producer = definition.deprecation.version - 1
        node = old.node.add(name=definition.name, op=definition.name)
        sources = {}
        for arg, value in zip(definition.input_arg, inputs):
            parts = value if isinstance(value, list) else [value]
            for part in parts:
                source = f"input{len(sources)}"
                ref = part.dtype != part.dtype.base_dtype
                stand_in = old.node.add(name=source, op="VariableV2" if ref else "Placeholder")
                stand_in.attr["dtype"].type = part.dtype.base_dtype.as_datatype_enum
                if ref:
                    stand_in.attr["shape"].shape.SetInParent()
                node.input.append(source)
                sources[source] = part
            if arg.type_attr:
                node.attr[arg.type_attr].type = parts[0].dtype.base_dtype.as_datatype_enum
            if arg.number_attr:
                node.attr[arg.number_attr].i = len(parts)
        for attr in definition.attr:
            if attr.name in node.attr:
                continue
            value = attrs.get(attr.name)
            if value is None:
                node.attr[attr.name].CopyFrom(attr.default_value)
            elif attr.type == "type":
                node.attr[attr.name].type = self.tf.as_dtype(value).as_datatype_enum
            elif attr.type == "shape":
                node.attr[attr.name].shape.CopyFrom(self.tf.TensorShape(value).as_proto())
            elif attr.type == "list(int)":
                node.attr[attr.name].list.i.extend(value)
            else:
                field = {"int": "i", "float": "f", "bool": "b", "string": "s"}[attr.type]
                value = value.encode() if isinstance(value, str) else value
                node.attr[attr.name].CopyFrom(attr_value_pb2.AttrValue(**{field: value}))
        found = self.tf.import_graph_def(old, sources, [definition.name], name="")
        return found[0]

    def constant(self, value, name=None):
        return self.op("Const", value=value, dtype=_dtype(value), name=name)

    def placeholder(self, dtype, shape=None, name=None):
        with self.graph.as_default():
            return self.v1.placeholder(self.tf.as_dtype(dtype), shape, name)

    def gradients(self, ys, xs, grad_ys=None):
        """Dense gradients, None where nothing flows."""
        with self.graph.as_default():
            found = self.v1.gradients(ys, xs, grad_ys)
            return [None if g is None else self.tf.convert_to_tensor(g) for g in found]

    def set_back_edge(self, merge, value):
        """Closes a loop: the second input of the Merge whose outputs are MERGE."""
        merge[0].op._update_input(1, value)


def _is_list(definition):
    return any(arg.number_attr or arg.type_list_attr for arg in definition.output_arg)


def _dtype(value):
    return "string" if value.dtype.kind in "SUO" else value.dtype.name


def session(graph):
    """A session on a Graph."""
    return modules()[1].Session(graph=graph.graph, config=config())


# --- single cases ---

DEGREES = ("full", "dimensions unknown", "rank unknown")


def blur(shape, degree):
    """SHAPE as it is known to a degree of ignorance."""
    return [list(shape), [None] * len(shape), None][degree]


def state_of(graph, item, number=0):
    """The input for a variable that holds a value, and the operation that gives it the value."""
    value = graph.constant(item.value)
    if item.kind == "var":
        ref = graph.op("VariableV2", shape=list(item.value.shape), dtype=item.dtype)
        return ref, graph.op("Assign", ref, value)
    # In TensorFlow all handles without a name of their own are the same variable.
    handle = graph.op("VarHandleOp", shape=list(item.value.shape), dtype=item.dtype, shared_name=f"handle{number}")
    return handle, graph.op("AssignVariableOp", handle, value)


class Node:
    """The node of a case in a graph: what to feed, to run first, to fetch. FIRST_HANDLE: of the graph's variables."""

    def __init__(self, graph, case, degree=0, first_handle=0):
        self.fed, self.initial, self.state, self._first = [], [], [], first_handle
        inputs = [[self._input(graph, x, degree) for x in i] if isinstance(i, list) else self._input(graph, i, degree)
                  for i in case.inputs]  # fmt: skip
        self.result = graph.op(case.op, *inputs, **case.attrs)
        self.outputs = self.result if isinstance(self.result, list) else [self.result]

    def _input(self, graph, item, degree):
        if item.kind == "const":
            return graph.constant(item.value)
        if item.kind == "fed":
            tensor = graph.placeholder(item.dtype, blur(item.value.shape, degree))
            self.fed.append((tensor, item.value))
            return tensor
        tensor, initial = state_of(graph, item, self._first + len(self.state))
        self.initial.append(initial)
        read = tensor if item.kind == "var" else graph.op("ReadVariableOp", tensor, dtype=item.dtype)
        self.state.append((tensor, read, item))
        return tensor


FLOATS = ("float16", "bfloat16", "float32", "float64")


def shape_of(tensor):
    """The static shape as a tuple with None, or None."""
    return None if tensor.shape.rank is None else tuple(tensor.shape.as_list())


def ask_shapes(case):
    """For each degree of ignorance the shapes of the outputs, or the code of the error."""
    answers = []
    for degree in range(3):
        with Graph() as graph:
            node = Node(graph, case, degree)
            answers.append([shape_of(t) if hasattr(t, "dtype") else () for t in node.outputs])
    return answers


def _fetchable(tensor):
    return hasattr(tensor, "dtype") and tensor.dtype.base_dtype.name not in ("resource", "variant")


def ask_values(case):
    """(outputs, what the variables hold afterwards); None stands for what can't be fetched."""
    with Graph() as graph:
        node = Node(graph, case)
        with session(graph) as s:
            s.run(node.initial)
            wanted = [t if _fetchable(t) else getattr(t, "op", t) for t in node.outputs]
            outputs = s.run(wanted, dict(node.fed))
            outputs = [None if o is None else _copy(o, t) for o, t in zip(outputs, wanted)]
            state = [np.array(s.run(_read(graph, tensor, item))) for tensor, _, item in node.state]
    return outputs, state


def _copy(value, tensor):
    return np.array(value, object) if tensor.dtype.base_dtype.name == "string" else np.array(value)


def _read(graph, tensor, item):
    return tensor if item.kind == "var" else graph.op("ReadVariableOp", tensor, dtype=item.dtype)


def ask_gradient(case, outputs):
    """None if there is nothing to ask, "unregistered", or (grad_ys by output, gradients by fed floating input)."""
    with Graph() as graph:
        node = Node(graph, case)
        ys = [(i, t) for i, t in enumerate(node.outputs)
              if hasattr(t, "dtype") and t.dtype.name in FLOATS and outputs[i] is not None]  # fmt: skip
        xs = [(i, t) for i, (t, _) in enumerate(node.fed) if t.dtype.name in FLOATS]
        if not ys or not xs:
            return None
        stream = np.random.RandomState(7)
        grad_ys = {i: np.asarray(stream.uniform(0.5, 1.5, outputs[i].shape)).astype(outputs[i].dtype) for i, _ in ys}
        fed = {i: graph.placeholder(t.dtype, outputs[i].shape) for i, t in ys}
        try:
            found = graph.gradients([t for _, t in ys], [t for _, t in xs], [fed[i] for i, _ in ys])
        except LookupError:
            return "unregistered"
        feeds = {**dict(node.fed), **{fed[i]: grad_ys[i] for i in fed}}
        with session(graph) as s:
            values = s.run([g for g in found if g is not None], feeds)
    answers = iter(values)
    return grad_ys, {i: None if g is None else np.array(next(answers)) for (i, _), g in zip(xs, found)}


def ask_second(case, outputs):
    """As ask_gradient(), of the gradients: by the fed floating inputs and the gradients of the outputs."""
    with Graph() as graph:
        asked = second_order(graph, Node(graph, case), outputs, _float_name, LookupError)
        if not isinstance(asked, tuple):
            return asked
        found, feeds = asked
        with session(graph) as s:
            values = iter(s.run([g for g in found if g is not None], feeds))
    return [None if g is None else np.array(next(values)) for g in found]


def _float_name(tensor):
    return tensor.dtype.base_dtype.name if hasattr(tensor, "dtype") else ""


def second_order(graph, node, outputs, name_of, unregistered):
    """(second gradients, feeds) on either builder; None or "unregistered" where there are none."""
    ys = [i for i, t in enumerate(node.outputs) if name_of(t) in FLOATS and outputs[i] is not None]
    xs = [t for t, _ in node.fed if name_of(t) in FLOATS]
    stream = np.random.RandomState(13)
    feeds = dict(node.fed)

    def like(value):
        fed = graph.placeholder(value.dtype.name, value.shape)
        feeds[fed] = np.asarray(stream.uniform(0.5, 1.5, value.shape)).astype(value.dtype)
        return fed

    try:
        grad_ys = [like(outputs[i]) for i in ys]
        first = graph.gradients([node.outputs[i] for i in ys], xs, grad_ys)
        pairs = [(g, like(feeds[x])) for g, x in zip(first, xs) if g is not None]
        if not pairs:
            return None
        return graph.gradients([g for g, _ in pairs], [*xs, *grad_ys], [seed for _, seed in pairs]), feeds
    except unregistered:
        return "unregistered"


def ask_error(case):
    """For known and for unknown shapes the name of the error code, or "OK"."""
    return [_error(case, degree) for degree in (0, 2)]


def _error(case, degree):
    try:
        with Graph() as graph:
            node = Node(graph, case, degree)
            with session(graph) as s:
                s.run(node.initial)
                s.run([t if _fetchable(t) else getattr(t, "op", t) for t in node.outputs], dict(node.fed))
    except Exception as error:
        return code_of(error)
    return "OK"


def ask_program(case):
    """For each step the fetched values, or the code of its error."""
    with Graph() as graph:
        steps = case.build(graph)
        with session(graph) as s:
            return [
                run_step(lambda fetches, feeds: s.run(fetches, feeds or None), step, code_of, _fetchable)
                for step in steps
            ]


def run_step(run, step, code_of_error, fetchable):
    """Runs one step of a program by RUN(fetches, feeds)."""
    expected, fetches, feeds = parse_step(step)
    try:
        values = run(fetches, feeds)
    except Exception as error:
        if not expected:
            raise
        return code_of_error(error)
    return [None if not fetchable(f) else v for f, v in zip(fetches, values)]


def parse_step(step):
    """(expected code or "", list of fetches, feeds) of a step as programs write it."""
    code = ""
    if isinstance(step, tuple) and step and isinstance(step[0], str):
        code, step = step[0], step[1:] if len(step) > 2 else step[1]
    fetches, feeds = step if isinstance(step, tuple) and len(step) == 2 and isinstance(step[1], dict) else (step, {})
    return code, list(fetches) if isinstance(fetches, (list, tuple)) else [fetches], feeds
