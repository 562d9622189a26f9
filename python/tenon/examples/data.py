"""The data sets of the examples: where they lie on this machine.

The names are those of the folders: mnist, cifar10, flowers, text, ptb.
"""

import os

from tenon import _core
from tenon.python.framework import errors


def find(name, *parts):
    """The path of PARTS in the folder of data set NAME.

    The first folder that is there of $TENON_DATA/NAME, ../shared/data/NAME beside the project or the current folder,
    and NAME in the user's cache; NotFoundError tells where it was looked for, or which part is not there.
    """
    path = os.path.join(_core.find_data(name), *parts)
    if not os.path.exists(path):
        raise errors.NotFoundError(None, None, f"the data set '{name}' has no file {path}")
    return path
