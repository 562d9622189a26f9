"""Photographs of flowers with Inception-v3, from Slim's networks: trained from nothing or from a checkpoint.

usage: python examples/inception.py [--steps N] [--size N] [--rate R] [--keep P] [--start CHECKPOINT]
                                    [--save CHECKPOINT]

--start begins with the weights of a checkpoint (those that fit: a published one has another last layer), --save writes
what was learnt. The photographs come in the order of the files, so that two runs from one checkpoint see the same.
"""

import argparse
import time

import numpy as np

import tenon as tf
from tenon.examples import data

slim = tf.slim
inception = slim.nets.inception
CLASSES = 5


def photographs(part, shards, options):
    """Batches of (photograph in [-1, 1], class)."""

    def read(record):
        found = tf.parse_single_example(record, {
            "image/encoded": tf.FixedLenFeature([], tf.string),
            "image/class/label": tf.FixedLenFeature([], tf.int64),
        })  # fmt: skip
        photograph = tf.image.decode_jpeg(found["image/encoded"], channels=3, dct_method="INTEGER_ACCURATE")
        photograph = tf.image.resize_images(photograph, [options.size, options.size])
        return photograph / 127.5 - 1.0, found["image/class/label"]

    files = [data.find("flowers", f"flowers_{part}-{i:05}-of-{shards:05}.tfrecord") for i in range(shards)]
    found = tf.data.TFRecordDataset(files).map(read, 2)
    if part == "train":
        found = found.repeat()
    return tf.data.make_one_shot_iterator(found.batch(options.batch).prefetch(1)).get_next()


def network(photograph, options, training, reuse=None):
    with slim.arg_scope(inception.inception_v3_arg_scope(batch_norm_decay=0.9)):
        logits, _ = inception.inception_v3(photograph, CLASSES, is_training=training, reuse=reuse,
                                           dropout_keep_prob=options.keep, create_aux_logits=False)  # fmt: skip
    return logits


def restore(session, path):
    """Takes the weights from a checkpoint that are there and have the shape that is needed."""
    there = tf.train.NewCheckpointReader(path).get_variable_to_shape_map()
    fits = [v for v in tf.global_variables() if there.get(v.op.name) == v.shape.as_list()]
    tf.train.Saver(fits).restore(session, path)
    print(f"{len(fits)} of {len(tf.global_variables())} variables from {path}")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=0.02)
    parser.add_argument("--size", type=int, default=139, help="the photographs' width and height, 75 at least")
    parser.add_argument("--keep", type=float, default=0.8, help="what dropout leaves")
    parser.add_argument("--start", help="begin with the weights of this checkpoint")
    parser.add_argument("--save", help="write the weights")
    parser.add_argument("--test", type=int, default=200, help="how many of the 200 other photographs to ask")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    tf.set_random_seed(options.seed)
    photograph, label = photographs("train", 2, options)
    loss = tf.losses.sparse_softmax_cross_entropy(label, network(photograph, options, training=True))
    optimizer = tf.train.MomentumOptimizer(options.rate, 0.9)
    train = slim.learning.create_train_op(loss, optimizer)
    asked, wanted = photographs("validation", 1, options)
    answers = tf.argmax(network(asked, options, training=False, reuse=True), 1)
    right = tf.cast(tf.equal(answers, wanted), tf.float32)
    losses, began = [], time.time()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        if options.start:
            restore(session, options.start)
        for step in range(1, options.steps + 1):
            losses.append(session.run(train))
            print(f"step {step}: loss {losses[-1]:.5f} ({time.time() - began:.0f} s)", flush=True)
        if options.save:
            print("saved in", tf.train.Saver().save(session, options.save))
        found = [session.run(right) for _ in range(0, options.test, options.batch)]
    if losses:
        print(f"mean loss of the last ten steps {np.mean(losses[-10:]):.4f}")
    if found:
        print(f"test accuracy {np.mean(np.concatenate(found)):.4f}")


if __name__ == "__main__":
    main()
