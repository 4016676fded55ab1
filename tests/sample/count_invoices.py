#!/usr/bin/env python3
"""Counts what the order simulation has to make of a CSV file, by the rules and not by the program: a second opinion.

usage: count_invoices.py FILE.csv                                   prints the expected figures as JSON
       count_invoices.py FILE.csv --program order_simulation        compares them to what the program says
"""
import argparse
import csv
import decimal
import json
import subprocess
import sys


def read_invoices(path):
    invoices = {}
    with open(path, encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file, strict=True):
            line = (row["StockCode"], int(row["Quantity"]), decimal.Decimal(row["UnitPrice"]))
            invoices.setdefault(row["InvoiceNo"], []).append(line)
    return invoices


def price_is_fine(price):
    cents = price * 100
    return cents >= 1 and cents == int(cents)


def is_accepted(number, lines):
    sign = -1 if number.startswith("C") else 1
    return all(sign * quantity >= 1 and price_is_fine(price) for _, quantity, price in lines)


def value_cents(lines):
    return sum(abs(quantity) * int(price * 100) for _, quantity, price in lines)


def units(lines):
    return sum(abs(quantity) for _, quantity, _ in lines)


def count(path):
    """What comes out if no payment is declined and nothing runs out of stock."""
    invoices = read_invoices(path)
    orders = {number: lines for number, lines in invoices.items() if not number.startswith("C")}
    returns = {number: lines for number, lines in invoices.items() if number.startswith("C")}
    sold = [lines for number, lines in orders.items() if is_accepted(number, lines)]
    returned = [lines for number, lines in returns.items() if is_accepted(number, lines)]
    return {
        "orders_total": len(orders),
        "orders_completed": len(sold),
        "orders_cancelled_payment_declined": 0,
        "orders_cancelled_out_of_stock": 0,
        "orders_rejected": len(orders) - len(sold),
        "returns_total": len(returns),
        "returns_accepted": len(returned),
        "returns_rejected": len(returns) - len(returned),
        "revenue_cents": sum(map(value_cents, sold)),
        "refunded_cents": sum(map(value_cents, returned)),
        "units_sold": sum(map(units, sold)),
        "units_returned": sum(map(units, returned)),
        "audit": "passed",
    }


def run(program, path, decline_rate):
    command = [program, "--input", path, "--decline-rate", decline_rate, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with status {done.returncode}")
    return json.loads(done.stdout)


def differences(expected, actual, what):
    return [
        f"{what}: {name} is {actual.get(name)!r}, should be {value!r}"
        for name, value in expected.items()
        if actual.get(name) != value
    ]


def compare(program, path):
    """Exactly with no payment declined; with the usual rate, where a hash decides, in the sums."""
    expected = count(path)
    found = differences(expected, run(program, path, "0"), "no payment declined")

    usual = run(program, path, "0.02")
    untouched = ("orders_total", "orders_rejected", "returns_total", "returns_accepted", "returns_rejected",
                 "refunded_cents", "units_returned", "audit")
    found += differences({name: expected[name] for name in untouched}, usual, "2 % declined")
    ended = sum(value for name, value in usual.items()
                if name.startswith("orders_") and name != "orders_total")
    found += differences({"orders in all": expected["orders_total"]}, {"orders in all": ended}, "2 % declined")

    all_declined = run(program, path, "1")
    found += differences({"orders_completed": 0, "revenue_cents": 0, "units_sold": 0,
                          "orders_cancelled_payment_declined": expected["orders_completed"]},
                         all_declined, "all declined")
    return found


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("file")
    arguments.add_argument("--program")
    given = arguments.parse_args()
    if not given.program:
        print(json.dumps(count(given.file), indent=2))
        return
    found = compare(given.program, given.file)
    print("\n".join(found) if found else "the program's figures are those of the independent count")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
