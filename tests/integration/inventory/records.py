"""Events as records of the broker, for batch handlers."""

from libs.kit.records import decoder_for
from replenish_contracts import wire
from tests.support import inventory_events as a


def record(event, event_id):
    """Return the event as the kit decodes it from its topic."""
    value = wire.encode(event, id=event_id, source="/test", time=a.NOON)
    return decoder_for(event.topic)(Raw(value, event.key.encode()))


class Raw:
    """The attributes of a broker record that the decoder reads."""

    partition = offset = 0
    headers = ()

    def __init__(self, value, key):
        self.value, self.key = value, key
