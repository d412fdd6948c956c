"""Test protocol with stock kept here; requests are those of the Kafka protocol."""

from dataclasses import replace

from services.order_dispatch.providers import kafka

PROTOCOL = replace(kafka.PROTOCOL, name="hosted_here", reserves_stock=True)
