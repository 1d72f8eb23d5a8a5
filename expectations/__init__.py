"""What a row must be: one suite per fact, and the judge that splits a batch. The only package that
knows Great Expectations.

Every rule is defined once and checked in two ways: by Great Expectations, which decides a daily
batch, and as a Polars expression, which decides a history. Both read the same measures; a test
holds them to the same results.
"""
