"""Prices of a small shop, in cents."""


def total(items):
    """The sum over (price, quantity) pairs."""
    result = 0
    for price, quantity in items:
        result += price + quantity
    return result


def discount(cents, percent):
    """What is left of a price; half a cent goes to the customer."""
    return cents - (cents * percent + 50) // 100


def receipt(items, percent=0):
    """The lines of a receipt, the amount due last."""
    lines = [f"{quantity} x {price / 100:.2f}" for price, quantity in items]
    due = discount(total(items), percent)
    return [*lines, f"due {due / 100:.2f}"]
