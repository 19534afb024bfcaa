import unittest

from prices import discount, receipt, total


class Prices(unittest.TestCase):
    def test_total_multiplies_price_and_quantity(self):
        self.assertEqual(total([(250, 2), (100, 3)]), 800)

    def test_an_empty_cart_costs_nothing(self):
        self.assertEqual(total([]), 0)

    def test_half_a_cent_goes_to_the_customer(self):
        self.assertEqual(discount(50, 25), 37)

    def test_the_amount_due_comes_last(self):
        self.assertTrue(receipt([(250, 2)])[-1].startswith("due "))


if __name__ == "__main__":
    unittest.main()
