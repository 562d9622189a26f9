"""The oracle's operations by a stock TensorFlow client: on a Tenon server over gRPC, and by TensorFlow itself.

    python tests/cluster/interop.py [--every 20] [--batch 200] [--only MatMul]

Both sessions get the same graph, which TensorFlow built: many cases each (tests/oracle/cases). With --every N only the
first case of each operation, its first error and each N-th case after those are run. Prints a line for each case that
differs, and how many were run; the exit status is 1 if any differs.
"""

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
for folder in (HERE.parent, ROOT / "python"):
    sys.path.insert(0, str(folder))

from cluster.tasks import cluster_of  # noqa: E402

from oracle import check, collect  # noqa: E402
from oracle import tensorflow_side as reference  # noqa: E402

TOOL = Path(os.environ.get("TENON_TOOL") or ROOT / "build" / "tenon")
PATIENCE_MS = 300000

# What a client cannot ask a server for: their functions are in the client's process.
NOT_REMOTE = {"PyFunc", "PyFuncStateless", "EagerPyFunc"}


class Server:
    """A Tenon server in a process of its own that may do everything."""

    def __init__(self):
        (address,) = cluster_of(0, 1)["worker"]
        command = [TOOL, "server", "--cluster", f"worker={address}", "--job", "worker", "--task", "0"]
        self.process = subprocess.Popen([*command, "--allow", "checkpoints,files,code"], stdout=subprocess.PIPE)
        self.target = f"grpc://{address}"
        if not self.process.stdout.readline().startswith(b"serving"):
            raise RuntimeError("the server did not start")

    def session(self, graph):
        """A session of TensorFlow's on it, with a state of its own."""
        v1 = reference.modules()[1]
        config = v1.ConfigProto()
        config.CopyFrom(reference.config())
        config.isolate_session_state = True
        config.operation_timeout_in_ms = PATIENCE_MS
        return v1.Session(self.target, graph=graph.graph, config=config)

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.process.stdout.close()


class Batch:
    """Cases in one graph."""

    def __init__(self, cases, degree=0):
        self.graph = reference.Graph()
        self.nodes, self.failed, handles = {}, {}, 0
        with self.graph:
            for case in cases:
                try:
                    node = reference.Node(self.graph, case, degree, first_handle=handles)
                except Exception as error:
                    self.failed[case.id] = reference.code_of(error)  # the client sees it by itself
                    continue
                handles += len(node.state)
                reads = [reference._read(self.graph, tensor, item) for tensor, _, item in node.state]
                self.nodes[case.id] = node, reads

    def run(self, session, ids):
        """{id: (outputs, what variables hold afterwards)} of cases that all succeed; raises otherwise."""
        nodes = {id: self.nodes[id] for id in ids}
        initial = [operation for node, _ in nodes.values() for operation in node.initial]
        if initial:
            session.run(initial)
        # TensorFlow writes into what some of its kernels are fed.
        feeds = {tensor: value.copy() for node, _ in nodes.values() for tensor, value in node.fed}
        wanted = {
            id: [t if reference._fetchable(t) else getattr(t, "op", t) for t in node.outputs]
            for id, (node, _) in nodes.items()
        }
        outputs = session.run(wanted, feeds)
        reads = {id: reads for id, (_, reads) in nodes.items() if reads}
        states = session.run(reads) if reads else {}
        return {
            id: (
                [None if o is None else reference._copy(o, t) for o, t in zip(outputs[id], wanted[id])],
                [reference._copy(value, read) for value, read in zip(states.get(id, []), nodes[id][1])],
            )
            for id in ids
        }

    def answers(self, session, ids):
        """{id: run()'s, or the code of its error}: what fails is looked for by halves."""
        try:
            return self.run(session, ids)
        except Exception as error:
            if len(ids) == 1:
                return {ids[0]: reference.code_of(error)}
        half = len(ids) // 2
        return {**self.answers(session, ids[:half]), **self.answers(session, ids[half:])}


