"""What the summary ops share: names, tags and collections."""

import contextlib
import re

from tenon.python.framework import ops
from tenon.python.platform import tf_logging as logging

_ILLEGAL = re.compile(r"[^-/\w.]")


def collect(value, collections, default_collections):
    """Adds VALUE to COLLECTIONS, or to the default ones where that is None."""
    for key in default_collections if collections is None else collections:
        ops.add_to_collection(key, value)


def clean_tag(name):
    """NAME with what no node's name may have replaced by underscores."""
    if name is None:
        return None
    cleaned = _ILLEGAL.sub("_", name).lstrip("/")
    if cleaned != name:
        logging.info("Summary name %s is illegal; using %s instead.", name, cleaned)
    return cleaned


@contextlib.contextmanager
def summary_scope(name, family=None, default_name=None, values=None):
    """The name scope of a summary op: yields (tag, scope), the scope for the op's name argument."""
    name, family = clean_tag(name), clean_tag(family)
    base = name if family is None else f"{family}/{name}"
    with ops.name_scope(base, default_name, values) as scope:
        tag = scope.rstrip("/")
        yield (tag if family is None else f"{family}/{tag}"), scope
