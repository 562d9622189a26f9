"""python -m tenon.compat program.py [arguments]"""

import sys

from tenon.compat import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
