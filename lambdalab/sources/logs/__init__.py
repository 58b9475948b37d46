"""CloudWatch Logs subscriptions and their filter patterns."""
