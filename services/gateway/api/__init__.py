"""HTTP API of the gateway."""

from services.gateway.api.ingest_pipeline import start_pipeline, stop_pipeline
from services.gateway.api.usage import router

__all__ = ["router", "start_pipeline", "stop_pipeline"]
