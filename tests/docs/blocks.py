"""The code blocks of a Markdown page, run; a ```text block after one is what it prints, with ... for what may vary."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
SECONDS = 300
RUN_PYTHON = """
import json, sys
names = {"__name__": "__main__"}
for number, (file, line, code) in enumerate(json.load(open(sys.argv[1]))):
    print(f"\\x1e{number}", flush=True)
    exec(compile("\\n" * line + code, file, "exec"), names)
    sys.stdout.flush()
"""


@dataclass
class Block:
    language: str
    line: int  # of the fence
    code: str
    expected: str = None  # None: whatever it prints


def blocks(page):
    """The blocks of PAGE, each with the output that follows it."""
    found = []
    text = page.read_text()
    for match in re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        language, code = match.groups()
        if language == "text" and found and found[-1].expected is None:
            found[-1].expected = code
        else:
            found.append(Block(language, text[: match.start()].count("\n") + 1, code))
    return found


def pattern(expected):
    """A regular expression for what a block prints: ... stands for any text, on a line of its own for any lines."""
    lines = [".*?".join(map(re.escape, line.split("..."))) for line in expected.rstrip().split("\n")]
    parts = [r"(?:.*\n)*?" if line == ".*?.*?" or line == ".*?" else line + r"[ \t]*\n" for line in lines]
    return re.compile("".join(parts))


def check(page, block, printed):
    if block.expected is not None:
        printed = "\n".join(line.rstrip() for line in printed.rstrip().split("\n")) + "\n"
        assert pattern(block.expected).fullmatch(printed), (
            f"{page.name}:{block.line} should print\n{block.expected}\nbut printed\n{printed}"
        )


def run(command, folder, **options):
    env = {**os.environ, "PATH": f"{BUILD}:{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}", "TF_CPP_MIN_LOG_LEVEL": "3",
           "PYTHONPATH": str(ROOT / "python"), "TENON_ROOT": str(ROOT)}  # fmt: skip
    done = subprocess.run(
        command,
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        stdin=subprocess.DEVNULL,
        **options,
    )
    return done.returncode, done.stdout, done.stderr


def run_python(page, found, folder):
    """All Python blocks of a page, one after the other in one process."""
    import json

    (folder / "blocks.json").write_text(json.dumps([(page.name, block.line, block.code) for block in found]))
    (folder / "run_blocks.py").write_text(RUN_PYTHON)
    status, out, err = run([sys.executable, "run_blocks.py", "blocks.json"], folder)
    parts = re.split(r"\x1e\d+\n", out)[1:]
    for block, printed in zip(found, parts):
        if status == 0 or block is not found[len(parts) - 1]:
            check(page, block, printed)
    last = found[max(len(parts) - 1, 0)]
    assert status == 0, f"{page.name}:{last.line} failed\n{err[-3000:]}"


def run_program(page, block, folder):
    """A whole C or C++ program."""
    cpp = block.language == "cpp"
    source = folder / f"program.{block.language}"
    source.write_text(block.code)
    command = [*(["c++", "-std=c++17"] if cpp else ["cc", "-std=c17"]), "-Wall", "-Wextra", "-Werror", source.name]
    command += [f"-I{ROOT / 'include'}", f"-I{ROOT / 'cpp'}", f"-I{BUILD / 'cpp'}", f"-L{BUILD}", "-ltenon", "-lm"]
    command += [f"-Wl,-rpath,{BUILD}", "-o", "program"]
    status, out, err = run(command, folder)
    assert status == 0, f"{page.name}:{block.line} does not compile\n{err}"
    status, out, err = run([folder / "program"], folder)
    assert status == 0, f"{page.name}:{block.line} failed\n{out}{err}"
    check(page, block, out)


def run_console(page, block, folder):
    """Lines that begin with `$ ` are commands; what they print comes next, compared where there is any."""
    steps = re.split(r"^\$ ", block.code, flags=re.MULTILINE)[1:]
    for step in steps:
        command, _, expected = step.partition("\n")
        status, out, err = run(command, folder, shell=True)
        assert status == 0, f"{page.name}:{block.line}: `{command}` failed\n{out}{err}"
        if expected.strip():
            check(page, Block("console", block.line, command, expected), out)
