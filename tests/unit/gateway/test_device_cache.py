from services.gateway.domain.devices import Device, DeviceCache


def device(name):
    return Device(name, "customer-1", 1, {})


class TestDeviceCache:
    def test_find_by_credential_and_by_id(self):
        cache = DeviceCache(10)
        cache.save(device("m"), b"digest")

        assert cache.find("m") == cache.find_by_credential(b"digest") == device("m")

    def test_delete_removes_credential(self):
        cache = DeviceCache(10)
        cache.save(device("m"), b"digest")
        cache.delete("m")

        assert cache.find("m") is cache.find_by_credential(b"digest") is None

    def test_save_replaces_credential(self):
        cache = DeviceCache(10)
        cache.save(device("m"), b"old")
        cache.save(device("m"), b"new")

        assert cache.find_by_credential(b"old") is None
        assert cache.find_by_credential(b"new") == device("m")

    def test_save_evicts_least_recently_used(self):
        cache = DeviceCache(2)
        cache.save(device("a"), b"a")
        cache.save(device("b"), b"b")
        cache.find("a")
        cache.save(device("c"), b"c")

        assert cache.find_by_credential(b"b") is None
        assert cache.find_by_credential(b"a") == device("a")

    def test_save_evicts_credentials_of_evicted_devices(self):
        cache = DeviceCache(2)
        for number in range(100):
            cache.save(device(str(number)), str(number).encode())

        assert len(cache._id_by_digest) == len(cache._digest_by_id) == 2
