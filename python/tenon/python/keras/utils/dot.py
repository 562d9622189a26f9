"""Graphs as DOT text, in the manner of pydot as far as programs that draw models use it.

Dot and Cluster hold Nodes, Edges and Clusters. Pictures are made by Graphviz' program `dot` where it is installed.
"""

import re
import shutil
import subprocess

_PLAIN = re.compile(r"[A-Za-z_\200-\377][A-Za-z0-9_\200-\377]*|-?(\.[0-9]+|[0-9]+(\.[0-9]*)?)")
_KEYWORDS = ("node", "edge", "graph", "digraph", "subgraph", "strict")
# `dot` writes others too; these have their own methods create_NAME and write_NAME.
_FORMATS = ("pdf", "png", "ps", "svg", "jpg", "jpeg", "gif", "xdot", "plain")


class InvocationException(Exception):
    """`dot` failed."""


def find_program(name="dot"):
    """The path of Graphviz' program, or None."""
    return shutil.which(name)


def quoted(value):
    """VALUE as an identifier of DOT."""
    text = str(value)
    if text.startswith("<") and text.endswith(">"):
        return text
    if _PLAIN.fullmatch(text) and text.lower() not in _KEYWORDS:
        return text
    return '"' + text.replace('"', '\\"').replace("\n", "\\n") + '"'


def _listed(attributes):
    return ", ".join(f"{key}={quoted(value)}" for key, value in attributes.items() if value is not None)


class _Part:
    """What has a name and attributes."""

    def __init__(self, name, attributes):
        self.name, self.attributes = str(name), dict(attributes)

    def get_name(self):
        """The name."""
        return quoted(self.name)

    def get(self, key):
        """An attribute, or None."""
        return self.attributes.get(key)

    def set(self, key, value):
        """Sets an attribute."""
        self.attributes[key] = value

    def get_attributes(self):
        """All attributes."""
        return self.attributes

    def get_label(self):
        """The attribute `label`."""
        return self.get("label")


class Node(_Part):
    """A node of a graph."""

    def __init__(self, name="", **attributes):
        super().__init__(name, attributes)

    def to_string(self):
        """As DOT."""
        inside = _listed(self.attributes)
        return self.get_name() + (f" [{inside}];" if inside else ";")


class Edge(_Part):
    """An arrow from one node to another, each a Node or a name."""

    def __init__(self, src="", dst="", **attributes):
        super().__init__("", attributes)
        self.source, self.target = (p.name if isinstance(p, _Part) else str(p).strip('"') for p in (src, dst))

    def get_source(self):
        """The name of where it begins."""
        return quoted(self.source)

    def get_destination(self):
        """The name of where it ends."""
        return quoted(self.target)

    def to_string(self):
        """As DOT."""
        inside = _listed(self.attributes)
        return f"{self.get_source()} -> {self.get_destination()}" + (f" [{inside}];" if inside else ";")


class Graph(_Part):
    """What nodes, edges and clusters are in."""

    head = "digraph"

    def __init__(self, graph_name="G", **attributes):
        super().__init__(graph_name, attributes)
        self._nodes, self._edges, self._clusters, self._defaults = [], [], [], {}

    def set_node_defaults(self, **attributes):
        """Attributes of all nodes."""
        self._defaults.update(attributes)

    def add_node(self, node):
        """Adds a Node."""
        self._nodes.append(node)

    def add_edge(self, edge):
        """Adds an Edge."""
        self._edges.append(edge)

    def add_subgraph(self, cluster):
        """Adds a Cluster."""
        self._clusters.append(cluster)

    def get_node(self, name):
        """The nodes of that name, here and not in clusters."""
        return [n for n in self._nodes if n.name == str(name).strip('"')]

    def get_edge(self, src, dst):
        """The edges between two names."""
        ends = tuple(str(e).strip('"') for e in (src, dst))
        return [e for e in self._edges if (e.source, e.target) == ends]

    def get_nodes(self):
        """All nodes."""
        return list(self._nodes)

    def get_edges(self):
        """All edges."""
        return list(self._edges)

    def get_subgraphs(self):
        """All clusters."""
        return list(self._clusters)

    def to_string(self):
        """As DOT."""
        lines = [f"{self.head} {self.get_name()} {{"]
        lines += [f"{key}={quoted(value)};" for key, value in self.attributes.items() if value is not None]
        if self._defaults:
            lines.append(f"node [{_listed(self._defaults)}];")
        lines += [part.to_string().rstrip("\n") for part in (*self._clusters, *self._nodes, *self._edges)]
        return "\n".join([*lines, "}", ""])

    __str__ = to_string


class Cluster(Graph):
    """A part of a graph with a frame around it."""

    head = "subgraph"

    def __init__(self, graph_name="subG", **attributes):
        super().__init__("cluster_" + str(graph_name), **attributes)


class Dot(Graph):
    """A whole graph, which can be written and drawn; also dot.create_png() and dot.write_png(path), for each format."""

    def create(self, prog="dot", format="ps", encoding=None):
        """The picture as bytes, by Graphviz; FileNotFoundError where PROG is not installed."""
        found = find_program(prog)
        if found is None:
            raise FileNotFoundError(
                f'"{prog}" not found in path: install Graphviz (https://graphviz.org/download/) for pictures of '
                f"format {format!r}"
            )
        command = [found, f"-T{format}"]
        done = subprocess.run(command, input=self.to_string().encode(encoding or "utf-8"), capture_output=True)
        if done.returncode != 0:
            raise InvocationException(
                f"{command} ended with code {done.returncode}: {done.stderr.decode(errors='replace')}"
            )
        return done.stdout

    def write(self, path, prog="dot", format="raw", encoding=None):
        """Writes DOT text (formats raw and dot need no Graphviz), or a picture; True."""
        if format in ("raw", "dot") and find_program(prog) is None or format == "raw":
            data = self.to_string().encode(encoding or "utf-8")
        else:
            data = self.create(prog, format, encoding)
        with open(path, "wb") as f:
            f.write(data)
        return True

    def __getattr__(self, name):
        kind, _, format = name.partition("_")
        if kind == "create" and format in _FORMATS:
            return lambda prog="dot", encoding=None: self.create(prog, format, encoding)
        if kind == "write" and format in (*_FORMATS, "dot", "raw"):
            return lambda path, prog="dot", encoding=None: self.write(path, prog, format, encoding)
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
