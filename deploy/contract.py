"""`python -m deploy.contract`: what the code would break of the contract, and releasing what it adds."""

import sys

from shared.contract import breaking, current, released, written
from shared.contract.releases import FILE


def main() -> None:
    """Exit 1 if something breaks a promise. `release` keeps the contract as it is now, and refuses then."""
    match sys.argv[1:]:
        case []:
            check()
        case ["release"]:
            release()
        case _:
            sys.exit("usage: python -m deploy.contract [release]")


def check() -> None:
    """Tell what would break, and what would be new."""
    last = released()
    if found := breaking(last, now := current(last)):
        sys.exit("\n".join(map(str, found)))
    new = "nothing new" if now == last else f"{now.version} when it is released"
    print(f"nothing breaks contract {last.version}; {new}")


def release() -> None:
    """Keep what the code says as the next release."""
    last = released() if FILE.exists() else None
    now = current(last)
    if last is not None and (found := breaking(last, now)):
        sys.exit("\n".join([*map(str, found), "nothing was released"]))
    FILE.write_text(written(now), encoding="utf-8")
    print(f"contract {now.version} is released: {len(now.events)} events")


if __name__ == "__main__":
    main()
