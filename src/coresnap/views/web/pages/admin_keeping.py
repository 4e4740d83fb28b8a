"""Administration: what is kept of faults and how long, and what is taken out."""

from __future__ import annotations

from coresnap.config.scrub_expressions import SCRUBBERS
from coresnap.errors import UsageError
from coresnap.snapshot.duration import duration
from coresnap.store.api.sampling import SamplingStatus
from coresnap.store.retention.words import outcome_words, rule_words
from coresnap.store.server.call import Content
from coresnap.views.web.admin_words import policy_of, sampling_of, scrubbing_of
from coresnap.views.web.page import SCOPE, Page, Redirect, Shown, Visit

__all__ = ["PAGES"]


def _retention_page(visit: Visit, error: str = "") -> Shown:
    context = {
        "status": visit.ask("retention_status"),
        "plan": visit.ask("plan_retention") if visit.has("plan") else None,
        "rule_words": rule_words,
        "outcome_words": outcome_words,
        "given": visit.one,
        "error": error,
    }
    return Shown("admin_retention.html", context, 400 if error else 200)


def _change_retention(visit: Visit) -> Shown | Redirect | Content:
    action = visit.one("action")
    try:
        if action == "set":
            visit.ask("set_retention", body=policy_of(visit))
            return Redirect(visit.url, "The policy holds.")
        if action == "clear":
            visit.ask("clear_retention")
            return Redirect(visit.url, "The project has no policy of its own.")
        visit.ask("run_retention")
        return Redirect(visit.url, "What the policy removes is being removed.")
    except UsageError as error:
        return _retention_page(visit, str(error))


def _sampling_page(visit: Visit, error: str = "") -> Shown:
    status: SamplingStatus = visit.ask("get_sampling")
    context = {
        "status": status,
        "duration": duration,
        "given": visit.one,
        "error": error,
    }
    return Shown("admin_sampling.html", context, 400 if error else 200)


def _change_sampling(visit: Visit) -> Shown | Redirect | Content:
    action = visit.one("action")
    try:
        if action == "set":
            visit.ask("set_sampling", body=sampling_of(visit))
            return Redirect(visit.url, "The rule holds; every kind begins again.")
        visit.ask("clear_sampling")
        return Redirect(visit.url, "Every snapshot is kept from now on.")
    except UsageError as error:
        return _sampling_page(visit, str(error))


def _scrubbing_page(visit: Visit, error: str = "") -> Shown:
    holds = visit.ask("get_scrubbing")
    lines = [f"{one.name} {one.pattern}" for one in holds.expressions]
    context = {
        "chosen": visit.all("built_in") if error else holds.built_in,
        "expressions": visit.one("expressions") if error else "\n".join(lines),
        "built_in": SCRUBBERS,
        "error": error,
    }
    return Shown("admin_scrubbing.html", context, 400 if error else 200)


def _change_scrubbing(visit: Visit) -> Shown | Redirect | Content:
    try:
        visit.ask("set_scrubbing", body=scrubbing_of(visit))
    except UsageError as error:
        return _scrubbing_page(visit, str(error))
    return Redirect(visit.url, "This is taken out of what arrives from now on.")


PAGES = (
    Page(f"{SCOPE}/admin/retention", _retention_page),
    Page(f"{SCOPE}/admin/retention", _change_retention, "POST"),
    Page(f"{SCOPE}/admin/sampling", _sampling_page),
    Page(f"{SCOPE}/admin/sampling", _change_sampling, "POST"),
    Page(f"{SCOPE}/admin/scrubbing", _scrubbing_page),
    Page(f"{SCOPE}/admin/scrubbing", _change_scrubbing, "POST"),
)
