#!/usr/bin/env python3
"""The benchmark workloads on stock PyTorch, as its users would write them.

    pip install torch torchvision
    python3 peer_torch.py [--threads N] [--list] WORK...

Prints one JSON object a line: {"peer", "version", "work", "unit", "value", "rss_mb"}.
Inputs are random, of the real shapes; a figure is the best of three timed runs after a warm-up.
"""

import argparse
import json
import os
import resource
import time

import torch
from torch import nn
from torch.nn import functional as F


def best_seconds(step, runs, warmup):
    for _ in range(warmup):
        step()
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        for _ in range(runs):
            step()
        best = min(best, (time.perf_counter() - start) / runs)
    return best


def trainer(model, optimizer, x, y, loss=F.cross_entropy, clip=None):
    def step():
        optimizer.zero_grad()
        value = loss(model(x), y)
        value.backward()
        if clip:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        return value.item()

    return step


def call_overhead():
    a = torch.ones(2)
    return "us/run", best_seconds(lambda: a + a, 20000, 100) * 1e6


def mlp():
    m = nn.Sequential(nn.Linear(784, 500), nn.ReLU(), nn.Linear(500, 10))
    step = trainer(m, torch.optim.SGD(m.parameters(), 0.1), torch.rand(100, 784), torch.randint(0, 10, (100,)))
    return "steps/s", 1 / best_seconds(step, 500, 50)


def lenet():
    m = nn.Sequential(
        nn.Conv2d(1, 32, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(3136, 512),
        nn.ReLU(),
        nn.Linear(512, 10),
    ).to(memory_format=torch.channels_last)
    step = trainer(
        m, torch.optim.SGD(m.parameters(), 0.01, 0.9), torch.rand(100, 1, 28, 28), torch.randint(0, 10, (100,))
    )
    return "steps/s", 1 / best_seconds(step, 30, 5)


class Language(nn.Module):
    def __init__(self, words, width):
        super().__init__()
        self.embed, self.lstm, self.out = (
            nn.Embedding(words, width),
            nn.LSTM(width, width, 2, batch_first=True),
            nn.Linear(width, words),
        )

    def forward(self, x):
        return self.out(self.lstm(self.embed(x))[0]).flatten(0, 1)


def lstm():
    batch, steps, words = 20, 35, 10000
    m = Language(words, 200)
    x = torch.randint(0, words, (batch, steps))
    step = trainer(
        m, torch.optim.SGD(m.parameters(), 1.0), x, x.flatten(), lambda o, y: F.cross_entropy(o, y) * steps, clip=5
    )
    return "words/s", batch * steps / best_seconds(step, 15, 3)


def inception(batch, training):
    import torchvision

    m = torchvision.models.inception_v3(weights=None, aux_logits=False, init_weights=False).to(
        memory_format=torch.channels_last
    )
    x = torch.rand(batch, 3, 299, 299).to(memory_format=torch.channels_last)
    if training:
        step = trainer(m, torch.optim.RMSprop(m.parameters(), 0.01), x, torch.randint(0, 1000, (batch,)))
        return "images/s", batch / best_seconds(step, 2, 1)
    m = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.script(m.eval()))) if batch == 1 else m.eval()
    with torch.inference_mode():
        return "images/s", batch / best_seconds(lambda: m(x), 5 if batch == 1 else 2, 2)


WORKS = {
    "call-overhead": call_overhead,
    "mlp": mlp,
    "lenet": lenet,
    "lstm": lstm,
    "inception-infer-1": lambda: inception(1, False),
    "inception-infer-16": lambda: inception(16, False),
    "inception-train-8": lambda: inception(8, True),
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--list", action="store_true")
    parser.add_argument("works", nargs="*", default=list(WORKS))
    args = parser.parse_args()
    if args.list:
        raise SystemExit("\n".join(WORKS))
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    for name in args.works:
        unit, value = WORKS[name]()
        print(
            json.dumps(
                {
                    "peer": "pytorch",
                    "version": torch.__version__,
                    "work": name,
                    "unit": unit,
                    "value": round(value, 3),
                    "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
                }
            ),
            flush=True,
        )
