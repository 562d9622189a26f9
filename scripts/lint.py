#!/usr/bin/env python3
"""The house rules, checked: format, limits, the direction of includes, comments, and what must not be in a file.

usage: lint.py [--fix] [FILE...]     (no FILE: all that git tracks or would track)
Exceptions stand in scripts/lint_exceptions.txt, each with its reason.
"""

import argparse
import ast
import hashlib
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import c_scan

ROOT = Path(__file__).resolve().parent.parent
FILE_LINES, FUNCTION_LINES, PARAMETERS = 600, 60, 6
# A folder of src/ includes only itself and those before it: the order of docs/architecture.md.
FOLDERS = "base tensor graph io kernel ops compile runtime data nn train cluster monitor kube cuda compat cli".split()
# The first folder that may include a public header; headers that are not named here go with their folder's name.
PUBLIC = {"error": "base", "session": "kernel", "tenon": "cli"}
C_SUFFIXES = {".c", ".h", ".hpp", ".cpp"}
CODE_SUFFIXES = C_SUFFIXES | {".py", ".sh"}
TEXT_SUFFIXES = CODE_SUFFIXES | {
    ".md",
    ".txt",
    ".toml",
    ".yaml",
    ".yml",
    ".json",
    ".build",
    ".proto",
    ".in",
    ".cfg",
    ".ini",
    "",
}
# Written in pieces so that this file passes its own rules.
MACHINE_PATH = re.compile(r"(?<![\w.}>-])/(?:work|root|home/\w+)/")
REGISTRIES = re.compile(
    r"\b(?:" + "|".join(re.escape(f"{a}.{b}") for a, b in [
        ("pypi", "org"), ("pythonhosted", "org"), ("debian", "org/debian"), ("archive.ubuntu", "com"), ("docker", "io"),
        ("ghcr", "io"), ("quay", "io"), ("gcr", "io"), ("registry.k8s", "io"), ("npmjs", "org"), ("crates", "io"),
        ("proxy.golang", "org"),
    ]) + r")\b"
)  # fmt: skip
LATER = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b(?!\(?\w*\)?: +\S+ +\S+ +\S+)")
# A comment that holds one whole statement and nothing else.
DEAD_CODE = re.compile(r"^(?:[\w*.\[\]>-]+\s+)*[\w*.\[\]>-]+\s*(?:\(.*\)|[-+*/|&]?=\s*[^=].*);$")


class Report:
    """Collects what is wrong; knows the exceptions and which of them were needed."""

    def __init__(self, exceptions=""):
        self.problems = []
        self.exceptions = {}
        self.used = set()
        for number, line in enumerate(exceptions.splitlines(), 1):
            if line.strip() and not line.startswith("#"):
                self.read_exception(number, line)

    def read_exception(self, number, line):
        match = re.match(r"(\S+) (\S+): +(\S.*)", line)
        if match:
            self.exceptions[match.group(1), match.group(2)] = number
        else:
            self.add("scripts/lint_exceptions.txt", number, "exception", "must read `rule subject: reason`")

    def add(self, path, line, rule, text, subject=None):
        """SUBJECT is what an exception names; the path if None."""
        key = (rule, subject or str(path))
        if key in self.exceptions:
            self.used.add(key)
        else:
            self.problems.append(f"{path}:{line}: {rule}: {text}")

    def check_stale(self):
        for key, number in self.exceptions.items():
            if key not in self.used:
                text = f"`{key[0]} {key[1]}` excuses nothing; remove it"
                self.problems.append(f"scripts/lint_exceptions.txt:{number}: exception: {text}")


def check_text(path, text, report):
    """Rules for every text file."""
    is_make = path.name in ("Makefile",) or path.suffix in (".mk", ".tsv")
    for number, line in enumerate(text.split("\n"), 1):
        if "\t" in line and not is_make:
            report.add(path, number, "tab", "a tab; indent with spaces")
        if line != line.rstrip():
            report.add(path, number, "space", "white space at the end of the line")
        if MACHINE_PATH.search(line):
            report.add(path, number, "machine-path", f"a path of one machine: {line.strip()}")
        if REGISTRIES.search(line):
            report.add(path, number, "registry", f"the host of a package registry: {line.strip()}")
        if LATER.search(line):
            report.add(path, number, "later", "work left for later needs `: what and why` in three words or more")
    if text and not text.endswith("\n"):
        report.add(path, text.count("\n") + 1, "newline", "no newline at the end of the file")


