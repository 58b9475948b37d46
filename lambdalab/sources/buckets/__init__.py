"""S3 buckets call functions."""
