"""The four order flows side by side, each with a counterpart in a separate process."""

from deploy.local.demo.flows.act import Act
from deploy.local.demo.flows.assisted import AssistedShop
from deploy.local.demo.flows.drs import DrsShop
from deploy.local.demo.flows.hosted import HostedShop
from deploy.local.demo.flows.webhook import WebhookShop

__all__ = ["Act", "AssistedShop", "DrsShop", "HostedShop", "WebhookShop"]
