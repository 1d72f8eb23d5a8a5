"""Why a row could not be mapped: codes for machines, a sentence each for people."""

from __future__ import annotations

from contract.received import TOTAL_LINE

MISSING_VALUE = "missing_value"
UNREADABLE_DATE = "unreadable_date"
UNREADABLE_MOMENT = "unreadable_moment"
UNREADABLE_NUMBER = "unreadable_number"
UNREADABLE_FLAG = "unreadable_flag"
ROUNDED_ID = "rounded_id"
UNKNOWN_CATEGORY = "unknown_category"
RAGGED_LINE = "ragged_line"
NOT_A_PRODUCT = "not_a_product"
DUPLICATE_LINE = "duplicate_line"
RETURNED = "returned"
UNPLACED_SERIES = "unplaced_series"
CONTRADICTING_HIERARCHY = "contradicting_hierarchy"
GROUP_NAME_ABSURD = "group_name_absurd"
UNDATED_WEEK = "undated_week"
UNREADABLE_ORDER_DAYS = "unreadable_order_days"
UNREADABLE_LEAD = "unreadable_lead_days"
HALF_NAMED = "half_named"

# refused on purpose: such a row says nothing of its series' day
LEFT_OUT = (NOT_A_PRODUCT, DUPLICATE_LINE, RETURNED, TOTAL_LINE)

REASONS: dict[str, str] = {
    MISSING_VALUE: "A column that every row must have is empty.",
    UNREADABLE_DATE: "The day is not a date as the others of its column are written "
    "(source.files.date_format), or it is a moment in UTC: write the store's own date, or state "
    "its zone (source.files.time_zone).",
    UNREADABLE_MOMENT: "known_at is not a moment; write it like 2016-05-22T06:00:00.",
    UNREADABLE_NUMBER: "A number cannot be read with its column's decimal mark "
    "(source.files.decimal), or it carries another unit than the others.",
    UNREADABLE_FLAG: "A yes-or-no column holds something else; it takes 1/0, true/false, yes/no in "
    "several languages, or the codes stated for it ({column, codes}).",
    ROUNDED_ID: "A spreadsheet wrote this id rounded, like 4,00638E+12: which thing it names is "
    "lost. Export the column as text.",
    UNKNOWN_CATEGORY: "A text value is not among the codes stated for its column in shop.yaml.",
    RAGGED_LINE: "The line has more fields than the header has names.",
    NOT_A_PRODUCT: "A column does not match its pattern in source.files.keep.",
    DUPLICATE_LINE: "An earlier line equals this one in all columns of "
    "source.files.deduplicate_on.",
    RETURNED: "The quantity is negative: goods that came back, refused by source.files.returns.",
    UNPLACED_SERIES: "A hierarchy column is empty, so the series belongs to no group of that "
    "level.",
    CONTRADICTING_HIERARCHY: "The series stands in another group here than in its first row of "
    "this day.",
    GROUP_NAME_ABSURD: "The name of a group has more than 200 characters, or some that cannot be "
    "seen: a shifted column.",
    TOTAL_LINE: "The line is the sum of others, and says so: a total.",
    UNREADABLE_ORDER_DAYS: "An order day is no weekday; write them like 'Mon Thu' or '1 4', Monday "
    "being 1.",
    UNREADABLE_LEAD: "A lead time is no number of whole days; write it like '2', or several with "
    "their probabilities like '2:0.8 3:0.2'.",
    HALF_NAMED: "Of the columns that name a series together some are empty; leave all empty where "
    "the row holds for any, or name a level (source.files.supply_on).",
    UNDATED_WEEK: "The calendar does not say which days this price week has.",
}
