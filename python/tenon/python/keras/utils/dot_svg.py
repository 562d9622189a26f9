"""Pictures of graphs as SVG without Graphviz: nodes in layers, each after what leads to it, arrows between them."""

from xml.sax.saxutils import escape

_LETTER, _LINE, _PAD, _GAP, _BETWEEN = 7.6, 17, 8, 28, 36  # pixels


def _fields(text, at=0):
    """(fields, position after them) of a record's label: each a text, or the list that braces hold."""
    found, word = [], ""
    while at < len(text):
        c = text[at]
        if c == "\\" and at + 1 < len(text) and text[at + 1] in "{}|<>\\ ":
            word, at = word + text[at + 1], at + 1
        elif c == "{":
            inner, at = _fields(text, at + 1)
            found.append(inner)
            word = None
        elif c in "|}":
            if word is not None:
                found.append(word.strip())
            word = ""
            if c == "}":
                return found, at
        elif word is not None:
            word += c
        at += 1
    return found + ([word.strip()] if word is not None else []), at


def _size(field, flat):
    """(width, height) of a field, whose parts lie side by side if FLAT."""
    if isinstance(field, str):
        lines = field.split("\n")
        return max(len(line) for line in lines) * _LETTER + 2 * _PAD, len(lines) * _LINE + _PAD
    sizes = [_size(f, not flat) for f in field] or [(0, 0)]
    widths, heights = zip(*sizes)
    return (sum(widths), max(heights)) if flat else (max(widths), sum(heights))


def _draw(field, flat, box, out):
    """Draws a field into (x, y, width, height)."""
    x, y, width, height = box
    if isinstance(field, str):
        out.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>')
        lines = field.split("\n")
        top = y + height / 2 - (len(lines) - 1) * _LINE / 2 + 4.5
        for i, line in enumerate(lines):
            out.append(f'<text x="{x + width / 2:.1f}" y="{top + i * _LINE:.1f}">{escape(line)}</text>')
        return
    sizes = [_size(f, not flat) for f in field]
    spare = ((width - sum(s[0] for s in sizes)) if flat else (height - sum(s[1] for s in sizes))) / max(len(field), 1)
    for f, (w, h) in zip(field, sizes):
        w, h = (w + spare, height) if flat else (width, h + spare)
        _draw(f, not flat, (x, y, w, h), out)
        x, y = (x + w, y) if flat else (x, y + h)


def _all(graph):
    """(nodes, edges, [(cluster, names inside)]) with those of clusters."""
    nodes, edges, clusters = [], [], []
    for cluster in graph.get_subgraphs():
        inner, links, deeper = _all(cluster)
        nodes, edges = nodes + inner, edges + links
        clusters += [(cluster, [n.name for n in inner]), *deeper]
    return nodes + graph.get_nodes(), edges + graph.get_edges(), clusters


def _ranks(names, edges):
    """The layer of each node: one more than that of all that lead to it; arrows that close a ring do not count."""
    into = {name: [] for name in names}
    for a, b in edges:
        into[b].append(a)
    rank, open_ = {}, set()
    for start in names:
        todo = [start]
        while todo:
            name = todo[-1]
            missing = [a for a in into[name] if a not in rank and a not in open_]
            if name not in rank and missing:
                open_.add(name)
                todo += missing[:1]
                continue
            todo.pop()
            open_.discard(name)
            rank.setdefault(name, 1 + max((rank[a] for a in into[name] if a in rank), default=-1))
    return rank


def _layers(rank, edges):
    """(layers, paths): names in layers, with a point wherever an arrow passes one; the points of each arrow."""
    layers = [[] for _ in range(max(rank.values(), default=-1) + 1)]
    for name, r in rank.items():
        layers[r].append(name)
    paths = []
    for i, (a, b) in enumerate(edges):
        passed = [(i, r) for r in range(rank[a] + 1, rank[b])]
        for point in passed:
            layers[point[1]].append(point)
        paths.append([a, *passed, b])
    return layers, paths


def _order(layers, paths):
    """Orders each layer by the places of its neighbours, down and up a few times."""
    near = {}
    for path in paths:
        for a, b in zip(path, path[1:]):
            near.setdefault(a, []).append(b)
            near.setdefault(b, []).append(a)
    where = {name: r for r, layer in enumerate(layers) for name in layer}
    place = {name: i / len(layer) for layer in layers for i, name in enumerate(layer)}

    def mean(name, step):
        seen = [place[n] for n in near.get(name, ()) if (where[n] - where[name]) * step < 0]
        return sum(seen) / len(seen) if seen else place[name]

    for sweep in range(6):
        step = -1 if sweep % 2 else 1
        for layer in layers[::step]:
            keys = {name: mean(name, step) for name in layer}
            layer.sort(key=keys.get)
            place.update({name: i / len(layer) for i, name in enumerate(layer)})


