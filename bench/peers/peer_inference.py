#!/usr/bin/env python3
"""Inception-v3 inference on the engines that users pick for serving: ONNX Runtime and OpenVINO.

    pip install torch torchvision onnx onnxruntime openvino
    python3 peer_inference.py [--threads N] [--engine onnxruntime|openvino|openvino-bf16]

Exports torchvision's network with random weights to ONNX in a temporary folder. Prints one JSON object a line, as the
other peers do.
"""

import argparse
import json
import os
import resource
import tempfile
import time
import warnings

import numpy as np

warnings.filterwarnings("ignore")


def best_seconds(step, runs, warmup=2):
    for _ in range(warmup):
        step()
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        for _ in range(runs):
            step()
        best = min(best, (time.perf_counter() - start) / runs)
    return best


def export(path):
    import torch
    import torchvision

    model = torchvision.models.inception_v3(weights=None, aux_logits=False, init_weights=False).eval()
    torch.onnx.export(
        model, torch.rand(1, 3, 299, 299), path, input_names=["x"], dynamic_axes={"x": {0: "n"}}, dynamo=False
    )


def onnxruntime_step(path, batch, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    images = np.random.rand(batch, 3, 299, 299).astype("f")
    return onnxruntime.__version__, lambda: session.run(None, {"x": images})


def openvino_step(path, batch, threads, precision="f32"):
    import openvino

    core = openvino.Core()
    model = core.read_model(path)
    model.reshape([batch, 3, 299, 299])
    request = core.compile_model(
        model, "CPU", {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": precision}
    ).create_infer_request()
    images = np.random.rand(batch, 3, 299, 299).astype("f")
    return openvino.__version__.split("-")[0], lambda: request.infer({0: images})


ENGINES = {
    "onnxruntime": onnxruntime_step,
    "openvino": openvino_step,
    "openvino-bf16": lambda *a: openvino_step(*a, precision="bf16"),
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--engine", choices=list(ENGINES), action="append")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "inception.onnx")
        export(path)
        for engine in args.engine or ENGINES:
            for batch, runs in ((1, 5), (16, 2)):
                version, step = ENGINES[engine](path, batch, args.threads)
                print(
                    json.dumps(
                        {
                            "peer": engine,
                            "version": version,
                            "work": f"inception-infer-{batch}",
                            "unit": "images/s",
                            "value": round(batch / best_seconds(step, runs), 3),
                            "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
                        }
                    ),
                    flush=True,
                )
