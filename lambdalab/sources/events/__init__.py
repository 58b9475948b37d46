"""EventBridge: rules, patterns, schedules, EventBridge Scheduler."""
