#!/usr/bin/env python3
"""Writes the table of message types that tenon.python.framework.proto makes classes of.

usage: gen_messages.py OUTPUT FOLDER FILE...     (FILEs lie under FOLDER; imports are relative to it)

MESSAGES maps a full name to one line per field, `name number type [oneof]`. Before the type stands `*` for a repeated
field (`+` where its numbers are not packed) or `?` for a scalar whose absence is seen; a map is `map<key,value>`.
ENUMS maps a full name to `name number` lines. FILES maps a file to the full names that it defines at its top.
"""

import re
import sys
from pathlib import Path

TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:[^"\\]|\\.)*"|[\w.]+|-?\d+|\S', re.DOTALL)
SCALARS = set(
    "double float int32 int64 uint32 uint64 sint32 sint64 fixed32 fixed64 sfixed32 sfixed64 bool string bytes".split()
)
HEAD = '"""Message types. Written by scripts/gen_messages.py from proto/."""\n'


class Parser:
    """Reads one file of the proto3 language, as far as our files use it."""

    def __init__(self, path, text, messages, enums):
        self.path = path
        self.tokens = [t for t in TOKEN.findall(text) if not t.startswith(("//", "/*"))]
        self.at = 0
        self.messages, self.enums = messages, enums
        self.top = []

    def fail(self, wanted):
        found = self.tokens[self.at] if self.at < len(self.tokens) else "the end"
        raise SystemExit(f"gen_messages: {self.path}: {wanted} expected, {found!r} found (token {self.at})")

    def next(self):
        if self.at >= len(self.tokens):
            self.fail("more")
        self.at += 1
        return self.tokens[self.at - 1]

    def expect(self, *words):
        for word in words:
            if self.next() != word:
                self.at -= 1
                self.fail(repr(word))

    def number(self):
        try:
            return int(self.next(), 0)
        except ValueError:
            self.at -= 1
            self.fail("a number")

    def skip_statement(self):
        while self.next() != ";":
            pass

    def file(self):
        package = ""
        while self.at < len(self.tokens):
            word = self.next()
            if word == "package":
                package = self.next() + "."
                self.expect(";")
            elif word in ("syntax", "import", "option"):
                self.skip_statement()
            elif word in ("message", "enum"):
                self.top.append(package + self.tokens[self.at])
                self.message(package) if word == "message" else self.enum(package)
            elif word != ";":
                self.at -= 1
                self.fail("message or enum")
        return self.top

    def enum(self, scope):
        name = scope + self.next()
        self.expect("{")
        values = self.enums[name] = []
        while (word := self.next()) != "}":
            if word in ("option", "reserved"):
                self.skip_statement()
            else:
                self.expect("=")
                values.append((word, self.number()))
                self.expect(";")

    def message(self, scope):
        name = scope + self.next()
        self.expect("{")
        fields = self.messages[name] = []
        while (word := self.next()) != "}":
            if word == "message":
                self.message(name + ".")
            elif word == "enum":
                self.enum(name + ".")
            elif word in ("option", "reserved"):
                self.skip_statement()
            elif word == "oneof":
                oneof = self.next()
                self.expect("{")
                while (word := self.next()) != "}":
                    fields.append(self.field(word, oneof))
            else:
                fields.append(self.field(word))

    def field(self, word, oneof=None):
        """(name, number, label, type, oneof); the type of a map is a pair."""
        label = {"repeated": "*", "optional": "?"}.get(word, "")
        kind = self.next() if label else word
        if kind == "map":
            self.expect("<")
            key = self.next()
            self.expect(",")
            kind = (key, self.next())
            self.expect(">")
        name = self.next()
        self.expect("=")
        number = self.number()
        word = self.next()
        if word == "[":
            options = []
            while (word := self.next()) != "]":
                options.append(word)
            if " ".join(options).startswith("packed = false"):
                label = "+"
            self.expect(";")
        elif word != ";":
            self.at -= 1
            self.fail("';'")
        return name, number, label, kind, oneof


def resolve(kind, scope, known):
    """The full name of type KIND seen from message SCOPE: the innermost scope that has it wins."""
    if kind in SCALARS:
        return kind
    parts = scope.split(".")
    for count in range(len(parts), -1, -1):
        name = ".".join([*parts[:count], kind.lstrip(".")])
        if name in known:
            return name
    raise SystemExit(f"gen_messages: {scope} has a field of unknown type {kind}")


def line(field, scope, known):
    name, number, label, kind, oneof = field
    if isinstance(kind, tuple):
        kind = "map<" + ",".join(resolve(part, scope, known) for part in kind) + ">"
    else:
        kind = label + resolve(kind, scope, known)
    return f"{name} {number} {kind}" + (f" {oneof}" if oneof else "")


def render(files, messages, enums):
    known = messages.keys() | enums.keys()
    out = [HEAD, "FILES = {\n"]
    out += [f"    {path!r}: {names!r},\n" for path, names in sorted(files.items())]
    out.append("}\nMESSAGES = {\n")
    for name, fields in sorted(messages.items()):
        lines = [line(field, name, known) for field in sorted(fields, key=lambda f: f[1])]
        numbers = [field[1] for field in fields]
        if len(set(numbers)) != len(numbers):
            raise SystemExit(f"gen_messages: {name} has a field number twice")
        out.append(f"    {name!r}: {chr(10).join(lines)!r},\n")
    out.append("}\nENUMS = {\n")
    for name, values in sorted(enums.items()):
        out.append(f"    {name!r}: {chr(10).join(f'{n} {v}' for n, v in values)!r},\n")
    out.append("}\n")
    return "".join(out)


def main(arguments):
    if len(arguments) < 2:
        raise SystemExit(__doc__)
    output, folder = Path(arguments[0]), Path(arguments[1])
    files, messages, enums = {}, {}, {}
    for path in map(Path, arguments[2:]):
        name = path.resolve().relative_to(folder.resolve()).with_suffix("").as_posix()
        files[name] = tuple(Parser(path, path.read_text(encoding="utf-8"), messages, enums).file())
    output.write_text(render(files, messages, enums), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
