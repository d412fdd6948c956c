"""Pure rules of the portal: registration, credentials, token claims and wording; no I/O."""
