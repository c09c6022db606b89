"""Benchmarks: asv (bench_*.py) and comparisons with other libraries (versus/). See README.md."""
