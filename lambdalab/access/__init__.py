"""Who may do what: the evaluation of policies, whatever they are attached to."""
