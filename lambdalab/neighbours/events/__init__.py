"""EventBridge and EventBridge Scheduler as moto keeps them."""
