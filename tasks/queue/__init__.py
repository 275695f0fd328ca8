"""Submission, scheduling, estimates, quotas and model downloads."""
