"""Running tests."""

import os
import tempfile
import unittest

from tenon.python.util.tf_export import tf_export

_folder = None


def GetTempDir():
    """A folder for the files of this run's tests."""
    global _folder
    if _folder is None or not os.path.isdir(_folder):
        base = os.environ.get("TEST_TMPDIR")
        if base:
            os.makedirs(base, exist_ok=True)
        _folder = tempfile.mkdtemp(prefix="tenon_test_", dir=base)
    return _folder


@tf_export("test.get_temp_dir")
def get_temp_dir():
    """A folder for the files of this run's tests."""
    return GetTempDir()


@tf_export("test.test_src_dir_path")
def test_src_dir_path(relative_path):
    """The path of a file among the package's."""
    import tenon

    return os.path.join(os.path.dirname(tenon.__file__), relative_path)


@tf_export("test.main")
def main(argv=None):
    """Runs the program's tests, as unittest.main."""
    unittest.main(argv=argv)


class _Stubs:
    """What a stub replaces, to be put back."""

    def __init__(self):
        self._kept = []
        self._smart = []


@tf_export("test.StubOutForTesting")
class StubOutForTesting(_Stubs):
    """Replaces attributes for the time of a test."""

    def __init__(self):
        super().__init__()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.CleanUp()

    def CleanUp(self):
        """Puts back all that was replaced."""
        self.SmartUnsetAll()
        self.UnsetAll()

    def SmartSet(self, obj, attr_name, new_attr):
        """Replaces an attribute, wherever it is inherited from. AttributeError if there is none."""
        self._smart.append((obj, attr_name, getattr(obj, attr_name)))
        setattr(obj, attr_name, new_attr)

    def SmartUnsetAll(self):
        """Undoes every SmartSet."""
        while self._smart:
            setattr(*self._smart.pop())

    def Set(self, parent, child_name, new_child):
        """Replaces an attribute."""
        self._kept.append((parent, child_name, parent.__dict__.get(child_name, getattr(parent, child_name))))
        setattr(parent, child_name, new_child)

    def UnsetAll(self):
        """Undoes every Set."""
        while self._kept:
            setattr(*self._kept.pop())


TestCase = unittest.TestCase
