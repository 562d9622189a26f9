"""Random graphs that must give the same result however they are compiled and run."""
