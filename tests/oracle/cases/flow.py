"""Control flow: conditions, loops, stacks."""

import numpy as np

from oracle.api import bad, program, rand

X = np.array([[0.5, -1.0, 2.0], [1.5, 0.0, -0.25]], np.float64)


def cond(value):
    def build(g):
        x, p = g.placeholder("float64", [2, 3]), g.placeholder("bool", [])
        no, yes = g.op("Switch", x, p)
        merged = g.op("Merge", [g.op("Tanh", no), g.op("Mul", yes, g.constant(np.array(3.0)))])
        gradient = g.gradients(merged[0], [x])[0]
        return [([merged[0], merged[1], gradient], {x: X, p: np.array(value)})]

    return build


program("cond_false", cond(False))
program("cond_true", cond(True))


def one_sided(value):
    """Only one branch depends on x: the other one's gradient is zero."""

    def build(g):
        x, z, p = g.placeholder("float64"), g.placeholder("float64"), g.placeholder("bool", [])
        merged = g.op("Merge", [g.op("Sin", g.op("Switch", x, p)[0]), g.op("Neg", g.op("Switch", z, p)[1])])
        return [([merged[0], *g.gradients(merged[0], [x, z])], {x: X, z: X + 1, p: np.array(value)})]

    return build


program("cond_one_sided_false", one_sided(False))
program("cond_one_sided_true", one_sided(True))


def dead_fetch(g):
    """What is dead can't be fetched."""
    no, yes = g.op("Switch", g.constant(X), g.constant(np.array(True)))
    return [("INVALID_ARGUMENT", [g.op("Neg", no)], {}), [g.op("Neg", yes)]]


program("dead_fetch", dead_fetch)


def merge_of_dead(g):
    """A Merge of dead inputs is dead."""
    no = g.op("Switch", g.constant(X), g.constant(np.array(True)))[0]
    other = g.op("Switch", g.constant(X), g.constant(np.array(True)))[0]
    return [("INVALID_ARGUMENT", [g.op("Merge", [no, other])[0]], {})]


program("merge_of_dead", merge_of_dead)


def loop(turns, parallel):
    """y = tanh(y * w) for some turns."""

    def build(g):
        x, w = g.placeholder("float64", [2, 3]), g.placeholder("float64", [2, 3])
        frame = {"frame_name": "frame", "parallel_iterations": parallel}
        count, value = g.op("Enter", g.constant(np.int32(0)), **frame), g.op("Enter", x, **frame)
        limit = g.op("Enter", g.constant(np.int32(turns)), is_constant=True, **frame)
        factor = g.op("Enter", w, is_constant=True, **frame)
        counted, valued = g.op("Merge", [count, count]), g.op("Merge", [value, value])
        go = g.op("LoopCond", g.op("Less", counted[0], limit))
        count_out, count_in = g.op("Switch", counted[0], go)
        value_out, value_in = g.op("Switch", valued[0], go)
        one = g.op("Const", value=np.int32(1), dtype="int32", control_inputs=[g.op("Identity", count_in)])
        body = g.op("Tanh", g.op("Mul", value_in, factor))
        g.set_back_edge(counted, g.op("NextIteration", g.op("AddV2", count_in, one)))
        g.set_back_edge(valued, g.op("NextIteration", body))
        y, n = g.op("Exit", value_out), g.op("Exit", count_out)
        return [([y, n], {x: X, w: X - 0.3})]

    return build


for turns in (0, 1, 7):
    program(f"loop_{turns}", loop(turns, 10))
program("loop_alone", loop(5, 1))


def nested(g):
    """The inner loop runs as often as the outer one has turned."""

    def enter(value, name, constant=False):
        return g.op("Enter", value, frame_name=name, is_constant=constant)

    def counter(start, limit, name, body, value):
        """(count, value) after a loop; BODY(count, value) within it."""
        count, held = enter(start, name), enter(value, name)
        merged, kept = g.op("Merge", [count, count]), g.op("Merge", [held, held])
        go = g.op("LoopCond", g.op("Less", merged[0], enter(limit, name, True)))
        out, inside = g.op("Switch", merged[0], go)
        value_out, value_in = g.op("Switch", kept[0], go)
        one = g.op("Const", value=np.int32(1), dtype="int32", control_inputs=[g.op("Identity", inside)])
        g.set_back_edge(merged, g.op("NextIteration", g.op("AddV2", inside, one)))
        g.set_back_edge(kept, g.op("NextIteration", body(inside, value_in)))
        return g.op("Exit", out), g.op("Exit", value_out)

    x = g.placeholder("float64", [2, 3])
    zero, three = g.constant(np.int32(0)), g.constant(np.int32(3))
    scale = g.constant(np.float64(1.25))

    def outer(i, value):
        start = g.op("Const", value=np.int32(0), dtype="int32", control_inputs=[i])
        factor = enter(scale, "outer", True)
        return counter(start, i, "inner", lambda j, v: g.op("Mul", v, enter(factor, "inner", True)), value)[1]

    return [(list(counter(zero, three, "outer", outer, x)), {x: X})]