def _arrow(points, out):
    path = " ".join(f"{'L' if i else 'M'}{x:.1f},{y:.1f}" for i, (x, y) in enumerate(points))
    out.append(f'<path d="{path}" marker-end="url(#tip)"/>')


def _places(layers, sizes, side):
    """(middles by names as (across, along), extent across and along); SIDE is 0 if layers lie side by side."""
    middle, along = {}, _GAP
    spans = [sum(sizes[n][1 - side] + _GAP for n in layer) + _GAP for layer in layers]
    widest = max(spans, default=2 * _GAP)
    for layer, span in zip(layers, spans):
        deep = max(sizes[n][side] for n in layer)
        across = (widest - span) / 2 + _GAP
        for name in layer:
            middle[name] = across + sizes[name][1 - side] / 2, along + deep / 2
            across += sizes[name][1 - side] + _GAP
        along += deep + _BETWEEN
    return middle, widest, along - _BETWEEN + _GAP


def to_svg(graph):
    """The SVG text of a Dot."""
    nodes, links, clusters = _all(graph)
    rankdir = str(graph.get("rankdir") or "TB").upper()
    side = 1 if rankdir in ("TB", "BT") else 0
    fields = {n.name: _fields(str(n.get_label() or n.name).replace("\\n", "\n"))[0] for n in nodes}
    edges = [(e.source, e.target) for e in links if e.source in fields and e.target in fields]
    layers, paths = _layers(_ranks(list(fields), edges), edges)
    _order(layers, paths)
    sizes = {name: _size(inside, side == 1) for name, inside in fields.items()}
    for layer in layers:
        deep = max(sizes[name][side] for name in layer if name in sizes)
        sizes.update({point: (1, deep) if side else (deep, 1) for point in layer if point not in sizes})
    middle, across, along = _places(layers, sizes, side)
    if rankdir in ("BT", "RL"):
        middle = {name: (a, along - b) for name, (a, b) in middle.items()}
    if side == 0:
        middle = {name: (b, a) for name, (a, b) in middle.items()}
    width, height = (across, along) if side else (along, across)
    scale = float(graph.get("dpi") or 96) / 96
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width * scale:.0f}" height="{height * scale:.0f}" '
        f'viewBox="0 0 {width:.1f} {height:.1f}">',
        '<defs><marker id="tip" markerWidth="9" markerHeight="8" refX="9" refY="4" orient="auto">'
        '<path d="M0,0 L9,4 L0,8 z" fill="black" stroke="none"/></marker></defs>',
        '<rect width="100%" height="100%" fill="white" stroke="none"/>',
        '<g fill="none" stroke="black">',
    ]
    out += _frames(clusters, middle, sizes)
    turn = 1 if rankdir in ("TB", "LR") else -1
    for path in paths:
        points = []
        for i, part in enumerate(path):  # from rim to rim, through the whole of the layers that lie between
            x, y = middle[part]
            reach = turn * sizes[part][side] / 2
            ends = ([-reach] if i > 0 else []) + ([reach] if i < len(path) - 1 else [])
            points += [(x, y + r) if side else (x + r, y) for r in ends]
        _arrow(points, out)
    out.append('</g><g fill="white" stroke="black" font-family="monospace" font-size="12.5" text-anchor="middle">')
    boxes = []
    for name, inside in fields.items():
        (x, y), (w, h) = middle[name], sizes[name]
        _draw(inside, side == 1, (x - w / 2, y - h / 2, w, h), boxes)
    out += [b.replace("<text ", '<text fill="black" stroke="none" ') for b in boxes]
    return "\n".join([*out, "</g>", "</svg>", ""])


def _frames(clusters, middle, sizes):
    """Dashed frames around the nodes of clusters, with their names."""
    out = []
    for cluster, names in clusters:
        if not names:
            continue
        inner = 4 + 3 * sum(set(others) < set(names) for _, others in clusters)
        spans = [(middle[n][0], middle[n][1], sizes[n][0] / 2, sizes[n][1] / 2) for n in names]
        left, right = min(x - w for x, _, w, _ in spans) - inner, max(x + w for x, _, w, _ in spans) + inner
        top, end = min(y - h for _, y, _, h in spans) - inner, max(y + h for _, y, _, h in spans) + inner
        out.append(f'<rect x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{end - top:.1f}" '
                   'stroke-dasharray="5,3"/>')  # fmt: skip
        label = escape(str(cluster.get_label() or cluster.name))
        out.append(f'<text x="{left:.1f}" y="{top - 3:.1f}" font-family="monospace" font-size="11" fill="black" '
                   f'stroke="none">{label}</text>')  # fmt: skip
    return out
