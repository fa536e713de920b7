"""What an address takes: the methods that it has, and the parameters that are declared for them."""

from __future__ import annotations

from fastapi import Request
from starlette.routing import Match

from backoffice.web.problems import FieldError, Problem, is_api, own_path

_EVERY_OTHER = "/{path:path}"  # the route that answers what no other does


def methods_of(request: Request) -> set[str]:
    """Return the methods of the address as the first route that fits writes it; none when none does."""
    fitting = [
        route
        for route in request.app.routes
        if route.path != _EVERY_OTHER and route.matches(request.scope)[0] is not Match.NONE
    ]
    return {method for route in fitting if route.path == fitting[0].path for method in route.methods}


def refuse_unknown_parameters(request: Request) -> None:
    """Refuse a parameter that the API does not know: a filter with a slip would be none, and show everything.

    :raises Problem: 422, with each of them.
    """
    if not is_api(own_path(request)) or not request.query_params:
        return
    operations = request.app.openapi()["paths"].get(request.scope["route"].path, {})
    described = operations.get(request.method.lower())
    if described is None:
        return
    known = {one["name"] for one in described.get("parameters", []) if one["in"] == "query"}
    unknown = sorted(request.query_params.keys() - known)
    if unknown:
        raise Problem(
            422,
            "This address does not know some of the parameters.",
            [FieldError(name, "there is no such parameter here") for name in unknown],
        )
