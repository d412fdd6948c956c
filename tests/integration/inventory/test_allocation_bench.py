"""The benchmark of a hot product runs, and both candidates allocate exactly the stock; speed is not tested."""

from tests.bench.allocation import Size, allocation_vs_bare


async def test_allocation_vs_bare_allocates_exact_stock(database):
    figures = await allocation_vs_bare(database["inventory"], Size(allocations=400, per_commit=50, rounds=1))

    assert figures["allocation_vs_bare"] > 0
    assert figures["allocations_per_second"].keys() == {"bare", "ours"}
