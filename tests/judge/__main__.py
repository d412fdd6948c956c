"""`python -m tests.judge --evidence DIR [--kafka URL --database URL]`: gather, judge, print; exit 1 on anomalies."""

import argparse
import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.judge import Evidence, Verdict, gather, judge

SHOWN = 40


def main() -> int:
    asked = _arguments()
    if asked.kafka and asked.database:
        now = datetime.fromisoformat(asked.now) if asked.now else datetime.now(UTC)
        asyncio.run(
            gather(asked.evidence, kafka_url=asked.kafka, database_url=asked.database, now=now, settle_s=asked.settle)
        )
    verdict = judge(Evidence.read(asked.evidence))
    text = json.dumps(verdict.as_json(), indent=1)
    (asked.evidence / "verdict.json").write_text(text)
    print(text if asked.json else _words(verdict))
    return 0 if verdict.green else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.judge", description=__doc__)
    parser.add_argument("--evidence", type=Path, required=True, help="the folder described in tests/judge/README.md")
    parser.add_argument("--kafka", help="read the topics from this broker first")
    parser.add_argument("--database", help="read the tables through this (read-only) url first")
    parser.add_argument("--now", help="the time on the services' clock, where it is a stepped one (RFC 3339)")
    parser.add_argument("--settle", type=float, default=0, help="seconds to wait until everything was read")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _words(verdict: Verdict) -> str:
    lines = [str(anomaly) for anomaly in verdict.anomalies[:SHOWN]]
    if len(verdict.anomalies) > SHOWN:
        lines.append(f"... and {len(verdict.anomalies) - SHOWN} more in verdict.json")
    lines += [f"{name} {count}" for name, count in sorted(verdict.figures.items())]
    lines.append(
        f"{'green' if verdict.green else 'RED'}: lost {verdict.lost}, doubled {verdict.doubled}, "
        f"books {'balanced' if verdict.books_balanced else 'NOT balanced'}"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
