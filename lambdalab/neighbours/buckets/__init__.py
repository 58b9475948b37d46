"""S3 as moto keeps it, its notifications, and the way round its HTTP layer."""
