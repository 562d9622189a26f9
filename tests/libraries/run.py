"""Runs libraries of TensorFlow 1.x's time, as they were published, on Tenon.

usage: run.py [NAME...]

Each program in this folder begins with the packages that it needs, `keep:` with those that Tenon has as its own, and
`environment:`. They are installed without what they depend on, each program's in a folder of the user's cache.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tenon" / "libraries"
SECONDS = 600


def asked(program, what):
    """The words behind WHAT in the first text of a program."""
    found = re.search(rf"^(?:\"\"\")?{what}: (.*?)(?:\"\"\".*)?$", program.read_text(), re.MULTILINE)
    return found.group(1).split() if found else []


def installed(program):
    """The folder with the packages of a program."""
    packages = asked(program, "packages")
    folder = CACHE / f"{program.stem}-{hashlib.sha256(' '.join(packages).encode()).hexdigest()[:12]}"
    if not folder.exists():
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", part, *packages]
        subprocess.run(pip, check=True, stdin=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": ""})
        part.rename(folder)
    return folder


def good(program):
    """Whether a program ends well; what it said is printed if it does not."""
    keep = [word for name in asked(program, "keep") for word in ("--keep", name)]
    path = os.pathsep.join(map(str, (ROOT / "python", installed(program))))
    more = dict(pair.split("=", 1) for pair in asked(program, "environment"))
    command = [sys.executable, "-W", "ignore", "-m", "tenon.compat", *keep, program]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=SECONDS, cwd=CACHE, stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": path, **more},
    )  # fmt: skip
    print(
        f"{program.stem}: {' '.join(asked(program, 'packages')[:1])} {'runs' if done.returncode == 0 else 'FAILS'}",
        flush=True,
    )
    if done.returncode:
        print(done.stdout[-1000:] + done.stderr[-3000:])
    return done.returncode == 0


def main(names):
    there = {path.stem: path for path in sorted(HERE.glob("*.py")) if path.stem != "run"}
    unknown = set(names) - set(there)
    if unknown:
        sys.exit(f"run.py: there is no {', '.join(sorted(unknown))}; there are: {', '.join(there)}")
    CACHE.mkdir(parents=True, exist_ok=True)
    bad = [name for name in names or there if not good(there[name])]
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
