"""tf.profiler's timeline: the StepStats of a step as a page of chrome://tracing."""

import json
import re


class Timeline:
    """The trace of one step: a row for each stream of each device, arrows from outputs to their users."""

    def __init__(self, step_stats, graph=None):
        self._step_stats, self._graph = step_stats, graph
        self._events = []
        self._pids = {}
        self._flows = 0

    def _pid(self, name):
        if name not in self._pids:
            pid = self._pids[name] = len(self._pids)
            self._events.append({"name": "process_name", "ph": "M", "pid": pid, "args": {"name": name}})
        return self._pids[name]

    @staticmethod
    def _parse_label(label):
        """(name, op, inputs) of a label: `name = Op(a, b)`."""
        match = re.match(r"(.*) = (.*)\((.*)\)", label)
        if match is None:
            return "unknown", "unknown", []
        name, op, inputs = match.groups()
        return name, op, inputs.split(", ") if inputs else []

    @staticmethod
    def _lanes(nodes):
        """A row for each node: the first that is free when it starts."""
        ends, lanes = [], []
        for node in nodes:
            start = node.all_start_micros
            lane = next((i for i, end in enumerate(ends) if end <= start), len(ends))
            if lane == len(ends):
                ends.append(0)
            ends[lane] = start + max(node.all_end_rel_micros, 1)
            lanes.append(lane)
        return lanes

    def _compute(self, device):
        pid = self._pid(device.device + " Compute")
        nodes = sorted(device.node_stats, key=lambda node: node.all_start_micros)
        for node, lane in zip(nodes, self._lanes(nodes)):
            name, op, inputs = self._parse_label(node.timeline_label)
            if name == "unknown" and op == "unknown":
                name, op = node.node_name, node.node_name.split("/")[-1]
            arguments = {"name": name, "op": op}
            arguments.update({f"input{i}": value.split(":")[0].lstrip("^") for i, value in enumerate(inputs)})
            self._events.append({
                "ph": "X", "cat": "Op", "name": op, "pid": pid, "tid": lane, "ts": node.all_start_micros,
                "dur": max(node.all_end_rel_micros, 1), "args": arguments,
            })  # fmt: skip
            yield name, inputs, node, pid, lane

    def _arrows(self, ran):
        made = {name: (node, pid, lane) for name, _, node, pid, lane in ran}
        for _, inputs, node, pid, lane in ran:
            for source in inputs:
                source = source.lstrip("^").split(":")[0]
                if source not in made:
                    continue
                before, its_pid, its_lane = made[source]
                self._flows += 1
                common = {"cat": "DataFlow", "name": source, "id": self._flows}
                end = before.all_start_micros + before.all_end_rel_micros
                self._events.append({**common, "ph": "s", "pid": its_pid, "tid": its_lane, "ts": end})
                self._events.append({**common, "ph": "t", "pid": pid, "tid": lane, "ts": node.all_start_micros})

    def _memory(self, device):
        """Counters: the bytes that each allocator holds."""
        changes = {}
        for node in device.node_stats:
            for used in node.memory:
                for record in used.allocation_records:
                    changes.setdefault(used.allocator_name, []).append((record.alloc_micros, record.alloc_bytes))
                if used.total_bytes and not used.allocation_records:
                    start, end = node.all_start_micros, node.all_start_micros + node.all_end_rel_micros
                    changes.setdefault(used.allocator_name, []).extend(
                        [(start, used.total_bytes), (end, -used.total_bytes)]
                    )
        for allocator, found in changes.items():
            pid, held = self._pid(allocator + " Allocator"), 0
            for time, size in sorted(found):
                held += size
                self._events.append({"ph": "C", "cat": "Memory", "name": allocator, "pid": pid, "ts": time,
                                     "args": {allocator: held}})  # fmt: skip

    def generate_chrome_trace_format(self, show_dataflow=True, show_memory=False, op_time="schedule"):
        """The trace as JSON."""
        self._events, self._pids, self._flows = [], {}, 0
        ran = []
        for device in self._step_stats.dev_stats:
            ran.extend(self._compute(device))
            if show_memory:
                self._memory(device)
        if show_dataflow:
            self._arrows(ran)
        return json.dumps({"traceEvents": self._events}, indent=4, separators=(",", ": "))
