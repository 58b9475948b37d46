"""Event sources that Lambda reads from: pollers that call functions with what they find."""