def check_length(path, text, report):
    lines = text.count("\n")
    if lines > FILE_LINES:
        report.add(path, FILE_LINES + 1, "file-length", f"{lines} lines, the limit is {FILE_LINES}; split it")


def check_function(path, function, report):
    if function.length > FUNCTION_LINES:
        text = f"{function.name} has {function.length} lines, the limit is {FUNCTION_LINES}"
        report.add(path, function.line, "function-length", text, function.name)
    if function.parameters > PARAMETERS:
        text = f"{function.name} takes {function.parameters} parameters, the limit is {PARAMETERS}; use a struct"
        report.add(path, function.line, "parameters", text, function.name)


def check_c(path, text, report):
    """Rules for C and C++ files."""
    scanner = c_scan.Scanner(text)
    for function in scanner.functions:
        check_function(path, function, report)
    for name, line, lines in c_scan.macros(text):
        if lines > FUNCTION_LINES:
            report.add(
                path, line, "function-length", f"macro {name} has {lines} lines, the limit is {FUNCTION_LINES}", name
            )
    for line, comment in c_scan.comments(text):
        inside = comment.removeprefix("//").removeprefix("/*").removesuffix("*/").strip()
        if DEAD_CODE.match(inside):
            report.add(path, line, "dead-code", f"code in a comment: {inside}")
    check_includes(path, text, report)
    if path.parts[:2] == ("include", "tenon"):
        check_documented(path, scanner, report)


def check_documented(path, scanner, report):
    for statement in scanner.statements:
        if not statement.documented:
            report.add(path, statement.line, "doc", f"no comment says what this is: {statement.text[:70]}")


def layer(path):
    """The place of PATH among the folders of src/, or None."""
    if path.parts[0] == "src" and len(path.parts) > 2:
        return FOLDERS.index(path.parts[1]) if path.parts[1] in FOLDERS else -1
    return None


def include_layer(name):
    """The place of an included file among the folders, or None if the rule says nothing about it."""
    parts = name.split("/")
    if parts[0] == "tenon" and len(parts) == 2:
        stem = parts[1].removesuffix(".h")
        folder = PUBLIC.get(stem, stem)
    else:
        folder = parts[0]
    return FOLDERS.index(folder) if folder in FOLDERS and len(parts) > 1 else None


def check_includes(path, text, report):
    """A folder includes only itself and those above it; examples and public headers see the public API alone."""
    own = layer(path)
    if own == -1:
        report.add(path, 1, "folder", f"src/{path.parts[1]} is not a folder of the design")
        return
    public_only = path.parts[0] in ("examples", "include", "cpp")
    for line, name, is_system in c_scan.includes(text):
        if path.parts[0] == "examples" and (ROOT / path.parent / name).is_file():
            continue  # what several examples share lies beside them
        other = include_layer(name)
        if public_only and not is_system:
            report.add(path, line, "include", f'"{name}" is private; only <tenon/...> may be included here')
        elif own is not None and other is not None and other > own:
            report.add(path, line, "include", f"{FOLDERS[own]} must not know {FOLDERS[other]}: it includes {name}")
        elif own is not None and not is_system and "/" not in name:
            report.add(path, line, "include", f'"{name}" needs its folder: "{path.parts[1]}/{name}"')


def check_python(path, text, report):
    """Function length without the docstring; ruff checks the rest."""
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        report.add(path, error.lineno or 1, "syntax", error.msg)
        return
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0]
            doc = ast.get_docstring(node, clean=False) is not None
            length = node.end_lineno - node.lineno + 1 - (first.end_lineno - first.lineno + 1 if doc else 0)
            check_function(path, c_scan.Function(node.name, node.lineno, length, 0), report)


def is_python(path, text):
    return path.suffix == ".py" or (not path.suffix and text.startswith("#!") and "python" in text.split("\n", 1)[0])


def is_data(path):
    """Files that are kept as they came: the licence, test data, the fuzzers' corpus."""
    kept = {"data", "corpus", "fixtures"} & set(path.parts[1:-1])
    return path.name == "LICENSE" or (path.parts[0] in ("tests", "bench", "fuzz", "examples") and bool(kept))


