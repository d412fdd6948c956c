"""`python -m tests.judge --inputs DIR [--kafka URL --database URL]`: collect, judge, print; exit 1 on anomalies."""

import argparse
import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.judge import Inputs, Verdict, collect, judge

SHOWN = 40


def main() -> int:
    arguments = _arguments()
    if arguments.kafka and arguments.database:
        now = datetime.fromisoformat(arguments.now) if arguments.now else datetime.now(UTC)
        asyncio.run(
            collect(
                arguments.inputs,
                kafka_url=arguments.kafka,
                database_url=arguments.database,
                now=now,
                settle_s=arguments.settle,
            )
        )
    verdict = judge(Inputs.read(arguments.inputs))
    text = json.dumps(verdict.as_json(), indent=1)
    (arguments.inputs / "verdict.json").write_text(text)
    print(text if arguments.json else _report(verdict))
    return 0 if verdict.green else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.judge", description=__doc__)
    parser.add_argument(
        "--inputs", type=Path, required=True, help="folder of input files, described in tests/judge/README.md"
    )
    parser.add_argument("--kafka", help="first collect the topics from this broker")
    parser.add_argument("--database", help="first collect the tables through this read-only URL")
    parser.add_argument("--now", help="time of the services' clock if they run on a stepped clock (RFC 3339)")
    parser.add_argument(
        "--settle", type=float, default=0, help="seconds to wait until the services have consumed all records"
    )
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _report(verdict: Verdict) -> str:
    lines = [str(anomaly) for anomaly in verdict.anomalies[:SHOWN]]
    if len(verdict.anomalies) > SHOWN:
        lines.append(f"... and {len(verdict.anomalies) - SHOWN} more in verdict.json")
    lines += [f"{name} {count}" for name, count in sorted(verdict.figures.items())]
    lines.append(
        f"{'green' if verdict.green else 'RED'}: lost {verdict.lost}, doubled {verdict.doubled}, "
        f"accounts {'balanced' if verdict.books_balanced else 'NOT balanced'}"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
