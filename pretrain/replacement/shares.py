"""Shares of a whole, as a replacement's settings give them."""


def check_shares(**shares: float) -> None:
    """Raise ValueError unless the named shares add up to 1."""
    total = sum(shares.values())
    if abs(total - 1) > 1e-6:
        listed = " + ".join(f"{name} {share:g}" for name, share in shares.items())
        raise ValueError(f"{listed} = {total:g}, they must add up to 1")
