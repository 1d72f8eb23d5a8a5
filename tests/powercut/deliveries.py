"""What lies in the inbox: ten series of two stores, their days, plans, stock and terms."""

from __future__ import annotations

from datetime import date, timedelta

FIRST = date(2024, 1, 1)
HISTORY_DAYS = 40
SERIES = [
    (f"{item}_{store}", store, item)
    for store in ("CA_1", "TX_2")
    for item in ("F_1", "F_2", "H_1", "H_2", "H_3")
]
HEADER = "unique_id,ds,y,state_id,store_id,cat_id,dept_id,item_id"


def sales_of(day: date, plus: int = 0, broken: int = 0) -> str:
    """One day of all series; some units unlike the day before, the first `broken` rows (one or two)
    refused.
    """
    lines = [HEADER]
    for number, (name, store, item) in enumerate(SERIES):
        y = 3 + (number + day.day) % 4 + plus * (number % 2)
        if number < broken:
            y = (-1, 150_000)[number]
        lines.append(f"{name},{day},{y},{store[:2]},{store},{item[0]},{item[0]}_D,{item}")
    return "\n".join(lines) + "\n"


def history(end: date) -> str:
    return lines(*[sales_of(FIRST + timedelta(days=k)) for k in range((end - FIRST).days)])


def lines(*files: str) -> str:
    """Several days as one file."""
    return "\n".join([HEADER, *(line for text in files for line in text.splitlines()[1:])]) + "\n"


def calendar() -> str:
    days = [FIRST + timedelta(days=k) for k in range(60)]
    rows = [f"{day},CA,{'feast' if day.day == 14 else ''}" for day in days]
    return "\n".join(["ds,region,event", *rows]) + "\n"


def prices(price: float) -> str:
    rows = [f"{name},{FIRST},{FIRST + timedelta(days=90)},{price}" for name, _, _ in SERIES]
    return "\n".join(["unique_id,from_ds,to_ds,price", *rows]) + "\n"


def supply() -> str:
    """Everything is ordered every day for the next."""
    return "dept_id,order_days,lead_days\nF_D,1 2 3 4 5 6 7,1\nH_D,1 2 3 4 5 6 7,1\n"


def stock(day: date) -> str:
    """What was in hand at the close of a day."""
    rows = [f"{name},{day},{k}" for k, (name, _, _) in enumerate(SERIES)]
    return "\n".join(["unique_id,ds,on_hand", *rows]) + "\n"
