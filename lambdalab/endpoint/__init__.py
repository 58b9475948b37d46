"""The way in: one loopback port for every AWS client, the Lambda service behind it, and moto."""
