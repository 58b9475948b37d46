"""Firehose: buffering, transformation by a function, delivery."""
