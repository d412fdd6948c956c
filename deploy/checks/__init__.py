"""Checks the invariants of the running system's tables and topics; read-only."""

from deploy.checks.findings import Findings
from deploy.checks.run import run_checks

__all__ = ["Findings", "run_checks"]
