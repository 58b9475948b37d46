"""SQS queues: pollers, batches, scaling."""
