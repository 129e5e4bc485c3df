"""Ways to a site, straight, through proxies or through Tor, and the choice between them."""

from infrastructure.http.routes.failures import RouteFailed
from infrastructure.http.routes.journey import Journey, Leg
from infrastructure.http.routes.pool import RoutePool
from infrastructure.http.routes.route import DIRECT, Route, route_groups

__all__ = ["DIRECT", "Journey", "Leg", "Route", "RouteFailed", "RoutePool", "route_groups"]
