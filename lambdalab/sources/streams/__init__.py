"""Kinesis and DynamoDB Streams: pollers, shards, batches, windows."""
