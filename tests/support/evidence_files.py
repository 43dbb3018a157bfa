"""Files that the page of claims reads: the results of ``make crash``, and a report of tests."""

from __future__ import annotations

CRASH = {"kills": 100, "before_first": 7, "writing": 20, "loaded": 93, "equal": 93, "good": True}

JUNIT = """<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="pytest" tests="4" timestamp="2026-11-22T10:00:00+00:00">
<properties><property name="installed" value="57 packages"/></properties>
<testcase classname="tests.test_a" name="one"/>
<testcase classname="tests.test_a.TestB" name="two"><failure message="no"/></testcase>
<testcase classname="tests.test_b" name="three"><skipped/></testcase>
<testcase classname="tests.test_b" name="four"><error/></testcase>
</testsuite></testsuites>"""
