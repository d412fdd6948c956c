"""The four order flows side by side, each with a counterpart in a separate process."""

from deploy.demo.flows.assisted import AssistedShop
from deploy.demo.flows.drs import DrsShop
from deploy.demo.flows.hosted import HostedShop
from deploy.demo.flows.scenario import Scenario
from deploy.demo.flows.webhook import WebhookShop

__all__ = ["AssistedShop", "DrsShop", "HostedShop", "Scenario", "WebhookShop"]
