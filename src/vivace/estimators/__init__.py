"""What the estimators of all packages share: checks, callbacks, model-file records."""
