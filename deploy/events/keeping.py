"""How long the history is kept: a policy of the broker above the one that the house ships."""

import json

import httpx

from deploy.management import client
from deploy.provision import DEFINITIONS, VHOST
from shared.history import HISTORY
from shared.problems import Problem, Unavailable

OURS = "history-ours"


def kept(url: str, days: int, gigabytes: int) -> None:
    """So many days, and at most so many GB on each replica. Raises Problem."""
    policies = json.loads(DEFINITIONS.read_text("utf-8"))["policies"]
    (shipped,) = [each for each in policies if each["name"] == "history"]
    limits = {"max-age": f"{days}D", "max-length-bytes": gigabytes * 10**9}
    policy = {
        "pattern": shipped["pattern"],
        "apply-to": shipped["apply-to"],
        "priority": shipped["priority"] + 1,
        "definition": shipped["definition"] | limits,
    }
    try:
        with client(url) as management:
            answer = management.put(f"/api/policies/{VHOST}/{OURS}", json=policy)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unavailable(f"The broker's management cannot be reached ({type(error).__name__})") from None
    if not answer.is_success:
        raise Problem(f"The broker answers the policy for {HISTORY} with {answer.status_code}")
