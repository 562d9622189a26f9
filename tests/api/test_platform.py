"""Flags, logging, files and the test case."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tenon
from api.both import both, tensorflow
from tenon.python.platform import flags

ROOT = Path(__file__).resolve().parents[2]


def program(text, *arguments):
    """The standard output of a program."""
    env = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    done = subprocess.run([sys.executable, "-c", text, *arguments], capture_output=True, text=True, env=env, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


FLAGS = """
import tenon as tf
flags = tf.app.flags
flags.DEFINE_string("name", "x", "a name")
flags.DEFINE_integer("steps", 10, "steps")
flags.DEFINE_float("rate", 0.5, "rate")
flags.DEFINE_boolean("train", True, "train")
tf.flags.DEFINE_list("items", ["a"], "items")
FLAGS = tf.flags.FLAGS
def main(argv):
    print(FLAGS.name, FLAGS.steps, FLAGS.rate, FLAGS.train, FLAGS.items, argv[1:])
if __name__ == "__main__":
    tf.app.run()
"""


def test_flags_and_run():
    assert program(FLAGS) == "x 10 0.5 True ['a'] []\n"
    given = ["--name=y", "rest", "--steps", "0x10", "--notrain", "-rate=2", "--items=b,c", "--unknown=1"]
    assert program(FLAGS, *given) == "y 16 2.0 False ['b', 'c'] ['rest', '--unknown=1']\n"


def flag_errors(f):
    values = f.FlagValues()
    f.DEFINE_integer("n", 1, "", lower_bound=0, flag_values=values)
    f.DEFINE_enum("kind", "a", ["a", "b"], "", flag_values=values)
    f.DEFINE_multi_string("many", None, "", flag_values=values)
    f.DEFINE_bool("flag", False, "", flag_values=values)
    f.DEFINE_spaceseplist("words", "a b", "", flag_values=values)
    found = []
    for argv in (["--n=-1"], ["--n=x"], ["--kind=c"], ["--n"], ["--nothing=1"], ["--flag=7"]):
        try:
            values(["program", *argv])
            found.append(None)
        except f.Error as error:
            found.append(type(error).__name__)
    values["many"].unparse()
    rest = values(["program", "x", "--many=1", "--many=2", "--flag", "--", "--n=3"])
    try:
        f.DEFINE_string("n", "", "", flag_values=values)
    except f.DuplicateFlagError:
        found.append("twice")
    f.mark_flag_as_required("many", flag_values=values)
    return [found, rest, values.many, values.flag, values.words, values["kind"].serialize(), values["flag"].serialize()]


def test_flags_as_in_tensorflow():
    assert flag_errors(tenon.flags) == flag_errors(tensorflow().flags)


def test_required_and_validated_flags():
    values = flags.FlagValues()
    flags.DEFINE_string("path", None, "", flag_values=values)
    flags.DEFINE_integer("n", 3, "", flag_values=values)
    flags.mark_flag_as_required("path", values)
    flags.register_validator("n", lambda n: n % 2 == 1, "must be odd", values)
    with pytest.raises(flags.parsers.IllegalFlagValueError, match="path"):
        values(["program"])
    with pytest.raises(flags.parsers.IllegalFlagValueError, match="odd"):
        values(["program", "--path=x", "--n=4"])
    assert values(["program", "--path=x", "--n=5"]) == ["program"] and values.n == 5


def files(folder):
    def run(tf):
        g = tf.gfile
        top = os.path.join(folder, tf.__name__.split(".")[0])
        g.MakeDirs(os.path.join(top, "a", "b"))
        path = os.path.join(top, "a", "x.txt")
        with g.GFile(path, "w") as f:
            f.write("one\ntwo\n")
        with g.FastGFile(path, "rb") as f:
            data = f.read()
        with g.Open(path) as f:
            lines = [f.readline(), f.read(2), f.tell(), f.size(), list(f)]
        g.Copy(path, path + ".copy")
        g.Rename(path + ".copy", os.path.join(top, "y.txt"))
        found = [sorted(g.ListDirectory(top)), g.Exists(path), g.IsDirectory(top), g.Stat(path).length]
        found.append([os.path.relpath(p, top) for p in g.Glob(os.path.join(top, "*", "*.txt"))])
        found.append([[os.path.relpath(d, top), sorted(ds), sorted(fs)] for d, ds, fs in g.Walk(top)])
        for call in (lambda: g.Copy(path, os.path.join(top, "y.txt")), lambda: g.Remove(path + "?"),
                     lambda: g.ListDirectory(path + "?"), lambda: g.GFile(path + "?").read(),
                     lambda: g.MkDir(top), lambda: g.Stat(path + "?"), lambda: g.GFile(path).write("x")):  # fmt: skip
            try:
                call()
                found.append(None)
            except tf.errors.OpError as error:
                found.append(type(error).__name__)
        g.Remove(path)
        g.DeleteRecursively(top)
        return [data, lines, found, g.Exists(top)]

    return run


def test_files(tmp_path):
    both(files(str(tmp_path)))


LOGGING = """
import sys
import tenon as tf
sys.stderr = sys.stdout
tf.logging.set_verbosity(tf.logging.INFO)
tf.logging.info("value %d", 3)
tf.logging.debug("nothing")
for _ in range(4):
    tf.logging.log_first_n(tf.logging.WARN, "twice", 2)
tf.logging.set_verbosity(tf.logging.WARN)
tf.logging.info("nothing")
assert tf.logging.get_verbosity() == tf.logging.WARN
"""


def test_logging():
    assert program(LOGGING) == "INFO:tensorflow:value 3\n" + "WARNING:tensorflow:twice\n" * 2


def test_the_test_case():
    class Case(tenon.test.TestCase):
        def test_all(self):
            x = tenon.constant([1.0, 2.0])
            with self.test_session() as session:
                self.assertAllClose([2.0, 4.0], session.run(x * 2.0))
                self.assertAllEqual(x, np.array([1, 2], "f"))
                y = x * x
                assert tenon.test.compute_gradient_error(x, [2], y, [2]) < 1e-2
            with self.assertRaises(AssertionError):
                self.assertAllClose([1.0], [1.1])
            with self.session(graph=tenon.Graph()) as session, self.assertRaisesOpError("feed"):
                session.run(tenon.placeholder(tenon.float32))

    case = Case("test_all")
    result = case.run()
    assert result.wasSuccessful(), result.failures + result.errors
