"""The HTTP side of a service: application, authentication, idempotency, problem details and limits."""
