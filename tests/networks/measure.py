"""Runs the networks of examples/ and prints their figures.

usage: measure.py [--tensorflow] [--whole] [--seeds N] [NAME...]     the figures of Tenon, or of TensorFlow 2.21
       measure.py --check [NAME...]       the whole runs, held against what networks.py asks; 1 if one is not good
"""

import argparse
import sys
import tempfile
import time

import networks


def show(chosen, options):
    """The figures of each seed."""
    for network in chosen:
        figures, began = [], time.time()
        with tempfile.TemporaryDirectory() as folder:
            for seed in range(1, options.seeds + 1):
                figures.append(networks.figure(network, seed, folder, options.tensorflow))
                print(f"{network.name}: {figures} ({time.time() - began:.0f} s)", file=sys.stderr, flush=True)
        print(f"{network.name}: {tuple(figures)}", flush=True)


def check(chosen):
    """One line a network; the number of those that are not good."""
    bad = 0
    for network in chosen:
        theirs, began = None, time.time()
        with tempfile.TemporaryDirectory() as folder:
            ours = networks.figure(network, 1, folder)
            seconds = time.time() - began
            if network.asks_tensorflow():
                theirs = networks.figure(network, 1, folder, on_tensorflow=True)
        complaint = network.complaint(ours, theirs)
        bad += complaint is not None
        other = f"the floor {network.floor()}" if theirs is None else f"TensorFlow {theirs}"
        print(
            f"{network.name}: {network.metric} {ours} in {seconds:.0f} s, {other}{'  BAD' if complaint else ''}",
            flush=True,
        )
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tensorflow", action="store_true", help="on TensorFlow 2.21, not on Tenon")
    parser.add_argument("--whole", action="store_true", help="the whole runs, not the short ones")
    parser.add_argument("--check", action="store_true", help="the whole runs, held against what is asked")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    there = networks.WHOLE if options.whole or options.check else networks.SLICES
    unknown = set(options.names) - {network.name for network in there}
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are: {' '.join(n.name for n in there)}")
    chosen = [network for network in there if not options.names or network.name in options.names]
    if options.check:
        return 1 if check(chosen) else 0
    show(chosen, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
