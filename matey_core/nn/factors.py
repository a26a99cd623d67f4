"""How a patch length is shared out over the stages of a stem."""


def stage_factors(length: int) -> tuple[int, int, int]:
    """Split a patch length into three ascending factors (arXiv 2412.20601's code).

    From [1, 1, n], the largest entry keeps giving a divisor to the smallest, as
    long as that narrows the ratio of the largest to the smallest.

    Args:
        length: points of a patch along one axis, at least 1.
    """
    factors = [1, 1, length]
    while True:
        factors.sort()
        smallest, middle, largest = factors
        divisors = [a for a in range(2, int(largest**0.5) + 1) if largest % a == 0]
        if not divisors or smallest == largest:
            break
        share = divisors[-1]
        candidate = [smallest * share, middle, largest // share]
        if max(candidate) * smallest >= min(candidate) * largest:
            break
        factors = candidate
    return (factors[0], factors[1], factors[2])
