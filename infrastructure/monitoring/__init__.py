"""What the program tells Prometheus: metrics of runs, of the HTTP API and of the process."""

from infrastructure.monitoring.http_server import HttpServerMetrics, route_of
from infrastructure.monitoring.metrics import Metrics
from infrastructure.monitoring.observer import MetricsObserver
from infrastructure.monitoring.push import pushed
from infrastructure.monitoring.server import served

__all__ = ["HttpServerMetrics", "Metrics", "MetricsObserver", "pushed", "route_of", "served"]
