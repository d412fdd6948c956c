"""The order flows side by side, each with a counterpart in a separate process."""

from deploy.demo.flows.acp import AcpShop
from deploy.demo.flows.assisted import AssistedShop, OneLineShop
from deploy.demo.flows.drs import DrsShop
from deploy.demo.flows.hosted import HostedShop
from deploy.demo.flows.kafka import KafkaShop
from deploy.demo.flows.scenario import Scenario
from deploy.demo.flows.webhook import WebhookShop

__all__ = ["AcpShop", "AssistedShop", "DrsShop", "HostedShop", "KafkaShop", "OneLineShop", "Scenario", "WebhookShop"]
