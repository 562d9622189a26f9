"""TensorFlow in a process of its own: what aborts it is an answer, and not the end of the tests.

`python -m oracle.serve` reads pickled (function of tensorflow_side, case id, further arguments) and writes the answers.
"""

import atexit
import os
import pickle
import selectors
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

SECONDS = 300


@dataclass
class Crash:
    """The answer where TensorFlow's process ended, or did not answer in time."""

    text: str


class Failed(Exception):
    """TensorFlow raised something that the question does not expect."""


class _Process:
    def __init__(self):
        self.child = None
        self.log = None

    def start(self):
        tests = Path(__file__).resolve().parent.parent
        path = os.pathsep.join([str(tests), str(tests.parent / "python"), os.environ.get("PYTHONPATH", "")])
        self.log = tempfile.TemporaryFile()  # noqa: SIM115
        self.child = subprocess.Popen(
            [sys.executable, "-m", "oracle.serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
            env={**os.environ, "PYTHONPATH": path},
        )  # fmt: skip

    def stop(self):
        if self.child:
            self.child.kill()
            self.child.wait()
            self.child.stdin.close()
            self.child.stdout.close()
            self.child = None

    def ask(self, question):
        """The answer, None if the process ended or hangs."""
        if self.child is None:
            self.start()
        try:
            pickle.dump(question, self.child.stdin)
            self.child.stdin.flush()
            with selectors.DefaultSelector() as selector:
                selector.register(self.child.stdout, selectors.EVENT_READ)
                return pickle.load(self.child.stdout) if selector.select(SECONDS) else None
        except (EOFError, BrokenPipeError, pickle.UnpicklingError):
            return None

    def last_words(self):
        """The line of the log that tells why it ended."""
        self.log.seek(0)
        lines = self.log.read().decode(errors="replace").splitlines()
        fatal = [line for line in lines if line.startswith("F") or "Check failed" in line or "Fatal" in line]
        return (fatal or ["no message"])[-1][:300]


_process = _Process()
atexit.register(_process.stop)


def ask(function, case_id, *arguments):
    """What FUNCTION of tensorflow_side says about the case, or a Crash."""
    answer = _process.ask((function, case_id, arguments))
    if answer is None:
        _process.stop()
        return Crash(_process.last_words())
    kind, content = answer
    if kind == "failed":
        raise Failed(content)
    return content


def _answer(reference, cases, question):
    function, case_id, arguments = question
    try:
        return "answer", getattr(reference, function)(cases[case_id], *arguments)
    except Exception as error:
        return "failed", f"{type(error).__name__}: {error}"


def main():
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what TensorFlow prints does not come between
    from oracle import collect
    from oracle import tensorflow_side as reference

    cases = {case.id: case for case in collect.all_cases()}
    while True:
        try:
            question = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        pickle.dump(_answer(reference, cases, question), out)
        out.flush()


if __name__ == "__main__":
    main()
