"""Serves the demo site until SIGINT or SIGTERM: ``python -m demo``.

Prints the site's URL as the first line of its output, once it is ready; from then on either signal
ends it with exit status 0. Before, a signal ends it as it ends any program. With ``--fault`` a
share of the requests goes wrong.
"""

import argparse
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from demo.api import PATH
from demo.facts import synthetic_facts
from demo.faults import Fault, FaultPlan
from demo.site import Certificate, CertificateUnusable, DemoSite

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def main() -> int:
    """Serve until told to stop. Gives the exit status: 1 when port or certificate cannot be had."""
    parser = _parser()
    options = parser.parse_args()
    if (options.certificate is None) != (options.key is None):
        parser.error("--certificate and --key are given together, or neither")
    certificate = options.certificate and Certificate(options.certificate, options.key)
    for number in _STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)  # until the site serves, there is nothing to tidy up
    try:
        site = DemoSite(
            synthetic_facts(options.titles),
            delay_seconds=options.delay,
            page_bytes=options.page_bytes,
            port=options.port,
            certificate=certificate,
            faults=_fault_plan(options),
        )
    except CertificateUnusable as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(
            f"port {options.port}: {error.strerror}; choose another one, or 0 for any free one\n"
        )
        return 1
    if options.prerender:
        site.prerender()
    # Before the site starts threads, which inherit it: so a signal waits until `sigwait` takes it,
    # and no handler runs in the middle of anything.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
    with site:
        sys.stdout.write(f"{site.url}\n")
        sys.stdout.flush()
        signal.sigwait(_STOP_SIGNALS)
    return 0


def _fault_plan(options: argparse.Namespace) -> FaultPlan | None:
    if not options.fault:
        return None
    return FaultPlan(
        options.fault,
        share=options.share,
        seed=options.seed,
        charts=options.fault_charts,
        api=options.fault_api,
    )


def _parser() -> argparse.ArgumentParser:
    width = max(map(len, Fault))
    listed = "\n".join(f"  {fault:<{width}}  {fault.description}" for fault in Fault)
    parser = argparse.ArgumentParser(
        prog="python -m demo",
        description="Serve the demo site.",
        epilog=f"The API is at {PATH}.\n\n"
        f"faults, which hit title pages (and robots.txt, its own):\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=_whole(0, 65_535), default=0, help="0: any free one")
    parser.add_argument(
        "--delay",
        type=_seconds,
        default=0.0,
        metavar="SECONDS",
        help="wait before each answer (default: %(default)s)",
    )
    parser.add_argument(
        "--page-bytes",
        type=_whole(1, 32_000_000),
        metavar="BYTES",
        help="pad pages to this size, unpacked; real ones have 1500000 (default: no padding)",
    )
    parser.add_argument(
        "--titles",
        type=_whole(1, 100_000),
        default=250,
        metavar="NUMBER",
        help="beyond 250, the same facts again under made-up ids (default: %(default)s)",
    )
    parser.add_argument(
        "--certificate",
        type=Path,
        metavar="FILE",
        help="serve over TLS, with this chain of certificates (PEM)",
    )
    parser.add_argument("--key", type=Path, metavar="FILE", help="the certificate's key (PEM)")
    parser.add_argument(
        "--prerender", action="store_true", help="render all pages before the URL is printed"
    )
    _add_faults(parser.add_argument_group("faults"))
    return parser


def _add_faults(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--fault",
        type=_faults,
        default=(),
        metavar="NAME[,NAME...]",
        help="what goes wrong, of the names below (default: nothing)",
    )
    group.add_argument(
        "--share",
        type=_share,
        default=0.2,
        metavar="SHARE",
        help="the share of requests that it hits, from 0 to 1 (default: %(default)s)",
    )
    group.add_argument(
        "--seed",
        type=int,
        default=1,
        metavar="NUMBER",
        help="which requests these are: the same ones with the same number (default: %(default)s)",
    )
    group.add_argument("--fault-charts", action="store_true", help="hit the chart's page too")
    group.add_argument("--fault-api", action="store_true", help="hit the GraphQL API too")


def _faults(text: str) -> tuple[Fault, ...]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in set(Fault)]
    if unknown or not names:
        wrong = ", ".join(unknown) or "nothing"
        raise argparse.ArgumentTypeError(f"{wrong} is no fault; known are {', '.join(Fault)}")
    return tuple(Fault(name) for name in names)


def _share(text: str) -> float:
    return _within(float(text), 0, 1)


def _whole(low: int, high: int) -> Callable[[str], int]:
    return lambda text: int(_within(int(text), low, high))


def _seconds(text: str) -> float:
    return _within(float(text), 0, 3600)


def _within(value: float, low: float, high: float) -> float:
    if not low <= value <= high:
        raise argparse.ArgumentTypeError(f"{value} is not from {low} to {high}")
    return value


if __name__ == "__main__":
    sys.exit(main())
