#!/usr/bin/env python3
"""Writes tenon/_api.py: every public name and where it is defined, read from the sources without importing them.

usage: gen_api.py PACKAGE OUTPUT [--depfile FILE]

Names come from @tf_export(...) decorators, tf_export(...)(thing), tf_export(...).export_constant(...), module-level
literals TF_EXPORTS = {"public.name": "attribute"}, and files endpoints.tsv: op type, public names, signature.
TF_NAMESPACES = ("keras.backend",) exports every public function, class and other name that a module defines there.
TF_DISPATCH = {"how": "names"} says which public functions do something else with ragged tensors (util/dispatch.py).
TF_ALIASES = {"app.flags": "flags"} gives a namespace another name; TF_RENAMED = {"old": "new"} old names, which the
module's __getattr__ knows.
"""

import argparse
import ast
import json
from pathlib import Path


def export_names(call):
    """The names given to a call tf_export(...), None if CALL is something else."""
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id != "tf_export":
        return None
    for keyword in call.keywords:
        if keyword.arg == "v1":
            return ast.literal_eval(keyword.value)
    return [ast.literal_eval(argument) for argument in call.args]


def from_definition(node):
    for decorator in node.decorator_list:
        for name in export_names(decorator) or ():
            yield name, node.name


def from_call(call, target):
    """tf_export(...)(thing) and tf_export(...).export_constant(__name__, "thing")."""
    if not isinstance(call, ast.Call):
        return
    if isinstance(call.func, ast.Attribute) and call.func.attr == "export_constant":
        for name in export_names(call.func.value) or ():
            yield name, ast.literal_eval(call.args[1])
    attribute = target or (call.args[0].id if call.args and isinstance(call.args[0], ast.Name) else None)
    for name in export_names(call.func) or ():
        yield name, attribute


def from_assignment(node):
    target = node.targets[0]
    if not isinstance(target, ast.Name):
        return
    if target.id == "TF_EXPORTS":
        yield from ast.literal_eval(node.value).items()
    elif target.id == "TF_RENAMED":
        yield from ((f"{name}?", name) for name in ast.literal_eval(node.value))
    elif target.id == "TF_DISPATCH":
        for how, names in ast.literal_eval(node.value).items():
            yield from ((f"{name}!", how) for name in names.split())
    elif target.id == "TF_ALIASES":
        yield from ((f"{alias}=", space) for alias, space in ast.literal_eval(node.value).items())
    else:
        yield from from_call(node.value, target.id)


def spaces_of(body):
    """The namespaces that take all public names of a module."""
    for node in body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) == "TF_NAMESPACES":
            return ast.literal_eval(node.value)
    return ()


def public_names(body):
    """The names without an underscore that a module defines."""
    names = {}
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names[node.name] = None
        elif isinstance(node, ast.Assign):
            targets = [t for target in node.targets for t in getattr(target, "elts", [target])]
            names.update(dict.fromkeys(target.id for target in targets if isinstance(target, ast.Name)))
    return [name for name in names if not name.startswith(("_", "TF_"))]


def exports(path):
    """The (public name, attribute) pairs of a module."""
    text = path.read_text(encoding="utf-8")
    if not any(
        word in text for word in ("tf_export", "TF_EXPORTS", "TF_ALIASES", "TF_RENAMED", "TF_NAMESPACES", "TF_DISPATCH")
    ):
        return
    body = ast.parse(text, str(path)).body
    for space in spaces_of(body):
        yield from ((f"{space}.{name}", name) for name in public_names(body))
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield from from_definition(node)
        elif isinstance(node, ast.Assign):
            yield from from_assignment(node)
        elif isinstance(node, ast.Expr):
            yield from from_call(node.value, None)


def endpoints(path):
    """The (public name, op type) pairs of a table of generated ops."""
    for line in path.read_text(encoding="utf-8").splitlines():
        op, names, _ = line.split("\t")
        for name in names.split(","):
            yield name, op


def collect(package, cache):
    """(namespaces: {name: "module:attribute"}, places: how they dispatch); exports by hand go before generated ops."""
    table, where, generated, aliases, old, dispatched = {}, {}, [], {}, [], {}
    for path in sorted(package.rglob("*.py")):
        stat = path.stat()
        key = f"{stat.st_mtime_ns} {stat.st_size}"
        known = cache.get(str(path))
        if known is None or known[0] != key:
            known = cache[str(path)] = [key, list(exports(path))]
        module = ".".join(path.relative_to(package).with_suffix("").parts).removesuffix(".__init__")
        for name, attribute in known[1]:
            if name.endswith("="):
                aliases[name[:-1]] = attribute
                continue
            if name.endswith("!"):
                dispatched[name[:-1]] = attribute
                continue
            if name.endswith("?"):
                old.append((name[:-1], module))
                continue
            if name in where and where[name] != (module, attribute):
                raise SystemExit(f"gen_api: {name} is exported by {where[name]} and again by {module}:{attribute}")
            where[name] = (module, attribute)
    for path in sorted(package.rglob("endpoints.tsv")):
        generated += endpoints(path)
    for name, op in generated:
        where.setdefault(name, ("python.ops.gen_ops", op))
    for name, module in old:
        where.setdefault(name, (module, name))
    for name, (module, attribute) in where.items():
        space, _, last = name.rpartition(".")
        table.setdefault(space, {})[last] = f"{module}:{attribute}"
    for alias, target in aliases.items():
        for space in [s for s in table if s == target or s.startswith(target + ".")]:
            inner = table.setdefault(alias + space[len(target) :], {})
            inner.update({name: place for name, place in table[space].items() if name not in inner})
    for space in list(table):  # namespaces that hold only namespaces
        while space:
            space = space.rpartition(".")[0]
            table.setdefault(space, {})
    missing = sorted(name for name in dispatched if name not in where)
    if missing:
        raise SystemExit(f"gen_api: TF_DISPATCH names what nothing exports: {' '.join(missing)}")
    return table, {":".join(where[name]): how for name, how in dispatched.items()}


def render(table, dispatched):
    lines = [
        '"""Written by scripts/gen_api.py: {namespace: {name: "module:attribute"}}, and which places dispatch."""\n\n'
    ]
    lines.append("DISPATCH = {\n")
    lines += [f"    {place!r}: {how!r},\n" for place, how in sorted(dispatched.items())]
    lines.append("}\n\nNAMES = {\n")
    for space in sorted(table):
        lines.append(f"    {space!r}: {{\n")
        lines += [f"        {name!r}: {place!r},\n" for name, place in sorted(table[space].items())]
        lines.append("    },\n")
    return "".join(lines) + "}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--depfile", type=Path)
    options = parser.parse_args()
    cache_file = options.output.with_suffix(".cache.json")
    try:
        cache = json.loads(cache_file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        cache = {}
    options.output.write_text(render(*collect(options.package, cache)), encoding="utf-8")
    cache_file.write_text(json.dumps(cache), encoding="utf-8")
    if options.depfile:
        inputs = [p for p in options.package.rglob("*") if p.suffix in (".py", ".tsv") or p.is_dir()]
        inputs = [p for p in inputs if p.name != "__pycache__"] + [options.package]
        options.depfile.write_text(f"{options.output}: {' '.join(map(str, inputs))}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