def check_file(path, text, report):
    """All rules but clang-format and ruff. PATH is relative to the project's folder."""
    check_text(path, text, report)
    python = is_python(path, text)
    if path.suffix in CODE_SUFFIXES or python or text.startswith("#!"):
        check_length(path, text, report)
    if path.suffix in C_SUFFIXES:
        check_c(path, text, report)
    elif python:
        check_python(path, text, report)


def walk(root):
    """Every file under ROOT but what is built or hidden: the stand-in for git's list."""
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(("build", ".", "__pycache__")) or name == ".ci"]
        yield from (str((Path(folder) / name).relative_to(root)) for name in files)


def tracked(root):
    """What git tracks or would track; every file where there is no git."""
    try:
        command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        names = walk(root)
    return sorted(Path(name) for name in set(names) if name and (root / name).is_file())


def read(root, path):
    """The text of a file, or None if it is not text."""
    if is_data(path) or path.suffix not in TEXT_SUFFIXES:
        return None
    try:
        return (root / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def badly_formatted(tool, root, names):
    run = subprocess.run([tool, "--dry-run", "-Werror", *names], cwd=root, capture_output=True, text=True)
    return set(re.findall(r"^(.*?):\d+:\d+: ", run.stderr, re.MULTILINE))


def clang_format(root, files, fix, report):
    """Runs clang-format over what has changed since it last passed: it is the slowest of the checks."""
    if not files:
        return
    tool = shutil.which("clang-format-14") or shutil.which("clang-format")
    if not tool:
        report.add(".clang-format", 1, "format", "clang-format is missing; scripts/bootstrap test installs it")
        return
    cache = root / ".cache" / "clang-format"
    style = (root / ".clang-format").read_bytes()
    digests = {file: hashlib.sha256(style + (root / file).read_bytes()).hexdigest() for file in files}
    passed = set(cache.read_text().split()) if cache.exists() else set()
    todo = [str(file) for file in files if digests[file] not in passed]
    if fix and todo:
        subprocess.run([tool, "-i", *todo], cwd=root, check=True)
        return
    batches = [todo[start : start + 20] for start in range(0, len(todo), 20)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        failed = set().union(*pool.map(lambda batch: badly_formatted(tool, root, batch), batches))
    for name in sorted(failed):
        report.add(name, 1, "format", "not in the house style; `make format` mends it")
    cache.parent.mkdir(exist_ok=True)
    cache.write_text("\n".join(digests[file] for file in files if str(file) not in failed))


def ruff(root, files, fix, report):
    tool = Path(sys.executable).parent / "ruff"
    found = str(tool) if tool.exists() else shutil.which("ruff")
    if not files:
        return
    if not found:
        report.add("ruff.toml", 1, "ruff", "ruff is missing; scripts/bootstrap test installs it")
        return
    names = [str(file) for file in files]
    commands = [["check", "--quiet", "--output-format=concise"], ["format", "--quiet"]]
    if fix:
        commands[0].append("--fix")
    else:
        commands[1].append("--check")
    for command in commands:
        run = subprocess.run([found, *command, *names], cwd=root, capture_output=True, text=True)
        if run.returncode:
            report.problems.extend((run.stdout + run.stderr).strip().splitlines() or [f"ruff {command[0]} failed"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fix", action="store_true", help="rewrite the files in the house style first")
    parser.add_argument("--root", type=Path, default=ROOT, help="the project's folder")
    parser.add_argument("files", nargs="*", type=Path, help="only these, relative to the project's folder")
    options = parser.parse_args()
    root = options.root.resolve()
    exceptions = root / "scripts" / "lint_exceptions.txt"
    report = Report(exceptions.read_text() if exceptions.exists() else "")
    paths = options.files or tracked(root)
    texts = {path: text for path in paths if (text := read(root, path)) is not None}
    c_files = [path for path in texts if path.suffix in C_SUFFIXES]
    python_files = [path for path, text in texts.items() if is_python(path, text)]
    clang_format(root, c_files, options.fix, report)
    ruff(root, python_files, options.fix, report)
    for path, text in texts.items():
        check_file(path, text, report)
    if not options.files:
        report.check_stale()
    print("\n".join(report.problems), end="\n" if report.problems else "")
    print(f"lint: {len(texts)} files, {len(report.problems)} problems")
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
