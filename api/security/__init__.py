"""Authentication, authorization, CORS, cross-origin protection, and event streams that end when access is revoked."""
