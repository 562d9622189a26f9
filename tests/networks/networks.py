"""The networks of examples/: how each is run, what it must reach, and how that was measured.

A figure is what the program prints last behind METRIC. `tensorflow` holds what the same program printed on TensorFlow
2.21 (on_tensorflow.py) with the seeds 1, 2, ...: `measure.py --tensorflow NAME` prints them again. The floor is the
worst of them less the distance from the worst to the best, a thousandth at least; `asked` is a floor that the project
promises whatever TensorFlow reaches. Where `near` is given TensorFlow runs beside Tenon from the same start, and the
figures may differ by that share; where `beside` is, it runs beside with the same seed, and Tenon may be worse by that
share.
"""

import hashlib
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 4 * 3600


@dataclass
class Network:
    """One way to run a program."""

    name: str
    command: str
    metric: str
    tensorflow: tuple = ()
    less_is_better: bool = False
    asked: float = None
    near: float = None
    beside: float = None
    data: str = "mnist"  # the data set, None: the program makes it
    start: str = None  # arguments that make the checkpoint {start} first

    def floor(self):
        """The worst figure that is good enough."""
        if self.asked is not None:
            return self.asked
        worst, best = (max, min) if self.less_is_better else (min, max)
        worst, best = worst(self.tensorflow), best(self.tensorflow)
        distance = max(abs(best - worst), 0.001 * worst)
        return worst + distance if self.less_is_better else worst - distance

    def good(self, figure):
        return figure <= self.floor() if self.less_is_better else figure >= self.floor()

    def asks_tensorflow(self):
        return self.near is not None or self.beside is not None

    def complaint(self, ours, theirs=None):
        """What is wrong with Tenon's figure, None if it is good; THEIRS is TensorFlow's where it runs beside."""
        if not self.asks_tensorflow():
            return None if self.good(ours) else f"{self.metric} {ours}, but the floor is {self.floor():.5f}"
        worse = (ours - theirs if self.less_is_better else theirs - ours) / abs(theirs)
        if self.near is not None:
            worse = abs(worse)
        allowed = self.beside if self.near is None else self.near
        return None if worse <= allowed else f"{self.metric} {ours}, but {theirs} on TensorFlow"


def environment():
    data = os.environ.get("TENON_DATA") or str(ROOT.parent / "shared" / "data")
    path = os.pathsep.join(filter(None, [str(ROOT / "python"), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, "TENON_DATA": data}


def run(arguments, on_tensorflow=False, folder=None):
    """What a program prints."""
    front = [str(Path(__file__).with_name("on_tensorflow.py"))] if on_tensorflow else []
    command = [sys.executable, *front, str(ROOT / "examples" / arguments[0]), *arguments[1:]]
    env = environment()
    if on_tensorflow:
        # On several threads TensorFlow's own figure is another one now and then.
        env.update(TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1")
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=SECONDS, cwd=folder)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}:\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}")
    return done.stdout


def figure(network, seed, folder, on_tensorflow=False):
    """The figure of one run; FOLDER is for files that it needs."""
    words = network.command.format(start=Path(folder) / f"start{seed}").split()
    words += ["--seed", str(seed)]
    if network.start and not (Path(folder) / f"start{seed}.index").exists():
        run([words[0], *network.start.format(start=Path(folder) / f"start{seed}").split(), "--seed", str(seed)])
    printed = run(words, on_tensorflow, folder)
    found = re.findall(rf"^{re.escape(network.metric)} (\S+)", printed, re.MULTILINE)
    if not found:
        raise RuntimeError(f"{network.command} does not print `{network.metric}`:\n{printed}")
    return float(found[-1])


def key(network):
    """What a kept answer of TensorFlow depends on."""
    hasher = hashlib.sha256(repr((network.command, network.start)).encode())
    for file in (ROOT / "examples" / network.command.split()[0], *Path(__file__).parent.glob("*.py")):
        hasher.update(file.read_bytes())
    return hasher.hexdigest()


PERPLEXITY, STEP_LOSS = "validation perplexity", "mean loss of the last ten steps"
INCEPTION = {"data": "flowers", "start": "--steps 0 --test 0 --save {start}", "less_is_better": True}

# What `make test` runs.
SLICES = [
    Network("perceptron", "perceptron.py --steps 2000", "test accuracy", (0.9792, 0.9773, 0.9786)),
    Network("lenet", "lenet.py --steps 300 --shift 0", "test accuracy", (0.9794, 0.9805, 0.979)),
    Network(
        "resnet20", "resnet20.py --steps 100 --batch 64 --test 2000", "test accuracy", (0.243, 0.328), data="cifar10"
    ),
    Network("headlines2", "text_classifier.py", "test accuracy", asked=0.959, data="text"),
    Network("headlines10", "text_classifier.py --set headlines10", "test accuracy", asked=0.868, data="text"),
    Network("reuters8", "text_classifier.py --set reuters8", "test accuracy", asked=0.972, data="text"),
    Network("headlines2-cnn", "text_classifier.py --model cnn", "test accuracy", (0.9315, 0.9375, 0.9405), data="text"),
    Network("headlines2-lstm", "text_classifier.py --model lstm", "test accuracy", (0.9225, 0.931), data="text"),
    Network("seq2seq", "seq2seq.py --steps 600", "numbers right", (0.997, 0.925), data=None),
    Network("autoencoder", "autoencoder.py --epochs 3", "test error", (0.00929, 0.00915), less_is_better=True),
    Network(
        "word2vec",
        "word2vec.py --steps 20000",
        "mean loss of the last thousand steps",
        (4.0645, 4.0643),
        less_is_better=True,
        data="text",
    ),
    Network("gan", "gan.py --steps 1500", "score", (3.184, 3.763)),
    Network(
        "inception",
        "inception.py --steps 8 --test 0 --keep 1 --rate 0.001 --start {start}",
        STEP_LOSS,
        near=0.05,
        **INCEPTION,
    ),
    Network(
        "ptb", "ptb.py --epochs 1 --words 60000 --rate 0.3", PERPLEXITY, less_is_better=True, near=0.02, data="ptb"
    ),
]

# What `scripts/soak networks` runs: each as long as the program itself has it, TensorFlow beside it.
WHOLE = [
    Network("perceptron", "perceptron.py", "test accuracy", beside=0.003),
    Network("lenet", "lenet.py", "test accuracy", asked=0.992),
    Network("resnet20", "resnet20.py", "test accuracy", beside=0.02, data="cifar10"),
    Network(
        "headlines10-cnn", "text_classifier.py --set headlines10 --model cnn", "test accuracy", beside=0.01, data="text"
    ),
    Network(
        "headlines10-lstm",
        "text_classifier.py --set headlines10 --model lstm",
        "test accuracy",
        beside=0.01,
        data="text",
    ),
    Network("reuters8-cnn", "text_classifier.py --set reuters8 --model cnn", "test accuracy", beside=0.01, data="text"),
    Network("seq2seq", "seq2seq.py", "numbers right", beside=0.005, data=None),
    Network("autoencoder", "autoencoder.py", "test error", less_is_better=True, beside=0.05),
    Network("word2vec", "word2vec.py", "nearest of its kind", beside=0.2, data="text"),
    Network("gan", "gan.py", "score", beside=0.15),
    Network("inception", "inception.py --keep 1 --start {start}", STEP_LOSS, beside=0.2, **INCEPTION),
    Network("ptb", "ptb.py", PERPLEXITY, less_is_better=True, near=0.02, data="ptb"),
]
