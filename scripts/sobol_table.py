#!/usr/bin/env python3
"""Packs direction numbers of Sobol's sequence: sobol_table.py new-joe-kuo-6.21201 DIMENSIONS > src/ops/random/sobol.bin

The file is Joe and Kuo's (https://web.maths.unsw.edu.au/~fkuo/sobol/), a line `d s a m_1 ... m_s` for each dimension
from the second on. Bits from the lowest of each byte: a in s - 1 bits, then (m_i - 1) / 2 in i - 1 bits for i = 2 to s.
The s are not stored: the polynomials are all primitive ones, by degree.
"""

import sys
from pathlib import Path


def main():
    lines = [[int(word) for word in line.split()] for line in Path(sys.argv[1]).read_text().splitlines()[1:]]
    packed, used = 0, 0
    for _, degree, a, *m in lines[: int(sys.argv[2]) - 1]:
        for value, width in [(a, degree - 1), *((m[i] >> 1, i) for i in range(1, degree))]:
            packed |= value << used
            used += width
    sys.stdout.buffer.write(packed.to_bytes((used + 7) // 8, "little"))


main()