program("nested_loops", nested)


def references(value):
    """Switch and Merge that hand on the variable itself."""

    def build(g):
        v = g.op("VariableV2", shape=[2, 3], dtype="float64")
        assign = g.op("Assign", v, g.constant(X))
        p = g.placeholder("bool", [])
        no, yes = g.op("RefSwitch", v, p)
        no, yes = g.op("RefIdentity", no), g.op("RefIdentity", yes)
        merged = g.op("RefMerge", [no, yes])
        add = g.op("AssignAdd", merged[0], g.constant(X))
        return [assign, ([add, merged[1]], {p: np.array(value)}), g.op("Identity", v)]

    return build


program("references_false", references(False))
program("references_true", references(True))


def reference_loop(g):
    """A loop over the variable itself: it is added to in each turn."""
    v = g.op("VariableV2", shape=[], dtype="int32")
    assign = g.op("Assign", v, g.constant(np.int32(0)))
    enter = g.op("RefEnter", v, frame_name="frame")
    merged = g.op("RefMerge", [enter, enter])
    limit = g.op("Enter", g.constant(np.int32(5)), frame_name="frame", is_constant=True)
    one = g.op("Enter", g.constant(np.int32(1)), frame_name="frame", is_constant=True)
    go = g.op("LoopCond", g.op("Less", merged[0], limit))
    out, inside = g.op("RefSwitch", merged[0], go)
    added = g.op("AssignAdd", inside, one)
    g.set_back_edge(merged, g.op("RefNextIteration", added))
    return [assign, g.op("Identity", g.op("RefExit", out)), g.op("Identity", v)]


program("reference_loop", reference_loop)


def trigger(g):
    """A ControlTrigger runs after dead nodes, too."""
    no, yes = g.op("Switch", g.constant(X), g.constant(np.array(True)))
    after = g.op("ControlTrigger", control_inputs=[g.op("Identity", no)])
    blocked = g.op("NoOp", control_inputs=[g.op("Identity", no)])
    runs = g.op("Const", value=np.int32(7), dtype="int32", control_inputs=[after])
    never = g.op("Const", value=np.int32(7), dtype="int32", control_inputs=[blocked])
    return [[runs, yes], ("INVALID_ARGUMENT", [never], {})]


program("control_trigger", trigger)

bad("Switch", rand("float32", 2), np.array([True]), code="INVALID_ARGUMENT")
bad("Switch", rand("float32", 2), rand("float32", 1)[0], code="INVALID_ARGUMENT")
bad("LoopCond", np.array([True, False]), code="INVALID_ARGUMENT")


# --- stacks ---


def stack(old):
    end = "" if old else "V2"

    def make(g, maximum=-1, kind="float64"):
        inputs = [] if old else [g.constant(np.int32(maximum))]
        return g.op("Stack" + end, *inputs, elem_type=kind)

    def build(g):
        s = make(g)
        a = g.op("StackPush" + end, s, g.constant(X))
        b = g.op("StackPush" + end, s, g.op("Neg", g.constant(X[0])), control_inputs=[a])
        first = g.op("StackPop" + end, s, elem_type="float64", control_inputs=[b])
        second = g.op("StackPop" + end, s, elem_type="float64", control_inputs=[first])
        close = g.op("StackClose" + end, s, control_inputs=[second])
        empty = g.op("StackPop" + end, s, elem_type="float64", control_inputs=[second])
        late = g.op("StackPush" + end, s, g.constant(X), control_inputs=[close])
        wrong = g.op("StackPush" + end, s, g.constant(np.int32(1)))
        return [
            [a, b, first, second],
            [second, close],
            ("INVALID_ARGUMENT", [empty], {}),
            ("INVALID_ARGUMENT", [late], {}),
            ("INVALID_ARGUMENT", [wrong], {}),
            [first],
        ]

    return build


program("stack", stack(False))
program("stack_old", stack(True))


def full_stack(g):
    s = g.op("StackV2", g.constant(np.int32(1)), elem_type="string")
    words = g.constant(np.array([b"a", b"bc"], object))
    a = g.op("StackPushV2", s, words)
    b = g.op("StackPushV2", s, words, control_inputs=[a])
    return [[g.op("StackPopV2", s, elem_type="string", control_inputs=[a])], ("INVALID_ARGUMENT", [b], {})]


program("full_stack", full_stack)
