"""Who asks for which page goes in, what stands around every page comes out: its title and where one can go."""

from msgspec import Struct

from engine.access.principal import Principal
from engine.site import Site
from web.catalog import report_views


class Link(Struct, frozen=True):
    """Somewhere to go; `here` is the page itself."""

    label: str
    href: str
    here: bool
    help: str = ""


class Shell(Struct, frozen=True):
    """What stands around a page. `kind` is the class of its main part: "report", or "page" for a column of cards."""

    title: str
    kind: str
    reports: list[Link]
    links: list[Link]
    in_reports: bool


PAGES: tuple[tuple[str, str, str], ...] = (
    ("Home", "/", "all"),
    ("Customers", "/customers", "operator"),
    ("Account", "/customers", "customer"),
    ("Providers", "/providers", "operator"),
    ("Views", "/views", "all"),
    ("Batches", "/batches", "operator"),
    ("Rejects", "/rejects", "operator"),
    ("Verify", "/verify", "operator"),
    ("Help", "/help", "all"),
)
"""Pages beside the reports: label, address, and whose they are: "operator", "customer" or "all"."""


def shell(site: Site, principal: Principal, path: str, title: str, kind: str = "page") -> Shell:
    """Return what stands around the page at `path`."""
    views = report_views(site.catalog, principal, site.shelf.every(principal))
    reports = [Link(view.label, f"/reports/{view.name}", path == f"/reports/{view.name}", view.help) for view in views]
    links = [
        Link(label, href, path == href) for label, href, audience in PAGES if audience in ("all", principal.audience)
    ]
    return Shell(title, kind, reports, links, in_reports=any(link.here for link in reports))
