"""Kinesis, DynamoDB Streams and Firehose as moto keeps them."""
