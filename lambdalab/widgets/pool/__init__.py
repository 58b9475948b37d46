"""The concurrency budget: what functions claim of the account's pool."""
