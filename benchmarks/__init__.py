"""How fast the lab is, against the leanest server there can be and against its peer.

Run `python -m benchmarks`, or `python -m benchmarks warm cold` for some of them only.
"""
