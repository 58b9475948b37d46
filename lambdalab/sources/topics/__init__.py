"""SNS topics call functions."""