class Comparison:
    """What was run, and what differs."""

    def __init__(self, server):
        self.server, self.count, self.programs, self.complaints = server, 0, 0, []

    def complain(self, case, text):
        self.complaints.append(f"{case.id} ({case.file}.py:{case.line}): {text}")
        print(self.complaints[-1], flush=True)

    def compare(self, case, got, want):
        """GOT on Tenon, WANT by TensorFlow: pairs of lists, or codes."""
        if isinstance(got, str) or isinstance(want, str):
            if got != want:
                say = ["succeeds" if not isinstance(x, str) else x for x in (got, want)]
                self.complain(case, f"{say[0]}; TensorFlow: {say[1]}")
            return
        if case.options.get("values") is False:
            return
        found = check.compare_all(got[0], want[0], case.options, "output")
        for text in found + check.compare_all(got[1], want[1], case.options, "variable"):
            self.complain(case, text)

    def values(self, cases):
        """Cases that succeed, all in one step."""
        batch = Batch(cases)
        ids = list(batch.nodes)
        try:
            with reference.session(batch.graph) as here:
                want = batch.run(here, ids)
        except Exception as error:
            # TensorFlow refuses a graph of which one node has no kernel: which one is found by halves.
            if len(cases) == 1:
                if cases[0].options.get("values") is not False:
                    self.complain(cases[0], f"TensorFlow itself fails: {error}")
                return
            self.values(cases[: len(cases) // 2])
            self.values(cases[len(cases) // 2 :])
            return
        with self.server.session(batch.graph) as there:
            got = batch.answers(there, ids)
        for case in cases:
            self.count += case.id in got
            if case.id in got:
                self.compare(case, got[case.id], want[case.id])
            else:
                self.complain(case, f"TensorFlow cannot build it: {batch.failed[case.id]}")

    def errors(self, cases):
        """Cases that fail, with shapes that the client does not know, each in a step of its own."""
        batch = Batch(cases, degree=2)
        with reference.session(batch.graph) as here, self.server.session(batch.graph) as there:
            for case in cases:
                if case.id in batch.nodes:
                    self.count += 1
                    want = batch.answers(here, [case.id])[case.id]
                    got = batch.answers(there, [case.id])[case.id]
                    if isinstance(want, str):  # else only the client, which knows the shapes, finds it wrong
                        self.compare(case, got, want)

    def program(self, case):
        """Several steps in one session."""
        results = []
        for session in self.server.session, reference.session:
            with reference.Graph() as graph:
                steps = case.build(graph)
                if any(node.type in NOT_REMOTE for node in graph.graph.get_operations()):
                    return
                with session(graph) as s:
                    results.append([self._step(s, step) for step in steps])
        self.programs += 1
        for i, (got, want) in enumerate(zip(*results)):
            got, want = ([x] if isinstance(x, str) else x for x in (got, want))
            for text in check.compare_all(got, want, case.options, f"step {i}: value"):
                self.complain(case, text)

    @staticmethod
    def _step(session, step):
        try:
            return reference.run_step(
                lambda fetches, feeds: session.run(fetches, feeds or None), step, reference.code_of,
                reference._fetchable,
            )  # fmt: skip
        except Exception as error:
            return reference.code_of(error)


def chosen(every, only):
    """The cases to run: (those that succeed, those that fail, programs)."""
    seen, kinds = set(), ([], [], [])
    # One node without a kernel, and TensorFlow refuses the whole graph.
    only_defined = {case.op for case in collect.all_cases() if "expect" in case.options}
    for number, case in enumerate(collect.all_cases()):
        if not check.in_tensorflow(case) or case.op in NOT_REMOTE | only_defined or (only and case.op not in only):
            continue
        kind = 2 if case.is_program else 1 if case.code else 0
        # An operation's first case, and its first error; programs, which take longest, now and then.
        first = kind != 2 and (case.op, kind) not in seen
        seen.add((case.op, kind))
        if first or number % every == 0:
            kinds[kind].append(case)
    return kinds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--batch", type=int, default=200, help="cases in one graph (200)")
    parser.add_argument("--only", nargs="*", metavar="OP", help="these operations only")
    options = parser.parse_args()
    values, errors, programs = chosen(options.every, options.only)
    server = Server()
    try:
        comparison = Comparison(server)
        for compare, cases in (comparison.values, values), (comparison.errors, errors):
            for i in range(0, len(cases), options.batch):
                compare(cases[i : i + options.batch])
        for case in programs:
            comparison.program(case)
        alive = server.process.poll() is None
    finally:
        server.close()
    if not alive:
        print("interop: the server has ended", flush=True)
    print(f"interop: {comparison.count} cases of {len({c.op for c in values + errors})} operations and "
          f"{comparison.programs} programs were run, {len(comparison.complaints)} complaints")  # fmt: skip
    return 0 if alive and not comparison.complaints else 1


if __name__ == "__main__":
    sys.exit(main())
