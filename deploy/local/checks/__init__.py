"""Holds the running system's state and topics against the invariants; reads, never writes."""

from deploy.local.checks.findings import Findings
from deploy.local.checks.run import run_checks

__all__ = ["Findings", "run_checks"]
