#!/usr/bin/env python3
"""Images a second through an input pipeline: TFRecords parsed, JPEGs decoded, cropped, scaled and batched.

usage: pipeline.py tenon|tensorflow [CALLS]     CALLS: num_parallel_calls of the map

The same program runs with either package; run.py takes turns between them.
"""

import json
import os
import resource
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("TENON_DATA") or ROOT.parent / "shared" / "data") / "flowers"
EPOCHS, BATCH, SIZE = 4, 32, 128


def load(name):
    """The package, as TensorFlow 1."""
    if name == "tenon":
        sys.path.insert(0, str(ROOT / "python"))
        import tenon as tf
    else:
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
        import tensorflow.compat.v1 as tf

        tf.disable_v2_behavior()
    return tf


def pipeline(tf, calls):
    """A dataset of batches of crops and labels."""

    def example(record):
        features = tf.parse_single_example(record, {
            "image/encoded": tf.FixedLenFeature([], tf.string),
            "image/class/label": tf.FixedLenFeature([], tf.int64),
        })  # fmt: skip
        image = tf.image.decode_jpeg(features["image/encoded"], channels=3)
        image = tf.random_crop(image, [SIZE, SIZE, 3], seed=1)
        image = tf.image.random_flip_left_right(image, seed=2)
        return tf.cast(image, tf.float32) / 127.5 - 1.0, features["image/class/label"]

    files = sorted(str(path) for path in DATA.glob("flowers_train*.tfrecord"))
    data = tf.data.TFRecordDataset(files).repeat(EPOCHS).shuffle(200, seed=3)
    return data.map(example, num_parallel_calls=calls).batch(BATCH, drop_remainder=True).prefetch(2)


def measure(name, calls):
    """(images, seconds), the first batch left out."""
    tf = load(name)
    images, labels = tf.data.make_one_shot_iterator(pipeline(tf, calls)).get_next()
    with tf.Session() as session:
        session.run(images)
        start, count = time.perf_counter(), 0
        try:
            while True:
                count += len(session.run([images, labels])[1])
        except tf.errors.OutOfRangeError:
            pass
    return count, time.perf_counter() - start


def main(arguments):
    name = arguments[0]
    count, seconds = measure(name, int(arguments[1]) if len(arguments) > 1 else 2)
    line = {
        "peer": "tenon-python" if name == "tenon" else name,
        "version": sys.modules[name if name == "tenon" else "tensorflow"].__version__,
        "work": "pipeline",
        "unit": "images/s",
        "value": round(count / seconds, 1),
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
