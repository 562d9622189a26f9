"""tf.app.run."""

import sys

from tenon.python.platform import flags
from tenon.python.util.tf_export import tf_export


@tf_export("app.run")
def run(main=None, argv=None):
    """Parses the flags in ARGV (sys.argv), calls main (the program's) with the rest, and exits with its result."""
    main = main or sys.modules["__main__"].main
    rest = flags.FLAGS(sys.argv if argv is None else argv, known_only=True)
    sys.exit(main(rest))
