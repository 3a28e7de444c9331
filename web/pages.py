"""Requests for pages go in, HTML comes out; what every page is made of is asked as the API asks it."""

from typing import Any

from litestar import Request, Router
from litestar.di import Provide
from litestar.response import Template

from engine.errors import TollhouseError
from web import accounts, batches_page, number_page
from web.access import principal_of
from web.api import site_of
from web.errors import ours
from web.help_page import explained
from web.home_page import home
from web.verify_page import verify
from web.views_page import views


def told(request: Request[Any, Any, Any], failure: TollhouseError) -> Template:
    """Answer a request for a page that cannot be shown with one that says why."""
    response = ours(request, failure)  # which logs what is the server's own fault
    return Template("failed.html", context={"failure": failure}, status_code=response.status_code or 500)


router = Router(
    "/",
    route_handlers=[
        home,
        explained,
        verify,
        views,
        *accounts.HANDLERS,
        *batches_page.HANDLERS,
        *number_page.HANDLERS,
    ],
    exception_handlers={TollhouseError: told},
    dependencies={
        "principal": Provide(principal_of, sync_to_thread=False),
        "site": Provide(site_of, sync_to_thread=False),
    },
)
