from services.gateway.domain.devices import Device
from services.gateway.domain.memory import Memory


def device(name):
    return Device(name, "customer-1", 1, {})


class TestMemory:
    def test_finds_by_credential_and_by_id(self):
        memory = Memory(10)
        memory.keep(device("m"), b"digest")

        assert memory.find("m") == memory.find_by_credential(b"digest") == device("m")

    def test_forgets_a_credential_with_its_device(self):
        memory = Memory(10)
        memory.keep(device("m"), b"digest")
        memory.forget("m")

        assert memory.find("m") is memory.find_by_credential(b"digest") is None

    def test_a_new_credential_ends_the_old_one(self):
        memory = Memory(10)
        memory.keep(device("m"), b"old")
        memory.keep(device("m"), b"new")

        assert memory.find_by_credential(b"old") is None
        assert memory.find_by_credential(b"new") == device("m")

    def test_forgets_who_was_not_asked_for_longest(self):
        memory = Memory(2)
        memory.keep(device("a"), b"a")
        memory.keep(device("b"), b"b")
        memory.find("a")
        memory.keep(device("c"), b"c")

        assert memory.find_by_credential(b"b") is None
        assert memory.find_by_credential(b"a") == device("a")

    def test_forgets_their_credentials_with_them(self):
        memory = Memory(2)
        for number in range(100):
            memory.keep(device(str(number)), str(number).encode())

        assert len(memory._owner) == len(memory._digests) == 2
